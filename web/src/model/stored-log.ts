// The part of a thread's log that the browser keeps: entries with what was laid over them, and which numbers are known.

import type { Entry } from "../protocol";
import type { Database, StoredEntry } from "./database";
import { type Logged, isOverlay, laidOver, newest } from "./log";
import { type Range, joined, rangeOf } from "./ranges";

export class StoredLog {
  readonly #database: Database;
  readonly #thread: string;
  readonly #me: string;

  constructor(database: Database, thread: string, me: string) {
    this.#database = database;
    this.#thread = thread;
    this.#me = me;
  }

  /** All between two numbers; null unless all of it is kept. */
  async read([from, to]: Range): Promise<Logged[] | null> {
    return this.#database.with(null, async (tables) => {
      const stored = await tables.threads.get(this.#thread);
      if (!stored?.ranges.some(([first, last]) => first <= from && to <= last)) return null;
      const rows = await tables.entries
        .where("[thread+seq]")
        .between([this.#thread, from], [this.#thread, to], true, true)
        .toArray();
      return rows.map(loggedOf);
    });
  }

  /** The newest range that is kept. */
  async newest(): Promise<Range | null> {
    return (await this.#ranges()).at(-1) ?? null;
  }

  /** The range that is kept around a number. */
  async around(seq: number): Promise<Range | null> {
    return rangeOf(await this.#ranges(), seq);
  }

  /** It is on the screen: what was not for the longest time is forgotten first. */
  async shown(at: number): Promise<void> {
    await this.#database.with(0, (tables) => tables.threads.update(this.#thread, { shownAt: at }));
  }

  /** Entries as they were pushed: each as of itself. */
  async writePushed(entries: readonly Entry[], range: Range): Promise<void> {
    const logged = entries
      .filter((entry) => !isOverlay(entry))
      .map((entry) => ({ entry, asOf: entry.seq, editedAt: null }));
    await this.write(logged, entries.filter(isOverlay), range);
  }

  /** Entries, changes of those that are kept, and the numbers that are known with them. */
  async write(logged: readonly Logged[], overlays: readonly Entry[], range: Range): Promise<void> {
    const thread = this.#thread;
    await this.#database.with(undefined, (tables) =>
      tables.transaction("rw", tables.threads, tables.entries, async () => {
        const before = await tables.entries.bulkGet(logged.map(({ entry }) => [thread, entry.seq]));
        // What was pushed meanwhile is newer than a page.
        const news = logged.filter((one, place) => {
          const kept = before[place];
          return kept === undefined || newest(kept) <= newest(one);
        });
        await tables.entries.bulkPut(news.map((one) => ({ ...one, thread, seq: one.entry.seq })));
        for (const overlay of overlays) {
          const target = await tables.entries.get([thread, overlay.target_seq ?? 0]);
          const laid = target && laidOver(loggedOf(target), overlay, this.#me);
          if (target && laid) await tables.entries.put({ ...laid, thread, seq: target.seq });
        }
        const stored = await tables.threads.get(thread);
        if (!stored) return;
        const ranges = joined(stored.ranges, range).map(([first, last]): [number, number] => [first, last]);
        await tables.threads.update(thread, { ranges });
      }),
    );
  }

  async #ranges(): Promise<readonly Range[]> {
    const stored = await this.#database.with(undefined, (tables) => tables.threads.get(this.#thread));
    return stored?.ranges ?? [];
  }
}

function loggedOf({ entry, asOf, laid, editedAt }: StoredEntry): Logged {
  return { entry, asOf, editedAt: editedAt ?? null, ...(laid === undefined ? {} : { laid }) };
}
