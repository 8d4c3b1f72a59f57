// Times in words, for display only.

import { clock } from "./clock.svelte";
import { intlLocale } from "./locale.svelte";
import { m } from "../words/messages.js";
import type { Presence } from "../model/kith";
import { type Calendar, activity, calendarOf, dayName, zoneHere } from "../model/when";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(at: number, options: Intl.DateTimeFormatOptions): string {
  const key = intlLocale() + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(intlLocale(), options)));
  return made.format(at);
}

let zone = { name: zoneHere(), asOf: clock.minute };

/** Where the reader is, looked up once a minute. */
function calendar(): Calendar {
  if (zone.asOf !== clock.minute) zone = { name: zoneHere(), asOf: clock.minute };
  return calendarOf(zone.name);
}

/** Calendar days from `at` to now, where the reader is. */
export function daysAgo(at: number, now: number = clock.minute): number {
  return calendar().daysBetween(at, now);
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
  return calendar().isSameYear(at, clock.minute);
}

/** 3 Nov 2025, 14:05 */
export function dateAndTime(at: number): string {
  return format(at, { dateStyle: "medium", timeStyle: "short" });
}

/** The time of a row: as short as it can be said. */
export function stamp(at: number): string {
  switch (dayName(calendar(), at, clock.minute)) {
    case "today":
      return time(at);
    case "yesterday":
      return m.app_yesterday();
    case "weekday":
      return format(at, { weekday: "short" });
    case "date":
      return shortDate(at);
    case "date_and_year":
      return format(at, { day: "2-digit", month: "2-digit", year: "numeric" });
  }
}

/** Null: nothing is shown (R5). */
export function presenceWords(presence: Presence | null): string | null {
  // Up to a minute may have passed since it was drawn.
  const said = activity(calendar(), presence, clock.minute + 59_999);
  switch (said?.kind) {
    case undefined:
      return null;
    case "online":
      return m.people_online();
    case "minutes":
      return m.people_active_minutes({ count: said.minutes });
    case "day":
      if (said.day === "today") return m.people_active_today({ time: time(said.at) });
      if (said.day === "yesterday") return m.people_active_yesterday({ time: time(said.at) });
      return m.people_active_on({ date: shortDate(said.at) });
  }
}
