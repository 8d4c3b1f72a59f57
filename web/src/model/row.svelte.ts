// A thread as a row of the list shows it: its name, its last message, its counts.

import { Refusal } from "../api/refusal";
import type { InboxRow, Mine, PatchMine, User } from "../protocol";
import type { Context } from "./context";
import type { StoredSend } from "./database";
import type { GroupNames } from "./group-names.svelte";
import type { Preview, Row, SendState } from "./kith";
import { stateOf } from "./marks";
import { cleanName } from "./names";

/** What rows are made from. Whatever of it changes, only the rows that show it are drawn again. */
export interface RowSources {
  readonly context: Pick<Context, "me" | "calls" | "publish">;
  readonly threads: {
    row(id: string): InboxRow | null;
    assume(id: string, change: (row: InboxRow) => InboxRow): void;
  };
  readonly outbox: { of(thread: string): readonly StoredSend[] };
  readonly people: {
    user(id: string): User;
    isContact(id: string): boolean;
    isBlocked(id: string): boolean;
    hasAsked(id: string): boolean;
  };
  readonly typing: { of(thread: string): readonly User[] };
  readonly drafts: { textOf(thread: string): string | null };
  readonly groupNames: Pick<GroupNames, "of">;
  readonly isConnected: boolean;
  /** For `Intl`. */
  readonly language: string;
}

/** No end that anybody will see. */
const FOREVER = "9000-01-01T00:00:00.000Z";

export class RowModel implements Row {
  readonly id: string;
  readonly #sources: RowSources;
  readonly #now: () => number;

  /** `now`: grows when a mute may have ended. */
  constructor(sources: RowSources, id: string, now: () => number) {
    this.#sources = sources;
    this.id = id;
    this.#now = now;
  }

  /** What was there last, for as long as somebody still shows a thread that is gone. */
  #last: InboxRow | null = null;

  readonly #wire = $derived.by((): InboxRow => {
    const row = this.#sources.threads.row(this.id) ?? this.#last;
    if (!row) throw new Error(`thread ${this.id} is not in the inbox`);
    this.#last = row;
    return row;
  });

  /** The last message on its way; one that could not be sent is no news after others have come. */
  readonly #send = $derived.by((): StoredSend | null => {
    const send = this.#sources.outbox.of(this.id).at(-1);
    if (!send) return null;
    return send.failure === null || send.at >= Date.parse(this.#wire.head.at) ? send : null;
  });

  get kind(): "direct" | "group" {
    return this.#wire.thread.kind === "direct" ? "direct" : "group";
  }

  readonly peer = $derived.by((): User | null => {
    const id = this.#wire.thread.peer_id;
    return id === undefined ? null : this.#sources.people.user(id);
  });

  readonly name = $derived.by((): string => {
    if (this.peer) return this.peer.display_name;
    const { title } = this.#wire.thread;
    return title === undefined ? this.#namesOfMembers() : cleanName(title);
  });

  readonly lastAt = $derived.by((): number => {
    return Math.max(Date.parse(this.#wire.head.at), this.#send?.at ?? 0);
  });

  readonly preview = $derived.by((): Preview | null => {
    const send = this.#send;
    if (send) return { author: null, isOwn: true, text: send.text, kind: "text", state: this.#stateOf(send) };
    const { preview } = this.#wire.head;
    if (!preview) return null;
    const { context, people } = this.#sources;
    const isOwn = preview.author_id === context.me;
    const isDeleted = preview.text === undefined && preview.kind === "text";
    return {
      author: isOwn ? null : people.user(preview.author_id),
      isOwn,
      text: preview.text ?? "",
      kind: isDeleted ? "deleted" : (preview.kind as Preview["kind"]),
      state: isOwn ? stateOf(this.#wire, preview.seq) : null,
    };
  });

  get draft(): string | null {
    return this.#sources.drafts.textOf(this.id);
  }

  get unread(): number {
    return this.#wire.mine.unread;
  }

  get mentions(): number {
    return this.#wire.mine.mentions;
  }

  readonly isMuted = $derived.by((): boolean => {
    const { muted_until } = this.#wire.mine;
    return muted_until !== undefined && Date.parse(muted_until) > this.#now();
  });

  get mutedUntil(): number | null {
    const { muted_until } = this.#wire.mine;
    if (muted_until === undefined || muted_until >= FOREVER) return null;
    return Date.parse(muted_until);
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

  readonly isBlocked = $derived.by((): boolean => {
    const id = this.#wire.thread.peer_id;
    return id !== undefined && this.#sources.people.isBlocked(id);
  });

  /** Somebody unknown wrote, and nothing was answered: writing, and reading where it is told, move the mark. */
  readonly isRequest = $derived.by((): boolean => {
    const { thread, head, mine } = this.#wire;
    const id = thread.peer_id;
    const { people, outbox, context } = this.#sources;
    if (id === undefined || people.isContact(id) || people.hasAsked(id)) return false;
    const hasWritten = head.preview?.author_id === context.me || outbox.of(this.id).length > 0;
    return head.ord > 0 && mine.read_seq <= thread.joined_seq && !hasWritten;
  });

  readonly typing = $derived.by((): readonly User[] => this.#sources.typing.of(this.id));

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

  #stateOf(send: StoredSend): SendState {
    if (send.failure !== null) return "failed";
    return this.#sources.isConnected ? "sending" : "waiting";
  }

  #namesOfMembers(): string {
    const members = this.#sources.groupNames.of(this.id);
    if (!members) return "";
    const names = members.ids.map((id) => this.#sources.people.user(id).display_name);
    // Without an "and": the same in every language.
    const list = new Intl.ListFormat(this.#sources.language, { style: "narrow", type: "conjunction" });
    const more = members.count - names.length;
    return list.format(more > 0 ? [...names, `+${more}`] : names);
  }

  /** Shown at once; as it was before, if it is refused. */
  async #patch(patch: PatchMine): Promise<void> {
    const { threads, context } = this.#sources;
    const before = this.#wire.mine;
    threads.assume(this.id, (row) => ({ ...row, mine: patched(row.mine, patch) }));
    try {
      const mine = await context.calls.thread.patchMine(this.id, patch);
      context.publish({ type: "frame", frame: { t: "mine", thread_id: this.id, ...mine } });
    } catch (error) {
      if (error instanceof Refusal)
        threads.assume(this.id, (row) => ({ ...row, mine: undone(row.mine, before, patch) }));
      throw error;
    }
  }
}

function patched(mine: Mine, patch: PatchMine): Mine {
  const { muted_until, ...rest } = mine;
  const until = patch.muted_until === undefined ? muted_until : patch.muted_until;
  return {
    ...rest,
    ...(until === undefined || until === null ? {} : { muted_until: until }),
    pinned: patch.pinned ?? mine.pinned,
    archived: patch.archived ?? mine.archived,
    marked_unread: patch.marked_unread ?? mine.marked_unread,
  };
}

/** What was not touched by the patch may have changed meanwhile. */
function undone(mine: Mine, before: Mine, patch: PatchMine): Mine {
  return patched(mine, {
    ...(patch.muted_until === undefined ? {} : { muted_until: before.muted_until ?? null }),
    ...(patch.pinned === undefined ? {} : { pinned: before.pinned }),
    ...(patch.archived === undefined ? {} : { archived: before.archived }),
    ...(patch.marked_unread === undefined ? {} : { marked_unread: before.marked_unread }),
  });
}
