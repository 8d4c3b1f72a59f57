// A draft is never lost: not by a reload, another device, another tab, or an edit.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refusal } from "../api/refusal";
import type { Mine, PatchMine } from "../protocol";
import type { Context } from "./context";
import type { StoredDraft } from "./database";
import { isBlank, merged } from "./draft-text";
import { Drafts } from "./drafts.svelte";
import type { Event } from "./event";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NO_MINE: Mine = {
  version: 0,
  read_seq: 0,
  delivered_seq: 0,
  unread: 0,
  mentions: 0,
  pinned: false,
  archived: false,
  marked_unread: false,
};

/** The server's side of drafts, as its rules say. */
class Server {
  text: string | null = null;
  draftVersion = 0;
  version = 0;
  readonly saved: (string | null)[] = [];
  isReachable = true;

  async patchMine(_id: string, { draft }: PatchMine): Promise<Mine> {
    await Promise.resolve();
    if (!this.isReachable) throw new Refusal("unreachable", 0, "", { retry: "later" });
    if (draft && draft.version !== this.draftVersion) {
      const there = { text: this.text ?? "", version: this.draftVersion };
      throw new Refusal("conflict", 409, "", { draft: there });
    }
    this.put(draft?.text ?? null);
    this.saved.push(this.text);
    return this.mine();
  }

  put(text: string | null): void {
    if (text === this.text) return;
    this.text = text;
    this.draftVersion += 1;
    this.version += 1;
  }

  mine(): Mine {
    const draft = this.text === null ? {} : { draft: { text: this.text, version: this.draftVersion } };
    return { ...NO_MINE, ...draft, version: this.version };
  }

  frame(): Event {
    return { type: "frame", frame: { t: "mine", thread_id: "t", ...this.mine() } };
  }
}

/** One browser: what it keeps outlives its pages. */
class Browser {
  readonly kept = new Map<string, StoredDraft>();
  readonly typed: string[] = [];

  constructor(readonly server: Server) {}

  async open(others: Drafts[] = []): Promise<Drafts> {
    const drafts: { here?: Drafts } = {};
    const tables = {
      drafts: {
        toArray: () => Promise.resolve([...this.kept.values()]),
        put: (draft: StoredDraft) => Promise.resolve(void this.kept.set(draft.thread, draft)),
        delete: (id: string) => Promise.resolve(void this.kept.delete(id)),
      },
    };
    const context = {
      me: "me",
      calls: { thread: { patchMine: this.server.patchMine.bind(this.server) } },
      database: { with: (_otherwise: unknown, use: (given: unknown) => unknown) => use(tables) },
      now: () => Date.now(),
      publish: (event: Event) => [drafts.here, ...others].forEach((tab) => tab?.take(structuredClone(event))),
      apply: () => undefined,
      isLeader: () => true,
    } as unknown as Context;
    drafts.here = new Drafts(context, (_thread, text) => this.typed.push(text));
    await drafts.here.restore();
    return drafts.here;
  }
}

const entry = (text: string) => ({
  seq: 7,
  kind: "text" as const,
  author_id: "me",
  client_msg_id: "id",
  ord: 7,
  at: "2026-11-27T12:00:00.000Z",
  text,
});

describe("a draft in this browser", () => {
  it("is kept within 500 ms of a key, also while the typing goes on", async () => {
    const browser = new Browser(new Server());
    const draft = (await browser.open()).of("t");
    for (let key = 1; key <= 5; key++) {
      draft.write("x".repeat(key), key);
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(browser.kept.get("t")?.text.length).toBeGreaterThanOrEqual(3);
    await vi.advanceTimersByTimeAsync(300);
    expect(browser.kept.get("t")).toMatchObject({ text: "xxxxx", caret: 5 });
  });

  it("is kept at once when the page is left", async () => {
    const browser = new Browser(new Server());
    const drafts = await browser.open();
    drafts.of("t").write("see you", 7);
    drafts.flush();
    expect(browser.kept.get("t")?.text).toBe("see you");
  });

  it("comes back after a reload with its answer, its caret and who is named", async () => {
    const browser = new Browser(new Server());
    const before = (await browser.open()).of("t");
    before.write("@b", 2);
    before.mention({ id: "bo", handle: "bo", display_name: "Bo", about: "", created_at: "" });
    before.reply(5);
    before.flush();
    const after = (await browser.open()).of("t");
    expect(after.text).toBe("@Bo ");
    expect([after.caret, after.replyTo]).toEqual([4, 5]);
    expect(after.mentions).toEqual([{ userId: "bo", name: "Bo" }]);
  });

  it("is one text in all tabs, and of its own thread only", async () => {
    const browser = new Browser(new Server());
    const other = await browser.open();
    const here = await browser.open([other]);
    here.of("t").write("hello", 5);
    await vi.advanceTimersByTimeAsync(500);
    expect(other.of("t").text).toBe("hello");
    expect(other.textOf("t")).toBe("hello");
    expect(other.of("elsewhere").text).toBe("");
    here.of("t").take();
    await vi.advanceTimersByTimeAsync(500);
    expect(other.of("t").text).toBe("");
    expect(other.textOf("t")).toBeNull();
  });

  it("says that somebody types, but not while a message is edited", async () => {
    const browser = new Browser(new Server());
    const draft = (await browser.open()).of("t");
    draft.reads(() => entry("old"));
    draft.write("a", 1);
    draft.edit(7);
    draft.write("old!", 4);
    draft.take();
    expect(browser.typed).toEqual(["a"]);
  });

  it("says that nobody types any longer when it is sent", async () => {
    const browser = new Browser(new Server());
    const draft = (await browser.open()).of("t");
    draft.write("a", 1);
    draft.take();
    expect(browser.typed).toEqual(["a", ""]);
  });
});

describe("a draft on the server", () => {
  it("is saved two seconds after the last key, once", async () => {
    const server = new Server();
    const draft = (await new Browser(server).open()).of("t");
    for (const text of ["h", "he", "hel"]) {
      draft.write(text, text.length);
      await vi.advanceTimersByTimeAsync(1_500);
    }
    expect(server.saved).toEqual([]);
    await vi.advanceTimersByTimeAsync(500);
    expect(server.saved).toEqual(["hel"]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.saved).toEqual(["hel"]);
  });

  it("goes when the message is sent, and is not asked to go if it never came", async () => {
    const server = new Server();
    const draft = (await new Browser(server).open()).of("t");
    draft.write("quick", 5);
    expect(draft.take()).toEqual({ text: "quick", replyTo: null, mentions: [], mentionAll: false });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.saved).toEqual([]);
    draft.write("slow", 4);
    await vi.advanceTimersByTimeAsync(2_000);
    draft.take();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.saved).toEqual(["slow", null]);
  });

  it("goes as well if the message was sent while it was being saved", async () => {
    const server = new Server();
    const draft = (await new Browser(server).open()).of("t");
    draft.write("slow", 4);
    vi.advanceTimersByTime(2_000);
    draft.take();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.text).toBeNull();
  });

  it("arrives from another device", async () => {
    const server = new Server();
    const drafts = await new Browser(server).open();
    server.put("from the phone");
    drafts.take(server.frame());
    expect(drafts.of("t").text).toBe("from the phone");
    expect(drafts.textOf("t")).toBe("from the phone");
    // Sent there.
    server.put(null);
    drafts.take(server.frame());
    expect(drafts.of("t").text).toBe("");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.saved).toEqual([]);
  });

  it("is kept with the other one if two devices differ", async () => {
    const server = new Server();
    const drafts = await new Browser(server).open();
    drafts.of("t").write("from here", 9);
    server.put("from the phone");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(drafts.of("t").text).toBe("from the phone\n———\nfrom here");
    expect(server.text).toBe("from the phone\n———\nfrom here");
  });

  it("is kept with the other one also if that is heard of first", async () => {
    const server = new Server();
    const drafts = await new Browser(server).open();
    drafts.of("t").write("from here", 9);
    server.put("from the phone");
    drafts.take(server.frame());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.text).toBe("from the phone\n———\nfrom here");
  });

  it("is not doubled by its own echo", async () => {
    const server = new Server();
    const drafts = await new Browser(server).open();
    const draft = drafts.of("t");
    draft.write("hello", 5);
    vi.advanceTimersByTime(2_000);
    draft.write("hello world", 11);
    // The echo is here before the answer.
    await Promise.resolve();
    drafts.take(server.frame());
    await vi.advanceTimersByTimeAsync(10_000);
    drafts.take(server.frame());
    expect(draft.text).toBe("hello world");
    expect(server.text).toBe("hello world");
  });

  it("is saved again when the connection is back, from a page that was opened anew", async () => {
    const server = new Server();
    const browser = new Browser(server);
    server.isReachable = false;
    const offline = await browser.open();
    offline.of("t").write("offline", 7);
    await vi.advanceTimersByTimeAsync(5_000);
    offline.close();
    server.isReachable = true;
    const drafts = await browser.open();
    drafts.take(server.frame());
    drafts.ready();
    await vi.advanceTimersByTimeAsync(100);
    expect(drafts.of("t").text).toBe("offline");
    expect(server.text).toBe("offline");
  });

  it("does not come back by a word that is older than what was heard", async () => {
    const server = new Server();
    const drafts = await new Browser(server).open();
    server.put("one");
    const old = server.frame();
    server.put(null);
    drafts.take(server.frame());
    drafts.take(old);
    expect(drafts.of("t").text).toBe("");
  });
});

describe("an edit", () => {
  async function editing() {
    const server = new Server();
    const browser = new Browser(server);
    const drafts = await browser.open();
    const draft = drafts.of("t");
    draft.reads((seq) => (seq === 7 ? entry("old text") : undefined));
    draft.write("my draft", 8);
    draft.reply(3);
    draft.edit(7);
    return { server, browser, draft };
  }

  it("has the text of the message, and the draft from before comes back afterwards", async () => {
    const { draft, server } = await editing();
    expect([draft.text, draft.editing, draft.replyTo]).toEqual(["old text", 7, null]);
    draft.write("new text", 8);
    expect(draft.take()?.text).toBe("new text");
    expect([draft.text, draft.editing, draft.replyTo]).toEqual(["my draft", null, 3]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.saved).toEqual(["my draft"]);
  });

  it("leaves no trace if nothing was changed", async () => {
    const { draft } = await editing();
    draft.edit(null);
    expect([draft.text, draft.replyTo]).toEqual(["my draft", 3]);
  });

  it("leaves what was changed in the box, as Escape never clears a text", async () => {
    const { draft } = await editing();
    draft.write("changed", 7);
    draft.edit(null);
    expect(draft.text).toBe("my draft\n———\nchanged");
  });

  it("survives a reload with the draft from before", async () => {
    const { browser, draft } = await editing();
    draft.write("changed", 7);
    draft.flush();
    const after = (await browser.open()).of("t");
    expect([after.text, after.editing]).toEqual(["changed", 7]);
    after.take();
    expect(after.text).toBe("my draft");
  });

  it("takes what another device wrote into the draft from before", async () => {
    const server = new Server();
    const drafts = await new Browser(server).open();
    const draft = drafts.of("t");
    draft.reads(() => entry("old text"));
    draft.edit(7);
    server.put("from the phone");
    drafts.take(server.frame());
    expect(draft.text).toBe("old text");
    draft.edit(null);
    expect(draft.text).toBe("from the phone");
  });

  it("is not begun on a message that is deleted or not here", async () => {
    const draft = (await new Browser(new Server()).open()).of("t");
    draft.edit(7);
    expect(draft.editing).toBeNull();
    draft.reads(() => ({ ...entry(""), deleted_seq: 9 }));
    draft.edit(7);
    expect(draft.editing).toBeNull();
  });
});

describe("what is sent", () => {
  it("is never blank", async () => {
    const draft = (await new Browser(new Server()).open()).of("t");
    for (const blank of ["", " ", "\t\n", "\u3000", "\u200b\u2060", "\u3164"]) {
      draft.write(blank, 0);
      expect(draft.take()).toBeNull();
      expect(isBlank(blank)).toBe(true);
    }
    for (const text of ["a", "?!", "👨‍👩‍👧", "\u2800", " x "]) expect(isBlank(text)).toBe(false);
  });

  it("names those who still stand in it", async () => {
    const draft = (await new Browser(new Server()).open()).of("t");
    const bo = { id: "bo", handle: "bo", display_name: "Bo Li", about: "", created_at: "" };
    draft.write("hi @B", 5);
    draft.mention(bo);
    draft.mentionAll("all");
    expect(draft.text).toBe("hi @Bo Li @all ");
    draft.write("hi @Bo @all ", 4);
    expect(draft.take()).toEqual({ text: "hi @Bo @all ", replyTo: null, mentions: [], mentionAll: true });
  });
});

describe("two texts", () => {
  it("become one that has both, and nothing twice", () => {
    expect(merged("a", "b")).toBe("a\n———\nb");
    expect(merged("a", "")).toBe("a");
    expect(merged("", "b")).toBe("b");
    expect(merged("same", "same")).toBe("same");
    expect(merged("a", "banana")).toBe("a\n———\nbanana");
    expect(merged("a\n———\nb", "b")).toBe("a\n———\nb");
  });
});
