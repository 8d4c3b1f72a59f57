// What can be known of a text without drawing it: emoji alone, long ones, names that turn their neighbours.

import { describe, expect, it } from "vitest";
import { emojiAlone } from "./emoji";
import { isFolded } from "./folding";
import { cleanName } from "./names";

describe("emoji alone", () => {
  it.each([
    ["👍", 1],
    ["👨‍👩‍👧‍👦", 1],
    ["👍🏽", 1],
    ["❤️", 1],
    ["🇨🇳🇩🇪", 2],
    ["1️⃣ #️⃣", 2],
    [" 😀😃 😄\n", 3],
    ["🏴󠁧󠁢󠁳󠁣󠁴󠁿", 1],
    ["☝🏻", 1],
  ])("%s are %i", (text, count) => {
    expect(emojiAlone(text)).toBe(count);
  });

  it.each([
    "",
    " ",
    "a",
    "1",
    "123",
    "#",
    "*",
    "©",
    "™",
    "😀!",
    "a😀",
    "😀😀😀😀",
    "❤",
    "好",
    "🇨",
    "😀".repeat(1000),
  ])("%s are none, or too many", (text) => {
    expect(emojiAlone(text)).toBe(0);
  });
});

describe("a long message", () => {
  it("is shown in part over 20 lines, written or wrapped", () => {
    expect(isFolded("line\n".repeat(19) + "line")).toBe(false);
    expect(isFolded("line\n".repeat(20) + "line")).toBe(true);
    expect(isFolded("a".repeat(1300))).toBe(false);
    expect(isFolded("a".repeat(1301))).toBe(true);
    expect(isFolded("好".repeat(640))).toBe(false);
    expect(isFolded("好".repeat(700))).toBe(true);
    expect(isFolded("")).toBe(false);
  });
});

describe("a name", () => {
  it("loses what would turn its neighbours, and nothing else", () => {
    expect(cleanName("Ann\u202egnp.exe")).toBe("Anngnp.exe");
    expect(cleanName("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069x")).toBe("x");
    expect(cleanName("محمد 👨‍👩‍👧 \u200dשלום")).toBe("محمد 👨‍👩‍👧 \u200dשלום");
  });
});
