// The text of a message for the view: formatted if anything in it asks for that. What formats is fetched when the first such
// message comes into sight; until it is here, and for most messages always, the plain text is what is shown.

import type { Mentioned } from "./markup";
import type { CleanHtml, richText } from "./rich-text";

/** Texts that were formatted are kept for a while: scrolling back and forth asks again and again. */
const KEPT_MAX = 500;
/** Stars, lines, tildes, ticks; a quote; anything like a link or an address. */
const ASKS = /[*_~`]|^> |:\/\/|\S@\S|(?:tel|mailto):|[a-z0-9]\.[a-z]{2}/imu;

class Formatter {
  #format: typeof richText | null = $state.raw(null);
  #isAsked = false;
  readonly #kept = new Map<string, CleanHtml>();

  /** Null: show the plain text. Where that stands, in both cases, `white-space: pre-wrap`. */
  formatted(text: string, mentioned: readonly Mentioned[]): CleanHtml | null {
    if (mentioned.length === 0 && !ASKS.test(text)) return null;
    if (!this.#format) {
      void this.#fetch();
      return null;
    }
    const key = text + mentioned.map(({ name, isMe }) => `\0${name}${isMe ? "!" : ""}`).join("");
    const html = this.#kept.get(key) ?? this.#format(text, mentioned);
    this.#kept.delete(key);
    this.#kept.set(key, html);
    if (this.#kept.size > KEPT_MAX) this.#kept.delete([...this.#kept.keys()][0] ?? "");
    return html;
  }

  async #fetch(): Promise<void> {
    if (this.#isAsked) return;
    this.#isAsked = true;
    try {
      this.#format = (await import("./rich-text")).richText;
    } catch {
      // Without a connection: the next message asks again.
      this.#isAsked = false;
    }
  }
}

const formatter = new Formatter();

/** Null: show the plain text. */
export function formatted(text: string, mentioned: readonly Mentioned[] = []): CleanHtml | null {
  return formatter.formatted(text, mentioned);
}
