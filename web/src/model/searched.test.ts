// Searching in what this browser has of a thread.

import { describe, expect, it } from "vitest";
import type { Database, StoredEntry } from "./database";
import type { Logged } from "./log";
import { searched } from "./searched";
import type { Entry } from "../protocol";

function said(seq: number, text: string, more: Partial<Entry> = {}): Logged {
  const at = "2026-11-27T12:00:00.000Z";
  const entry: Entry = {
    seq,
    kind: "text",
    author_id: "ann",
    client_msg_id: null,
    ord: seq,
    at,
    text,
    ...more,
  };
  return { entry, asOf: seq, editedAt: null };
}

function kept(logged: readonly Logged[]): Database {
  const rows = logged.map((one): StoredEntry => ({ thread: "t", seq: one.entry.seq, ...one }) as StoredEntry);
  const each = (use: (row: StoredEntry) => void) => Promise.resolve(rows.forEach(use));
  const tables = { entries: { where: () => ({ between: () => ({ each }) }) } };
  return {
    with: (_: unknown, use: (given: unknown) => unknown) => Promise.resolve(use(tables)),
  } as unknown as Database;
}

const seqs = async (stored: readonly Logged[], memory: readonly Logged[], text: string) =>
  (await searched(kept(stored), "t", memory, text)).map(({ seq }) => seq);

describe("a search in a thread", () => {
  it("finds a part of a sentence in any script, newest first", async () => {
    const stored = [said(1, "今天晚上一起吃饭"), said(2, "Good Evening"), said(3, "晚上好")];
    expect(await seqs(stored, [], "晚上")).toEqual([3, 1]);
    expect(await seqs(stored, [], "  EVEN ")).toEqual([2]);
    expect(await seqs(stored, [], "nothing")).toEqual([]);
    expect(await seqs(stored, [], " ")).toEqual([]);
  });

  it("takes what is in memory for newer than what is kept", async () => {
    const stored = [said(1, "evening"), said(2, "evening")];
    const memory = [said(2, "morning"), said(3, "evening")];
    expect(await seqs(stored, memory, "evening")).toEqual([3, 1]);
  });

  it("does not find what was deleted, nor what is no message", async () => {
    const stored = [
      said(1, "evening", { deleted_seq: 5 }),
      said(2, "evening", { kind: "edit" }),
      said(3, "evening"),
    ];
    expect(await seqs(stored, [], "evening")).toEqual([3]);
  });
});
