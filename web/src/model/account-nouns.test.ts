// Devices, profile, the names of groups, and marks that say what has arrived.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refusal } from "../api/refusal";
import type { Entry, Me, Member, Session } from "../protocol";
import { DeliveredMarks } from "./delivered-marks";
import { DevicesModel } from "./devices.svelte";
import { GroupNames } from "./group-names.svelte";
import { ProfileModel } from "./profile.svelte";
import { NOON, Scene, iso, person, rowOf } from "./scene.test-subjects.svelte";

beforeEach(() => void vi.useFakeTimers({ now: NOON }));
afterEach(() => void vi.useRealTimers());

describe("devices", () => {
  const session = (id: string, seenAt: number, current = false): Session => ({
    id,
    kind: "web",
    label: id,
    created_at: iso(0),
    last_seen_at: iso(seenAt),
    expires_at: iso(NOON),
    address: "127.0.0.1",
    current,
  });

  function devices() {
    const list = [session("old", 1), session("this", 2, true), session("new", 3)];
    const end = vi.fn(() => Promise.resolve(undefined));
    const endOthers = vi.fn(() => Promise.resolve(undefined));
    const calls = { session: { list: () => Promise.resolve(list), end, endOthers } };
    return { model: new DevicesModel(new Scene(calls).context), end, endOthers };
  }

  const ids = (model: DevicesModel) => model.sessions?.map(({ id }) => id);

  it("are not known before they were asked for; then this one is first", async () => {
    const { model } = devices();
    expect(model.sessions).toBeNull();
    await model.load();
    expect(ids(model)).toEqual(["this", "new", "old"]);
  });

  it("are gone when they were ended", async () => {
    const { model, end, endOthers } = devices();
    await model.load();
    await model.end("old");
    expect(end).toHaveBeenCalledWith("old");
    expect(ids(model)).toEqual(["this", "new"]);
    await model.endOthers();
    expect(endOthers).toHaveBeenCalled();
    expect(ids(model)).toEqual(["this"]);
  });

  it("stay if the server refuses", async () => {
    const refused = () => Promise.reject(new Refusal("unreachable", 0, ""));
    const calls = { session: { list: () => Promise.resolve([session("old", 1)]), end: refused } };
    const model = new DevicesModel(new Scene(calls).context);
    await model.load();
    await expect(model.end("old")).rejects.toThrow(Refusal);
    expect(ids(model)).toEqual(["old"]);
  });
});

describe("the profile", () => {
  it("is what the server answers", async () => {
    const privacy: Me["privacy"] = {
      last_seen: "everyone",
      receipts: "everyone",
      typing: "everyone",
      direct: "everyone",
    };
    const patchMe = vi.fn((patch: { display_name?: string | null; privacy?: object | null }) =>
      Promise.resolve({
        ...person("me", { display_name: patch.display_name ?? "Me" }),
        privacy: { ...privacy, ...patch.privacy },
      } as Me),
    );
    const owner = { ...new Scene({ user: { patchMe } }).context, self: { ...person("me"), privacy } };
    const setSelf = (me: Me): void => void (owner.self = me);
    const profile = new ProfileModel(Object.assign(owner, { setSelf }));
    await profile.save({ displayName: "Ming" });
    expect(patchMe).toHaveBeenLastCalledWith({ display_name: "Ming" });
    expect(owner.self.display_name).toBe("Ming");
    await profile.setPrivacy("typing", "nobody");
    expect(patchMe).toHaveBeenLastCalledWith({ privacy: { typing: "nobody" } });
    expect(profile.privacy?.typing).toBe("nobody");
  });
});

describe("the names of a group", () => {
  const member = (id: string): Member => ({ user: person(id), role: "member", joined_at: iso(0) });

  it("are asked for once, of the first few others, and kept", async () => {
    const members = vi.fn(() => Promise.resolve(["me", "ann", "bo", "cy", "di"].map(member)));
    const scene = new Scene({ thread: { members } });
    const names = new GroupNames(scene.context, (users) => scene.people.takeUsers(users));
    expect(names.of("t")).toBeNull();
    names.of("t");
    await vi.advanceTimersByTimeAsync(10);
    expect(names.of("t")).toEqual({ ids: ["ann", "bo", "cy"], count: 4 });
    expect(scene.people.user("di").display_name).toBe("Di");
    expect(members).toHaveBeenCalledTimes(1);

    const later = new GroupNames(scene.context, () => undefined);
    await later.restore();
    expect(later.of("t")).toEqual({ ids: ["ann", "bo", "cy"], count: 4 });
  });

  it("are asked for again when somebody came or went", async () => {
    const answers = [["me", "ann"].map(member), ["me", "ann", "bo"].map(member)];
    const scene = new Scene({ thread: { members: () => Promise.resolve(answers.shift() ?? []) } });
    const names = new GroupNames(scene.context, () => undefined);
    names.of("t");
    await vi.advanceTimersByTimeAsync(10);
    names.take("t", { kind: "member_added" } as Entry);
    names.of("t");
    await vi.advanceTimersByTimeAsync(10);
    expect(names.of("t")?.count).toBe(2);
  });
});

describe("what has arrived", () => {
  const entry = (seq: number, author: string): Entry => ({
    seq,
    kind: "text",
    author_id: author,
    client_msg_id: null,
    ord: seq,
    at: iso(NOON),
    text: "hi",
  });

  function marks(change: { readSeq?: number; isRequest?: boolean } = {}) {
    const said: [string, number][] = [];
    const delivered = new DeliveredMarks({
      me: "me",
      row: (id) => rowOf(id, { mine: { read_seq: change.readSeq ?? 0 } }),
      isRequest: () => change.isRequest ?? false,
      say: (thread, seq) => said.push([thread, seq]),
    });
    return { said, delivered };
  }

  it("is said once for all that came within a second", async () => {
    const { said, delivered } = marks();
    delivered.arrived("t", [entry(1, "ann"), entry(2, "ann")]);
    delivered.arrived("other", [entry(7, "bo")]);
    delivered.arrived("t", [entry(3, "ann")]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(said).toEqual([
      ["t", 3],
      ["other", 7],
    ]);
  });

  it("is not said of one's own, of what was read, nor to a stranger", async () => {
    const scenes = [marks(), marks({ readSeq: 5 }), marks({ isRequest: true })];
    scenes[0]?.delivered.arrived("t", [entry(1, "me")]);
    scenes[1]?.delivered.arrived("t", [entry(5, "ann")]);
    scenes[2]?.delivered.arrived("t", [entry(1, "ann")]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(scenes.flatMap(({ said }) => said)).toEqual([]);
  });
});
