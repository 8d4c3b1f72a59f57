// Which messages a person has seen: half of one was on the screen for a second, in a tab that is visible and has the focus, of
// somebody who did something within the last minute (R1).

import type { TimelineItem } from "../../model";

const SEEN_MS = 1_000;
const AWAKE_MS = 60_000;

const INPUTS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "focus"] as const;

/** When the person last did something on this page. */
let inputAt = Date.now();
for (const input of INPUTS) {
  addEventListener(input, () => (inputAt = Date.now()), { capture: true, passive: true });
}

function isLookedAt(): boolean {
  return !document.hidden && document.hasFocus() && Date.now() - inputAt < AWAKE_MS;
}

export class Seen {
  /** Since when each message is half on the screen. */
  #since = new Map<number, number>();
  #wasLookedAt = false;

  /** The newest of which half was there for a second; null: none. */
  look(visible: readonly TimelineItem[]): number | null {
    const now = Date.now();
    if (!isLookedAt()) {
      this.#wasLookedAt = false;
      return null;
    }
    const before = this.#wasLookedAt ? this.#since : new Map<number, number>();
    this.#wasLookedAt = true;
    this.#since = new Map();
    let seen: number | null = null;
    for (const item of visible) {
      if ((item.type !== "message" && item.type !== "notice") || item.seq === null) continue;
      const since = before.get(item.seq) ?? now;
      this.#since.set(item.seq, since);
      if (now - since >= SEEN_MS) seen = Math.max(seen ?? 0, item.seq);
    }
    return seen;
  }
}
