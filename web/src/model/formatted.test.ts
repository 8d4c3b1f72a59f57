// Plain texts cost nothing; what formats comes with the first that is not plain.

import { flushSync } from "svelte";
import { describe, expect, it, vi } from "vitest";
import { formatted } from "./formatted.svelte";
import { Scene } from "./scene.test-subjects.svelte";

const { richText } = vi.hoisted(() => ({ richText: vi.fn((text: string) => `<p>${text}</p>`) }));
vi.mock("./rich-text", () => ({ richText }));

describe("a text", () => {
  const plain = ["", "hello", "What? Yes!", "今天晚上一起吃饭", "3.14", "a - b", "(c) #tag > x", "it's 5:30"];

  it("is shown as it is if there is nothing to format", async () => {
    for (const text of plain) expect(formatted(text)).toBeNull();
    await vi.dynamicImportSettled();
    for (const text of plain) expect(formatted(text)).toBeNull();
    expect(richText).not.toHaveBeenCalled();
  });

  it("is drawn again once what formats is here", async () => {
    const drawn: unknown[] = [];
    const stop = Scene.watch([() => drawn.push(formatted("**a**"))]);
    flushSync();
    expect(drawn).toEqual([null]);
    await vi.waitFor(() => {
      flushSync();
      expect(drawn).toEqual([null, "<p>**a**</p>"]);
    });
    stop();
  });

  it("is formatted if it has marks, a quote, a link, an address, or names somebody", () => {
    for (const text of [
      "_a_",
      "`a`",
      "~~a~~",
      "> a",
      "a\n> b",
      "https://ex.com",
      "ex.com",
      "a@b.com",
      "tel:+4930",
    ]) {
      expect(formatted(text)).toBe(`<p>${text}</p>`);
    }
    expect(formatted("hi @Ann", [{ name: "Ann", userId: "a", isMe: false }])).toBe("<p>hi @Ann</p>");
  });

  it("is formatted once, for each way in which it can be shown", () => {
    const ann = (isMe: boolean) => [{ name: "Ann", userId: "a", isMe }];
    formatted("hi @Ann", ann(false));
    richText.mockClear();
    for (let n = 0; n < 3; n++) formatted("hi @Ann", ann(false));
    expect(richText).not.toHaveBeenCalled();
    formatted("hi @Ann", ann(true));
    expect(richText).toHaveBeenCalledTimes(1);
  });

  it("is forgotten after many others", () => {
    formatted("*first*");
    for (let n = 0; n < 500; n++) formatted(`*${n}*`);
    richText.mockClear();
    formatted("*499*");
    expect(richText).not.toHaveBeenCalled();
    formatted("*first*");
    expect(richText).toHaveBeenCalledTimes(1);
  });
});
