// The inbox as the server tells it: a row for each thread, newest state of each.

import type { Entry, InboxRow, Mine, Sync, SyncThread } from "../protocol";
import type { Context } from "./context";
import { Recent } from "./recent";
import { type Change, type Target, withEntries, withMine, withRow } from "./row-change";

export class Threads {
  readonly #context: Context;
  /** Known from the cache or from a whole sync; before, an empty list means nothing. */
  isKnown = $state(false);
  rows = $state.raw<ReadonlyMap<string, InboxRow>>(new Map());
  readonly #recent = new Map<string, Recent>();
  readonly #onDoubt: () => void;
  /** What a full answer, which comes in pages, has told so far. */
  #told: Set<string> | null = null;

  /** `onDoubt`: what is unread somewhere cannot be counted here; the next sync tells it. */
  constructor(context: Context, onDoubt: () => void) {
    this.#context = context;
    this.#onDoubt = onDoubt;
  }

  /** `wasSynced`: the server has told all of them once, even if there are none. */
  async restore(wasSynced: boolean): Promise<void> {
    const stored = await this.#context.database.with([], (tables) => tables.threads.toArray());
    if (stored.length === 0 && !wasSynced) return;
    this.rows = new Map(stored.map(({ id, row }) => [id, row]));
    this.isKnown = true;
  }

  row(id: string): InboxRow | null {
    return this.rows.get(id) ?? null;
  }

  takeSync(sync: Sync, place: { isFirst: boolean; isLast: boolean }): void {
    const rows = new Map(this.rows);
    if (sync.full && place.isFirst) this.#told = new Set();
    for (const row of sync.threads) this.#takeSynced(rows, row);
    if (place.isLast) {
      if (this.#told) this.#forgetUntold(rows, this.#told);
      this.#told = null;
      this.isKnown = true;
    }
    this.rows = rows;
  }

  take(row: InboxRow): void {
    this.#change(row.thread.id, withRow(this.rows.get(row.thread.id), row, this.#recentOf(row)));
  }

  takeMine(id: string, mine: Mine): void {
    const row = this.rows.get(id);
    if (row) this.#change(id, withMine(row, mine, this.#recentOf(row)));
  }

  takeEntries(id: string, entries: readonly Entry[], target: (seq: number) => Target | null): void {
    const row = this.rows.get(id);
    // Somebody has made a thread: the sync tells of it.
    if (!row) return this.#onDoubt();
    const known = { me: this.#context.me, recent: this.#recentOf(row), target };
    const change = withEntries(row, entries, known);
    if (change.row !== row) this.#change(id, change);
  }

  /** Something that is shown before the server has confirmed it. */
  assume(id: string, change: (row: InboxRow) => InboxRow): void {
    const row = this.rows.get(id);
    if (row) this.#set(id, change(row));
  }

  /** What was pushed in a thread since its row, as it is here, was told. */
  #recentOf({ thread, head }: InboxRow): Recent {
    let recent = this.#recent.get(thread.id);
    if (!recent) this.#recent.set(thread.id, (recent = new Recent(head.last_seq)));
    return recent;
  }

  #change(id: string, { row, isSure }: Change): void {
    this.#set(id, row);
    if (!isSure) this.#onDoubt();
  }

  #set(id: string, row: InboxRow): void {
    this.rows = new Map(this.rows).set(id, row);
    this.#write([row]);
  }

  #takeSynced(rows: Map<string, InboxRow>, synced: SyncThread): void {
    if (!("thread" in synced)) {
      const row = rows.get(synced.id);
      if (row) {
        // Who has left still reads what was before.
        const left = { ...row, thread: { ...row.thread, gone: true, left_seq: synced.left_seq } };
        rows.set(synced.id, left);
        this.#write([left]);
      }
      this.#told?.add(synced.id);
      return;
    }
    const id = synced.thread.id;
    this.#told?.add(id);
    const { row, isSure } = withRow(rows.get(id), synced, this.#recentOf(rows.get(id) ?? synced));
    rows.set(id, row);
    this.#write([row]);
    if (!isSure) this.#onDoubt();
  }

  #forgetUntold(rows: Map<string, InboxRow>, told: ReadonlySet<string>): void {
    const untold = [...rows.keys()].filter((id) => !told.has(id));
    untold.forEach((id) => rows.delete(id));
    if (untold.length > 0 && this.#context.isLeader()) {
      void this.#context.database.with(undefined, (tables) => tables.threads.bulkDelete(untold));
    }
  }

  #write(rows: readonly InboxRow[]): void {
    if (!this.#context.isLeader()) return;
    void this.#context.database.with(undefined, (tables) =>
      tables.transaction("rw", tables.threads, async () => {
        for (const row of rows) {
          const changed = await tables.threads.update(row.thread.id, { row });
          if (changed === 0) await tables.threads.put({ id: row.thread.id, row, ranges: [] });
        }
      }),
    );
  }
}
