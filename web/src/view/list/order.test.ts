import { describe, expect, test } from "vitest";
import type { Row } from "../../model/kith";
import { steady } from "./order.svelte";

const row = (id: string, unread = 0) => ({ id, unread }) as Row;

describe("the order of the list (L1)", () => {
  test("is that of the inbox", () => {
    const rows = [row("b"), row("a")];
    expect(steady(rows, null)).toBe(rows);
  });

  test("stays while it is held, and rows say what is new", () => {
    const shown = steady([row("b", 3), row("a")], ["a", "b"]);
    expect(shown.map(({ id, unread }) => [id, unread])).toEqual([
      ["a", 0],
      ["b", 3],
    ]);
  });

  test("new rows wait, and rows that are gone leave", () => {
    const shown = steady([row("new"), row("b")], ["a", "b"]);
    expect(shown.map(({ id }) => id)).toEqual(["b"]);
  });
});
