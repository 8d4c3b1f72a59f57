// What went wrong with something that the person asked for. States have the state bar; this is for answers.

import { refusalWords } from "./refusal";

const SHOWN_MS = 8_000;
/** More would hide the screen; the oldest goes. */
const MAX_NOTICES = 3;

export interface Notice {
  readonly id: number;
  readonly text: string;
}

class Notices {
  all: readonly Notice[] = $state.raw([]);
  #next = 1;

  tell(text: string) {
    const notice = { id: this.#next++, text };
    this.all = [...this.all.filter((other) => other.text !== text), notice].slice(-MAX_NOTICES);
    setTimeout(() => this.dismiss(notice.id), SHOWN_MS);
  }

  dismiss(id: number) {
    this.all = this.all.filter((notice) => notice.id !== id);
  }
}

export const notices = new Notices();

/** Waits for what was asked, and says why if it was refused. */
export async function attempt(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    notices.tell(refusalWords(error));
    return false;
  }
}
