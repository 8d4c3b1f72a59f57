// The rows of a timeline, as the view draws them.

import type { SendState } from "./kith";
import type { EntryKind, Settings, User } from "../protocol";

/** `key` stays the same for as long as the row means the same thing: one's own message keeps it when the server's copy
 * arrives (S1). */
export type TimelineItem = Beginning | DateLine | NewLine | Hole | Notice | Message;

/** The start of the history: when and by whom the thread was made (T9). */
export interface Beginning {
  readonly type: "beginning";
  readonly key: string;
  readonly at: number;
  readonly author: User;
}

export interface DateLine {
  readonly type: "date";
  readonly key: string;
  /** Midnight of that day, where the reader is. */
  readonly at: number;
}

export interface NewLine {
  readonly type: "new";
  readonly key: string;
}

export interface Hole {
  readonly type: "hole";
  readonly key: string;
  readonly fromSeq: number;
  readonly toSeq: number;
}

/** Something about the thread itself: who came, went, was made what; its title and settings. */
export interface Notice {
  readonly type: "notice";
  readonly key: string;
  readonly seq: number;
  readonly at: number;
  readonly kind: EntryKind;
  readonly author: User;
  readonly users: readonly User[];
  readonly role: string | null;
  readonly title: string | null;
  readonly settings: Settings | null;
  /** Who owns the group now, if its last owner left. */
  readonly heir?: User;
}

export interface Message {
  readonly type: "message";
  readonly key: string;
  /** Null until the server has numbered it. */
  readonly seq: number | null;
  readonly clientMsgId: string | null;
  readonly at: number;
  readonly author: User;
  readonly isOwn: boolean;
  /** Empty if deleted. */
  readonly text: string;
  readonly kind: "text" | "media" | "custom";
  readonly isDeleted: boolean;
  /** When it was edited last; null if never, 0 if that is not known. */
  readonly editedAt: number | null;
  readonly replyTo: Quote | null;
  readonly mentions: readonly User[];
  readonly mentionsMe: boolean;
  readonly mentionsAll: boolean;
  readonly reactions: readonly { readonly emoji: string; readonly count: number; readonly isMine: boolean }[];
  /** Of one's own messages. */
  readonly state: SendState | null;
  /** Why it was not sent. */
  readonly failure: string | null;
  /** The first and the last of a group of messages by one author (T1). */
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

export interface Quote {
  readonly seq: number;
  readonly author: User | null;
  /** Null if it is not here (not loaded), empty if deleted. */
  readonly text: string | null;
}
