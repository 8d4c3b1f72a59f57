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

const NOBODY: readonly User[] = [];

type Timer = ReturnType<typeof setTimeout>;

export class TypingModel {
  readonly #context: Context;
  readonly #people: Pick<PeopleModel, "user">;
  /** By thread, in the order in which they began. */
  #heard = $state.raw<ReadonlyMap<string, readonly string[]>>(new Map());
  readonly #ends = new Map<string, Timer>();
  /** What was given out last, so that the same people are the same list. */
  readonly #given = new Map<string, readonly User[]>();
  /** Where it was said last that this person types, and when. */
  readonly #saidAt = new Map<string, number>();
  #now: { thread: string; isSaid: boolean; stop: Timer } | null = null;

  constructor(context: Context, people: Pick<PeopleModel, "user">) {
    this.#context = context;
    this.#people = people;
  }

  of(thread: string): readonly User[] {
    const ids = this.#heard.get(thread);
    if (!ids) return NOBODY;
    const users = ids.map((id) => this.#people.user(id));
    const before = this.#given.get(thread);
    if (before?.length === users.length && before.every((user, place) => user === users[place]))
      return before;
    this.#given.set(thread, users);
    return users;
  }

  heard(thread: string, user: string, isActive: boolean): void {
    if (user === this.#context.me) return;
    const key = `${thread} ${user}`;
    clearTimeout(this.#ends.get(key));
    this.#ends.delete(key);
    if (isActive)
      this.#ends.set(
        key,
        setTimeout(() => this.heard(thread, user, false), ENDS_AFTER_MS),
      );
    const before = this.#heard.get(thread) ?? [];
    if (before.includes(user) === isActive) return;
    const ids = isActive ? [...before, user] : before.filter((id) => id !== user);
    const heard = new Map(this.#heard);
    if (ids.length > 0) heard.set(thread, ids);
    else heard.delete(thread);
    this.#heard = heard;
  }

  /** The message is there: its author types no longer. */
  wrote(thread: string, user: string): void {
    this.heard(thread, user, false);
  }

  disconnected(): void {
    for (const timer of this.#ends.values()) clearTimeout(timer);
    this.#ends.clear();
    this.#given.clear();
    if (this.#heard.size > 0) this.#heard = new Map();
  }

  /** The text of a draft has changed; empty: there is nothing being written. */
  changed(thread: string, isEmpty: boolean, memberCount: number): void {
    if (memberCount > MEMBERS_MAX) return;
    if (isEmpty) return this.stop(thread);
    if (this.#now && this.#now.thread !== thread) this.stop(this.#now.thread);
    const isSaid = this.#now?.isSaid ?? false;
    if (this.#now) clearTimeout(this.#now.stop);
    const stop = setTimeout(() => this.stop(thread), STOPS_AFTER_MS);
    const now = this.#context.now();
    const isDue = now - (this.#saidAt.get(thread) ?? -Infinity) >= SAID_EVERY_MS;
    this.#now = { thread, isSaid: isSaid || isDue, stop };
    if (!isDue) return;
    for (const [other, at] of this.#saidAt) if (now - at >= SAID_EVERY_MS) this.#saidAt.delete(other);
    this.#saidAt.set(thread, now);
    this.#say(thread, true);
  }

  /** Sent, emptied, or left alone. */
  stop(thread: string): void {
    if (this.#now?.thread !== thread) return;
    const { isSaid, stop } = this.#now;
    clearTimeout(stop);
    this.#now = null;
    if (isSaid) this.#say(thread, false);
  }

  #say(thread: string, isActive: boolean): void {
    // It is worth one attempt: the next signal comes soon.
    this.#context.calls.message.typing(thread, isActive).catch(() => undefined);
  }
}
