import { describe, expect, test } from "vitest";
import { initials, nameColour } from "./colour";

describe("the picture of a person", () => {
  test.each([
    ["Ann Archer", "AA"],
    ["bo", "B"],
    ["Maximiliane Alexandra von Hohenstaufen", "MA"],
    ["李雷", "李雷"],
    ["韩梅梅", "梅梅"],
    ["  ", "?"],
    ["🙂", "🙂"],
    ["(the) Boss", "TB"],
  ])("%s is %s", (name, letters) => expect(initials(name)).toBe(letters));

  test("a colour is the same for one person and differs between people", () => {
    const ids = Array.from({ length: 64 }, (_, at) => `0197f0aa-1111-7000-8000-0000000000${at.toString(16)}`);
    expect(nameColour(ids[0] ?? "")).toBe(nameColour(ids[0] ?? ""));
    expect(new Set(ids.map(nameColour)).size).toBe(8);
  });
});
