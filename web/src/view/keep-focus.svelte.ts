// A row that takes another place in a list loses the focus to the page, as if nobody had been there. This gives it back.

/** Called while a component begins. `items`: the list that is drawn. What can have the focus in it carries `data-keep`, the
 * same in every place, which begins with `list`; `instead` finds what takes the focus if that is gone. */
export function keepFocus(list: string, items: () => unknown, instead: () => HTMLElement | null) {
  let kept: string | null = null;
  $effect.pre(() => {
    items();
    const has = document.activeElement?.getAttribute("data-keep") ?? null;
    kept = has?.startsWith(list) ? has : null;
  });
  $effect(() => {
    items();
    if (kept === null || document.activeElement !== document.body) return;
    const again = document.querySelector<HTMLElement>(`[data-keep="${CSS.escape(kept)}"]`);
    (again ?? instead())?.focus({ preventScroll: true });
  });
}
