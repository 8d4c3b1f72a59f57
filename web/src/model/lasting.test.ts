// Derived values outlive whoever asked for them first.

import { flushSync } from "svelte";
import { describe, expect, it } from "vitest";
import { Asker, Source } from "./lasting.test-subjects.svelte";

describe("something lasting", () => {
  it("goes on after the component that asked for it is gone", () => {
    const source = new Source();
    const first = new Asker(source);
    flushSync();
    expect(first.seen).toEqual([0]);
    first.destroy();
    source.count = 1;
    flushSync();
    const second = new Asker(source);
    flushSync();
    expect(second.seen).toEqual([2]);
    source.count = 2;
    flushSync();
    expect(second.seen).toEqual([2, 4]);
    expect(first.seen).toEqual([0]);
    second.destroy();
    source.count = 3;
    expect(source.thing.doubled).toBe(6);
  });
});
