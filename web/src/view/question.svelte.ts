// A question before something that cannot be undone: asked once, in a dialog.

export interface Question {
  title: string;
  text: string;
  /** What the button says that does it. */
  action: string;
  isDanger?: boolean;
}

class Asked {
  question: Question | null = $state.raw(null);
  #answer: ((yes: boolean) => void) | null = null;

  ask(question: Question): Promise<boolean> {
    this.answer(false);
    this.question = question;
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(yes: boolean) {
    this.question = null;
    this.#answer?.(yes);
    this.#answer = null;
  }
}

export const asked = new Asked();

export function ask(question: Question): Promise<boolean> {
  return asked.ask(question);
}
