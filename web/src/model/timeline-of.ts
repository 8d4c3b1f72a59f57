// Makes the rows of a timeline from the entries of a thread: date lines, the New line, groups of messages, holes, notices.
// Rows that mean the same as before are the same objects, so that the view draws only what has changed.

import type { Entry, User } from "../protocol";
import type { StoredSend } from "./database";
import { day } from "./day";
import type { SendState } from "./kith";
import { type Logged, isCountable } from "./log";
import type { Range } from "./ranges";
import type { Message, Notice, Quote, TimelineItem } from "./timeline";

/** Messages of one author that are further apart are two groups (T1). */
const GROUP_MS = 300_000;

export interface TimelineInput {
  readonly me: User;
  readonly logged: readonly Logged[];
  /** Not in the log yet, in the order of writing. */
  readonly sends: readonly StoredSend[];
  readonly holes: readonly Range[];
  /** Whether the first of all visible entries is among these. */
  readonly isBeginning: boolean;
  readonly newFrom: number | null;
  readonly timeZone: string;
  user(id: string): User;
  at(seq: number): Logged | undefined;
  /** Of one's own message. */
  state(seq: number): SendState;
  sendState(send: StoredSend): SendState;
}

export function timelineOf(input: TimelineInput, before: readonly TimelineItem[]): TimelineItem[] {
  const builder = new Builder(input, before);
  for (const one of input.logged) builder.entry(one);
  builder.holesBefore(Infinity);
  for (const send of input.sends) builder.send(send);
  return builder.items();
}

class Builder {
  readonly #input: TimelineInput;
  readonly #before: ReadonlyMap<string, TimelineItem>;
  readonly #items: TimelineItem[] = [];
  #hole = 0;
  #dayStart = NaN;
  #isNewDrawn: boolean;
  /** The last row is a message that the next one may join. */
  #open: Message | null = null;

  constructor(input: TimelineInput, before: readonly TimelineItem[]) {
    this.#input = input;
    this.#before = new Map(before.map((item) => [item.key, item]));
    this.#isNewDrawn = input.newFrom === null;
  }

  items(): TimelineItem[] {
    return this.#items.map((item) => {
      const old = this.#before.get(item.key);
      return old && isSame(old, item) ? old : item;
    });
  }

  entry({ entry, editedAt }: Logged): void {
    const at = Date.parse(entry.at);
    this.holesBefore(entry.seq);
    if (entry.kind === "created") return this.#created(entry, at);
    if (isCountable(entry)) {
      this.#date(at);
      this.#newLine(entry);
      this.#message(this.#logged(entry, at, editedAt));
    } else if (NOTICES.has(entry.kind)) {
      this.#date(at);
      this.#push(this.#notice(entry, at));
    }
  }

  send(send: StoredSend): void {
    this.#date(send.at);
    const { me } = this.#input;
    this.#message({
      type: "message",
      key: send.clientMsgId,
      seq: null,
      clientMsgId: send.clientMsgId,
      at: send.at,
      author: me,
      isOwn: true,
      text: send.text,
      kind: "text",
      isDeleted: false,
      editedAt: null,
      replyTo: send.replyTo === null ? null : this.#quote(send.replyTo),
      mentions: send.mentions.map((id) => this.#input.user(id)),
      mentionsMe: false,
      mentionsAll: send.mentionAll,
      reactions: [],
      state: this.#input.sendState(send),
      failure: send.failure,
      isFirst: true,
      isLast: true,
    });
  }

  holesBefore(seq: number): void {
    const { holes } = this.#input;
    for (; this.#hole < holes.length; this.#hole++) {
      const hole = holes[this.#hole];
      if (!hole || hole[0] > seq) return;
      this.#push({ type: "hole", key: `hole-${hole[0]}`, fromSeq: hole[0], toSeq: hole[1] });
    }
  }

  #created(entry: Entry, at: number): void {
    if (!this.#input.isBeginning) return;
    this.#push({ type: "beginning", key: "beginning", at, author: this.#input.user(entry.author_id) });
  }

  #date(at: number): void {
    const start = day(at, this.#input.timeZone);
    if (start === this.#dayStart) return;
    this.#dayStart = start;
    this.#push({ type: "date", key: `date-${start}`, at: start });
  }

  /** Above the first message of somebody else from there on: one's own never stand under it (T8). */
  #newLine(entry: Entry): void {
    const { newFrom, me } = this.#input;
    if (this.#isNewDrawn || newFrom === null || entry.seq < newFrom || entry.author_id === me.id) return;
    this.#isNewDrawn = true;
    this.#push({ type: "new", key: "new" });
  }

  #message(message: Message): void {
    const open = this.#open;
    const joins =
      open !== null &&
      open.author.id === message.author.id &&
      message.replyTo === null &&
      message.at - open.at < GROUP_MS;
    if (joins) this.#items[this.#items.length - 1] = { ...open, isLast: false };
    const item = joins ? { ...message, isFirst: false } : message;
    this.#items.push(item);
    this.#open = item;
  }

  #push(item: TimelineItem): void {
    this.#items.push(item);
    this.#open = null;
  }

  #logged(entry: Entry, at: number, editedAt: number | null): Message {
    const { me, user } = this.#input;
    const isOwn = entry.author_id === me.id;
    const mentions = entry.mentions ?? [];
    return {
      type: "message",
      key: isOwn && entry.client_msg_id !== null ? entry.client_msg_id : `s${entry.seq}`,
      seq: entry.seq,
      clientMsgId: entry.client_msg_id,
      at,
      author: isOwn ? me : user(entry.author_id),
      isOwn,
      text: entry.text ?? "",
      kind: entry.kind as Message["kind"],
      isDeleted: entry.deleted_seq !== undefined,
      editedAt: entry.edited_seq === undefined ? null : (editedAt ?? 0),
      replyTo: entry.reply_to === undefined ? null : this.#quote(entry.reply_to),
      mentions: mentions.map((id) => user(id)),
      mentionsMe: mentions.includes(me.id) || (entry.mention_all === true && !isOwn),
      mentionsAll: entry.mention_all ?? false,
      reactions: (entry.reactions ?? []).map(({ emoji, count, mine }) => ({ emoji, count, isMine: mine })),
      state: isOwn ? this.#input.state(entry.seq) : null,
      failure: null,
      isFirst: true,
      isLast: true,
    };
  }

  #quote(seq: number): Quote {
    const target = this.#input.at(seq)?.entry;
    if (!target) return { seq, author: null, text: null };
    const text = target.deleted_seq === undefined ? (target.text ?? "") : "";
    return { seq, author: this.#input.user(target.author_id), text };
  }

  #notice(entry: Entry, at: number): Notice {
    const { user } = this.#input;
    return {
      type: "notice",
      key: `s${entry.seq}`,
      seq: entry.seq,
      at,
      kind: entry.kind,
      author: user(entry.author_id),
      users: (entry.user_ids ?? []).map((id) => user(id)),
      role: entry.role ?? null,
      title: entry.title ?? null,
      settings: entry.settings ?? null,
    };
  }
}

const NOTICES: ReadonlySet<string> = new Set([
  "member_added",
  "member_left",
  "member_removed",
  "role",
  "title",
  "settings",
]);

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => isSame(left[key], right[key]));
}
