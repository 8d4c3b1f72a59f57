// What each noun of the model is given.

import type * as calls from "../api/calls";
import type { Database } from "./database";
import type { Event } from "./event";

export interface Context {
  /** The signed-in person. */
  readonly me: string;
  readonly calls: typeof calls;
  readonly database: Database;
  now(): number;
  /** Applies an event here, and hands it to the other tabs. */
  publish(event: Event): void;
  /** An event that other tabs need not hear. */
  apply(event: Event): void;
  /** Whether this tab holds the socket, and writes down what it hears. */
  isLeader(): boolean;
}
