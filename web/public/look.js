// The look that was chosen, before the first paint: src/view/look.ts does the same later, and
// src/model/preferences.svelte.ts keeps it. A file of its own, as the page allows no inline script.
(function () {
  let look = {};
  try {
    look = JSON.parse(localStorage.getItem("kith.preferences")) || {};
  } catch {
    // Nothing is kept here.
  }
  const root = document.documentElement;
  const isSystemDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const isDark = look.theme === "dark" || (look.theme !== "light" && isSystemDark);
  root.dataset.theme = isDark ? "dark" : "light";
  document.querySelector('meta[name="theme-color"]').content = isDark ? "#191c20" : "#f4f5f7";
  if (look.isCompact) root.setAttribute("data-compact", "");
  if (look.textSize) root.style.setProperty("--text-size", String(look.textSize));
})();
