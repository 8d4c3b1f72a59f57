// Times in words, for display only.

import { clock } from "./clock.svelte";
import { intlLocale } from "./locale.svelte";
import { m } from "../words/messages.js";
import type { Presence } from "../model/kith";

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function format(at: number, options: Intl.DateTimeFormatOptions): string {
  const key = intlLocale() + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(intlLocale(), options)));
  return made.format(at);
}

/** Calendar days from `at` to now, where the reader is. */
export function daysAgo(at: number, now: number = clock.minute): number {
  return Math.round((midnight(now) - midnight(at)) / DAY_MS);
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** 14:05 */
export function time(at: number): string {
  return format(at, { hour: "2-digit", minute: "2-digit" });
}

/** 3 November, or 3 November 2025 if that was another year. */
export function date(at: number): string {
  return format(at, { day: "numeric", month: "long", ...(isThisYear(at) ? {} : { year: "numeric" }) });
}

/** 3 Nov */
function shortDate(at: number): string {
  return format(at, { day: "numeric", month: "short", ...(isThisYear(at) ? {} : { year: "numeric" }) });
}

function isThisYear(at: number): boolean {
  return new Date(at).getFullYear() === new Date(clock.minute).getFullYear();
}

/** 3 Nov 2025, 14:05 */
export function dateAndTime(at: number): string {
  return format(at, { dateStyle: "medium", timeStyle: "short" });
}

/** The time of a row: as short as it can be said. */
export function stamp(at: number): string {
  const days = daysAgo(at);
  if (days <= 0) return time(at);
  if (days === 1) return m.app_yesterday();
  if (days < 7) return format(at, { weekday: "short" });
  return isThisYear(at) ? shortDate(at) : format(at, { day: "2-digit", month: "2-digit", year: "numeric" });
}

/** Null: nothing is shown (R5). */
export function presenceWords(presence: Presence | null): string | null {
  if (!presence) return null;
  if (presence.status === "online") return m.people_online();
  if (presence.lastSeenAt === null) return null;
  const at = presence.lastSeenAt;
  const minutes = Math.floor((clock.minute + 59_999 - at) / 60_000);
  if (minutes < 60) return m.people_active_minutes({ count: Math.max(1, minutes) });
  const days = daysAgo(at);
  if (days <= 0) return m.people_active_today({ time: time(at) });
  if (days === 1) return m.people_active_yesterday({ time: time(at) });
  return m.people_active_on({ date: shortDate(at) });
}
