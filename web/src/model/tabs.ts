// The tabs of one account in this browser: which of them leads, and what they tell each other (N1). The leader holds a Web
// Lock for as long as it lives, so that another one has it within a moment after it is gone. Where there are no locks or no
// channel, each tab leads itself.

export interface Post<Message> {
  /** A message of another tab. */
  heard(message: Message): void;
  /** This tab leads from now on, until it is closed. */
  lead(): void;
}

/** What the browser offers; handed in by tests. */
export interface Platform {
  locks: Pick<LockManager, "request"> | undefined;
  channel: ((name: string) => BroadcastChannel) | undefined;
}

export const browser: Platform = {
  locks: globalThis.navigator?.locks,
  channel: "BroadcastChannel" in globalThis ? (name) => new BroadcastChannel(name) : undefined,
};

export class Tabs<Message> {
  readonly #channel: BroadcastChannel | null;
  readonly #end = new AbortController();
  #giveUp: (() => void) | null = null;
  #leads = false;

  constructor(name: string, post: Post<Message>, platform: Platform = browser) {
    const isShared = platform.locks !== undefined && platform.channel !== undefined;
    this.#channel = isShared && platform.channel ? platform.channel(name) : null;
    if (this.#channel) this.#channel.onmessage = (event) => post.heard(event.data as Message);
    if (!isShared || !platform.locks) {
      // Not before the caller has what this constructor gives.
      queueMicrotask(() => this.#lead(post));
      return;
    }
    platform.locks
      .request(name, { signal: this.#end.signal }, () => {
        if (this.#end.signal.aborted) return;
        this.#lead(post);
        return new Promise<void>((resolve) => (this.#giveUp = resolve));
      })
      .catch(() => undefined); // Closed before it was this tab's turn.
  }

  get leads(): boolean {
    return this.#leads;
  }

  tell(message: Message): void {
    if (!this.#end.signal.aborted) this.#channel?.postMessage(message);
  }

  close(): void {
    this.#end.abort();
    this.#giveUp?.();
    this.#leads = false;
    this.#channel?.close();
  }

  #lead(post: Post<Message>): void {
    if (this.#end.signal.aborted) return;
    this.#leads = true;
    post.lead();
  }
}
