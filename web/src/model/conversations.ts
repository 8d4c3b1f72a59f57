// The conversations of this tab: made when somebody first asks for one; of those that are not shown, the longest unseen are
// forgotten first (T12).

import { ConversationModel, type Surroundings } from "./conversation.svelte";
import { lasting } from "./lasting.svelte";

/** Over all threads. */
const ENTRIES_MAX = 10_000;

export class Conversations {
  readonly #around: Surroundings;
  readonly #all = new Map<string, ConversationModel>();
  /** Those that were shown; the last one is, or was, shown last. */
  readonly #seen = new Set<string>();
  #shown: string | null = null;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get shown(): string | null {
    return this.#shown;
  }

  /** Null if there is no such thread. */
  of(id: string): ConversationModel | null {
    const known = this.#all.get(id);
    if (known || !this.#around.threads.row(id)) return known ?? null;
    const made = lasting(() => new ConversationModel(this.#around, id));
    this.#all.set(id, made);
    return made;
  }

  /** If somebody has asked for it already. */
  known(id: string): ConversationModel | undefined {
    return this.#all.get(id);
  }

  all(): Iterable<ConversationModel> {
    return this.#all.values();
  }

  show(id: string | null): void {
    if (id === this.#shown) return void (id !== null && this.#all.get(id)?.tryAgain());
    if (this.#shown !== null) this.#all.get(this.#shown)?.hide();
    this.#shown = id;
    if (id === null) return;
    this.#seen.delete(id);
    this.#seen.add(id);
    void this.of(id)?.show();
    this.forgetSome();
  }

  /** After something has come. */
  forgetSome(): void {
    let total = 0;
    for (const { size } of this.#all.values()) total += size;
    if (total <= ENTRIES_MAX) return;
    const unseen = [...this.#all.keys()].filter((id) => !this.#seen.has(id));
    for (const id of [...unseen, ...this.#seen]) {
      const conversation = this.#all.get(id);
      if (!conversation || id === this.#shown) continue;
      total -= conversation.size;
      conversation.forget();
      if (total <= ENTRIES_MAX) return;
    }
  }
}
