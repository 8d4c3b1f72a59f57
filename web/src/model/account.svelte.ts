// A signed-in account in this tab: its nouns, the tabs beside it, and the connection that the leading one of them holds.

import * as calls from "../api/calls";
import type { Me, Sent, User } from "../protocol";
import type { Connection } from "./connection";
import type { Context } from "./context";
import type { ConversationModel } from "./conversation.svelte";
import { Conversations } from "./conversations";
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
import { Live } from "./live";
import { Looking } from "./looking";
import { hostOf } from "./notification-host";
import { type Announcer, NotificationsModel } from "./notifications.svelte";
import { Outbox } from "./outbox.svelte";
import { watchPage } from "./page-life";
import { PeopleModel } from "./people.svelte";
import { CURSOR, Store, type TabEvent } from "./store";
import { Subscriptions } from "./subscriptions";
import { Tabs } from "./tabs";
import { Threads } from "./threads.svelte";
import { TypingModel } from "./typing.svelte";
import { zoneHere } from "./when";
import { wireMessage } from "./wire-message";

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
  readonly conversations: Conversations;
  readonly delivered: DeliveredMarks;
  readonly #looking = new Looking((look) => this.publish({ type: "look", look }));
  readonly #subscriptions = new Subscriptions((isOn, thread) =>
    this.#live?.say({ t: isOn ? "subscribe" : "unsubscribe", thread_id: thread }),
  );
  readonly #tabs: Tabs<Event>;
  readonly #onEnd: (farewell: Farewell) => void;
  readonly #store: Store;
  readonly #queue: EventQueue;
  #unwatch: () => void = () => undefined;
  #live: Live | null = null;
  #cursor: string | null = null;
  #farewell: Farewell | null = null;
  #isClosed = false;

  self = $state.raw<Me>(null as unknown as Me);
  timeZone = $state(zoneHere());
  #connection = $state.raw<ConnectionState>({ state: "connecting", retryAt: null, trouble: null });

  private constructor(me: Me, database: Database, announcer: Announcer, onEnd: (farewell: Farewell) => void) {
    this.me = me.id;
    this.self = me;
    this.database = database;
    this.#onEnd = onEnd;
    this.threads = new Threads(this, () => this.resync());
    this.outbox = new Outbox(this, {
      isConnected: () => this.#live?.isReachable ?? false,
      send: (send) => this.#carry(send),
      forget: (clientMsgId) => this.#live?.say({ t: "forget", client_msg_id: clientMsgId }),
    });
    this.people = new PeopleModel(this);
    this.typing = new TypingModel(this, this.people);
    this.drafts = new Drafts(this, (id, text) => this.#typed(id, text === ""));
    this.groupNames = new GroupNames(this, (users) => this.people.takeUsers(users));
    this.inbox = new InboxModel(this);
    this.notifications = new NotificationsModel(hostOf(this, this.#looking), announcer);
    this.conversations = new Conversations(this);
    this.delivered = new DeliveredMarks({
      me: me.id,
      row: (id) => this.threads.row(id),
      isRequest: (id) => this.inbox.row(id).isRequest,
      say: (id, seq) => this.#live?.say({ t: "delivered", thread_id: id, seq }),
    });
    this.#store = new Store(this, {
      happened: (event) => this.#happened(event),
      sessionEnds: (frame) => (this.#farewell = farewellOf(frame)),
    });
    this.#queue = new EventQueue(
      (event) => this.#store.happened(event),
      () => this.#settled(),
    );
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
    account.#start();
    return account;
  }

  /** The person who was signed in here, as the browser remembers; null if nothing was kept. */
  static async kept(userId: string): Promise<Me | null> {
    const database = await Database.open(userId, () => undefined);
    const me = await database.with(undefined, (tables) => tables.meta.get(ME));
    await database.close();
    return (me?.value as Me | undefined) ?? null;
  }

  now(): number {
    return Date.now();
  }

  isLeader(): boolean {
    return this.#tabs.leads;
  }

  /** Whether the server answers, with a socket or without. */
  get isConnected(): boolean {
    const { state } = this.#connection;
    return state === "online" || state === "updating" || state === "polling";
  }

  readonly connection: Connection = ((account: Account) => ({
    get state() {
      return account.#connection.state;
    },
    get retryAt() {
      return account.#connection.retryAt;
    },
    get trouble() {
      return account.#connection.trouble;
    },
    retryNow: () => (account.isLeader() ? account.#live?.retryNow() : account.#tabs.tell({ type: "retry" })),
  }))(this);

  publish(event: Event): void {
    this.#tabs.tell(event);
    this.apply(event);
  }

  apply(event: Event): void {
    if (!this.#isClosed) this.#queue.add(event);
  }

  resync(): void {
    this.#live?.resync();
  }

  conversation(id: string): ConversationModel | null {
    return this.conversations.of(id);
  }

  show(id: string | null): void {
    const isAnother = id !== this.conversations.shown;
    this.conversations.show(id);
    if (!isAnother) return;
    this.#look();
    this.#tellShown();
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

  /** All that was written here is kept when this is done. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#unwatch();
    this.drafts.close();
    this.#isClosed = true;
    this.notifications.close();
    this.inbox.close();
    this.outbox.close();
    this.#live?.leave();
    this.#live?.close();
    this.#tabs.close();
    await this.database.close();
  }

  /** Other tabs of this account end as this one does. */
  tellEnd(farewell: Farewell): void {
    this.#tabs.tell({ type: "ended", farewell });
  }

  async #restore(): Promise<void> {
    this.setSelf(this.self);
    const cursor = await this.#keptCursor();
    await Promise.all([
      this.threads.restore(cursor !== null),
      this.outbox.restore(),
      this.people.restore(),
      this.drafts.restore(),
      this.groupNames.restore(),
    ]);
    // A cursor says what the rows here are the answer to.
    this.#cursor = this.threads.isKnown ? cursor : null;
  }

  async #keptCursor(): Promise<string | null> {
    const kept = await this.database.with(undefined, (tables) => tables.meta.get(CURSOR));
    return (kept?.value as string | undefined) ?? null;
  }

  #start(): void {
    this.#unwatch = watchPage({
      stirred: () => {
        this.timeZone = zoneHere();
        this.#live?.nudge();
        this.#tellShown();
      },
      looked: () => this.#look(),
      turnedAway: () => {
        this.drafts.flush();
        const { shown } = this.conversations;
        if (shown !== null) this.conversations.known(shown)?.blurred();
      },
      left: () => {
        this.drafts.flush();
        this.#looking.here(false, null);
        this.#tabs.tell({ type: "shows", tab: this.#looking.tab, thread: null });
        this.#live?.leave();
      },
    });
    this.#tabs.tell({ type: "who" });
    this.#look();
  }

  #look(): void {
    this.#looking.here(document.hasFocus() && !document.hidden, this.conversations.shown);
  }

  /** The cursor is read anew: the tab that led before may have got further. */
  async #lead(): Promise<void> {
    this.#cursor = (await this.#keptCursor()) ?? this.#cursor;
    await this.outbox.restore();
    if (this.#isClosed) return;
    this.#live = new Live(
      {
        frame: (frame) => this.publish({ type: "frame", frame }),
        page: (sync, place) => this.publish({ type: "sync", sync, ...place }),
        beat: (beat) => this.publish({ type: "beat", beat }),
        state: (connection) => this.publish({ type: "connection", connection }),
        joined: () => this.#subscriptions.joined(),
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
    this.#tabs.tell({ type: "lead" });
    this.#tellShown();
  }

  #carry(send: StoredSend): Promise<Sent> {
    const message = { ...wireMessage(send), seen_head: send.seenHead };
    const live = this.#live;
    if (!live?.isConnected) return calls.message.send(send.thread, message);
    return live.call({ t: "send", thread_id: send.thread, ...message }) as unknown as Promise<Sent>;
  }

  /** Everything is up to date: what waited can go. */
  #ready(): void {
    this.outbox.go();
    this.drafts.ready();
  }

  #happened(event: TabEvent): void {
    switch (event.type) {
      case "connection":
        return this.#connected(event.connection);
      case "shows":
        return this.#subscriptions.shows(event.tab, event.thread);
      case "who":
        return this.#introduce();
      case "lead":
        return this.#tellShown();
      case "look":
        return this.#looking.take(event.look);
      case "retry":
        return this.#live?.retryNow();
      case "ended":
        return this.#onEnd(event.farewell);
    }
  }

  #settled(): void {
    this.notifications.settle();
    this.conversations.forgetSome();
  }

  #connected(connection: ConnectionState): void {
    const before = this.#connection;
    this.#connection = connection;
    if (!this.isConnected) {
      this.typing.disconnected();
      this.outbox.disconnected();
    }
    if (connection.state !== "online" || before.state === "online") return;
    void this.people.reload();
    for (const conversation of this.conversations.all()) conversation.connected();
  }

  /** A tab that was opened later has not heard what the others have. */
  #introduce(): void {
    this.#looking.again();
    if (!this.isLeader()) return;
    this.#tabs.tell({ type: "connection", connection: this.#connection });
    this.#tabs.tell({ type: "beat", beat: { friends: this.people.friends, changed: [] } });
  }

  /** The tab that leads subscribes to it: wide groups are pushed to nobody else. */
  #tellShown(): void {
    const { shown } = this.conversations;
    const isGroup = shown !== null && this.threads.row(shown)?.thread.kind === "group";
    this.publish({ type: "shows", tab: this.#looking.tab, thread: isGroup ? shown : null });
  }

  #typed(id: string, isEmpty: boolean): void {
    const row = this.threads.row(id);
    if (!row || this.inbox.row(id).isRequest || this.self.privacy.typing === "nobody") return;
    this.typing.changed(id, isEmpty, row.thread.member_count);
  }
}
