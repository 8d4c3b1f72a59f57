// The live connection of the tab that leads: connects, says hello, syncs, beats, and comes back after an end. Knows times and
// transports, and nothing of what the frames mean.

import type * as calls from "../api/calls";
import { Refusal } from "../api/refusal";
import { type Command, Socket, type SocketEnd } from "../api/socket";
import type { Beat, ServerFrame, ServerOk, State, Sync } from "../protocol";
import type { ConnectionState } from "./event";
import { Ticker } from "./ticker";

/** So many attempts without a socket, then it is asked every ten seconds as well. */
const POLL_AFTER_TRIES = 3;
const POLL_MS = 10_000;
const RETRY_MAX_S = 30;
/** A timer that comes so much too late has slept with the machine. */
const SLEPT_MS = 15_000;
const TICK_MS = 1_000;
const DIGEST_MS = 600_000;

export interface LiveEvents {
  frame(frame: ServerFrame): void;
  sync(page: Sync, place: { isFirst: boolean; isLast: boolean }): void;
  beat(beat: Beat): void;
  state(state: ConnectionState): void;
  /** Everything is up to date: what waits can be sent. */
  ready(): void;
  /** The session is over; nothing is tried any longer. */
  final(end: SocketEnd | Refusal): void;
  /** Of a sync with a digest: whether what is held here is the same; false: all is asked for again. */
  agrees(digest: string): Promise<boolean>;
}

export interface LiveOptions {
  calls: typeof calls;
  cursor: string | null;
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
  readonly #ticker: Ticker;
  #socket: Socket | null = null;
  #isWelcome = false;
  #tries = 0;
  #retryAt: number | null = null;
  #pollAt: number | null = null;
  #beatAt = 0;
  #digestAt = 0;
  #lastTick: number;
  #cursor: string | null;
  #friendsVersion: string | null = null;
  #syncing: Promise<void> | null = null;
  #syncAgain = false;
  #isOver = false;
  #told: ConnectionState = { state: "connecting", retryAt: null };

  constructor(events: LiveEvents, options: LiveOptions) {
    this.#events = events;
    this.#options = options;
    this.#cursor = options.cursor;
    this.#lastTick = options.now();
    this.#ticker = new Ticker(TICK_MS, () => this.#tick());
    this.#connect();
  }

  get isConnected(): boolean {
    return this.#isWelcome;
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
    if (this.#socket) this.#socket.probe();
    else this.retryNow();
    this.#beatAt = 0;
  }

  retryNow(): void {
    if (this.#isOver || this.#socket) return;
    this.#retryAt = null;
    this.#connect();
  }

  /** Pushes may have been lost. */
  resync(): void {
    void this.#sync();
  }

  /** Last words of a page that is left. */
  leave(): void {
    if (this.#isWelcome) this.#socket?.say({ t: "heartbeat", state: "leaving" });
  }

  close(): void {
    this.#isOver = true;
    this.#ticker.stop();
    this.#socket?.close();
    this.#socket = null;
  }

  #state(): State {
    return this.#options.isVisible() ? "online" : "away";
  }

  #connect(): void {
    this.#socket = new Socket(this.#options.url(), this.#state(), {
      frame: (frame) => this.#frame(frame),
      end: (end) => this.#ended(end),
    });
    this.#tell(this.#tries === 0 ? "connecting" : "reconnecting");
  }

  #frame(frame: ServerFrame): void {
    if (frame.t === "welcome") return this.#welcome(frame.heartbeat_s);
    if (frame.t === "going_away") {
      // Everybody was told the same second: each comes back at another one.
      this.#retryAt = this.#options.now() + frame.retry_in_s * 1000 * (0.5 + this.#options.random());
    }
    if (frame.t === "resync") void this.#sync();
    this.#events.frame(frame);
  }

  #welcome(heartbeatS: number): void {
    this.#isWelcome = true;
    this.#tries = 0;
    this.#retryAt = null;
    this.#pollAt = null;
    this.#beatAt = this.#options.now();
    this.#heartbeatMs = heartbeatS * 1000;
    this.#tell("updating");
    // Join first, read second.
    void this.#sync();
  }

  #heartbeatMs = 10_000;

  #ended(end: SocketEnd): void {
    this.#socket = null;
    this.#isWelcome = false;
    if (this.#isOver) return;
    if (end.isFinal) return this.#over(end);
    this.#tries += 1;
    const waitS = this.#options.random() * Math.min(RETRY_MAX_S, 2 ** this.#tries);
    this.#retryAt ??= this.#options.now() + waitS * 1000;
    if (this.#tries >= POLL_AFTER_TRIES) this.#pollAt ??= this.#options.now();
    this.#tell(
      this.#pollAt === null ? "reconnecting" : this.#told.state === "polling" ? "polling" : "reconnecting",
    );
  }

  #over(end: SocketEnd | Refusal): void {
    this.close();
    this.#events.final(end);
  }

  #tick(): void {
    const now = this.#options.now();
    const slept = now - this.#lastTick > SLEPT_MS;
    this.#lastTick = now;
    if (this.#isOver) return;
    if (slept) this.nudge();
    if (!this.#socket && this.#retryAt !== null && now >= this.#retryAt) this.retryNow();
    if (this.#pollAt !== null && now >= this.#pollAt) {
      this.#pollAt = now + POLL_MS;
      void this.#sync();
    }
    if (this.#isWelcome && now >= this.#beatAt) {
      this.#beatAt = now + this.#heartbeatMs;
      void this.#beat();
    }
    if (this.#told.state === "offline" || !this.#options.isOnline()) this.#tell(this.#told.state);
  }

  async #beat(): Promise<void> {
    try {
      const beat = await this.#options.calls.presence.beat({
        state: this.#state(),
        friends_version: this.#friendsVersion,
      });
      this.#friendsVersion = beat.friends_version;
      this.#heartbeatMs = beat.next_s * 1000;
      this.#events.beat(beat);
    } catch {
      // The socket tells how it stands with the server.
    }
  }

  /** One at a time; what is asked for meanwhile is another one afterwards. */
  async #sync(): Promise<void> {
    if (this.#syncing) {
      this.#syncAgain = true;
      return this.#syncing;
    }
    this.#syncing = this.#syncPages();
    try {
      await this.#syncing;
    } finally {
      this.#syncing = null;
    }
    if (this.#syncAgain) {
      this.#syncAgain = false;
      await this.#sync();
    }
  }

  async #syncPages(): Promise<void> {
    const now = this.#options.now();
    const withDigest = now >= this.#digestAt;
    try {
      let isFirst = true;
      for (;;) {
        const page = await this.#options.calls.sync(this.#cursor, withDigest);
        if (this.#isOver) return;
        this.#cursor = page.cursor;
        this.#events.sync(page, { isFirst, isLast: !page.more });
        isFirst = false;
        if (page.more) continue;
        if (withDigest) await this.#checked(page, now);
        break;
      }
    } catch (error) {
      return this.#syncFailed(error);
    }
    if (this.#isWelcome) this.#tell("online");
    else if (this.#pollAt !== null) this.#tell("polling");
    this.#events.ready();
  }

  /** About every ten minutes, by chance, so that not everybody asks at once. */
  async #checked(page: Sync, now: number): Promise<void> {
    this.#digestAt = now + DIGEST_MS * (0.5 + this.#options.random());
    if (page.digest === undefined || (await this.#events.agrees(page.digest))) return;
    this.#cursor = null;
    this.#syncAgain = true;
  }

  #syncFailed(error: unknown): void {
    if (!(error instanceof Refusal)) throw error;
    if (error.retry === "after_login") return this.#over(error);
    // Without the answer nothing is known to be complete: the next connection begins anew.
    if (this.#isWelcome) this.#socket?.close();
  }

  #tell(state: ConnectionState["state"]): void {
    const isOffline = !this.#options.isOnline() && !this.#isWelcome;
    const shown = isOffline ? "offline" : state === "offline" ? "reconnecting" : state;
    const retryAt = shown === "reconnecting" ? this.#retryAt : null;
    if (shown === this.#told.state && retryAt === this.#told.retryAt) return;
    this.#told = { state: shown, retryAt };
    this.#events.state(this.#told);
  }
}
