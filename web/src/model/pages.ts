// Reads a thread in pages, from what the browser kept or from the server: older, newer, around a place.

import type { PageOf } from "../api/calls";
import type { Page } from "../protocol";
import type { Context } from "./context";
import type { Log } from "./log";
import type { Range } from "./ranges";
import { StoredLog } from "./stored-log";

export const PAGE = 50;

/** What of a thread may be seen: from its first visible entry to its head. */
export interface Bounds {
  first: number;
  last: number;
}

export class Pages {
  readonly #context: Context;
  readonly #thread: string;
  readonly #log: Log;
  readonly #stored: StoredLog;
  #underWay: Promise<void> | null = null;

  constructor(context: Context, thread: string, log: Log) {
    this.#context = context;
    this.#thread = thread;
    this.#log = log;
    this.#stored = new StoredLog(context.database, thread, context.me);
  }

  older(before: number, bounds: Bounds): Promise<void> {
    return this.#one(async () => {
      if (await this.#restored([Math.max(bounds.first, before - PAGE), before - 1])) return;
      const page = await this.#ask({ before });
      const first = page.items[0]?.seq ?? bounds.first;
      this.#take(page, [page.has_more_before ? first : Math.min(first, bounds.first), before - 1]);
    });
  }

  newer(after: number, bounds: Bounds): Promise<void> {
    return this.#one(async () => {
      if (after < bounds.last && (await this.#restored([after + 1, Math.min(bounds.last, after + PAGE)])))
        return;
      const page = await this.#ask({ after });
      const last = page.items.at(-1)?.seq ?? page.as_of_seq;
      this.#take(page, [after + 1, page.has_more_after ? last : Math.max(last, page.as_of_seq)]);
    });
  }

  around(seq: number, bounds: Bounds): Promise<void> {
    return this.#one(async () => {
      const half = PAGE / 2;
      if (await this.#restored([Math.max(bounds.first, seq - half), Math.min(bounds.last, seq + half)]))
        return;
      const page = await this.#ask({ around: seq });
      const [first, last] = [page.items[0]?.seq ?? seq, page.items.at(-1)?.seq ?? seq];
      const from = page.has_more_before ? first : Math.min(first, bounds.first);
      this.#take(page, [from, page.has_more_after ? last : Math.max(last, page.as_of_seq)]);
    });
  }

  /** The newest that the browser kept, so that there is something to see at once. Gives its last number. */
  async kept(): Promise<number | null> {
    const range = await this.#stored.newest();
    if (!range) return null;
    const isThere = await this.#restored([Math.max(range[0], range[1] - PAGE + 1), range[1]]);
    return isThere ? range[1] : null;
  }

  /** One request at a time (T9). */
  async #one(work: () => Promise<void>): Promise<void> {
    while (this.#underWay) await this.#underWay.catch(() => undefined);
    this.#underWay = work();
    try {
      await this.#underWay;
    } finally {
      this.#underWay = null;
    }
  }

  #ask(of: PageOf): Promise<Page> {
    return this.#context.calls.thread.messages(this.#thread, of, PAGE);
  }

  #take(page: Page, range: Range): void {
    this.#log.takePage(page, range);
    void this.#stored.write(page.items, range, page.as_of_seq);
  }

  async #restored(range: Range): Promise<boolean> {
    if (range[0] > range[1]) return true;
    const logged = await this.#stored.read(range);
    if (logged === null) return false;
    this.#log.restore(logged, [range]);
    return true;
  }
}
