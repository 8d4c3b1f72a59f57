// What happens to a row of the inbox when entries and marks come. Pure: the server's row in, the next one out.

import type { Entry, InboxRow, Mine } from "../protocol";
import { isCountable } from "./log";

/** What is known about the message that a deletion is about. */
export interface Target {
  readonly authorId: string;
  readonly isDeleted: boolean;
  readonly mentionsMe: boolean;
}

/**
 * The row after entries that lie above its head. What lies below is in it already: unread is arithmetic, and nothing may be
 * counted twice. A deletion lowers the count if its message is known to be somebody else's and not read (L3).
 */
export function withEntries(
  row: InboxRow,
  entries: readonly Entry[],
  me: string,
  target: (seq: number) => Target | null,
): InboxRow {
  return entries
    .filter((entry) => entry.seq > row.head.last_seq)
    .reduce((row, entry) => withEntry(row, entry, me, target), row);
}

function withEntry(
  row: InboxRow,
  entry: Entry,
  me: string,
  target: (seq: number) => Target | null,
): InboxRow {
  const head = { ...row.head, last_seq: entry.seq, ord: entry.ord };
  if (entry.kind === "delete") return deletion({ ...row, head }, entry, me, target);
  if (entry.kind === "edit") return { ...row, head: edited(head, entry) };
  if (entry.kind === "title" && entry.title !== undefined) {
    return { ...row, head, thread: { ...row.thread, title: entry.title } };
  }
  if (entry.kind === "settings" && entry.settings !== undefined) {
    return { ...row, head, thread: { ...row.thread, settings: entry.settings } };
  }
  if (!isCountable(entry)) return { ...row, head };
  const preview = { seq: entry.seq, author_id: entry.author_id, kind: entry.kind, text: entry.text ?? "" };
  return { ...row, head: { ...head, at: entry.at, preview }, mine: counted(row.mine, entry, me) };
}

function counted(mine: Mine, entry: Entry, me: string): Mine {
  if (entry.author_id === me) {
    if (entry.read_moved !== true) return mine;
    return { ...mine, read_seq: Math.max(mine.read_seq, entry.seq), unread: 0, mentions: 0 };
  }
  if (entry.seq <= mine.read_seq) return mine;
  const isNamed = entry.mention_all === true || (entry.mentions ?? []).includes(me);
  return { ...mine, unread: mine.unread + 1, mentions: mine.mentions + (isNamed ? 1 : 0) };
}

function deletion(row: InboxRow, entry: Entry, me: string, target: (seq: number) => Target | null): InboxRow {
  const seq = entry.target_seq ?? 0;
  const head = row.head.preview?.seq === seq ? { ...row.head, preview: emptied(row.head.preview) } : row.head;
  const message = target(seq);
  const wasUnread =
    message !== null && !message.isDeleted && message.authorId !== me && seq > row.mine.read_seq;
  if (!wasUnread) return { ...row, head };
  const { unread, mentions } = row.mine;
  const mine = {
    ...row.mine,
    unread: Math.max(0, unread - 1),
    mentions: Math.max(0, mentions - (message.mentionsMe ? 1 : 0)),
  };
  return { ...row, head, mine };
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

/** Marks never go back. What was private and came by another way is not older than what is here, if its version is not. */
export function withMine(row: InboxRow, mine: Mine): InboxRow {
  if (mine.version < row.mine.version) return row;
  const read_seq = Math.max(mine.read_seq, row.mine.read_seq);
  const isStale = mine.read_seq < row.mine.read_seq;
  const counts = isStale ? { unread: row.mine.unread, mentions: row.mine.mentions } : {};
  const delivered_seq = Math.max(mine.delivered_seq, row.mine.delivered_seq);
  return { ...row, mine: { ...mine, ...counts, read_seq, delivered_seq } };
}

/** A newer row of the same thread: its head never goes back. */
export function withRow(before: InboxRow | undefined, after: InboxRow): InboxRow {
  if (before === undefined || after.thread.gone === true) return after;
  if (after.head.last_seq >= before.head.last_seq)
    return { ...after, mine: withMine(before, after.mine).mine };
  // Entries were pushed while the answer was on its way: they stay.
  return {
    ...withMine(before, { ...after.mine, unread: before.mine.unread, mentions: before.mine.mentions }),
    thread: after.thread,
  };
}
