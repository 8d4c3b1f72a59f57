// The list of threads, as it is shown: names, previews, counts, order.

import type { InboxRow, PatchMine, User } from "../protocol";
import type { Account } from "./account.svelte";
import type { Inbox, Preview, Row, RowFilter, SendState } from "./kith";
import { stateOf } from "./marks";

/** Names of an untitled group. */
const NAMES_MAX = 3;

export class InboxModel implements Inbox {
  readonly #account: Account;
  readonly #rows = new Map<string, RowModel>();

  constructor(account: Account) {
    this.#account = account;
  }

  readonly #all = $derived.by((): readonly Row[] => {
    const wire = [...this.#account.threads.rows.values()];
    return wire.sort(byPlace).map(({ thread }) => this.row(thread.id));
  });

  readonly rows = $derived.by((): readonly Row[] | null =>
    this.#account.threads.isKnown ? this.#all.filter((row) => !row.isArchived && !isOver(row)) : null,
  );

  readonly archived = $derived.by((): readonly Row[] => this.#all.filter((row) => row.isArchived));

  readonly unread = $derived.by((): number => {
    const counts = this.#all
      .filter((row) => !row.isArchived)
      .map((row) => (row.isMuted ? row.mentions : row.unread));
    return counts.reduce((sum, count) => sum + count, 0);
  });

  /** The same object for as long as the account is open. */
  row(id: string): Row {
    const known = this.#rows.get(id);
    if (known) return known;
    const made = new RowModel(this.#account, id);
    this.#rows.set(id, made);
    return made;
  }

  find(text: string, filter: RowFilter): readonly Row[] {
    const wanted = folded(text.trim());
    return (this.rows ?? []).filter((row) => passes(row, filter) && matches(row, wanted));
  }
}

class RowModel implements Row {
  readonly id: string;
  readonly #account: Account;

  constructor(account: Account, id: string) {
    this.#account = account;
    this.id = id;
  }

  get #wire(): InboxRow {
    const row = this.#account.threads.row(this.id);
    if (!row) throw new Error(`thread ${this.id} is not in the inbox`);
    return row;
  }

  get kind(): "direct" | "group" {
    return this.#wire.thread.kind === "direct" ? "direct" : "group";
  }

  get peer(): User | null {
    const id = this.#wire.thread.peer_id;
    return id === undefined ? null : this.#account.user(id);
  }

  get name(): string {
    const { title } = this.#wire.thread;
    if (this.peer) return this.peer.display_name;
    if (title !== undefined) return title;
    const members = this.#account.conversationIfOpen(this.id)?.members ?? [];
    const others = members.filter(({ user }) => user.id !== this.#account.me).slice(0, NAMES_MAX);
    return others.map(({ user }) => user.display_name).join(", ");
  }

  get lastAt(): number {
    return Date.parse(this.#wire.head.at);
  }

  get preview(): Preview | null {
    const last = this.#account.outbox.of(this.id).at(-1);
    if (last) {
      const state: SendState =
        last.failure !== null ? "failed" : this.#account.isConnected ? "sending" : "waiting";
      return { author: null, isOwn: true, text: last.text, kind: "text", state };
    }
    const { preview } = this.#wire.head;
    if (!preview) return null;
    const isOwn = preview.author_id === this.#account.me;
    const isEmpty = preview.text === undefined && preview.kind === "text";
    return {
      author: isOwn ? null : this.#account.user(preview.author_id),
      isOwn,
      text: preview.text ?? "",
      kind: isEmpty ? "deleted" : (preview.kind as Preview["kind"]),
      state: isOwn ? stateOf(this.#wire, preview.seq) : null,
    };
  }

  get draft(): string | null {
    return this.#account.drafts.textOf(this.id);
  }

  get unread(): number {
    return this.#wire.mine.unread;
  }

  get mentions(): number {
    return this.#wire.mine.mentions;
  }

  get isMuted(): boolean {
    const { muted_until } = this.#wire.mine;
    return muted_until !== undefined && Date.parse(muted_until) > this.#account.now();
  }

  get mutedUntil(): number | null {
    const { muted_until } = this.#wire.mine;
    if (muted_until === undefined) return null;
    return muted_until >= FOREVER ? null : Date.parse(muted_until);
  }

  get isPinned(): boolean {
    return this.#wire.mine.pinned;
  }

  get isArchived(): boolean {
    return this.#wire.mine.archived;
  }

  get isMarkedUnread(): boolean {
    return this.#wire.mine.marked_unread;
  }

  get isGone(): boolean {
    return this.#wire.thread.gone === true;
  }

  get isBlocked(): boolean {
    const id = this.#wire.thread.peer_id;
    return id !== undefined && this.#account.isBlocked(id);
  }

  get isRequest(): boolean {
    const { thread, head, mine } = this.#wire;
    if (thread.peer_id === undefined || this.#account.people.isContact(thread.peer_id)) return false;
    // All messages are the other's and not one was answered: own ones move the read mark.
    return head.ord > 0 && mine.unread === head.ord;
  }

  get typing(): readonly User[] {
    return this.#account.typing.of(this.id);
  }

  mute(until: number | null): Promise<void> {
    if (until === 0) return this.#patch({ muted_until: null });
    return this.#patch({ muted_until: until === null ? FOREVER : new Date(until).toISOString() });
  }

  pin(set: boolean): Promise<void> {
    return this.#patch({ pinned: set });
  }

  archive(set: boolean): Promise<void> {
    return this.#patch({ archived: set });
  }

  markUnread(set: boolean): Promise<void> {
    return this.#patch({ marked_unread: set });
  }

  async #patch(patch: PatchMine): Promise<void> {
    const mine = await this.#account.calls.thread.patchMine(this.id, patch);
    this.#account.publish({ type: "frame", frame: { t: "mine", thread_id: this.id, ...mine } });
  }
}

/** No end that anybody will see. */
const FOREVER = "9000-01-01T00:00:00.000Z";

function byPlace(a: InboxRow, b: InboxRow): number {
  const pinned = Number(b.mine.pinned) - Number(a.mine.pinned);
  return pinned || Date.parse(b.head.at) - Date.parse(a.head.at);
}

/** Left, and nothing in it to read any longer. */
function isOver(row: Row): boolean {
  return row.isGone && row.preview === null;
}

function passes(row: Row, filter: RowFilter): boolean {
  if (filter === "unread") return row.unread > 0 || row.isMarkedUnread;
  return filter === "all" || row.kind === "group";
}

function matches(row: Row, wanted: string): boolean {
  if (wanted === "") return true;
  return folded(row.name).includes(wanted) || folded(row.peer?.handle ?? "").includes(wanted);
}

function folded(text: string): string {
  return text.normalize("NFKC").toLocaleLowerCase();
}
