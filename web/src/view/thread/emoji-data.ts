// Every emoji with its name and what it is also called, in the language of the page; fetched when it is first wanted.

import { getLocale } from "../../words/runtime.js";

export interface Emoji {
  readonly sign: string;
  readonly name: string;
  readonly words: string;
  readonly group: number;
}

/** Parts of a picture that are none by themselves: skin and hair. */
const COMPONENTS = 2;
const RECENT = "kith.emoji";
const RECENT_MAX = 24;

interface Raw {
  unicode: string;
  label: string;
  tags?: string[];
  group?: number;
}

let loaded: { locale: string; emoji: Promise<readonly Emoji[]> } | null = null;

export function allEmoji(): Promise<readonly Emoji[]> {
  const locale = getLocale();
  if (loaded?.locale !== locale) loaded = { locale, emoji: load(locale) };
  return loaded.emoji;
}

async function load(locale: string): Promise<readonly Emoji[]> {
  const module: { default: unknown } =
    locale === "zh"
      ? await import("emojibase-data/zh/compact.json")
      : await import("emojibase-data/en/compact.json");
  return (module.default as Raw[])
    .filter(({ group }) => group !== undefined && group !== COMPONENTS)
    .map(({ unicode, label, tags, group }) => ({
      sign: unicode,
      name: label,
      words: [label, ...(tags ?? [])].join(" ").toLocaleLowerCase(),
      group: group ?? 0,
    }));
}

export function recentEmoji(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
    return Array.isArray(kept) ? kept.filter((sign) => typeof sign === "string").slice(0, RECENT_MAX) : [];
  } catch {
    return [];
  }
}

export function useEmoji(sign: string) {
  const signs = [sign, ...recentEmoji().filter((other) => other !== sign)].slice(0, RECENT_MAX);
  try {
    localStorage.setItem(RECENT, JSON.stringify(signs));
  } catch {
    // Then they are not remembered.
  }
}

/** What most people react with. */
export const QUICK: readonly string[] = ["👍", "❤️", "😂", "😮", "😢", "🙏", "🎉", "👀"];
