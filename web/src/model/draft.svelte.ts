// The text box of one thread: what stands in it, what it answers or edits, and how it is kept (C4, C5, C8).

import type { Entry, User } from "../protocol";
import type { StoredDraft } from "./database";
import {
  type Draft as DraftText,
  EVERYBODY,
  type Mention,
  NOTHING,
  type Written,
  isBlank,
  merged,
  stillMentioned,
  withMention,
} from "./draft-text";
import type { Draft } from "./kith";

/** After a key, at the latest, it is in this browser; after so long without a key, on the server. */
const LOCAL_MS = 300;
const SERVER_MS = 2_000;

/** Who keeps drafts. */
export interface Keeper {
  /** In this browser, and in its other tabs. */
  keep(draft: StoredDraft): void;
  /** On the server, for the other devices; it says afterwards what became of it. */
  save(draft: DraftModel): void;
  /** Something was typed: others may see that. */
  typed(threadId: string, text: string): void;
}

/** What is sent, or what a message becomes. */
export interface Taken {
  readonly text: string;
  readonly replyTo: number | null;
  readonly mentions: string[];
  readonly mentionAll: boolean;
}

export class DraftModel implements Draft {
  readonly id: string;
  readonly #keeper: Keeper;
  #written = $state.raw<Written>(NOTHING);
  editing = $state<number | null>(null);
  #before: Written | null = null;
  /** The text of the message as it was when its edit began. */
  #original = "";
  #version = 0;
  /** What the server is known to have; null: not known. */
  #onServer: string | null = "";
  #entry: (seq: number) => Entry | undefined = () => undefined;
  #localTimer: ReturnType<typeof setTimeout> | null = null;
  #serverTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(id: string, keeper: Keeper) {
    this.id = id;
    this.#keeper = keeper;
  }

  get text(): string {
    return this.#written.text;
  }

  get caret(): number {
    return this.#written.caret;
  }

  get replyTo(): number | null {
    return this.#written.replyTo;
  }

  get mentions(): readonly Mention[] {
    return this.#written.mentions;
  }

  /** Where the messages are that can be edited. */
  reads(entry: (seq: number) => Entry | undefined): void {
    this.#entry = entry;
  }

  write(text: string, caret: number): void {
    if (text === this.text) {
      this.#written = { ...this.#written, caret };
      return this.#keepSoon();
    }
    this.#change({ ...this.#written, text, caret, mentions: stillMentioned(text, this.#written.mentions) });
    if (this.editing === null) this.#keeper.typed(this.id, text);
  }

  reply(seq: number | null): void {
    if (seq !== null && this.editing !== null) this.edit(null);
    this.#change({ ...this.#written, replyTo: seq });
  }

  /** Null: as it was before the edit. What was changed in the message is a text that somebody wrote, and stays (C8). */
  edit(seq: number | null): void {
    if (seq === this.editing) return;
    if (seq === null) return this.#endEdit(this.text === this.#original ? "" : this.text);
    const entry = this.#entry(seq);
    if (!entry || entry.deleted_seq !== undefined) return;
    if (this.editing !== null) this.edit(null);
    const text = entry.text ?? "";
    this.#before = this.#written;
    this.#original = text;
    this.editing = seq;
    this.#written = { ...NOTHING, text, caret: text.length };
    this.#keepSoon();
  }

  mention(user: User): void {
    this.#change(withMention(this.#written, { userId: user.id, name: user.display_name }));
  }

  mentionAll(name: string): void {
    this.#change(withMention(this.#written, { userId: EVERYBODY, name }));
  }

  /** What is to be sent, and the box is empty, or as it was before an edit. Null: there is nothing to send. */
  take(): Taken | null {
    const { text, replyTo, mentions } = this.#written;
    if (isBlank(text)) return null;
    const ids = stillMentioned(text, mentions).map((mention) => mention.userId);
    if (this.editing !== null) this.#endEdit("");
    else {
      this.#change(NOTHING);
      this.#keeper.typed(this.id, "");
    }
    this.flush();
    return {
      text,
      replyTo,
      mentions: ids.filter((id) => id !== EVERYBODY),
      mentionAll: ids.includes(EVERYBODY),
    };
  }

  flush(): void {
    if (this.#localTimer !== null) this.#keep();
    if (this.#serverTimer !== null) this.#save();
  }

  /** The clock stops: nobody writes here any longer. */
  close(): void {
    if (this.#localTimer !== null) this.#keep();
    if (this.#serverTimer !== null) clearTimeout(this.#serverTimer);
    this.#serverTimer = null;
  }

  // What the keeper says.

  /** What another tab wrote, or this browser kept. */
  restore(draft: DraftText): void {
    if (this.#localTimer !== null) return;
    const { text, caret, replyTo, mentions } = draft;
    this.#written = { text, caret, replyTo, mentions };
    this.editing = draft.editing;
    this.#original = draft.editing === null ? "" : (this.#entry(draft.editing)?.text ?? "");
    this.#before = draft.before;
    this.#version = draft.version;
    this.#onServer = draft.isUnsaved ? null : this.shared;
  }

  /** Whether the server has to be told. */
  get isUnsaved(): boolean {
    return this.shared !== this.#onServer;
  }

  get version(): number {
    return this.#version;
  }

  /** What the other devices should see: not an edit, which is none of a draft. */
  get shared(): string {
    return (this.editing === null ? this.#written : (this.#before ?? NOTHING)).text;
  }

  /** The server has this text now. */
  saved(text: string, version: number): void {
    this.#version = Math.max(version, this.#version);
    this.#onServer = text;
    this.#keep();
  }

  /** It may have this text, or another. */
  unsaved(): void {
    this.#onServer = null;
  }

  /** What another device wrote. If something was written here as well, both are kept (C4). */
  takeOther(text: string, version: number): void {
    this.#version = Math.max(version, this.#version);
    this.#share(this.isUnsaved ? merged(text, this.shared) : text);
    this.#onServer = text;
    this.#keep();
    this.saveSoon();
  }

  #share(text: string): void {
    const written = this.editing === null ? this.#written : (this.#before ?? NOTHING);
    if (text === written.text) return;
    const changed = {
      ...written,
      text,
      caret: text.length,
      mentions: stillMentioned(text, written.mentions),
    };
    if (this.editing === null) this.#written = changed;
    else this.#before = changed;
  }

  /** `rest`: what is left of the edit. */
  #endEdit(rest: string): void {
    const before = this.#before ?? NOTHING;
    this.#before = null;
    this.editing = null;
    if (rest === "") {
      this.#written = before;
      return this.#keepSoon();
    }
    const text = merged(before.text, rest);
    this.#change({ ...before, text, caret: text.length });
  }

  #change(written: Written): void {
    const isSame = written.text === this.text;
    this.#written = written;
    this.#keepSoon();
    if (!isSame && this.editing === null) this.saveSoon();
  }

  #keepSoon(): void {
    this.#localTimer ??= setTimeout(() => this.#keep(), LOCAL_MS);
  }

  /** Every key puts it off. */
  saveSoon(): void {
    if (this.#serverTimer !== null) clearTimeout(this.#serverTimer);
    this.#serverTimer = this.isUnsaved ? setTimeout(() => this.#save(), SERVER_MS) : null;
  }

  #keep(): void {
    if (this.#localTimer !== null) clearTimeout(this.#localTimer);
    this.#localTimer = null;
    this.#keeper.keep({
      thread: this.id,
      ...this.#written,
      editing: this.editing,
      before: this.#before,
      version: this.#version,
      isUnsaved: this.isUnsaved,
    });
  }

  #save(): void {
    if (this.#serverTimer !== null) clearTimeout(this.#serverTimer);
    this.#serverTimer = null;
    if (this.isUnsaved) this.#keeper.save(this);
  }
}
