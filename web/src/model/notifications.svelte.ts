// Announcements of new messages by the browser: whether it may, whether to ask, and what a press on one does (A1 to A3).

import type { Entry, User } from "../protocol";
import type { AnnouncementWords, Notifications } from "./kith";
import { type Announcement, Notifier } from "./notify";
import type { Choices } from "./preferences";

/** What this needs of the account. */
export interface Host {
  readonly me: string;
  now(): number;
  isLeader(): boolean;
  isLookedAt(thread: string): boolean;
  isMuted(thread: string): boolean;
  readSeq(thread: string): number;
  /** The name of the thread, as a row shows it; null as long as nothing was told of it. */
  threadName(thread: string): { name: string; isGroup: boolean } | null;
  user(id: string): User;
  /** When each of the other devices of this person was in use. */
  othersSeenAt(): Promise<readonly number[]>;
}

/** What the person has chosen, and the words for it. */
export interface Announcer {
  wishes(): Pick<Choices, "notify" | "sound" | "hideBodies">;
  words(): AnnouncementWords | null;
}

const DECLINED = "kith.notifications-declined-at";
const DECLINED_MS = 30 * 86_400_000;
/** The server notes to the minute when a device was in use. */
const IN_USE_MS = 5 * 60_000;
const TOLD_AFTER_MS = 2_000;

export class NotificationsModel implements Notifications {
  readonly #host: Host;
  readonly #announcer: Announcer;
  readonly #notifier: Notifier;
  permission = $state<Notifications["permission"]>(permissionNow());
  isOffered = $state(false);

  constructor(host: Host, announcer: Announcer) {
    this.#host = host;
    this.#announcer = announcer;
    this.#notifier = new Notifier({
      me: host.me,
      now: () => host.now(),
      isLeader: () => host.isLeader(),
      isWanted: () =>
        permissionNow() === "granted" && announcer.wishes().notify && announcer.words() !== null,
      isLookedAt: (thread) => host.isLookedAt(thread),
      isMuted: (thread) => host.isMuted(thread),
      isRead: (thread, seq) => host.readSeq(thread) >= seq,
      isElsewhere: () => this.#isElsewhere(),
      show: (announcement) => this.#show(announcement),
    });
  }

  async allow(): Promise<boolean> {
    this.isOffered = false;
    if (permissionNow() === "unsupported") return false;
    await Notification.requestPermission();
    this.permission = permissionNow();
    return this.permission === "granted";
  }

  decline(): void {
    this.isOffered = false;
    try {
      localStorage.setItem(DECLINED, String(this.#host.now()));
    } catch {
      // Then it is offered again after the next start.
    }
  }

  /** A message was pushed. */
  arrived(thread: string, entry: Entry): void {
    // The first one of a thread comes before what is told of it.
    if (this.#host.threadName(thread) !== null) this.#arrived(thread, entry);
    else setTimeout(() => this.#arrived(thread, entry), TOLD_AFTER_MS);
  }

  #arrived(thread: string, entry: Entry): void {
    if (entry.kind === "delete") return this.#notifier.deleted(thread, entry.target_seq ?? 0);
    void this.#notifier.arrived({ thread, entry });
    this.#offer(thread, entry);
  }

  /** Something was read. */
  settle(): void {
    this.#notifier.settle();
  }

  close(): void {
    this.#notifier.close();
  }

  /** After the first message that comes while this tab is hidden, not before. */
  #offer(thread: string, entry: Entry): void {
    if (!document.hidden || permissionNow() !== "default" || entry.author_id === this.#host.me) return;
    if (this.#host.isMuted(thread) || this.#host.now() - declinedAt() < DECLINED_MS) return;
    this.isOffered = true;
  }

  async #isElsewhere(): Promise<boolean> {
    const seen = await this.#host.othersSeenAt();
    return seen.some((at) => this.#host.now() - at < IN_USE_MS);
  }

  #show({ thread, entry }: Announcement): { close(): void } | null {
    const view = this.#announcer.words();
    if (!view) return null;
    const { sound, hideBodies } = this.#announcer.wishes();
    const named = this.#host.threadName(thread);
    if (!named) return null;
    const { name, isGroup } = named;
    const author = this.#host.user(entry.author_id).display_name;
    const text = entry.kind === "text" && entry.text !== undefined ? entry.text : null;
    const { title, body } = view.words({
      name,
      author: isGroup ? author : null,
      text: hideBodies ? null : text,
    });
    try {
      const options = { body, icon: "/icon-192.png", tag: `kith-${thread}`, renotify: true, silent: !sound };
      const notification = new Notification(title, options);
      notification.onclick = () => {
        window.focus();
        notification.close();
        view.open(thread, entry.seq);
      };
      return notification;
    } catch {
      // Some browsers show them from a service worker only.
      return null;
    }
  }
}

function permissionNow(): Notifications["permission"] {
  return "Notification" in globalThis ? Notification.permission : "unsupported";
}

function declinedAt(): number {
  try {
    return Number(localStorage.getItem(DECLINED) ?? -Infinity);
  } catch {
    return -Infinity;
  }
}
