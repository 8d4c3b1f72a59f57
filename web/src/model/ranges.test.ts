// Ranges of numbers against a plain set of them.

import { describe, expect, it } from "vitest";
import { type Range, holes, joined, rangeOf, within } from "./ranges";

const LAST = 30;

/** Numbers by chance, the same ones in each run. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function setOf(ranges: readonly Range[]): Set<number> {
  return new Set(ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, n) => from + n)));
}

describe("ranges", () => {
  it("are joined where they touch, and stay apart where they do not", () => {
    expect(joined([[1, 3]], [4, 6])).toEqual([[1, 6]]);
    expect(joined([[1, 3]], [5, 6])).toEqual([
      [1, 3],
      [5, 6],
    ]);
    expect(
      joined(
        [
          [1, 3],
          [7, 9],
        ],
        [4, 6],
      ),
    ).toEqual([[1, 9]]);
    expect(joined([[1, 3]], [5, 4])).toEqual([[1, 3]]);
  });

  it("say of any number the same as a set of all of them, in whatever order they were joined", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const below = chance(seed);
      let ranges: Range[] = [];
      const numbers = new Set<number>();
      for (let step = 0; step < 8; step++) {
        const from = 1 + below(LAST);
        const to = Math.min(LAST, from + below(5));
        ranges = joined(ranges, [from, to]);
        for (let n = from; n <= to; n++) numbers.add(n);
      }
      expect(setOf(ranges)).toEqual(numbers);
      // Ascending, apart, never touching.
      ranges.slice(1).forEach(([from], place) => expect(from).toBeGreaterThan((ranges[place]?.[1] ?? 0) + 1));
      for (let n = 1; n <= LAST; n++) expect(rangeOf(ranges, n) !== null).toBe(numbers.has(n));
      const [from, to] = [1 + below(10), 15 + below(15)];
      const missing = setOf(holes(ranges, from, to));
      const kept = setOf(within(ranges, from, to));
      for (let n = 1; n <= LAST; n++) {
        const isInside = from <= n && n <= to;
        expect(missing.has(n)).toBe(isInside && !numbers.has(n));
        expect(kept.has(n)).toBe(isInside && numbers.has(n));
      }
    }
  });

  it("have holes at both ends, too", () => {
    expect(holes([[4, 6]], 1, 9)).toEqual([
      [1, 3],
      [7, 9],
    ]);
    expect(holes([], 2, 5)).toEqual([[2, 5]]);
    expect(holes([[1, 9]], 2, 5)).toEqual([]);
  });
});
