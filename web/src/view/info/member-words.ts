// What members may do, and what is asked before it changes.

import type { User, Role } from "../../protocol";
import { m } from "../../words/messages.js";
import type { Question } from "../question.svelte";
import type { Action } from "./members";

export function roleWords(role: Role): string {
  const words = {
    owner: m.people_role_owner,
    admin: m.people_role_admin,
    member: m.people_role_member,
    muted: m.people_role_muted,
  };
  return words[role]();
}

export function actionWords(action: Action): string {
  const words = {
    make_owner: m.people_make_owner,
    unmake_owner: m.people_unmake_owner,
    make_admin: m.people_make_admin,
    make_member: m.people_make_member,
    mute: m.people_mute_member,
    unmute: m.people_unmute_member,
    remove: m.people_remove_member,
  };
  return words[action]();
}

export function actionQuestion(action: Action, user: User): Question {
  const who = { name: user.display_name };
  if (action === "remove") {
    return {
      title: m.people_remove_member_ask(who),
      text: m.people_remove_member_why(who),
      action: m.people_remove_member(),
      isDanger: true,
    };
  }
  const why = {
    make_owner: m.people_make_owner_why,
    unmake_owner: m.people_make_admin_why,
    make_admin: m.people_make_admin_why,
    make_member: m.people_make_member_why,
    mute: m.people_mute_member_why,
    unmute: m.people_unmute_member_why,
  };
  return { title: m.people_role_ask(who), text: why[action](who), action: actionWords(action) };
}
