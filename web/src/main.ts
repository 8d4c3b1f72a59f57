// Where the page begins.

import { mount } from "svelte";
import { createKith } from "./model";
import App from "./view/App.svelte";
import { keepPage } from "./view/update";
import "./view/style/index.css";

const target = document.getElementById("app");
if (target) {
  const kith = createKith();
  if (kith.isReturning) fetchAhead();
  mount(App, { target, props: { kith } });
  if (import.meta.env.PROD) void keepPage((apply) => kith.offerUpdate(apply));
}

/** What the first view will need, while the model reads what it holds. */
function fetchAhead() {
  void import("./view/shell/Shell.svelte");
  if (location.pathname.startsWith("/t/")) void import("./view/thread/ThreadPane.svelte");
}
