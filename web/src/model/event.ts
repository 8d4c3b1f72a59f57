// All that can happen to an account in this browser. Every tab applies the same events in the same order: the tab that leads
// hears the server and passes on what it heard; what another tab did itself, it tells the others.

import type { StoredDraft, StoredSend } from "./database";
import type { Farewell } from "./kith";
import type { Look } from "./looking";
import type { Beat, Sent, ServerFrame, Sync, User } from "../protocol";

export type Event =
  | { readonly type: "frame"; readonly frame: ServerFrame }
  /** One page of a sync. `isFirst` and `isLast` of those that belong together. */
  | { readonly type: "sync"; readonly sync: Sync; readonly isFirst: boolean; readonly isLast: boolean }
  | { readonly type: "beat"; readonly beat: Pick<Beat, "friends" | "changed"> }
  | { readonly type: "users"; readonly users: readonly User[] }
  | { readonly type: "send"; readonly send: StoredSend }
  /** It was accepted, with this number; or given up. */
  | { readonly type: "sent"; readonly send: StoredSend; readonly sent: Sent }
  | { readonly type: "unsend"; readonly clientMsgId: string; readonly thread: string }
  | { readonly type: "draft"; readonly draft: StoredDraft }
  | { readonly type: "people" }
  /** Somebody looks at a thread in one of the tabs, or no longer. */
  | { readonly type: "look"; readonly look: Look }
  | { readonly type: "connection"; readonly connection: ConnectionState }
  /** Which group a tab shows; null: none. */
  | { readonly type: "shows"; readonly tab: string; readonly thread: string | null }
  /** A tab was opened: the one that leads says how things are. */
  | { readonly type: "who" }
  /** A tab leads from now on: the others say what they show. */
  | { readonly type: "lead" }
  /** A person presses "Try now" in a tab that does not lead. */
  | { readonly type: "retry" }
  | { readonly type: "ended"; readonly farewell: Farewell };

export interface ConnectionState {
  readonly state: "connecting" | "online" | "updating" | "polling" | "reconnecting" | "offline";
  readonly retryAt: number | null;
  /** What is wrong with the server, as it says itself. */
  readonly trouble: string | null;
}
