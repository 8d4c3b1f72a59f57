// The rows in the order they are drawn in: no row moves while a pointer is down on the list or a menu is open on a row
// (L1); what came meanwhile takes its place afterwards.

import type { Row } from "../../model/kith";

export class SteadyOrder {
  #held: readonly string[] | null = $state.raw(null);
  readonly #rows: () => readonly Row[];
  readonly rows: readonly Row[] = $derived.by(() => steady(this.#rows(), this.#held));

  constructor(rows: () => readonly Row[]) {
    this.#rows = rows;
  }

  hold() {
    this.#held ??= this.#rows().map((row) => row.id);
  }

  release() {
    this.#held = null;
  }
}

/** The held ids in their order with what their rows say now; new rows wait, rows that are gone leave. */
export function steady(rows: readonly Row[], held: readonly string[] | null): readonly Row[] {
  if (!held) return rows;
  const now = new Map(rows.map((row) => [row.id, row]));
  return held.flatMap((id) => now.get(id) ?? []);
}
