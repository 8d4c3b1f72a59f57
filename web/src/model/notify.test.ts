// Which messages are announced in a browser with several tabs and a person with several devices.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Announcement, Notifier, type Surroundings } from "./notify";
import type { Entry } from "../protocol";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function message(seq: number, more: Partial<Entry> = {}): Announcement {
  const at = "2026-11-27T12:00:00.000Z";
  const entry: Entry = {
    seq,
    kind: "text",
    author_id: "ann",
    client_msg_id: null,
    ord: seq,
    at,
    text: "hi",
    ...more,
  };
  return { thread: "t", entry };
}

class Scene implements Surroundings {
  readonly me = "me";
  readonly heard: string[] = [];
  leads = true;
  wanted = true;
  lookedAt: string | null = null;
  muted = false;
  readSeq = 0;
  elsewhere = false;

  now = () => Date.now();
  isLeader = () => this.leads;
  isWanted = () => this.wanted;
  isLookedAt = (thread: string) => this.lookedAt === thread;
  isMuted = () => this.muted;
  isRead = (_thread: string, seq: number) => seq <= this.readSeq;
  isElsewhere = () => Promise.resolve(this.elsewhere);
  show = ({ entry }: Announcement) => {
    this.heard.push(`+${entry.seq}`);
    return { close: () => void this.heard.push(`-${entry.seq}`) };
  };
}

function scene(change: Partial<Scene> = {}) {
  const around = Object.assign(new Scene(), change);
  return { around, notifier: new Notifier(around) };
}

describe("a message", () => {
  it("is announced once, at once, by the tab that leads", async () => {
    const tabs = [scene(), scene({ leads: false }), scene({ leads: false })];
    for (const { notifier } of tabs) await notifier.arrived(message(1));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(tabs.flatMap(({ around }) => around.heard)).toEqual(["+1"]);
  });

  it.each<[string, Partial<Scene>]>([
    ["nobody wants it", { wanted: false }],
    ["its thread is muted", { muted: true }],
    ["its thread is looked at", { lookedAt: "t" }],
    ["it was read already", { readSeq: 1 }],
  ])("is not announced if %s", async (_, change) => {
    const { around, notifier } = scene(change);
    await notifier.arrived(message(1));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(around.heard).toEqual([]);
  });

  it("is not announced if it is one's own, or no message", async () => {
    const { around, notifier } = scene();
    await notifier.arrived(message(1, { author_id: "me" }));
    await notifier.arrived(message(2, { kind: "edit" }));
    await notifier.arrived(message(3, { kind: "member_added" }));
    expect(around.heard).toEqual([]);
  });

  it("is announced while another thread is looked at", async () => {
    const { around, notifier } = scene({ lookedAt: "other" });
    await notifier.arrived(message(1));
    expect(around.heard).toEqual(["+1"]);
  });
});

describe("while another device is in use", () => {
  it("a message is held for three seconds", async () => {
    const { around, notifier } = scene({ elsewhere: true });
    await notifier.arrived(message(1));
    await vi.advanceTimersByTimeAsync(2_900);
    expect(around.heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(around.heard).toEqual(["+1"]);
  });

  it.each<[string, (around: Scene, notifier: Notifier) => void]>([
    ["read there", (around) => (around.readSeq = 1)],
    ["deleted", (_, notifier) => notifier.deleted("t", 1)],
    ["looked at here", (around) => (around.lookedAt = "t")],
    ["muted", (around) => (around.muted = true)],
  ])("it is dropped if it is %s meanwhile", async (_, happens) => {
    const { around, notifier } = scene({ elsewhere: true });
    await notifier.arrived(message(1));
    await vi.advanceTimersByTimeAsync(1_500);
    happens(around, notifier);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(around.heard).toEqual([]);
  });
});

describe("an announcement", () => {
  it("goes when the message is read anywhere, deleted, or its thread is looked at", async () => {
    for (const happens of [
      (around: Scene) => (around.readSeq = 1),
      (around: Scene) => (around.lookedAt = "t"),
      (_: Scene, notifier: Notifier) => notifier.deleted("t", 1),
    ]) {
      const { around, notifier } = scene();
      await notifier.arrived(message(1));
      notifier.settle();
      expect(around.heard).toEqual(["+1"]);
      happens(around, notifier);
      notifier.settle();
      notifier.settle();
      expect(around.heard).toEqual(["+1", "-1"]);
    }
  });

  it("goes when the account is closed, and what was held never comes", async () => {
    const { around, notifier } = scene();
    await notifier.arrived(message(1));
    around.elsewhere = true;
    await notifier.arrived(message(2));
    notifier.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(around.heard).toEqual(["+1", "-1"]);
  });

  it("comes once a second at most in a thread where much is said, with the newest message", async () => {
    const { around, notifier } = scene();
    for (let seq = 1; seq <= 50; seq++) {
      await notifier.arrived(message(seq));
      await vi.advanceTimersByTimeAsync(20);
    }
    await vi.advanceTimersByTimeAsync(10_000);
    expect(around.heard.length).toBeLessThanOrEqual(3);
    expect(around.heard.at(-1)).toBe("+50");
  });

  it("comes for each message that is a while after the one before", async () => {
    const { around, notifier } = scene();
    await notifier.arrived(message(1));
    await vi.advanceTimersByTimeAsync(1_000);
    await notifier.arrived(message(2));
    expect(around.heard).toEqual(["+1", "+2"]);
  });
});
