// A WebSocket in the hands of a test: what the page writes, and what it hears.

import type { ClientFrame, ServerFrame } from "../protocol";

export class FakeWebSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  /** All that were made, the newest last. */
  static made: FakeWebSocket[] = [];

  static get last(): FakeWebSocket {
    const last = FakeWebSocket.made.at(-1);
    if (!last) throw new Error("no socket was opened");
    return last;
  }

  readonly url: string;
  readonly protocol: string;
  readyState = FakeWebSocket.CONNECTING;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly written: ClientFrame[] = [];

  constructor(url: string, protocol: string) {
    this.url = url;
    this.protocol = protocol;
    FakeWebSocket.made.push(this);
  }

  send(text: string): void {
    this.written.push(JSON.parse(text) as ClientFrame);
  }

  /** As a browser does: the end comes later, if at all. */
  close(): void {
    this.readyState = FakeWebSocket.CLOSING;
  }

  opens(): void {
    this.readyState = FakeWebSocket.OPEN;
    this.onopen?.();
  }

  says(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame as ServerFrame) });
  }

  ends(code: number): void {
    this.readyState = FakeWebSocket.CLOSED;
    this.onclose?.({ code });
  }

  /** The page's frames of this kind. */
  frames(kind: ClientFrame["t"]): ClientFrame[] {
    return this.written.filter(({ t }) => t === kind);
  }
}
