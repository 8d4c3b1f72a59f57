// Asks what has changed since the cursor: one sync at a time, page after page, and again, later each time, when no answer came.

import type * as calls from "../api/calls";
import { Refusal } from "../api/refusal";
import type { Sync } from "../protocol";
import { backoffMs } from "./backoff";

/** About every ten minutes, by chance, so that not everybody asks at once. */
const DIGEST_MS = 600_000;
/** Something was pushed while the answer was under way: what is held here is newer than the digest in it. */
const DIGEST_AGAIN_MS = 30_000;

export interface SyncEvents {
  page(page: Sync, place: { isFirst: boolean; isLast: boolean }): void;
  /** Whether what is held here is the same; false: all is asked for again. */
  agrees(digest: string): Promise<boolean>;
  done(): void;
  failed(refusal: Refusal): void;
}

export interface SyncOptions {
  readonly calls: Pick<typeof calls, "sync">;
  readonly cursor: string | null;
  now(): number;
  random(): number;
}

export class Syncs {
  readonly #events: SyncEvents;
  readonly #options: SyncOptions;
  #cursor: string | null;
  #isUnderWay = false;
  #isWanted = false;
  /** Some pages of an answer are here, the rest is not: it goes on where it broke off. */
  #isMidway = false;
  #fails = 0;
  #retryAt: number | null = null;
  #digestAt = 0;
  #pushes = 0;
  #isOver = false;

  constructor(events: SyncEvents, options: SyncOptions) {
    this.#events = events;
    this.#options = options;
    this.#cursor = options.cursor;
  }

  /** Now; what is asked for while one is under way is another one afterwards. */
  ask(): void {
    this.#isWanted = true;
    this.#retryAt = null;
    void this.#run();
  }

  /** Now, unless the last attempt failed and the next one is not due yet. */
  poll(): void {
    if (this.#retryAt === null || this.#options.now() >= this.#retryAt) this.ask();
  }

  /** Every second or so, while there is a connection. */
  tick(): void {
    if (this.#isUnderWay) return;
    if (this.#options.now() >= (this.#retryAt ?? this.#digestAt)) this.ask();
  }

  /** A push has changed what is held here. */
  pushed(): void {
    this.#pushes += 1;
  }

  /** The clock was set back: what was to come then comes now. */
  hurry(): void {
    this.#digestAt = 0;
    if (this.#retryAt !== null) this.#retryAt = 0;
  }

  close(): void {
    this.#isOver = true;
  }

  async #run(): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    try {
      while (this.#isWanted && !this.#isOver) {
        this.#isWanted = false;
        await this.#pages().catch((error: unknown) => this.#failed(error));
      }
    } finally {
      this.#isUnderWay = false;
    }
  }

  async #pages(): Promise<void> {
    const now = this.#options.now();
    const withDigest = now >= this.#digestAt;
    const pushes = this.#pushes;
    for (;;) {
      const page = await this.#options.calls.sync(this.#cursor, withDigest);
      if (this.#isOver) return;
      this.#cursor = page.cursor;
      this.#events.page(page, { isFirst: !this.#isMidway, isLast: !page.more });
      this.#isMidway = page.more;
      if (page.more) continue;
      this.#fails = 0;
      if (withDigest) await this.#check(page, now, pushes);
      break;
    }
    if (!this.#isOver) this.#events.done();
  }

  async #check({ digest }: Sync, now: number, pushes: number): Promise<void> {
    this.#digestAt = now + DIGEST_MS * (0.5 + this.#options.random());
    if (digest === undefined) return;
    if (pushes !== this.#pushes) this.#digestAt = now + DIGEST_AGAIN_MS;
    else if (!(await this.#events.agrees(digest))) this.#fromTheBeginning();
  }

  #fromTheBeginning(): void {
    this.#cursor = null;
    this.#isMidway = false;
    this.#isWanted = true;
  }

  #failed(refusal: unknown): void {
    if (!(refusal instanceof Refusal)) throw refusal;
    // A cursor that this server cannot read.
    if (refusal.code === "invalid_field" && this.#cursor !== null) return this.#fromTheBeginning();
    this.#fails += 1;
    const waitMs = backoffMs(this.#fails, this.#options.random());
    this.#retryAt = this.#options.now() + Math.max(waitMs, (refusal.retryAfterS ?? 0) * 1000);
    this.#events.failed(refusal);
  }
}
