// A timer that goes on while the page is hidden. Browsers let the timers of a page that was hidden for five minutes run once a
// minute, which is the whole of a presence lease; those of a worker go on (N2).

import { scriptUrl } from "./script-url";
import workerUrl from "./ticker-worker.ts?worker&url";

/** One wake-up in ten seconds, as the budget of a hidden tab asks. */
const HIDDEN_EVERY_MS = 10_000;

export class Ticker {
  readonly #tick: () => void;
  readonly #everyMs: number;
  #worker: Worker | null = null;
  #interval: ReturnType<typeof setInterval> | null = null;

  constructor(everyMs: number, tick: () => void) {
    this.#tick = tick;
    this.#everyMs = everyMs;
    document.addEventListener("visibilitychange", this.#changed);
    this.#start();
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.#changed);
    this.#pause();
  }

  readonly #changed = (): void => {
    this.#pause();
    this.#start();
    this.#tick();
  };

  #start(): void {
    if (!document.hidden) this.#interval = setInterval(this.#tick, this.#everyMs);
    else if ("Worker" in globalThis) this.#startWorker();
    else this.#interval = setInterval(this.#tick, HIDDEN_EVERY_MS);
  }

  /** Only while the page is hidden: seen ones have timers of their own. */
  #startWorker(): void {
    this.#worker = new Worker(scriptUrl(workerUrl), { type: "module" });
    this.#worker.onmessage = () => this.#tick();
    // Its script could not be read: better seldom than never.
    this.#worker.onerror = () => (this.#interval ??= setInterval(this.#tick, HIDDEN_EVERY_MS));
    this.#worker.postMessage(HIDDEN_EVERY_MS);
  }

  #pause(): void {
    if (this.#interval !== null) clearInterval(this.#interval);
    this.#interval = null;
    this.#worker?.terminate();
    this.#worker = null;
  }
}
