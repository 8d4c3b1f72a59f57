// The log in memory: whatever comes in whatever order, in the end it shows what the server would.

import { describe, expect, it } from "vitest";
import { Log, type Logged, deleted, isOverlay, laidOver, nameOf, reacted } from "./log";
import type { Entry, Page } from "../protocol";

const at = "2026-11-27T12:00:00.000Z";

function entry(seq: number, more: Partial<Entry> = {}): Entry {
  return { seq, kind: "text", author_id: "ann", client_msg_id: null, ord: seq, at, text: `${seq}`, ...more };
}

/** A log as the server keeps it, and the pages that it gives. */
class Server {
  readonly entries: Entry[] = [];

  append(more: Partial<Entry>): Entry {
    const one = entry(this.entries.length + 1, more);
    this.entries.push(one);
    return one;
  }

  page(from: number, to: number, asOf = this.entries.length): Page {
    const items = this.entries.slice(from - 1, to).map((one) => this.shown(one, asOf));
    return { items, has_more_before: from > 1, has_more_after: to < asOf, as_of_seq: asOf };
  }

  shown(one: Entry, asOf = this.entries.length): Entry {
    let logged: Logged = { entry: one, asOf: one.seq, editedAt: null };
    for (const overlay of this.entries.slice(0, asOf)) {
      if (isOverlay(overlay) && overlay.target_seq === one.seq) {
        logged = laidOver(logged, overlay, "me") ?? logged;
      }
    }
    return logged.entry;
  }
}

function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** A conversation with all that can be done to its messages. */
function lively(below: (below: number) => number, length: number): Server {
  const server = new Server();
  const marked = new Set<string>();
  while (server.entries.length < length) {
    const target = server.entries[below(server.entries.length)];
    const isAlive =
      target?.kind === "text" &&
      !server.entries.some(({ kind, target_seq }) => kind === "delete" && target_seq === target.seq);
    const author_id = ["me", "ann", "bo"][below(3)] ?? "me";
    const what = below(8);
    if (!isAlive || what < 3) {
      server.append({ author_id });
      continue;
    }
    const overlay = { author_id, target_seq: target.seq };
    if (what === 3) server.append({ ...overlay, kind: "delete" });
    else if (what === 4) server.append({ ...overlay, kind: "edit", text: `edited ${server.entries.length}` });
    else {
      const emoji = ["👍", "👀"][below(2)] ?? "👍";
      const mark = `${target.seq} ${author_id} ${emoji}`;
      const isOn = !marked.delete(mark);
      if (isOn) marked.add(mark);
      server.append({ ...overlay, kind: isOn ? "react" : "unreact", emoji });
    }
  }
  return server;
}

/** An empty list of reactions is none; of what was deleted nobody asks whether it was edited. */
function shown(one: Entry | undefined): unknown {
  const { reactions = [], edited_seq, ...rest } = one ?? entry(0);
  return { ...rest, reactions, edited_seq: rest.deleted_seq === undefined ? edited_seq : null };
}

describe("a log", () => {
  it("shows what the server shows, though pushes were lost and pages came late", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const below = chance(seed);
      const server = lively(below, 60);
      const log = new Log("me");
      // A page that was read some time ago, and arrives in the middle of the pushes.
      const asOf = 10 + below(20);
      const late = server.page(1, asOf, asOf);
      const arrives = asOf + below(25);
      for (const one of server.entries.slice(asOf)) {
        if (one.seq === arrives) log.takePage(late, [1, asOf]);
        if (below(3) > 0) log.takeEntries([one]);
      }
      log.takePage(late, [1, asOf]);
      // What is missing is read, the newest first or last.
      const missing = log.holes(1, 60);
      if (below(2) === 0) missing.reverse();
      for (const [from, to] of missing) log.takePage(server.page(from, to), [from, to]);
      expect(log.holes(1, 60)).toEqual([]);
      for (const one of server.entries.filter((each) => !isOverlay(each))) {
        expect(shown(log.at(one.seq)?.entry), `seed ${seed}, ${one.seq}`).toEqual(shown(server.shown(one)));
      }
    }
  });

  it("tells which entries are new, once", () => {
    const log = new Log("me");
    expect(log.takeEntries([entry(1), entry(2, { kind: "react", target_seq: 1, emoji: "👍" })])).toHaveLength(
      1,
    );
    expect(log.takeEntries([entry(1), entry(3)]).map(({ seq }) => seq)).toEqual([3]);
    expect(log.ranges).toEqual([[1, 3]]);
    expect(log.at(1)?.entry.reactions).toEqual([{ emoji: "👍", count: 1, mine: false }]);
  });

  it("keeps its entries in order, and its unchanged ones the same objects", () => {
    const log = new Log("me");
    log.takeEntries([entry(5)]);
    log.takePage(
      { items: [entry(1), entry(3)], has_more_before: false, has_more_after: true, as_of_seq: 5 },
      [1, 3],
    );
    const [first] = log.entries;
    log.takeEntries([entry(6, { kind: "edit", target_seq: 3, text: "new" })]);
    expect(log.entries.map((one) => one.entry.seq)).toEqual([1, 3, 5]);
    expect(log.entries[0]).toBe(first);
    expect(log.entries[1]).toMatchObject({ entry: { text: "new", edited_seq: 6 }, editedAt: Date.parse(at) });
  });

  it("knows of numbers that are not for this person as soon as a page has passed over them", () => {
    const log = new Log("me");
    log.takePage(
      { items: [entry(1), entry(9)], has_more_before: false, has_more_after: false, as_of_seq: 9 },
      [1, 9],
    );
    expect(log.holes(1, 9)).toEqual([]);
    expect(log.entries).toHaveLength(2);
  });

  it("lays a change over a message that came after it", () => {
    const log = new Log("me");
    log.takeEntries([entry(8, { kind: "edit", target_seq: 3, text: "newer" })]);
    log.takePage({ items: [entry(3)], has_more_before: true, has_more_after: true, as_of_seq: 7 }, [3, 3]);
    expect(log.at(3)?.entry.text).toBe("newer");
  });

  it("forgets a deleted text, and lays nothing over it any more", () => {
    const log = new Log("me");
    log.takeEntries([entry(1, { mentions: ["me"] }), entry(2, { kind: "delete", target_seq: 1 })]);
    log.takeEntries([entry(3, { kind: "edit", target_seq: 1, text: "again" })]);
    expect(log.at(1)?.entry).toEqual(deleted(entry(1), 2));
    expect(log.at(1)?.entry).not.toHaveProperty("text");
  });
});

describe("a change that is not confirmed", () => {
  const edit = (text: string) => ({
    name: nameOf({ kind: "edit" }),
    change: (one: Entry): Entry => ({ ...one, text }),
  });
  const thumb = {
    name: nameOf({ kind: "react", emoji: "👍" }),
    change: (one: Entry): Entry => ({ ...one, reactions: reacted(one.reactions ?? [], "👍", 1, true) }),
  };

  it("shows at once, and is taken back if it was refused", () => {
    const log = new Log("me");
    log.takeEntries([entry(1)]);
    const takeBack = log.assume(1, edit("mine"));
    expect(log.at(1)?.entry.text).toBe("mine");
    expect(log.truth(1)?.entry.text).toBe("1");
    takeBack();
    expect(log.at(1)?.entry.text).toBe("1");
  });

  it("is not counted twice when its own entry comes, nor when a page has it already", () => {
    const log = new Log("me");
    log.takeEntries([entry(1)]);
    log.assume(1, thumb);
    const whole = entry(1, { reactions: [{ emoji: "👍", count: 2, mine: true }] });
    log.takePage({ items: [whole], has_more_before: false, has_more_after: false, as_of_seq: 4 }, [1, 1]);
    expect(log.at(1)?.entry.reactions).toEqual([{ emoji: "👍", count: 2, mine: true }]);
    log.takeEntries([entry(3, { kind: "react", author_id: "me", target_seq: 1, emoji: "👍" })]);
    expect(log.at(1)?.entry.reactions).toEqual([{ emoji: "👍", count: 2, mine: true }]);
    log.takeEntries([entry(5, { kind: "unreact", author_id: "me", target_seq: 1, emoji: "👍" })]);
    expect(log.at(1)?.entry.reactions).toEqual([{ emoji: "👍", count: 1, mine: false }]);
  });

  it("stays over what others do meanwhile", () => {
    const log = new Log("me");
    log.takeEntries([entry(1)]);
    log.assume(1, edit("mine"));
    log.takeEntries([entry(2, { kind: "react", target_seq: 1, emoji: "👍", author_id: "bo" })]);
    expect(log.at(1)?.entry).toMatchObject({ text: "mine", reactions: [{ emoji: "👍", count: 1 }] });
    log.takeEntries([entry(3, { kind: "edit", target_seq: 1, text: "mine", author_id: "me" })]);
    log.takeEntries([entry(4, { kind: "edit", target_seq: 1, text: "from my phone", author_id: "me" })]);
    expect(log.at(1)?.entry.text).toBe("from my phone");
  });

  it("brings nothing back that was forgotten meanwhile", () => {
    const log = new Log("me");
    log.takeEntries([entry(1), entry(2)]);
    const takeBack = log.assume(1, edit("mine"));
    log.keep(2, 2);
    takeBack();
    expect(log.entries.map((one) => one.entry.seq)).toEqual([2]);
  });
});
