// Who types, and that this person does.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NOON, Scene, person } from "./scene.test-subjects.svelte";

beforeEach(() => void vi.useFakeTimers({ now: NOON }));
afterEach(() => void vi.useRealTimers());

function scene() {
  const said: string[] = [];
  const typing = (thread: string, active: boolean): Promise<undefined> => {
    said.push(`${(Date.now() - NOON) / 1000} ${thread} ${active ? "types" : "stops"}`);
    return Promise.resolve(undefined);
  };
  const made = new Scene({ message: { typing } });
  made.people.takeUsers([person("ann"), person("bo")]);
  return { said, typing: made.typing };
}

describe("somebody else's typing", () => {
  const ids = (typing: Scene["typing"], thread = "t"): string[] => typing.of(thread).map(({ id }) => id);

  it("is shown until six seconds after its last signal", async () => {
    const { typing } = scene();
    typing.heard("t", "ann", true);
    await vi.advanceTimersByTimeAsync(4_000);
    typing.heard("t", "bo", true);
    typing.heard("t", "ann", true);
    expect(ids(typing).sort()).toEqual(["ann", "bo"]);
    expect(ids(typing, "other")).toEqual([]);
    await vi.advanceTimersByTimeAsync(5_900);
    expect(ids(typing)).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(ids(typing)).toEqual([]);
  });

  it("ends at once with that person's message, on a stop, and without a connection", () => {
    const { typing } = scene();
    typing.heard("t", "ann", true);
    typing.heard("t", "bo", true);
    typing.wrote("t", "ann");
    expect(ids(typing)).toEqual(["bo"]);
    typing.heard("t", "bo", false);
    expect(ids(typing)).toEqual([]);
    typing.heard("t", "bo", true);
    typing.disconnected();
    expect(ids(typing)).toEqual([]);
  });

  it("is never one's own from another device", () => {
    const { typing } = scene();
    typing.heard("t", "me", true);
    expect(ids(typing)).toEqual([]);
  });

  it("of another thread leaves what is shown as it is", () => {
    const { typing } = scene();
    typing.heard("t", "ann", true);
    const before = typing.of("t");
    typing.heard("other", "bo", true);
    expect(typing.of("t")).toBe(before);
  });
});

describe("one's own typing", () => {
  it("is said at most once in three seconds, and that it stopped five seconds after the last key", async () => {
    const { said, typing } = scene();
    for (let key = 0; key < 16; key++) {
      typing.changed("t", false, 2);
      await vi.advanceTimersByTimeAsync(500);
    }
    await vi.advanceTimersByTimeAsync(10_000);
    expect(said).toEqual(["0 t types", "3 t types", "6 t types", "12.5 t stops"]);
  });

  it("is stopped by sending and by an empty box, once", async () => {
    const { said, typing } = scene();
    typing.changed("t", false, 2);
    typing.changed("t", true, 2);
    typing.changed("t", true, 2);
    typing.stop("t");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(said).toEqual(["0 t types", "0 t stops"]);
  });

  it("is not said again at once after it was stopped", async () => {
    const { said, typing } = scene();
    typing.changed("t", false, 2);
    typing.changed("t", true, 2);
    await vi.advanceTimersByTimeAsync(1_000);
    typing.changed("t", false, 2);
    await vi.advanceTimersByTimeAsync(1_000);
    typing.changed("t", false, 2);
    await vi.advanceTimersByTimeAsync(1_000);
    typing.changed("t", false, 2);
    expect(said.filter((one) => one.endsWith("types"))).toEqual(["0 t types", "3 t types"]);
  });

  it("moves with the person to another thread", async () => {
    const { said, typing } = scene();
    typing.changed("t", false, 2);
    typing.changed("other", false, 2);
    expect(said).toEqual(["0 t types", "0 t stops", "0 other types"]);
  });

  it("is never said in groups of more than a hundred", () => {
    const { said, typing } = scene();
    typing.changed("t", false, 101);
    expect(said).toEqual([]);
    typing.changed("t", false, 100);
    expect(said).toHaveLength(1);
  });
});
