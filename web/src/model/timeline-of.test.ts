// Groups, date lines, the New line and holes, from entries as the server sends them.

import { describe, expect, it } from "vitest";
import type { StoredSend } from "./database";
import { type Logged, isCountable } from "./log";
import type { Range } from "./ranges";
import type { Message, TimelineItem } from "./timeline";
import { type TimelineInput, timelineOf } from "./timeline-of";
import type { Entry, User } from "../protocol";

const MINUTE = 60_000;
const NOON = Date.parse("2026-11-27T12:00:00Z");

function person(id: string): User {
  return { id, handle: id, display_name: id, about: "", created_at: "2026-01-01T00:00:00.000Z" };
}
const people = new Map(["ann", "bo", "me"].map((id) => [id, person(id)]));
const user = (id: string): User => people.get(id) ?? person(id);
const me = user("me");

function said(seq: number, author: string, at: number, more: Partial<Entry> = {}): Logged {
  const entry: Entry = {
    seq,
    kind: "text",
    author_id: author,
    client_msg_id: author === "me" ? `id-${seq}` : null,
    ord: seq,
    at: new Date(at).toISOString(),
    text: `${author} ${seq}`,
    ...more,
  };
  return { entry, asOf: seq, editedAt: null };
}

function unsent(id: string, at: number, more: Partial<StoredSend> = {}): StoredSend {
  return {
    clientMsgId: id,
    thread: "t",
    order: at,
    at,
    seenHead: 0,
    text: id,
    replyTo: null,
    mentions: [],
    mentionAll: false,
    failure: null,
    ...more,
  };
}

function input(logged: readonly Logged[], more: Partial<TimelineInput> = {}): TimelineInput {
  return {
    me,
    logged,
    sends: [],
    holes: [],
    isBeginning: true,
    newFrom: null,
    timeZone: "UTC",
    user,
    at: (seq) => logged.find((one) => one.entry.seq === seq),
    state: () => "sent",
    sendState: (send) => (send.failure === null ? "sending" : "failed"),
    ...more,
  };
}

/** Rows in short: the text of a message, with what it is in its group; the type of anything else. */
function short(items: readonly TimelineItem[]): string[] {
  return items.map((item) => {
    if (item.type !== "message") return item.type;
    return `${item.isFirst ? "[" : ""}${item.text}${item.isLast ? "]" : ""}`;
  });
}

const rows = (logged: readonly Logged[], more: Partial<TimelineInput> = {}) =>
  short(timelineOf(input(logged, more), [])).slice(1);

describe("a date line", () => {
  it("does not stand above the first row while more of that day may be read", () => {
    const logged = [said(5, "ann", NOON), said(6, "bo", NOON + 24 * 60 * MINUTE)];
    const drawn = (isBeginning: boolean) => short(timelineOf(input(logged, { isBeginning }), []));
    expect(drawn(false)).toEqual(["[ann 5]", "date", "[bo 6]"]);
    expect(drawn(true)).toEqual(["date", "[ann 5]", "date", "[bo 6]"]);
  });
});

describe("a group", () => {
  it("is what one author says within five minutes", () => {
    const items = [
      said(1, "ann", NOON),
      said(2, "ann", NOON + 4 * MINUTE),
      said(3, "ann", NOON + 10 * MINUTE),
    ];
    expect(rows(items)).toEqual(["[ann 1", "ann 2]", "[ann 3]"]);
  });

  it("ends with another author", () => {
    expect(rows([said(1, "ann", NOON), said(2, "bo", NOON), said(3, "ann", NOON)])).toEqual([
      "[ann 1]",
      "[bo 2]",
      "[ann 3]",
    ]);
  });

  it("begins anew with a reply", () => {
    const items = [said(1, "ann", NOON), said(2, "ann", NOON, { reply_to: 1 }), said(3, "ann", NOON)];
    expect(rows(items)).toEqual(["[ann 1]", "[ann 2", "ann 3]"]);
  });

  it("does not cross a notice, a hole, a date line or the New line", () => {
    const added = said(2, "bo", NOON, { kind: "member_added", user_ids: ["ann"] });
    expect(rows([said(1, "ann", NOON), added, said(3, "ann", NOON)])).toEqual([
      "[ann 1]",
      "notice",
      "[ann 3]",
    ]);
    const apart = [said(1, "ann", NOON), said(3, "ann", NOON)];
    expect(rows(apart, { holes: [[2, 2]] })).toEqual(["[ann 1]", "hole", "[ann 3]"]);
    expect(rows(apart, { newFrom: 3 })).toEqual(["[ann 1]", "new", "[ann 3]"]);
    const midnight = Date.parse("2026-11-28T00:00:00Z");
    expect(rows([said(1, "ann", midnight - MINUTE), said(2, "ann", midnight)])).toEqual([
      "[ann 1]",
      "date",
      "[ann 2]",
    ]);
  });

  it("takes in one's own message that is on its way", () => {
    expect(rows([said(1, "me", NOON)], { sends: [unsent("x", NOON + MINUTE)] })).toEqual(["[me 1", "x]"]);
  });

  it("stays as it is when older messages arrive above", () => {
    const later = Array.from({ length: 20 }, (_, n) => said(n + 11, "ann", NOON + n * MINUTE));
    const older = Array.from({ length: 10 }, (_, n) => said(n + 1, "ann", NOON - (10 - n) * MINUTE));
    const before = timelineOf(input(later), []);
    const after = timelineOf(input([...older, ...later]), before);
    // Only the first of those that were there was the beginning of a group, and is one no longer.
    expect(after.slice(-19)).toEqual(before.slice(-19));
  });
});

describe("a date line", () => {
  it("stands where the reader's day changes", () => {
    const evening = said(1, "ann", Date.parse("2026-11-27T15:59:00Z"));
    const night = said(2, "ann", Date.parse("2026-11-27T16:00:00Z"));
    expect(rows([evening, night])).toEqual(["[ann 1", "ann 2]"]);
    expect(rows([evening, night], { timeZone: "Asia/Shanghai" })).toEqual(["[ann 1]", "date", "[ann 2]"]);
  });

  it("is not drawn twice for a day, also if the clocks of two servers do not agree", () => {
    const midnight = Date.parse("2026-11-28T00:00:00Z");
    const items = [
      said(1, "ann", midnight - 5),
      said(2, "bo", midnight + 5),
      said(3, "ann", midnight - 1),
      said(4, "bo", midnight + 9),
    ];
    expect(short(timelineOf(input(items), []))).toEqual([
      "date",
      "[ann 1]",
      "date",
      "[bo 2]",
      "[ann 3]",
      "[bo 4]",
    ]);
  });
});

describe("the New line", () => {
  const unread = [said(1, "ann", NOON), said(2, "ann", NOON), said(3, "bo", NOON)];

  it("stands before the first message of somebody else that is new", () => {
    expect(rows(unread, { newFrom: 2 })).toEqual(["[ann 1]", "new", "[ann 2]", "[bo 3]"]);
  });

  it("never has one's own messages under it", () => {
    expect(rows([...unread, said(4, "me", NOON)], { newFrom: 2 })).not.toContain("new");
    const onOtherDevice = [...unread, said(4, "me", NOON), said(5, "bo", NOON)];
    expect(rows(onOtherDevice, { newFrom: 2 }).slice(-2)).toEqual(["new", "[bo 5]"]);
    expect(rows(unread, { newFrom: 2, sends: [unsent("x", NOON)] })).not.toContain("new");
  });

  it("is not hidden by a message that could not be sent long ago", () => {
    expect(rows(unread, { newFrom: 2, sends: [unsent("x", NOON, { failure: "blocked" })] })).toContain("new");
  });

  it("is not drawn if only one's own follow, or only notices", () => {
    const notice = said(3, "bo", NOON, { kind: "title", title: "Team" });
    expect(rows([said(1, "ann", NOON), said(2, "me", NOON), notice], { newFrom: 2 })).not.toContain("new");
  });

  it("is not drawn at the top while it belongs further up", () => {
    const page = [said(50, "ann", NOON), said(51, "ann", NOON)];
    expect(rows(page, { newFrom: 20, isBeginning: false })).not.toContain("new");
    expect(rows(page, { newFrom: 20, isBeginning: true })).toContain("new");
    expect(rows(page, { newFrom: 50 })).toContain("new");
  });

  it("stands before a hole in which the new messages begin", () => {
    const items = [said(1, "ann", NOON), said(9, "ann", NOON)];
    expect(rows(items, { newFrom: 4, holes: [[2, 8]] })).toEqual(["[ann 1]", "new", "hole", "[ann 9]"]);
  });
});

describe("holes and the beginning", () => {
  it("draws every hole at its place", () => {
    const items = [said(3, "ann", NOON), said(7, "ann", NOON), said(8, "bo", NOON)];
    const holes: Range[] = [
      [4, 6],
      [9, 12],
    ];
    expect(rows(items, { holes })).toEqual(["[ann 3]", "hole", "[ann 7]", "[bo 8]", "hole"]);
  });

  it("has a card that says when and by whom the thread was made", () => {
    const created = said(1, "ann", NOON, { kind: "created", thread_kind: "group" });
    const items = timelineOf(input([created, said(2, "ann", NOON)], { isBeginning: true }), []);
    expect(items[0]).toEqual({ type: "beginning", key: "beginning", at: NOON, author: user("ann") });
    expect(short(items)).toEqual(["beginning", "date", "[ann 2]"]);
  });

  it("does not show what it does not know", () => {
    const unknown = said(2, "bo", NOON, { kind: "unknown" });
    expect(rows([said(1, "ann", NOON), unknown, said(3, "ann", NOON)])).toEqual(["[ann 1", "ann 3]"]);
  });
});

describe("a row", () => {
  it("keeps its key when the server's copy of one's own message arrives", () => {
    const before = timelineOf(input([said(1, "ann", NOON)], { sends: [unsent("id-2", NOON)] }), []);
    const after = timelineOf(input([said(1, "ann", NOON), said(2, "me", NOON)]), before);
    expect(after.map((item) => item.key)).toEqual(before.map((item) => item.key));
  });

  it("quotes what is in memory, an empty text if that was deleted, and nothing if it is not here", () => {
    const quote = (target: Logged[]) => {
      const items = timelineOf(input([...target, said(5, "bo", NOON, { reply_to: 1 })]), []);
      return (items.at(-1) as Message).replyTo;
    };
    const { text, ...rest } = said(1, "ann", NOON).entry;
    expect(quote([said(1, "ann", NOON)])).toEqual({ seq: 1, author: user("ann"), text });
    expect(quote([{ entry: { ...rest, deleted_seq: 4 }, asOf: 4, editedAt: null }])?.text).toBe("");
    expect(quote([])).toEqual({ seq: 1, author: null, text: null });
  });

  it("says who is called, and when it was edited", () => {
    const calls = said(1, "ann", NOON, { mentions: ["me"], edited_seq: 3 });
    const all = said(2, "bo", NOON, { mention_all: true });
    const [, one, other] = timelineOf(input([{ ...calls, editedAt: NOON + 1 }, all]), []) as Message[];
    expect(one).toMatchObject({ mentionsMe: true, mentionsAll: false, mentions: [me], editedAt: NOON + 1 });
    expect(other).toMatchObject({ mentionsMe: true, mentionsAll: true, editedAt: null });
  });
});

describe("what has not changed", () => {
  const log = Array.from({ length: 200 }, (_, n) =>
    said(n + 1, n % 3 === 0 ? "me" : "ann", NOON + n * MINUTE),
  );

  it("is the same timeline", () => {
    const before = timelineOf(input(log), []);
    expect(timelineOf(input(log), before)).toBe(before);
  });

  it("keeps its rows when something is appended, edited or read", () => {
    const before = timelineOf(input(log), []);
    const appended = timelineOf(input([...log, said(201, "bo", NOON + 300 * MINUTE)]), before);
    expect(appended.slice(0, -1).every((item, place) => item === before[place])).toBe(true);

    const edited = log.map((one) => (one.entry.seq === 100 ? said(100, "me", NOON, { text: "!" }) : one));
    const changed = timelineOf(input(edited), before).filter((item, place) => item !== before[place]);
    expect(changed.map((item) => item.type === "message" && item.seq)).toEqual([100]);

    const read = timelineOf(input(log, { state: (seq) => (seq <= 4 ? "read" : "sent") }), before);
    expect(read.filter((item, place) => item !== before[place])).toHaveLength(2);
  });

  it("is drawn anew when its author has a new name", () => {
    const before = timelineOf(input(log), []);
    const renamed = { ...user("ann"), display_name: "Ann!" };
    const after = timelineOf(input(log, { user: (id) => (id === "ann" ? renamed : user(id)) }), before);
    const isOwn = (item: TimelineItem) => item.type === "message" && item.isOwn;
    expect(
      after.every((item, place) => (item === before[place]) === (isOwn(item) || item.type === "date")),
    ).toBe(true);
  });
});

describe("any timeline", () => {
  /** The same numbers every time. */
  function dice(seed: number): (sides: number) => number {
    let state = seed;
    return (sides) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * sides);
    };
  }

  it("shows every message once and in order, in groups that keep the rules, with keys that differ", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const roll = dice(seed);
      let at = NOON;
      const kinds = ["text", "text", "text", "text", "title", "unknown"] as const;
      const all = Array.from({ length: 60 }, (_, n) => {
        at += [1, 30_000, 400_000, 30_000_000][roll(4)] ?? 0;
        const more = roll(6) === 0 && n > 0 ? { reply_to: n } : {};
        return said(n + 1, ["ann", "bo", "me"][roll(3)] ?? "ann", at - roll(2000), {
          kind: kinds[roll(6)] ?? "text",
          ...more,
        });
      });
      const lost = 10 + roll(20);
      const logged = all.filter(({ entry }) => entry.seq < lost || entry.seq > lost + 3);
      const newFrom = roll(2) === 0 ? null : 1 + roll(60);
      const items = timelineOf(input(logged, { holes: [[lost, lost + 3]], newFrom, isBeginning: true }), []);

      const messages = items.filter((item): item is Message => item.type === "message");
      const expected = logged.filter(({ entry }) => isCountable(entry)).map(({ entry }) => entry.seq);
      expect(messages.map((message) => message.seq)).toEqual(expected);
      expect(new Set(items.map((item) => item.key)).size).toBe(items.length);
      expect(items.filter((item) => item.type === "hole")).toHaveLength(1);
      const dates = items.filter((item) => item.type === "date").map((item) => item.at);
      expect(dates).toEqual([...dates].sort((a, b) => a - b));

      const line = items.findIndex((item) => item.type === "new");
      expect(items.filter((item) => item.type === "new").length).toBeLessThanOrEqual(1);
      if (line >= 0) {
        const under = items.slice(line).filter((item): item is Message => item.type === "message");
        expect(under.length).toBeGreaterThan(0);
        expect(under.some((message) => message.isOwn)).toBe(false);
      }

      items.forEach((item, place) => {
        const next = items[place + 1];
        if (item.type !== "message") return;
        const joins = next?.type === "message" && !next.isFirst;
        expect(item.isLast).toBe(!joins);
        if (!joins) return;
        expect(next.author).toBe(item.author);
        expect(next.replyTo).toBeNull();
        expect(next.at - item.at).toBeLessThan(5 * MINUTE);
      });
    }
  });

  it("of 10,000 messages takes a few milliseconds", () => {
    const log = Array.from({ length: 10_000 }, (_, n) =>
      said(n + 1, n % 2 ? "ann" : "me", NOON + n * MINUTE),
    );
    const source = (logged: readonly Logged[]) => input(logged, { at: () => undefined });
    let before = timelineOf(source(log), []);
    const times = Array.from({ length: 15 }, (_, n) => {
      log.push(said(10_001 + n, "bo", NOON + (10_001 + n) * MINUTE));
      const from = performance.now();
      before = timelineOf(source(log), before);
      return performance.now() - from;
    });
    const least = Math.min(...times);
    // About 4 ms on a slow core; the least of many, and room, for a machine that does other things as well.
    expect(least).toBeLessThan(16);
  });
});
