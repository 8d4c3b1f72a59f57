// Says to the server what was read: at most once a second, the highest number only, and also when it has not grown while the
// badge is not zero (R2).

import { Refusal } from "../api/refusal";
import type { Context } from "./context";

const EVERY_MS = 1_000;

export class ReadMarks {
  readonly #context: Context;
  readonly #thread: string;
  /** What is to be said, what was said. */
  #wanted = 0;
  #said = 0;
  /** No answer came. */
  #missed = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #lastAt = -Infinity;

  constructor(context: Context, thread: string) {
    this.#context = context;
    this.#thread = thread;
  }

  read(seq: number, isBadgeZero: boolean): void {
    const isNews = seq > Math.max(this.#wanted, this.#said);
    if (!isNews && (isBadgeZero || this.#timer !== null)) return;
    this.#wanted = Math.max(this.#wanted, seq);
    const waitMs = Math.max(0, this.#lastAt + EVERY_MS - this.#context.now());
    this.#timer ??= setTimeout(() => void this.#say(), waitMs);
  }

  /** There is a connection again. */
  again(): void {
    if (this.#missed > this.#said) this.read(this.#missed, true);
  }

  async #say(): Promise<void> {
    this.#timer = null;
    this.#lastAt = this.#context.now();
    const seq = this.#wanted;
    try {
      await this.#context.calls.message.read(this.#thread, seq);
      this.#said = Math.max(this.#said, seq);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // The next time that something is seen, or that the badge is not zero, it is said again.
      this.#wanted = this.#said;
      if (error.retry === "later") this.#missed = Math.max(this.#missed, seq);
    }
  }
}
