// Who can be named after an "@": members whose name or handle has what was typed, those first that begin so.

import type { Conversation, Kith } from "../../model";
import type { User } from "../../protocol";

export const EVERYBODY = "all";
export type Candidate = User | typeof EVERYBODY;

const SHOWN_MAX = 8;

/** What is typed after an "@" before the caret; null: nothing of the kind. */
export function query(text: string, caret: number): string | null {
  return /(?:^|[\s(（，。、])@([^\s@]{0,32})$/u.exec(text.slice(Math.max(0, caret - 64), caret))?.[1] ?? null;
}

export function candidates(
  kith: Kith,
  conversation: Conversation,
  typed: string,
  all: string,
): readonly Candidate[] {
  const wanted = typed.toLocaleLowerCase();
  const users = conversation.members.map(({ user }) => user).filter(({ id }) => id !== kith.me?.id);
  const rank = (user: User): number => {
    const names = [user.display_name.toLocaleLowerCase(), user.handle];
    if (names.some((name) => name.startsWith(wanted))) return 0;
    return names.some((name) => name.includes(wanted)) ? 1 : 2;
  };
  const found: Candidate[] = users
    .filter((user) => rank(user) < 2)
    .sort((a, b) => rank(a) - rank(b) || a.display_name.localeCompare(b.display_name));
  const isAll = conversation.may.mentionAll && all.toLocaleLowerCase().startsWith(wanted);
  return (isAll ? ([EVERYBODY, ...found] as Candidate[]) : found).slice(0, SHOWN_MAX);
}
