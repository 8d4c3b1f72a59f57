// What lasting.test.ts plays with: runes need a file of this kind.

import { lasting } from "./lasting.svelte";

class Thing {
  readonly #source: Source;
  constructor(source: Source) {
    this.#source = source;
  }
  readonly doubled = $derived.by(() => this.#source.count * 2);
}

/** Makes its thing when somebody asks. */
export class Source {
  count = $state(0);
  #thing: Thing | null = null;

  get thing(): Thing {
    this.#thing ??= lasting(() => new Thing(this));
    return this.#thing;
  }
}

/** Like a component that draws it. */
export class Asker {
  readonly seen: number[] = [];
  readonly destroy: () => void;

  constructor(source: Source) {
    this.destroy = $effect.root(() => {
      const asked = $derived(source.thing.doubled);
      $effect.pre(() => void this.seen.push(asked));
    });
  }
}
