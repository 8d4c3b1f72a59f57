// The people of a group in the order they are shown in, and what one may do with each of them. What one may not do is not
// shown (G2); the rules are the server's.

import type { Conversation } from "../../model/kith";
import type { Member, Role } from "../../protocol";

const RANK: Record<Role, number> = { owner: 0, admin: 1, member: 2, muted: 3 };

/** Oneself first, then by what they may do, then by name. */
export function sorted(members: readonly Member[], meId: string | null): readonly Member[] {
  const name = (member: Member) => member.user.display_name;
  return [...members].sort((a, b) => {
    if (a.user.id === meId) return -1;
    if (b.user.id === meId) return 1;
    return RANK[a.role] - RANK[b.role] || name(a).localeCompare(name(b));
  });
}

export type Action =
  "make_owner" | "unmake_owner" | "make_admin" | "make_member" | "mute" | "unmute" | "remove";

export function actions({ may, members }: Conversation, member: Member, meId: string | null): Action[] {
  if (!may.manage) return [];
  const isMe = member.user.id === meId;
  const isLastOwner = member.role === "owner" && members.filter((one) => one.role === "owner").length === 1;
  if (isMe) return may.promote && !isLastOwner && member.role === "owner" ? ["unmake_owner"] : [];
  const isAbove = member.role === "owner" || member.role === "admin";
  if (isAbove && !may.promote) return [];
  const roles: Record<Role, Action[]> = {
    owner: ["unmake_owner"],
    admin: ["make_owner", "make_member"],
    member: may.promote ? ["make_owner", "make_admin", "mute"] : ["mute"],
    muted: ["unmute"],
  };
  return [...roles[member.role].filter((action) => action !== "unmake_owner" || !isLastOwner), "remove"];
}

export const ROLE_OF: Record<Exclude<Action, "remove">, Role> = {
  make_owner: "owner",
  unmake_owner: "admin",
  make_admin: "admin",
  make_member: "member",
  mute: "muted",
  unmute: "member",
};
