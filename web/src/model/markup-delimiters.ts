// Which of the characters * _ ~ are markup. CommonMark asks for spaces around words, which Chinese does not have, and takes too
// much of what people type: 2*3*4, snake_case, 他*的*, ¯\_(ツ)_/¯, 好~~谢谢~~.

import type { StateInline } from "markdown-it";

const LETTER = /[\p{L}\p{N}\p{M}]/u;
/** Letters that are written without spaces between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;
/** What a text in single markers may begin and end with. Faces begin with something else. */
const BEGINS = /[\p{L}\p{N}\p{M}\p{Emoji_Presentation}"'“‘«《「『【#@$€¥£`]/u;
const ENDS = /[\p{L}\p{N}\p{M}\p{Emoji_Presentation}"'”’»》」』】.,!?…。，！？%`]/u;

/** The inline parser of markdown-it, with these rules. */
export function withDelimiters(Base: typeof StateInline): typeof StateInline {
  return class extends Base {
    override scanDelims(start: number): ReturnType<StateInline["scanDelims"]> {
      const marker = this.src[start] ?? "";
      let end = start;
      while (end < this.posMax && this.src[end] === marker) end++;
      const length = end - start;
      const before = lastOf(this.src.slice(Math.max(0, start - 2), start));
      const after = firstOf(this.src.slice(end, end + 2));
      // `__init__`
      if (marker === "_" && length >= 2) return { can_open: false, can_close: false, length };
      // Two stars may stand in the middle of what has no spaces.
      const isDouble = length >= 2;
      const stops = (char: string): boolean =>
        LETTER.test(char) && !(isDouble && marker === "*" && UNSPACED.test(char));
      return {
        can_open: !isSpace(after) && !stops(before) && (isDouble || BEGINS.test(after)),
        can_close: !isSpace(before) && !stops(after) && (isDouble || ENDS.test(before)),
        length,
      };
    }
  };
}

/** The edge of a text is one. */
function isSpace(char: string): boolean {
  return char === "" || /\s/u.test(char);
}

function firstOf(text: string): string {
  return [...text][0] ?? "";
}

function lastOf(text: string): string {
  return [...text].at(-1) ?? "";
}
