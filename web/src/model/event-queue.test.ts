// Pushes are applied once a frame, and everything keeps its order.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Event } from "./event";
import { EventQueue } from "./event-queue";

let frames: (() => void)[];
let page: { hidden: boolean };
beforeEach(() => {
  vi.useFakeTimers();
  frames = [];
  page = { hidden: false };
  vi.stubGlobal("document", page);
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => frames.push(draw));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const push = (id: string): Event => ({ type: "frame", frame: { t: "pong", re: id } });

function queue() {
  const happened: string[] = [];
  const events = new EventQueue(
    (event) =>
      happened.push(event.type === "frame" && event.frame.t === "pong" ? event.frame.re : event.type),
    () => happened.push("|"),
  );
  return { happened, events };
}

describe("events", () => {
  it("that are pushed within a frame happen together", () => {
    const { happened, events } = queue();
    for (const id of ["1", "2", "3"]) events.add(push(id));
    expect(happened).toEqual([]);
    expect(frames).toHaveLength(1);
    frames[0]?.();
    expect(happened).toEqual(["1", "2", "3", "|"]);
    vi.advanceTimersByTime(1_000);
    expect(happened).toEqual(["1", "2", "3", "|"]);
  });

  it("of any other kind happen at once, after those that came before", () => {
    const { happened, events } = queue();
    events.add(push("1"));
    events.add({ type: "people" });
    expect(happened).toEqual(["1", "people", "|"]);
    frames[0]?.();
    expect(happened).toEqual(["1", "people", "|"]);
  });

  it("do not wait for a frame in a page that is not drawn", async () => {
    const { happened, events } = queue();
    events.add(push("1"));
    vi.advanceTimersByTime(100);
    expect(happened).toEqual(["1", "|"]);
    page.hidden = true;
    events.add(push("2"));
    await Promise.resolve();
    expect(happened).toEqual(["1", "|", "2", "|"]);
  });
});
