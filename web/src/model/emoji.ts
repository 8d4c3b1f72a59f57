// Messages of emoji alone, counted as a person counts (T14).

const ALONE_MAX = 3;
/** One that is shown as a picture: by itself, with the sign for it, or with a colour of skin; not half a flag. */
const PICTURE =
  /^(?!\p{Regional_Indicator}$)(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Emoji_Modifier_Base}\p{Emoji_Modifier})/u;

let segmenter: Intl.Segmenter | null = null;

/** How many emoji stand alone in this text: 1, 2 or 3; 0 if there are more, or anything else. */
export function emojiAlone(text: string): 0 | 1 | 2 | 3 {
  const trimmed = text.trim();
  // The longest family has 25 units; most texts are no emoji from their first letter on.
  if (trimmed.length > 120 || !/^[\p{Emoji}]/u.test(trimmed)) return 0;
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  let count = 0;
  for (const { segment } of segmenter.segment(trimmed)) {
    if (/^\s+$/u.test(segment)) continue;
    if (!PICTURE.test(segment)) return 0;
    count += 1;
    if (count > ALONE_MAX) return 0;
  }
  return count as 0 | 1 | 2 | 3;
}
