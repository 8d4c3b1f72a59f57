// Local days: where a point in time lies in the reader's calendar.

const formats = new Map<string, Intl.DateTimeFormat>();
let last = { timeZone: "", from: 0, to: 0 };

/** Midnight at the beginning of the day of `at`, in milliseconds; days of 23 and 25 hours are as they are. */
export function day(at: number, timeZone: string): number {
  // Messages of one day come together: the calendar is asked once for all of them.
  if (last.timeZone === timeZone && at >= last.from && at < last.to) return last.from;
  const from = midnight(at, timeZone);
  last = { timeZone, from, to: midnight(from + 36 * 3_600_000, timeZone) };
  return from;
}

function midnight(at: number, timeZone: string): number {
  const local = clock(at, timeZone);
  const since = ((local.hour * 60 + local.minute) * 60 + local.second) * 1000 + (((at % 1000) + 1000) % 1000);
  const guess = at - since;
  // The clock was changed that day: the guess is off by what it was changed by.
  const there = clock(guess, timeZone);
  if (there.hour === 0 && there.minute === 0) return guess;
  return there.hour < 12
    ? guess - (there.hour * 60 + there.minute) * 60_000
    : guess + ((24 - there.hour) * 60 - there.minute) * 60_000;
}

function clock(at: number, timeZone: string): { hour: number; minute: number; second: number } {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      hourCycle: "h23",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timeZone, format);
  }
  const part = (type: string): number => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const parts = format.formatToParts(at);
  return { hour: part("hour"), minute: part("minute"), second: part("second") };
}
