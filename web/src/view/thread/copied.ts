// What lands in the clipboard when several messages are selected: a line for each, "name, time, text" (T13).

import type { Message } from "../../model";
import { m } from "../../words/messages.js";
import { dateAndTime } from "../when";
import { messageText, nameOf } from "./thread-words";

export function copied(messages: readonly Message[], meId: string): string {
  const line = (message: Message) =>
    m.thread_heard({
      name: nameOf(message.author, meId),
      time: dateAndTime(message.at),
      text: messageText(message),
    });
  return messages.map(line).join("\n");
}
