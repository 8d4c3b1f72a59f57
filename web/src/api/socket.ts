// One connection to the server: hello, frames both ways, answers by id, and the end. Small and boring: it never connects
// anew, that is the model's affair.

import type { ClientFrame, ServerFrame, ServerOk, State } from "../protocol";
import { refusal } from "./http";
import { Refusal } from "./refusal";

/** Codes from here on are final. */
const FINAL_FROM = 4100;
/** So long may an answer take. */
const ANSWER_MS = 15_000;
/** After so long without a word the other side may be gone: it is asked. After 25 s of silence it is (N2). */
const ASK_AFTER_MS = 15_000;
const PONG_MS = 10_000;
/** Somebody has come back and looks: that is how long they wait for a dead connection to be noticed. */
const PROBE_MS = 5_000;
const OPEN_MS = 15_000;

export interface SocketEnd {
  /** 1006: the connection broke without a word. */
  code: number;
  isFinal: boolean;
}

export interface SocketEvents {
  frame(frame: ServerFrame): void;
  /** Once, whatever happens; nothing comes after it. */
  end(end: SocketEnd): void;
}

/** Without those parts that the socket itself fills in. */
export type Command = ClientFrame extends infer Frame
  ? Frame extends { id?: string | undefined }
    ? Omit<Frame, "id">
    : Frame
  : never;

interface Waiting {
  resolve(ok: ServerOk): void;
  reject(refusal: Refusal): void;
  timer: ReturnType<typeof setTimeout>;
}

export class Socket {
  readonly #socket: WebSocket;
  readonly #events: SocketEvents;
  readonly #waiting = new Map<string, Waiting>();
  #lastId = 0;
  #lastHeardAt = Date.now();
  /** It was asked whether it is there, and has until then to say a word. Silence alone proves nothing: a page that is hidden
   * may look once a minute. */
  #deadAt: number | null = null;
  #isEnded = false;

  constructor(url: string, state: State, events: SocketEvents) {
    this.#events = events;
    this.#socket = new WebSocket(url, "kith.v1");
    this.#socket.onopen = () => this.#write({ t: "hello", state, capabilities: [] });
    this.#socket.onmessage = (event) => this.#heard(String(event.data));
    this.#socket.onclose = (event) => this.#end(event.code);
  }

  /** What the server answers; rejects with a `Refusal`, `unreachable` if no answer came. */
  call(command: Command): Promise<ServerOk> {
    return new Promise((resolve, reject) => {
      if (this.#isEnded) return reject(gone());
      const id = String(++this.#lastId);
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(gone());
      }, ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#write({ ...command, id } as ClientFrame);
    });
  }

  /** Nobody waits for an answer; lost if the connection is. */
  say(command: Command): void {
    if (!this.#isEnded) this.#write(command as ClientFrame);
  }

  /** A connection that died without a word is noticed by its silence: to be called every few seconds. */
  look(): void {
    if (this.#isEnded) return;
    const now = Date.now();
    const silentMs = now - this.#lastHeardAt;
    if (!this.#isOpen) {
      if (silentMs >= OPEN_MS) this.#end(1006);
    } else if (this.#deadAt !== null) {
      if (now >= this.#deadAt) this.#end(1006);
    } else if (silentMs >= ASK_AFTER_MS) this.#ask(now + PONG_MS);
  }

  /** After a sleep, or when the network came back: is anybody there? */
  probe(): void {
    if (this.#isOpen && !this.#isEnded) this.#ask(Date.now() + PROBE_MS);
  }

  close(): void {
    this.#socket.close(1000);
    this.#end(1000);
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  #write(frame: ClientFrame): void {
    if (this.#isOpen) this.#socket.send(JSON.stringify(frame));
  }

  #ask(deadAt: number): void {
    this.#deadAt = Math.min(deadAt, this.#deadAt ?? Infinity);
    this.#write({ t: "ping", id: String(++this.#lastId) });
  }

  #heard(text: string): void {
    this.#lastHeardAt = Date.now();
    this.#deadAt = null;
    const frame = JSON.parse(text) as ServerFrame;
    if (frame.t === "ok") this.#answered(frame.re)?.resolve(frame);
    else if (frame.t === "error" && frame.re !== undefined) this.#answered(frame.re)?.reject(refusal(frame));
    else if (frame.t !== "pong" && !this.#isEnded) this.#events.frame(frame);
  }

  #answered(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting) clearTimeout(waiting.timer);
    return waiting;
  }

  #end(code: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#socket.close();
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(gone());
    }
    this.#waiting.clear();
    this.#events.end({ code, isFinal: code >= FINAL_FROM });
  }
}

function gone(): Refusal {
  return new Refusal("unreachable", 0, "no answer", { retry: "later" });
}
