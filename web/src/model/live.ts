// The live connection of the tab that leads: connects, says hello, syncs, beats, and comes back after an end. Knows times and
// transports, and nothing of what the frames mean.

import type * as calls from "../api/calls";
import { Refusal } from "../api/refusal";
import { type Command, Socket, type SocketEnd } from "../api/socket";
import type { Beat, ServerFrame, ServerOk, State } from "../protocol";
import { backoffMs } from "./backoff";
import type { ConnectionState } from "./event";
import { type SyncEvents, Syncs } from "./syncs";
import { Ticker } from "./ticker";

/** So many attempts without a socket, then it is asked every ten seconds as well (N3). */
const POLL_AFTER_TRIES = 3;
const POLL_MS = 10_000;
const BEAT_MS = 10_000;
/** A timer that comes so much too late has slept with the machine. */
const SLEPT_MS = 15_000;
const TICK_MS = 1_000;

export interface LiveEvents extends Pick<SyncEvents, "page" | "agrees"> {
  frame(frame: ServerFrame): void;
  beat(beat: Beat): void;
  state(state: ConnectionState): void;
  /** A new connection; the server knows nothing of what the one before had subscribed. */
  joined(): void;
  /** Everything is up to date: what waits can be sent. */
  ready(): void;
  /** The session is over; nothing is tried any longer. */
  final(end: SocketEnd | Refusal): void;
}

export interface LiveOptions {
  readonly calls: typeof calls;
  readonly cursor: string | null;
  now(): number;
  random(): number;
  url(): string;
  /** Whether somebody looks. */
  isVisible(): boolean;
  isOnline(): boolean;
}

export class Live {
  readonly #events: LiveEvents;
  readonly #options: LiveOptions;
  readonly #syncs: Syncs;
  readonly #ticker: Ticker;
  #socket: Socket | null = null;
  #isWelcome = false;
  #isUpToDate = false;
  /** The server answers, though not on a socket. */
  #isPolling = false;
  #trouble: string | null = null;
  /** Connections in a row that were not brought up to date. */
  #tries = 0;
  #retryAt: number | null = null;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #pollAt: number | null = null;
  #beatAt = 0;
  #beatEveryMs = BEAT_MS;
  #lastTick: number;
  #friendsVersion: string | null = null;
  #isOver = false;
  #told: ConnectionState | null = null;

  constructor(events: LiveEvents, options: LiveOptions) {
    this.#events = events;
    this.#options = options;
    this.#syncs = new Syncs(
      {
        page: (page, place) => events.page(page, place),
        agrees: (digest) => events.agrees(digest),
        done: () => this.#synced(),
        failed: (refusal) => this.#syncFailed(refusal),
      },
      options,
    );
    this.#lastTick = options.now();
    this.#ticker = new Ticker(TICK_MS, () => this.#tick());
    this.#connect();
  }

  get isConnected(): boolean {
    return this.#isWelcome;
  }

  /** Whether the server answers, on a socket or without. */
  get isReachable(): boolean {
    return this.#isWelcome || this.#isPolling;
  }

  /** Rejects with a `Refusal`; `unreachable` without a connection. */
  call(command: Command): Promise<ServerOk> {
    if (this.#socket && this.#isWelcome) return this.#socket.call(command);
    return Promise.reject(new Refusal("unreachable", 0, "not connected", { retry: "later" }));
  }

  say(command: Command): void {
    if (this.#isWelcome) this.#socket?.say(command);
  }

  /** Something may have changed: the network, the eyes of the reader, the machine woke up (N2). */
  nudge(): void {
    if (this.#isOver) return;
    this.#beatAt = 0;
    if (this.#socket) this.#socket.probe();
    else this.retryNow();
    this.#tell();
  }

  retryNow(): void {
    if (this.#isOver || this.#socket) return;
    this.#connect();
  }

  /** Pushes may have been lost. */
  resync(): void {
    this.#syncs.ask();
  }

  /** Last words of a page that is left. */
  leave(): void {
    this.say({ t: "heartbeat", state: "leaving" });
  }

  close(): void {
    this.#isOver = true;
    this.#isWelcome = false;
    this.#syncs.close();
    this.#ticker.stop();
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#socket?.close();
    this.#socket = null;
  }

  #connect(): void {
    this.#retryAt = null;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#socket = new Socket(this.#options.url(), this.#state(), {
      frame: (frame) => this.#frame(frame),
      end: (end) => this.#ended(end),
    });
    this.#tell();
  }

  #frame(frame: ServerFrame): void {
    if (frame.t === "welcome") return this.#welcome(frame.heartbeat_s);
    if (frame.t === "going_away") {
      // Everybody was told in the same second: each comes back in another one.
      const waitMs = frame.retry_in_s * 1000 * (0.5 + this.#options.random());
      this.#retryAt = this.#options.now() + waitMs;
    } else if (frame.t === "resync") this.#syncs.ask();
    else if (frame.t !== "typing" && frame.t !== "receipt") this.#syncs.pushed();
    this.#events.frame(frame);
  }

  #welcome(heartbeatS: number): void {
    this.#isWelcome = true;
    this.#isUpToDate = false;
    this.#isPolling = false;
    this.#pollAt = null;
    this.#beatAt = this.#options.now();
    this.#beatEveryMs = heartbeatS * 1000;
    this.#tell();
    this.#events.joined();
    // Join first, read second.
    this.#syncs.ask();
  }

  #ended(end: SocketEnd): void {
    this.#socket = null;
    this.#isWelcome = false;
    this.#trouble = null;
    if (this.#isOver) return;
    if (end.isFinal) return this.#over(end);
    this.#tries += 1;
    const now = this.#options.now();
    this.#retryAt ??= now + backoffMs(this.#tries, this.#options.random());
    // Besides the ticks, which are seldom while the page is hidden.
    this.#retryTimer = setTimeout(() => this.#tick(), this.#retryAt - now);
    if (this.#tries >= POLL_AFTER_TRIES) this.#pollAt ??= now;
    this.#tell();
  }

  #over(end: SocketEnd | Refusal): void {
    this.close();
    this.#events.final(end);
  }

  #synced(): void {
    this.#trouble = null;
    this.#isUpToDate = true;
    if (this.#isWelcome) this.#tries = 0;
    else this.#isPolling = this.#pollAt !== null;
    this.#tell();
    this.#events.ready();
  }

  #syncFailed(refusal: Refusal): void {
    if (refusal.retry === "after_login") return this.#over(refusal);
    this.#isPolling = false;
    if (this.#isWelcome) this.#trouble = troubleOf(refusal);
    this.#tell();
  }

  #tick(): void {
    if (this.#isOver) return;
    const now = this.#options.now();
    const sinceMs = now - this.#lastTick;
    this.#lastTick = now;
    if (sinceMs < 0) this.#clockWasSetBack(now);
    if (sinceMs < 0 || sinceMs > SLEPT_MS) this.nudge();
    this.#socket?.look();
    if (this.#retryAt !== null && now >= this.#retryAt) this.retryNow();
    if (this.#pollAt !== null && now >= this.#pollAt) {
      this.#pollAt = now + POLL_MS;
      this.#syncs.poll();
    }
    if (this.#isWelcome) this.#syncs.tick();
    if (this.isReachable && now >= this.#beatAt) void this.#beat(now);
    this.#tell();
  }

  /** What was to come then comes now. */
  #clockWasSetBack(now: number): void {
    if (this.#pollAt !== null) this.#pollAt = now;
    this.#syncs.hurry();
  }

  #state(): State {
    return this.#options.isVisible() ? "online" : "away";
  }

  async #beat(now: number): Promise<void> {
    this.#beatAt = now + this.#beatEveryMs;
    try {
      const beat = await this.#options.calls.presence.beat({
        state: this.#state(),
        friends_version: this.#friendsVersion,
      });
      if (this.#isOver) return;
      this.#friendsVersion = beat.friends_version;
      this.#beatEveryMs = beat.next_s * 1000;
      this.#events.beat(beat);
    } catch (error) {
      // The socket, or the next sync, tells how it stands with the server.
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #tell(): void {
    const state = this.#shown();
    const retryAt = state === "reconnecting" ? this.#retryAt : null;
    const told = this.#told;
    if (told?.state === state && told.retryAt === retryAt && told.trouble === this.#trouble) return;
    this.#told = { state, retryAt, trouble: this.#trouble };
    this.#events.state(this.#told);
  }

  #shown(): ConnectionState["state"] {
    // What is wrong with the server is said of a connection that stands.
    if (this.#isWelcome) return this.#isUpToDate || this.#trouble !== null ? "online" : "updating";
    if (!this.#options.isOnline()) return "offline";
    if (this.#isPolling) return "polling";
    return this.#tries === 0 ? "connecting" : "reconnecting";
  }
}

/** What a person may be told of: the server answered, and it was at fault. */
function troubleOf(refusal: Refusal): string | null {
  return refusal.status >= 500 && refusal.code !== "overloaded" ? refusal.code : null;
}
