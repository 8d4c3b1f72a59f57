// Messages on their way. Each is written down with its client_msg_id and seen_head before the first attempt, and sent with the
// same two until it is accepted, or refused for good. Only the tab that leads sends.

import { Refusal } from "../api/refusal";
import type { Sent } from "../protocol";
import type { Context } from "./context";
import type { StoredSend } from "./database";

/** Attempts while connected; after so long without an answer a person may decide (S3). */
const FAILS_AFTER_MS = 60_000;
const WAIT_MAX_S = 30;

interface Attempts {
  count: number;
  /** Since when it fails while connected. */
  sinceMs: number;
  timer: ReturnType<typeof setTimeout> | null;
  isUnderWay: boolean;
}

export interface Carrier {
  isConnected(): boolean;
  send(send: StoredSend): Promise<Sent>;
  forget(clientMsgId: string): void;
}

export class Outbox {
  readonly #context: Context;
  readonly #carrier: Carrier;
  /** In the order in which they were written. */
  sends = $state.raw<readonly StoredSend[]>([]);
  readonly #attempts = new Map<string, Attempts>();

  constructor(context: Context, carrier: Carrier) {
    this.#context = context;
    this.#carrier = carrier;
  }

  async restore(): Promise<void> {
    const stored = await this.#context.database.with([], (tables) => tables.outbox.toArray());
    this.sends = stored.sort((a, b) => a.order - b.order);
  }

  of(thread: string): readonly StoredSend[] {
    return this.sends.filter((send) => send.thread === thread);
  }

  /** Written down, and shown; then it goes. */
  add(message: Omit<StoredSend, "clientMsgId" | "order" | "at" | "failure">): StoredSend {
    const at = this.#context.now();
    // A reload begins again at no lower number, for the clock goes on; two of the same moment stay apart.
    const order = Math.max(at, (this.sends.at(-1)?.order ?? 0) + 1);
    const send = { ...message, clientMsgId: crypto.randomUUID(), order, at, failure: null };
    void this.#context.database.with(undefined, (tables) => tables.outbox.put(send));
    this.#context.publish({ type: "send", send });
    return send;
  }

  retry(clientMsgId: string): void {
    const send = this.sends.find((one) => one.clientMsgId === clientMsgId);
    if (!send || send.failure === null) return;
    this.#attempts.delete(clientMsgId);
    this.#change({ ...send, failure: null });
  }

  /** Gives one up. It may have arrived all the same: then it is in the log. */
  discard(clientMsgId: string): void {
    const send = this.sends.find((one) => one.clientMsgId === clientMsgId);
    if (!send) return;
    void this.#context.database.with(undefined, (tables) => tables.outbox.delete(clientMsgId));
    this.#context.publish({ type: "unsend", clientMsgId, thread: send.thread });
    this.#carrier.forget(clientMsgId);
  }

  takeSend(send: StoredSend): void {
    const others = this.sends.filter((one) => one.clientMsgId !== send.clientMsgId);
    this.sends = [...others, send].sort((a, b) => a.order - b.order);
    this.go();
  }

  /** The server has it, or it was given up: what waits behind it can go. */
  takeGone(clientMsgId: string): void {
    if (!this.sends.some((one) => one.clientMsgId === clientMsgId)) return;
    this.sends = this.sends.filter((one) => one.clientMsgId !== clientMsgId);
    this.#drop(clientMsgId);
    if (this.#context.isLeader()) {
      void this.#context.database.with(undefined, (tables) => tables.outbox.delete(clientMsgId));
    }
    this.go();
  }

  /** Connected again: what waits goes at once. */
  ready(): void {
    for (const [id, attempts] of this.#attempts) {
      if (attempts.isUnderWay) continue;
      this.#drop(id);
    }
    this.go();
  }

  /** Sends the first of each thread that is not refused. One thread never waits for another. */
  go(): void {
    if (!this.#context.isLeader()) return;
    const threads = new Set<string>();
    for (const send of this.sends) {
      if (send.failure !== null || threads.has(send.thread)) continue;
      threads.add(send.thread);
      void this.#attempt(send);
    }
  }

  async #attempt(send: StoredSend): Promise<void> {
    const attempts = this.#attempts.get(send.clientMsgId) ?? {
      count: 0,
      sinceMs: this.#context.now(),
      timer: null,
      isUnderWay: false,
    };
    if (attempts.isUnderWay || attempts.timer !== null) return;
    this.#attempts.set(send.clientMsgId, attempts);
    attempts.isUnderWay = true;
    try {
      const sent = await this.#carrier.send(send);
      this.#context.publish({ type: "sent", send, seq: sent.seq, at: sent.at });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      attempts.isUnderWay = false;
      this.#failed(send, attempts, error);
    }
  }

  #failed(send: StoredSend, attempts: Attempts, refusal: Refusal): void {
    if (refusal.retry === "never" && refusal.code !== "unknown") return this.#refuse(send, refusal.code);
    // Signed out: it is kept for the next time.
    if (refusal.retry === "after_login") return;
    if (!this.#carrier.isConnected()) {
      this.#drop(send.clientMsgId);
      return;
    }
    const now = this.#context.now();
    if (now - attempts.sinceMs >= FAILS_AFTER_MS) return this.#refuse(send, "unreachable");
    const waitS = refusal.retryAfterS ?? Math.min(WAIT_MAX_S, 2 ** attempts.count);
    attempts.count += 1;
    attempts.timer = setTimeout(() => {
      attempts.timer = null;
      this.go();
    }, waitS * 1000);
  }

  #refuse(send: StoredSend, failure: string): void {
    this.#drop(send.clientMsgId);
    this.#change({ ...send, failure });
  }

  #change(send: StoredSend): void {
    void this.#context.database.with(undefined, (tables) => tables.outbox.put(send));
    this.#context.publish({ type: "send", send });
  }

  #drop(clientMsgId: string): void {
    const timer = this.#attempts.get(clientMsgId)?.timer;
    if (timer) clearTimeout(timer);
    this.#attempts.delete(clientMsgId);
  }
}
