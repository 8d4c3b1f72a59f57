// What happens to a row of the inbox when entries and marks come. Pure but for what is remembered in `Recent`: the server's row
// in, the next one out, and whether the counts are sure; if they are not, the server is asked.

import type { Entry, InboxRow, Mine } from "../protocol";
import { isCountable } from "./log";
import { withOthers } from "./marks";
import { NOTHING_UNREAD, type Recent } from "./recent";

/** What is known about the message that a deletion is about. */
export interface Target {
  readonly authorId: string;
  readonly isDeleted: boolean;
  readonly mentionsMe: boolean;
}

/** What is known beside the row. */
export interface Known {
  readonly me: string;
  readonly recent: Recent;
  target(seq: number): Target | null;
}

export interface Change {
  readonly row: InboxRow;
  /** False: something happened that cannot be counted here. */
  readonly isSure: boolean;
}

/**
 * The row after entries that lie above its head. What lies below is in it already: unread is arithmetic, and nothing may be
 * counted twice.
 */
export function withEntries(row: InboxRow, entries: readonly Entry[], known: Known): Change {
  let change: Change = { row, isSure: true };
  for (const entry of entries) {
    const { last_seq } = change.row.head;
    if (entry.seq <= last_seq) {
      const read = withOwnRead(change.row, entry, known);
      change = { row: read.row, isSure: change.isSure && read.isSure };
      continue;
    }
    const next = withEntry(change.row, entry, known);
    // A push was lost: who knows what was in it.
    const isGap = entry.seq > last_seq + 1;
    change = { row: next.row, isSure: change.isSure && next.isSure && !isGap };
    known.recent.add(entry, known.me);
  }
  return change;
}

function withEntry(before: InboxRow, entry: Entry, known: Known): Change {
  const row = { ...before, head: { ...before.head, last_seq: entry.seq, ord: entry.ord } };
  if (entry.kind === "delete") return withDeletion(row, entry, known);
  if (entry.kind === "edit") return sure({ ...row, head: edited(row.head, entry) });
  if (!isCountable(entry)) return sure({ ...row, thread: withNotice(row.thread, entry, known.me) });
  const { seq, author_id, kind, text = "" } = entry;
  const head = { ...row.head, at: entry.at, preview: { seq, author_id, kind, text } };
  return sure({ ...row, head, mine: counted(row.mine, entry, known.me) });
}

/** The answer to a send may have come before its entry, and does not say whether it moved the read mark. */
function withOwnRead(row: InboxRow, entry: Entry, { me, recent }: Known): Change {
  const { mine } = row;
  const hasMoved = entry.author_id === me && entry.read_moved === true && entry.seq > mine.read_seq;
  return hasMoved ? withMine(row, { ...mine, read_seq: entry.seq }, recent) : sure(row);
}

function sure(row: InboxRow): Change {
  return { row, isSure: true };
}

function counted(mine: Mine, entry: Entry, me: string): Mine {
  if (entry.author_id === me) {
    if (entry.read_moved !== true) return mine;
    return { ...mine, ...NOTHING_UNREAD, read_seq: Math.max(mine.read_seq, entry.seq) };
  }
  if (entry.seq <= mine.read_seq || entry.deleted_seq !== undefined) return mine;
  const isNamed = entry.mention_all === true || (entry.mentions ?? []).includes(me);
  return { ...mine, unread: mine.unread + 1, mentions: mine.mentions + (isNamed ? 1 : 0) };
}

/** Lowers the count by a message of somebody else that was not read (L3). */
function withDeletion(row: InboxRow, entry: Entry, { me, recent, target }: Known): Change {
  const seq = entry.target_seq ?? 0;
  const head = row.head.preview?.seq === seq ? { ...row.head, preview: emptied(row.head.preview) } : row.head;
  const { mine } = row;
  if (seq <= mine.read_seq) return sure({ ...row, head });
  const pushed = recent.at(seq);
  const message = pushed ? null : target(seq);
  if (!pushed && !message) return { row: { ...row, head }, isSure: false };
  const isCounted = pushed ? !pushed.isDeleted : message?.isDeleted === false && message.authorId !== me;
  if (!isCounted) return sure({ ...row, head });
  const isMention = pushed?.isMention ?? message?.mentionsMe ?? false;
  recent.remove(entry.seq, seq, isMention);
  const unread = Math.max(0, mine.unread - 1);
  const mentions = Math.max(0, mine.mentions - (isMention ? 1 : 0));
  return sure({ ...row, head, mine: { ...mine, unread, mentions } });
}

/** What entries about the thread itself change in it. */
function withNotice(thread: InboxRow["thread"], entry: Entry, me: string): InboxRow["thread"] {
  const users = entry.user_ids ?? [];
  const leavers = entry.kind === "member_left" ? [entry.author_id] : users;
  switch (entry.kind) {
    case "title":
      return entry.title === undefined ? thread : { ...thread, title: entry.title };
    case "settings":
      return entry.settings === undefined ? thread : { ...thread, settings: entry.settings };
    case "member_added":
      return { ...thread, member_count: thread.member_count + users.length };
    case "member_removed":
    case "member_left": {
      const member_count = Math.max(0, thread.member_count - Math.max(1, leavers.length));
      const role = entry.heir_id === me ? "owner" : thread.role;
      if (!leavers.includes(me)) return { ...thread, member_count, role };
      return { ...thread, member_count, gone: true, left_seq: entry.seq };
    }
    case "role":
      return users.includes(me) && entry.role ? { ...thread, role: entry.role } : thread;
    default:
      return thread;
  }
}

type Preview = NonNullable<InboxRow["head"]["preview"]>;

function emptied(preview: Preview): Preview {
  const { text, ...rest } = preview;
  void text;
  return rest;
}

function edited(head: InboxRow["head"], entry: Entry): InboxRow["head"] {
  if (head.preview?.seq !== entry.target_seq || head.preview === undefined) return head;
  return { ...head, preview: { ...head.preview, text: entry.text ?? "" } };
}

/**
 * Private settings as they were pushed. They do not say up to which entry they have counted: as long as nothing was read, what
 * was counted here goes on.
 */
export function withMine(row: InboxRow, told: Mine, recent: Recent): Change {
  const mine = settled(row.mine, told);
  if (told.read_seq <= row.mine.read_seq) return sure({ ...row, mine });
  const isAllRead = told.read_seq >= row.head.last_seq;
  const count = isAllRead ? NOTHING_UNREAD : recent.above(told.read_seq);
  if (count) return sure({ ...row, mine: { ...mine, ...count } });
  return { row: { ...row, mine: { ...mine, unread: told.unread, mentions: told.mentions } }, isSure: false };
}

/** Settings by their version, marks by their height; counts as they were. */
function settled(before: Mine, told: Mine): Mine {
  const { unread, mentions } = before;
  return {
    ...(told.version >= before.version ? told : before),
    unread,
    mentions,
    read_seq: Math.max(before.read_seq, told.read_seq),
    delivered_seq: Math.max(before.delivered_seq, told.delivered_seq),
  };
}

/** A row that the server told, of a moment that may lie before what was pushed since. */
export function withRow(before: InboxRow | undefined, told: InboxRow, recent: Recent): Change {
  if (before === undefined || told.thread.gone === true) {
    recent.told(told.head.last_seq);
    return sure(told);
  }
  const [held, tells] = [before.head.last_seq, told.head.last_seq];
  const isOld = tells < held;
  const mine = settled(before.mine, told.mine);
  const head = isOld ? before.head : told.head;
  const row = withMarks({ thread: isOld ? before.thread : told.thread, head, mine }, before);
  const count = isOld || tells === held ? countOfOld(before, told, recent) : countOfNew(mine, told);
  if (!isOld) recent.told(tells);
  const { unread, mentions, isSure } = count;
  return { row: { ...row, mine: { ...mine, unread, mentions } }, isSure };
}

type Counted = { unread: number; mentions: number; isSure: boolean };

/** Of a row of the moment before some of what was pushed. */
function countOfOld(before: InboxRow, told: InboxRow, recent: Recent): Counted {
  const kept = { unread: before.mine.unread, mentions: before.mine.mentions };
  // It was read further here, or an answer of long ago: what was counted here goes on.
  if (before.mine.read_seq > told.mine.read_seq) return { ...kept, isSure: true };
  const since = recent.since(told.head.last_seq, told.mine.read_seq);
  if (!since) return { ...kept, isSure: told.mine.read_seq === before.mine.read_seq };
  const { unread, mentions } = told.mine;
  return { unread: unread + since.unread, mentions: mentions + since.mentions, isSure: true };
}

/** Of a row that has more than was pushed. */
function countOfNew(mine: Mine, told: InboxRow): Counted {
  if (mine.read_seq >= told.head.last_seq) return { ...NOTHING_UNREAD, isSure: true };
  const { unread, mentions, read_seq } = told.mine;
  return { unread, mentions, isSure: mine.read_seq === read_seq };
}

/** Ticks do not go back (S2). */
function withMarks(row: InboxRow, before: InboxRow): InboxRow {
  const { others } = before.head;
  return others ? withOthers(row, { read: others.read_seq, delivered: others.delivered_seq }) : row;
}
