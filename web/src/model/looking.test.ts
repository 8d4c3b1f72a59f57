// Tabs that tell each other which of them is looked at.

import { describe, expect, it } from "vitest";
import { type Look, Looking } from "./looking";

function browser(count: number): Looking[] {
  const tabs: Looking[] = [];
  const tell = (look: Look) => tabs.forEach((tab) => tab.take(look));
  for (let tab = 0; tab < count; tab++) tabs.push(new Looking(tell));
  return tabs;
}

describe("a thread that is looked at", () => {
  it("is known in all tabs", () => {
    const [one, two] = browser(2);
    one?.here(true, "t");
    expect([one?.isAt("t"), two?.isAt("t"), two?.isAt("other")]).toEqual([true, true, false]);
    one?.here(false, "t");
    expect([one?.isAt("t"), two?.isAt("t")]).toEqual([false, false]);
  });

  it("stays so if the tab that lost the focus says so late", () => {
    const [one, two] = browser(2);
    one?.here(true, "t");
    two?.here(true, "other");
    one?.here(false, "t");
    expect(one?.isAt("other")).toBe(true);
    expect(one?.isAt("t")).toBe(false);
  });

  it("may be none, and still somebody looks", () => {
    const [one, two] = browser(2);
    expect(two?.isAnywhere).toBe(false);
    one?.here(true, null);
    expect([two?.isAnywhere, two?.isAt("t")]).toEqual([true, false]);
    one?.here(false, null);
    expect(two?.isAnywhere).toBe(false);
  });

  it("is not asked of tabs that were never looked at", () => {
    const told: Look[] = [];
    const tab = new Looking((look) => told.push(look));
    tab.here(false, null);
    expect(told).toEqual([]);
  });
});
