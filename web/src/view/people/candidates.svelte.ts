// Who can be meant by what is typed: contacts at once, and whomever the server knows a moment later.

import type { Kith } from "../../model/kith";
import type { User } from "../../protocol";

/** After the last key: a search for each letter would ask too much of the server. */
const PAUSE_MS = 250;
/** More than one looks through. */
const MAX_SHOWN = 50;

export class Candidates {
  text = $state("");
  isSearching = $state(false);
  #found: readonly User[] = $state.raw([]);
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #kith: Kith;

  readonly contacts: readonly User[] = $derived.by(() =>
    this.#kith.people.contacts.filter((user) => isMeant(user, this.text)).slice(0, MAX_SHOWN),
  );
  /** On the server, without those above. */
  readonly others: readonly User[] = $derived.by(() => {
    const known = new Set(this.contacts.map((user) => user.id));
    return this.#found.filter((user) => !known.has(user.id));
  });
  readonly all: readonly User[] = $derived([...this.contacts, ...this.others]);

  constructor(kith: Kith) {
    this.#kith = kith;
  }

  type(text: string) {
    this.text = text;
    clearTimeout(this.#timer);
    const wanted = text.trim().replace(/^@/, "");
    this.isSearching = wanted !== "";
    if (wanted === "") this.#found = [];
    else this.#timer = setTimeout(() => void this.#search(text, wanted), PAUSE_MS);
  }

  async #search(text: string, wanted: string) {
    const found = await this.#kith.people.search(wanted).catch(() => []);
    // An answer to what is no longer asked.
    if (this.text !== text) return;
    this.#found = found;
    this.isSearching = false;
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

export function isMeant(user: User, text: string): boolean {
  const wanted = text.trim().replace(/^@/, "").toLocaleLowerCase();
  return user.display_name.toLocaleLowerCase().includes(wanted) || user.handle.includes(wanted);
}
