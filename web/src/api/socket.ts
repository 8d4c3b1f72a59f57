// One connection to the server: hello, frames both ways, answers by id, and the end. Small and boring: it never connects
// anew, that is the model's affair.

import type { ClientFrame, ServerFrame, ServerOk, State } from "../protocol";
import { refusal } from "./http";
import { Refusal } from "./refusal";

/** Codes from here on are final. */
const FINAL_FROM = 4100;
/** So long may an answer take. */
const ANSWER_MS = 15_000;
/** After so long without a word the other side may be gone: it is asked. Then it has until `DEAD_MS` (N2). */
const ASK_AFTER_MS = 15_000;
const DEAD_MS = 25_000;
const HELLO_MS = 15_000;

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
  #watch: ReturnType<typeof setInterval>;
  #isEnded = false;

  constructor(url: string, state: State, events: SocketEvents) {
    this.#events = events;
    this.#socket = new WebSocket(url, "kith.v1");
    this.#socket.onopen = () => this.#write({ t: "hello", state, capabilities: [] });
    this.#socket.onmessage = (event) => this.#heard(String(event.data));
    this.#socket.onclose = (event) => this.#end(event.code);
    this.#watch = setInterval(() => this.#look(HELLO_MS), 5_000);
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

  /** After a sleep, or when the network came back: is anybody there? */
  probe(): void {
    this.#lastHeardAt = Math.min(this.#lastHeardAt, Date.now() - ASK_AFTER_MS);
    this.#look(DEAD_MS);
  }

  close(): void {
    this.#socket.close(1000);
    this.#end(1000);
  }

  #write(frame: ClientFrame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #heard(text: string): void {
    this.#lastHeardAt = Date.now();
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

  /** A connection that died without a word is noticed by its silence. */
  #look(helloMs: number): void {
    const silentMs = Date.now() - this.#lastHeardAt;
    const isOpen = this.#socket.readyState === WebSocket.OPEN;
    if (silentMs >= (isOpen ? DEAD_MS : helloMs)) return this.#end(1006);
    if (isOpen && silentMs >= ASK_AFTER_MS) this.#write({ t: "ping", id: String(++this.#lastId) });
  }

  #end(code: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearInterval(this.#watch);
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
