// Who is in groups without a title: they are called by the names of their members. The list of threads does not tell them, so
// they are asked for when such a group comes into sight, and kept.

import { Refusal } from "../api/refusal";
import type { Context } from "./context";
import type { Entry, User } from "../protocol";

const KEPT = "group-names";
const ASKED_MAX = 2;

interface Members {
  /** The others, as far as they are named. */
  readonly ids: readonly string[];
  readonly count: number;
}

export const NAMED_MAX = 3;

export class GroupNames {
  readonly #context: Context;
  readonly #takeUsers: (users: readonly User[]) => void;
  #members = $state.raw<ReadonlyMap<string, Members>>(new Map());
  readonly #wanted = new Set<string>();
  readonly #asked = new Set<string>();

  constructor(context: Context, takeUsers: (users: readonly User[]) => void) {
    this.#context = context;
    this.#takeUsers = takeUsers;
  }

  async restore(): Promise<void> {
    const kept = await this.#context.database.with(undefined, (tables) => tables.meta.get(KEPT));
    if (kept) this.#members = new Map(kept.value as [string, Members][]);
  }

  /** Null until it is known. */
  of(thread: string): Members | null {
    const members = this.#members.get(thread);
    if (members) return members;
    this.#want(thread);
    return null;
  }

  /** Somebody came or went. */
  take(thread: string, entry: Entry): void {
    if (!entry.kind.startsWith("member_") || !this.#members.has(thread)) return;
    const members = new Map(this.#members);
    members.delete(thread);
    this.#members = members;
    this.#asked.delete(thread);
  }

  #want(thread: string): void {
    if (this.#wanted.has(thread) || this.#asked.has(thread)) return;
    this.#wanted.add(thread);
    // Not while something is being drawn.
    queueMicrotask(() => void this.#next());
  }

  async #next(): Promise<void> {
    const [thread] = this.#wanted;
    if (thread === undefined || this.#asking >= ASKED_MAX) return;
    this.#wanted.delete(thread);
    this.#asked.add(thread);
    this.#asking += 1;
    try {
      const members = await this.#context.calls.thread.members(thread);
      const users = members.map(({ user }) => user).filter(({ id }) => id !== this.#context.me);
      this.#takeUsers(users);
      const ids = users.slice(0, NAMED_MAX).map(({ id }) => id);
      this.#members = new Map(this.#members).set(thread, { ids, count: users.length });
      const value = [...this.#members];
      void this.#context.database.with(undefined, (tables) => tables.meta.put({ key: KEPT, value }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Asked again when it comes into sight again.
      if (error.retry !== "never") this.#asked.delete(thread);
    } finally {
      this.#asking -= 1;
    }
    void this.#next();
  }

  #asking = 0;
}
