// Contacts, requests, blocks, presence, and people who are asked for when they come into sight.

import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refusal } from "../api/refusal";
import { NOON, Scene, iso, person } from "./scene.test-subjects.svelte";
import type { User } from "../protocol";

beforeEach(() => void vi.useFakeTimers({ now: NOON }));
afterEach(() => void vi.useRealTimers());

const names = (users: readonly User[]): string[] => users.map((user) => user.display_name);

describe("somebody unknown", () => {
  it("is asked for once, stands in until then, and is told to the other tabs", async () => {
    const show = vi.fn((id: string) => Promise.resolve(person(id)));
    const scene = new Scene({ user: { show } });
    const seen: string[] = [];
    const stop = Scene.watch([() => seen.push(scene.people.user("ann").display_name)]);
    flushSync();
    expect(scene.people.user("ann")).toBe(scene.people.user("ann"));
    await vi.advanceTimersByTimeAsync(100);
    flushSync();
    expect(seen).toEqual(["…", "Ann"]);
    expect(show).toHaveBeenCalledTimes(1);
    expect(scene.told).toEqual([{ type: "users", users: [person("ann")] }]);
    stop();
  });

  it("is shown with others at once, and not all are asked for at the same time", async () => {
    let [underWay, most] = [0, 0];
    const show = async (id: string): Promise<User> => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 10));
      underWay -= 1;
      return person(id);
    };
    const scene = new Scene({ user: { show } });
    for (let n = 0; n < 40; n++) scene.people.user(`u${n}`);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(most).toBe(4);
    expect(scene.people.user("u39").display_name).toBe("U39");
    expect(scene.told.length).toBeLessThan(10);
  });

  it("is asked for again after a failure, but not if they are not to be seen", async () => {
    const refusal = new Refusal("rate_limited", 429, "", { retry: "later", retryAfterS: 7 });
    const show = vi.fn((id: string) => Promise.resolve(person(id)));
    show.mockRejectedValueOnce(refusal);
    const scene = new Scene({ user: { show } });
    scene.people.user("ann");
    await vi.advanceTimersByTimeAsync(6_900);
    expect(show).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(scene.people.user("ann").display_name).toBe("Ann");

    show.mockRejectedValueOnce(new Refusal("not_found", 404, ""));
    scene.people.user("bo");
    await vi.advanceTimersByTimeAsync(60_000);
    scene.people.user("bo");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(show).toHaveBeenCalledTimes(3);
  });

  it("loses what would turn their neighbours round", () => {
    const scene = new Scene();
    scene.people.takeUsers([person("ann", { display_name: "A\u202ennA" })]);
    expect(scene.people.user("ann").display_name).toBe("AnnA");
  });

  it("stays the same object as long as nothing about them has changed", () => {
    const scene = new Scene();
    scene.people.takeUsers([person("ann")]);
    const before = scene.people.user("ann");
    scene.people.takeUsers([person("ann")]);
    expect(scene.people.user("ann")).toBe(before);
  });
});

describe("contacts", () => {
  it("are listed by name, and known again after a reload", async () => {
    const scene = new Scene({ contact: noLists() });
    scene.tell([], ["cy", "ann", "bo"]);
    expect(names(scene.people.contacts)).toEqual(["Ann", "Bo", "Cy"]);
    const later = new Scene({ contact: noLists() });
    scene.kept.forEach((value, key) => later.kept.set(key, value));
    await later.people.restore();
    expect(names(later.people.contacts)).toEqual(["Ann", "Bo", "Cy"]);
    expect(later.people.isContact("ann")).toBe(true);
  });

  it("who are in no page of a whole answer are none any longer", () => {
    const scene = new Scene();
    scene.tell([], ["ann", "bo"]);
    scene.tell([], ["bo"]);
    expect(names(scene.people.contacts)).toEqual(["Bo"]);
  });

  it("come and go with what is pushed", () => {
    const scene = new Scene({ contact: noLists() });
    const contact = { user: person("ann"), since_at: iso(NOON) };
    scene.people.takeContact({ t: "contact", user_id: "ann", contact });
    expect(scene.people.isContact("ann")).toBe(true);
    scene.people.takeBeat({ friends: [{ user_id: "ann", status: "online" }] });
    scene.people.takeContact({ t: "contact", user_id: "ann", gone: true });
    expect(scene.people.isContact("ann")).toBe(false);
    // Who is no contact shows no presence.
    expect(scene.people.presence("ann")).toBeNull();
  });
});

describe("requests and blocks", () => {
  const at = iso(NOON);
  const request = (id: string, from: string, to: string, accepted = false) => ({
    id,
    from: person(from),
    to: person(to),
    at,
    accepted,
    ...(id === "r1" ? { note: "It is me" } : {}),
  });

  it("are told apart by who asks, without those that were accepted", async () => {
    const requests = [request("r1", "ann", "me"), request("r2", "me", "bo"), request("r3", "cy", "me", true)];
    const scene = new Scene({
      contact: {
        requests: () => Promise.resolve(requests),
        blocks: () => Promise.resolve([{ user: person("dan"), since_at: at }]),
      },
    });
    await scene.people.reload();
    const { incoming, outgoing } = scene.people.requests;
    expect(incoming).toEqual([{ id: "r1", user: person("ann"), note: "It is me", at: NOON }]);
    expect(outgoing).toEqual([{ id: "r2", user: person("bo"), note: null, at: NOON }]);
    expect([scene.people.hasAsked("bo"), scene.people.hasAsked("ann")]).toEqual([true, false]);
    expect(names(scene.people.blocked)).toEqual(["Dan"]);
    expect(scene.people.isBlocked("dan")).toBe(true);
  });

  it("change here and in the other tabs when something is done", async () => {
    const block = vi.fn(() => Promise.resolve(undefined));
    const scene = new Scene({ contact: { ...noLists(), block } });
    scene.tell([], ["ann"]);
    await scene.people.block("ann", true);
    expect(block).toHaveBeenCalledWith("ann");
    expect(scene.people.isContact("ann")).toBe(false);
    expect(scene.told).toContainEqual({ type: "people" });
  });

  it("stay as they were if the server cannot be asked", async () => {
    const scene = new Scene({
      contact: {
        requests: () => Promise.reject(new Refusal("unreachable", 0, "")),
        blocks: () => Promise.resolve([]),
      },
    });
    await scene.people.reload();
    expect(scene.people.requests).toEqual({ incoming: [], outgoing: [] });
  });
});

describe("presence", () => {
  it("is nothing until it is told, then as the last beat told it", () => {
    const scene = new Scene();
    expect(scene.people.presence("ann")).toBeNull();
    scene.people.takeBeat({ friends: [{ user_id: "ann", status: "online" }] });
    scene.people.takeBeat({ friends: [{ user_id: "bo", status: "away", last_seen_at: iso(NOON - 60_000) }] });
    expect(scene.people.presence("ann")).toEqual({ status: "online", lastSeenAt: null });
    expect(scene.people.presence("bo")).toEqual({ status: "away", lastSeenAt: NOON - 60_000 });
  });

  it("can be told to a tab that was opened later", () => {
    const [one, other] = [new Scene(), new Scene()];
    const friends = [
      { user_id: "ann", status: "online" as const },
      { user_id: "bo", status: "offline" as const, last_seen_at: iso(NOON) },
    ];
    one.people.takeBeat({ friends });
    expect(one.people.friends).toEqual(friends);
    other.people.takeBeat({ friends: one.people.friends });
    expect(other.people.presence("bo")).toEqual(one.people.presence("bo"));
  });
});

function noLists() {
  return { requests: () => Promise.resolve([]), blocks: () => Promise.resolve([]) };
}
