// How new messages are announced by the browser, and what a press on an announcement does (A2, A3).

import type { Kith } from "../model/kith";
import { m } from "../words/messages.js";
import { route, to } from "./route.svelte";

export function announce(kith: Kith) {
  kith.announce({
    words: ({ name, author, text }) => {
      const said = text ?? m.app_new_message();
      return { title: name, body: author === null ? said : m.list_said({ name: author, text: said }) };
    },
    open: (threadId, seq) => route.go(to.message(threadId, seq)),
  });
}
