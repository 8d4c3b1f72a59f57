// What a thread says in words: days, notices, why something was not sent, and how a message is read aloud.

import type { Conversation, Message, Notice, SendState, Silence } from "../../model";
import type { User } from "../../protocol";
import { m } from "../../words/messages.js";
import { intlLocale } from "../locale.svelte";
import { date, daysAgo, time } from "../when";

/** Today, Yesterday, a weekday, 3 November, 3 November 2025 (T2). */
export function dayWords(at: number): string {
  const days = daysAgo(at);
  if (days <= 0) return m.thread_today();
  if (days === 1) return m.thread_yesterday();
  if (days < 7) return new Intl.DateTimeFormat(intlLocale(), { weekday: "long" }).format(at);
  return date(at);
}

export function stateWords(state: SendState): string {
  const words = {
    sending: m.thread_state_sending,
    waiting: m.thread_state_waiting,
    sent: m.thread_state_sent,
    delivered: m.thread_state_delivered,
    read: m.thread_state_read,
    failed: m.thread_state_failed,
  };
  return words[state]();
}

export function failureWords(code: string): string {
  switch (code) {
    case "unreachable":
      return m.thread_failed_unreachable();
    case "not_a_member":
    case "not_found":
      return m.thread_failed_left();
    case "blocked":
      return m.thread_failed_blocked();
    case "contacts_only":
      return m.thread_failed_contacts();
    case "forbidden":
      return m.thread_failed_forbidden();
    case "too_large":
      return m.thread_failed_large();
    default:
      return m.thread_failed_other({ code });
  }
}

export function silenceWords(silence: Silence, now: number): string {
  switch (silence.why) {
    case "admins_only":
      return m.thread_silence_admins_only();
    case "muted":
      return m.thread_silence_muted();
    case "left":
      return m.thread_silence_left();
    case "blocked":
      return m.thread_silence_blocked();
    case "contacts_only":
      return m.thread_silence_contacts_only();
    case "slow":
      return m.thread_silence_slow({ count: Math.max(1, Math.ceil((silence.until - now) / 1000)) });
  }
}

export function noticeWords(notice: Notice, meId: string): string {
  const name = nameOf(notice.author, meId);
  const people = namesOf(notice.users, meId);
  switch (notice.kind) {
    case "member_added":
      return isSelf(notice) ? m.thread_notice_joined({ name }) : m.thread_notice_added({ name, people });
    case "member_left":
      return notice.heir
        ? m.thread_notice_left_heir({ name, heir: nameOf(notice.heir, meId) })
        : m.thread_notice_left({ name });
    case "member_removed":
      return isSelf(notice) ? m.thread_notice_left({ name }) : m.thread_notice_removed({ name, people });
    case "role":
      return roleWords(notice.role, { name, people });
    case "title":
      return m.thread_notice_title({ name, title: notice.title ?? "" });
    default:
      return m.thread_notice_settings({ name });
  }
}

function roleWords(role: string | null, words: { name: string; people: string }): string {
  if (role === "owner") return m.thread_notice_owner(words);
  if (role === "admin") return m.thread_notice_admin(words);
  if (role === "muted") return m.thread_notice_muted(words);
  return m.thread_notice_member(words);
}

function isSelf({ users, author }: Notice): boolean {
  return users.length === 0 || (users.length === 1 && users[0]?.id === author.id);
}

export function nameOf(user: User, meId: string): string {
  return user.id === meId ? m.thread_you() : user.display_name;
}

function namesOf(users: readonly User[], meId: string): string {
  const names = users.map((user) => nameOf(user, meId));
  return new Intl.ListFormat(intlLocale(), { type: "conjunction" }).format(names);
}

export function messageText(message: Message): string {
  if (message.isDeleted) return m.thread_deleted();
  if (message.text !== "") return message.text;
  return message.kind === "media" ? m.thread_media() : m.thread_custom();
}

/** "Ann, 14:02, are you there? Read" */
export function heard(message: Message, meId: string): string {
  const name = nameOf(message.author, meId);
  const words = m.thread_heard({ name, time: time(message.at), text: messageText(message) });
  return message.state === null
    ? words
    : m.thread_heard_state({ message: words, state: stateWords(message.state) });
}

/** Null: nobody types. */
export function typingWords(typing: readonly User[]): string | null {
  const [first, second] = typing;
  if (!first) return null;
  if (!second) return m.thread_typing_one({ name: first.display_name });
  if (typing.length === 2) {
    return m.thread_typing_two({ first: first.display_name, second: second.display_name });
  }
  return m.thread_typing_many({ count: typing.length });
}

export function logLabel(conversation: Conversation): string {
  const { name, kind } = conversation.row;
  return kind === "direct" ? m.thread_messages_with({ name }) : m.thread_messages_in({ name });
}
