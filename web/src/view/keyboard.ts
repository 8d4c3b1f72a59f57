// The keyboard map: every binding of the client in one table, which the list under Ctrl+/ is drawn from. Those of the
// page are carried out here; those of a place are carried out by whoever draws the place.
//
// Never taken: Ctrl+W T N L R P S, Ctrl+Tab, Ctrl+1–9, F6, Alt+←/→, and the keys of input methods: Shift alone,
// Ctrl+Space, Ctrl+Shift, Ctrl+. and Ctrl+Shift+U.

import { m } from "../words/messages.js";

export type Command =
  | "palette"
  | "shortcuts"
  | "next_thread"
  | "previous_thread"
  | "next_unread"
  | "previous_unread"
  | "thread_search"
  | "toggle_info"
  | "next_region"
  | "previous_region";

export type Place = "page" | "list" | "messages" | "message" | "box";

export interface Binding {
  place: Place;
  keys: readonly string[];
  label: () => string;
  /** Of the page only. */
  command?: Command;
}

export const BINDINGS: readonly Binding[] = [
  { place: "page", keys: ["Ctrl+K"], label: m.app_key_palette, command: "palette" },
  { place: "page", keys: ["Alt+ArrowDown"], label: m.app_key_next_thread, command: "next_thread" },
  { place: "page", keys: ["Alt+ArrowUp"], label: m.app_key_previous_thread, command: "previous_thread" },
  { place: "page", keys: ["Alt+Shift+ArrowDown"], label: m.app_key_next_unread, command: "next_unread" },
  {
    place: "page",
    keys: ["Alt+Shift+ArrowUp"],
    label: m.app_key_previous_unread,
    command: "previous_unread",
  },
  { place: "page", keys: ["Ctrl+F"], label: m.app_key_thread_search, command: "thread_search" },
  { place: "page", keys: ["Alt+Enter"], label: m.app_key_toggle_info, command: "toggle_info" },
  { place: "page", keys: ["Ctrl+F6"], label: m.app_key_next_region, command: "next_region" },
  { place: "page", keys: ["Ctrl+Shift+F6"], label: m.app_key_previous_region, command: "previous_region" },
  { place: "page", keys: ["Ctrl+/"], label: m.app_key_shortcuts, command: "shortcuts" },
  { place: "list", keys: ["ArrowUp", "ArrowDown", "Home", "End"], label: m.app_key_move },
  { place: "list", keys: ["Enter"], label: m.app_key_open },
  { place: "list", keys: ["Shift+F10"], label: m.app_key_menu },
  { place: "messages", keys: ["ArrowUp", "ArrowDown"], label: m.app_key_move_message },
  { place: "messages", keys: ["PageUp", "PageDown"], label: m.app_key_move_page },
  { place: "messages", keys: ["Home", "End"], label: m.app_key_ends },
  { place: "messages", keys: ["Shift+PageUp"], label: m.app_key_new_line },
  { place: "message", keys: ["R"], label: m.app_key_reply },
  { place: "message", keys: ["E"], label: m.app_key_edit },
  { place: "message", keys: ["Delete"], label: m.app_key_delete },
  { place: "message", keys: ["+"], label: m.app_key_react },
  { place: "message", keys: ["Shift+F10"], label: m.app_key_menu },
  { place: "box", keys: ["ArrowUp"], label: m.app_key_edit_last },
  { place: "box", keys: ["Ctrl+B"], label: m.app_key_bold },
  { place: "box", keys: ["Ctrl+I"], label: m.app_key_italic },
  { place: "box", keys: ["Ctrl+E"], label: m.app_key_code },
  { place: "box", keys: ["Escape"], label: m.app_key_escape },
];

export const isMac = /mac|iphone|ipad/i.test(navigator.platform);

/** An input method is at work. Safari ends the composition before it reports the key, which then has the code 229. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Whether the event is the keys, as "Ctrl+Shift+F6". Cmd stands for Ctrl on a Mac. */
export function matches(event: KeyboardEvent, keys: string): boolean {
  const parts = keys.split("+").filter((part) => part !== "");
  const key = keys.endsWith("+") ? "+" : (parts.pop() ?? "");
  const isCtrl = isMac ? event.metaKey : event.ctrlKey;
  const isOther = isMac ? event.ctrlKey : event.metaKey;
  if (isOther || isCtrl !== parts.includes("Ctrl") || event.altKey !== parts.includes("Alt")) return false;
  // A sign may need Shift, depending on the layout.
  const isSign = key.length === 1 && !/[a-z]/i.test(key);
  if (!isSign && event.shiftKey !== parts.includes("Shift")) return false;
  return pressed(event).toLowerCase() === key.toLowerCase();
}

/** The Latin letter of the key where the layout has another alphabet. */
function pressed(event: KeyboardEvent): string {
  const isForeign = event.key.length === 1 && event.key > "\u007f";
  return isForeign && event.code.startsWith("Key") ? event.code.slice(3) : event.key;
}

/** False: not now, the browser may have the key. */
export type Handler = () => unknown;

const handlers = new Map<Command, Handler[]>();

/** The newest handler comes first. Gives what takes it away again. */
export function handle(command: Command, handler: Handler): () => void {
  const of = handlers.get(command) ?? [];
  handlers.set(command, [handler, ...of]);
  return () => {
    handlers.set(
      command,
      (handlers.get(command) ?? []).filter((other) => other !== handler),
    );
  };
}

export function perform(command: Command): boolean {
  return (handlers.get(command) ?? []).some((handler) => handler() !== false);
}

/** For the one listener of the page. */
export function press(event: KeyboardEvent) {
  if (event.defaultPrevented || isComposing(event)) return;
  const binding = BINDINGS.find((one) => one.command && one.keys.some((keys) => matches(event, keys)));
  if (binding?.command && perform(binding.command)) event.preventDefault();
}

const SIGNS: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  PageUp: "PgUp",
  PageDown: "PgDn",
  Escape: "Esc",
};

/** As it is printed on the keys. */
export function printed(keys: string): readonly string[] {
  const parts = keys === "+" ? ["+"] : keys.split("+");
  return parts.map((part) => (part === "Ctrl" && isMac ? "⌘" : (SIGNS[part] ?? part)));
}
