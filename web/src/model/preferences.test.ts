// What a person has chosen is kept in this browser, followed by all its tabs, and never out of bounds.

import { beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULTS, PreferencesModel } from "./preferences.svelte";

const KEY = "kith.preferences";

/** A browser's storage, which tells the other tabs. */
class Storage {
  readonly items = new Map<string, string>();
  readonly listeners: ((event: { key: string | null }) => void)[] = [];
  isFull = false;

  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => {
    if (this.isFull) throw new DOMException("full", "QuotaExceededError");
    this.items.set(key, value);
  };
  tellOthers = (key: string | null) => this.listeners.forEach((listener) => listener({ key }));
}

let storage: Storage;
beforeEach(() => {
  storage = new Storage();
  vi.stubGlobal("localStorage", storage);
  vi.stubGlobal("addEventListener", (type: string, listener: (event: { key: string | null }) => void) => {
    if (type === "storage") storage.listeners.push(listener);
  });
});

describe("preferences", () => {
  it("are the usual ones at first", () => {
    expect({ ...shown(new PreferencesModel()) }).toEqual(DEFAULTS);
  });

  it("are there again after a reload", () => {
    const before = new PreferencesModel();
    before.set("theme", "dark");
    before.set("sendBy", "ctrl_enter");
    before.set("language", "zh");
    const after = new PreferencesModel();
    expect([after.theme, after.sendBy, after.language]).toEqual(["dark", "ctrl_enter", "zh"]);
  });

  it("are followed by the other tabs", () => {
    const [one, other] = [new PreferencesModel(), new PreferencesModel()];
    one.set("isCompact", true);
    storage.tellOthers(KEY);
    expect(other.isCompact).toBe(true);
    // All of the storage was cleared.
    storage.items.clear();
    storage.tellOthers(null);
    expect(other.isCompact).toBe(false);
  });

  it("stay within their bounds", () => {
    const preferences = new PreferencesModel();
    preferences.set("listWidth", 10_000);
    preferences.set("textSize", 1);
    expect([preferences.listWidth, preferences.textSize]).toEqual([420, 87.5]);
    preferences.set("listWidth", NaN);
    expect(preferences.listWidth).toBe(320);
  });

  it.each([
    "no JSON",
    "null",
    "[]",
    '"text"',
    '{"theme":"pink","listWidth":"wide","sendBy":null,"language":"xx","isCompact":"yes"}',
  ])("are the usual ones where something else is stored: %s", (stored) => {
    storage.items.set(KEY, stored);
    expect({ ...shown(new PreferencesModel()) }).toEqual(DEFAULTS);
  });

  it("hold until the page is closed where nothing can be stored", () => {
    storage.isFull = true;
    const preferences = new PreferencesModel();
    preferences.set("theme", "dark");
    expect(preferences.theme).toBe("dark");
  });
});

function shown(preferences: PreferencesModel) {
  const keys = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];
  return Object.fromEntries(keys.map((key) => [key, preferences[key]]));
}
