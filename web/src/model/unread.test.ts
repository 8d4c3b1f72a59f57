// Unread is arithmetic: whatever comes in whatever order, it is what the server would count.

import { describe, expect, it } from "vitest";
import { Recent } from "./recent";
import { type Change, type Known, withEntries, withMine, withRow } from "./row-change";
import type { Entry, InboxRow, Mine } from "../protocol";

const at = "2026-11-27T12:00:00.000Z";

/** The server's log of one thread, and its own way of counting. */
class Server {
  readonly log: Entry[] = [];
  readSeq = 1;
  version = 1;

  constructor() {
    this.append({ kind: "created", author_id: "ann" });
  }

  append(what: Partial<Entry> & Pick<Entry, "kind" | "author_id">): Entry {
    const before = this.log.at(-1);
    const isCounted = what.kind === "text";
    const ord = (before?.ord ?? 0) + (isCounted ? 1 : 0);
    const entry: Entry = { seq: this.log.length + 1, client_msg_id: null, ord, at, ...what };
    this.log.push(entry);
    return entry;
  }

  say(author: string, more: Partial<Entry> = {}): Entry {
    if (author !== "me") return this.append({ kind: "text", author_id: author, text: "…", ...more });
    const isMoved = this.unread().unread === 0;
    const entry = this.append({ kind: "text", author_id: author, ...(isMoved ? { read_moved: true } : {}) });
    if (isMoved) this.readSeq = entry.seq;
    return entry;
  }

  remove(seq: number): Entry | null {
    const message = this.log[seq - 1];
    if (message?.kind !== "text" || message.deleted_seq !== undefined) return null;
    const entry = this.append({ kind: "delete", author_id: message.author_id, target_seq: seq });
    this.log[seq - 1] = { ...message, deleted_seq: entry.seq };
    return entry;
  }

  read(seq: number): void {
    this.readSeq = Math.max(this.readSeq, seq);
  }

  unread(): { unread: number; mentions: number } {
    const unread = this.log.filter(
      ({ seq, kind, author_id, deleted_seq }) =>
        seq > this.readSeq && kind === "text" && author_id !== "me" && deleted_seq === undefined,
    );
    return { unread: unread.length, mentions: unread.filter(({ mention_all }) => mention_all).length };
  }

  mine(): Mine {
    return {
      version: this.version,
      read_seq: this.readSeq,
      delivered_seq: this.readSeq,
      ...this.unread(),
      pinned: false,
      archived: false,
      marked_unread: false,
    };
  }

  row(): InboxRow {
    const settings = { history: "forever", open_history: true, slow_s: 0, who_writes: "everyone" as const };
    const last = this.log.at(-1);
    return {
      thread: {
        id: "t",
        kind: "group",
        created_at: at,
        joined_seq: 1,
        member_count: 3,
        role: "member",
        settings,
        visible: [[1, null]],
      },
      head: { last_seq: this.log.length, ord: last?.ord ?? 0, at },
      mine: this.mine(),
    };
  }
}

/** A client that has not opened the thread: it knows its row, and what is pushed. */
class Client {
  row: InboxRow;
  doubts = 0;
  readonly #known: Known;

  constructor(server: Server) {
    this.row = server.row();
    this.#known = { me: "me", recent: new Recent(this.row.head.last_seq), target: () => null };
  }

  entry(entry: Entry): void {
    this.#take(withEntries(this.row, [entry], this.#known));
  }

  mine(mine: Mine): void {
    this.#take(withMine(this.row, mine, this.#known.recent));
  }

  told(row: InboxRow): void {
    this.#take(withRow(this.row, row, this.#known.recent));
  }

  get counts(): { unread: number; mentions: number } {
    const { unread, mentions } = this.row.mine;
    return { unread, mentions };
  }

  #take({ row, isSure }: Change): void {
    this.row = row;
    if (!isSure) this.doubts += 1;
  }
}

function scene(): { server: Server; client: Client } {
  const server = new Server();
  return { server, client: new Client(server) };
}

describe("unread", () => {
  it("grows by each message of somebody else, and by nothing else", () => {
    const { server, client } = scene();
    client.entry(server.say("ann"));
    client.entry(server.append({ kind: "title", author_id: "ann", title: "Team" }));
    client.entry(server.append({ kind: "react", author_id: "bo", target_seq: 2, emoji: "👍" }));
    client.entry(server.say("bo", { mention_all: true }));
    expect(client.counts).toEqual({ unread: 2, mentions: 1 });
    expect(client.row.thread.title).toBe("Team");
  });

  it("is not counted twice if a push comes twice", () => {
    const { server, client } = scene();
    const entry = server.say("ann");
    client.entry(entry);
    client.entry(entry);
    expect(client.counts.unread).toBe(1);
  });

  it("goes with one's own message, if nothing of others lay between", () => {
    const { server, client } = scene();
    client.entry(server.say("ann"));
    // From another device, which had not read it.
    client.entry(server.say("me"));
    expect(client.counts.unread).toBe(1);
    server.read(2);
    client.mine(server.mine());
    client.entry(server.say("me"));
    expect(client.counts.unread).toBe(0);
    expect(client.row.mine.read_seq).toBe(4);
  });

  it("falls by one when the only unread message is deleted", () => {
    const { server, client } = scene();
    const entry = server.say("ann", { mention_all: true });
    client.entry(entry);
    const deletion = server.remove(entry.seq);
    if (deletion) client.entry(deletion);
    expect(client.counts).toEqual({ unread: 0, mentions: 0 });
    expect(client.doubts).toBe(0);
  });

  it("asks the server when a message is deleted that is not known here", () => {
    const server = new Server();
    const entry = server.say("ann");
    const client = new Client(server);
    const deletion = server.remove(entry.seq);
    if (deletion) client.entry(deletion);
    expect(client.doubts).toBe(1);
    client.told(server.row());
    expect(client.counts.unread).toBe(0);
  });

  it("does not ask if what was deleted had been read", () => {
    const server = new Server();
    const entry = server.say("ann");
    server.read(2);
    const client = new Client(server);
    const deletion = server.remove(entry.seq);
    if (deletion) client.entry(deletion);
    expect(client.doubts).toBe(0);
  });

  it("falls when another device reads, all or a part", () => {
    const { server, client } = scene();
    for (let n = 0; n < 5; n++) client.entry(server.say("ann"));
    server.read(4);
    client.mine(server.mine());
    expect(client.counts.unread).toBe(2);
    server.read(6);
    client.mine(server.mine());
    expect(client.counts.unread).toBe(0);
    expect(client.doubts).toBe(0);
  });

  it("does not lose a message that came while another device was reading", () => {
    const { server, client } = scene();
    client.entry(server.say("ann"));
    server.read(2);
    const mine = server.mine();
    client.entry(server.say("ann"));
    client.mine(mine);
    expect(client.counts.unread).toBe(1);
  });

  it("does not double a message of which the settings were told first", () => {
    const { server, client } = scene();
    const entry = server.say("ann");
    server.version += 1;
    client.mine(server.mine());
    client.entry(entry);
    expect(client.counts.unread).toBe(1);
  });

  it("does not lose what was pushed while an answer was on its way", () => {
    const { server, client } = scene();
    client.entry(server.say("ann"));
    const answer = server.row();
    client.entry(server.say("ann", { mention_all: true }));
    const deletion = server.remove(2);
    if (deletion) client.entry(deletion);
    client.told(answer);
    expect(client.counts).toEqual({ unread: 1, mentions: 1 });
    expect(client.row.head.last_seq).toBe(4);
  });

  it("asks the server when a push was lost", () => {
    const { server, client } = scene();
    server.say("ann");
    client.entry(server.say("ann"));
    expect(client.doubts).toBe(1);
    client.told(server.row());
    expect(client.counts.unread).toBe(2);
  });

  it("stays as it was read here when an answer of before comes", () => {
    const { server, client } = scene();
    client.entry(server.say("ann"));
    const answer = server.row();
    client.row = { ...client.row, mine: { ...client.row.mine, read_seq: 2, unread: 0 } };
    client.told(answer);
    client.mine(answer.mine);
    expect(client.counts.unread).toBe(0);
    expect(client.row.mine.read_seq).toBe(2);
  });

  it("is what the server counts, whatever happens and is lost, once all has arrived", () => {
    for (let seed = 1; seed <= 400; seed++) {
      let state = seed;
      const roll = (sides: number): number => {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        return Math.floor((state / 2_147_483_648) * sides);
      };
      const { server, client } = scene();
      // Pushes come in their order, answers to requests beside them.
      const pushes: (() => void)[] = [];
      const answers: (() => void)[] = [];
      const isLossy = seed % 2 === 0;
      const push = (deliver: () => void): void => {
        if (!isLossy || roll(10) > 0) pushes.push(deliver);
      };
      for (let step = 0; step < 60; step++) {
        const choice = roll(10);
        if (choice < 4) {
          const entry = server.say(
            ["ann", "bo"][roll(2)] ?? "ann",
            roll(4) === 0 ? { mention_all: true } : {},
          );
          push(() => client.entry(entry));
        } else if (choice === 4) {
          const entry = server.say("me");
          push(() => client.entry(entry));
        } else if (choice === 5) {
          const entry = server.remove(1 + roll(server.log.length));
          if (entry) push(() => client.entry(entry));
        } else if (choice === 6) {
          server.read(1 + roll(server.log.length));
          const mine = server.mine();
          // It is reckoned before it is sent: what is appended meanwhile is pushed before it.
          if (roll(2) === 0) {
            const entry = server.say("ann");
            push(() => client.entry(entry));
          }
          push(() => client.mine(mine));
        } else if (choice === 7) {
          const row = server.row();
          answers.push(() => client.told(row));
        } else if (choice === 8) {
          answers.shift()?.();
        } else {
          for (let n = roll(6); n > 0; n--) pushes.shift()?.();
        }
      }
      for (const deliver of [...pushes, ...answers]) deliver();
      // What the client would do in doubt; and a row that changes is told by the next sync in any case.
      if (client.doubts > 0 || client.row.head.last_seq < server.log.length) client.told(server.row());
      if (client.row.mine.read_seq < server.readSeq) client.mine(server.mine());
      expect(client.counts, `seed ${seed}`).toEqual(server.unread());
      expect(client.row.mine.read_seq, `seed ${seed}`).toBe(server.readSeq);
    }
  });
});

describe("a row", () => {
  it("says who belongs to the thread now, and what one may do in it", () => {
    const { server, client } = scene();
    client.entry(server.append({ kind: "member_added", author_id: "ann", user_ids: ["cy", "di"] }));
    expect(client.row.thread.member_count).toBe(5);
    client.entry(server.append({ kind: "role", author_id: "ann", user_ids: ["me"], role: "admin" }));
    expect(client.row.thread.role).toBe("admin");
    client.entry(server.append({ kind: "member_left", author_id: "ann", user_ids: ["ann"], heir_id: "me" }));
    expect(client.row.thread).toMatchObject({ member_count: 4, role: "owner" });
    client.entry(server.append({ kind: "member_removed", author_id: "bo", user_ids: ["me"] }));
    expect(client.row.thread).toMatchObject({ member_count: 3, gone: true, left_seq: 5 });
  });

  it("shows the newest message, as it was edited or deleted", () => {
    const { server, client } = scene();
    const entry = server.say("ann", { text: "teh" });
    client.entry(entry);
    client.entry(server.append({ kind: "edit", author_id: "ann", target_seq: entry.seq, text: "the" }));
    expect(client.row.head.preview).toMatchObject({ seq: entry.seq, text: "the" });
    const deletion = server.remove(entry.seq);
    if (deletion) client.entry(deletion);
    expect(client.row.head.preview).toEqual({ seq: entry.seq, author_id: "ann", kind: "text" });
  });

  it("keeps settings by their version, and ticks that do not go back", () => {
    const { server, client } = scene();
    server.version = 3;
    const newer = { ...server.mine(), pinned: true };
    client.mine(newer);
    server.version = 2;
    client.mine(server.mine());
    expect(client.row.mine.pinned).toBe(true);
    const others = (read_seq: number) => {
      const row = server.row();
      return { ...row, head: { ...row.head, others: { read_seq, delivered_seq: read_seq } } };
    };
    client.told(others(5));
    client.told(others(2));
    expect(client.row.head.others?.read_seq).toBe(5);
  });
});
