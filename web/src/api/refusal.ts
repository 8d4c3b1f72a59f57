// Why the server, or the way to it, refused something.

import type { Draft, ErrorCode, Session } from "../protocol";

export class Refusal extends Error {
  /** `unreachable`: no answer came. `unknown`: an answer that is no problem of this server. */
  readonly code: ErrorCode | "unreachable" | "unknown";
  /** 0 if no answer came. */
  readonly status: number;
  readonly field: string | null;
  readonly retry: "never" | "later" | "after_login";
  readonly retryAfterS: number | null;
  /** What is in the way, with `session_limit`. */
  readonly sessions: readonly Session[];
  /** What stands there, with `conflict` about a draft. */
  readonly draft: Draft | null;

  constructor(
    code: Refusal["code"],
    status: number,
    detail: string,
    rest: {
      field?: string;
      retry?: Refusal["retry"];
      retryAfterS?: number;
      sessions?: readonly Session[];
      draft?: Draft;
    } = {},
  ) {
    super(detail);
    this.name = "Refusal";
    this.code = code;
    this.status = status;
    this.field = rest.field ?? null;
    this.retry = rest.retry ?? "never";
    this.retryAfterS = rest.retryAfterS ?? null;
    this.sessions = rest.sessions ?? [];
    this.draft = rest.draft ?? null;
  }
}
