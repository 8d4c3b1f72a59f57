// The socket between a page and its server, in the hands of a test: frames can be lost, the line can be cut, and be silent.

import type { Page, WebSocketRoute } from "@playwright/test";

export class Link {
  /** How many sockets were opened. */
  opened = 0;
  /** What the server pushes is lost on the way. */
  isLossy = false;
  /** Entries that were lost so. */
  lostEntries = 0;
  /** New connections come to nothing. */
  isCut = false;
  readonly #open = new Set<WebSocketRoute>();

  /** Before the page is loaded. */
  static async of(page: Page): Promise<Link> {
    const link = new Link();
    await page.routeWebSocket(/\/v1\/socket/, (socket) => link.#opened(socket));
    return link;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Ends all that are open, and all that come until `mend`. */
  async cut(code = 1011): Promise<void> {
    this.isCut = true;
    await Promise.all([...this.#open].map((socket) => socket.close({ code })));
    this.#open.clear();
  }

  mend(): void {
    this.isCut = false;
  }

  #lose(message: string): void {
    const frame = JSON.parse(message) as { t: string; entries?: unknown[] };
    if (frame.t === "entry") this.lostEntries += frame.entries?.length ?? 0;
  }

  #opened(socket: WebSocketRoute): void {
    this.opened += 1;
    if (this.isCut) {
      void socket.close({ code: 1011 });
      return;
    }
    this.#open.add(socket);
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (this.isLossy) this.#lose(String(message));
      else socket.send(message);
    });
    server.onClose((code, reason) => {
      this.#open.delete(socket);
      void socket.close({
        ...(code === undefined ? {} : { code }),
        ...(reason === undefined ? {} : { reason }),
      });
    });
    socket.onClose((code, reason) => {
      this.#open.delete(socket);
      void server.close({
        ...(code === undefined ? {} : { code }),
        ...(reason === undefined ? {} : { reason }),
      });
    });
  }
}
