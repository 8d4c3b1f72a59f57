// A signed-in account in this tab: its nouns, the one switch through which everything that happens goes, and the tabs beside it.

import * as calls from "../api/calls";
import type { Entry, Me, Sent, ServerFrame, User } from "../protocol";
import type { Connection } from "./connection";
import type { Context } from "./context";
import { ConversationModel } from "./conversation.svelte";
import { Database, type StoredSend } from "./database";
import { DeliveredMarks } from "./delivered-marks";
import { digestOf } from "./digest";
import { Drafts } from "./drafts.svelte";
import type { ConnectionState, Event } from "./event";
import { EventQueue } from "./event-queue";
import { farewellOf } from "./farewell";
import { GroupNames } from "./group-names.svelte";
import { InboxModel } from "./inbox.svelte";
import type { Farewell } from "./kith";
import { lasting } from "./lasting.svelte";
import { Live } from "./live";
import { Looking } from "./looking";
import { hostOf } from "./notification-host";
import { type Announcer, NotificationsModel } from "./notifications.svelte";
import { Outbox } from "./outbox.svelte";
import { PeopleModel } from "./people.svelte";
import { StoredLog } from "./stored-log";
import { Tabs } from "./tabs";
import { Threads } from "./threads.svelte";
import { TypingModel } from "./typing.svelte";
import { zoneHere } from "./when";
import { wireMessage } from "./wire-message";

/** Over all threads (T12). */
const ENTRIES_MAX = 10_000;
const CURSOR = "cursor";
const ME = "me";

export class Account implements Context {
  readonly me: string;
  readonly calls = calls;
  readonly database: Database;
  readonly threads: Threads;
  readonly outbox: Outbox;
  readonly people: PeopleModel;
  readonly typing: TypingModel;
  readonly drafts: Drafts;
  readonly groupNames: GroupNames;
  readonly inbox: InboxModel;
  readonly notifications: NotificationsModel;
  readonly #delivered: DeliveredMarks;
  readonly #looking = new Looking((look) => this.publish({ type: "look", look }));
  readonly #tabs: Tabs<Event>;
  readonly #onEnd: (farewell: Farewell) => void;
  readonly #conversations = new Map<string, ConversationModel>();
  readonly #queue = new EventQueue(
    (event) => this.#happened(event),
    () => this.notifications.settle(),
  );
  #live: Live | null = null;
  #cursor: string | null = null;
  #shown: string | null = null;
  #farewell: Farewell | null = null;

  self = $state.raw<Me>(null as unknown as Me);
  timeZone = $state(zoneHere());
  #connection = $state.raw<ConnectionState>({ state: "connecting", retryAt: null });
  trouble = $state<string | null>(null);

  private constructor(me: Me, database: Database, announcer: Announcer, onEnd: (farewell: Farewell) => void) {
    this.me = me.id;
    this.self = me;
    this.database = database;
    this.#onEnd = onEnd;
    this.threads = new Threads(this, () => this.#live?.resync());
    this.outbox = new Outbox(this, {
      isConnected: () => this.#live?.isConnected ?? false,
      send: (send) => this.#carry(send),
      forget: (clientMsgId) => this.#live?.say({ t: "forget", client_msg_id: clientMsgId }),
    });
    this.people = new PeopleModel(this);
    this.typing = new TypingModel(this, this.people);
    this.drafts = new Drafts(this, (id, text) => this.#typed(id, text === ""));
    this.groupNames = new GroupNames(this, (users) => this.people.takeUsers(users));
    this.inbox = new InboxModel(this);
    this.notifications = new NotificationsModel(hostOf(this, this.#looking), announcer);
    this.#delivered = new DeliveredMarks({
      me: me.id,
      row: (id) => this.threads.row(id),
      isRequest: (id) => this.inbox.row(id).isRequest,
      say: (id, seq) => this.#live?.say({ t: "delivered", thread_id: id, seq }),
    });
    this.#tabs = new Tabs<Event>(`kith-${me.id}`, {
      heard: (event) => this.apply(event),
      lead: () => void this.#lead(),
    });
  }

  /** From what the browser kept; whoever it is must have signed in before. */
  static async open(
    me: Me,
    announcer: Announcer,
    onLost: () => void,
    onEnd: (farewell: Farewell) => void,
  ): Promise<Account> {
    const database = await Database.open(me.id, onLost);
    const account = new Account(me, database, announcer, onEnd);
    await account.#restore();
    account.#listen();
    return account;
  }

  /** The person who was signed in here, as the browser remembers; null if nothing was kept. */
  static async kept(userId: string): Promise<Me | null> {
    const database = await Database.open(userId, () => undefined);
    const me = await database.with(undefined, (tables) => tables.meta.get(ME));
    database.close();
    return (me?.value as Me | undefined) ?? null;
  }

  now(): number {
    return Date.now();
  }

  isLeader(): boolean {
    return this.#tabs.leads;
  }

  get isConnected(): boolean {
    return this.#connection.state === "online" || this.#connection.state === "updating";
  }

  readonly connection: Connection = ((account: Account) => ({
    get state() {
      return account.#connection.state;
    },
    get retryAt() {
      return account.#connection.retryAt;
    },
    get trouble() {
      return account.trouble;
    },
    retryNow: () => (account.isLeader() ? account.#live?.retryNow() : account.#tabs.tell({ type: "retry" })),
  }))(this);

  publish(event: Event): void {
    this.#tabs.tell(event);
    this.apply(event);
  }

  apply(event: Event): void {
    this.#queue.add(event);
  }

  conversation(id: string): ConversationModel | null {
    const known = this.#conversations.get(id);
    if (known) return known;
    if (!this.threads.row(id)) return null;
    const made = lasting(() => new ConversationModel(this, id));
    this.#conversations.set(id, made);
    return made;
  }

  show(id: string | null): void {
    if (id === this.#shown) return;
    if (this.#shown !== null) this.#conversations.get(this.#shown)?.hide();
    this.#subscribe(this.#shown, false);
    this.#shown = id;
    this.#look();
    const shown = id === null ? null : this.conversation(id);
    if (!shown || id === null) return;
    // The last one in the map is the one that was shown last.
    this.#conversations.delete(id);
    this.#conversations.set(id, shown);
    this.#subscribe(id, true);
    void shown.show();
    this.#forgetSome();
  }

  /** For `Intl`: that of the page. */
  get language(): string {
    return document.documentElement.lang;
  }

  get context(): Context {
    return this;
  }

  typingIn(id: string): readonly User[] {
    return this.typing.of(id);
  }

  user(id: string): User {
    return this.people.user(id);
  }

  row(id: string): ReturnType<InboxModel["row"]> {
    return this.inbox.row(id);
  }

  isBlocked(userId: string): boolean {
    return this.people.isBlocked(userId);
  }

  draft(id: string): ReturnType<Drafts["of"]> {
    return this.drafts.of(id);
  }

  setSelf(me: Me): void {
    this.self = me;
    void this.database.with(undefined, (tables) => tables.meta.put({ key: ME, value: me }));
  }

  async close(): Promise<void> {
    removeEventListener("online", this.#nudge);
    removeEventListener("offline", this.#nudge);
    removeEventListener("pageshow", this.#nudge);
    removeEventListener("pagehide", this.#leave);
    removeEventListener("blur", this.#blur);
    removeEventListener("focus", this.#look);
    document.removeEventListener("visibilitychange", this.#nudge);
    this.drafts.close();
    this.notifications.close();
    this.inbox.close();
    this.#live?.leave();
    this.#live?.close();
    this.#tabs.close();
    this.database.close();
    await Promise.resolve();
  }

  /** Other tabs of this account end as this one does. */
  tellEnd(farewell: Farewell): void {
    this.#tabs.tell({ type: "ended", farewell });
  }

  async #restore(): Promise<void> {
    this.setSelf(this.self);
    const cursor = await this.database.with(undefined, (tables) => tables.meta.get(CURSOR));
    await Promise.all([
      this.threads.restore(),
      this.outbox.restore(),
      this.people.restore(),
      this.drafts.restore(),
      this.groupNames.restore(),
    ]);
    // A cursor says what the rows here are the answer to.
    this.#cursor = this.threads.isKnown ? ((cursor?.value as string | undefined) ?? null) : null;
  }

  #listen(): void {
    addEventListener("online", this.#nudge);
    addEventListener("offline", this.#nudge);
    addEventListener("pageshow", this.#nudge);
    addEventListener("pagehide", this.#leave);
    addEventListener("blur", this.#blur);
    addEventListener("focus", this.#look);
    document.addEventListener("visibilitychange", this.#nudge);
    this.#tabs.tell({ type: "who" });
    this.#look();
  }

  readonly #nudge = (): void => {
    this.timeZone = zoneHere();
    this.#live?.nudge();
    if (document.hidden) this.#blur();
  };

  readonly #blur = (): void => {
    this.drafts.flush();
    if (this.#shown !== null) this.#conversations.get(this.#shown)?.blurred();
    this.#look();
  };

  readonly #look = (): void => {
    this.#looking.here(document.hasFocus() && !document.hidden, this.#shown);
  };

  readonly #leave = (): void => {
    this.drafts.flush();
    this.#looking.here(false, null);
    this.#live?.leave();
  };

  /** The cursor is read anew: the tab that led before may have got further. */
  async #lead(): Promise<void> {
    const cursor = await this.database.with(undefined, (tables) => tables.meta.get(CURSOR));
    this.#cursor = (cursor?.value as string | undefined) ?? this.#cursor;
    await this.outbox.restore();
    this.#live = new Live(
      {
        frame: (frame) => this.publish({ type: "frame", frame }),
        sync: (sync, place) => this.publish({ type: "sync", sync, ...place }),
        beat: (beat) => this.publish({ type: "beat", beat }),
        state: (connection) => this.publish({ type: "connection", connection }),
        ready: () => this.#ready(),
        final: (end) => this.publish({ type: "ended", farewell: this.#farewell ?? farewellOf(end) }),
        agrees: async (digest) => (await digestOf([...this.threads.rows.values()])) === digest,
      },
      {
        calls,
        cursor: this.#cursor,
        now: () => this.now(),
        random: () => Math.random(),
        url: () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/socket`,
        isVisible: () => !document.hidden || this.#looking.isAnywhere,
        isOnline: () => navigator.onLine,
      },
    );
    if (this.#shown !== null) this.#subscribe(this.#shown, true);
  }

  #carry(send: StoredSend): Promise<Sent> {
    const message = { ...wireMessage(send), seen_head: send.seenHead };
    const live = this.#live;
    if (!live?.isConnected) return calls.message.send(send.thread, message);
    return live.call({ t: "send", thread_id: send.thread, ...message }) as unknown as Promise<Sent>;
  }

  /** Everything is up to date: what waited can go. */
  #ready(): void {
    this.outbox.ready();
    this.drafts.ready();
  }

  /** The one switch: each event goes to the noun that owns it. */
  #happened(event: Event): void {
    switch (event.type) {
      case "frame":
        this.drafts.take(event);
        return this.#frame(event.frame);
      case "sync":
        this.drafts.take(event);
        return this.#synced(event);
      case "beat":
        this.people.takeBeat(event.beat);
        return event.beat.changed.forEach(({ thread_id, last_seq }) => this.#headIs(thread_id, last_seq));
      case "users":
        return this.people.takeUsers(event.users);
      case "send":
        this.outbox.takeSend(event.send);
        return this.#conversations.get(event.send.thread)?.outboxChanged();
      case "sent":
        this.#sent(event);
        return;
      case "unsend":
        this.outbox.takeGone(event.clientMsgId);
        return this.#conversations.get(event.thread)?.outboxChanged();
      case "draft":
        return this.drafts.take(event);
      case "people":
        return void this.people.reload();
      case "connection":
        return this.#connected(event.connection);
      case "who":
        return this.#introduce();
      case "look":
        return this.#looking.take(event.look);
      case "retry":
        return this.#live?.retryNow();
      case "ended":
        return this.#onEnd(event.farewell);
    }
  }

  #connected(connection: ConnectionState): void {
    const wasOnline = this.#connection.state === "online";
    this.#connection = connection;
    if (!this.isConnected) this.typing.disconnected();
    if (connection.state === "online" && !wasOnline) void this.people.reload();
  }

  /** A tab that was opened later has not heard what the others have. */
  #introduce(): void {
    if (!this.isLeader()) return;
    this.#tabs.tell({ type: "connection", connection: this.#connection });
    this.#tabs.tell({ type: "beat", beat: { friends: this.people.friends, changed: [] } });
  }

  #frame(frame: ServerFrame): void {
    switch (frame.t) {
      case "entry":
        return this.#entries(frame.thread_id, frame.prev_seq, frame.entries);
      case "receipt":
        return this.#receipt(frame);
      case "mine":
        return this.threads.takeMine(frame.thread_id, frame);
      case "thread":
        return this.threads.take(frame);
      case "typing":
        return this.typing.heard(frame.thread_id, frame.user_id, frame.active);
      case "contact":
        return this.people.takeContact(frame);
      case "session_ended":
        this.#farewell = farewellOf(frame);
        return;
      // What a later version adds, and what the connection itself has heard.
      default:
        return;
    }
  }

  #entries(id: string, prevSeq: number, entries: readonly Entry[]): void {
    const conversation = this.#conversations.get(id);
    this.threads.takeEntries(id, entries, (seq) => conversation?.targetOf(seq) ?? null);
    conversation?.takeEntries(prevSeq, entries);
    for (const entry of entries) {
      this.notifications.arrived(id, entry);
      this.groupNames.take(id, entry);
      this.typing.wrote(id, entry.author_id);
      if (entry.client_msg_id !== null && entry.author_id === this.me)
        this.outbox.takeGone(entry.client_msg_id);
    }
    if (!this.isLeader()) return;
    const [first, last] = [entries[0]?.seq ?? 1, entries.at(-1)?.seq ?? 0];
    void new StoredLog(this.database, id, this.me).write(entries, [first, last], null);
    this.#delivered.arrived(id, entries);
  }

  /** The server's copy may come before the answer, or after: either takes the message out of the outbox. */
  #sent({ send, seq, at }: Extract<Event, { type: "sent" }>): void {
    const conversation = this.#conversations.get(send.thread);
    const head = this.threads.row(send.thread)?.head;
    if (head && seq > head.last_seq) {
      // Not pushed yet, or never: without a socket it is known by this answer.
      const entry: Entry = {
        ...wireMessage(send),
        seq,
        kind: "text",
        author_id: this.me,
        ord: head.ord + 1,
        at,
      };
      if (seq === head.last_seq + 1) this.#entries(send.thread, head.last_seq, [entry]);
    }
    this.outbox.takeGone(send.clientMsgId);
    conversation?.outboxChanged();
  }

  #synced({ sync, isFirst, isLast }: Extract<Event, { type: "sync" }>): void {
    const heads = new Map(
      sync.threads.flatMap((row) =>
        "thread" in row
          ? [[row.thread.id, this.threads.row(row.thread.id)?.head.last_seq ?? 0] as const]
          : [],
      ),
    );
    this.threads.takeSync(sync, { isFirst, isLast });
    this.people.takeSync(sync, { isFirst, isLast });
    if (sync.me) this.setSelf(sync.me);
    for (const row of sync.threads) {
      if (!("thread" in row)) continue;
      this.#conversations.get(row.thread.id)?.headMoved(heads.get(row.thread.id) ?? 0);
    }
    if (!isLast || !this.isLeader()) return;
    // Rows first: a cursor never says more than is kept.
    void this.database.with(undefined, (tables) => tables.meta.put({ key: CURSOR, value: sync.cursor }));
  }

  #receipt(frame: Extract<ServerFrame, { t: "receipt" }>): void {
    const conversation = this.conversation(frame.thread_id);
    if (conversation) conversation.takeReceipt(frame);
  }

  /** A wide group is not pushed to everybody: that it went on is told here. */
  #headIs(id: string, lastSeq: number): void {
    const row = this.threads.row(id);
    if (!row || row.head.last_seq >= lastSeq) return;
    if (this.isLeader()) this.#live?.resync();
  }

  #typed(id: string, isEmpty: boolean): void {
    const row = this.threads.row(id);
    if (!row || this.inbox.row(id).isRequest || this.self.privacy.typing === "nobody") return;
    this.typing.changed(id, isEmpty, row.thread.member_count);
  }

  #subscribe(id: string | null, set: boolean): void {
    const row = id === null ? null : this.threads.row(id);
    if (!row || id === null || row.thread.kind === "direct") return;
    this.#live?.say({ t: set ? "subscribe" : "unsubscribe", thread_id: id });
  }

  #forgetSome(): void {
    let total = 0;
    for (const conversation of [...this.#conversations.values()].reverse()) {
      total += conversation.size;
      if (total > ENTRIES_MAX && !conversation.isShown) conversation.forget();
    }
  }
}
