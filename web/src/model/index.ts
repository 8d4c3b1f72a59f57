// The model, as the view starts it.

import type { Kith } from "./kith";
import { KithModel } from "./kith.svelte";

export type * from "./kith";
export type * from "./timeline";
export type { Choices, Preferences } from "./preferences";
export type { Connection } from "./connection";
export { Refusal } from "../api/refusal";

/** Begins at once with what this browser holds. `offerUpdate`: a new version of the page waits. `isReturning`: somebody was
 * signed in here at the last visit, and most likely is. */
export function createKith(): Kith & { offerUpdate(apply: () => void): void; readonly isReturning: boolean } {
  const kith = new KithModel();
  void kith.start();
  return kith;
}
