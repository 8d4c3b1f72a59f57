// A timer that goes on while the page is hidden. Browsers let the timers of a page that was hidden for five minutes run once a
// minute, which is the whole of a presence lease; those of a worker go on (N2).

import { scriptUrl } from "./script-url";
import workerUrl from "./ticker-worker.ts?worker&url";

export class Ticker {
  readonly #tick: () => void;
  readonly #everyMs: number;
  #worker: Worker | null = null;
  #interval: ReturnType<typeof setInterval> | null = null;

  constructor(everyMs: number, tick: () => void) {
    this.#tick = tick;
    this.#everyMs = everyMs;
    this.#interval = setInterval(tick, everyMs);
    globalThis.document?.addEventListener("visibilitychange", this.#change);
  }

  stop(): void {
    globalThis.document?.removeEventListener("visibilitychange", this.#change);
    if (this.#interval !== null) clearInterval(this.#interval);
    this.#worker?.terminate();
    this.#worker = null;
  }

  /** A worker only while it is needed: hidden pages should cost next to nothing, and so should seen ones. */
  readonly #change = (): void => {
    if (!document.hidden) {
      this.#worker?.terminate();
      this.#worker = null;
      this.#tick();
      return;
    }
    if (this.#worker || !("Worker" in globalThis)) return;
    this.#worker = new Worker(scriptUrl(workerUrl), { type: "module" });
    this.#worker.onmessage = () => this.#tick();
    this.#worker.postMessage(Math.max(this.#everyMs, HIDDEN_EVERY_MS));
  };
}

/** One wake-up in ten seconds, as the budget of a hidden tab asks. */
const HIDDEN_EVERY_MS = 10_000;
