// Which pane shows what at a route, and which of them is in front on a phone.

import type { Route } from "../route.svelte";

export type SidePage = "list" | "new" | "new_group" | "contacts" | "requests" | "me";

export function sidePage(route: Route): SidePage {
  switch (route.page) {
    case "list":
    case "thread":
      return "list";
    case "person":
      return "contacts";
    default:
      return route.page;
  }
}

/** A phone shows one pane; every pane that is not the side's has a URL of its own. */
export function frontPane(route: Route): "side" | "main" | "info" {
  if (route.page === "thread") return route.isInfo ? "info" : "main";
  if (route.page === "person") return "main";
  return route.page === "me" && route.section !== null ? "main" : "side";
}

/** Pages of the side beside which the thread stays that was open. */
export function keepsThread(route: Route): boolean {
  return ["new", "new_group", "contacts", "requests"].includes(route.page);
}
