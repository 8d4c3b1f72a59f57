// Texts as they are compared when somebody searches: without case, width and accents, in any script (L5, Q1).

const ACCENTS = /[\u0300-\u036f]/gu;

export function folded(text: string): string {
  return text.normalize("NFKD").replace(ACCENTS, "").toLowerCase();
}
