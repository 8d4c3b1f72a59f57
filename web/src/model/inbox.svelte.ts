// The list of threads, as it is shown: order, what is unread in all, and what a filter finds.

import type { InboxRow } from "../protocol";
import { folded } from "./folded";
import type { Inbox, Row, RowFilter } from "./kith";
import { lasting } from "./lasting.svelte";
import { RowModel, type RowSources } from "./row.svelte";

export interface InboxSources extends RowSources {
  readonly threads: RowSources["threads"] & {
    readonly rows: ReadonlyMap<string, InboxRow>;
    readonly isKnown: boolean;
  };
  now(): number;
}

/** Timers wait 24 days at most. */
const TIMER_MAX_MS = 2_000_000_000;

export class InboxModel implements Inbox {
  readonly #sources: InboxSources;
  readonly #rows = new Map<string, RowModel>();
  /** As of when mutes are judged. */
  #now = $state(0);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #wakesAt = Infinity;

  constructor(sources: InboxSources) {
    this.#sources = sources;
    this.#now = sources.now();
  }

  readonly #all = $derived.by((): readonly Row[] => {
    const all = [...this.#sources.threads.rows.keys()].map((id) => this.row(id));
    this.#wakeForMutes();
    return all
      .map((row) => ({ row, pinned: row.isPinned, at: row.lastAt }))
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.at - a.at || (a.row.id < b.row.id ? -1 : 1))
      .map(({ row }) => row);
  });

  readonly rows = $derived.by((): readonly Row[] | null =>
    this.#sources.threads.isKnown ? this.#all.filter((row) => !row.isArchived && !isOver(row)) : null,
  );

  readonly archived = $derived.by((): readonly Row[] => this.#all.filter((row) => row.isArchived));

  /** A muted thread never adds to it, but who is called in it is called (L2). */
  readonly unread = $derived.by((): number => {
    let count = 0;
    for (const row of this.rows ?? []) if (!row.isGone) count += row.isMuted ? row.mentions : row.unread;
    return count;
  });

  /** The same object for as long as the account is open. */
  row(id: string): Row {
    const known = this.#rows.get(id);
    if (known) return known;
    const made = lasting(() => new RowModel(this.#sources, id, () => this.#now));
    this.#rows.set(id, made);
    return made;
  }

  /** Whoever looks for something by its name finds it in the archive as well. */
  find(text: string, filter: RowFilter): readonly Row[] {
    const wanted = folded(text.trim());
    const rows = wanted === "" ? (this.rows ?? []) : [...(this.rows ?? []), ...this.archived];
    return rows.filter((row) => passes(row, filter) && matches(row, wanted));
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** A mute that ends is no event: nobody tells. */
  #wakeForMutes(): void {
    const now = this.#sources.now();
    let next = Infinity;
    for (const { mine } of this.#sources.threads.rows.values()) {
      if (mine.muted_until === undefined) continue;
      const until = Date.parse(mine.muted_until);
      if (until > now) next = Math.min(next, until);
    }
    if (next === this.#wakesAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#wakesAt = next;
    if (next === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#wakesAt = Infinity;
        this.#now = this.#sources.now();
        this.#wakeForMutes();
      },
      Math.min(next - now, TIMER_MAX_MS),
    );
  }
}

/** Left, and nothing in it to read any longer. */
function isOver(row: Row): boolean {
  return row.isGone && row.preview === null;
}

function passes(row: Row, filter: RowFilter): boolean {
  if (filter === "unread") return row.unread > 0 || row.isMarkedUnread;
  return filter === "all" || row.kind === "group";
}

function matches(row: Row, wanted: string): boolean {
  if (wanted === "") return true;
  return folded(row.name).includes(wanted) || (row.peer?.handle.includes(wanted.replace(/^@/u, "")) ?? false);
}
