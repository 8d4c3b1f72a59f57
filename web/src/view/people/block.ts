// To block somebody is asked once; to take it back is not.

import type { Kith } from "../../model/kith";
import type { User } from "../../protocol";
import { m } from "../../words/messages.js";
import { attempt } from "../notices.svelte";
import { ask } from "../question.svelte";

export async function blockPerson(kith: Kith, user: User) {
  const isSure = await ask({
    title: m.people_block_ask({ name: user.display_name }),
    text: m.people_block_why({ name: user.display_name }),
    action: m.people_block(),
    isDanger: true,
  });
  if (isSure) await attempt(kith.people.block(user.id, true));
}

export function isBlocked(kith: Kith, userId: string): boolean {
  return kith.people.blocked.some((user) => user.id === userId);
}
