// Days as people in different places have them.

import { describe, expect, it } from "vitest";
import { activity, Calendar, dayName } from "./when";

const at = (iso: string) => Date.parse(iso);

describe("a calendar", () => {
  it("begins a day at midnight where the reader is", () => {
    const shanghai = new Calendar("Asia/Shanghai");
    const day = shanghai.dayOf(at("2026-11-03T20:00:00Z"));
    expect(day.start).toBe(at("2026-11-03T16:00:00Z"));
    expect(day.end).toBe(at("2026-11-04T16:00:00Z"));
    expect(shanghai.dayOf(day.end).number).toBe(day.number + 1);
  });

  it("knows the days of 23 and 25 hours", () => {
    const berlin = new Calendar("Europe/Berlin");
    const hours = (iso: string) => {
      const { start, end } = berlin.dayOf(at(iso));
      return (end - start) / 3_600_000;
    };
    expect(hours("2026-03-29T12:00:00Z")).toBe(23);
    expect(hours("2026-10-25T12:00:00Z")).toBe(25);
    expect(hours("2026-10-26T12:00:00Z")).toBe(24);
  });

  it("begins a day at one o'clock where midnight is left out", () => {
    // In Cuba the clocks go from 00:00 to 01:00 on 8 March 2026.
    const havana = new Calendar("America/Havana");
    const day = havana.dayOf(at("2026-03-08T12:00:00Z"));
    expect(day.start).toBe(at("2026-03-08T05:00:00Z"));
    expect(havana.dayOf(day.start - 1).number).toBe(day.number - 1);
  });

  it("covers every moment of a year by exactly one day, in whatever order it is asked", () => {
    for (const zone of ["Europe/Berlin", "America/Havana", "Asia/Kathmandu", "Pacific/Apia", "UTC"]) {
      const calendar = new Calendar(zone);
      const start = at("2026-01-01T00:00:00Z");
      for (let step = 0; step < 2000; step++) {
        // A walk that visits the hours of a year out of order.
        const moment = start + ((step * 6151) % 8760) * 3_600_000;
        const day = calendar.dayOf(moment);
        expect(day.start).toBeLessThanOrEqual(moment);
        expect(day.end).toBeGreaterThan(moment);
        expect(calendar.dayOf(day.end - 1)).toBe(day);
        expect(calendar.dayOf(day.end).number).toBe(day.number + 1);
      }
    }
  });
});

describe("the name of a day", () => {
  const london = new Calendar("Europe/London");
  const now = at("2026-11-27T00:30:00Z");

  it.each([
    ["2026-11-27T00:10:00Z", "today"],
    ["2026-11-26T23:59:59Z", "yesterday"],
    ["2026-11-25T12:00:00Z", "weekday"],
    ["2026-11-21T00:00:00Z", "weekday"],
    ["2026-11-20T23:00:00Z", "date"],
    ["2026-01-01T00:00:00Z", "date"],
    ["2025-11-03T12:00:00Z", "date_and_year"],
    // A clock that is ahead of this one.
    ["2026-11-28T12:00:00Z", "today"],
  ])("%s is %s", (day, name) => {
    expect(dayName(london, at(day), now)).toBe(name);
  });

  it("depends on the zone", () => {
    const moment = at("2026-11-26T17:00:00Z");
    expect(dayName(new Calendar("Asia/Shanghai"), moment, now)).toBe("today");
    expect(dayName(london, moment, now)).toBe("yesterday");
  });
});

describe("what is said of when somebody was here", () => {
  const calendar = new Calendar("UTC");
  const now = at("2026-11-27T14:05:00Z");
  const seen = (status: "online" | "away" | "offline", iso: string | null) =>
    activity(calendar, { status, lastSeenAt: iso === null ? null : at(iso) }, now);

  it("is nothing if it is hidden or unknown", () => {
    expect(activity(calendar, null, now)).toBeNull();
    expect(seen("offline", null)).toBeNull();
    expect(seen("away", null)).toBeNull();
  });

  it("is online, minutes under an hour, then a day", () => {
    expect(seen("online", null)).toEqual({ kind: "online" });
    expect(seen("offline", "2026-11-27T14:00:00Z")).toEqual({ kind: "minutes", minutes: 5 });
    expect(seen("away", "2026-11-27T14:04:50Z")).toEqual({ kind: "minutes", minutes: 1 });
    expect(seen("offline", "2026-11-27T13:05:01Z")).toEqual({ kind: "minutes", minutes: 59 });
    expect(seen("offline", "2026-11-27T13:05:00Z")).toMatchObject({ kind: "day", day: "today" });
    expect(seen("offline", "2026-11-26T13:05:00Z")).toMatchObject({ kind: "day", day: "yesterday" });
    expect(seen("offline", "2026-11-03T13:05:00Z")).toMatchObject({ kind: "day", day: "date" });
  });
});
