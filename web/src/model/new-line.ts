// What is new in a thread: how far it can be seen, what is unread of it, and where the New line stands.

import type { Entry, InboxRow } from "../protocol";
import { type Logged, isCountable } from "./log";
import type { Bounds } from "./pages";

/** From the first entry that this user may see to the head. */
export function boundsOf(row: InboxRow): Bounds {
  const first = row.thread.visible[0]?.[0] ?? 1;
  return { first, last: row.thread.left_seq ?? row.head.last_seq };
}

/** What is unread, as far as all entries after the read mark are here; null: they are not. */
export function unreadOf(
  entries: readonly Logged[],
  readSeq: number,
  me: string,
): { unread: number; mentions: number } {
  let [unread, mentions] = [0, 0];
  for (let place = entries.length - 1; place >= 0; place--) {
    const entry = entries[place]?.entry;
    if (!entry || entry.seq <= readSeq) break;
    if (!isUnread(entry, me)) continue;
    unread += 1;
    mentions += names(entry, me) ? 1 : 0;
  }
  return { unread, mentions };
}

function isUnread(entry: Entry, me: string): boolean {
  return isCountable(entry) && entry.author_id !== me && entry.deleted_seq === undefined;
}

/** Whether a message names this person, or everybody. */
export function names(entry: Entry, me: string): boolean {
  return entry.mention_all === true || (entry.mentions ?? []).includes(me);
}

/** The New line: fixed when a thread is opened; moves once after the window was left (T8). */
export class NewLine {
  from: number | null = null;
  #mayMove = false;

  open(row: InboxRow): void {
    this.from = row.mine.unread > 0 ? row.mine.read_seq + 1 : null;
    this.#mayMove = false;
  }

  /** The window lost the eyes of its reader. */
  left(): void {
    this.#mayMove = true;
  }

  /** A message of somebody else came while nobody looked. */
  arrived(seq: number): void {
    if (!this.#mayMove) return;
    this.#mayMove = false;
    this.from = seq;
  }

  clear(): void {
    this.from = null;
  }
}
