// How this browser is connected with the server, in words that the state bar can say (section 4 of the brief).

export interface Connection {
  readonly state: "connecting" | "online" | "updating" | "polling" | "reconnecting" | "offline";
  /** When the next attempt is made, if `reconnecting`. */
  readonly retryAt: number | null;
  /** The last refusal that nobody asked for: "Something went wrong on the server (code 7f3a)". */
  readonly trouble: string | null;
  retryNow(): void;
}
