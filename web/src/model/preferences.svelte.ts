// What a person has chosen for this browser: kept in its storage, followed by all its tabs.

import type { Choices, Preferences } from "./preferences";

const KEY = "kith.preferences";

export const DEFAULTS: Choices = {
  theme: "system",
  language: null,
  textSize: 100,
  isCompact: false,
  sendBy: "enter",
  listWidth: 320,
  isInfoOpen: false,
  sound: true,
  notify: false,
  hideBodies: false,
};

export class PreferencesModel implements Preferences {
  #choices = $state.raw<Choices>(read());

  constructor() {
    // Another tab has changed something.
    globalThis.addEventListener?.("storage", (event) => {
      if (event.key === KEY || event.key === null) this.#choices = read();
    });
  }

  get theme(): Choices["theme"] {
    return this.#choices.theme;
  }

  get language(): Choices["language"] {
    return this.#choices.language;
  }

  get textSize(): number {
    return this.#choices.textSize;
  }

  get isCompact(): boolean {
    return this.#choices.isCompact;
  }

  get sendBy(): Choices["sendBy"] {
    return this.#choices.sendBy;
  }

  get listWidth(): number {
    return this.#choices.listWidth;
  }

  get isInfoOpen(): boolean {
    return this.#choices.isInfoOpen;
  }

  get sound(): boolean {
    return this.#choices.sound;
  }

  get notify(): boolean {
    return this.#choices.notify;
  }

  get hideBodies(): boolean {
    return this.#choices.hideBodies;
  }

  set<Key extends keyof Choices>(key: Key, value: Choices[Key]): void {
    this.#choices = bounded({ ...this.#choices, [key]: value });
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#choices));
    } catch {
      // It holds until the page is closed.
    }
  }
}

function read(): Choices {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return bounded({ ...DEFAULTS, ...(kept as Partial<Choices>) });
  } catch {
    return DEFAULTS;
  }
}

/** What an older or a newer page has written may be out of bounds: then it is as if nothing was chosen. */
function bounded(choices: Choices): Choices {
  const { theme, language, sendBy } = choices;
  return {
    theme: oneOf(["system", "light", "dark"], theme, DEFAULTS.theme),
    language: oneOf(["en", "zh", null], language, DEFAULTS.language),
    textSize: between(87.5, 150, choices.textSize, DEFAULTS.textSize),
    isCompact: choices.isCompact === true,
    sendBy: oneOf(["enter", "ctrl_enter"], sendBy, DEFAULTS.sendBy),
    listWidth: between(280, 420, choices.listWidth, DEFAULTS.listWidth),
    isInfoOpen: choices.isInfoOpen === true,
    sound: choices.sound === true,
    notify: choices.notify === true,
    hideBodies: choices.hideBodies === true,
  };
}

function oneOf<Value>(values: readonly Value[], value: Value, otherwise: Value): Value {
  return values.includes(value) ? value : otherwise;
}

function between(least: number, most: number, value: number, otherwise: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : otherwise;
}
