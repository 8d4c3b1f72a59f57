// The list of threads: order, names, previews, counts, what is found.

import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refusal } from "../api/refusal";
import type { StoredSend } from "./database";
import type { Row } from "./kith";
import { NOON, Scene, directWith, iso, person, rowOf } from "./scene.test-subjects.svelte";

beforeEach(() => void vi.useFakeTimers({ now: NOON }));
afterEach(() => void vi.useRealTimers());

function send(thread: string, more: Partial<StoredSend> = {}): StoredSend {
  return {
    clientMsgId: "id",
    thread,
    order: 1,
    at: NOON + 60_000,
    seenHead: 2,
    text: "on its way",
    replyTo: null,
    mentions: [],
    mentionAll: false,
    failure: null,
    ...more,
  };
}

const ids = (rows: readonly Row[] | null): string[] => (rows ?? []).map((row) => row.id);

describe("the list", () => {
  it("is not known before anything was told", () => {
    const scene = new Scene();
    expect(scene.inbox.rows).toBeNull();
    scene.tell([]);
    expect(scene.inbox.rows).toEqual([]);
  });

  it("has what is pinned first, then what is newest, and the archive apart", () => {
    const scene = new Scene();
    scene.tell([
      rowOf("old", { head: { at: iso(NOON - 2000) } }),
      rowOf("new", { head: { at: iso(NOON) } }),
      rowOf("pinned", { head: { at: iso(NOON - 9000) }, mine: { pinned: true } }),
      rowOf("archived", { mine: { archived: true } }),
    ]);
    expect(ids(scene.inbox.rows)).toEqual(["pinned", "new", "old"]);
    expect(ids(scene.inbox.archived)).toEqual(["archived"]);
  });

  it("lifts a thread at once when something is sent in it, also without a connection", () => {
    const scene = new Scene();
    scene.tell([rowOf("a", { head: { at: iso(NOON - 1000) } }), rowOf("b")]);
    expect(ids(scene.inbox.rows)).toEqual(["b", "a"]);
    scene.isConnected = false;
    scene.sends = [send("a")];
    expect(ids(scene.inbox.rows)).toEqual(["a", "b"]);
    expect(scene.inbox.row("a").preview).toMatchObject({ text: "on its way", isOwn: true, state: "waiting" });
  });

  it("asks what there is when a message comes in a thread that nobody has told of", () => {
    const scene = new Scene();
    scene.tell([]);
    scene.threads.takeEntries("new", [], () => null);
    expect(scene.doubts).toBe(1);
    scene.tell([rowOf("new")]);
    expect(ids(scene.inbox.rows)).toEqual(["new"]);
  });

  it("draws only the row that has changed", () => {
    const scene = new Scene();
    scene.tell([rowOf("a"), rowOf("b")]);
    const [a, b] = [scene.inbox.row("a"), scene.inbox.row("b")];
    const drawn: string[] = [];
    const stop = Scene.watch([
      () => drawn.push(`a ${a.preview?.text} ${a.unread}`),
      () => drawn.push(`b ${b.preview?.text} ${b.unread}`),
    ]);
    flushSync();
    drawn.length = 0;
    const entry = {
      seq: 3,
      kind: "text" as const,
      author_id: "ann",
      client_msg_id: null,
      ord: 2,
      at: iso(NOON + 1),
      text: "new",
    };
    scene.threads.takeEntries("a", [entry], () => null);
    flushSync();
    expect(drawn).toEqual(["a new 1"]);
    stop();
  });
});

describe("a row", () => {
  it("is called by its title, the other person, or its members", () => {
    const scene = new Scene();
    const { title, ...untitled } = rowOf("u").thread;
    void title;
    scene.tell(
      [
        rowOf("t", { thread: { title: "Te\u202eam" } }),
        directWith("ann"),
        { ...rowOf("u"), thread: untitled },
      ],
      ["ann"],
    );
    scene.people.takeUsers([person("ann", { display_name: "An\u202en" }), person("bo"), person("cy")]);
    expect(scene.inbox.row("t").name).toBe("Team");
    expect(scene.inbox.row("ann").name).toBe("Ann");
    expect(scene.inbox.row("u").name).toBe("");
    scene.members = { u: { ids: ["ann", "bo"], count: 2 } };
    expect(scene.inbox.row("u").name).toBe("Ann, Bo");
    scene.members = { u: { ids: ["ann", "bo", "cy"], count: 5 } };
    expect(scene.inbox.row("u").name).toBe("Ann, Bo, Cy, +2");
  });

  it("shows who said what last, and how far one's own has got", () => {
    const scene = new Scene();
    const own = { seq: 2, author_id: "me", kind: "text" as const, text: "mine" };
    scene.tell([
      rowOf("theirs"),
      rowOf("mine", { head: { preview: own, others: { delivered_seq: 2, read_seq: 1 } } }),
      rowOf("gone", { head: { preview: { seq: 2, author_id: "ann", kind: "text" } } }),
    ]);
    scene.people.takeUsers([person("ann")]);
    const preview = (id: string) => scene.inbox.row(id).preview;
    expect(preview("theirs")).toMatchObject({
      author: person("ann"),
      text: "hello",
      kind: "text",
      state: null,
    });
    expect(preview("mine")).toMatchObject({ author: null, isOwn: true, state: "delivered" });
    expect(preview("gone")).toMatchObject({ kind: "deleted", text: "" });
  });

  it("shows what could not be sent until something newer has come", () => {
    const scene = new Scene();
    scene.tell([rowOf("a")]);
    scene.sends = [send("a", { failure: "blocked" })];
    expect(scene.inbox.row("a").preview?.state).toBe("failed");
    scene.tell([rowOf("a", { head: { last_seq: 3, at: iso(NOON + 120_000) } })]);
    expect(scene.inbox.row("a").preview?.text).toBe("hello");
  });

  it("is a request if somebody unknown wrote and was neither answered, nor read, nor asked", () => {
    const scene = new Scene();
    const unread = { mine: { read_seq: 1, unread: 1 } };
    scene.tell(
      [
        directWith("stranger", unread),
        directWith("friend", unread),
        directWith("read"),
        directWith("empty", { head: { ord: 0, last_seq: 1 }, mine: { read_seq: 1 } }),
        directWith("answered", { ...unread, head: { preview: { seq: 2, author_id: "me", kind: "text" } } }),
        rowOf("group", unread),
      ],
      ["friend"],
    );
    const requests = (): string[] => ids((scene.inbox.rows ?? []).filter((row) => row.isRequest));
    expect(requests()).toEqual(["stranger"]);
    scene.sends = [send("stranger")];
    expect(requests()).toEqual([]);
  });

  it("is no request once the person was asked to be a contact", async () => {
    const asked = { id: "r", from: person("me"), to: person("ann"), at: iso(NOON), accepted: false };
    const scene = new Scene({
      contact: { requests: () => Promise.resolve([asked]), blocks: () => Promise.resolve([]) },
    });
    scene.tell([directWith("ann", { mine: { read_seq: 1, unread: 1 } })]);
    expect(scene.inbox.row("ann").isRequest).toBe(true);
    await scene.people.reload();
    expect(scene.inbox.row("ann").isRequest).toBe(false);
  });

  it("is pinned at once, and unpinned if that is refused", async () => {
    let refuse = (): void => undefined;
    const scene = new Scene({
      thread: {
        patchMine: () =>
          new Promise((_, reject) => {
            refuse = () => reject(new Refusal("unreachable", 0, ""));
          }),
      },
    });
    scene.tell([rowOf("a"), rowOf("b", { head: { at: iso(NOON - 1) } })]);
    const pinned = scene.inbox.row("b").pin(true);
    expect(ids(scene.inbox.rows)).toEqual(["b", "a"]);
    // Something else changes meanwhile.
    scene.threads.assume("b", (row) => ({ ...row, mine: { ...row.mine, unread: 4 } }));
    refuse();
    await expect(pinned).rejects.toThrow(Refusal);
    expect(ids(scene.inbox.rows)).toEqual(["a", "b"]);
    expect(scene.inbox.row("b").unread).toBe(4);
  });

  it("is muted until its time, and the list knows when that is over", async () => {
    const scene = new Scene();
    scene.tell([
      rowOf("hour", { mine: { unread: 2, muted_until: iso(NOON + 3_600_000) } }),
      rowOf("always", { mine: { unread: 3, muted_until: "9000-01-01T00:00:00.000Z" } }),
    ]);
    const [hour, always] = [scene.inbox.row("hour"), scene.inbox.row("always")];
    expect([hour.isMuted, hour.mutedUntil]).toEqual([true, NOON + 3_600_000]);
    expect([always.isMuted, always.mutedUntil]).toEqual([true, null]);
    expect(scene.inbox.unread).toBe(0);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect([hour.isMuted, always.isMuted]).toEqual([false, true]);
    expect(scene.inbox.unread).toBe(2);
  });
});

describe("what is unread in all", () => {
  it("leaves out muted threads, but not who is called there, and the archive, and what was left", () => {
    const scene = new Scene();
    const muted_until = iso(NOON + 60_000);
    scene.tell([
      rowOf("a", { mine: { unread: 3, mentions: 1 } }),
      rowOf("muted", { mine: { unread: 9, muted_until } }),
      rowOf("muted but called", { mine: { unread: 9, mentions: 2, muted_until } }),
      rowOf("archived", { mine: { unread: 5, archived: true } }),
      rowOf("left", { mine: { unread: 5 }, thread: { gone: true, left_seq: 2 } }),
      rowOf("marked", { mine: { marked_unread: true } }),
    ]);
    expect(scene.inbox.unread).toBe(5);
  });
});

describe("the filter", () => {
  it("finds a part of a name in any script, a handle, and names without their accents", () => {
    const scene = new Scene();
    scene.tell(
      [
        rowOf("zh", { thread: { title: "今天晚上一起吃饭" } }),
        rowOf("de", { thread: { title: "Müller & Söhne" } }),
        rowOf("wide", { thread: { title: "ＫＩＴＨ" } }),
        directWith("ann", { mine: { archived: true } }),
      ],
      ["ann"],
    );
    scene.people.takeUsers([person("ann", { handle: "ann.lee" })]);
    const find = (text: string) => ids(scene.inbox.find(text, "all"));
    expect(find("晚上")).toEqual(["zh"]);
    expect(find("muller")).toEqual(["de"]);
    expect(find(" kith ")).toEqual(["wide"]);
    expect(find("@ann.l")).toEqual(["ann"]);
    expect(find("nobody")).toEqual([]);
    expect(find("")).toEqual(["de", "wide", "zh"]);
  });

  it("shows what is unread, or groups", () => {
    const scene = new Scene();
    scene.tell([
      directWith("ann", { mine: { unread: 1 } }),
      rowOf("marked", { mine: { marked_unread: true } }),
      rowOf("read"),
    ]);
    expect(ids(scene.inbox.find("", "unread"))).toEqual(["ann", "marked"]);
    expect(ids(scene.inbox.find("", "groups"))).toEqual(["marked", "read"]);
  });

  it("answers at once among a thousand threads", () => {
    const scene = new Scene();
    const rows = Array.from({ length: 1000 }, (_, n) =>
      rowOf(`t${n}`, { thread: { title: `Thread ${n} 晚上` }, head: { at: iso(NOON - n) } }),
    );
    scene.tell(rows);
    scene.inbox.find("", "all");
    const from = performance.now();
    expect(scene.inbox.find("thread 99", "all").length).toBe(11);
    expect(scene.inbox.find("晚", "all").length).toBe(1000);
    expect(performance.now() - from).toBeLessThan(50);
  });
});
