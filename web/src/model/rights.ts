// Who may do what in a thread, as far as this page shows a control for it. The server decides.

import type { InboxRow } from "../protocol";
import type { Permissions, Silence } from "./kith";

/** As delivered; a server that allows less refuses in words. */
const EDIT_MS = 24 * 3_600_000;
const REMOVE_MS = 48 * 3_600_000;

export function permissions(row: InboxRow, now: number): Permissions {
  const { kind, role, gone } = row.thread;
  const isMember = gone !== true;
  const isGroup = kind === "group" && isMember;
  const isAdmin = isGroup && (role === "admin" || role === "owner");
  return {
    manage: isAdmin,
    promote: isGroup && role === "owner",
    mentionAll: isAdmin,
    leave: isGroup,
    edit: ({ seq, isOwn, at }) => isMember && seq !== null && isOwn && now - at < EDIT_MS,
    remove: ({ seq, isOwn, at }) => isMember && seq !== null && (isAdmin || (isOwn && now - at < REMOVE_MS)),
  };
}

/** `lastOwnAt`: when one's own last message was written, for slow mode. */
export function silence(row: InboxRow, isBlocked: boolean, lastOwnAt: number, now: number): Silence | null {
  const { thread } = row;
  if (thread.gone === true) return { why: "left" };
  if (isBlocked) return { why: "blocked" };
  if (thread.role === "muted") return { why: "muted" };
  const isAdmin = thread.role === "admin" || thread.role === "owner";
  if (thread.kind !== "group" || isAdmin) return null;
  if (thread.settings.who_writes === "admins") return { why: "admins_only" };
  const until = lastOwnAt + thread.settings.slow_s * 1000;
  return until > now ? { why: "slow", until } : null;
}
