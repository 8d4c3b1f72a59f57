// What this browser keeps of an account, so that it can be shown before any network. A mirror: the model works from memory
// and writes here behind. Where nothing can be kept (private mode, quota), it says so once and everything goes on.

import Dexie, { type EntityTable, type Table } from "dexie";
import type { Draft as SavedDraft } from "./draft-text";
import type { Logged } from "./log";
import { within } from "./time-limit";
import type { InboxRow, User } from "../protocol";

export interface StoredThread {
  id: string;
  row: InboxRow;
  /** Which seqs are in `entries`, or known to hold nothing for this user; ascending, apart. */
  ranges: [number, number][];
  /** When it was on the screen last. */
  shownAt?: number;
}

export interface StoredEntry extends Logged {
  thread: string;
  seq: number;
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

/** Opening takes no longer where it works at all; some browsers never answer. */
const OPEN_MS = 5_000;
/** For what is being written when the page says goodbye. */
const CLOSE_MS = 1_000;

export class Database {
  readonly #tables: Tables | null;
  readonly #onLost: () => void;
  readonly #underWay = new Set<Promise<unknown>>();
  #isLost: boolean;

  /** `onLost` is called once if nothing can be kept. */
  private constructor(tables: Tables | null, onLost: () => void) {
    this.#tables = tables;
    this.#onLost = onLost;
    this.#isLost = tables === null;
    if (tables === null) onLost();
    // Another tab has a newer page. What this one writes from now on would be lost without a word.
    tables?.on("versionchange", (change) => {
      tables.close();
      if (change.newVersion !== null) this.#lose();
    });
  }

  /** Opens what is there; what cannot be read is made anew. */
  static async open(userId: string, onLost: () => void): Promise<Database> {
    return new Database(await within(OPEN_MS, opened(nameOf(userId)), null), onLost);
  }

  static async delete(userId: string): Promise<void> {
    try {
      await within(OPEN_MS, Dexie.delete(nameOf(userId)), undefined);
    } catch {
      // There is none.
    }
  }

  /** When all that was begun is written. */
  async close(): Promise<void> {
    await within(CLOSE_MS, Promise.allSettled(this.#underWay), []);
    this.#tables?.close();
  }

  /** Runs something on the tables; `otherwise` if nothing can be kept. */
  async with<Value>(otherwise: Value, use: (tables: Tables) => Promise<Value>): Promise<Value> {
    if (this.#tables === null || this.#isLost) return otherwise;
    const tables = this.#tables;
    const work = (async () => use(tables))();
    this.#underWay.add(work);
    try {
      return await work;
    } catch (error) {
      // Closed by another tab that signed out, or by this one: nothing is wrong with the storage then.
      const name = error instanceof Error ? error.name : "";
      if (name !== "DatabaseClosedError" && name !== "AbortError") this.#lose();
      return otherwise;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#onLost();
  }
}

function nameOf(userId: string): string {
  return `kith-${userId}`;
}

/** Null where there is no storage. A newer page may have opened it before: Dexie takes what it knows of. */
async function opened(name: string): Promise<Tables | null> {
  try {
    return await at(name);
  } catch {
    return anew(name);
  }
}

/** All but what the person wrote is on the server. */
async function anew(name: string): Promise<Tables | null> {
  const [outbox, drafts] = await written(name);
  try {
    await Dexie.delete(name);
    const tables = await at(name);
    await tables.outbox.bulkPut(outbox);
    await tables.drafts.bulkPut(drafts);
    return tables;
  } catch {
    return null;
  }
}

async function at(name: string): Promise<Tables> {
  const tables = new Tables(name);
  try {
    await tables.open();
  } catch (error) {
    tables.close();
    throw error;
  }
  return tables;
}

/** What was not sent, and drafts, whatever else is in there. */
async function written(name: string): Promise<[StoredSend[], StoredDraft[]]> {
  const found = new Dexie(name);
  try {
    await found.open();
    const outbox = await found.table<StoredSend>("outbox").toArray();
    return [outbox.filter(isSend), (await found.table<StoredDraft>("drafts").toArray()).filter(isDraft)];
  } catch {
    return [[], []];
  } finally {
    found.close();
  }
}

function isSend(one: Partial<StoredSend>): boolean {
  return (
    typeof one.clientMsgId === "string" && typeof one.thread === "string" && typeof one.text === "string"
  );
}

function isDraft(one: Partial<StoredDraft>): boolean {
  return typeof one.thread === "string" && typeof one.text === "string";
}
