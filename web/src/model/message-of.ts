// One message as a timeline shows it, made from what the log or the outbox holds. As long as nothing about it has changed it is
// the same object as before: a row is not drawn again for the sake of its neighbours.

import type { StoredSend } from "./database";
import type { SendState } from "./kith";
import type { Logged } from "./log";
import type { Message, Quote } from "./timeline";
import { names } from "./new-line";
import type { Entry, User } from "../protocol";

/** What has to be known besides the message itself. */
export interface Around {
  readonly me: User;
  user(id: string): User;
  /** A message that is in memory. */
  at(seq: number): Logged | undefined;
  /** Of one's own message that the server has. */
  state(seq: number): SendState;
  /** Of one that it has not. */
  sendState(send: StoredSend): SendState;
}

/** Its place in a group of messages by one author (T1). */
export interface Place {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

const NO_MENTIONS: readonly User[] = [];
const NO_REACTIONS: Message["reactions"] = [];

/** What was made of each; what the log holds no longer is forgotten here too. */
const made = new WeakMap<Logged | StoredSend, Message>();

export function messageOf(one: Logged, place: Place, around: Around): Message {
  const { entry } = one;
  const isOwn = entry.author_id === around.me.id;
  const author = isOwn ? around.me : around.user(entry.author_id);
  const state = isOwn ? around.state(entry.seq) : null;
  const before = made.get(one);
  const isSame =
    before?.author === author &&
    before.state === state &&
    isSamePlace(before, place) &&
    isSameQuote(before.replyTo, entry.reply_to, around) &&
    areSameUsers(before.mentions, entry.mentions, around);
  if (isSame) return before;
  const item: Message = {
    type: "message",
    key: keyOf(entry, isOwn),
    seq: entry.seq,
    clientMsgId: isOwn ? entry.client_msg_id : null,
    at: Date.parse(entry.at),
    author,
    isOwn,
    text: entry.text ?? "",
    kind: entry.kind === "media" || entry.kind === "custom" ? entry.kind : "text",
    isDeleted: entry.deleted_seq !== undefined,
    editedAt: entry.edited_seq === undefined ? null : (one.editedAt ?? 0),
    replyTo: quoteOf(entry.reply_to, around),
    mentions: usersOf(entry.mentions, around),
    mentionsMe: !isOwn && names(entry, around.me.id),
    mentionsAll: entry.mention_all ?? false,
    reactions:
      entry.reactions?.map(({ emoji, count, mine }) => ({ emoji, count, isMine: mine })) ?? NO_REACTIONS,
    state,
    failure: null,
    isFirst: place.isFirst,
    isLast: place.isLast,
  };
  made.set(one, item);
  return item;
}

/** One's own that the server has not numbered. */
export function messageOfSend(send: StoredSend, place: Place, around: Around): Message {
  const state = around.sendState(send);
  const before = made.get(send);
  const isSame =
    before?.author === around.me &&
    before.state === state &&
    isSamePlace(before, place) &&
    isSameQuote(before.replyTo, send.replyTo ?? undefined, around) &&
    areSameUsers(before.mentions, send.mentions, around);
  if (isSame) return before;
  const item: Message = {
    type: "message",
    key: send.clientMsgId,
    seq: null,
    clientMsgId: send.clientMsgId,
    at: send.at,
    author: around.me,
    isOwn: true,
    text: send.text,
    kind: "text",
    isDeleted: false,
    editedAt: null,
    replyTo: quoteOf(send.replyTo ?? undefined, around),
    mentions: usersOf(send.mentions, around),
    mentionsMe: false,
    mentionsAll: send.mentionAll,
    reactions: NO_REACTIONS,
    state,
    failure: send.failure,
    isFirst: place.isFirst,
    isLast: place.isLast,
  };
  made.set(send, item);
  return item;
}

/** One's own message keeps its key when the server's copy arrives (S1). */
function keyOf(entry: Entry, isOwn: boolean): string {
  return isOwn && entry.client_msg_id !== null ? entry.client_msg_id : `s${entry.seq}`;
}

function quoteOf(seq: number | undefined, around: Around): Quote | null {
  if (seq === undefined) return null;
  const quoted = around.at(seq)?.entry;
  if (!quoted) return { seq, author: null, text: null };
  return { seq, author: around.user(quoted.author_id), text: quoted.text ?? "" };
}

function usersOf(ids: readonly string[] | undefined, around: Around): readonly User[] {
  return ids && ids.length > 0 ? ids.map((id) => around.user(id)) : NO_MENTIONS;
}

function isSamePlace(item: Message, place: Place): boolean {
  return item.isFirst === place.isFirst && item.isLast === place.isLast;
}

function isSameQuote(before: Quote | null, seq: number | undefined, around: Around): boolean {
  if (before === null || seq === undefined) return before === null && seq === undefined;
  const quoted = around.at(seq)?.entry;
  if (!quoted) return before.author === null;
  return before.author === around.user(quoted.author_id) && before.text === (quoted.text ?? "");
}

function areSameUsers(before: readonly User[], ids: readonly string[] | undefined, around: Around): boolean {
  if (!ids || ids.length === 0) return before.length === 0;
  return before.length === ids.length && ids.every((id, place) => before[place] === around.user(id));
}
