// The one switch: everything that happens to an account goes through it, each event to the noun that owns it.

import type { Entry, Me, ServerFrame } from "../protocol";
import type { ConversationModel } from "./conversation.svelte";
import type { Conversations } from "./conversations";
import type { Database } from "./database";
import type { DeliveredMarks } from "./delivered-marks";
import type { Drafts } from "./drafts.svelte";
import type { Event } from "./event";
import type { GroupNames } from "./group-names.svelte";
import type { NotificationsModel } from "./notifications.svelte";
import type { Outbox } from "./outbox.svelte";
import type { PeopleModel } from "./people.svelte";
import { StoredLog } from "./stored-log";
import type { Threads } from "./threads.svelte";
import type { TypingModel } from "./typing.svelte";
import { wireMessage } from "./wire-message";

/** Up to where the rows that this browser keeps are the answer to. */
export const CURSOR = "cursor";

/** What the frames and syncs are about. */
export interface Nouns {
  readonly me: string;
  readonly database: Database;
  readonly threads: Threads;
  readonly conversations: Pick<Conversations, "known" | "of">;
  readonly outbox: Pick<Outbox, "takeSend" | "takeGone" | "takeDiscarded">;
  readonly people: Pick<PeopleModel, "takeBeat" | "takeUsers" | "takeSync" | "takeContact" | "reload">;
  readonly typing: Pick<TypingModel, "heard" | "wrote">;
  readonly drafts: Pick<Drafts, "take">;
  readonly groupNames: Pick<GroupNames, "take">;
  readonly notifications: Pick<NotificationsModel, "arrived">;
  readonly delivered: Pick<DeliveredMarks, "arrived">;
  isLeader(): boolean;
  setSelf(me: Me): void;
  /** What is here may not be all. */
  resync(): void;
}

/** What is about this tab, the others, and the connection: the account itself owns it. */
export type TabEvent = Extract<
  Event,
  { type: "connection" | "who" | "lead" | "shows" | "look" | "retry" | "ended" }
>;

export class Store {
  readonly #nouns: Nouns;
  readonly #tab: { happened(event: TabEvent): void; sessionEnds(frame: SessionEnded): void };

  constructor(
    nouns: Nouns,
    tab: { happened(event: TabEvent): void; sessionEnds(frame: SessionEnded): void },
  ) {
    this.#nouns = nouns;
    this.#tab = tab;
  }

  happened(event: Event): void {
    const { outbox, people, drafts } = this.#nouns;
    switch (event.type) {
      case "frame":
        drafts.take(event);
        return this.#frame(event.frame);
      case "sync":
        drafts.take(event);
        return this.#synced(event);
      case "beat":
        people.takeBeat(event.beat);
        return event.beat.changed.forEach(({ thread_id, last_seq }) => this.#headIs(thread_id, last_seq));
      case "users":
        return people.takeUsers(event.users);
      case "send":
        outbox.takeSend(event.send);
        return this.#outboxChanged(event.send.thread);
      case "sent":
        return this.#sent(event);
      case "unsend":
        outbox.takeDiscarded(event.clientMsgId);
        return this.#outboxChanged(event.thread);
      case "draft":
        return drafts.take(event);
      case "people":
        return void people.reload();
      default:
        return this.#tab.happened(event);
    }
  }

  #frame(frame: ServerFrame): void {
    const { threads, typing, people, conversations } = this.#nouns;
    switch (frame.t) {
      case "entry":
        return this.#entries(frame.thread_id, frame.prev_seq, frame.entries);
      case "receipt":
        return conversations.of(frame.thread_id)?.takeReceipt(frame);
      case "mine":
        return threads.takeMine(frame.thread_id, frame);
      case "thread":
        return this.#headMoves(frame.thread.id, () => threads.take(frame));
      case "typing":
        return typing.heard(frame.thread_id, frame.user_id, frame.active);
      case "contact":
        return people.takeContact(frame);
      case "session_ended":
        return this.#tab.sessionEnds(frame);
      // What a later version adds, and what the connection itself has heard.
      default:
        return;
    }
  }

  #entries(id: string, prevSeq: number, entries: readonly Entry[]): void {
    const { me, threads, conversations, outbox, typing, groupNames, notifications, delivered } = this.#nouns;
    const conversation = conversations.known(id);
    threads.takeEntries(id, entries, (seq) => conversation?.targetOf(seq) ?? null);
    conversation?.takeEntries(prevSeq, entries);
    for (const entry of entries) {
      notifications.arrived(id, entry);
      groupNames.take(id, entry);
      typing.wrote(id, entry.author_id);
      if (entry.client_msg_id !== null && entry.author_id === me) outbox.takeGone(entry.client_msg_id);
    }
    if (!this.#nouns.isLeader()) return;
    const [first, last] = [entries[0]?.seq ?? 1, entries.at(-1)?.seq ?? 0];
    void new StoredLog(this.#nouns.database, id, me).writePushed(entries, [first, last]);
    delivered.arrived(id, entries);
  }

  /** The server's copy may come before the answer, or after, or never, where there is no socket: the answer says all there is
   * to know of it. What it does not say comes with the copy. */
  #sent({ send, sent }: Extract<Event, { type: "sent" }>): void {
    const { seq, ord, at } = sent;
    const { me } = this.#nouns;
    const entry: Entry = { ...wireMessage(send), seq, kind: "text", author_id: me, ord, at };
    this.#entries(send.thread, seq - 1, [entry]);
    // Also where the thread is not known here.
    this.#nouns.outbox.takeGone(send.clientMsgId);
    this.#outboxChanged(send.thread);
  }

  #synced({ sync, isFirst, isLast }: Extract<Event, { type: "sync" }>): void {
    const { threads, people, database } = this.#nouns;
    const heads = sync.threads.flatMap((row) =>
      "thread" in row ? [{ id: row.thread.id, before: this.#headOf(row.thread.id) }] : [],
    );
    threads.takeSync(sync, { isFirst, isLast });
    people.takeSync(sync, { isFirst, isLast });
    if (sync.me) this.#nouns.setSelf(sync.me);
    for (const { id, before } of heads) this.#conversation(id)?.headMoved(before);
    if (!isLast || !this.#nouns.isLeader()) return;
    // Rows first: a cursor never says more than is kept.
    void database.with(undefined, (tables) => tables.meta.put({ key: CURSOR, value: sync.cursor }));
  }

  #headMoves(id: string, take: () => void): void {
    const before = this.#headOf(id);
    take();
    this.#conversation(id)?.headMoved(before);
  }

  /** A wide group is not pushed to everybody: that it went on is told here. */
  #headIs(id: string, lastSeq: number): void {
    const head = this.#headOf(id);
    if (head > 0 && head < lastSeq) this.#nouns.resync();
  }

  #outboxChanged(id: string): void {
    this.#conversation(id)?.outboxChanged();
  }

  #conversation(id: string): ConversationModel | undefined {
    return this.#nouns.conversations.known(id);
  }

  #headOf(id: string): number {
    return this.#nouns.threads.row(id)?.head.last_seq ?? 0;
  }
}

type SessionEnded = Extract<ServerFrame, { t: "session_ended" }>;
