// What this browser keeps of an account, so that it can be shown before any network. A mirror: the model works from memory
// and writes here behind. Where nothing can be kept (private mode, quota), it says so once and everything goes on.

import Dexie, { type EntityTable, type Table } from "dexie";
import type { Draft as SavedDraft } from "./draft-text";
import type { Entry, InboxRow, User } from "../protocol";

export interface StoredThread {
  id: string;
  row: InboxRow;
  /** Which seqs are in `entries`, or known to hold nothing for this user; ascending, apart. */
  ranges: [number, number][];
}

export interface StoredEntry {
  thread: string;
  seq: number;
  entry: Entry;
  /** Edits, deletions and reactions up to this seq are in it. */
  asOf: number;
}

/** A message on its way. Written before the first attempt, taken away when the server's copy is here. */
export interface StoredSend {
  clientMsgId: string;
  thread: string;
  /** Of all in this browser, ascending in the order of writing. */
  order: number;
  at: number;
  seenHead: number;
  text: string;
  replyTo: number | null;
  mentions: string[];
  mentionAll: boolean;
  /** Why it was refused for good; null while it is tried. */
  failure: string | null;
}

export interface StoredDraft extends SavedDraft {
  thread: string;
}

class Tables extends Dexie {
  declare threads: EntityTable<StoredThread, "id">;
  declare entries: Table<StoredEntry, [string, number]>;
  declare outbox: EntityTable<StoredSend, "clientMsgId">;
  declare drafts: EntityTable<StoredDraft, "thread">;
  declare users: EntityTable<User, "id">;
  declare meta: Table<{ key: string; value: unknown }, string>;

  constructor(name: string) {
    super(name);
    this.version(1).stores({
      threads: "id",
      entries: "[thread+seq]",
      outbox: "clientMsgId",
      drafts: "thread",
      users: "id",
      meta: "key",
    });
  }
}

/** Entries that are kept of all threads; beyond, whole threads are forgotten, those shown longest ago first. */
export const STORED_ENTRIES_MAX = 200_000;

export class Database {
  readonly #tables: Tables | null;
  readonly #onLost: () => void;
  #isLost: boolean;

  /** `onLost` is called once if nothing can be kept. */
  private constructor(tables: Tables | null, onLost: () => void) {
    this.#tables = tables;
    this.#onLost = onLost;
    this.#isLost = tables === null;
    if (tables === null) onLost();
  }

  /** Opens what is there; what a newer page has written, or what cannot be read, is made anew. */
  static async open(userId: string, onLost: () => void): Promise<Database> {
    const name = nameOf(userId);
    for (const attempt of ["as it is", "anew"]) {
      try {
        if (attempt === "anew") await Dexie.delete(name);
        const tables = new Tables(name);
        await tables.open();
        return new Database(tables, onLost);
      } catch {
        // Then anew; then without.
      }
    }
    return new Database(null, onLost);
  }

  static async delete(userId: string): Promise<void> {
    try {
      await Dexie.delete(nameOf(userId));
    } catch {
      // There is none.
    }
  }

  close(): void {
    this.#tables?.close();
  }

  /** Runs something on the tables; `otherwise` if nothing can be kept. */
  async with<Value>(otherwise: Value, use: (tables: Tables) => Promise<Value>): Promise<Value> {
    if (this.#tables === null || this.#isLost) return otherwise;
    try {
      return await use(this.#tables);
    } catch (error) {
      // Closed by another tab that signed out, or by a newer page: nothing is wrong with the storage then.
      const name = error instanceof Error ? error.name : "";
      if (name !== "DatabaseClosedError" && name !== "AbortError") this.#lose();
      return otherwise;
    }
  }

  #lose(): void {
    this.#isLost = true;
    this.#onLost();
  }
}

function nameOf(userId: string): string {
  return `kith-${userId}`;
}
