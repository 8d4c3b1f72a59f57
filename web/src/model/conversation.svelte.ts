// A thread that is, or was, on the screen: its messages in memory, what is new in them, and what can be done there.

import { Refusal } from "../api/refusal";
import type { Entry, InboxRow, Member, ServerReceipt, User } from "../protocol";
import type { Context } from "./context";
import type { StoredSend } from "./database";
import type { DraftModel } from "./draft.svelte";
import type { Conversation, Permissions, Row, SendState, Silence } from "./kith";
import { type Assumption, Log, deleted, isCountable, nameOf, reacted } from "./log";
import { MemberMarks, stateOf, withOthers } from "./marks";
import type { Outbox } from "./outbox.svelte";
import { type Bounds, Pages } from "./pages";
import { ReadMarks } from "./read-marks";
import { permissions, silence } from "./rights";
import { searched } from "./searched";
import { ThreadActs } from "./thread-acts";
import type { Threads } from "./threads.svelte";
import type { TimelineItem } from "./timeline";
import { timelineOf } from "./timeline-of";
import { NewLine, boundsOf, names, unreadOf } from "./new-line";
import { Window } from "./window";

/** What a conversation needs of the account around it. */
export interface Surroundings {
  readonly context: Context;
  readonly threads: Threads;
  readonly outbox: Outbox;
  /** Null once signed out. */
  readonly self: User;
  readonly timeZone: string;
  readonly isConnected: boolean;
  user(id: string): User;
  row(id: string): Row;
  isBlocked(userId: string): boolean;
  typingIn(threadId: string): readonly User[];
  draft(threadId: string): DraftModel;
}

export class ConversationModel extends ThreadActs implements Conversation {
  readonly id: string;
  readonly draft: DraftModel;
  readonly #around: Surroundings;
  readonly #log: Log;
  readonly #pages: Pages;
  readonly #window: Window;
  readonly #reads: ReadMarks;
  readonly #marks: MemberMarks;
  readonly #newLine = new NewLine();

  /** Grows whenever the log, the window or the New line has changed. */
  #version = $state(0);
  #isAtEnd = true;
  /** The newest message that the reader has seen, or was shown at the end. */
  #seenSeq = 0;
  #before: readonly TimelineItem[] = [];
  #tick: ReturnType<typeof setTimeout> | null = null;

  members = $state.raw<readonly Member[]>([]);
  #loads = $state(0);
  failure = $state.raw<Refusal | null>(null);
  isShown = false;

  constructor(around: Surroundings, id: string) {
    super();
    this.id = id;
    this.#around = around;
    this.draft = around.draft(id);
    this.#log = new Log(around.context.me);
    this.draft.reads((seq) => this.#log.at(seq)?.entry);
    this.#pages = new Pages(around.context, id, this.#log);
    this.#window = new Window(this.#log, this.#pages);
    this.#reads = new ReadMarks(around.context, id);
    this.#marks = new MemberMarks(around.context.me);
  }

  protected get context(): Context {
    return this.#around.context;
  }

  protected user(id: string): User {
    return this.#around.user(id);
  }

  get row(): Row {
    return this.#around.row(this.id);
  }

  get thread(): InboxRow["thread"] {
    return this.#wire.thread;
  }

  get typing(): readonly User[] {
    return this.#around.typingIn(this.id);
  }

  /** How many entries are in memory. */
  get size(): number {
    return this.#log.size;
  }

  get #wire(): InboxRow {
    const row = this.#around.threads.row(this.id);
    if (!row) throw new Error(`thread ${this.id} is not in the inbox`);
    return row;
  }

  get #bounds(): Bounds {
    return boundsOf(this.#wire);
  }

  readonly items = $derived.by((): readonly TimelineItem[] => {
    void this.#version;
    const { outbox, context, self, timeZone, isConnected } = this.#around;
    const row = this.#wire;
    const isNewest = !this.hasNewer;
    this.#before = timelineOf(
      {
        me: self,
        logged: this.#window.logged,
        sends: isNewest ? outbox.of(this.id).filter((send) => !this.#has(send)) : [],
        holes: this.#window.holes,
        isBeginning: this.#window.from <= this.#bounds.first,
        newFrom: this.#newLine.from,
        timeZone,
        user: (id) => (id === context.me ? self : this.#around.user(id)),
        at: (seq) => this.#log.at(seq),
        state: (seq) => stateOf(row, seq),
        sendState: (send): SendState =>
          send.failure !== null ? "failed" : isConnected ? "sending" : "waiting",
      },
      this.#before,
    );
    return this.#before;
  });

  get newFrom(): number | null {
    void this.#version;
    return this.#newLine.from;
  }

  get isLoading(): boolean {
    return this.#loads > 0;
  }

  get hasOlder(): boolean {
    void this.#version;
    return this.#window.isOpen && this.#window.from > this.#bounds.first;
  }

  get hasNewer(): boolean {
    void this.#version;
    return this.#window.isOpen && this.#window.to < this.#bounds.last;
  }

  get below(): { messages: number; mentions: number } {
    void this.#version;
    if (this.#isAtEnd && !this.hasNewer) return { messages: 0, mentions: 0 };
    const { mine } = this.#wire;
    const readSeq = Math.max(this.#seenSeq, mine.read_seq);
    // Behind what is loaded the server has counted.
    if (this.hasNewer) return { messages: mine.unread, mentions: mine.mentions };
    const { unread, mentions } = unreadOf(this.#log.entries, readSeq, this.#around.context.me);
    return { messages: unread, mentions };
  }

  get may(): Permissions {
    return permissions(this.#wire, this.#around.context.now());
  }

  get silence(): Silence | null {
    void this.#version;
    const { context } = this.#around;
    const row = this.#wire;
    const own = this.#log.entries.findLast(
      ({ entry }) => isCountable(entry) && entry.author_id === context.me,
    );
    const lastOwnAt = own ? Date.parse(own.entry.at) : 0;
    const peer = row.thread.peer_id;
    const isBlocked = peer !== undefined && this.#around.isBlocked(peer);
    const found = silence(row, isBlocked, lastOwnAt, context.now());
    if (found?.why === "slow") this.#changeAt(found.until);
    return found;
  }

  /** Comes to the screen: what the browser kept at once, then what is missing. */
  async show(): Promise<void> {
    const wasAtEnd = this.#isAtEnd;
    this.isShown = true;
    this.#newLine.open(this.#wire);
    const newFrom = this.#newLine.from;
    this.#isAtEnd = newFrom === null;
    this.#seenSeq = this.#wire.mine.read_seq;
    this.#pages.shown();
    this.#changed();
    if (this.members.length === 0) void this.#loadMembers();
    // Much has come since one was at the end: what is here is not what one wants to see.
    const isNear = newFrom === null ? !this.hasNewer : this.#window.reaches(newFrom);
    if (wasAtEnd && !isNear) this.#window.close();
    await this.#read();
  }

  /** The first look, or a hole, could not be read. */
  tryAgain(): void {
    if (this.failure && !this.isLoading) void this.#read();
  }

  /** The server answers again. */
  connected(): void {
    this.#reads.again();
    if (this.isShown) this.tryAgain();
  }

  hide(): void {
    this.isShown = false;
    this.draft.flush();
    this.#newLine.clear();
    this.#changed();
  }

  /** The window lost the eyes of its reader. */
  blurred(): void {
    this.#newLine.left();
  }

  /** Memory is short: all of it is in the browser's storage, or on the server. */
  forget(): void {
    this.#log.keep(1, 0);
    this.#window.close();
    this.#before = [];
    this.#changed();
  }

  // What the server pushes.

  takeEntries(prevSeq: number, entries: readonly Entry[]): void {
    const last = entries.at(-1)?.seq ?? prevSeq;
    const fresh = this.#log.takeEntries(entries);
    this.#window.came(prevSeq, last);
    this.#window.trim(this.#isAtEnd);
    const others = fresh.filter((entry) => isCountable(entry) && entry.author_id !== this.#around.context.me);
    const first = others[0];
    if (first && this.isShown && !document.hasFocus()) this.#newLine.arrived(first.seq);
    if (entries.some((entry) => entry.kind.startsWith("member_") || entry.kind === "role"))
      void this.#loadMembers();
    this.#changed();
    if (this.isShown) void this.#fill();
  }

  takeReceipt(receipt: ServerReceipt): void {
    this.#marks.takeReceipt(receipt);
    this.#spreadMarks();
  }

  /** The head moved without a push: what lies between is read if it is looked at. */
  headMoved(before: number): void {
    this.#window.headMoved(before, this.#bounds);
    this.#changed();
    if (this.isShown) void this.#fill();
  }

  outboxChanged(): void {
    this.#changed();
  }

  targetOf(seq: number): { authorId: string; isDeleted: boolean; mentionsMe: boolean } | null {
    const entry = this.#log.at(seq)?.entry;
    if (!entry) return null;
    const mentionsMe = names(entry, this.#around.context.me);
    return { authorId: entry.author_id, isDeleted: entry.deleted_seq !== undefined, mentionsMe };
  }

  // What the reader does.

  loadOlder(): Promise<void> {
    if (!this.hasOlder || this.isLoading) return Promise.resolve();
    return this.#load(() => this.#window.older(this.#bounds));
  }

  loadNewer(): Promise<void> {
    if (!this.hasNewer || this.isLoading) return Promise.resolve();
    return this.#load(() => this.#window.newer(this.#bounds));
  }

  async loadAround(seq: number): Promise<boolean> {
    if (!this.#window.holds(seq)) await this.#load(() => this.#window.around(seq, this.#bounds));
    return this.#log.at(seq) !== undefined;
  }

  async loadNewest(): Promise<void> {
    if (this.hasNewer) await this.#load(() => this.#window.newest(this.#bounds));
  }

  sees({ isAtEnd, readSeq }: { isAtEnd: boolean; readSeq: number | null }): void {
    if (isAtEnd !== this.#isAtEnd) {
      this.#isAtEnd = isAtEnd;
      this.#changed();
    }
    if (readSeq !== null) this.#seen(readSeq);
  }

  clearNewLine(): void {
    this.#newLine.clear();
    this.#changed();
  }

  // What the writer does.

  send(): boolean {
    const { outbox } = this.#around;
    const editing = this.draft.editing;
    const written = this.draft.take();
    if (!written) return false;
    if (editing !== null) {
      void this.#edit(editing, written.text);
      return true;
    }
    this.#newLine.clear();
    outbox.add({
      thread: this.id,
      seenHead: this.#wire.head.last_seq,
      text: written.text,
      replyTo: written.replyTo,
      mentions: written.mentions,
      mentionAll: written.mentionAll,
    });
    this.#changed();
    return true;
  }

  retry(clientMsgId: string): void {
    this.#around.outbox.retry(clientMsgId);
  }

  retryAll(): void {
    for (const send of this.#around.outbox.of(this.id)) this.#around.outbox.retry(send.clientMsgId);
  }

  discard(clientMsgId: string): void {
    this.#around.outbox.discard(clientMsgId);
  }

  remove(seq: number): Promise<void> {
    const { calls } = this.#around.context;
    const head = this.#wire.head.last_seq;
    return this.#assumed(
      seq,
      { name: nameOf({ kind: "delete" }), change: (entry) => deleted(entry, head + 1) },
      () => calls.message.remove(this.id, seq, crypto.randomUUID(), head),
    );
  }

  react(seq: number, emoji: string, set: boolean): Promise<void> {
    const { calls } = this.#around.context;
    const isSet = this.#log.at(seq)?.entry.reactions?.some((one) => one.emoji === emoji && one.mine) ?? false;
    if (isSet === set) return Promise.resolve();
    const change = (entry: Entry): Entry => ({
      ...entry,
      reactions: reacted(entry.reactions ?? [], emoji, set ? 1 : -1, true),
    });
    return this.#assumed(seq, { name: nameOf({ kind: set ? "react" : "unreact", emoji }), change }, () =>
      calls.message.react(this.id, seq, emoji, set),
    );
  }

  async find(text: string): ReturnType<Conversation["find"]> {
    const found = await searched(this.#around.context.database, this.id, this.#log.entries, text);
    return found.map((entry) => ({
      seq: entry.seq,
      author: this.#around.user(entry.author_id),
      at: Date.parse(entry.at),
      text: entry.text ?? "",
    }));
  }

  // Below: how it is done.

  async #read(): Promise<void> {
    if (this.#window.isOpen) return this.#fill();
    await this.#load(() => this.#window.open(this.#bounds, this.#newLine.from, () => this.#changed()));
  }

  /** Reads what is missing in what is shown. */
  async #fill(): Promise<void> {
    if (this.#window.holes.length === 0) return;
    await this.#load(() => this.#window.fill(this.#bounds, () => this.#changed()));
  }

  async #load(work: () => Promise<void>): Promise<void> {
    this.#loads += 1;
    this.failure = null;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.failure = error;
    } finally {
      this.#loads -= 1;
      this.#changed();
    }
  }

  async #loadMembers(): Promise<void> {
    if (this.thread.gone === true) return;
    try {
      this.members = await this.#around.context.calls.thread.members(this.id);
      this.#marks.takeMembers(this.members);
      this.#spreadMarks();
    } catch (error) {
      // It is asked again when the thread is shown again.
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #spreadMarks(): void {
    const least = this.#marks.least(this.thread.kind === "direct");
    if (least) this.#around.threads.assume(this.id, (row) => withOthers(row, least));
  }

  #seen(seq: number): void {
    const { context, threads } = this.#around;
    this.#seenSeq = Math.max(this.#seenSeq, seq);
    // Somebody unknown is not told before they are accepted (G3).
    if (this.row.isRequest) return;
    const { mine, head } = this.#wire;
    if (seq > mine.read_seq && this.#log.holes(seq + 1, head.last_seq).length === 0) {
      const counts = unreadOf(this.#log.entries, seq, context.me);
      threads.assume(this.id, (row) => ({ ...row, mine: { ...row.mine, ...counts, read_seq: seq } }));
    }
    this.#reads.read(seq, this.#wire.mine.unread === 0 && !this.#wire.mine.marked_unread);
    this.#changed();
  }

  #edit(seq: number, text: string): Promise<void> {
    const { calls } = this.#around.context;
    const head = this.#wire.head.last_seq;
    return this.#assumed(
      seq,
      { name: nameOf({ kind: "edit" }), change: (entry) => ({ ...entry, text, edited_seq: head + 1 }) },
      () => calls.message.edit(this.id, seq, crypto.randomUUID(), head, text),
    ).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      this.refused = error;
    });
  }

  /** Why the last edit was taken back, until the view has said so. */
  refused = $state.raw<Refusal | null>(null);

  async #assumed(seq: number, assumption: Assumption, work: () => Promise<unknown>): Promise<void> {
    const takeBack = this.#log.assume(seq, assumption);
    this.#changed();
    try {
      await work();
    } catch (error) {
      takeBack();
      this.#changed();
      throw error;
    }
  }

  /** Whether the server's copy of a message is here already. */
  #has(send: StoredSend): boolean {
    const { entries } = this.#log;
    for (let place = entries.length - 1; place >= 0; place--) {
      const entry = entries[place]?.entry;
      if (!entry || entry.seq <= send.seenHead) return false;
      if (entry.client_msg_id === send.clientMsgId) return true;
    }
    return false;
  }

  #changeAt(at: number): void {
    if (this.#tick !== null) return;
    this.#tick = setTimeout(
      () => {
        this.#tick = null;
        this.#changed();
      },
      at - this.#around.context.now() + 1,
    );
  }

  #changed(): void {
    this.#version += 1;
  }
}
