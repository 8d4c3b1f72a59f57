// What the state bar says, and when: it comes after two seconds of trouble and leaves after one of health, so that it
// does not flicker with every tunnel.

import type { Connection } from "../../model/connection";

const COMES_AFTER_MS = 2_000;
const LEAVES_AFTER_MS = 1_000;

export type Trouble = "offline" | "connecting" | "reconnecting" | "updating" | "polling" | "trouble";

export class Health {
  shown: Trouble | null = $state.raw(null);
  #now: Trouble | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Inside an effect; again with every change. */
  observe(connection: Connection) {
    const wasTrouble = this.#now !== null;
    this.#now = troubleOf(connection);
    // What is shown already changes its words at once.
    if (this.shown !== null && this.#now !== null) this.shown = this.#now;
    // Trouble of another kind goes on from when it began.
    if (wasTrouble === (this.#now !== null)) return;
    clearTimeout(this.#timer);
    const afterMs = this.#now === null ? LEAVES_AFTER_MS : COMES_AFTER_MS;
    this.#timer = setTimeout(() => (this.shown = this.#now), afterMs);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

export function troubleOf({ state, trouble }: Connection): Trouble | null {
  if (state !== "online") return state;
  return trouble === null ? null : "trouble";
}
