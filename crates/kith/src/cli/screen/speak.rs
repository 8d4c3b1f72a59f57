//! Writing: what goes out of the line at the bottom, and the draft that stays in it.

use super::app::App;
use super::conversation::{About, Anchor, Compose};
use super::edit::Edit;
use super::errand::{Call, Errand};
use crate::cli::chat::line::named;
use kith_client::Draft as Words;
use kith_protocol::entry::MENTIONS_MAX;
use kith_protocol::text::check_text;
use kith_protocol::thread::{Draft, Role};
use kith_protocol::{ThreadId, Timestamp};

impl App {
    /// Whether the open thread takes messages of the user at all.
    pub(super) fn may_write(&self) -> bool {
        self.open_row()
            .is_none_or(|row| row.thread.gone != Some(true) && row.thread.role != Role::Muted)
    }

    /// Sends what is written, or changes what it is about. A text that cannot be sent stays.
    pub(super) fn send(&mut self) {
        let Some(thread) = self.open else { return };
        let seen_head = self.seen_head();
        let Some(talk) = self.talks.get(&thread) else {
            return;
        };
        let text = talk.compose.edit.text().trim_end().to_owned();
        if text.is_empty() {
            return;
        }
        if let Err(bad) = check_text("text", &text) {
            return self.complain(format!("not sent: {}", bad.why));
        }
        match talk.compose.about {
            About::EditOf(seq) => self.call(Call::Edit {
                thread,
                seq,
                seen_head,
                text,
            }),
            about => {
                let words = Box::new(self.words(thread, text, about));
                self.errands.push(Errand::Send { thread, words });
            }
        }
        let now = self.now;
        if let Some(talk) = self.talks.get_mut(&thread) {
            let was_edit = matches!(talk.compose.about, About::EditOf(_));
            talk.compose.clear();
            if !was_edit {
                talk.compose.save_at = talk.compose.saved.as_ref().map(|_| now);
                talk.news_from = None;
            }
            // The others stop showing it with the message that comes.
            talk.compose.typing_told_at = None;
        }
        self.go_to_end(thread);
    }

    fn go_to_end(&mut self, thread: ThreadId) {
        let Some(talk) = self.talks.get_mut(&thread) else {
            return;
        };
        talk.anchor = Anchor::End;
        if talk.more_after {
            self.load(thread, Default::default());
        }
    }

    /// The message with the members that it names.
    fn words(&self, thread: ThreadId, text: String, about: About) -> Words {
        let handles = named(&text);
        let talk = self.talks.get(&thread);
        let members = talk.map(|talk| talk.members.as_slice()).unwrap_or_default();
        let mentions = members
            .iter()
            .filter(|member| handles.contains(&member.user.handle.as_str()))
            .map(|member| member.user.id)
            .take(MENTIONS_MAX)
            .collect();
        let role = self.inbox.row(thread).map(|row| row.thread.role);
        let may_all = matches!(role, Some(Role::Owner | Role::Admin));
        let mention_all = may_all && handles.contains(&"all");
        let reply_to = match about {
            About::ReplyTo(seq) => Some(seq),
            _ => None,
        };
        Words {
            text: Some(text),
            reply_to,
            mentions,
            mention_all,
            ..Words::default()
        }
    }

    /// Saves the drafts whose time has come.
    pub(super) fn save_drafts_due(&mut self, now: Timestamp) {
        let due = |compose: &Compose| compose.save_at.is_some_and(|at| at <= now);
        let mut calls = Vec::new();
        for (thread, talk) in &mut self.talks {
            if due(&talk.compose) {
                talk.compose.save_at = None;
                if let Some(draft) = talk.compose.to_save() {
                    calls.push(Call::Draft(*thread, draft));
                }
            }
        }
        for call in calls {
            self.call(call);
        }
    }

    /// All drafts are due: the program ends, or another account comes.
    pub(super) fn save_all_drafts(&mut self) {
        let now = self.now;
        for talk in self.talks.values_mut() {
            talk.compose.save_at = talk.compose.save_at.map(|_| now);
        }
        self.save_drafts_due(now);
    }
}

impl Compose {
    /// What the server should have as the draft, if it is something else than it has.
    fn to_save(&self) -> Option<Option<Draft>> {
        let edit = match self.about {
            About::EditOf(_) => &self.stash,
            _ => &self.edit,
        };
        let saved = self.saved.as_ref();
        if edit.text() == saved.map_or("", |saved| &saved.text) {
            return None;
        }
        let version = saved.map_or(0, |saved| saved.version);
        let text = edit.text().to_owned();
        let draft = Draft { text, version };
        Some((!edit.is_empty()).then_some(draft))
    }

    /// What is written and not on the server.
    pub(super) fn unsaved(&self) -> Option<&str> {
        let edit = match self.about {
            About::EditOf(_) => &self.stash,
            _ => &self.edit,
        };
        let saved = self.saved.as_ref().map_or("", |saved| &saved.text);
        (edit.text() != saved && !edit.is_empty()).then(|| edit.text())
    }

    /// Begins a text about a message; another text that was begun waits for its end.
    pub(super) fn write_about(&mut self, about: About, text: Option<String>) {
        self.leave_about();
        self.about = about;
        if let Some(text) = text {
            self.stash = std::mem::replace(&mut self.edit, Edit::of(text));
        }
    }

    /// A new message again; true if it was about one.
    pub(super) fn leave_about(&mut self) -> bool {
        let about = std::mem::take(&mut self.about);
        if matches!(about, About::EditOf(_)) {
            self.edit = std::mem::take(&mut self.stash);
        }
        about != About::New
    }

    /// What was written has gone out.
    pub(super) fn clear(&mut self) {
        self.edit.take();
        self.leave_about();
    }
}
