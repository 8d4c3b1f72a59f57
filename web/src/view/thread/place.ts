// Where the reader was in each thread, for as long as the page lives (T7): a message and how far below the upper edge it
// began. Never a scroll position: what lies above may have another height next time.

import type { TimelineItem } from "../../model";

export interface Place {
  key: string;
  offsetPx: number;
}

/** More threads are not come back to in one visit. */
const PLACES_MAX = 200;

const places = new Map<string, Place>();

export function remember(threadId: string, place: Place | null): void {
  places.delete(threadId);
  if (place) places.set(threadId, place);
  const oldest = places.keys().next();
  if (places.size > PLACES_MAX && !oldest.done) places.delete(oldest.value);
}

export function remembered(threadId: string): Place | null {
  return places.get(threadId) ?? null;
}

/** Where the list begins: the place from before, the New line at a third of the height, or the end. */
export function beginning(
  items: readonly TimelineItem[],
  place: Place | null,
  heightPx: number,
): { index: number; offsetPx: number } | null {
  const known = place ? items.findIndex((item) => item.key === place.key) : -1;
  if (place && known >= 0) return { index: known, offsetPx: -place.offsetPx };
  const line = items.findIndex((item) => item.type === "new");
  return line >= 0 ? { index: line, offsetPx: -heightPx / 3 } : null;
}
