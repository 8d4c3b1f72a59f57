// To leave this browser: what it holds is deleted, so it is asked first if something in it was not sent (B5).

import type { Kith } from "../../model/kith";
import { m } from "../../words/messages.js";
import { attempt } from "../notices.svelte";
import { ask } from "../question.svelte";
import { route, to } from "../route.svelte";

export async function signOut(kith: Kith) {
  const unsent = await kith.unsent();
  const isSure = unsent === 0 || (await ask(lost(unsent)));
  if (isSure && (await attempt(kith.signOut()))) route.go(to.list, { replace: true });
}

function lost(count: number) {
  return {
    title: m.session_sign_out_ask(),
    text: m.session_sign_out_unsent({ count }),
    action: m.session_sign_out(),
    isDanger: true,
  };
}
