// The places that skip links and Ctrl+F6 lead to, and those that take the focus when the page changes. Whoever draws
// such a place gives it this id.

export const REGION = {
  /** `nav`: the pane on the side. */
  list: "conversations",
  /** What lies over the list. */
  page: "side-page",
  /** The container of the messages. */
  messages: "messages",
  /** The text box of the composer. */
  box: "message-box",
  /** `aside`. */
  info: "info",
  /** The `h1` of `main`, with tabindex -1. */
  title: "title",
  /** The `h1` of the info where it is a page. */
  infoTitle: "info-title",
} as const;

/** Moves the focus there; false: it is not on the screen. */
export function focusRegion(id: string): boolean {
  const place = document.getElementById(id);
  if (!place || place.closest("[inert]")) return false;
  const target = place.matches("a, button, input, textarea, [tabindex]") ? place : entrance(place);
  target.focus({ preventScroll: true });
  return document.activeElement === target;
}

/** Where one comes in: what is marked so, else the first that takes the focus. */
function entrance(place: HTMLElement): HTMLElement {
  const marked = place.querySelector<HTMLElement>("[data-entrance]");
  return (
    marked ??
    place.querySelector<HTMLElement>('[tabindex="0"], a[href]:not([tabindex="-1"]), button, input') ??
    place
  );
}

/** From the region that has the focus to the next one, round and round. */
export function cycleRegions(step: 1 | -1) {
  // Where there are no messages the middle begins with its title.
  const middle = document.getElementById(REGION.messages) ? [REGION.messages, REGION.box] : [REGION.title];
  const ids = [REGION.list, REGION.page, ...middle, REGION.info];
  const here = ids.findIndex((id) => document.getElementById(id)?.contains(document.activeElement));
  for (let tried = 1; tried <= ids.length; tried += 1) {
    const start = here === -1 && step === -1 ? 0 : here;
    const id = ids[(start + step * tried + ids.length * 2) % ids.length];
    if (id && focusRegion(id)) return;
  }
}
