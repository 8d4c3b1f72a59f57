// What keys do to the text in the box.

/** A text with a caret, or a selection, in it. */
export interface Selected {
  text: string;
  from: number;
  to: number;
}

const MARKS: Readonly<Record<string, string>> = { b: "**", i: "*", e: "`" };

/** Puts marks around what is selected, or takes them away; null: no such key. */
export function marked(key: string, { text, from, to }: Selected): Selected | null {
  const mark = MARKS[key.toLowerCase()];
  if (mark === undefined) return null;
  const inside = text.slice(from, to);
  const isMarked = text.slice(0, from).endsWith(mark) && text.slice(to).startsWith(mark);
  if (isMarked) {
    return {
      text: text.slice(0, from - mark.length) + inside + text.slice(to + mark.length),
      from: from - mark.length,
      to: to - mark.length,
    };
  }
  return {
    text: text.slice(0, from) + mark + inside + mark + text.slice(to),
    from: from + mark.length,
    to: to + mark.length,
  };
}

/** A mention is one unit: Backspace right after it takes all of it (C11). */
export function withoutMention(
  { text, from, to }: Selected,
  mentions: readonly { name: string }[],
): Selected | null {
  if (from !== to) return null;
  for (const { name } of mentions) {
    for (const unit of [`@${name}`, `@${name} `]) {
      if (!text.slice(0, from).endsWith(unit)) continue;
      const start = from - unit.length;
      return { text: text.slice(0, start) + text.slice(from), from: start, to: start };
    }
  }
  return null;
}
