// Which tab of this browser somebody looks at, and which thread in it: only one of them has the focus.

export interface Look {
  readonly tab: string;
  /** The tab is visible and has the focus. */
  readonly isHere: boolean;
  readonly thread: string | null;
}

export class Looking {
  readonly tab = crypto.randomUUID();
  readonly #tell: (look: Look) => void;
  #now: Look | null = null;

  /** `tell`: the other tabs hear it, and so does this one. */
  constructor(tell: (look: Look) => void) {
    this.#tell = tell;
  }

  /** How it is with this tab. */
  here(isHere: boolean, thread: string | null): void {
    const isMine = this.#now?.tab === this.tab;
    if (isHere ? isMine && this.#now?.thread === thread : !isMine) return;
    this.#tell({ tab: this.tab, isHere, thread });
  }

  /** For a tab that has not heard it. */
  again(): void {
    if (this.#now?.tab === this.tab) this.#tell(this.#now);
  }

  take(look: Look): void {
    // Who lost the focus says so after who got it.
    if (look.isHere) this.#now = look;
    else if (this.#now?.tab === look.tab) this.#now = null;
  }

  /** At any of them. */
  get isAnywhere(): boolean {
    return this.#now !== null;
  }

  isAt(thread: string): boolean {
    return this.#now?.thread === thread;
  }
}
