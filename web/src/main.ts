// Where the page begins.

import { mount } from "svelte";
import { createKith } from "./model";
import App from "./view/App.svelte";
import "./view/style/index.css";

const target = document.getElementById("app");
if (target) mount(App, { target, props: { kith: createKith() } });
