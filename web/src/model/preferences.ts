// What a person has chosen for this browser.

export interface Choices {
  theme: "system" | "light" | "dark";
  /** Null: the browser's. */
  language: "en" | "zh" | null;
  /** Per cent of the usual size of text, 87.5 to 150. */
  textSize: number;
  isCompact: boolean;
  /** C1. */
  sendBy: "enter" | "ctrl_enter";
  listWidth: number;
  isInfoOpen: boolean;
  sound: boolean;
  notify: boolean;
  hideBodies: boolean;
}

export interface Preferences extends Readonly<Choices> {
  set<Key extends keyof Choices>(key: Key, value: Choices[Key]): void;
}
