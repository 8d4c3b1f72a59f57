// Says to the server that messages have arrived in this browser: one mark for all that came within a second.

import type { Entry, InboxRow } from "../protocol";

const TOGETHER_MS = 1_000;

export interface Delivery {
  readonly me: string;
  row(thread: string): InboxRow | null;
  /** Somebody unknown is not told before they are accepted (G3). */
  isRequest(thread: string): boolean;
  say(thread: string, seq: number): void;
}

export class DeliveredMarks {
  readonly #delivery: Delivery;
  readonly #arrived = new Map<string, number>();

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  arrived(thread: string, entries: readonly Entry[]): void {
    const last = entries.at(-1)?.seq;
    const isOwn = entries.every((entry) => entry.author_id === this.#delivery.me);
    if (last === undefined || isOwn) return;
    if (this.#arrived.size === 0) setTimeout(() => this.#say(), TOGETHER_MS);
    this.#arrived.set(thread, Math.max(last, this.#arrived.get(thread) ?? 0));
  }

  #say(): void {
    const { row, isRequest, say } = this.#delivery;
    for (const [thread, seq] of this.#arrived) {
      const mine = row(thread)?.mine;
      // Reading implies it.
      if (mine && mine.read_seq < seq && !isRequest(thread)) say(thread, seq);
    }
    this.#arrived.clear();
  }
}
