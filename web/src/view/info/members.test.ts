import { describe, expect, test } from "vitest";
import type { Conversation } from "../../model/kith";
import type { Member, Role } from "../../protocol";
import { actions, sorted } from "./members";

const member = (id: string, role: Role) => ({ user: { id, display_name: id }, role }) as Member;

function group(mine: Role, ...others: Role[]) {
  const members = [member("me", mine), ...others.map((role, at) => member(`${role} ${at}`, role))];
  const isAdmin = mine === "owner" || mine === "admin";
  const may = { manage: isAdmin, promote: mine === "owner" };
  return { members, may } as unknown as Conversation;
}

const onFirstOther = (conversation: Conversation) =>
  actions(conversation, conversation.members[1] ?? member("nobody", "member"), "me");

describe("what may be done with a member (G2)", () => {
  test("a member may do nothing", () => {
    expect(onFirstOther(group("member", "member"))).toEqual([]);
    expect(onFirstOther(group("muted", "admin"))).toEqual([]);
  });

  test("an admin mutes and removes those below", () => {
    expect(onFirstOther(group("admin", "member"))).toEqual(["mute", "remove"]);
    expect(onFirstOther(group("admin", "muted"))).toEqual(["unmute", "remove"]);
    expect(onFirstOther(group("admin", "admin"))).toEqual([]);
    expect(onFirstOther(group("admin", "owner"))).toEqual([]);
  });

  test("an owner makes and unmakes", () => {
    expect(onFirstOther(group("owner", "member"))).toEqual(["make_owner", "make_admin", "mute", "remove"]);
    expect(onFirstOther(group("owner", "admin"))).toEqual(["make_owner", "make_member", "remove"]);
    expect(onFirstOther(group("owner", "owner"))).toEqual(["unmake_owner", "remove"]);
  });

  test("the last owner stays one", () => {
    const alone = group("owner", "admin");
    expect(actions(alone, alone.members[0] ?? member("me", "owner"), "me")).toEqual([]);
    const two = group("owner", "owner");
    expect(actions(two, two.members[0] ?? member("me", "owner"), "me")).toEqual(["unmake_owner"]);
  });
});

test("oneself stands first, then who may do more, then by name", () => {
  const members = [
    member("zoe", "member"),
    member("bo", "member"),
    member("me", "muted"),
    member("ann", "owner"),
  ];
  expect(sorted(members, "me").map(({ user }) => user.id)).toEqual(["me", "ann", "bo", "zoe"]);
});
