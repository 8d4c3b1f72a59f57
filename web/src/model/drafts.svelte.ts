// The drafts of all threads: where they are kept, and what the other tabs and devices have written (C4).

import { Refusal } from "../api/refusal";
import type { Mine } from "../protocol";
import type { Context } from "./context";
import type { StoredDraft } from "./database";
import { DraftModel, type Keeper } from "./draft.svelte";
import { isBlank } from "./draft-text";
import type { Event } from "./event";

/** A browser sends no more than 64 KiB for a page that is left. */
const KEEPALIVE_MAX_CHARS = 10_000;

export class Drafts implements Keeper {
  readonly #context: Context;
  readonly #typed: (threadId: string, text: string) => void;
  readonly #models = new Map<string, DraftModel>();
  /** The version of the private settings of a thread that were heard last: what is older says nothing. */
  readonly #heard = new Map<string, number>();
  readonly #saving = new Map<string, string>();
  readonly #underWay = new Set<Promise<void>>();
  /** For the rows of the inbox; it lags behind the keys. */
  #texts = $state.raw<ReadonlyMap<string, string>>(new Map());

  constructor(context: Context, typed: (threadId: string, text: string) => void) {
    this.#context = context;
    this.#typed = typed;
  }

  async restore(): Promise<void> {
    const stored = await this.#context.database.with([], (tables) => tables.drafts.toArray());
    for (const draft of stored) this.#restored(draft);
  }

  of(threadId: string): DraftModel {
    let model = this.#models.get(threadId);
    if (!model) this.#models.set(threadId, (model = new DraftModel(threadId, this)));
    return model;
  }

  /** What a row shows in the place of the last message. */
  textOf(threadId: string): string | null {
    return this.#texts.get(threadId) ?? null;
  }

  take(event: Event): void {
    if (event.type === "draft") this.#restored(event.draft);
    else if (event.type === "sync") {
      for (const row of event.sync.threads) if ("mine" in row) this.#takeMine(row.thread.id, row.mine);
    } else if (event.type === "frame") {
      const { frame } = event;
      if (frame.t === "mine") this.#takeMine(frame.thread_id, frame);
      else if (frame.t === "thread") this.#takeMine(frame.thread.id, frame.mine);
    }
  }

  /** Everything that was written without a connection goes to the server. */
  ready(): void {
    for (const draft of this.#models.values()) if (draft.isUnsaved) this.save(draft);
  }

  /** What the server does not have goes there now; when that is done, or has failed. */
  async saved(): Promise<void> {
    this.flush();
    for (const draft of this.#models.values()) if (draft.isUnsaved) this.save(draft);
    await Promise.all(this.#underWay);
  }

  /** The page is left, or hidden. */
  flush(): void {
    for (const draft of this.#models.values()) draft.flush();
  }

  close(): void {
    for (const draft of this.#models.values()) draft.close();
  }

  keep(draft: StoredDraft): void {
    const isEmpty = isNothing(draft);
    void this.#context.database.with(undefined, async (tables) => {
      if (isEmpty) await tables.drafts.delete(draft.thread);
      else await tables.drafts.put(draft);
    });
    this.#context.publish({ type: "draft", draft });
  }

  save(draft: DraftModel): void {
    const work = this.#save(draft);
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  typed(threadId: string, text: string): void {
    this.#typed(threadId, text);
  }

  async #save(draft: DraftModel): Promise<void> {
    // One at a time: the next one needs the version that this one gets.
    if (this.#saving.has(draft.id)) return;
    const text = draft.shared;
    this.#saving.set(draft.id, text);
    try {
      const wire = isBlank(text) ? null : { text, version: draft.version };
      const isSmall = text.length < KEEPALIVE_MAX_CHARS;
      const mine = await this.#context.calls.thread.patchMine(draft.id, { draft: wire }, isSmall);
      this.#heard.set(draft.id, mine.version);
      draft.saved(text, mine.draft?.version ?? draft.version);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      draft.unsaved();
      // Anything else: it stays here, and is tried with the next key or the next connection.
      if (error.code !== "conflict") return;
      draft.takeOther(error.draft?.text ?? "", error.draft?.version ?? 0);
    } finally {
      this.#saving.delete(draft.id);
    }
    // Keys were pressed meanwhile.
    draft.saveSoon();
  }

  #takeMine(threadId: string, mine: Mine): void {
    if (mine.version <= (this.#heard.get(threadId) ?? -1)) return;
    this.#heard.set(threadId, mine.version);
    const draft = this.#models.get(threadId);
    const { draft: told } = mine;
    if (told === undefined) {
      // Sent, or emptied, on another device.
      if (draft && !draft.isUnsaved && draft.shared !== "") draft.takeOther("", draft.version);
      return;
    }
    if (told.version <= (draft?.version ?? 0)) return;
    // The echo of what is being saved.
    if (this.#saving.get(threadId) === told.text) return;
    this.of(threadId).takeOther(told.text, told.version);
  }

  #restored(stored: StoredDraft): void {
    this.of(stored.thread).restore(stored);
    const text = stored.editing === null ? stored.text : (stored.before?.text ?? "");
    const shown = isBlank(text) ? undefined : text;
    if (this.#texts.get(stored.thread) === shown) return;
    const texts = new Map(this.#texts);
    if (shown === undefined) texts.delete(stored.thread);
    else texts.set(stored.thread, shown);
    this.#texts = texts;
  }
}

function isNothing(draft: StoredDraft): boolean {
  const { text, replyTo, editing, before, isUnsaved, version } = draft;
  return (
    text === "" && replyTo === null && editing === null && before === null && !isUnsaved && version === 0
  );
}
