// Which groups the server pushes to this browser beside those that it pushes to every member: the ones that a tab shows. Wide
// groups are pushed to nobody else.

/** On one connection; also a tab that went without a word lets go of its thread some day. */
const MAX = 64;

export class Subscriptions {
  readonly #say: (isOn: boolean, thread: string) => void;
  /** What each tab shows; the last one to change is the last. */
  readonly #shown = new Map<string, string>();
  #subscribed: ReadonlySet<string> = new Set();

  constructor(say: (isOn: boolean, thread: string) => void) {
    this.#say = say;
  }

  /** `thread`: null for none, or one that needs no subscription. */
  shows(tab: string, thread: string | null): void {
    if (thread === (this.#shown.get(tab) ?? null)) return;
    this.#shown.delete(tab);
    if (thread !== null) this.#shown.set(tab, thread);
    this.#settle();
  }

  /** A new connection knows of none. */
  joined(): void {
    this.#subscribed = new Set();
    this.#settle();
  }

  #settle(): void {
    const wanted = new Set([...this.#shown.values()].slice(-MAX));
    for (const thread of this.#subscribed) if (!wanted.has(thread)) this.#say(false, thread);
    for (const thread of wanted) if (!this.#subscribed.has(thread)) this.#say(true, thread);
    this.#subscribed = wanted;
  }
}
