import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Connection } from "../../model/connection";
import { Health } from "./health.svelte";

const connection = (state: Connection["state"], trouble: string | null = null): Connection => ({
  state,
  trouble,
  retryAt: null,
  retryNow: () => undefined,
});

describe("the state bar", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("comes after two seconds of trouble", () => {
    const health = new Health();
    health.observe(connection("reconnecting"));
    vi.advanceTimersByTime(1_999);
    expect(health.shown).toBe(null);
    vi.advanceTimersByTime(1);
    expect(health.shown).toBe("reconnecting");
  });

  test("does not come for what is over before", () => {
    const health = new Health();
    health.observe(connection("reconnecting"));
    vi.advanceTimersByTime(1_000);
    health.observe(connection("online"));
    vi.advanceTimersByTime(10_000);
    expect(health.shown).toBe(null);
  });

  test("changes its words at once, and leaves after one second of health", () => {
    const health = new Health();
    health.observe(connection("offline"));
    vi.advanceTimersByTime(2_000);
    health.observe(connection("reconnecting"));
    expect(health.shown).toBe("reconnecting");
    health.observe(connection("online"));
    vi.advanceTimersByTime(999);
    expect(health.shown).toBe("reconnecting");
    vi.advanceTimersByTime(1);
    expect(health.shown).toBe(null);
  });

  test("trouble that goes from one kind to another has lasted since it began", () => {
    const health = new Health();
    health.observe(connection("connecting"));
    vi.advanceTimersByTime(1_500);
    health.observe(connection("reconnecting"));
    vi.advanceTimersByTime(500);
    expect(health.shown).toBe("reconnecting");
  });
});
