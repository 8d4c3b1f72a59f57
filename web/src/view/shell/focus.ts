// Where the focus goes when the page changes (section 7 of the brief): to the title on a phone, where a reader begins; to
// the text box beside a list, where one writes; back to the row on leaving a thread.

import { untrack } from "svelte";
import type { Width } from "../layout.svelte";
import { focusRegion, REGION } from "../regions";
import type { Route } from "../route.svelte";
import { frontPane } from "./panes";

/** A part of the page may have to be fetched first; later than this the focus would jump under the person's hands. */
const PATIENCE_MS = 1_500;
let before: Route | null = null;
let attempt = 0;

export function moveFocus(here: Route, layout: { width: Width; isTouch: boolean }) {
  const from = before;
  before = here;
  attempt += 1;
  const { width, isTouch } = untrack(() => ({ width: layout.width, isTouch: layout.isTouch }));
  const target = targetOf(from, here, width, isTouch);
  if (target) void reach(target, attempt);
}

type Target = () => boolean;

function targetOf(from: Route | null, here: Route, width: Width, isTouch: boolean): Target | null {
  const isFirst = from === null;
  if (here.page === "thread") {
    if (here.isInfo && width === "desktop") return null;
    if (here.isInfo) return () => focusRegion(width === "phone" ? REGION.infoTitle : REGION.info);
    if (from?.page === "thread" && from.isInfo && from.threadId === here.threadId && width !== "phone")
      return null;
    const isBox = width !== "phone" && !isTouch;
    // Who may not write has no box.
    return isBox ? () => focusRegion(REGION.box) || focusLate(REGION.title) : () => focusRegion(REGION.title);
  }
  if (from?.page === "thread" && here.page === "list") return () => focusRow(from.threadId);
  if (width !== "phone" && frontPane(here) === "side") {
    return here.page === "list" ? null : () => focusFront(isTouch);
  }
  if (isFirst) return null;
  return () => focusRegion(REGION.title);
}

let lateFrom = 0;

/** The title only once the box had its time to come. */
function focusLate(id: string): boolean {
  return Date.now() - lateFrom > PATIENCE_MS / 2 && focusRegion(id);
}

function focusRow(threadId: string): boolean {
  const row = document.querySelector<HTMLElement>(`[data-row="${CSS.escape(threadId)}"]`);
  row?.focus({ preventScroll: true });
  return row !== null;
}

/** The page on the side that lies before the list says where it begins. */
function focusFront(isTouch: boolean): boolean {
  const title = document.querySelector<HTMLElement>("[data-front] h2[data-start]");
  // A box would bring the keyboard of a touch screen, over what is to be read.
  const box = isTouch ? null : document.querySelector<HTMLElement>("[data-front] input[data-start]");
  const start = box ?? title;
  start?.focus();
  return start !== null;
}

async function reach(target: Target, mine: number) {
  lateFrom = Date.now();
  const atStart = document.activeElement;
  while (Date.now() - lateFrom < PATIENCE_MS) {
    await new Promise((resolve) => setTimeout(resolve, 16));
    const isTaken = document.activeElement !== atStart && document.activeElement !== document.body;
    if (mine !== attempt || isTaken) return;
    if (target()) return;
  }
}
