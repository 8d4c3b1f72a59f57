// How far the others of a thread have got: what the ticks of one's own messages say (S2).

import type { InboxRow, Member, ServerReceipt } from "../protocol";
import type { SendState } from "./kith";

export interface Marks {
  readonly delivered: number;
  readonly read: number;
}

const NONE: Marks = { delivered: 0, read: 0 };

/** Of each member who shows theirs. */
export class MemberMarks {
  readonly #me: string;
  #marks = new Map<string, Marks>();
  #isComplete = false;

  constructor(me: string) {
    this.#me = me;
  }

  takeMembers(members: readonly Member[]): void {
    this.#isComplete = true;
    // Who hides them has none.
    const shown = members.filter(({ user, read_seq }) => user.id !== this.#me && read_seq !== undefined);
    this.#marks = new Map(
      shown.map(({ user, read_seq, delivered_seq }) => {
        const known = this.#marks.get(user.id) ?? NONE;
        return [user.id, grown(known, { read: read_seq ?? 0, delivered: delivered_seq ?? 0 })];
      }),
    );
  }

  takeReceipt(receipt: ServerReceipt): void {
    const known = this.#marks.get(receipt.user_id) ?? NONE;
    const read = receipt.read_seq ?? 0;
    this.#marks.set(
      receipt.user_id,
      grown(known, { read, delivered: Math.max(receipt.delivered_seq ?? 0, read) }),
    );
  }

  /** The least of all others; null until all are known, or if there are none. */
  least(isDirect: boolean): Marks | null {
    const isKnown = this.#isComplete || isDirect;
    if (!isKnown || this.#marks.size === 0) return null;
    const all = [...this.#marks.values()];
    return {
      read: Math.min(...all.map((marks) => marks.read)),
      delivered: Math.min(...all.map((marks) => marks.delivered)),
    };
  }
}

/** Marks only grow. */
function grown(before: Marks, after: Marks): Marks {
  return { read: Math.max(before.read, after.read), delivered: Math.max(before.delivered, after.delivered) };
}

/** The row with these marks of the others, if they are further than those it has. */
export function withOthers(row: InboxRow, marks: Marks): InboxRow {
  const before = { read: row.head.others?.read_seq ?? 0, delivered: row.head.others?.delivered_seq ?? 0 };
  const { read, delivered } = grown(before, marks);
  return { ...row, head: { ...row.head, others: { read_seq: read, delivered_seq: delivered } } };
}

/** Of one's own message that the server has. */
export function stateOf(row: InboxRow, seq: number): SendState {
  const others = row.head.others;
  if (others && others.read_seq >= seq) return "read";
  if (others && others.delivered_seq >= seq) return "delivered";
  return "sent";
}
