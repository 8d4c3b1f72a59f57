// The language of the page. Texts are asked for while drawing, so that a change redraws them and nothing else: what is
// typed stays.

import { getTextDirection, overwriteGetLocale, type Locale } from "../words/runtime.js";

class Language {
  #chosen: Locale | null = $state.raw(null);
  readonly current: Locale = $derived(this.#chosen ?? ofBrowser());

  choose(language: Locale | null) {
    this.#chosen = language;
  }
}

function ofBrowser(): Locale {
  const known = navigator.languages.map((tag) => tag.toLowerCase().split("-")[0]);
  return known.find((tag): tag is Locale => tag === "en" || tag === "zh") ?? "en";
}

export const language = new Language();
overwriteGetLocale(() => language.current);

/** For `Intl`: days before months, as the texts of the client have them. */
export function intlLocale(): string {
  return language.current === "zh" ? "zh-CN" : "en-GB";
}

export function direction(): "ltr" | "rtl" {
  return getTextDirection(language.current);
}
