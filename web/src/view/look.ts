// How the page looks and which language it speaks, on the root element. `public/look.js` does the same before the first
// paint, from what the browser keeps of the choices, so that nothing flashes.

import type { Preferences } from "../model/preferences";
import { direction, language } from "./locale.svelte";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Inside an effect: it runs again when a choice changes. */
export function show(preferences: Preferences): () => void {
  const { theme, textSize, isCompact } = preferences;
  const root = document.documentElement;
  const paint = () => {
    const isDark = theme === "dark" || (theme === "system" && dark.matches);
    root.dataset["theme"] = isDark ? "dark" : "light";
    const colour = document.querySelector('meta[name="theme-color"]');
    colour?.setAttribute("content", isDark ? "#191c20" : "#f4f5f7");
  };
  paint();
  root.toggleAttribute("data-compact", isCompact);
  root.style.setProperty("--text-size", String(textSize));
  dark.addEventListener("change", paint);
  return () => dark.removeEventListener("change", paint);
}

/** Inside an effect. */
export function speak(preferences: Preferences) {
  language.choose(preferences.language);
  document.documentElement.lang = language.current === "zh" ? "zh-CN" : language.current;
  document.documentElement.dir = direction();
}
