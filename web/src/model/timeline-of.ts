// Makes the rows of a timeline from the entries of a thread: date lines, the New line, groups of messages, holes, notices.
// Rows that mean the same as before are the same objects, so that the view draws only what has changed.

import type { User } from "../protocol";
import type { StoredSend } from "./database";
import { type Logged, isCountable } from "./log";
import { type Around, type Place, messageOf, messageOfSend } from "./message-of";
import { type Notices, noticesOf } from "./notice-of";
import type { Range } from "./ranges";
import type { TimelineItem } from "./timeline";
import { type Calendar, type Day, calendarOf } from "./when";

/** Messages of one author that are further apart are two groups (T1). Measured from the message before, so that older pages
 * which arrive above do not group anew what is below. */
const GROUP_MS = 300_000;

export interface TimelineInput extends Around {
  readonly logged: readonly Logged[];
  /** Not in the log yet, in the order of writing. */
  readonly sends: readonly StoredSend[];
  readonly holes: readonly Range[];
  /** Whether the first of all visible entries is among these. */
  readonly isBeginning: boolean;
  readonly newFrom: number | null;
  readonly timeZone: string;
}

export function timelineOf(input: TimelineInput, before: readonly TimelineItem[]): readonly TimelineItem[] {
  // Each person is looked up once.
  const around: TimelineInput = { ...input, user: remembered((id) => input.user(id)) };
  const walk = new Walk(around, noticesOf(before), newLineAt(input));
  for (const one of input.logged) walk.entry(one);
  walk.holesBefore(Infinity);
  for (const send of input.sends) walk.send(send);
  const items = walk.end();
  return areSame(before, items) ? before : items;
}

/** A message as far as its group is concerned, and how to make its row once it is known whether the next one belongs to it. */
interface Held {
  readonly author: string;
  readonly at: number;
  readonly isFirst: boolean;
  readonly one: Logged | StoredSend;
}

/** Places one row after the other. */
class Walk {
  readonly #input: TimelineInput;
  readonly #notices: Notices;
  readonly #calendar: Calendar;
  readonly #newLineAt: number | null;
  readonly #items: TimelineItem[] = [];
  #hole = 0;
  #isNewDrawn = false;
  #day: Day | null = null;
  #held: Held | null = null;

  constructor(input: TimelineInput, notices: Notices, newLineAt: number | null) {
    this.#input = input;
    this.#notices = notices;
    this.#calendar = calendarOf(input.timeZone);
    this.#newLineAt = newLineAt;
  }

  entry(one: Logged): void {
    const { entry } = one;
    this.holesBefore(entry.seq);
    if (isCountable(entry)) {
      const at = Date.parse(entry.at);
      this.#dateLine(at);
      this.#newLine(entry.seq);
      return this.#message(one, entry.author_id, at, entry.reply_to !== undefined);
    }
    const notice = this.#notices.of(one, this.#input);
    // The card at the beginning tells the day itself.
    if (notice?.type === "notice") this.#dateLine(notice.at);
    if (notice) this.#push(notice);
  }

  send(send: StoredSend): void {
    this.#dateLine(send.at);
    this.#message(send, this.#input.me.id, send.at, send.replyTo !== null);
  }

  holesBefore(seq: number): void {
    const { holes } = this.#input;
    for (; this.#hole < holes.length; this.#hole++) {
      const hole = holes[this.#hole];
      if (!hole || hole[0] > seq) return;
      this.#newLine(hole[0]);
      this.#push(this.#notices.hole(hole));
    }
  }

  end(): readonly TimelineItem[] {
    this.#release(true);
    return this.#items;
  }

  #message(one: Logged | StoredSend, author: string, at: number, isReply: boolean): void {
    const held = this.#held;
    const isJoining = held?.author === author && !isReply && at - held.at < GROUP_MS;
    this.#release(!isJoining);
    this.#held = { one, author, at, isFirst: !isJoining };
  }

  #newLine(seq: number): void {
    if (this.#isNewDrawn || this.#newLineAt === null || seq < this.#newLineAt) return;
    this.#isNewDrawn = true;
    this.#push(this.#notices.newLine);
  }

  /** Days only go forward here, also where clocks do not agree. */
  #dateLine(at: number): void {
    if (this.#day && at < this.#day.end) return;
    const isTop = this.#day === null;
    this.#day = this.#calendar.dayOf(at);
    // Above the first row more of the same day may lie: a line there would have to move up when that is read (T3).
    if (isTop && !this.#input.isBeginning) return;
    this.#push(this.#notices.date(this.#day.start));
  }

  #push(item: TimelineItem): void {
    this.#release(true);
    this.#items.push(item);
  }

  #release(isLast: boolean): void {
    if (!this.#held) return;
    const { one, isFirst } = this.#held;
    this.#held = null;
    const place: Place = { isFirst, isLast };
    this.#items.push(
      "entry" in one ? messageOf(one, place, this.#input) : messageOfSend(one, place, this.#input),
    );
  }
}

/** Before which number the New line stands (T8). One's own messages never stand under it: who wrote had seen what was above.
 * Those that could not be sent do not count, or they would hide for long what is new. */
function newLineAt({ newFrom, logged, sends, holes, isBeginning, me }: TimelineInput): number | null {
  if (newFrom === null || sends.some((send) => send.failure === null)) return null;
  let line: number | null = null;
  let floor = newFrom;
  let index = logged.length - 1;
  for (; index >= 0; index--) {
    const entry = logged[index]?.entry;
    if (!entry || entry.seq < newFrom) break;
    if (!isCountable(entry)) continue;
    if (entry.author_id === me.id) {
      floor = entry.seq + 1;
      break;
    }
    line = entry.seq;
  }
  // It belongs somewhere above what is in memory.
  const isAbove = index < 0 && !isBeginning && (logged[0]?.entry.seq ?? 0) > newFrom;
  if (line === null || isAbove) return null;
  const below = line;
  return holes.find(([from, to]) => to >= floor && from < below)?.[0] ?? line;
}

function areSame(before: readonly TimelineItem[], after: readonly TimelineItem[]): boolean {
  return before.length === after.length && before.every((item, place) => item === after[place]);
}

function remembered(user: (id: string) => User): (id: string) => User {
  const known = new Map<string, User>();
  return (id) => {
    let found = known.get(id);
    if (!found) known.set(id, (found = user(id)));
    return found;
  };
}
