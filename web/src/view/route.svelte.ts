// Where the person is: every pane and screen has a URL, and the browser's Back leads out of it again.

export type Section =
  "profile" | "privacy" | "blocked" | "appearance" | "notifications" | "keyboard" | "password" | "devices";

export type Route =
  | { page: "list" }
  /** `seq`: a link to one message. */
  | { page: "thread"; threadId: string; seq: number | null; isInfo: boolean }
  | { page: "new" }
  | { page: "new_group" }
  | { page: "contacts" }
  | { page: "requests" }
  | { page: "person"; userId: string }
  | { page: "me"; section: Section | null };

const SECTIONS: readonly string[] = [
  "profile",
  "privacy",
  "blocked",
  "appearance",
  "notifications",
  "keyboard",
  "password",
  "devices",
] satisfies Section[];

const ID = /^[0-9a-z-]{1,64}$/;

/** Anything unknown is the list: an old link is no dead end. */
export function parse(path: string): Route {
  const [first = "", second = "", third, fourth] = path.split("/").filter((part) => part !== "");
  if (first === "t" && ID.test(second)) {
    const seq = third === "m" && /^[1-9][0-9]{0,15}$/.test(fourth ?? "") ? Number(fourth) : null;
    return { page: "thread", threadId: second, seq, isInfo: third === "info" };
  }
  if (first === "new") return { page: second === "group" ? "new_group" : "new" };
  if (first === "contacts" || first === "requests") return { page: first };
  if (first === "people" && ID.test(second)) return { page: "person", userId: second };
  if (first === "me") {
    return { page: "me", section: SECTIONS.includes(second) ? (second as Section) : null };
  }
  return { page: "list" };
}

export const to = {
  list: "/",
  new: "/new",
  newGroup: "/new/group",
  contacts: "/contacts",
  requests: "/requests",
  thread: (id: string) => `/t/${id}`,
  info: (id: string) => `/t/${id}/info`,
  message: (id: string, seq: number) => `/t/${id}/m/${seq}`,
  person: (id: string) => `/people/${id}`,
  me: (section?: Section) => (section ? `/me/${section}` : "/me"),
};

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
