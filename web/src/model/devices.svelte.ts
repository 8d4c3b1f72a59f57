// The devices on which the signed-in person is signed in (N6).

import type { Session } from "../protocol";
import type { Context } from "./context";
import type { Devices } from "./kith";

export class DevicesModel implements Devices {
  readonly #context: Context;
  sessions = $state.raw<readonly Session[] | null>(null);

  constructor(context: Context) {
    this.#context = context;
  }

  async load(): Promise<void> {
    const sessions = await this.#context.calls.session.list();
    // This one first, then those that were used last.
    this.sessions = sessions.sort(
      (a, b) =>
        Number(b.current) - Number(a.current) || Date.parse(b.last_seen_at) - Date.parse(a.last_seen_at),
    );
  }

  async end(id: string): Promise<void> {
    await this.#context.calls.session.end(id);
    this.sessions = this.sessions?.filter((session) => session.id !== id) ?? null;
  }

  async endOthers(): Promise<void> {
    await this.#context.calls.session.endOthers();
    this.sessions = this.sessions?.filter((session) => session.current) ?? null;
  }
}
