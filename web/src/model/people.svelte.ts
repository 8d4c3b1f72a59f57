// The people one knows, asks, blocks, or meets in a thread, and when they were here.

import { Refusal } from "../api/refusal";
import type { Beat, ContactRequest, ServerContact, Sync, SyncContact, User } from "../protocol";
import type { Context } from "./context";
import type { People, PersonRequest, Presence } from "./kith";

/** Asked for at once when many unknown people come into sight. */
const FETCHES_MAX = 8;
const CONTACTS = "contacts";

export class PeopleModel implements People {
  readonly #context: Context;
  #users = $state.raw<ReadonlyMap<string, User>>(new Map());
  #contactIds = $state.raw<ReadonlySet<string>>(new Set());
  #presence = $state.raw<ReadonlyMap<string, Presence>>(new Map());
  #incoming = $state.raw<readonly PersonRequest[]>([]);
  #outgoing = $state.raw<readonly PersonRequest[]>([]);
  #blocked = $state.raw<readonly User[]>([]);
  readonly #wanted = new Set<string>();
  readonly #placeholders = new Map<string, User>();
  #fetching = 0;
  /** What a full answer, which comes in pages, has told so far. */
  #told: Set<string> | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  async restore(): Promise<void> {
    const users = await this.#context.database.with([], (tables) => tables.users.toArray());
    const kept = await this.#context.database.with(undefined, (tables) => tables.meta.get(CONTACTS));
    this.#users = new Map(users.map((user) => [user.id, user]));
    this.#contactIds = new Set((kept?.value as string[] | undefined) ?? []);
    void this.reload();
  }

  get contacts(): readonly User[] {
    return [...this.#contactIds]
      .map((id) => this.user(id))
      .sort((a, b) => a.display_name.localeCompare(b.display_name));
  }

  get requests(): People["requests"] {
    return { incoming: this.#incoming, outgoing: this.#outgoing };
  }

  get blocked(): readonly User[] {
    return this.#blocked;
  }

  user(id: string): User {
    const known = this.#users.get(id);
    if (known) return known;
    this.#want(id);
    return this.#placeholder(id);
  }

  isContact(id: string): boolean {
    return this.#contactIds.has(id);
  }

  isBlocked(id: string): boolean {
    return this.#blocked.some((user) => user.id === id);
  }

  presence(id: string): Presence | null {
    return this.#presence.get(id) ?? null;
  }

  async search(text: string): Promise<readonly User[]> {
    const found = await this.#context.calls.user.find(text);
    this.takeUsers(found);
    return found.filter((user) => user.id !== this.#context.me);
  }

  async ask(userId: string, note?: string): Promise<void> {
    await this.#context.calls.contact.ask(userId, note);
    this.#changed();
  }

  async accept(requestId: string): Promise<void> {
    const contact = await this.#context.calls.contact.accept(requestId);
    this.takeUsers([contact.user]);
    this.#setContacts(new Set(this.#contactIds).add(contact.user.id));
    this.#changed();
  }

  async decline(requestId: string): Promise<void> {
    await this.#context.calls.contact.decline(requestId);
    this.#changed();
  }

  async part(userId: string): Promise<void> {
    await this.#context.calls.contact.part(userId);
    this.#drop(userId);
  }

  async block(userId: string, set: boolean): Promise<void> {
    const { contact } = this.#context.calls;
    await (set ? contact.block(userId) : contact.unblock(userId));
    // Contact and requests are gone with it.
    if (set) this.#drop(userId);
    this.#changed();
  }

  takeUsers(users: readonly User[]): void {
    const news = users.filter((user) => !isSame(this.#users.get(user.id), user));
    if (news.length === 0) return;
    const all = new Map(this.#users);
    news.forEach((user) => all.set(user.id, user));
    this.#users = all;
    void this.#context.database.with(undefined, (tables) => tables.users.bulkPut(news));
  }

  takeSync(sync: Sync, place: { isFirst: boolean; isLast: boolean }): void {
    if (sync.full && place.isFirst) this.#told = new Set();
    const ids = new Set(this.#contactIds);
    for (const contact of sync.contacts) this.#takeSynced(ids, contact);
    if (place.isLast && this.#told) {
      for (const id of ids) if (!this.#told.has(id)) ids.delete(id);
      this.#told = null;
    }
    this.#setContacts(ids);
  }

  takeContact(frame: ServerContact): void {
    if (frame.contact) {
      this.takeUsers([frame.contact.user]);
      this.#setContacts(new Set(this.#contactIds).add(frame.user_id));
    }
    if (frame.gone === true) this.#drop(frame.user_id);
    if (frame.requests === true || frame.contact) void this.reload();
  }

  /** Only those come who have changed; those who went offline too. */
  takeBeat(beat: Beat): void {
    if (beat.friends.length === 0) return;
    const presence = new Map(this.#presence);
    for (const { user_id, status, last_seen_at } of beat.friends) {
      const lastSeenAt = last_seen_at === undefined ? null : Date.parse(last_seen_at);
      presence.set(user_id, { status, lastSeenAt });
    }
    this.#presence = presence;
  }

  /** Lists that no sync tells. */
  async reload(): Promise<void> {
    const { contact } = this.#context.calls;
    try {
      const [requests, blocks] = await Promise.all([contact.requests(), contact.blocks()]);
      const open = requests.filter(({ accepted }) => !accepted);
      this.takeUsers([...requests.flatMap(({ from, to }) => [from, to]), ...blocks.map(({ user }) => user)]);
      this.#incoming = open.filter(({ to }) => to.id === this.#context.me).map((one) => shown(one, one.from));
      this.#outgoing = open
        .filter(({ from }) => from.id === this.#context.me)
        .map((one) => shown(one, one.to));
      this.#blocked = blocks.map(({ user }) => user);
    } catch (error) {
      // Asked again after the next connection.
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #takeSynced(ids: Set<string>, contact: SyncContact): void {
    if ("user_id" in contact) {
      ids.delete(contact.user_id);
      return;
    }
    ids.add(contact.user.id);
    this.#told?.add(contact.user.id);
    this.takeUsers([contact.user]);
  }

  #drop(userId: string): void {
    const ids = new Set(this.#contactIds);
    ids.delete(userId);
    this.#setContacts(ids);
    const presence = new Map(this.#presence);
    presence.delete(userId);
    this.#presence = presence;
  }

  #setContacts(ids: ReadonlySet<string>): void {
    this.#contactIds = ids;
    const value = [...ids];
    void this.#context.database.with(undefined, (tables) => tables.meta.put({ key: CONTACTS, value }));
  }

  /** Here and in the other tabs. */
  #changed(): void {
    this.#context.publish({ type: "people" });
  }

  #want(id: string): void {
    if (this.#wanted.has(id)) return;
    this.#wanted.add(id);
    // Not while something is being drawn.
    queueMicrotask(() => void this.#fetch());
  }

  async #fetch(): Promise<void> {
    const [id] = [...this.#wanted].filter((one) => !this.#underWay.has(one));
    if (id === undefined || this.#fetching >= FETCHES_MAX) return;
    this.#fetching += 1;
    this.#underWay.add(id);
    try {
      const user = await this.#context.calls.user.show(id);
      this.takeUsers([user]);
      this.#wanted.delete(id);
      this.#underWay.delete(id);
    } catch (error) {
      // It stays wanted, and is not asked for again before the page is loaded anew: most likely it is not to be seen.
      if (!(error instanceof Refusal)) throw error;
    } finally {
      this.#fetching -= 1;
    }
    void this.#fetch();
  }

  readonly #underWay = new Set<string>();

  #placeholder(id: string): User {
    const made = this.#placeholders.get(id) ?? {
      id,
      handle: "",
      display_name: "…",
      about: "",
      created_at: "1970-01-01T00:00:00.000Z",
    };
    this.#placeholders.set(id, made);
    return made;
  }
}

function shown(request: ContactRequest, user: User): PersonRequest {
  return { id: request.id, user, note: request.note ?? null, at: Date.parse(request.at) };
}

function isSame(a: User | undefined, b: User): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
