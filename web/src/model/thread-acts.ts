// What members do to a thread itself: its title and settings, who is in it; and who has read what.

import type { Role, User, WhoWrites } from "../protocol";
import type { Context } from "./context";
import type { Conversation } from "./kith";

/** All of it shows when the server's entry about it comes. */
export abstract class ThreadActs {
  abstract readonly id: string;
  protected abstract readonly context: Context;
  protected abstract user(id: string): User;

  async receipts(seq: number): ReturnType<Conversation["receipts"]> {
    const { read, delivered, counts } = await this.context.calls.thread.receipts(this.id, seq);
    const users = (ids: readonly string[]): User[] => ids.map((id) => this.user(id));
    return { read: users(read), delivered: users(delivered), counts: { read: counts.read, of: counts.of } };
  }

  async rename(title: string): Promise<void> {
    await this.context.calls.thread.patch(this.id, { title });
  }

  async setWhoWrites(who: WhoWrites): Promise<void> {
    await this.context.calls.thread.patch(this.id, { settings: { who_writes: who } });
  }

  async setSlow(seconds: number): Promise<void> {
    await this.context.calls.thread.patch(this.id, { settings: { slow_s: seconds } });
  }

  async addMembers(userIds: readonly string[]): Promise<void> {
    await this.context.calls.thread.addMembers(this.id, { user_ids: [...userIds] });
  }

  async setRole(userId: string, role: Role): Promise<void> {
    await this.context.calls.thread.setRole(this.id, userId, role);
  }

  async removeMember(userId: string): Promise<void> {
    await this.context.calls.thread.removeMember(this.id, userId);
  }

  async leave(): Promise<void> {
    await this.removeMember(this.context.me);
  }
}
