// Where the person is. The browser's Back leads out of every pane and screen again.

import { parse, to, type Route, type Section } from "./address";

export { to, type Route, type Section };

/** How many of our own entries lie under the present one: with none, Back would leave the client. */
interface Place {
  depth: number;
}

class Router {
  current: Route = $state.raw(parse(location.pathname));
  #depth = placeOf(history.state).depth;

  constructor() {
    addEventListener("popstate", (event) => {
      this.#depth = placeOf(event.state).depth;
      this.current = parse(location.pathname);
    });
  }

  go(href: string, options: { replace?: boolean } = {}) {
    if (href === location.pathname) return;
    if (!options.replace) this.#depth += 1;
    const place: Place = { depth: this.#depth };
    if (options.replace) history.replaceState(place, "", href);
    else history.pushState(place, "", href);
    this.current = parse(href);
  }

  /** What Back does, but never out of the client. */
  back(fallback: string) {
    if (this.#depth > 0) history.back();
    else this.go(fallback, { replace: true });
  }

  /** A press on a link of ours, unless the browser is asked for a new tab or window. */
  follow(event: MouseEvent) {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target !== "" || link.origin !== location.origin) return;
    if (link.hash !== "" || link.hasAttribute("download")) return;
    event.preventDefault();
    this.go(link.pathname, { replace: link.hasAttribute("data-replace") });
  }
}

function placeOf(state: unknown): Place {
  const depth = (state as Partial<Place> | null)?.depth;
  return { depth: typeof depth === "number" ? depth : 0 };
}

export const route = new Router();
