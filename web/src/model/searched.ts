// Searches what this browser has of a thread.

import type { Entry } from "../protocol";
import type { Database } from "./database";
import { folded } from "./folded";
import { type Logged, isCountable } from "./log";

const FOUND_MAX = 200;

/** Messages that contain the text, in any script, newest first. */
export async function searched(
  database: Database,
  thread: string,
  inMemory: readonly Logged[],
  text: string,
): Promise<Entry[]> {
  const wanted = folded(text.trim());
  if (wanted === "") return [];
  const entries = new Map<number, Entry>();
  await database.with(undefined, (tables) =>
    tables.entries
      .where("[thread+seq]")
      .between([thread, 0], [thread, Infinity])
      .each(({ seq, entry }) => {
        if (contains(entry, wanted)) entries.set(seq, entry);
      }),
  );
  for (const { entry } of inMemory) {
    if (contains(entry, wanted)) entries.set(entry.seq, entry);
    else entries.delete(entry.seq);
  }
  return [...entries.values()].sort((a, b) => b.seq - a.seq).slice(0, FOUND_MAX);
}

function contains(entry: Entry, wanted: string): boolean {
  return isCountable(entry) && entry.deleted_seq === undefined && folded(entry.text ?? "").includes(wanted);
}
