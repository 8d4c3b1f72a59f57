import { afterEach, describe, expect, test, vi } from "vitest";

interface Keys {
  key: string;
  code?: string;
  ctrlKey?: boolean;
  metaKey?: boolean;
  altKey?: boolean;
  shiftKey?: boolean;
  isComposing?: boolean;
  keyCode?: number;
}

async function on(platform: string) {
  vi.resetModules();
  vi.stubGlobal("navigator", { platform, languages: ["en"] });
  return import("./keyboard");
}

function event(keys: Keys): KeyboardEvent & { wasPrevented: () => boolean } {
  let isPrevented = false;
  const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false };
  return {
    code: "",
    keyCode: 0,
    ...none,
    ...keys,
    get defaultPrevented() {
      return isPrevented;
    },
    preventDefault: () => (isPrevented = true),
    wasPrevented: () => isPrevented,
  } as unknown as KeyboardEvent & { wasPrevented: () => boolean };
}

afterEach(() => vi.unstubAllGlobals());

describe("keys", () => {
  test("all of them, and no other, match", async () => {
    const { matches } = await on("Linux x86_64");
    expect(matches(event({ key: "k", ctrlKey: true }), "Ctrl+K")).toBe(true);
    expect(matches(event({ key: "K", ctrlKey: true, shiftKey: true }), "Ctrl+K")).toBe(false);
    expect(matches(event({ key: "k", ctrlKey: true, altKey: true }), "Ctrl+K")).toBe(false);
    expect(matches(event({ key: "k", metaKey: true }), "Ctrl+K")).toBe(false);
    expect(matches(event({ key: "ArrowDown", altKey: true, shiftKey: true }), "Alt+Shift+ArrowDown")).toBe(
      true,
    );
  });

  test("Cmd stands for Ctrl on a Mac", async () => {
    const { matches, printed } = await on("MacIntel");
    expect(matches(event({ key: "k", metaKey: true }), "Ctrl+K")).toBe(true);
    expect(matches(event({ key: "k", ctrlKey: true }), "Ctrl+K")).toBe(false);
    expect(printed("Ctrl+Shift+ArrowUp")).toEqual(["⌘", "Shift", "↑"]);
  });

  test("a sign may need Shift, and a letter may stand on a foreign key", async () => {
    const { matches } = await on("Linux x86_64");
    expect(matches(event({ key: "/", ctrlKey: true, shiftKey: true }), "Ctrl+/")).toBe(true);
    expect(matches(event({ key: "л", code: "KeyK", ctrlKey: true }), "Ctrl+K")).toBe(true);
    expect(matches(event({ key: "+" }), "+")).toBe(true);
  });

  test("nothing happens while an input method composes", async () => {
    const { handle, press } = await on("Linux x86_64");
    const palette = vi.fn();
    handle("palette", palette);
    press(event({ key: "k", ctrlKey: true, isComposing: true }));
    press(event({ key: "k", ctrlKey: true, keyCode: 229 }));
    expect(palette).not.toHaveBeenCalled();
  });

  test("the newest handler comes first, and the browser keeps what none wants", async () => {
    const { handle, press } = await on("Linux x86_64");
    const first = vi.fn();
    const stop = handle("thread_search", first);
    handle("thread_search", () => false);
    const taken = event({ key: "f", ctrlKey: true });
    press(taken);
    expect([first.mock.calls.length, taken.wasPrevented()]).toEqual([1, true]);
    stop();
    const left = event({ key: "f", ctrlKey: true });
    press(left);
    expect([first.mock.calls.length, left.wasPrevented()]).toEqual([1, false]);
  });

  test("what browsers and input methods use is never taken", async () => {
    const { BINDINGS } = await on("Linux x86_64");
    const taken = new Set(BINDINGS.filter(({ command }) => command).flatMap(({ keys }) => keys));
    const never = ["W", "T", "N", "L", "R", "P", "S", "Tab", "Space", ".", "Shift+U", "1", "9"];
    for (const key of never) expect(taken.has(`Ctrl+${key}`)).toBe(false);
    for (const keys of ["F6", "Alt+ArrowLeft", "Alt+ArrowRight"]) expect(taken.has(keys)).toBe(false);
  });
});
