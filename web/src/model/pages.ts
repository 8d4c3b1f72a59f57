// Reads a thread in pages, from what the browser kept or from the server: older, newer, around a place.

import type { PageOf } from "../api/calls";
import { Refusal } from "../api/refusal";
import type { Page } from "../protocol";
import type { Context } from "./context";
import { type Log, isOverlay } from "./log";
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
    if (before <= bounds.first) return Promise.resolve();
    return this.#one([Math.max(bounds.first, before - PAGE), before - 1], before - 1, async () => {
      const page = await this.#ask({ before });
      const first = page.items[0]?.seq ?? bounds.first;
      this.#take(page, [page.has_more_before ? first : Math.min(first, bounds.first), before - 1]);
    });
  }

  newer(after: number, bounds: Bounds): Promise<void> {
    return this.#one([after + 1, Math.min(bounds.last, after + PAGE)], after + 1, async () => {
      const page = await this.#ask({ after });
      const last = page.items.at(-1)?.seq ?? page.as_of_seq;
      this.#take(page, [after + 1, page.has_more_after ? last : Math.max(last, page.as_of_seq)]);
    });
  }

  around(seq: number, bounds: Bounds): Promise<void> {
    const half = PAGE / 2;
    return this.#one(
      [Math.max(bounds.first, seq - half), Math.min(bounds.last, seq + half)],
      seq,
      async () => {
        const page = await this.#ask({ around: seq });
        const [first, last] = [page.items[0]?.seq ?? seq, page.items.at(-1)?.seq ?? seq];
        const from = page.has_more_before ? first : Math.min(first, bounds.first);
        this.#take(page, [from, page.has_more_after ? last : Math.max(last, page.as_of_seq)]);
      },
    );
  }

  /** The newest that the browser kept, so that there is something to see at once. */
  async kept(): Promise<Range | null> {
    const range = await this.#stored.newest();
    if (!range) return null;
    const last: Range = [Math.max(range[0], range[1] - PAGE + 1), range[1]];
    return (await this.#restored(last)) ? last : null;
  }

  /** It is on the screen now. */
  shown(): void {
    void this.#stored.shown(this.#context.now());
  }

  /** From what the browser kept, else from the server; one at a time (T9). */
  async #one(wanted: Range, about: number, ask: () => Promise<void>): Promise<void> {
    while (this.#underWay) await this.#underWay.catch(() => undefined);
    this.#underWay = this.#read(wanted, about, ask);
    try {
      await this.#underWay;
    } finally {
      this.#underWay = null;
    }
  }

  async #read(wanted: Range, about: number, ask: () => Promise<void>): Promise<void> {
    if (await this.#restored(wanted)) return;
    try {
      await ask();
    } catch (error) {
      // Without a server a part is better than nothing.
      if (!(error instanceof Refusal) || !(await this.#restoredPart(wanted, about))) throw error;
    }
  }

  #ask(of: PageOf): Promise<Page> {
    return this.#context.calls.thread.messages(this.#thread, of, PAGE);
  }

  #take(page: Page, range: Range): void {
    this.#log.takePage(page, range);
    // As they are now: a change may have been pushed while the page was under way.
    const logged = page.items.flatMap(({ seq }) => this.#log.truth(seq) ?? []);
    void this.#stored.write(logged, page.items.filter(isOverlay), range);
  }

  async #restored(range: Range): Promise<boolean> {
    if (range[0] > range[1]) return false;
    const logged = await this.#stored.read(range);
    if (logged === null) return false;
    this.#log.restore(logged, [range]);
    return true;
  }

  async #restoredPart([from, to]: Range, about: number): Promise<boolean> {
    const kept = await this.#stored.around(about);
    return kept !== null && this.#restored([Math.max(from, kept[0]), Math.min(to, kept[1])]);
  }
}
