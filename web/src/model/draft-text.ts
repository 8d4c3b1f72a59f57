// What is being written in a thread, as it is kept; and what can happen to a text before it is sent.

export interface Draft {
  text: string;
  caret: number;
  replyTo: number | null;
  editing: number | null;
  /** The text from before an edit began; it comes back afterwards. */
  before: Written | null;
  mentions: Mention[];
  /** The server's version that this one replaces. */
  version: number;
  /** Whether the server does not have it yet. */
  isUnsaved: boolean;
}

export interface Written {
  text: string;
  caret: number;
  replyTo: number | null;
  mentions: Mention[];
}

export interface Mention {
  userId: string;
  name: string;
}

/** In the place of a user: everybody of the group. */
export const EVERYBODY = "everybody";

export const NOTHING: Written = { text: "", caret: 0, replyTo: null, mentions: [] };

/** Nothing that a person could see: the server refuses it, too (C3). */
export function isBlank(text: string): boolean {
  return /^[\p{White_Space}\p{Default_Ignorable_Code_Point}]*$/u.test(text);
}

const BETWEEN = "\n———\n";

/** Both texts, with a line between (C4). What the other begins with, or has among its lines, is there already. */
export function merged(theirs: string, ours: string): string {
  if (isBlank(theirs) || holds(ours, theirs)) return ours;
  if (isBlank(ours) || holds(theirs, ours)) return theirs;
  return theirs + BETWEEN + ours;
}

function holds(whole: string, part: string): boolean {
  return whole.startsWith(part) || `\n${whole}\n`.includes(`\n${part}\n`);
}

/** Those that still stand in the text. */
export function stillMentioned(text: string, mentions: readonly Mention[]): Mention[] {
  return mentions.filter(({ name }) => text.includes(`@${name}`));
}

/** The text with a name in the place of the `@` before the caret and what was typed after it. */
export function withMention(written: Written, mention: Mention): Written {
  const { text, mentions } = written;
  const before = text.slice(0, written.caret).replace(/@[^\s@]*$/u, "");
  const name = `@${mention.name} `;
  const after = text.slice(written.caret);
  const others = mentions.filter((one) => one.userId !== mention.userId);
  return {
    ...written,
    text: before + name + after,
    caret: before.length + name.length,
    mentions: [...others, mention],
  };
}
