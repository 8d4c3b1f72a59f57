// Whether the info of the open thread is shown: docked and remembered where there is room, else a page over the thread.

import type { Kith } from "../../model/kith";
import { layout } from "../layout.svelte";
import { route, to } from "../route.svelte";

export function isInfoShown(kith: Kith): boolean {
  const here = route.current;
  if (here.page !== "thread") return false;
  return here.isInfo || (layout.width === "desktop" && kith.preferences.isInfoOpen);
}

export function toggleInfo(kith: Kith): boolean {
  const here = route.current;
  if (here.page !== "thread") return false;
  const isShown = isInfoShown(kith);
  if (layout.width === "desktop") {
    kith.preferences.set("isInfoOpen", !isShown);
    if (here.isInfo) route.go(to.thread(here.threadId), { replace: true });
    return true;
  }
  if (isShown) route.back(to.thread(here.threadId));
  else route.go(to.info(here.threadId));
  return true;
}
