// A refusal in words that a person can use.

import { Refusal } from "../api/refusal";
import { m } from "../words/messages.js";

export function refusalWords(error: unknown): string {
  if (!(error instanceof Refusal)) return m.app_refused_unknown();
  switch (error.code) {
    case "unreachable":
      return m.app_refused_unreachable();
    case "rate_limited":
      return error.retryAfterS === null
        ? m.app_refused_too_often()
        : m.app_refused_too_often_wait({ count: error.retryAfterS });
    case "overloaded":
    case "store_unavailable":
      return m.app_refused_overloaded();
    case "forbidden":
      return m.app_refused_forbidden();
    case "blocked":
      return m.app_refused_blocked();
    case "contacts_only":
      return m.app_refused_contacts_only();
    case "not_a_member":
      return m.app_refused_not_a_member();
    case "not_found":
      return m.app_refused_not_found();
    case "group_full":
      return m.app_refused_group_full();
    case "conflict":
    case "already_exists":
      return m.app_refused_conflict();
    case "too_large":
      return m.app_refused_too_large();
    case "origin":
      return m.app_refused_origin();
    case "unauthorized":
    case "session_expired":
    case "session_replaced":
    case "session_revoked":
      return m.app_refused_signed_out();
    case "account_disabled":
      return m.session_farewell_disabled();
    case "invalid_field":
    case "unknown_field":
      return m.app_refused_field({ detail: error.message });
    default:
      return m.app_refused_server({ code: error.code });
  }
}
