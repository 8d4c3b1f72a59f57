// What the keys of the page do that belong to no one pane.

import type { Kith } from "../../model/kith";
import { handle } from "../keyboard";
import { cycleRegions } from "../regions";
import { route, to } from "../route.svelte";
import { dialogs } from "./dialogs.svelte";
import { toggleInfo } from "./info";

/** Gives what takes them away again. */
export function registerCommands(kith: Kith): () => void {
  const stops = [
    handle("palette", () => dialogs.toggle("palette")),
    handle("shortcuts", () => dialogs.toggle("shortcuts")),
    handle("next_thread", () => step(kith, 1, false)),
    handle("previous_thread", () => step(kith, -1, false)),
    handle("next_unread", () => step(kith, 1, true)),
    handle("previous_unread", () => step(kith, -1, true)),
    handle("toggle_info", () => toggleInfo(kith)),
    handle("next_region", () => cycleRegions(1)),
    handle("previous_region", () => cycleRegions(-1)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** To the thread above or below the open one, in the order of the inbox. */
function step(kith: Kith, by: 1 | -1, isUnread: boolean) {
  const rows = (kith.inbox.rows ?? []).filter((row) => !row.isRequest);
  const here = route.current.page === "thread" ? route.current.threadId : null;
  const start = rows.findIndex((row) => row.id === here);
  const first = start === -1 && by === -1 ? rows.length : start;
  for (let at = first + by; at >= 0 && at < rows.length; at += by) {
    const row = rows[at];
    if (row && (!isUnread || row.unread > 0 || row.isMarkedUnread)) {
      route.go(to.thread(row.id), { replace: here !== null });
      return;
    }
  }
}
