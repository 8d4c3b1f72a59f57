// Names and titles as they may stand in a line with others (B1).

const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Without what would turn its neighbours round. The server does the same; this is for what came before it did. */
export function cleanName(name: string): string {
  return name.replace(BIDI_CONTROLS, "");
}
