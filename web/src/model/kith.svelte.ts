// The root: who is signed in, and what they see. One for each tab.

import * as calls from "../api/calls";
import { Refusal } from "../api/refusal";
import type { Device, InboxRow, Me, User } from "../protocol";
import type { Account } from "./account.svelte";
import type { Connection } from "./connection";
import { DevicesModel } from "./devices.svelte";
import { farewellOf } from "./farewell";
import type {
  AnnouncementWords,
  Conversation,
  Devices,
  Farewell,
  Inbox,
  Kith,
  Notifications,
  People,
  Profile,
  SignInForm,
} from "./kith";
import { PreferencesModel } from "./preferences.svelte";
import { ProfileModel } from "./profile.svelte";
import { within } from "./time-limit";

/** Whose data this browser holds. An id is no secret; the cookie, which is one, cannot be read from here. */
const LAST_ACCOUNT = "kith.account";
/** So long may drafts take on their way to the server before one is signed out. */
const LAST_WORDS_MS = 3_000;

export class KithModel implements Kith {
  phase = $state<Kith["phase"]>("starting");
  farewell = $state.raw<Farewell | null>(null);
  isStored = $state(true);
  isUpdateReady = $state(false);
  readonly preferences = new PreferencesModel();
  #account = $state.raw<Account | null>(null);
  #devices: Devices | null = null;
  #profile: Profile | null = null;
  #applyUpdate: () => void = () => undefined;
  #isLeaving = false;
  #words: AnnouncementWords | null = null;

  /** First what the browser holds; then the server is asked whether it still stands. */
  async start(): Promise<void> {
    addEventListener("storage", this.#otherSignedIn);
    const last = remembered();
    const kept = last === null ? null : await (await account()).Account.kept(last);
    if (kept) await this.#open(kept);
    try {
      const me = await calls.user.me();
      if (!this.#account) await this.#open(me);
      else if (this.#account.me === me.id) this.#account.setSelf(me);
      else await this.#changeTo(me);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#unknown(error);
    }
  }

  /** Whether somebody was signed in here at the last visit. */
  get isReturning(): boolean {
    return remembered() !== null;
  }

  get connection(): Connection {
    return this.#open_.connection;
  }

  get me(): User | null {
    return this.#account?.self ?? null;
  }

  get inbox(): Inbox {
    return this.#open_.inbox;
  }

  get people(): People {
    return this.#open_.people;
  }

  get devices(): Devices {
    this.#devices ??= new DevicesModel(this.#open_);
    return this.#devices;
  }

  get profile(): Profile {
    this.#profile ??= new ProfileModel(this.#open_);
    return this.#profile;
  }

  get notifications(): Notifications {
    return this.#open_.notifications;
  }

  announce(words: AnnouncementWords): void {
    this.#words = words;
  }

  async register(form: SignInForm & { displayName: string }): Promise<void> {
    const signedIn = await calls.session.register({
      handle: form.handle,
      password: form.password,
      display_name: form.displayName,
      device: thisDevice(),
      cookie: true,
    });
    await this.#signedIn(signedIn.user);
  }

  async signIn(form: SignInForm & { takeover?: boolean }): Promise<void> {
    const signedIn = await calls.session.login({
      handle: form.handle,
      password: form.password,
      device: thisDevice(),
      cookie: true,
      ...(form.takeover === undefined ? {} : { takeover: form.takeover }),
    });
    await this.#signedIn(signedIn.user);
  }

  unsent(): Promise<number> {
    return Promise.resolve(this.#account?.outbox.sends.length ?? 0);
  }

  /** First the server: a session that goes on would be a surprise to whoever opens this browser next. */
  async signOut(): Promise<void> {
    const account = this.#account;
    if (!account || this.#isLeaving) return;
    this.#isLeaving = true;
    try {
      await within(LAST_WORDS_MS, account.drafts.saved(), undefined);
      await loggedOut();
      account.tellEnd({ reason: "signed_out", by: null });
      await account.close();
      this.#forget();
      await deleteDatabase(account.me);
      await forgetCaches();
    } finally {
      this.#isLeaving = false;
    }
  }

  conversation(threadId: string): Conversation | null {
    return this.#account?.conversation(threadId) ?? null;
  }

  show(threadId: string | null): void {
    this.#account?.show(threadId);
  }

  async startThread(userIds: readonly string[], title?: string): Promise<string> {
    const account = this.#open_;
    const isDirect = userIds.length === 1 && title === undefined;
    const found = title === undefined ? await sameThread([account.me, ...userIds]) : null;
    const row =
      found ??
      (await calls.thread.create({
        kind: isDirect ? "direct" : "group",
        participants: [...userIds],
        client_thread_id: crypto.randomUUID(),
        ...(title === undefined ? {} : { title }),
      }));
    account.threads.take(row);
    return row.thread.id;
  }

  update(): void {
    this.#applyUpdate();
  }

  /** A new version of the page waits; `apply` changes to it. */
  offerUpdate(apply: () => void): void {
    this.#applyUpdate = apply;
    this.isUpdateReady = true;
  }

  /** The account that is open; asked for by screens that exist only then. */
  get #open_(): Account {
    if (!this.#account) throw new Error("nobody is signed in");
    return this.#account;
  }

  async #signedIn(user: User): Promise<void> {
    this.farewell = null;
    const me = await calls.user.me();
    const last = remembered();
    if (last !== null && last !== user.id) await deleteDatabase(last);
    await this.#open(me);
  }

  async #open(me: Me): Promise<void> {
    const { Account } = await account();
    const opened = await Account.open(
      me,
      { wishes: () => this.preferences, words: () => this.#words },
      () => (this.isStored = false),
      (farewell) => void this.#ended(opened, farewell),
    );
    this.#account = opened;
    remember(me.id);
    this.phase = "open";
  }

  /** The cookie is of somebody else than the data here. */
  async #changeTo(me: Me): Promise<void> {
    const before = this.#account;
    this.#close();
    await before?.close();
    await this.#open(me);
  }

  /** Another tab has signed in: all tabs of a browser have the same cookie. */
  readonly #otherSignedIn = ({ key, newValue }: StorageEvent): void => {
    if (key !== LAST_ACCOUNT || newValue === null || newValue === this.#account?.me) return;
    void this.#changed();
  };

  async #changed(): Promise<void> {
    try {
      const me = await calls.user.me();
      if (me.id !== this.#account?.me) await this.#changeTo(me);
      this.farewell = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#unknown(error);
    }
  }

  async #ended(account: Account, farewell: Farewell): Promise<void> {
    // The server tells of what this tab itself is about.
    if (this.#isLeaving || account !== this.#account) return;
    this.farewell = farewell;
    // Drafts and what was not sent stay for when the same person comes back (N4).
    if (farewell.reason === "signed_out") this.#forget();
    else this.#close();
    await account.close();
    if (farewell.reason === "signed_out") await deleteDatabase(account.me);
  }

  #unknown(error: Refusal): void {
    if (error.retry !== "after_login") {
      // No answer: what the browser holds is shown, and the connection goes on trying.
      if (!this.#account) this.phase = "signed_out";
      return;
    }
    if (this.#account) void this.#ended(this.#account, farewellOf(error));
    else this.phase = "signed_out";
  }

  #close(): void {
    this.phase = "signed_out";
    this.#account = null;
    this.#devices = null;
    this.#profile = null;
  }

  #forget(): void {
    remember(null);
    this.#close();
  }
}

/** What only somebody who is signed in needs: the log-in page does without. */
function account(): Promise<typeof import("./account.svelte")> {
  return import("./account.svelte");
}

/** A session that has ended already is just as well. */
async function loggedOut(): Promise<void> {
  try {
    await calls.session.logout();
  } catch (error) {
    if (!(error instanceof Refusal) || error.retry !== "after_login") throw error;
  }
}

async function deleteDatabase(userId: string): Promise<void> {
  const { Database } = await import("./database");
  await Database.delete(userId);
}

/** The thread with exactly these people, if there is one (G1). */
async function sameThread(userIds: readonly string[]): Promise<InboxRow | null> {
  try {
    return await calls.thread.byParticipants(userIds);
  } catch (error) {
    if (error instanceof Refusal && error.code === "not_found") return null;
    throw error;
  }
}

function thisDevice(): Device {
  const agent = navigator.userAgent;
  const browser = /Firefox|Edg|OPR|Chrome|Safari/.exec(agent)?.[0] ?? "Browser";
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(agent)?.[0] ?? "";
  const names: Readonly<Record<string, string>> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  const label = [browser, system].map((name) => names[name] ?? name).filter(Boolean);
  return { kind: "web", label: label.join(", ") };
}

function remembered(): string | null {
  try {
    return localStorage.getItem(LAST_ACCOUNT);
  } catch {
    return null; // Storage is forbidden here.
  }
}

function remember(userId: string | null): void {
  try {
    if (userId === null) localStorage.removeItem(LAST_ACCOUNT);
    else localStorage.setItem(LAST_ACCOUNT, userId);
  } catch {
    // Then nothing is there at the next start, and the server is asked.
  }
}

async function forgetCaches(): Promise<void> {
  if (!("caches" in globalThis)) return;
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("kith-")).map((name) => caches.delete(name)));
}
