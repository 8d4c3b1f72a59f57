// Calendar days where the reader is: for date lines (T2), and for what is said of when somebody was here (R5).

import type { Presence } from "./kith";

const DAY_MS = 86_400_000;

/** A local day; `end` is the first moment of the next one. Most have 24 hours. */
export interface Day {
  readonly start: number;
  readonly end: number;
  /** Counts the days of the calendar: those between two are a subtraction. */
  readonly number: number;
}

/** The time zone of this browser now; it changes when its owner travels. */
export function zoneHere(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const calendars = new Map<string, Calendar>();

/** One for each zone that the reader was in. */
export function calendarOf(zone: string): Calendar {
  let calendar = calendars.get(zone);
  if (!calendar) calendars.set(zone, (calendar = new Calendar(zone)));
  return calendar;
}

/** The days of one time zone. Each is worked out once: asking again is a search in those that are known. */
export class Calendar {
  readonly zone: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #days: Day[] = [];

  constructor(zone: string) {
    this.zone = zone;
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  dayOf(at: number): Day {
    const place = this.#placeOf(at);
    const known = this.#days[place - 1];
    if (known && at < known.end) return known;
    const number = this.#numberOf(at);
    const day = { start: this.#startOf(number), end: this.#startOf(number + 1), number };
    this.#days.splice(place, 0, day);
    return day;
  }

  /** How many midnights lie between. */
  daysBetween(earlier: number, later: number): number {
    return this.dayOf(later).number - this.dayOf(earlier).number;
  }

  isSameYear(one: number, other: number): boolean {
    return this.#partsOf(one)["year"] === this.#partsOf(other)["year"];
  }

  /** How many known days begin at or before this moment. */
  #placeOf(at: number): number {
    let low = 0;
    let high = this.#days.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#days[middle]?.start ?? Infinity) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #numberOf(at: number): number {
    return Math.floor((at + this.#offsetMs(at)) / DAY_MS);
  }

  /** The first moment of a day. Where the clocks change at midnight, 00:00 is not there, or there twice. */
  #startOf(number: number): number {
    const midnight = number * DAY_MS;
    const offsets = [this.#offsetMs(midnight - DAY_MS), this.#offsetMs(midnight + DAY_MS)];
    const starts = offsets.map((offset) => midnight - offset).filter((at) => this.#numberOf(at) === number);
    return Math.min(...starts);
  }

  #offsetMs(at: number): number {
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = this.#partsOf(at);
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
  }

  #partsOf(at: number): Partial<Record<string, number>> {
    const parts = this.#format.formatToParts(at);
    return Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)]));
  }
}

/** How a day is named: by weekday if it is under seven days ago, with the year if that was another one. */
export type DayName = "today" | "yesterday" | "weekday" | "date" | "date_and_year";

export function dayName(calendar: Calendar, at: number, now: number): DayName {
  const days = calendar.daysBetween(at, now);
  if (days <= 0) return "today";
  if (days === 1) return "yesterday";
  if (days < 7) return "weekday";
  return calendar.isSameYear(at, now) ? "date" : "date_and_year";
}

/** What is said of somebody: online, active so many minutes ago, or on a day. */
export type Activity =
  | { readonly kind: "online" }
  | { readonly kind: "minutes"; readonly minutes: number }
  | { readonly kind: "day"; readonly day: DayName; readonly at: number };

/** Null: nothing is said, not even that somebody is offline (R5). */
export function activity(calendar: Calendar, presence: Presence | null, now: number): Activity | null {
  if (presence?.status === "online") return { kind: "online" };
  if (!presence || presence.lastSeenAt === null) return null;
  const at = presence.lastSeenAt;
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 60) return { kind: "minutes", minutes: Math.max(1, minutes) };
  return { kind: "day", day: dayName(calendar, at, now), at };
}
