// The colour of a name, the same for one person everywhere.

const COLOURS = 8;

/** 0 to 7, for `--name-N`. */
export function nameColour(id: string): number {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return sum % COLOURS;
}

/** One letter of each of the first two words; of a Chinese name its last two signs, as people there are called. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/\s+/u)
    .filter((word) => word !== "");
  const first = words[0];
  if (!first) return "?";
  if (/^\p{Script=Han}+$/u.test(name.trim())) return [...name.trim()].slice(-2).join("");
  const letters = [first, words[1]].map((word) => letter(word ?? ""));
  return letters.join("").toLocaleUpperCase();
}

function letter(word: string): string {
  return /[\p{L}\p{N}]/u.exec(word)?.[0] ?? [...word][0] ?? "";
}
