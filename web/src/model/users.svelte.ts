// Everybody whom this browser has heard of. Who is not known is asked for, a few at a time, and stands in for until then.

import { Refusal } from "../api/refusal";
import type { User } from "../protocol";
import type { Context } from "./context";
import { cleanName } from "./names";

/** Asked for at once when many unknown people come into sight. */
const FETCHES_MAX = 4;
/** What arrives within so long is shown, and told to the other tabs, at once. */
const TOGETHER_MS = 30;
/** Without an answer. */
const AGAIN_S = 5;

export class Users {
  readonly #context: Context;
  #users = $state.raw<ReadonlyMap<string, User>>(new Map());
  readonly #placeholders = new Map<string, User>();
  /** Asked for, or to be asked for. Who cannot be seen stays here, and is not asked for again. */
  readonly #wanted = new Set<string>();
  readonly #queue: string[] = [];
  #fetching = 0;
  #fetched: User[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  async restore(): Promise<void> {
    const users = await this.#context.database.with([], (tables) => tables.users.toArray());
    this.#users = new Map([...users.map((user) => [user.id, user] as const), ...this.#users]);
  }

  of(id: string): User {
    const known = this.#users.get(id);
    if (known) return known;
    this.#want(id);
    return this.#placeholder(id);
  }

  take(users: readonly User[]): void {
    const news = users.map(cleaned).filter((user) => !isSame(this.#users.get(user.id), user));
    if (news.length === 0) return;
    const all = new Map(this.#users);
    for (const user of news) {
      all.set(user.id, user);
      this.#wanted.delete(user.id);
    }
    this.#users = all;
    void this.#context.database.with(undefined, (tables) => tables.users.bulkPut(news));
  }

  #want(id: string): void {
    if (this.#wanted.has(id)) return;
    this.#wanted.add(id);
    this.#queue.push(id);
    // Not while something is being drawn.
    queueMicrotask(() => this.#fetchSome());
  }

  #fetchSome(): void {
    while (this.#fetching < FETCHES_MAX) {
      const id = this.#queue.shift();
      if (id === undefined) return;
      // It came by another way.
      if (this.#wanted.has(id)) void this.#fetch(id);
    }
  }

  async #fetch(id: string): Promise<void> {
    this.#fetching += 1;
    try {
      this.#arrived(await this.#context.calls.user.show(id));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.retry === "later") {
        setTimeout(
          () => {
            this.#queue.push(id);
            this.#fetchSome();
          },
          (error.retryAfterS ?? AGAIN_S) * 1000,
        );
      }
    } finally {
      this.#fetching -= 1;
    }
    this.#fetchSome();
  }

  #arrived(user: User): void {
    this.#fetched.push(user);
    if (this.#fetched.length > 1) return;
    setTimeout(() => {
      const users = this.#fetched;
      this.#fetched = [];
      this.#context.publish({ type: "users", users });
    }, TOGETHER_MS);
  }

  #placeholder(id: string): User {
    let made = this.#placeholders.get(id);
    if (!made) {
      made = { id, handle: "", display_name: "…", about: "", created_at: "1970-01-01T00:00:00.000Z" };
      this.#placeholders.set(id, made);
    }
    return made;
  }
}

function cleaned(user: User): User {
  return { ...user, display_name: cleanName(user.display_name) };
}

function isSame(a: User | undefined, b: User): boolean {
  return (
    a?.display_name === b.display_name &&
    a.handle === b.handle &&
    a.about === b.about &&
    a.avatar === b.avatar
  );
}
