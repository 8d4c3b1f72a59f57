// What happens to an account, one event after the other; all pushes that come within a frame are applied, and drawn, at once.

import type { Event } from "./event";

/** A page that is not drawn, though it does not call itself hidden, gets no frames: then it is soon enough. */
const FRAME_MAX_MS = 100;

export class EventQueue {
  readonly #happened: (event: Event) => void;
  readonly #settled: () => void;
  #events: Event[] = [];
  #isWaiting = false;

  /** `settled`: after all that happened at once. */
  constructor(happened: (event: Event) => void, settled: () => void) {
    this.#happened = happened;
    this.#settled = settled;
  }

  add(event: Event): void {
    this.#events.push(event);
    if (event.type !== "frame") return this.#flush();
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const flush = (): void => {
      if (this.#isWaiting) this.#flush();
    };
    if (document.hidden) return queueMicrotask(flush);
    requestAnimationFrame(flush);
    setTimeout(flush, FRAME_MAX_MS);
  }

  #flush(): void {
    this.#isWaiting = false;
    const events = this.#events;
    this.#events = [];
    for (const event of events) this.#happened(event);
    this.#settled();
  }
}
