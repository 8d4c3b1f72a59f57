// The part of a thread's log that the browser keeps: entries with what was laid over them, and which numbers are known.

import type { Entry } from "../protocol";
import type { Database, StoredEntry } from "./database";
import { type Logged, isOverlay, laidOver } from "./log";
import { type Range, joined } from "./ranges";

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
      return rows.map(({ entry, asOf }) => ({ entry, asOf, editedAt: null }));
    });
  }

  /** The newest range that is kept. */
  async newest(): Promise<Range | null> {
    const stored = await this.#database.with(undefined, (tables) => tables.threads.get(this.#thread));
    return stored?.ranges.at(-1) ?? null;
  }

  /** Entries of a page or a push, with the numbers that are known with them; `asOf` null: each as of itself. */
  async write(entries: readonly Entry[], range: Range, asOf: number | null): Promise<void> {
    const thread = this.#thread;
    const rows = entries
      .filter((entry) => !isOverlay(entry))
      .map((entry): StoredEntry => ({ thread, seq: entry.seq, entry, asOf: asOf ?? entry.seq }));
    await this.#database.with(undefined, (tables) =>
      tables.transaction("rw", tables.threads, tables.entries, async () => {
        const keys = rows.map(({ seq }): [string, number] => [thread, seq]);
        const before = await tables.entries.bulkGet(keys);
        // What was pushed meanwhile is newer than a page.
        const newer = rows.filter((row, place) => (before[place]?.asOf ?? 0) <= row.asOf);
        await tables.entries.bulkPut(newer);
        for (const overlay of entries.filter(isOverlay)) {
          const target = await tables.entries.get([thread, overlay.target_seq ?? 0]);
          const laid = target && laidOver({ ...target, editedAt: null }, overlay, this.#me);
          if (target && laid) await tables.entries.put({ ...target, entry: laid.entry, asOf: laid.asOf });
        }
        const stored = await tables.threads.get(thread);
        if (!stored) return;
        const ranges = joined(stored.ranges, range).map(([first, last]): [number, number] => [first, last]);
        await tables.threads.update(thread, { ranges });
      }),
    );
  }
}
