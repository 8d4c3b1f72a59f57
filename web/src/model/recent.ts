// The messages of others that were pushed since the server last told a row of the inbox: what it tells next may be of a moment
// before them, and what of them is unread can be counted here.

import type { Entry } from "../protocol";
import { isCountable } from "./log";
import { names } from "./new-line";

export interface Count {
  readonly unread: number;
  readonly mentions: number;
}

export const NOTHING_UNREAD: Count = { unread: 0, mentions: 0 };

/** Of one thread; for older ones the server is asked. */
const MAX = 200;

interface Pushed {
  readonly seq: number;
  readonly isMention: boolean;
  isDeleted: boolean;
}

/** A deletion that was pushed. */
interface Removal {
  readonly seq: number;
  readonly target: number;
  readonly isMention: boolean;
}

export class Recent {
  /** All that came after this one is here. */
  #from: number;
  #pushed: Pushed[] = [];
  #removals: Removal[] = [];

  constructor(head: number) {
    this.#from = head;
  }

  add(entry: Entry, me: string): void {
    if (!isCountable(entry) || entry.author_id === me) return;
    const isDeleted = entry.deleted_seq !== undefined;
    this.#pushed.push({ seq: entry.seq, isMention: names(entry, me), isDeleted });
    if (this.#pushed.length > MAX) this.#from = this.#pushed.shift()?.seq ?? this.#from;
  }

  /** The message with this number, if it is among these. */
  at(seq: number): { isMention: boolean; isDeleted: boolean } | null {
    return this.#pushed.find((pushed) => pushed.seq === seq) ?? null;
  }

  /** A message of somebody else was deleted by the entry `seq`. */
  remove(seq: number, target: number, isMention: boolean): void {
    const one = this.#pushed.find((pushed) => pushed.seq === target);
    if (one) one.isDeleted = true;
    this.#removals.push({ seq, target, isMention });
    if (this.#removals.length > MAX) this.#from = Math.max(this.#from, this.#removals.shift()?.seq ?? 0);
  }

  /** What is unread after this one; null: it lies too far back. */
  above(seq: number): Count | null {
    if (seq < this.#from) return null;
    const unread = this.#pushed.filter((one) => one.seq > seq && !one.isDeleted);
    return { unread: unread.length, mentions: unread.filter((one) => one.isMention).length };
  }

  /** What the unread of an answer as of `head`, above a read mark, lacks; null: it lies too far back. */
  since(head: number, readSeq: number): Count | null {
    if (head < this.#from) return null;
    const { unread, mentions } = this.above(Math.max(head, readSeq)) ?? NOTHING_UNREAD;
    const removed = this.#removals.filter(
      ({ seq, target }) => seq > head && target <= head && target > readSeq,
    );
    return {
      unread: unread - removed.length,
      mentions: mentions - removed.filter(({ isMention }) => isMention).length,
    };
  }

  /** The server told a row as of this head. */
  told(head: number): void {
    if (head < this.#from) return;
    this.#from = head;
    this.#pushed = this.#pushed.filter((one) => one.seq > head);
    this.#removals = this.#removals.filter((one) => one.seq > head);
  }
}
