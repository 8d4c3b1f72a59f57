// Where the page begins.

import { mount } from "svelte";
import { createKith } from "./model";
import App from "./view/App.svelte";
import { keepPage } from "./view/update";
import "./view/style/index.css";

const target = document.getElementById("app");
if (target) {
  const kith = createKith();
  mount(App, { target, props: { kith } });
  if (import.meta.env.PROD) void keepPage((apply) => kith.offerUpdate(apply));
}
