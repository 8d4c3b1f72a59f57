// How far the others of a thread have got, and the ticks that say it.

import { describe, expect, it } from "vitest";
import { MemberMarks, stateOf, withOthers } from "./marks";
import { iso, person, rowOf } from "./scene.test-subjects.svelte";
import type { Member, ServerReceipt } from "../protocol";

function member(id: string, marks?: { read: number; delivered: number }): Member {
  const shown = marks === undefined ? {} : { read_seq: marks.read, delivered_seq: marks.delivered };
  return { user: person(id), role: "member", joined_at: iso(0), ...shown };
}

const receipt = (user_id: string, read_seq: number, delivered_seq: number): ServerReceipt => ({
  t: "receipt",
  thread_id: "t",
  user_id,
  read_seq,
  delivered_seq,
});

describe("marks of a group", () => {
  it("are the least of all others, once all are known", () => {
    const marks = new MemberMarks("me");
    marks.takeReceipt(receipt("ann", 9, 9));
    expect(marks.least(false)).toBeNull();
    marks.takeMembers([
      member("me", { read: 1, delivered: 1 }),
      member("ann", { read: 5, delivered: 5 }),
      member("bo", { read: 2, delivered: 6 }),
    ]);
    expect(marks.least(false)).toEqual({ read: 2, delivered: 6 });
    marks.takeReceipt(receipt("bo", 7, 7));
    expect(marks.least(false)).toEqual({ read: 7, delivered: 7 });
  });

  it("leave out who hides theirs, and who has left", () => {
    const marks = new MemberMarks("me");
    marks.takeMembers([
      member("ann", { read: 5, delivered: 5 }),
      member("bo"),
      member("cy", { read: 1, delivered: 1 }),
    ]);
    expect(marks.least(false)).toEqual({ read: 1, delivered: 1 });
    marks.takeMembers([member("ann", { read: 5, delivered: 5 }), member("bo")]);
    expect(marks.least(false)).toEqual({ read: 5, delivered: 5 });
    marks.takeMembers([member("bo")]);
    expect(marks.least(false)).toBeNull();
  });

  it("do not go back with a receipt that was late", () => {
    const marks = new MemberMarks("me");
    marks.takeMembers([member("ann", { read: 5, delivered: 8 })]);
    marks.takeReceipt(receipt("ann", 3, 4));
    marks.takeMembers([member("ann", { read: 2, delivered: 2 })]);
    expect(marks.least(false)).toEqual({ read: 5, delivered: 8 });
  });
});

describe("ticks", () => {
  it("say sent, delivered, read; reading is arriving", () => {
    const marks = new MemberMarks("me");
    marks.takeReceipt(receipt("ann", 3, 2));
    expect(marks.least(true)).toEqual({ read: 3, delivered: 3 });
    const row = withOthers(rowOf("t"), { read: 3, delivered: 5 });
    expect([2, 3, 4, 5, 6].map((seq) => stateOf(row, seq))).toEqual([
      "read",
      "read",
      "delivered",
      "delivered",
      "sent",
    ]);
    expect(stateOf(rowOf("t"), 1)).toBe("sent");
  });

  it("never go back", () => {
    const row = withOthers(withOthers(rowOf("t"), { read: 3, delivered: 5 }), { read: 1, delivered: 2 });
    expect(row.head.others).toEqual({ read_seq: 3, delivered_seq: 5 });
  });
});
