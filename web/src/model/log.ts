// The part of a thread's log that is in memory: entries by their numbers, which numbers are known, and edits, deletions and
// reactions laid over the messages they are about.

import type { Entry, Page, Reaction } from "../protocol";
import { type Range, holes, joined, rangeOf, within } from "./ranges";

/** An entry with all that happened to it up to `asOf`, and what is known of later. Never changed in place. */
export interface Logged {
  readonly entry: Entry;
  readonly asOf: number;
  /** Later changes, ascending, and the entry without them: one that comes late, out of a hole, goes between the others. */
  readonly laid?: { readonly under: Entry; readonly changes: readonly Laid[] };
  /** When it was edited last, if that was heard. */
  readonly editedAt: number | null;
}

/** Changes of messages that are not here. */
const EARLY_MAX = 200;

/** What an edit, deletion or reaction does to a message. */
export interface Laid {
  readonly seq: number;
  readonly kind: Entry["kind"];
  readonly at: string;
  readonly isMine: boolean;
  readonly text?: string;
  readonly emoji?: string;
}

const OVERLAYS: ReadonlySet<string> = new Set(["edit", "delete", "react", "unreact"]);
const COUNTABLE: ReadonlySet<string> = new Set(["text", "media", "custom"]);

/** Whether this is no row of its own, but changes the message at its `target_seq`. */
export function isOverlay(entry: Entry): boolean {
  return OVERLAYS.has(entry.kind);
}

/** Whether this is a message. */
export function isCountable(entry: Entry): boolean {
  return COUNTABLE.has(entry.kind);
}

export class Log {
  readonly #me: string;
  #logged = new Map<number, Logged>();
  #ranges: Range[] = [];
  #sorted: Logged[] | null = [];
  /** Their message may be in a page that is under way, and older than they are. */
  #early: readonly Entry[] = [];
  /** Messages with changes that are not confirmed, as they are without. */
  readonly #assumed = new Map<number, { truth: Logged; changes: readonly Assumption[] }>();

  constructor(me: string) {
    this.#me = me;
  }

  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  /** Ascending. */
  get entries(): readonly Logged[] {
    this.#sorted ??= [...this.#logged.values()].sort((a, b) => a.entry.seq - b.entry.seq);
    return this.#sorted;
  }

  get size(): number {
    return this.#logged.size;
  }

  at(seq: number): Logged | undefined {
    return this.#logged.get(seq);
  }

  /** Without what is assumed. */
  truth(seq: number): Logged | undefined {
    return this.#assumed.get(seq)?.truth ?? this.#logged.get(seq);
  }

  isKnown(seq: number): boolean {
    return rangeOf(this.#ranges, seq) !== null;
  }

  /** The range in which a number lies. */
  around(seq: number): Range | null {
    return rangeOf(this.#ranges, seq);
  }

  holes(from: number, to: number): Range[] {
    return holes(this.#ranges, from, to);
  }

  /** What the browser kept. */
  restore(logged: readonly Logged[], ranges: readonly Range[]): void {
    for (const one of logged) {
      const known = this.truth(one.entry.seq);
      if (!known || newest(known) < newest(one)) this.#put(one);
    }
    for (const range of ranges) this.#ranges = joined(this.#ranges, range);
    for (const overlay of this.#early) this.#overlay(overlay);
  }

  /** A page of the server says what there is between two numbers; what it leaves out is not for this user. */
  takePage(page: Page, [from, to]: Range): void {
    for (const entry of page.items) {
      if (isOverlay(entry)) {
        // Of the page itself all is in place already; this is for what was here before.
        this.#overlay(entry);
        continue;
      }
      const known = this.truth(entry.seq);
      // What was pushed meanwhile is newer than the page.
      if (known && newest(known) > page.as_of_seq) continue;
      this.#put({ entry, asOf: page.as_of_seq, editedAt: known?.editedAt ?? null });
    }
    this.#ranges = joined(this.#ranges, [from, to]);
    for (const overlay of this.#early) this.#overlay(overlay);
  }

  /** New entries as they were pushed. Gives those that are messages or notices and were not here before. */
  takeEntries(entries: readonly Entry[]): Entry[] {
    const fresh: Entry[] = [];
    for (const entry of entries) {
      const isNew = !this.isKnown(entry.seq);
      if (isOverlay(entry)) this.#overlay(entry);
      else if (isNew) {
        this.#put({ entry, asOf: entry.seq, editedAt: null });
        fresh.push(entry);
      }
      if (isNew) this.#ranges = joined(this.#ranges, [entry.seq, entry.seq]);
    }
    return fresh;
  }

  /** Forgets all but what lies between two numbers. */
  keep(from: number, to: number): void {
    for (const seq of this.#logged.keys()) {
      if (seq < from || seq > to) this.#logged.delete(seq);
    }
    this.#ranges = within(this.#ranges, from, to);
    this.#sorted = null;
  }

  /** A change of one's own that the server's log does not have yet; gives back how to take it away again. */
  assume(seq: number, assumption: Assumption): () => void {
    const shown = this.#logged.get(seq);
    if (!shown) return () => undefined;
    const assumed = this.#assumed.get(seq) ?? { truth: shown, changes: [] };
    this.#assumed.set(seq, { ...assumed, changes: [...assumed.changes, assumption] });
    this.#put(assumed.truth);
    return () => this.#settle(seq, (one) => one === assumption);
  }

  /** It has come, or was refused. */
  #settle(seq: number, is: (assumption: Assumption) => boolean): void {
    const assumed = this.#assumed.get(seq);
    const place = assumed?.changes.findIndex(is) ?? -1;
    if (!assumed || place < 0) return;
    const changes = assumed.changes.filter((_, at) => at !== place);
    if (changes.length > 0) this.#assumed.set(seq, { ...assumed, changes });
    else this.#assumed.delete(seq);
    // Unless it was forgotten meanwhile.
    if (this.#logged.has(seq)) this.#put(assumed.truth);
  }

  #overlay(overlay: Entry): void {
    const seq = overlay.target_seq ?? 0;
    const target = this.truth(seq);
    if (!target) {
      const others = this.#early.filter((one) => one.seq !== overlay.seq);
      this.#early = [...others, overlay].slice(-EARLY_MAX);
      return;
    }
    const laid = laidOver(target, overlay, this.#me);
    if (laid) this.#put(laid);
    if (overlay.author_id === this.#me) this.#settle(seq, (one) => one.name === nameOf(overlay));
  }

  #put(truth: Logged): void {
    const seq = truth.entry.seq;
    const assumed = this.#assumed.get(seq);
    if (assumed) this.#assumed.set(seq, { ...assumed, truth });
    const entry = (assumed?.changes ?? []).reduce((entry, { change }) => change(entry), truth.entry);
    const one = { ...truth, entry };
    const last = this.#sorted?.at(-1)?.entry.seq ?? 0;
    // Most come at the end.
    if (this.#sorted && seq > last) this.#sorted = [...this.#sorted, one];
    else this.#sorted = null;
    this.#logged.set(seq, one);
  }
}

/** A change that is shown before it is confirmed; `name` says by which entry it will be. */
export interface Assumption {
  readonly name: string;
  change(entry: Entry): Entry;
}

/** By which its own entry is known: one reaction may be on its way beside another. */
export function nameOf(overlay: Pick<Entry, "kind" | "emoji">): string {
  return overlay.kind + (overlay.emoji ?? "");
}

/** The last change that is in it. */
export function newest({ asOf, laid }: Logged): number {
  return Math.max(asOf, laid?.changes.at(-1)?.seq ?? 0);
}

/** A message with one more change over it, in whatever order they come; null if the change is in it already. */
export function laidOver(target: Logged, overlay: Entry, me: string): Logged | null {
  const { asOf, laid = { under: target.entry, changes: [] } } = target;
  if (asOf >= overlay.seq || laid.changes.some(({ seq }) => seq === overlay.seq)) return null;
  const changes = [...laid.changes, changeOf(overlay, me)].sort((a, b) => a.seq - b.seq);
  const entry = changes.reduce(overlaid, laid.under);
  // Of what was deleted nothing is kept, neither what it was before.
  if (entry.deleted_seq !== undefined) {
    const deletion = changes.filter(({ kind }) => kind === "delete");
    return { entry, asOf, laid: { under: entry, changes: deletion }, editedAt: null };
  }
  const edit = changes.findLast(({ kind }) => kind === "edit");
  const editedAt = edit ? Date.parse(edit.at) : target.editedAt;
  return { entry, asOf, laid: { under: laid.under, changes }, editedAt };
}

function changeOf({ seq, kind, at, author_id, text, emoji }: Entry, me: string): Laid {
  const rest = { ...(text === undefined ? {} : { text }), ...(emoji === undefined ? {} : { emoji }) };
  return { seq, kind, at, isMine: author_id === me, ...rest };
}

function overlaid(entry: Entry, { kind, seq, text = "", emoji = "", isMine }: Laid): Entry {
  if (entry.deleted_seq !== undefined) return entry;
  switch (kind) {
    case "edit":
      return { ...entry, text, edited_seq: seq };
    case "delete":
      return deleted(entry, seq);
    case "react":
      return { ...entry, reactions: reacted(entry.reactions ?? [], emoji, 1, isMine) };
    case "unreact":
      return { ...entry, reactions: reacted(entry.reactions ?? [], emoji, -1, isMine) };
    default:
      return entry;
  }
}

/** A deleted text is to be forgotten. */
export function deleted(entry: Entry, seq: number): Entry {
  const { text, ext, mentions, mention_all, reactions, ...rest } = entry;
  void [text, ext, mentions, mention_all, reactions];
  return { ...rest, deleted_seq: seq };
}

/** One's own counts once, however often it is told. */
export function reacted(
  reactions: readonly Reaction[],
  emoji: string,
  by: 1 | -1,
  isMine: boolean,
): Reaction[] {
  const before = reactions.find((one) => one.emoji === emoji) ?? { emoji, count: 0, mine: false };
  if (isMine && before.mine === by > 0) return [...reactions];
  const after = { emoji, count: before.count + by, mine: isMine ? by > 0 : before.mine };
  if (after.count <= 0) return reactions.filter((one) => one.emoji !== emoji);
  if (before.count === 0) return [...reactions, after];
  return reactions.map((one) => (one.emoji === emoji ? after : one));
}
