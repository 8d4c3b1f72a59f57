// What the signed-in person says of themselves, and shows to whom.

import type { Me, PatchMe } from "../protocol";
import type { Context } from "./context";
import type { Audience, Profile } from "./kith";

/** The account, as far as this needs it. */
interface Owner extends Context {
  readonly self: Me;
  setSelf(me: Me): void;
}

export class ProfileModel implements Profile {
  readonly #owner: Owner;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  get privacy(): Profile["privacy"] {
    return this.#owner.self.privacy;
  }

  async save(change: { displayName?: string; about?: string }): Promise<void> {
    const patch: PatchMe = {};
    if (change.displayName !== undefined) patch.display_name = change.displayName;
    if (change.about !== undefined) patch.about = change.about;
    this.#owner.setSelf(await this.#owner.calls.user.patchMe(patch));
  }

  async setPrivacy(what: "last_seen" | "receipts" | "typing" | "direct", audience: Audience): Promise<void> {
    this.#owner.setSelf(await this.#owner.calls.user.patchMe({ privacy: { [what]: audience } }));
  }

  async setPassword(current: string, next: string): Promise<void> {
    await this.#owner.calls.user.setPassword(current, next);
  }
}
