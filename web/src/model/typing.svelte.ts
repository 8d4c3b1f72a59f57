// Who is typing where (R4), and that this person is (R3).

import type { User } from "../protocol";
import type { Context } from "./context";
import type { PeopleModel } from "./people.svelte";

/** A mark ends so long after its last signal: no stop signal is needed. */
const ENDS_AFTER_MS = 6_000;
const SAID_EVERY_MS = 3_000;
const STOPS_AFTER_MS = 5_000;
/** In larger groups nobody is told. */
const MEMBERS_MAX = 100;

export class TypingModel {
  readonly #context: Context;
  readonly #people: Pick<PeopleModel, "user">;
  /** By thread, then by user: the timer that ends it. Replaced when it changes. */
  #heard = $state.raw<ReadonlyMap<string, ReadonlyMap<string, ReturnType<typeof setTimeout>>>>(new Map());
  #said: { thread: string; at: number; stop: ReturnType<typeof setTimeout> } | null = null;

  constructor(context: Context, people: Pick<PeopleModel, "user">) {
    this.#context = context;
    this.#people = people;
  }

  of(thread: string): readonly User[] {
    return [...(this.#heard.get(thread)?.keys() ?? [])].map((id) => this.#people.user(id));
  }

  heard(thread: string, user: string, isActive: boolean): void {
    if (user === this.#context.me) return;
    const users = new Map(this.#heard.get(thread));
    clearTimeout(users.get(user));
    users.delete(user);
    if (isActive)
      users.set(
        user,
        setTimeout(() => this.heard(thread, user, false), ENDS_AFTER_MS),
      );
    this.#heard = new Map(this.#heard).set(thread, users);
  }

  /** The message is there: its author types no longer. */
  wrote(thread: string, user: string): void {
    if (this.#heard.get(thread)?.has(user)) this.heard(thread, user, false);
  }

  disconnected(): void {
    for (const users of this.#heard.values()) users.forEach((timer) => clearTimeout(timer));
    if (this.#heard.size > 0) this.#heard = new Map();
  }

  /** The text of a draft has changed; empty: there is nothing being written. */
  changed(thread: string, isEmpty: boolean, memberCount: number): void {
    if (memberCount > MEMBERS_MAX) return;
    if (isEmpty) return this.stop(thread);
    const now = this.#context.now();
    const said = this.#said?.thread === thread ? this.#said : null;
    if (said) clearTimeout(said.stop);
    else if (this.#said) this.stop(this.#said.thread);
    const stop = setTimeout(() => this.stop(thread), STOPS_AFTER_MS);
    const isDue = said === null || now - said.at >= SAID_EVERY_MS;
    this.#said = { thread, at: isDue ? now : said.at, stop };
    if (isDue) this.#say(thread, true);
  }

  /** Sent, emptied, or left alone. */
  stop(thread: string): void {
    if (this.#said?.thread !== thread) return;
    clearTimeout(this.#said.stop);
    this.#said = null;
    this.#say(thread, false);
  }

  #say(thread: string, isActive: boolean): void {
    // It is worth one attempt: the next signal comes soon.
    this.#context.calls.message.typing(thread, isActive).catch(() => undefined);
  }
}
