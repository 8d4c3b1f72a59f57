// Whether a message is long enough to be shown in part (B2).

const LINES_MAX = 20;
/** Letters in a line: what a message is at most wide. Chinese and Japanese ones are two wide. */
const LINE_CHARS = 65;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/gu;

/** Over 20 lines, as far as one can know without drawing it. */
export function isFolded(text: string): boolean {
  if (text.length <= LINES_MAX) return false;
  let lines = 0;
  for (const line of text.split("\n")) {
    const wide = line.match(WIDE)?.length ?? 0;
    lines += Math.max(1, Math.ceil((line.length + wide) / LINE_CHARS));
    if (lines > LINES_MAX) return true;
  }
  return false;
}
