// Every path of the server that this page asks for, one function each. Refused with a `Refusal`.

import type {
  AddMembers,
  Beat,
  Block,
  Contact,
  ContactRequest,
  CreateThread,
  Heartbeat,
  InboxRow,
  Login,
  Marks,
  Me,
  Member,
  Mine,
  Page,
  PatchMe,
  PatchMine,
  PatchThread,
  Receipts,
  Register,
  Role,
  SendMessage,
  Sent,
  Session,
  SignedIn,
  Sync,
  Thread,
  User,
} from "../protocol";
import { ask } from "./http";

interface List<Item> {
  items: Item[];
  next: string | null;
}

/** Pages of a list that are read at most: far above what the server keeps of anything. */
const PAGES_MAX = 200;

async function all<Item>(path: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await ask<List<Item>>("GET", path, { query: { cursor } });
    items.push(...page.items);
    if (page.next === null) break;
    cursor = page.next;
  }
  return items;
}

export const session = {
  register: (body: Register) => ask<SignedIn>("POST", "/v1/register", { body }),
  login: (body: Login) => ask<SignedIn>("POST", "/v1/login", { body }),
  logout: () => ask<undefined>("POST", "/v1/logout"),
  list: () => all<Session>("/v1/sessions"),
  end: (id: string) => ask<undefined>("DELETE", `/v1/sessions/${id}`),
  endOthers: () => ask<undefined>("DELETE", "/v1/sessions", { query: { others: "true" } }),
};

export const user = {
  me: () => ask<Me>("GET", "/v1/me"),
  patchMe: (body: PatchMe) => ask<Me>("PATCH", "/v1/me", { body }),
  setPassword: (current: string, next: string) =>
    ask<undefined>("PUT", "/v1/me/password", { body: { current, new: next } }),
  find: async (q: string) => (await ask<List<User>>("GET", "/v1/users", { query: { q } })).items,
  show: (id: string) => ask<User>("GET", `/v1/users/${encodeURIComponent(id)}`),
};

export const contact = {
  list: () => all<Contact>("/v1/contacts"),
  part: (userId: string) => ask<undefined>("DELETE", `/v1/contacts/${userId}`),
  requests: () => all<ContactRequest>("/v1/contacts/requests"),
  ask: (userId: string, note?: string) =>
    ask<ContactRequest>("POST", "/v1/contacts/requests", {
      body: note === undefined ? { user_id: userId } : { user_id: userId, note },
    }),
  accept: (id: string) => ask<Contact>("POST", `/v1/contacts/requests/${id}/accept`),
  decline: (id: string) => ask<undefined>("POST", `/v1/contacts/requests/${id}/decline`),
  blocks: () => all<Block>("/v1/blocks"),
  block: (userId: string) => ask<undefined>("PUT", `/v1/blocks/${userId}`),
  unblock: (userId: string) => ask<undefined>("DELETE", `/v1/blocks/${userId}`),
};

export type PageOf = { before: number } | { after: number } | { around: number } | Record<string, never>;

export const thread = {
  create: (body: CreateThread) => ask<InboxRow>("POST", "/v1/threads", { body }),
  byParticipants: (userIds: readonly string[]) =>
    ask<InboxRow>("GET", "/v1/threads/by-participants", { query: { users: userIds.join(",") } }),
  show: (id: string) => ask<Thread>("GET", `/v1/threads/${id}`),
  patch: (id: string, body: PatchThread) => ask<Thread>("PATCH", `/v1/threads/${id}`, { body }),
  patchMine: (id: string, body: PatchMine, keepalive = false) =>
    ask<Mine>("PATCH", `/v1/threads/${id}/mine`, { body, keepalive }),
  members: (id: string) => all<Member>(`/v1/threads/${id}/members`),
  addMembers: (id: string, body: AddMembers) => ask<undefined>("POST", `/v1/threads/${id}/members`, { body }),
  setRole: (id: string, userId: string, role: Role) =>
    ask<undefined>("PATCH", `/v1/threads/${id}/members/${userId}`, { body: { role } }),
  removeMember: (id: string, userId: string) =>
    ask<undefined>("DELETE", `/v1/threads/${id}/members/${userId}`),
  messages: (id: string, page: PageOf, limit: number) =>
    ask<Page>("GET", `/v1/threads/${id}/messages`, { query: { ...page, limit } }),
  receipts: (id: string, seq: number) =>
    ask<Receipts>("GET", `/v1/threads/${id}/receipts`, { query: { seq } }),
};

export const message = {
  send: (threadId: string, body: SendMessage) =>
    ask<Sent>("POST", `/v1/threads/${threadId}/messages`, { body }),
  edit: (threadId: string, seq: number, clientMsgId: string, seenHead: number, text: string) =>
    ask<{ seq: number }>("PATCH", `/v1/threads/${threadId}/messages/${seq}`, {
      body: { client_msg_id: clientMsgId, seen_head: seenHead, text },
    }),
  remove: (threadId: string, seq: number, clientMsgId: string, seenHead: number) =>
    ask<{ seq: number }>("DELETE", `/v1/threads/${threadId}/messages/${seq}`, {
      query: { client_msg_id: clientMsgId, seen_head: seenHead },
    }),
  react: (threadId: string, seq: number, emoji: string, set: boolean) =>
    ask<undefined>(
      set ? "PUT" : "DELETE",
      `/v1/threads/${threadId}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`,
    ),
  read: (threadId: string, seq: number) =>
    ask<Marks>("PUT", `/v1/threads/${threadId}/read`, { body: { seq } }),
  delivered: (threadId: string, seq: number) =>
    ask<Marks>("PUT", `/v1/threads/${threadId}/delivered`, { body: { seq } }),
  typing: (threadId: string, active: boolean) =>
    ask<undefined>("POST", `/v1/threads/${threadId}/typing`, { body: { active } }),
};

export const presence = {
  beat: (body: Heartbeat, keepalive = false) => ask<Beat>("POST", "/v1/heartbeat", { body, keepalive }),
};

/** Without a cursor everything is told. */
export function sync(cursor: string | null, withDigest: boolean): Promise<Sync> {
  return ask<Sync>("GET", "/v1/sync", {
    query: { cursor: cursor ?? undefined, digest: withDigest ? 1 : undefined },
  });
}
