// Why a session is over, from each of the ways in which one hears of it.

import { Refusal } from "../api/refusal";
import type { SocketEnd } from "../api/socket";
import type { ServerSessionEnded } from "../protocol";
import type { Farewell } from "./kith";

export function farewellOf(end: SocketEnd | Refusal | ServerSessionEnded): Farewell {
  if (end instanceof Refusal) return { reason: REFUSALS[end.code] ?? "expired", by: null };
  if ("t" in end) {
    const by = end.by ? { kind: end.by.kind, label: end.by.label, at: Date.parse(end.by.at) } : null;
    return { reason: end.reason, by };
  }
  return { reason: CODES[end.code] ?? "expired", by: null };
}

const REFUSALS: Readonly<Record<string, Farewell["reason"]>> = {
  session_replaced: "replaced",
  session_revoked: "revoked",
  session_expired: "expired",
  account_disabled: "disabled",
};

const CODES: Readonly<Record<number, Farewell["reason"]>> = {
  4100: "replaced",
  4101: "revoked",
  4102: "disabled",
  4103: "expired",
  4104: "too_old",
};
