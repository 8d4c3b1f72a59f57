// Which thread somebody looks at, in whichever tab of this browser: only one of them has the focus.

export interface Look {
  readonly tab: string;
  /** Null: this tab is not looked at, or shows no thread. */
  readonly thread: string | null;
}

export class Looking {
  readonly #tab = crypto.randomUUID();
  readonly #tell: (look: Look) => void;
  #now: Look | null = null;

  /** `tell`: the other tabs hear it, and so does this one. */
  constructor(tell: (look: Look) => void) {
    this.#tell = tell;
  }

  /** What this tab shows while it is visible and has the focus; else null. */
  here(thread: string | null): void {
    const isMine = this.#now?.tab === this.#tab;
    if (thread === null ? !isMine : isMine && this.#now?.thread === thread) return;
    this.#tell({ tab: this.#tab, thread });
  }

  take(look: Look): void {
    // Who lost the focus says so after who got it.
    if (look.thread !== null) this.#now = look;
    else if (this.#now?.tab === look.tab) this.#now = null;
  }

  isAt(thread: string): boolean {
    return this.#now?.thread === thread;
  }
}
