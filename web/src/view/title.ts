// The title of the page, the icon of its tab and the badge of the installed app say the unread; all are plain at 0 (A4).

import type { Conversation, Kith } from "../model/kith";
import { m } from "../words/messages.js";
import type { Route } from "./route.svelte";

/** Inside an effect. */
export function showTitle(kith: Kith, here: Route, conversation: Conversation | null) {
  const count = kith.inbox.unread;
  const page = pageName(kith, here, conversation);
  document.title =
    page === null
      ? count > 0
        ? m.app_title_unread({ count, page: m.app_conversations() })
        : m.app_name()
      : count > 0
        ? m.app_title_unread({ count, page })
        : m.app_title({ page });
  showIcon(count > 0);
  void showBadge(count);
}

function pageName(kith: Kith, here: Route, conversation: Conversation | null): string | null {
  switch (here.page) {
    case "thread":
      return conversation?.row.name ?? null;
    case "person":
      return kith.people.user(here.userId).display_name;
    case "new":
      return m.people_new();
    case "new_group":
      return m.people_new_group();
    case "contacts":
      return m.app_tab_contacts();
    case "requests":
      return m.list_requests();
    case "me":
      return m.people_settings();
    case "list":
      return null;
  }
}

function showIcon(isUnread: boolean) {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const href = isUnread ? "/icon-unread.svg" : "/icon.svg";
  if (link && link.getAttribute("href") !== href) link.setAttribute("href", href);
}

async function showBadge(count: number) {
  if (!("setAppBadge" in navigator)) return;
  try {
    await (count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge());
  } catch {
    // Not installed, or not allowed: the title says it as well.
  }
}
