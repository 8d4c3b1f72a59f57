// A request to the server: signed by the cookie of this browser, bounded in time, and refused with a `Refusal`.

import type { Problem } from "../protocol";
import { Refusal } from "./refusal";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Ask {
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** Also answers that wait for news (`wait_s`) end by then. */
  timeoutMs?: number;
  /** Goes on when the page is left: for small last words only. */
  keepalive?: boolean;
}

const TIMEOUT_MS = 15_000;

/** The answer of 200 and 201, undefined for 204. */
export async function ask<Answer>(method: Method, path: string, ask: Ask = {}): Promise<Answer> {
  const response = await sent(method, path, ask);
  if (!response.ok) throw await refusalOf(response);
  if (response.status === 204) return undefined as Answer;
  return (await bodyOf(response)) as Answer;
}

async function sent(
  method: Method,
  path: string,
  { query, body, timeoutMs, keepalive }: Ask,
): Promise<Response> {
  const headers: Record<string, string> = {};
  // Without it a cookie does not count: no page of another origin can send it.
  if (method !== "GET") headers["X-Kith"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path + searchOf(query), {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      keepalive: keepalive ?? false,
      signal: AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw unreachable(error);
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    // It broke off on the way: nobody knows what it would have said.
    throw unreachable(error);
  }
}

function unreachable(error: unknown): Refusal {
  const detail = error instanceof Error ? error.message : String(error);
  return new Refusal("unreachable", 0, detail, { retry: "later" });
}

async function refusalOf(response: Response): Promise<Refusal> {
  try {
    return refusal((await response.json()) as Problem);
  } catch {
    // Something between the page and the server answered.
    const retry = response.status >= 500 ? "later" : "never";
    return new Refusal("unknown", response.status, response.statusText, { retry });
  }
}

/** What an answer, or an `error` frame, says. */
export function refusal(problem: Problem): Refusal {
  return new Refusal(problem.code, problem.status, problem.detail ?? problem.title, {
    retry: problem.retry,
    ...(problem.field === undefined ? {} : { field: problem.field }),
    ...(problem.retry_after_s === undefined ? {} : { retryAfterS: problem.retry_after_s }),
    ...(problem.sessions === undefined ? {} : { sessions: problem.sessions }),
    ...(problem.draft === undefined ? {} : { draft: problem.draft }),
  });
}

function searchOf(query: Ask["query"]): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? "" : `?${search}`;
}
