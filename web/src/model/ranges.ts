// Which numbers of a log are known: ranges, both ends included, ascending, apart and never touching.

export type Range = readonly [from: number, to: number];

/** The same with one more range, joined with those that it touches. */
export function joined(ranges: readonly Range[], [from, to]: Range): Range[] {
  if (from > to) return [...ranges];
  const before = ranges.filter((range) => range[1] < from - 1);
  const after = ranges.filter((range) => range[0] > to + 1);
  const touched = ranges.slice(before.length, ranges.length - after.length);
  const first = Math.min(from, ...touched.map((range) => range[0]));
  const last = Math.max(to, ...touched.map((range) => range[1]));
  return [...before, [first, last], ...after];
}

/** The range in which this number lies. */
export function rangeOf(ranges: readonly Range[], seq: number): Range | null {
  return ranges.find(([from, to]) => from <= seq && seq <= to) ?? null;
}

/** What is missing between two numbers, both included. */
export function holes(ranges: readonly Range[], from: number, to: number): Range[] {
  const missing: Range[] = [];
  let next = from;
  for (const [first, last] of ranges) {
    if (last < next) continue;
    if (first > to) break;
    if (first > next) missing.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= to) missing.push([next, to]);
  return missing;
}

/** Only what lies between two numbers. */
export function within(ranges: readonly Range[], from: number, to: number): Range[] {
  return ranges
    .filter(([first, last]) => last >= from && first <= to)
    .map(([first, last]) => [Math.max(first, from), Math.min(last, to)]);
}
