// Messages on their way. Each is written down with its client_msg_id and seen_head before the first attempt, and sent with the
// same two until it is accepted, or refused for good. Only the tab that leads sends.

import { Refusal } from "../api/refusal";
import type { Sent } from "../protocol";
import type { Context } from "./context";
import type { StoredSend } from "./database";
import { within } from "./time-limit";

/** Attempts while connected; after so long without an answer a person may decide (S3). */
const FAILS_AFTER_MS = 60_000;
const WAIT_MAX_S = 30;
/** A storage that takes longer holds nothing back. */
const WRITE_MS = 2_000;

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
  /** Shown, but not yet in the database: it does not go before. */
  readonly #unwritten = new Set<string>();
  #isClosed = false;

  constructor(context: Context, carrier: Carrier) {
    this.#context = context;
    this.#carrier = carrier;
  }

  /** What the browser kept, beside what is here already: a message may have been written meanwhile, or nothing can be kept. */
  async restore(): Promise<void> {
    const stored = await this.#context.database.with([], (tables) => tables.outbox.toArray());
    const fresh = stored.filter(({ clientMsgId }) => this.#find(clientMsgId) === undefined);
    if (fresh.length > 0) this.#set([...this.sends, ...fresh]);
  }

  of(thread: string): readonly StoredSend[] {
    return this.sends.filter((send) => send.thread === thread);
  }

  /** Shown at once; it goes when it is written down. */
  add(message: Omit<StoredSend, "clientMsgId" | "order" | "at" | "failure">): StoredSend {
    const at = this.#context.now();
    // A reload begins again at no lower number, for the clock goes on; two of the same moment stay apart.
    const order = Math.max(at, (this.sends.at(-1)?.order ?? 0) + 1);
    const send = { ...message, clientMsgId: crypto.randomUUID(), order, at, failure: null };
    this.#unwritten.add(send.clientMsgId);
    this.#context.apply({ type: "send", send });
    void this.#write(send);
    return send;
  }

  retry(clientMsgId: string): void {
    const send = this.#find(clientMsgId);
    if (!send || send.failure === null) return;
    this.#change({ ...send, failure: null });
  }

  /** Gives one up. It may have arrived all the same: then it is in the log. */
  discard(clientMsgId: string): void {
    const send = this.#find(clientMsgId);
    if (!send) return;
    void this.#context.database.with(undefined, (tables) => tables.outbox.delete(clientMsgId));
    this.#context.publish({ type: "unsend", clientMsgId, thread: send.thread });
  }

  /** It was given up, here or in another tab. */
  takeDiscarded(clientMsgId: string): void {
    if (this.#context.isLeader()) this.#carrier.forget(clientMsgId);
    this.takeGone(clientMsgId);
  }

  takeSend(send: StoredSend): void {
    const others = this.sends.filter((one) => one.clientMsgId !== send.clientMsgId);
    this.#set([...others, send]);
    this.go();
  }

  /** The server has it, or it was given up: what waits behind it can go. */
  takeGone(clientMsgId: string): void {
    if (!this.#find(clientMsgId)) return;
    this.sends = this.sends.filter((one) => one.clientMsgId !== clientMsgId);
    this.#drop(clientMsgId);
    if (this.#context.isLeader()) {
      void this.#context.database.with(undefined, (tables) => tables.outbox.delete(clientMsgId));
    }
    this.go();
  }

  /** Whatever waits for its next attempt does not wait for it, but for a connection: time without one counts for nothing. */
  disconnected(): void {
    for (const [id, { isUnderWay }] of this.#attempts) if (!isUnderWay) this.#drop(id);
  }

  close(): void {
    this.disconnected();
    this.#isClosed = true;
  }

  /** Sends the first of each thread that is not refused. One thread never waits for another. */
  go(): void {
    if (!this.#context.isLeader() || this.#isClosed) return;
    const threads = new Set<string>();
    for (const send of this.sends) {
      if (send.failure !== null || threads.has(send.thread)) continue;
      threads.add(send.thread);
      if (!this.#unwritten.has(send.clientMsgId)) void this.#attempt(send);
    }
  }

  async #write(send: StoredSend): Promise<void> {
    const written = this.#context.database.with("", (tables) => tables.outbox.put(send));
    await within(WRITE_MS, written, "");
    this.#unwritten.delete(send.clientMsgId);
    // Unless it was given up meanwhile.
    if (this.#find(send.clientMsgId)) this.#context.publish({ type: "send", send });
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
      this.#context.publish({ type: "sent", send, sent });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      attempts.isUnderWay = false;
      // It came all the same, was given up, or nobody is here any longer.
      if (this.#isClosed || !this.#find(send.clientMsgId)) return this.#drop(send.clientMsgId);
      this.#failed(send, attempts, error);
    }
  }

  #failed(send: StoredSend, attempts: Attempts, refusal: Refusal): void {
    if (refusal.retry === "never" && refusal.code !== "unknown") return this.#refuse(send, refusal.code);
    // Signed out: it is kept for the next time. Offline: until there is a connection.
    if (refusal.retry === "after_login" || !this.#carrier.isConnected()) return this.#drop(send.clientMsgId);
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

  #find(clientMsgId: string): StoredSend | undefined {
    return this.sends.find((one) => one.clientMsgId === clientMsgId);
  }

  #set(sends: readonly StoredSend[]): void {
    this.sends = sends.toSorted((a, b) => a.order - b.order);
  }

  #drop(clientMsgId: string): void {
    const timer = this.#attempts.get(clientMsgId)?.timer;
    if (timer) clearTimeout(timer);
    this.#attempts.delete(clientMsgId);
  }
}
