// What is being written in a thread, as it is kept.

export interface Draft {
  text: string;
  caret: number;
  replyTo: number | null;
  editing: number | null;
  /** The text from before an edit began; it comes back afterwards. */
  before: { text: string; caret: number; replyTo: number | null } | null;
  mentions: { userId: string; name: string }[];
  /** The server's version that this one replaces. */
  version: number;
  /** Whether the server does not have it yet. */
  isUnsaved: boolean;
}
