// The live connection: join first and read second, come back with patience, poll where no socket can be, and end for good.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeWebSocket } from "../api/fake-web-socket.test-subjects";
import { Refusal } from "../api/refusal";
import type { Sync } from "../protocol";
import { backoffMs } from "./backoff";
import type { ConnectionState } from "./event";
import { Live } from "./live";

const page = new EventTarget() as EventTarget & { hidden: boolean };

const opened: Live[] = [];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  FakeWebSocket.made = [];
  page.hidden = false;
  vi.stubGlobal("WebSocket", FakeWebSocket);
  vi.stubGlobal("document", page);
});
afterEach(() => {
  for (const live of opened.splice(0)) live.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

type Asked = { cursor: string | null; withDigest: boolean };

function answer(more: Partial<Sync> = {}): Sync {
  return { cursor: "next", full: false, more: false, threads: [], contacts: [], sessions: [], ...more };
}

const refused = (code: Refusal["code"], status: number, rest = {}) =>
  new Refusal(code, status, "", { retry: "later", ...rest });

class Scene {
  readonly happened: string[] = [];
  readonly states: ConnectionState[] = [];
  readonly pages: { isFirst: boolean; isLast: boolean }[] = [];
  readonly asked: Asked[] = [];
  readonly beats: string[] = [];
  /** What the server answers to a sync, one after the other; then it has nothing new. */
  answers: (Sync | Refusal)[] = [];
  agrees = true;
  isOnline = true;
  random = 0.5;
  readonly live: Live;

  constructor() {
    const calls = {
      sync: (cursor: string | null, withDigest: boolean) => {
        this.asked.push({ cursor, withDigest });
        const next = this.answers.shift() ?? answer();
        return next instanceof Refusal ? Promise.reject(next) : Promise.resolve(next);
      },
      presence: {
        beat: ({ state }: { state: string }) => {
          this.beats.push(state);
          return Promise.resolve({ next_s: 10, friends_version: "v", friends: [], changed: [] });
        },
      },
    };
    this.live = new Live(
      {
        frame: (frame) => this.happened.push(frame.t),
        page: (_, place) => this.pages.push(place),
        agrees: () => Promise.resolve(this.agrees),
        beat: () => undefined,
        state: (state) => this.states.push(state),
        joined: () => this.happened.push("joined"),
        ready: () => this.happened.push("ready"),
        final: () => this.happened.push("final"),
      },
      {
        calls: calls as unknown as ConstructorParameters<typeof Live>[1]["calls"],
        cursor: "kept",
        now: () => Date.now(),
        random: () => this.random,
        url: () => "ws://here/v1/socket",
        isVisible: () => !page.hidden,
        isOnline: () => this.isOnline,
      },
    );
    opened.push(this.live);
  }

  get state(): string | undefined {
    return this.states.at(-1)?.state;
  }

  async welcome(): Promise<void> {
    FakeWebSocket.last.opens();
    FakeWebSocket.last.says({ t: "welcome", heartbeat_s: 10, node: "n", session: {} });
    await this.pass(0);
  }

  pass(seconds: number): Promise<unknown> {
    return vi.advanceTimersByTimeAsync(seconds * 1_000);
  }
}

/** Answers every ping, as a server does. */
function alive(): void {
  const socket = FakeWebSocket.last;
  const send = socket.send.bind(socket);
  socket.send = (text) => {
    send(text);
    const { t, id } = JSON.parse(text) as { t: string; id: string };
    if (t === "ping") queueMicrotask(() => socket.says({ t: "pong", re: id }));
  };
}

describe("a live connection", () => {
  it("joins first, reads second, and is online when it is up to date", async () => {
    const scene = new Scene();
    expect(scene.asked).toEqual([]);
    await scene.welcome();
    expect(scene.asked).toEqual([{ cursor: "kept", withDigest: true }]);
    expect(scene.states.map(({ state }) => state)).toEqual(["connecting", "updating", "online"]);
    expect(scene.happened).toEqual(["joined", "ready"]);
  });

  it("reads all pages, and goes on where it broke off", async () => {
    const scene = new Scene();
    const full = { full: true, more: true };
    scene.answers = [
      answer({ ...full, cursor: "1" }),
      refused("unreachable", 0),
      answer({ full: true, cursor: "2" }),
    ];
    await scene.welcome();
    await scene.pass(3);
    expect(scene.asked.map(({ cursor }) => cursor)).toEqual(["kept", "1", "1"]);
    expect(scene.pages).toEqual([
      { isFirst: true, isLast: false },
      { isFirst: false, isLast: true },
    ]);
  });

  it("asks for everything again if the digest differs, and for a digest about every ten minutes", async () => {
    const scene = new Scene();
    scene.agrees = false;
    scene.answers = [answer({ digest: "other" })];
    await scene.welcome();
    alive();
    expect(scene.asked.map(({ cursor }) => cursor)).toEqual(["kept", null]);
    scene.agrees = true;
    await scene.pass(599);
    expect(scene.asked).toHaveLength(2);
    await scene.pass(2);
    expect(scene.asked.at(-1)).toEqual({ cursor: "next", withDigest: true });
    expect(FakeWebSocket.made).toHaveLength(1);
  });

  it("believes no digest that is older than what was pushed meanwhile", async () => {
    const scene = new Scene();
    scene.agrees = false;
    scene.answers = [answer({ digest: "before the push" })];
    FakeWebSocket.last.opens();
    FakeWebSocket.last.says({ t: "welcome", heartbeat_s: 10, node: "n", session: {} });
    FakeWebSocket.last.says({ t: "entry", thread_id: "t", prev_seq: 0, entries: [] });
    await scene.pass(0);
    expect(scene.asked).toHaveLength(1);
    alive();
    await scene.pass(31);
    expect(scene.asked[1]?.withDigest).toBe(true);
  });

  it("keeps the socket when a sync is refused, and asks again when it was told to", async () => {
    const scene = new Scene();
    scene.answers = [refused("store_unavailable", 503, { retryAfterS: 7 })];
    await scene.welcome();
    expect(scene.states.at(-1)).toMatchObject({ state: "online", trouble: "store_unavailable" });
    await scene.pass(6);
    expect(scene.asked).toHaveLength(1);
    await scene.pass(2);
    expect(scene.asked).toHaveLength(2);
    expect(scene.states.at(-1)).toMatchObject({ state: "online", trouble: null });
    expect(FakeWebSocket.made).toHaveLength(1);
  });

  it("forgets a cursor that the server cannot read", async () => {
    const scene = new Scene();
    scene.answers = [new Refusal("invalid_field", 400, "", { field: "cursor" })];
    await scene.welcome();
    expect(scene.asked.map(({ cursor }) => cursor)).toEqual(["kept", null]);
    expect(scene.state).toBe("online");
  });
});

describe("after an end", () => {
  it("waits by chance, twice as long each time, up to thirty seconds", async () => {
    expect([1, 2, 3, 4, 5, 6, 60].map((fails) => backoffMs(fails, 1))).toEqual(
      [2, 4, 8, 16, 30, 30, 30].map((s) => s * 1_000),
    );
    expect(backoffMs(9, 0)).toBe(0);
    const scene = new Scene();
    await scene.welcome();
    for (const waitS of [1, 2, 4, 8, 15, 15]) {
      const before = FakeWebSocket.made.length;
      FakeWebSocket.last.ends(1006);
      await scene.pass(waitS - 0.01);
      expect(FakeWebSocket.made).toHaveLength(before);
      await scene.pass(0.02);
      expect(FakeWebSocket.made).toHaveLength(before + 1);
    }
  });

  it("does not take a welcome for health: who is never brought up to date comes back later each time", async () => {
    const scene = new Scene();
    for (let round = 1; round <= 4; round++) {
      scene.answers = [refused("overloaded", 503, { retryAfterS: 60 })];
      await scene.welcome();
      FakeWebSocket.last.ends(1006);
      const { retryAt } = scene.states.at(-1) ?? {};
      expect(retryAt).toBe(Date.now() + backoffMs(round, scene.random));
      await scene.pass(backoffMs(round, scene.random) / 1_000);
    }
  });

  it("comes back when the server said so, by chance around it", async () => {
    const scene = new Scene();
    await scene.welcome();
    FakeWebSocket.last.says({ t: "going_away", retry_in_s: 20 });
    FakeWebSocket.last.ends(4003);
    await scene.pass(19.9);
    expect(FakeWebSocket.made).toHaveLength(1);
    await scene.pass(0.2);
    expect(FakeWebSocket.made).toHaveLength(2);
  });

  it("tries at once when somebody asks, or the network is there again", async () => {
    const scene = new Scene();
    await scene.welcome();
    FakeWebSocket.last.ends(1006);
    scene.live.nudge();
    expect(FakeWebSocket.made).toHaveLength(2);
    scene.live.retryNow();
    expect(FakeWebSocket.made).toHaveLength(2);
  });

  it.each([4100, 4101, 4102, 4103, 4104])("with %i never comes back", async (code) => {
    const scene = new Scene();
    await scene.welcome();
    FakeWebSocket.last.ends(code);
    scene.live.nudge();
    await scene.pass(600);
    expect(FakeWebSocket.made).toHaveLength(1);
    expect(scene.happened).toContain("final");
  });

  it("is over also when a sync says that the session is", async () => {
    const scene = new Scene();
    scene.answers = [new Refusal("session_revoked", 401, "", { retry: "after_login" })];
    await scene.welcome();
    await scene.pass(600);
    expect(scene.happened).toEqual(["joined", "final"]);
    expect(FakeWebSocket.made).toHaveLength(1);
  });
});

describe("without a socket", () => {
  async function cutOff(): Promise<Scene> {
    const scene = new Scene();
    for (let tries = 0; tries < 3; tries++) {
      FakeWebSocket.last.ends(1006);
      await scene.pass(backoffMs(tries + 1, scene.random) / 1_000);
    }
    await scene.pass(1);
    return scene;
  }

  it("polls every ten seconds after three tries, says so, and is still there for others", async () => {
    const scene = await cutOff();
    expect(scene.state).toBe("polling");
    const [asked, beats] = [scene.asked.length, scene.beats.length];
    await scene.pass(30);
    expect(scene.asked.length - asked).toBe(3);
    expect(scene.beats.length - beats).toBe(3);
    expect(scene.happened).toContain("ready");
  });

  it("says so without a flicker while sockets go on failing", async () => {
    const scene = await cutOff();
    const told = scene.states.length;
    for (let second = 0; second < 60; second++) {
      if (FakeWebSocket.last.readyState !== FakeWebSocket.CLOSED) FakeWebSocket.last.ends(1006);
      await scene.pass(1);
    }
    expect(scene.states.slice(told)).toEqual([]);
  });

  it("is reconnecting again when polls fail too, and offline if the browser says so", async () => {
    const scene = await cutOff();
    scene.answers = Array.from({ length: 9 }, () => refused("unreachable", 0));
    await scene.pass(11);
    expect(scene.state).toBe("reconnecting");
    scene.isOnline = false;
    await scene.pass(1);
    expect(scene.state).toBe("offline");
  });

  it("stops polling as soon as there is a socket", async () => {
    const scene = await cutOff();
    await scene.welcome();
    alive();
    const asked = scene.asked.length;
    await scene.pass(60);
    expect(scene.asked).toHaveLength(asked);
    expect(scene.state).toBe("online");
  });
});

describe("time", () => {
  it("that jumps, as after a sleep, tests the connection at once", async () => {
    const scene = new Scene();
    await scene.welcome();
    vi.setSystemTime(Date.now() + 3_600_000);
    await scene.pass(1);
    expect(FakeWebSocket.last.frames("ping")).toHaveLength(1);
    await scene.pass(6);
    expect(scene.state).toBe("reconnecting");
  });

  it("that is set back by a day holds nothing up", async () => {
    const scene = new Scene();
    await scene.welcome();
    FakeWebSocket.last.ends(1006);
    scene.random = 1;
    vi.setSystemTime(Date.now() - 86_400_000);
    await scene.pass(1);
    expect(FakeWebSocket.made).toHaveLength(2);
    await scene.welcome();
    alive();
    const beats = scene.beats.length;
    await scene.pass(11);
    expect(scene.beats.length).toBeGreaterThan(beats);
  });

  it("beats every ten seconds with the true state, and says goodbye", async () => {
    const scene = new Scene();
    await scene.welcome();
    alive();
    await scene.pass(21);
    expect(scene.beats).toEqual(["online", "online", "online"]);
    page.hidden = true;
    page.dispatchEvent(new Event("visibilitychange"));
    scene.live.nudge();
    await scene.pass(10);
    expect(scene.beats.at(-1)).toBe("away");
    scene.live.leave();
    expect(FakeWebSocket.last.frames("heartbeat")).toEqual([{ t: "heartbeat", state: "leaving" }]);
  });

  it("of a page that is hidden wakes it once in ten seconds", async () => {
    page.hidden = true;
    const scene = new Scene();
    await scene.welcome();
    alive();
    const wakes = vi.getTimerCount();
    expect(wakes).toBe(1);
    await scene.pass(600);
    expect(scene.beats.length).toBeGreaterThanOrEqual(59);
    expect(scene.state).toBe("online");
  });
});
