// The part of a thread that the list shows: a range of numbers that grows at both ends, with its holes.

import type { Log, Logged } from "./log";
import type { Bounds, Pages } from "./pages";
import type { Range } from "./ranges";

/** In one thread; what is further from the eyes of the reader goes first (T12). */
const ENTRIES_MAX = 8_000;
const KEPT = 7_500;
/** More than so many that are missing are not fetched one page after the other: one reads on from where they begin. */
const FOLLOW_MAX = 500;

export class Window {
  readonly #log: Log;
  readonly #pages: Pages;
  from = 0;
  to = -1;
  /** The head as far as this window has heard of it. */
  #head = 0;

  constructor(log: Log, pages: Pages) {
    this.#log = log;
    this.#pages = pages;
  }

  get isOpen(): boolean {
    return this.to >= this.from;
  }

  get logged(): readonly Logged[] {
    return this.#log.entries.filter(({ entry }) => entry.seq >= this.from && entry.seq <= this.to);
  }

  get holes(): Range[] {
    return this.isOpen ? this.#log.holes(this.from, this.to) : [];
  }

  holds(seq: number): boolean {
    return seq >= this.from && seq <= this.to && this.#log.isKnown(seq);
  }

  close(): void {
    [this.from, this.to] = [0, -1];
  }

  /** Whether a number, or the place right behind what is here, can be shown without reading anything. */
  reaches(seq: number): boolean {
    return this.isOpen && this.from <= seq && seq <= this.to + 1;
  }

  /** The first look: at the New line, or at the end; first what the browser kept, if it can be shown without a jump. */
  async open(bounds: Bounds, newFrom: number | null, changed: () => void): Promise<void> {
    this.#head = bounds.last;
    const kept = await this.#pages.kept();
    if (kept && (newFrom === null || (kept[0] <= newFrom && newFrom <= kept[1] + 1))) {
      this.#look(this.#log.around(kept[1]) ?? kept);
      changed();
      if (kept[1] >= bounds.last) return;
    }
    try {
      if (newFrom !== null) return await this.around(newFrom, bounds);
      await this.#openAtEnd(bounds, changed);
    } catch (error) {
      // Without a server there is what was kept, and below it what is missing.
      if (kept && !this.isOpen) this.#look(kept);
      throw error;
    }
  }

  async #openAtEnd(bounds: Bounds, changed: () => void): Promise<void> {
    await this.#pages.older(bounds.last + 1, bounds);
    const [first, last] = this.#log.around(bounds.last) ?? [bounds.last, bounds.last];
    // Between what was kept and what is newest there may be a hole: it is drawn, and filled.
    const isNear = this.isOpen && first - this.to <= FOLLOW_MAX;
    this.#look([isNear ? Math.min(this.from, first) : first, last]);
    await this.fill(bounds, changed);
  }

  async older(bounds: Bounds): Promise<void> {
    const before = this.from;
    await this.#pages.older(before, bounds);
    this.from = Math.max(this.#log.around(before - 1)?.[0] ?? before, bounds.first);
    this.trim(false);
  }

  async newer(bounds: Bounds): Promise<void> {
    const after = this.to;
    await this.#pages.newer(after, bounds);
    this.to = Math.min(this.#log.around(after + 1)?.[1] ?? after, Math.max(after, bounds.last));
    this.trim(true);
  }

  async around(seq: number, bounds: Bounds): Promise<void> {
    await this.#pages.around(seq, bounds);
    this.#look(this.#log.around(seq) ?? [seq, seq]);
  }

  async newest(bounds: Bounds): Promise<void> {
    await this.#pages.older(bounds.last + 1, bounds);
    this.#look(this.#log.around(bounds.last) ?? [bounds.last, bounds.last]);
  }

  /** Entries were pushed: a window that stood at the head follows it, even over a hole. */
  came(prevSeq: number, last: number): void {
    this.#follow(Math.min(prevSeq, this.#head), last);
  }

  /** The head moved from there without a push. */
  headMoved(before: number, bounds: Bounds): void {
    this.#follow(before, bounds.last);
  }

  /** Holds no more than it may: away goes what is above a reader at the end, and what is below one who reads history. */
  trim(isAtEnd: boolean): void {
    if (this.#log.size <= ENTRIES_MAX) return;
    const { entries } = this.#log;
    if (isAtEnd) this.from = entries.at(-KEPT)?.entry.seq ?? this.from;
    else this.to = entries[KEPT]?.entry.seq ?? this.to;
    this.#log.keep(this.from, this.to);
  }

  async fill(bounds: Bounds, changed: () => void): Promise<void> {
    for (;;) {
      const hole = this.holes[0];
      if (!hole) return;
      await this.#pages.newer(hole[0] - 1, bounds);
      // A server that has nothing there: never ask for the same again.
      if (!this.#log.isKnown(hole[0])) return;
      changed();
    }
  }

  #follow(before: number, last: number): void {
    const stoodAtHead = this.isOpen && this.to >= before;
    if (stoodAtHead && last - this.to <= FOLLOW_MAX) this.to = Math.max(this.to, last);
    this.#head = Math.max(this.#head, last);
  }

  #look([from, to]: Range): void {
    [this.from, this.to] = [from, to];
  }
}
