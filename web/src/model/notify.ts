// Which messages are announced (A2), and when an announcement goes again (A3). One per browser: only the tab that leads announces.

import type { Entry } from "../protocol";
import { isCountable } from "./log";

/** A message that somebody should hear of. */
export interface Announcement {
  readonly thread: string;
  readonly entry: Entry;
}

/** What the account and the browser say; handed in, so that this is nothing but rules. */
export interface Surroundings {
  readonly me: string;
  now(): number;
  isLeader(): boolean;
  /** The browser allows it, and the person wants it. */
  isWanted(): boolean;
  /** Somebody looks at this thread, in whichever tab. */
  isLookedAt(thread: string): boolean;
  isMuted(thread: string): boolean;
  isRead(thread: string, seq: number): boolean;
  /** Another device of this person is in use. */
  isElsewhere(): Promise<boolean>;
  /** Null: the browser did not. */
  show(announcement: Announcement): { close(): void } | null;
}

/** So long has another device that is in use to show that it was read there. */
const HOLD_MS = 3_000;
/** A thread in which much is said is announced once in so long, with its newest message. */
const EVERY_MS = 1_000;
/** Waiting at the same time; of more than that nobody wants to hear one by one. */
const HELD_MAX = 200;

interface Held extends Announcement {
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Notifier {
  readonly #around: Surroundings;
  readonly #held = new Map<string, Held>();
  readonly #shown = new Map<string, { seq: number; at: number; close(): void }>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** A message was pushed. What is read in pages is no news. */
  async arrived(announcement: Announcement): Promise<void> {
    if (!this.#isDue(announcement)) return;
    const isElsewhere = await this.#around.isElsewhere();
    const { thread } = announcement;
    const { now } = this.#around;
    const sinceMs = now() - (this.#shown.get(thread)?.at ?? -Infinity);
    this.#hold(announcement, Math.max(isElsewhere ? HOLD_MS : 0, EVERY_MS - sinceMs));
  }

  /** Something was read, here or elsewhere, or a thread is looked at: what says so goes. */
  settle(): void {
    for (const [thread, { seq, close }] of this.#shown) {
      if (!this.#around.isRead(thread, seq) && !this.#around.isLookedAt(thread)) continue;
      close();
      this.#shown.delete(thread);
    }
  }

  deleted(thread: string, seq: number): void {
    for (const [key, held] of this.#held) {
      if (held.thread === thread && held.entry.seq === seq) this.#drop(key, held);
    }
    const shown = this.#shown.get(thread);
    if (shown?.seq !== seq) return;
    shown.close();
    this.#shown.delete(thread);
  }

  close(): void {
    for (const [key, held] of this.#held) this.#drop(key, held);
    for (const { close } of this.#shown.values()) close();
    this.#shown.clear();
  }

  #isDue({ thread, entry }: Announcement): boolean {
    const around = this.#around;
    if (!around.isLeader() || !around.isWanted()) return false;
    if (!isCountable(entry) || entry.author_id === around.me) return false;
    return !around.isMuted(thread) && !around.isLookedAt(thread) && !around.isRead(thread, entry.seq);
  }

  #hold(announcement: Announcement, waitMs: number): void {
    if (waitMs === 0) return this.#show(announcement);
    if (this.#held.size >= HELD_MAX) return;
    const key = `${announcement.thread} ${announcement.entry.seq}`;
    const timer = setTimeout(() => {
      this.#held.delete(key);
      this.#show(announcement);
    }, waitMs);
    this.#held.set(key, { ...announcement, timer });
  }

  #show(announcement: Announcement): void {
    const { thread, entry } = announcement;
    const before = this.#shown.get(thread);
    // A newer one of the thread says more.
    if ((before && before.seq > entry.seq) || !this.#isDue(announcement)) return;
    const now = this.#around.now();
    if (before && now - before.at < EVERY_MS) {
      const isNewest = ![...this.#held.values()].some(
        (held) => held.thread === thread && held.entry.seq > entry.seq,
      );
      if (isNewest) this.#hold(announcement, EVERY_MS - (now - before.at));
      return;
    }
    const shown = this.#around.show(announcement);
    if (shown) this.#shown.set(thread, { seq: entry.seq, at: now, close: () => shown.close() });
  }

  #drop(key: string, held: Held): void {
    clearTimeout(held.timer);
    this.#held.delete(key);
  }
}
