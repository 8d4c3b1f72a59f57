//! What is shown of what happens meanwhile.

use super::screen::words_of;
use super::{Chat, Event, ThreadId};
use kith_protocol::entry::{Entry, EntryKind};
use serde_json::json;

impl Chat {
    pub(super) async fn happened(&mut self, event: Event) {
        match event {
            Event::Entry { thread, entry } => self.entry(thread, *entry).await,
            Event::Row(row) => {
                let value = json!({ "row": row });
                self.rows.insert(row.thread.id, *row);
                self.screen.event("row", value, None);
            }
            Event::Gone { thread, left_seq } => {
                let value = json!({ "thread_id": thread, "left_seq": left_seq });
                let title = self.title_of(thread).await;
                let words = format!("You are no longer in {title}.");
                self.screen.event("gone", value, Some(&words));
            }
            Event::Connected => self.screen.event("connected", json!({}), None),
            Event::CaughtUp => self.screen.event("caught_up", json!({}), None),
            Event::Disconnected(closed) => {
                let value = json!({ "code": closed.code, "reason": closed.reason });
                let words = "Connection lost: messages are kept and go out when it is back.";
                self.screen.event("disconnected", value, Some(words));
            }
            Event::SendDone {
                thread,
                client_msg_id,
                sent,
            } => {
                let value =
                    json!({ "thread_id": thread, "client_msg_id": client_msg_id, "sent": sent });
                self.screen.event("sent", value, None);
            }
            Event::SendRefused {
                thread,
                message,
                problem,
            } => {
                self.unshown.remove(&message.client_msg_id);
                self.mistakes += 1;
                let text = message.text.as_deref().unwrap_or_default();
                let start: String = text.chars().take(40).collect();
                let words = format!("not sent: {problem}: {start}");
                let value = json!({ "thread_id": thread, "client_msg_id": message.client_msg_id, "problem": problem });
                if self.screen.is_json() {
                    self.screen.event("send_refused", value, None);
                } else {
                    self.screen.mistake(&words);
                }
            }
            Event::ContactChanged(changed) => {
                let handle = self.handle(changed.user_id).await;
                let words = changed
                    .requests
                    .then(|| format!("Contact requests changed (@{handle}): /requests."));
                self.screen
                    .event("contact", json!({ "changed": changed }), words.as_deref());
            }
            event => self.quiet(event).await,
        }
    }

    /// What people need not be told as it happens.
    async fn quiet(&mut self, event: Event) {
        let (name, value) = match event {
            Event::Receipt(receipt) => ("receipt", json!({ "receipt": receipt })),
            Event::Typing(typing) => {
                if typing.active && self.open == Some(typing.thread_id) && self.watching {
                    let handle = self.handle(typing.user_id).await;
                    self.screen.note(&format!("@{handle} is typing"));
                }
                ("typing", json!({ "typing": typing }))
            }
            Event::Mine(mine) => ("mine", json!({ "mine": mine })),
            Event::Friends(friends) => ("friends", json!({ "friends": friends })),
            Event::Contact(contact) => ("contact_row", json!({ "contact": contact })),
            Event::Session(session) => ("session", json!({ "session": session })),
            Event::Me(me) => ("me", json!({ "me": me })),
            Event::Live(live) => ("live", json!({ "live": live })),
            _ => return,
        };
        self.screen.event(name, value, None);
    }

    async fn entry(&mut self, thread: ThreadId, entry: Entry) {
        // What /history has shown is not shown again.
        let news = entry.seq > self.seen_head(thread);
        self.saw(thread, entry.seq);
        let mine = Some(entry.author_id) == self.me;
        if mine && let Some(id) = &entry.client_msg_id {
            self.unshown.remove(id);
        }
        if self.screen.is_json() {
            let author = self.handle(entry.author_id).await;
            let value = json!({ "thread_id": thread, "author": author, "entry": entry });
            self.screen.event("entry", value, None);
        } else if !news {
            return;
        } else if self.open == Some(thread) || self.followed.contains(&thread) {
            self.show(thread, &entry).await;
        } else if entry.kind.is_countable() && !mine {
            // The author first: a direct thread may have to be told by whom it is with.
            let author = self.handle(entry.author_id).await;
            let title = self.title_of(thread).await;
            self.screen
                .note(&format!("(new in {title} from @{author})"));
        }
        if self.watching
            && self.open == Some(thread)
            && entry.kind.is_countable()
            && let Some(client) = &self.client
        {
            // An error means that the client has stopped, which the next event says.
            let _ = client.read(thread, entry.seq).await;
        }
    }

    pub(super) async fn show(&mut self, thread: ThreadId, entry: &Entry) {
        let author = format!("@{}", self.handle(entry.author_id).await);
        let place = if self.open == Some(thread) {
            String::new()
        } else {
            format!("[{}] ", self.title_of(thread).await)
        };
        let mut what = words_of(entry);
        if entry.kind.is_membership() && entry.kind != EntryKind::Created {
            let mut names = Vec::new();
            for user in &entry.user_ids {
                names.push(format!("@{}", self.handle(*user).await));
            }
            let names = names.join(", ");
            what = match entry.kind {
                EntryKind::MemberAdded => format!("added {names}"),
                EntryKind::MemberRemoved => format!("removed {names}"),
                EntryKind::MemberLeft => "left".to_owned(),
                _ => match entry.role {
                    Some(role) => format!("made {names} {role}"),
                    None => what,
                },
            };
        }
        self.screen.entry(&place, &author, entry, &what);
    }
}
