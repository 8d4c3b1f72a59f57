// The people one knows, asks, or blocks, and when they were here.

import { Refusal } from "../api/refusal";
import type { Beat, Block, ContactRequest, ServerContact, Sync, User } from "../protocol";
import type { Context } from "./context";
import type { People, PersonRequest, Presence } from "./kith";
import { Users } from "./users.svelte";

const KEPT = "people";

/** What no list of users tells, as it is kept. */
interface Kept {
  contacts: string[];
  incoming: KeptRequest[];
  outgoing: KeptRequest[];
  blocked: string[];
}

interface KeptRequest {
  readonly id: string;
  readonly userId: string;
  readonly note: string | null;
  readonly at: number;
}

export class PeopleModel implements People {
  readonly #context: Context;
  readonly #users: Users;
  readonly #collator = new Intl.Collator();
  #contactIds = $state.raw<ReadonlySet<string>>(new Set());
  #incoming = $state.raw<readonly KeptRequest[]>([]);
  #outgoing = $state.raw<readonly KeptRequest[]>([]);
  #blockedIds = $state.raw<ReadonlySet<string>>(new Set());
  #presence = $state.raw<ReadonlyMap<string, Presence>>(new Map());
  /** What a full answer, which comes in pages, has told so far. */
  #told: Set<string> | null = null;

  constructor(context: Context) {
    this.#context = context;
    this.#users = new Users(context);
  }

  async restore(): Promise<void> {
    await this.#users.restore();
    const row = await this.#context.database.with(undefined, (tables) => tables.meta.get(KEPT));
    const kept = row?.value as Kept | undefined;
    if (kept) {
      this.#contactIds = new Set(kept.contacts);
      this.#incoming = kept.incoming;
      this.#outgoing = kept.outgoing;
      this.#blockedIds = new Set(kept.blocked);
    }
    void this.reload();
  }

  readonly contacts = $derived.by((): readonly User[] => {
    const users = [...this.#contactIds].map((id) => this.user(id));
    return users.sort((a, b) => this.#collator.compare(a.display_name, b.display_name));
  });

  readonly requests = $derived.by((): People["requests"] => ({
    incoming: this.#incoming.map((one) => this.#shown(one)),
    outgoing: this.#outgoing.map((one) => this.#shown(one)),
  }));

  readonly blocked = $derived.by((): readonly User[] => [...this.#blockedIds].map((id) => this.user(id)));

  readonly #askedIds = $derived.by(
    (): ReadonlySet<string> => new Set(this.#outgoing.map(({ userId }) => userId)),
  );

  user(id: string): User {
    return this.#users.of(id);
  }

  isContact(id: string): boolean {
    return this.#contactIds.has(id);
  }

  isBlocked(id: string): boolean {
    return this.#blockedIds.has(id);
  }

  /** Whether this person was asked to be a contact: then they are no stranger. */
  hasAsked(id: string): boolean {
    return this.#askedIds.has(id);
  }

  presence(id: string): Presence | null {
    return this.#presence.get(id) ?? null;
  }

  async search(text: string): Promise<readonly User[]> {
    const found = await this.#context.calls.user.find(text);
    this.takeUsers(found);
    return found.filter(({ id }) => id !== this.#context.me).map(({ id }) => this.user(id));
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
    this.#users.take(users);
  }

  takeSync(sync: Sync, place: { isFirst: boolean; isLast: boolean }): void {
    if (sync.full && place.isFirst) this.#told = new Set();
    const ids = new Set(this.#contactIds);
    const users: User[] = [];
    for (const contact of sync.contacts) {
      if ("user_id" in contact) ids.delete(contact.user_id);
      else {
        users.push(contact.user);
        ids.add(contact.user.id);
        this.#told?.add(contact.user.id);
      }
    }
    if (place.isLast && this.#told) {
      for (const id of ids) if (!this.#told.has(id)) ids.delete(id);
      this.#told = null;
    }
    this.takeUsers(users);
    if (!areSame(ids, this.#contactIds)) this.#setContacts(ids);
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
  takeBeat({ friends }: Pick<Beat, "friends">): void {
    if (friends.length === 0) return;
    const presence = new Map(this.#presence);
    for (const { user_id, status, last_seen_at } of friends) {
      presence.set(user_id, {
        status,
        lastSeenAt: last_seen_at === undefined ? null : Date.parse(last_seen_at),
      });
    }
    this.#presence = presence;
  }

  /** Everybody's, for a tab that was opened later. */
  get friends(): Beat["friends"] {
    return [...this.#presence].map(([user_id, { status, lastSeenAt }]) => ({
      user_id,
      status,
      ...(lastSeenAt === null ? {} : { last_seen_at: new Date(lastSeenAt).toISOString() }),
    }));
  }

  /** Lists that no sync tells. */
  async reload(): Promise<void> {
    const { contact } = this.#context.calls;
    try {
      const [requests, blocks] = await Promise.all([contact.requests(), contact.blocks()]);
      this.#takeLists(requests, blocks);
    } catch (error) {
      // Asked again with the next connection.
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #takeLists(requests: readonly ContactRequest[], blocks: readonly Block[]): void {
    const { me } = this.#context;
    this.takeUsers([...requests.flatMap(({ from, to }) => [from, to]), ...blocks.map(({ user }) => user)]);
    const open = requests.filter(({ accepted }) => !accepted);
    this.#incoming = open.filter(({ to }) => to.id === me).map((one) => kept(one, one.from.id));
    this.#outgoing = open.filter(({ from }) => from.id === me).map((one) => kept(one, one.to.id));
    this.#blockedIds = new Set(blocks.map(({ user }) => user.id));
    this.#keep();
  }

  #shown({ id, userId, note, at }: KeptRequest): PersonRequest {
    return { id, user: this.user(userId), note, at };
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
    this.#keep();
  }

  #keep(): void {
    const value: Kept = {
      contacts: [...this.#contactIds],
      incoming: [...this.#incoming],
      outgoing: [...this.#outgoing],
      blocked: [...this.#blockedIds],
    };
    void this.#context.database.with(undefined, (tables) => tables.meta.put({ key: KEPT, value }));
  }

  /** Here and in the other tabs. */
  #changed(): void {
    this.#context.publish({ type: "people" });
  }
}

function kept({ id, note, at }: ContactRequest, userId: string): KeptRequest {
  return { id, userId, note: note ?? null, at: Date.parse(at) };
}

function areSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}
