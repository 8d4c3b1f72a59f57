// Messages on their way: written down before they go, in order, tried with the same ids, never doubled, never lost.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refusal } from "../api/refusal";
import type { Sent } from "../protocol";
import type { Context } from "./context";
import type { StoredSend } from "./database";
import type { Event } from "./event";
import { Outbox } from "./outbox.svelte";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

const later = (rest = {}) => new Refusal("overloaded", 503, "", { retry: "later", ...rest });
const gone = () => new Refusal("unreachable", 0, "", { retry: "later" });

interface Attempt {
  readonly send: StoredSend;
  accept(seq?: number): Promise<void>;
  refuse(refusal: Refusal): Promise<void>;
}

/** What a browser keeps for all its tabs. */
class Storage {
  readonly outbox = new Map<string, StoredSend>();
  isBroken = false;
  /** Writes end when it is let go. */
  isSlow = false;
  letGo: () => void = () => undefined;

  readonly database = {
    with: async (otherwise: unknown, use: (tables: unknown) => unknown) => {
      if (this.isSlow) await new Promise<void>((resolve) => (this.letGo = resolve));
      return this.isBroken ? otherwise : use(this.#tables);
    },
  };

  readonly #tables = {
    outbox: {
      put: (send: StoredSend) => void this.outbox.set(send.clientMsgId, structuredClone(send)),
      delete: (id: string) => void this.outbox.delete(id),
      toArray: () => [...this.outbox.values()],
    },
  };
}

/** One tab. */
class Tab {
  readonly outbox: Outbox;
  readonly attempts: Attempt[] = [];
  readonly told: Event[] = [];
  readonly forgotten: string[] = [];
  isLeader = true;
  isConnected = true;

  constructor(storage = new Storage()) {
    const happened = (event: Event): void => {
      if (event.type === "send") this.outbox.takeSend(event.send);
      else if (event.type === "sent") this.outbox.takeGone(event.send.clientMsgId);
      else if (event.type === "unsend") this.outbox.takeDiscarded(event.clientMsgId);
    };
    const context = {
      me: "me",
      database: storage.database,
      now: () => Date.now(),
      apply: happened,
      publish: (event: Event) => {
        this.told.push(event);
        happened(event);
      },
      isLeader: () => this.isLeader,
    };
    this.outbox = new Outbox(context as unknown as Context, {
      isConnected: () => this.isConnected,
      send: (send) => new Promise<Sent>((resolve, reject) => this.#attempted(send, resolve, reject)),
      forget: (id) => this.forgotten.push(id),
    });
  }

  async write(text: string, thread = "t"): Promise<StoredSend> {
    const rest = { seenHead: 7, replyTo: null, mentions: [], mentionAll: false };
    const send = this.outbox.add({ thread, text, ...rest });
    await settle();
    return send;
  }

  get tried(): string[] {
    return this.attempts.map(({ send }) => send.text);
  }

  get waiting(): string[] {
    return this.outbox.sends.map(({ text }) => text);
  }

  at(place: number): Attempt {
    const attempt = this.attempts.at(place);
    if (!attempt) throw new Error("it was not tried so often");
    return attempt;
  }

  #attempted(send: StoredSend, resolve: (sent: Sent) => void, reject: (refusal: Refusal) => void): void {
    this.attempts.push({
      send,
      accept: (seq = 8) => {
        resolve({ seq, ord: seq, at: "2026-11-27T12:00:00.000Z" });
        return settle();
      },
      refuse: (refusal) => {
        reject(refusal);
        return settle();
      },
    });
  }
}

const settle = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined);
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);

describe("a message", () => {
  it("is shown at once, and goes when it is written down", async () => {
    const storage = new Storage();
    const tab = new Tab(storage);
    storage.isSlow = true;
    await tab.write("hello");
    expect(tab.waiting).toEqual(["hello"]);
    expect(tab.tried).toEqual([]);
    storage.letGo();
    await settle();
    expect([...storage.outbox.values()]).toMatchObject([{ text: "hello", seenHead: 7, failure: null }]);
    expect(tab.tried).toEqual(["hello"]);
  });

  it("goes also where nothing can be kept, and where the storage never answers", async () => {
    const storage = new Storage();
    storage.isBroken = true;
    const broken = new Tab(storage);
    await broken.write("hello");
    expect(broken.tried).toEqual(["hello"]);
    storage.isSlow = true;
    const stuck = new Tab(storage);
    await stuck.write("hello");
    await pass(2);
    expect(stuck.tried).toEqual(["hello"]);
  });

  it("leaves when it was accepted, here and in the storage", async () => {
    const storage = new Storage();
    const tab = new Tab(storage);
    await tab.write("hello");
    await tab.at(0).accept(8);
    expect(tab.told.at(-1)).toMatchObject({ type: "sent", sent: { seq: 8 } });
    expect(tab.waiting).toEqual([]);
    await settle();
    expect(storage.outbox.size).toBe(0);
  });

  it("follows those that were written before it in its thread, and waits for no other thread", async () => {
    const tab = new Tab();
    await tab.write("one");
    await tab.write("two");
    await tab.write("elsewhere", "other");
    expect(tab.tried).toEqual(["one", "elsewhere"]);
    await tab.at(0).accept();
    expect(tab.tried).toEqual(["one", "elsewhere", "two"]);
  });

  it("keeps its order where many are written in the same moment", async () => {
    const tab = new Tab();
    const texts = ["a", "b", "c", "d"];
    for (const text of texts) await tab.write(text);
    expect(tab.waiting).toEqual(texts);
    expect(new Set(tab.outbox.sends.map(({ order }) => order)).size).toBe(4);
  });
});

describe("an attempt that failed", () => {
  it("is made again after 1, 2, 4 … 30 seconds with the same ids, and not sent after a minute", async () => {
    const tab = new Tab();
    const { clientMsgId } = await tab.write("hello");
    for (const waitS of [1, 2, 4, 8, 16, 30]) {
      await tab.at(-1).refuse(gone());
      expect(tab.outbox.sends[0]?.failure).toBeNull();
      const tried = tab.attempts.length;
      await pass(waitS - 0.1);
      expect(tab.attempts).toHaveLength(tried);
      await pass(0.1);
      expect(tab.attempts).toHaveLength(tried + 1);
      expect(tab.at(-1).send).toMatchObject({ clientMsgId, seenHead: 7 });
    }
    await tab.at(-1).refuse(gone());
    expect(tab.outbox.sends[0]?.failure).toBe("unreachable");
    expect(tab.told.at(-1)).toMatchObject({ type: "send", send: { failure: "unreachable" } });
  });

  it("heeds what the server says of when", async () => {
    const tab = new Tab();
    await tab.write("slow mode");
    await tab.at(0).refuse(later({ retryAfterS: 40 }));
    tab.outbox.go();
    await pass(39);
    expect(tab.attempts).toHaveLength(1);
    await pass(1);
    expect(tab.attempts).toHaveLength(2);
  });

  it("waits without a connection for as long as it takes, and goes at once when there is one", async () => {
    const tab = new Tab();
    await tab.write("hello");
    tab.isConnected = false;
    await tab.at(0).refuse(gone());
    await pass(3_600);
    expect(tab.attempts).toHaveLength(1);
    expect(tab.outbox.sends[0]?.failure).toBeNull();
    tab.isConnected = true;
    tab.outbox.go();
    expect(tab.attempts).toHaveLength(2);
  });

  it("counts no time without a connection towards the minute", async () => {
    const tab = new Tab();
    await tab.write("hello");
    await tab.at(0).refuse(gone());
    tab.isConnected = false;
    tab.outbox.disconnected();
    await pass(3_600);
    tab.isConnected = true;
    tab.outbox.go();
    await tab.at(1).refuse(gone());
    expect(tab.outbox.sends[0]?.failure).toBeNull();
  });

  it("is no failure if the server's copy came meanwhile", async () => {
    const tab = new Tab();
    const { clientMsgId } = await tab.write("hello");
    tab.outbox.takeGone(clientMsgId);
    await tab.at(0).refuse(new Refusal("blocked", 403, ""));
    await pass(60);
    expect(tab.waiting).toEqual([]);
    expect(tab.attempts).toHaveLength(1);
  });

  it("by a session that ended keeps the message for the next one", async () => {
    const tab = new Tab();
    await tab.write("hello");
    await tab.at(0).refuse(new Refusal("session_revoked", 401, "", { retry: "after_login" }));
    expect(tab.outbox.sends).toMatchObject([{ text: "hello", failure: null }]);
  });
});

describe("a refusal", () => {
  it("says why, holds up nobody, and can be tried again with the same id", async () => {
    const tab = new Tab();
    const { clientMsgId } = await tab.write("one");
    await tab.write("two");
    await tab.at(0).refuse(new Refusal("blocked", 403, "", { retry: "never" }));
    expect(tab.outbox.sends).toMatchObject([{ text: "one", failure: "blocked" }, { text: "two" }]);
    expect(tab.tried).toEqual(["one", "two"]);
    await tab.at(1).accept();
    tab.outbox.retry(clientMsgId);
    expect(tab.outbox.sends).toMatchObject([{ text: "one", failure: null }]);
    expect(tab.at(2).send.clientMsgId).toBe(clientMsgId);
    await tab.at(2).accept();
    expect(tab.waiting).toEqual([]);
  });

  it("of something between page and server is none: it is tried again", async () => {
    const tab = new Tab();
    await tab.write("hello");
    await tab.at(0).refuse(new Refusal("unknown", 403, "Proxy says no", { retry: "never" }));
    expect(tab.outbox.sends[0]?.failure).toBeNull();
    await pass(1);
    expect(tab.attempts).toHaveLength(2);
  });

  it("is given up with a word to the server", async () => {
    const storage = new Storage();
    const tab = new Tab(storage);
    const { clientMsgId } = await tab.write("hello");
    await tab.at(0).refuse(new Refusal("forbidden", 403, ""));
    tab.outbox.discard(clientMsgId);
    await settle();
    expect(tab.forgotten).toEqual([clientMsgId]);
    expect(tab.waiting).toEqual([]);
    expect(storage.outbox.size).toBe(0);
  });
});

describe("another tab", () => {
  it("sends what a closed one left, in its order and with its ids, once", async () => {
    const storage = new Storage();
    const first = new Tab(storage);
    const sends = [await first.write("one"), await first.write("two")];
    first.outbox.close();
    const second = new Tab(storage);
    await second.outbox.restore();
    second.outbox.go();
    expect(second.tried).toEqual(["one"]);
    await second.at(0).accept();
    await second.at(1).accept(9);
    expect(second.attempts.map(({ send }) => send.clientMsgId)).toEqual(sends.map((one) => one.clientMsgId));
    expect(second.waiting).toEqual([]);
  });

  it("that begins to lead loses nothing that it holds itself", async () => {
    const storage = new Storage();
    storage.isBroken = true;
    const tab = new Tab(storage);
    tab.isLeader = false;
    await tab.write("kept in memory only");
    expect(tab.tried).toEqual([]);
    tab.isLeader = true;
    await tab.outbox.restore();
    tab.outbox.go();
    expect(tab.tried).toEqual(["kept in memory only"]);
  });

  it("does not send, but hands over what is written in it", async () => {
    const follower = new Tab();
    follower.isLeader = false;
    await follower.write("hello");
    expect(follower.tried).toEqual([]);
    expect(follower.told).toMatchObject([{ type: "send", send: { text: "hello" } }]);
  });

  it("that was given up in hears no more of it", async () => {
    const storage = new Storage();
    storage.isSlow = true;
    const tab = new Tab(storage);
    const { clientMsgId } = await tab.write("hello");
    const { letGo } = storage;
    tab.outbox.discard(clientMsgId);
    letGo();
    storage.letGo();
    await settle();
    expect(tab.tried).toEqual([]);
    expect(tab.waiting).toEqual([]);
  });
});
