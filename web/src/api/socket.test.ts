// One connection: hello, answers by id, silence, and the end.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ServerFrame } from "../protocol";
import { FakeWebSocket } from "./fake-web-socket.test-subjects";
import { Socket, type SocketEnd } from "./socket";

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  FakeWebSocket.made = [];
  vi.stubGlobal("WebSocket", FakeWebSocket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function connected() {
  const frames: ServerFrame[] = [];
  const ends: SocketEnd[] = [];
  const socket = new Socket("ws://here/v1/socket", "online", {
    frame: (frame) => frames.push(frame),
    end: (end) => ends.push(end),
  });
  const wire = FakeWebSocket.last;
  wire.opens();
  return { socket, wire, frames, ends };
}

/** Time goes on, and every second somebody looks. */
function pass(socket: Socket, seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    vi.advanceTimersByTime(1_000);
    socket.look();
  }
}

describe("a connection", () => {
  it("says hello under the name of the protocol", () => {
    const { wire } = connected();
    expect(wire.protocol).toBe("kith.v1");
    expect(wire.written).toEqual([{ t: "hello", state: "online", capabilities: [] }]);
  });

  it("gives each question its own answer", async () => {
    const { socket, wire, frames } = connected();
    const [one, two] = [
      socket.call({ t: "read", thread_id: "t", seq: 1 }),
      socket.call({ t: "read", thread_id: "t", seq: 2 }),
    ];
    const [, first, second] = wire.written as { id: string }[];
    wire.says({ t: "error", re: second?.id, code: "forbidden", status: 403, title: "no", retry: "never" });
    wire.says({ t: "ok", re: first?.id, read_seq: 1 });
    await expect(one).resolves.toMatchObject({ read_seq: 1 });
    await expect(two).rejects.toMatchObject({ code: "forbidden", retry: "never" });
    expect(frames).toEqual([]);
  });

  it("waits for no answer longer than fifteen seconds", async () => {
    const { socket } = connected();
    const answer = expect(socket.call({ t: "ping" })).rejects.toMatchObject({ code: "unreachable" });
    vi.advanceTimersByTime(15_000);
    await answer;
  });

  it("tells those who wait, and then that it ended, once", async () => {
    const { socket, wire, ends } = connected();
    const answer = expect(socket.call({ t: "ping" })).rejects.toMatchObject({ retry: "later" });
    wire.ends(4003);
    wire.ends(1006);
    await answer;
    expect(ends).toEqual([{ code: 4003, isFinal: false }]);
    await expect(socket.call({ t: "ping" })).rejects.toMatchObject({ code: "unreachable" });
  });

  it.each([4100, 4101, 4102, 4103, 4104])("is over for good with %i", (code) => {
    const { wire, ends } = connected();
    wire.ends(code);
    expect(ends).toEqual([{ code, isFinal: true }]);
  });

  it("passes on what it does not know, but no answer", () => {
    const { wire, frames } = connected();
    wire.says({ t: "pong", re: "9" });
    wire.says({ t: "of a later version" });
    expect(frames).toEqual([{ t: "of a later version" }]);
  });
});

describe("silence", () => {
  it("is asked about after fifteen seconds, and is the end after twenty-five", () => {
    const { socket, wire, ends } = connected();
    pass(socket, 14);
    expect(wire.frames("ping")).toHaveLength(0);
    pass(socket, 10);
    expect(wire.frames("ping")).toHaveLength(1);
    expect(ends).toEqual([]);
    pass(socket, 1);
    expect(ends).toEqual([{ code: 1006, isFinal: false }]);
  });

  it("is over with any word", () => {
    const { socket, wire, ends } = connected();
    pass(socket, 20);
    wire.says({ t: "pong", re: "1" });
    pass(socket, 14);
    expect(ends).toEqual([]);
    expect(wire.frames("ping")).toHaveLength(1);
  });

  it("proves nothing where somebody looks once a minute: first it is asked", () => {
    const { socket, wire, ends } = connected();
    for (let minute = 0; minute < 10; minute++) {
      vi.advanceTimersByTime(60_000);
      socket.look();
      wire.says({ t: "pong", re: "1" });
    }
    expect(ends).toEqual([]);
  });

  it("after a probe is the end within five seconds", () => {
    const { socket, wire, ends } = connected();
    socket.probe();
    expect(wire.frames("ping")).toHaveLength(1);
    pass(socket, 5);
    expect(ends).toHaveLength(1);
  });

  it("of a server that never opens is the end after fifteen seconds", () => {
    const ends: SocketEnd[] = [];
    const socket = new Socket("ws://here", "online", {
      frame: () => undefined,
      end: (end) => ends.push(end),
    });
    pass(socket, 14);
    expect(ends).toEqual([]);
    pass(socket, 1);
    expect(ends).toHaveLength(1);
  });
});
