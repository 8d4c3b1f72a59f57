// Somebody who has an account and a phone: what they do there, they do over HTTP, as another device would.

import { randomBytes, randomUUID } from "node:crypto";
import type {
  Entry,
  InboxRow,
  Me,
  Member,
  Page as MessagePage,
  Session,
  SignedIn,
  User,
} from "../../src/protocol";
import type { Server } from "./server";

export const PASSWORD = "correct horse";

export interface Thread {
  id: string;
  name: string;
}

export class Person {
  readonly server: Server;
  readonly user: User;
  readonly #token: string;

  constructor(server: Server, signedIn: SignedIn) {
    this.server = server;
    this.user = signedIn.user;
    this.#token = signedIn.token ?? "";
  }

  /** A handle that nobody else of this run has. */
  static async register(server: Server, name: string): Promise<Person> {
    const handle = `p${randomBytes(6).toString("hex")}`;
    const device = { kind: "phone", label: `${name}'s phone` };
    const body = { handle, password: PASSWORD, display_name: name, device };
    const signedIn = await request<SignedIn>(server, "POST", "/v1/register", body);
    return new Person(server, signedIn);
  }

  get id(): string {
    return this.user.id;
  }

  get name(): string {
    return this.user.display_name;
  }

  call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    return request<Answer>(this.server, method, path, body, this.#token);
  }

  async direct(other: Person): Promise<Thread> {
    const row = await this.call<InboxRow>("POST", "/v1/threads", {
      kind: "direct",
      participants: [other.id],
      client_thread_id: randomUUID(),
    });
    return { id: row.thread.id, name: other.name };
  }

  async group(title: string, ...others: Person[]): Promise<Thread> {
    const row = await this.call<InboxRow>("POST", "/v1/threads", {
      kind: "group",
      title,
      participants: others.map(({ id }) => id),
      client_thread_id: randomUUID(),
    });
    return { id: row.thread.id, name: title };
  }

  /** Gives its seq. */
  async send(thread: Thread, text: string, more: Record<string, unknown> = {}): Promise<number> {
    const body = { client_msg_id: randomUUID(), seen_head: 1, text, ...more };
    const { seq } = await this.call<{ seq: number }>("POST", `/v1/threads/${thread.id}/messages`, body);
    return seq;
  }

  async sendMany(
    thread: Thread,
    count: number,
    text: (n: number) => string = (n) => `message ${n}`,
  ): Promise<number> {
    let last = 0;
    for (let n = 1; n <= count; n++) last = await this.send(thread, text(n));
    return last;
  }

  async edit(thread: Thread, seq: number, text: string): Promise<void> {
    const body = { client_msg_id: randomUUID(), seen_head: seq, text };
    await this.call("PATCH", `/v1/threads/${thread.id}/messages/${seq}`, body);
  }

  async delete(thread: Thread, seq: number): Promise<void> {
    const query = `client_msg_id=${randomUUID()}&seen_head=${seq}`;
    await this.call("DELETE", `/v1/threads/${thread.id}/messages/${seq}?${query}`);
  }

  async react(thread: Thread, seq: number, emoji: string): Promise<void> {
    await this.call("PUT", `/v1/threads/${thread.id}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`);
  }

  async read(thread: Thread, seq: number): Promise<void> {
    await this.call("PUT", `/v1/threads/${thread.id}/read`, { seq });
  }

  async types(thread: Thread, active = true): Promise<void> {
    await this.call("POST", `/v1/threads/${thread.id}/typing`, { active });
  }

  async mine(thread: Thread, patch: Record<string, unknown>): Promise<InboxRow["mine"]> {
    return this.call("PATCH", `/v1/threads/${thread.id}/mine`, patch);
  }

  async row(thread: Thread): Promise<InboxRow> {
    const { items } = await this.call<{ items: InboxRow[] }>("GET", "/v1/threads?limit=100");
    const row = items.find((one) => one.thread.id === thread.id);
    if (!row) throw new Error(`${this.name} has no thread ${thread.name}`);
    return row;
  }

  async messages(thread: Thread): Promise<Entry[]> {
    const page = await this.call<MessagePage>("GET", `/v1/threads/${thread.id}/messages?limit=200`);
    return page.items.filter(({ kind }) => kind === "text");
  }

  members(thread: Thread): Promise<{ items: Member[] }> {
    return this.call("GET", `/v1/threads/${thread.id}/members`);
  }

  async sessions(): Promise<Session[]> {
    return (await this.call<{ items: Session[] }>("GET", "/v1/sessions")).items;
  }

  me(): Promise<Me> {
    return this.call("GET", "/v1/me");
  }

  /** Both know each other afterwards. */
  async befriend(other: Person): Promise<void> {
    await this.call("POST", "/v1/contacts/requests", { user_id: other.id });
    await other.call("POST", "/v1/contacts/requests", { user_id: this.id });
  }

  /** For a browser: the cookie of a new web session. */
  async cookie(): Promise<string> {
    const response = await fetch(`${this.server.origin}/v1/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Kith": "1", Origin: this.server.origin },
      body: JSON.stringify({
        handle: this.user.handle,
        password: PASSWORD,
        device: { kind: "web", label: "the tests' browser" },
        cookie: true,
      }),
    });
    if (!response.ok) throw new Error(`no cookie: ${await response.text()}`);
    const value = /kith_session=([^;]+)/.exec(response.headers.get("set-cookie") ?? "")?.[1];
    if (!value) throw new Error("the answer set no cookie");
    return value;
  }
}

async function request<Answer>(
  server: Server,
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
  const response = await fetch(server.origin + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as Answer;
}
