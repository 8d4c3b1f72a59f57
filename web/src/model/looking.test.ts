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
    one?.here("t");
    expect([one?.isAt("t"), two?.isAt("t"), two?.isAt("other")]).toEqual([true, true, false]);
    one?.here(null);
    expect([one?.isAt("t"), two?.isAt("t")]).toEqual([false, false]);
  });

  it("stays so if the tab that lost the focus says so late", () => {
    const [one, two] = browser(2);
    one?.here("t");
    two?.here("other");
    one?.here(null);
    expect(one?.isAt("other")).toBe(true);
    expect(one?.isAt("t")).toBe(false);
  });

  it("is not asked of tabs that were never looked at", () => {
    const told: Look[] = [];
    const tab = new Looking((look) => told.push(look));
    tab.here(null);
    expect(told).toEqual([]);
  });
});
