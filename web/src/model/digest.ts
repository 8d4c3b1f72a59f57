// What this browser holds, in 16 letters: the server computes the same, so that each knows whether they agree.

import type { InboxRow } from "../protocol";

/** See "Sync" in docs/protocol.md. */
export async function digestOf(rows: readonly InboxRow[]): Promise<string> {
  const own = rows
    .filter(({ thread }) => thread.gone !== true)
    .sort((a, b) => (a.thread.id < b.thread.id ? -1 : 1));
  const bytes = new DataView(new ArrayBuffer(own.length * 40));
  own.forEach(({ thread, head, mine }, place) => {
    const at = place * 40;
    const hex = thread.id.replaceAll("-", "");
    for (let byte = 0; byte < 16; byte++)
      bytes.setUint8(at + byte, parseInt(hex.slice(byte * 2, byte * 2 + 2), 16));
    bytes.setBigUint64(at + 16, BigInt(head.last_seq));
    bytes.setBigUint64(at + 24, BigInt(mine.read_seq));
    bytes.setBigUint64(at + 32, BigInt(mine.version));
  });
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
