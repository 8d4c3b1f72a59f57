// What the view may see of the model, and ask of it. The classes of this folder implement it with runes, so that a
// component that reads a field is drawn again when it changes; the gallery gives plain objects of the same shape.
// Lists are replaced, never changed in place. Times are milliseconds since 1970.

import type { Member, Role, Session, Thread, User, WhoWrites } from "../protocol";
import type { Connection } from "./connection";
import type { Refusal } from "../api/refusal";
import type { Preferences } from "./preferences";
import type { TimelineItem } from "./timeline";

export interface Kith {
  /** `starting`: what this browser holds is being read. */
  readonly phase: "starting" | "signed_out" | "open";
  /** Why this browser was signed out by the server; until somebody signs in again. */
  readonly farewell: Farewell | null;
  /** False: no IndexedDB here (private mode, or its quota is used up): nothing is kept for the next visit. */
  readonly isStored: boolean;
  readonly isUpdateReady: boolean;
  update(): void;

  readonly connection: Connection;
  readonly preferences: Preferences;
  /** The signed-in person. Null unless `open`. */
  readonly me: User | null;
  readonly inbox: Inbox;
  readonly people: People;
  readonly devices: Devices;
  readonly profile: Profile;
  readonly notifications: Notifications;
  /** In which words new messages are announced, and what a press on one does. Before it is said, none is. */
  announce(words: AnnouncementWords): void;

  /** All of these reject with a `Refusal`. */
  register(form: SignInForm & { displayName: string }): Promise<void>;
  signIn(form: SignInForm & { takeover?: boolean }): Promise<void>;
  /** Ends this session and deletes all that this browser holds. `unsent` says first what would be lost. */
  signOut(): Promise<void>;
  unsent(): Promise<number>;

  /** The conversation of a thread; the same object as long as it is in memory. Null if there is no such thread. */
  conversation(threadId: string): Conversation | null;
  /** The one that is on the screen, or null. The view says so; unread, notifications and memory depend on it. */
  show(threadId: string | null): void;
  /** Makes, or finds again, the thread of these people; gives its id. One other person without a title: direct. */
  startThread(userIds: readonly string[], title?: string): Promise<string>;
}

export interface SignInForm {
  handle: string;
  password: string;
}

/** `session_ended` and the final close codes. */
export interface Farewell {
  reason: "replaced" | "signed_out" | "revoked" | "password_changed" | "disabled" | "expired" | "too_old";
  /** The device that did it. */
  by: { kind: string; label: string; at: number } | null;
}

export interface Inbox {
  /** Pinned first, then newest first; without archived ones. Null until it is known whether there are any. */
  readonly rows: readonly Row[] | null;
  readonly archived: readonly Row[];
  /** For the title and the icon: unread of threads that are not muted, and mentions of those that are (L2). */
  readonly unread: number;
  /** From the local copy: name, handle, title; substrings in any script (L5, Q1). */
  find(text: string, filter: RowFilter): readonly Row[];
}

export type RowFilter = "all" | "unread" | "groups";

/** A thread as a row of the list shows it. */
export interface Row {
  readonly id: string;
  readonly kind: "direct" | "group";
  /** Title of the group, or the name of the other person, or the names of those in an untitled group. */
  readonly name: string;
  /** The other person of a direct thread. */
  readonly peer: User | null;
  readonly lastAt: number;
  readonly preview: Preview | null;
  readonly draft: string | null;
  readonly unread: number;
  readonly mentions: number;
  readonly isMuted: boolean;
  /** Null: for always, if muted. */
  readonly mutedUntil: number | null;
  readonly isPinned: boolean;
  readonly isArchived: boolean;
  readonly isMarkedUnread: boolean;
  /** No longer a member. */
  readonly isGone: boolean;
  readonly isBlocked: boolean;
  /** A direct thread of somebody who is no contact and to whom nothing was written yet (G3). */
  readonly isRequest: boolean;
  readonly typing: readonly User[];
  /** `until`: null for always, 0 for no longer. */
  mute(until: number | null): Promise<void>;
  pin(set: boolean): Promise<void>;
  archive(set: boolean): Promise<void>;
  markUnread(set: boolean): Promise<void>;
}

/** The last message, or what happened last. */
export interface Preview {
  /** Null for one's own message. */
  readonly author: User | null;
  readonly isOwn: boolean;
  readonly text: string;
  readonly kind: "text" | "media" | "custom" | "deleted" | "created";
  /** Of one's own last message. */
  readonly state: SendState | null;
}

/** `waiting`: there is no connection. Never goes back, but from `failed` by trying again (S2). */
export type SendState = "sending" | "waiting" | "sent" | "delivered" | "read" | "failed";

export interface Conversation {
  readonly id: string;
  readonly row: Row;
  readonly thread: Thread;
  readonly members: readonly Member[];
  /** Oldest first; what is between the first and the last is there, or drawn as a hole. */
  readonly items: readonly TimelineItem[];
  /** The first seq after the New line; null: there is none (T8). */
  readonly newFrom: number | null;
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  readonly isLoading: boolean;
  /** Why the last page could not be read. */
  readonly failure: Refusal | null;
  /** Why the last edit was taken back. */
  readonly refused: Refusal | null;
  /** Messages of others, and mentions among them, that came below what the reader has seen (T5, T6). */
  readonly below: { readonly messages: number; readonly mentions: number };
  readonly typing: readonly User[];
  /** Null: may write. */
  readonly silence: Silence | null;
  readonly draft: Draft;
  /** What the person may do in this thread. */
  readonly may: Permissions;

  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
  /** Reads the messages around this one, unless they are there; false: it cannot be seen. */
  loadAround(seq: number): Promise<boolean>;
  /** Back to the newest messages. */
  loadNewest(): Promise<void>;
  /** The view says what it shows: whether the end is within 48 px, and the last message of which half was on the screen
   * for a second while somebody looked at it (R1). */
  sees(view: { isAtEnd: boolean; readSeq: number | null }): void;
  /** Escape: takes the New line away. */
  clearNewLine(): void;

  /** Takes text, reply, mentions of the draft, or applies its edit, and empties it. False: nothing to send. */
  send(): boolean;
  /** Try again, or give up, what was not sent. */
  retry(clientMsgId: string): void;
  retryAll(): void;
  discard(clientMsgId: string): void;
  /** All that follows shows at once and is rolled back if refused; then it rejects with the `Refusal`. */
  remove(seq: number): Promise<void>;
  react(seq: number, emoji: string, set: boolean): Promise<void>;
  receipts(seq: number): Promise<{ read: User[]; delivered: User[]; counts: { read: number; of: number } }>;
  /** Messages of this thread in the local copy that contain the text, newest first. */
  find(text: string): Promise<readonly { seq: number; author: User; at: number; text: string }[]>;

  rename(title: string): Promise<void>;
  setWhoWrites(who: WhoWrites): Promise<void>;
  setSlow(seconds: number): Promise<void>;
  addMembers(userIds: readonly string[]): Promise<void>;
  setRole(userId: string, role: Role): Promise<void>;
  removeMember(userId: string): Promise<void>;
  leave(): Promise<void>;
}

export interface Permissions {
  readonly manage: boolean;
  readonly promote: boolean;
  readonly mentionAll: boolean;
  readonly leave: boolean;
  edit(item: { seq: number | null; isOwn: boolean; at: number }): boolean;
  remove(item: { seq: number | null; isOwn: boolean; at: number }): boolean;
}

/** Why nothing can be written here. */
export type Silence =
  | { readonly why: "admins_only" | "muted" | "left" | "blocked" | "contacts_only" }
  | { readonly why: "slow"; readonly until: number };

/** What is being written in a thread. Saved on this browser within 500 ms, on the server after 2 s (C4, C5). */
export interface Draft {
  readonly text: string;
  readonly caret: number;
  readonly replyTo: number | null;
  /** The message that is being edited; its text is `text`, and the draft from before comes back afterwards. */
  readonly editing: number | null;
  readonly mentions: readonly { userId: string; name: string }[];
  write(text: string, caret: number): void;
  reply(seq: number | null): void;
  edit(seq: number | null): void;
  mention(user: User): void;
  /** Everybody of the group, by the word for it. */
  mentionAll(name: string): void;
  /** At blur, thread change and `pagehide`. */
  flush(): void;
}

export interface People {
  /** By name. */
  readonly contacts: readonly User[];
  readonly requests: {
    readonly incoming: readonly PersonRequest[];
    readonly outgoing: readonly PersonRequest[];
  };
  readonly blocked: readonly User[];
  /** Known here, else it is fetched and comes later; a placeholder meanwhile. */
  user(id: string): User;
  isContact(id: string): boolean;
  presence(id: string): Presence | null;
  /** On the server: handle, or a word of the name, begins so. */
  search(text: string): Promise<readonly User[]>;
  ask(userId: string, note?: string): Promise<void>;
  accept(requestId: string): Promise<void>;
  decline(requestId: string): Promise<void>;
  part(userId: string): Promise<void>;
  block(userId: string, set: boolean): Promise<void>;
}

export interface PersonRequest {
  readonly id: string;
  readonly user: User;
  readonly note: string | null;
  readonly at: number;
}

/** Null in its place: hidden or unknown, and nothing is shown (R5). */
export interface Presence {
  readonly status: "online" | "away" | "offline";
  readonly lastSeenAt: number | null;
}

export interface Devices {
  /** This one first. Null until known. */
  readonly sessions: readonly Session[] | null;
  load(): Promise<void>;
  end(id: string): Promise<void>;
  endOthers(): Promise<void>;
}

export interface Profile {
  readonly privacy: { last_seen: Audience; receipts: Audience; typing: Audience; direct: Audience } | null;
  save(change: { displayName?: string; about?: string }): Promise<void>;
  setPrivacy(what: "last_seen" | "receipts" | "typing" | "direct", audience: Audience): Promise<void>;
  setPassword(current: string, next: string): Promise<void>;
}

export interface Notifications {
  readonly permission: "default" | "granted" | "denied" | "unsupported";
  /** A card asks whether to be told of messages: after the first one that came while this tab was hidden (A1). */
  readonly isOffered: boolean;
  /** Lets the browser ask; only in answer to a press. */
  allow(): Promise<boolean>;
  /** "Not now": it is not offered again for 30 days. */
  decline(): void;
}

export interface AnnouncementWords {
  /** `author`: in a group. `text`: null if it is hidden, or no text. */
  words(said: { name: string; author: string | null; text: string | null }): { title: string; body: string };
  /** Somebody pressed on the announcement of this message. */
  open(threadId: string, seq: number): void;
}

export type Audience = "everyone" | "contacts" | "nobody";
