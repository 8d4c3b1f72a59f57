// The rows of a timeline that are no messages: lines, holes, and what happened to the thread itself. Those that are the same as
// in the timeline before are taken from it.

import type { Logged } from "./log";
import type { Around } from "./message-of";
import type { Range } from "./ranges";
import type { Beginning, Hole, NewLine, Notice, TimelineItem } from "./timeline";

const NOTICES: ReadonlySet<string> = new Set([
  "member_added",
  "member_left",
  "member_removed",
  "role",
  "title",
  "settings",
]);

type Line = Exclude<TimelineItem, { type: "message" }>;

/** `isBeginning`: the first of all visible entries is in memory. */
type Surroundings = Pick<Around, "user"> & { readonly isBeginning: boolean };

export function noticesOf(before: readonly TimelineItem[]): Notices {
  const lines = new Map<string, Line>();
  for (const item of before) if (item.type !== "message") lines.set(item.key, item);
  return new Notices(lines);
}

export class Notices {
  readonly #before: ReadonlyMap<string, Line>;

  constructor(before: ReadonlyMap<string, Line>) {
    this.#before = before;
  }

  /** Null for what is not shown: edits, reactions, and what later versions of the server may add. */
  of(one: Logged, around: Surroundings): Beginning | Notice | null {
    if (one.entry.kind === "created") return around.isBeginning ? this.#beginning(one, around) : null;
    return NOTICES.has(one.entry.kind) ? this.#notice(one, around) : null;
  }

  date(start: number): TimelineItem {
    const key = `date-${start}`;
    return this.#before.get(key) ?? { type: "date", key, at: start };
  }

  get newLine(): TimelineItem {
    const line: NewLine = { type: "new", key: "new" };
    return this.#before.get(line.key) ?? line;
  }

  /** Known by its end: pages fill it from its beginning. */
  hole([fromSeq, toSeq]: Range): TimelineItem {
    const hole: Hole = { type: "hole", key: `hole-${toSeq}`, fromSeq, toSeq };
    const before = this.#before.get(hole.key);
    return before?.type === "hole" && before.fromSeq === fromSeq ? before : hole;
  }

  #beginning({ entry }: Logged, around: Surroundings): Beginning {
    const author = around.user(entry.author_id);
    const before = this.#before.get("beginning");
    if (before?.type === "beginning" && before.author === author) return before;
    return { type: "beginning", key: "beginning", at: Date.parse(entry.at), author };
  }

  #notice({ entry }: Logged, around: Surroundings): Notice {
    const author = around.user(entry.author_id);
    const users = (entry.user_ids ?? []).map((id) => around.user(id));
    const heir = entry.heir_id === undefined ? undefined : around.user(entry.heir_id);
    const key = `s${entry.seq}`;
    const before = this.#before.get(key);
    const isSame =
      before?.type === "notice" &&
      before.author === author &&
      before.heir === heir &&
      before.users.length === users.length &&
      before.users.every((user, place) => user === users[place]);
    if (isSame) return before;
    return {
      type: "notice",
      key,
      seq: entry.seq,
      at: Date.parse(entry.at),
      kind: entry.kind,
      author,
      users,
      role: entry.role ?? null,
      title: entry.title ?? null,
      settings: entry.settings ?? null,
      ...(heir === undefined ? {} : { heir }),
    };
  }
}
