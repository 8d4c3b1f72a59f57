// A signed-in account without a network and a browser's storage, for tests of the nouns of the model.

import type * as calls from "../api/calls";
import { Refusal } from "../api/refusal";
import type { InboxRow, Mine, Thread, User } from "../protocol";
import type { Context } from "./context";
import type { Database, StoredSend } from "./database";
import type { Event } from "./event";
import { InboxModel } from "./inbox.svelte";
import { PeopleModel } from "./people.svelte";
import { Threads } from "./threads.svelte";
import { TypingModel } from "./typing.svelte";

/** Twelve o'clock; tests say how much later it is. */
export const NOON = Date.parse("2026-11-27T12:00:00.000Z");

export const iso = (at: number): string => new Date(at).toISOString();

export function person(id: string, more: Partial<User> = {}): User {
  const name = id.slice(0, 1).toUpperCase() + id.slice(1);
  return { id, handle: id, display_name: name, about: "", created_at: iso(0), ...more };
}

type Rest = {
  thread?: Partial<Thread>;
  head?: Partial<InboxRow["head"]>;
  mine?: Partial<Mine>;
};

/** The row of a thread with a message of somebody else in it. */
export function rowOf(id: string, { thread, head, mine }: Rest = {}): InboxRow {
  const settings = { history: "forever", open_history: false, slow_s: 0, who_writes: "everyone" as const };
  return {
    thread: {
      id,
      kind: "group",
      title: id,
      created_at: iso(0),
      joined_seq: 1,
      member_count: 3,
      role: "member",
      settings,
      visible: [[1, null]],
      ...thread,
    },
    head: {
      last_seq: 2,
      ord: 1,
      at: iso(NOON),
      preview: { seq: 2, author_id: "ann", kind: "text", text: "hello" },
      ...head,
    },
    mine: {
      version: 1,
      read_seq: 2,
      delivered_seq: 2,
      unread: 0,
      mentions: 0,
      pinned: false,
      archived: false,
      marked_unread: false,
      ...mine,
    },
  };
}

export function directWith(peer: string, rest: Rest = {}): InboxRow {
  const { title, ...thread } = rowOf(peer, rest).thread;
  void title;
  return { ...rowOf(peer, rest), thread: { ...thread, kind: "direct", peer_id: peer, member_count: 2 } };
}

type Calls = { [Noun in keyof typeof calls]?: Partial<(typeof calls)[Noun]> };

const nobodyIsFound: Calls = {
  user: { show: () => Promise.reject(new Refusal("not_found", 404, "")) },
};

export class Scene {
  readonly me = "me";
  readonly context: Context;
  readonly threads: Threads;
  readonly people: PeopleModel;
  readonly typing: TypingModel;
  readonly inbox: InboxModel;
  /** What other tabs would hear. */
  readonly told: Event[] = [];
  /** What is kept in this browser. */
  readonly kept = new Map<string, unknown>();
  /** How often a sync was asked for. */
  doubts = 0;
  sends = $state.raw<readonly StoredSend[]>([]);
  drafts = $state.raw<Readonly<Record<string, string>>>({});
  members = $state.raw<Readonly<Record<string, { ids: string[]; count: number }>>>({});
  isConnected = $state(true);

  constructor(answers: Calls = {}) {
    const { kept } = this;
    const tables = {
      meta: {
        get: (key: string) => Promise.resolve(kept.has(key) ? { key, value: kept.get(key) } : undefined),
        put: ({ key, value }: { key: string; value: unknown }) =>
          Promise.resolve(void kept.set(key, structuredClone(value))),
      },
      users: {
        toArray: () => Promise.resolve([...((kept.get("users") as User[] | undefined) ?? [])]),
        bulkPut: (users: User[]) => {
          const before = ((kept.get("users") as User[] | undefined) ?? []).filter(
            (user) => !users.some(({ id }) => id === user.id),
          );
          return Promise.resolve(void kept.set("users", [...before, ...users]));
        },
      },
    };
    this.context = {
      me: this.me,
      calls: { ...nobodyIsFound, ...answers } as unknown as typeof calls,
      database: {
        with: (_otherwise: unknown, use: (given: unknown) => unknown) => Promise.resolve(use(tables)),
      } as unknown as Database,
      now: () => Date.now(),
      publish: (event) => this.#happened(event),
      apply: (event) => this.#happened(event),
      isLeader: () => false,
    };
    this.threads = new Threads(this.context, () => (this.doubts += 1));
    this.people = new PeopleModel(this.context);
    this.typing = new TypingModel(this.context, this.people);
    this.inbox = new InboxModel(this.#sources());
  }

  /** Runs each anew whenever what it has read changes, as components do; gives back how to stop. */
  static watch(effects: readonly (() => void)[]): () => void {
    return $effect.root(() => {
      for (const effect of effects) $effect.pre(effect);
    });
  }

  /** All that a sync would tell. */
  tell(threads: readonly InboxRow[], contacts: readonly string[] = []): void {
    const sync = {
      contacts: contacts.map((id) => ({ user: person(id), since_at: iso(0) })),
      threads: [...threads],
      sessions: [],
      cursor: "c",
      full: true,
      more: false,
    };
    this.threads.takeSync(sync, { isFirst: true, isLast: true });
    this.people.takeSync(sync, { isFirst: true, isLast: true });
  }

  #sources(): ConstructorParameters<typeof InboxModel>[0] {
    const isConnected = (): boolean => this.isConnected;
    return {
      context: this.context,
      threads: this.threads,
      people: this.people,
      typing: this.typing,
      outbox: { of: (thread) => this.sends.filter((send) => send.thread === thread) },
      drafts: { textOf: (thread) => this.drafts[thread] ?? null },
      groupNames: { of: (thread) => this.members[thread] ?? null },
      get isConnected() {
        return isConnected();
      },
      language: "en",
      now: () => Date.now(),
    };
  }

  #happened(event: Event): void {
    this.told.push(event);
    if (event.type === "users") this.people.takeUsers(event.users);
    if (event.type === "people") void this.people.reload();
    if (event.type === "frame" && event.frame.t === "mine") {
      this.threads.takeMine(event.frame.thread_id, event.frame);
    }
  }
}
