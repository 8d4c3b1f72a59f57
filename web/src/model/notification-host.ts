// What announcements need to know of an account.

import { Refusal } from "../api/refusal";
import type { Account } from "./account.svelte";
import type { Looking } from "./looking";
import type { Host } from "./notifications.svelte";

/** Devices are noted to the minute: asking more often tells nothing new. */
const SESSIONS_EVERY_MS = 60_000;

export function hostOf(account: Account, looking: Looking): Host {
  let seen: { at: number; times: Promise<readonly number[]> } | null = null;
  return {
    me: account.me,
    now: () => account.now(),
    isLeader: () => account.isLeader(),
    isLookedAt: (thread) => looking.isAt(thread),
    isMuted: (thread) => account.threads.row(thread) !== null && account.inbox.row(thread).isMuted,
    readSeq: (thread) => account.threads.row(thread)?.mine.read_seq ?? 0,
    threadName: (thread) => {
      if (!account.threads.row(thread)) return null;
      const { name, kind } = account.inbox.row(thread);
      return { name, isGroup: kind === "group" };
    },
    user: (id) => account.user(id),
    othersSeenAt: () => {
      const now = account.now();
      if (!seen || now - seen.at > SESSIONS_EVERY_MS) seen = { at: now, times: othersSeenAt(account) };
      return seen.times;
    },
  };
}

async function othersSeenAt(account: Account): Promise<readonly number[]> {
  try {
    const sessions = await account.calls.session.list();
    return sessions.filter(({ current }) => !current).map((session) => Date.parse(session.last_seen_at));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Not known: then it is as if there were one.
    return [account.now()];
  }
}
