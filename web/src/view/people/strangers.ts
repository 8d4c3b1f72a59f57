// Who waits under Requests (G3): people who ask to be contacts, and people who wrote without being any. One who did both
// waits once.

import type { Kith, PersonRequest, Row } from "../../model/kith";
import type { User } from "../../protocol";

export interface Stranger {
  user: User;
  request: PersonRequest | null;
  row: Row | null;
  at: number;
}

export function strangers(kith: Kith): readonly Stranger[] {
  const rows = (kith.inbox.rows ?? []).filter((row) => row.isRequest);
  const asking = kith.people.requests.incoming;
  const found = asking.map((request): Stranger => {
    const row = rows.find((one) => one.peer?.id === request.user.id) ?? null;
    return { user: request.user, request, row, at: request.at };
  });
  for (const row of rows) {
    const { peer } = row;
    if (!peer || asking.some((request) => request.user.id === peer.id)) continue;
    found.push({ user: peer, request: null, row, at: row.lastAt });
  }
  return found.sort((a, b) => b.at - a.at);
}

/** To somebody who has not asked, accepting is asking in turn. */
export async function accept(kith: Kith, { user, request }: Stranger) {
  if (request) await kith.people.accept(request.id);
  else await kith.people.ask(user.id);
}

export async function refuse(kith: Kith, { request, row }: Stranger) {
  if (request) await kith.people.decline(request.id);
  if (row) await row.archive(true);
}
