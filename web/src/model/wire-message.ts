// A message of the outbox as it travels.

import type { StoredSend } from "./database";

export function wireMessage(send: StoredSend) {
  return {
    client_msg_id: send.clientMsgId,
    text: send.text,
    ...(send.replyTo === null ? {} : { reply_to: send.replyTo }),
    ...(send.mentions.length === 0 ? {} : { mentions: send.mentions }),
    ...(send.mentionAll ? { mention_all: true } : {}),
  };
}
