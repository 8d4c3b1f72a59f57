// What a row says, to the eye and to the ear.

import type { Preview, Row } from "../../model/kith";
import { m } from "../../words/messages.js";
import { intlLocale } from "../locale.svelte";
import { stamp } from "../when";

const BADGE_MAX = 99;

export function badge(count: number): string {
  return count > BADGE_MAX ? m.list_badge_many() : String(count);
}

/** Null: nobody. In a direct thread it is clear who. */
export function typingWords(row: Row): string | null {
  const [first, second] = row.typing;
  if (!first) return null;
  if (row.kind === "direct") return m.list_typing();
  if (!second) return m.list_typing_one({ name: first.display_name });
  if (row.typing.length === 2) {
    return m.list_typing_two({ first: first.display_name, second: second.display_name });
  }
  return m.list_typing_many({ count: row.typing.length });
}

export function previewText(preview: Preview): string {
  switch (preview.kind) {
    case "deleted":
      return m.list_deleted();
    case "created":
      return preview.text === "" ? m.list_created() : preview.text;
    case "media":
      return preview.text === "" ? m.list_media() : preview.text;
    case "custom":
      return preview.text === "" ? m.list_custom() : preview.text;
    case "text":
      return preview.text;
  }
}

/** One line: "who: text" where it is not clear who. */
export function previewLine(row: Row): string {
  const { preview } = row;
  if (!preview) return row.kind === "group" ? m.list_created() : "";
  // The beginning of a line says enough; a long text would only cost time.
  const text = previewText(preview).slice(0, 200);
  if (preview.kind === "created" || row.kind === "direct") return text;
  if (preview.isOwn) return m.list_you_said({ text });
  return preview.author ? m.list_said({ name: preview.author.display_name, text }) : text;
}

export function stateWords(state: NonNullable<Preview["state"]>): string {
  const words = {
    sending: m.list_state_sending,
    waiting: m.list_state_waiting,
    sent: m.list_state_sent,
    delivered: m.list_state_delivered,
    read: m.list_state_read,
    failed: m.list_state_failed,
  };
  return words[state]();
}

/** "Team, 3 unread, 1 mention, Bo: the build is green, 13:58" */
export function heard(row: Row, isOnline: boolean): string {
  const said =
    row.draft !== null ? m.list_draft_line({ text: row.draft }) : (typingWords(row) ?? previewLine(row));
  const parts = [
    row.name,
    isOnline && m.list_heard_online(),
    row.unread > 0 && m.list_heard_unread({ count: row.unread }),
    row.mentions > 0 && m.list_heard_mentions({ count: row.mentions }),
    row.isMarkedUnread && row.unread === 0 && m.list_heard_marked(),
    row.isMuted && m.list_heard_muted(),
    row.isPinned && m.list_heard_pinned(),
    row.isBlocked && m.list_heard_blocked(),
    row.isGone && m.list_heard_gone(),
    said,
    row.preview?.isOwn && row.preview.state && stateWords(row.preview.state),
    stamp(row.lastAt),
  ].filter((part): part is string => typeof part === "string" && part !== "");
  return new Intl.ListFormat(intlLocale(), { type: "unit", style: "short" }).format(parts);
}
