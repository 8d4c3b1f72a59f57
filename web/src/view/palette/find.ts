// What Ctrl+K finds: threads, people and commands, from what this browser holds (Q1).

import type { Kith } from "../../model/kith";
import { m } from "../../words/messages.js";
import type { IconName } from "../icon/icons";
import { perform } from "../keyboard";
import { attempt } from "../notices.svelte";
import { isMeant } from "../people/candidates.svelte";
import { route, to } from "../route.svelte";
import { SECTIONS } from "../settings/sections";
import { signOut } from "../settings/sign-out";

/** Of each kind; who wants more types more. */
const MAX_THREADS = 8;
const MAX_PEOPLE = 6;
const MAX_COMMANDS = 6;

export interface Found {
  key: string;
  kind: "thread" | "person" | "command";
  label: string;
  /** Beside the label, to tell namesakes apart. */
  more: string | null;
  icon: IconName | null;
  avatar: { id: string; name: string; isGroup: boolean } | null;
  run: () => unknown;
}

export function find(kith: Kith, text: string): readonly Found[] {
  const wanted = text.trim();
  return [...threads(kith, wanted), ...people(kith, wanted), ...commands(kith, wanted)];
}

function threads(kith: Kith, wanted: string): Found[] {
  const rows = (wanted === "" ? (kith.inbox.rows ?? []) : kith.inbox.find(wanted, "all")).filter(
    (row) => !row.isRequest,
  );
  const nearest = [...rows].sort((a, b) => distance(a.name, wanted) - distance(b.name, wanted));
  return nearest.slice(0, MAX_THREADS).map((row) => ({
    key: `thread ${row.id}`,
    kind: "thread",
    label: row.name,
    more: row.peer ? `@${row.peer.handle}` : null,
    icon: null,
    avatar: { id: row.peer?.id ?? row.id, name: row.name, isGroup: row.kind === "group" },
    run: () => route.go(to.thread(row.id)),
  }));
}

/** 0: the name begins so; 1: one of its words does; 2: it is somewhere inside. */
function distance(name: string, wanted: string): number {
  const at = name.toLocaleLowerCase().indexOf(wanted.toLocaleLowerCase());
  if (at === 0) return 0;
  return at > 0 && /\s/u.test(name[at - 1] ?? "") ? 1 : 2;
}

function people(kith: Kith, wanted: string): Found[] {
  if (wanted === "") return [];
  // Those who have a thread already stand among the threads.
  const known = new Set((kith.inbox.rows ?? []).map((row) => row.peer?.id));
  const found = kith.people.contacts.filter((user) => !known.has(user.id) && isMeant(user, wanted));
  return found.slice(0, MAX_PEOPLE).map((user) => ({
    key: `person ${user.id}`,
    kind: "person",
    label: user.display_name,
    more: `@${user.handle}`,
    icon: null,
    avatar: { id: user.id, name: user.display_name, isGroup: false },
    run: () => attempt(kith.startThread([user.id]).then((id) => route.go(to.thread(id)))),
  }));
}

function commands(kith: Kith, wanted: string): Found[] {
  const lower = wanted.toLocaleLowerCase();
  const meant = all(kith).filter(({ label }) => label.toLocaleLowerCase().includes(lower));
  return meant.slice(0, MAX_COMMANDS).map(({ label, icon, run }) => ({
    key: `command ${label}`,
    kind: "command",
    label,
    more: null,
    icon,
    avatar: null,
    run,
  }));
}

function all(kith: Kith): { label: string; icon: IconName; run: () => unknown }[] {
  const isDark = document.documentElement.dataset["theme"] === "dark";
  return [
    { label: m.people_new(), icon: "compose", run: () => route.go(to.new) },
    { label: m.people_new_group(), icon: "group", run: () => route.go(to.newGroup) },
    { label: m.people_contacts(), icon: "person", run: () => route.go(to.contacts) },
    { label: m.people_requests(), icon: "add_person", run: () => route.go(to.requests) },
    { label: m.app_shortcuts(), icon: "keyboard", run: () => perform("shortcuts") },
    {
      label: isDark ? m.people_theme_light() : m.people_theme_dark(),
      icon: "appearance",
      run: () => kith.preferences.set("theme", isDark ? "light" : "dark"),
    },
    ...SECTIONS.filter(({ id }) => id !== "keyboard").map(({ id, icon, label }) => ({
      label: label(),
      icon,
      run: () => route.go(to.me(id)),
    })),
    { label: m.session_sign_out(), icon: "leave", run: () => signOut(kith) },
  ];
}
