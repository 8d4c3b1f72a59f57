// To leave this browser: what it holds is deleted, so it is asked once, and said what would be lost (B5).

import type { Kith } from "../../model/kith";
import { m } from "../../words/messages.js";
import { attempt } from "../notices.svelte";
import { ask } from "../question.svelte";
import { route, to } from "../route.svelte";

export async function signOut(kith: Kith) {
  const unsent = await kith.unsent();
  const isSure = await ask({
    title: m.session_sign_out_ask(),
    text: unsent > 0 ? m.session_sign_out_unsent({ count: unsent }) : m.session_sign_out_why(),
    action: m.session_sign_out(),
    isDanger: unsent > 0,
  });
  if (!isSure) return;
  if (await attempt(kith.signOut())) route.go(to.list, { replace: true });
}
