//! What events and answers change.

use super::app::{App, Focus, Link, Page};
use super::conversation::{About, Conversation};
use super::edit::Edit;
use super::errand::{Answer, Call, Errand};
use super::inbox;
use super::people::Known;
use super::sign_in::SignIn;
use super::text;
use kith_client::{Ending, Event};
use kith_protocol::entry::{Entry, PageQuery, SendMessage};
use kith_protocol::frame::ContactChanged;
use kith_protocol::thread::{Draft, InboxRow, Mine};
use kith_protocol::{Problem, ThreadId};

/// From a draft that was not saved to the next attempt.
const DRAFT_AGAIN_MS: u64 = 30_000;
/// From a page that did not come to the next attempt.
const PAGE_AGAIN_MS: u64 = 2_000;

/// Events of the client.
impl App {
    pub(super) fn happened(&mut self, event: Event) {
        match event {
            Event::Connected => {
                self.link = Link::CatchingUp;
                self.receipts_stale = true;
                self.people.ask_again();
                self.call(Call::People);
            }
            Event::Disconnected(_) => self.link = Link::Lost,
            Event::CaughtUp => self.caught_up(),
            Event::Row(row) => self.row(*row),
            Event::Gone { thread, left_seq } => self.gone(thread, left_seq),
            Event::Entry { thread, entry } => self.entry(thread, *entry),
            Event::Receipt(receipt) => {
                self.receipts_stale |= self.open == Some(receipt.thread_id);
                if let Some(talk) = self.talks.get_mut(&receipt.thread_id) {
                    talk.receipt(receipt);
                }
            }
            Event::Typing(typing) => {
                let now = self.now;
                // Whoever types in a thread that is not open shows in the list.
                self.forget_old_talks(typing.thread_id);
                let talk = self.talks.entry(typing.thread_id).or_default();
                talk.typing(typing.user_id, typing.active, now);
            }
            Event::Mine(changed) => self.mine(changed.thread_id, changed.mine),
            Event::Contact(contact) => self.people.synced(*contact),
            Event::ContactChanged(changed) => self.contact_changed(*changed),
            Event::Friends(friends) => self.people.friends(friends),
            Event::Session(_) if self.page == Page::Devices => self.call(Call::Devices),
            Event::Me(me) => self.people.meet(me.user),
            Event::SendDone {
                thread,
                client_msg_id,
                sent,
            } => {
                let now = self.now;
                if let Some(talk) = self.talks.get_mut(&thread) {
                    talk.sent(client_msg_id, sent.seq, now);
                }
            }
            Event::SendRefused {
                thread,
                message,
                problem,
            } => self.send_refused(thread, &message, &problem),
            Event::SessionEnded(ending) => self.ended(&ending),
            _ => {}
        }
    }

    fn contact_changed(&mut self, changed: ContactChanged) {
        let asks = self.people.changed(changed);
        if asks {
            self.call(Call::People);
        }
    }

    fn caught_up(&mut self) {
        if self.link == Link::CatchingUp {
            self.link = Link::Connected;
        }
        if !self.inbox.is_known {
            self.call(Call::Inbox);
        }
        if let (Some(thread), Some(talk)) = (self.open, self.open_talk())
            && !talk.is_known
            && !talk.loading
        {
            self.load(thread, PageQuery::default());
        }
    }

    /// The inbox as it was when it was asked for: rows that were told since are newer.
    fn inbox_came(&mut self, rows: Vec<InboxRow>) {
        for row in rows {
            let held = self.inbox.row(row.thread.id);
            if held.is_none_or(|held| held.head.last_seq <= row.head.last_seq) {
                self.row(row);
            }
        }
        self.inbox.is_known = true;
        if let Some(name) = self.opens.take() {
            self.open_named(&name);
        }
    }

    /// What --open asked for.
    fn open_named(&mut self, name: &str) {
        let wanted = name.trim_start_matches('@').to_lowercase();
        let is_it = |row: &&InboxRow| {
            let title = self.title_of(row).to_lowercase();
            let handle = inbox::peer(row).map(|peer| self.people.handle(peer));
            title == wanted
                || handle.is_some_and(|handle| handle.trim_start_matches('@') == wanted)
                || row.thread.id.to_string() == wanted
        };
        let found = self.inbox.all().find(is_it).map(|row| row.thread.id);
        match found {
            Some(thread) => self.open(thread),
            None if name.starts_with('@') => self.call(Call::Direct(name.to_owned())),
            None => self.complain(format!("no thread is called {name}")),
        }
    }

    pub(super) fn row(&mut self, row: InboxRow) {
        let thread = row.thread.id;
        if let Some(talk) = self.talks.get_mut(&thread) {
            talk.head(&row.head, inbox::peer(&row));
            talk.adopt_draft(row.mine.draft.clone());
        }
        self.inbox.put(row);
    }

    fn gone(&mut self, thread: ThreadId, left_seq: Option<u64>) {
        match left_seq {
            Some(_) => self.inbox.change(thread, |row| {
                row.thread.gone = Some(true);
                row.thread.left_seq = left_seq;
            }),
            None => self.inbox.remove(thread),
        }
        if self.open == Some(thread) {
            self.say("you are no longer in this thread");
        }
    }

    fn entry(&mut self, thread: ThreadId, entry: Entry) {
        let own = Some(entry.author_id) == self.me;
        if entry.kind.is_countable() && !own {
            let row = self.inbox.row(thread);
            let is_news = row.is_none_or(|row| entry.seq > row.mine.read_seq);
            let is_quiet = row.is_some_and(|row| self.is_muted(row) || row.mine.archived);
            let talk = self.open_talk().filter(|_| self.open == Some(thread));
            let in_sight = talk.is_some_and(Conversation::shows_end) && self.sees_talk();
            self.bell_waits |= is_news && !is_quiet && !in_sight;
        }
        self.receipts_stale |= self.open == Some(thread) && own;
        if entry.kind.is_membership() && self.open == Some(thread) {
            self.members_asked = false;
        }
        if !self.inbox.entry(thread, &entry, self.me) {
            self.errands.push(Errand::Sync);
        }
        let me = self.me;
        if let Some(talk) = self.talks.get_mut(&thread) {
            talk.entry(entry, me);
        }
    }

    fn mine(&mut self, thread: ThreadId, mine: Mine) {
        if let Some(talk) = self.talks.get_mut(&thread) {
            talk.adopt_draft(mine.draft.clone());
        }
        if !self.inbox.mine(thread, mine) {
            self.errands.push(Errand::Sync);
        }
    }

    /// The words go back to where they were written, if nothing else stands there by now.
    fn send_refused(&mut self, thread: ThreadId, message: &SendMessage, problem: &Problem) {
        if let Some(talk) = self.talks.get_mut(&thread) {
            let id = message.client_msg_id;
            talk.waiting.retain(|waiting| waiting.id != id);
            let compose = &mut talk.compose;
            if compose.edit.is_empty() && compose.about == About::New {
                compose.edit = Edit::of(message.text.clone().unwrap_or_default());
                compose.about = message.reply_to.map_or(About::New, About::ReplyTo);
            }
        }
        self.complain(format!("not sent: {problem}"));
    }

    /// The session is over: sign in again, and be told why.
    pub(super) fn ended(&mut self, ending: &Ending) {
        let words = text::line(&ending.words);
        let reason = if ending.was_replaced() {
            format!("another device took this session's place ({words}): sign in again")
        } else {
            format!("the session is over ({words}): sign in again")
        };
        let handle = self.me.map(|me| self.people.handle(me)).unwrap_or_default();
        let handle = handle.trim_start_matches('@');
        self.sign_in = Some(SignIn::at(&self.server, handle, Some(reason)));
        (self.page, self.focus, self.prompt) = (Page::Talk, Focus::List, None);
    }
}

/// Answers to errands.
impl App {
    pub(super) fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Page(thread, query, page) => {
                let me = self.me;
                if let Some(talk) = self.talks.get_mut(&thread) {
                    talk.page(&query, *page);
                    talk.find_news(me);
                }
            }
            Answer::Members(thread, members) => {
                let me = self.me;
                for member in &members {
                    self.people.meet(member.user.clone());
                }
                if let Some(talk) = self.talks.get_mut(&thread) {
                    talk.met(members, me);
                }
            }
            Answer::Receipts(thread, seq, receipts) => {
                self.receipts_asked = false;
                let own = self
                    .talks
                    .get(&thread)
                    .and_then(|talk| talk.last_own(self.me));
                if let Some(talk) = self.talks.get_mut(&thread)
                    && own == Some(seq)
                {
                    talk.seen = Some((seq, receipts.counts));
                }
                if self.page == Page::Seen && self.seen.as_ref().is_some_and(|seen| seen.0 == seq) {
                    self.seen = Some((seq, receipts));
                }
            }
            Answer::User(user) => self.people.meet(user),
            Answer::Inbox(rows) => self.inbox_came(rows),
            Answer::People(contacts, requests, blocks) => {
                self.people.contacts.clear();
                for contact in contacts {
                    self.people.befriend(contact);
                }
                (self.people.requests, self.people.blocks) = (requests, blocks);
            }
            Answer::Devices(devices) => self.devices = devices,
            Answer::Opened(row) => {
                let thread = row.thread.id;
                self.row(*row);
                self.open(thread);
            }
            Answer::Mine(thread, mine) => self.mine(thread, mine),
            Answer::DraftConflict(thread, draft) => self.draft_conflict(thread, draft),
            answer => self.answered_here(answer),
        }
    }

    /// What this device, not the server, has answered.
    fn answered_here(&mut self, answer: Answer) {
        match answer {
            Answer::Queued(thread, message) => {
                if let Some(talk) = self.talks.get_mut(&thread) {
                    talk.queued(&message);
                }
            }
            Answer::Waiting(waiting) => {
                for (thread, message) in waiting {
                    self.talks.entry(thread).or_default().queued(&message);
                }
            }
            Answer::Remembered(thread, entries) => {
                if let Some(talk) = self.talks.get_mut(&thread) {
                    talk.remembered(entries);
                }
            }
            Answer::Found(words, found) => {
                (self.search.found, self.search.done) = (found, Some(words));
                self.line = 0;
            }
            Answer::Accounts(accounts) => self.accounts = accounts,
            Answer::NotQueued(thread, words, why) => {
                if let Some(talk) = self.talks.get_mut(&thread) {
                    talk.compose.edit = Edit::of(words.text.unwrap_or_default());
                }
                self.complain(format!("not sent: {why}"));
            }
            Answer::SignInFailed(words) => {
                if let Some(sign_in) = &mut self.sign_in {
                    sign_in.is_asking = false;
                    sign_in.reason = Some(text::line(&words));
                }
            }
            Answer::Done(call) => self.done(call),
            Answer::Failed(call, words) => self.failed(call, &words),
            Answer::Wrong(words) => self.complain(words),
            Answer::Ended(ending) => self.ended(&ending),
            _ => {}
        }
    }

    fn done(&mut self, call: Call) {
        let (words, next) = match call {
            Call::Add(thread, _) => ("added", Some(Call::Members(thread))),
            Call::Remove(thread, _) => ("removed", Some(Call::Members(thread))),
            Call::Role(thread, ..) => ("the role is changed", Some(Call::Members(thread))),
            Call::Leave(..) => ("you have left", None),
            Call::Retitle(..) => ("the title is changed", None),
            Call::Ask(_) => ("asked", Some(Call::People)),
            Call::Accept(_) => ("you are contacts now", Some(Call::People)),
            Call::Decline(_) => ("declined", Some(Call::People)),
            Call::Part(_) => ("no longer a contact", Some(Call::People)),
            Call::Block(_) => ("blocked", Some(Call::People)),
            Call::Unblock(_) => ("no longer blocked", Some(Call::People)),
            Call::EndSession(_) => ("signed out", Some(Call::Devices)),
            Call::EndOthers => ("all others are signed out", Some(Call::Devices)),
            _ => return,
        };
        self.say(words);
        if let Some(next) = next {
            self.call(next);
        }
    }

    /// A refusal changes nothing and is said; what was asked for by itself is asked for again
    /// when it is needed the next time.
    fn failed(&mut self, call: Call, words: &str) {
        match call {
            Call::Page { thread, .. } => {
                if let Some(talk) = self.talks.get_mut(&thread) {
                    talk.loading = false;
                    talk.not_before = self.now.after_ms(PAGE_AGAIN_MS);
                }
                if self.link == Link::Connected {
                    self.complain(words);
                }
            }
            Call::User(user) => self.people.miss(user),
            Call::Receipts(thread, seq) => {
                self.receipts_asked = false;
                // Counted as nothing known, not asked for over and over.
                if let Some(talk) = self.talks.get_mut(&thread) {
                    talk.seen = Some((seq, Default::default()));
                }
            }
            Call::Members(_) | Call::People | Call::Inbox => {}
            Call::Draft(thread, _) => {
                let again_at = self.now.after_ms(DRAFT_AGAIN_MS);
                if let Some(talk) = self.talks.get_mut(&thread) {
                    talk.compose.save_at.get_or_insert(again_at);
                }
            }
            Call::Edit { thread, text, .. } => {
                if let Some(talk) = self.talks.get_mut(&thread)
                    && talk.compose.edit.is_empty()
                {
                    talk.compose.edit = Edit::of(text);
                }
                self.complain(format!("not changed: {words}"));
            }
            _ => self.complain(words),
        }
    }

    /// Somebody, on another device, has written another draft: the text that is being written here
    /// is the newer one, an untouched one gives way.
    fn draft_conflict(&mut self, thread: ThreadId, draft: Draft) {
        let now = self.now;
        if let Some(talk) = self.talks.get_mut(&thread) {
            let is_same = talk.compose.edit.text() == draft.text;
            talk.compose.saved = Some(draft);
            talk.compose.save_at = (!is_same).then_some(now);
        }
    }

    /// The person on the chosen line of the page of people.
    pub(super) fn chosen_person(&self) -> Option<Known<'_>> {
        self.people.known(self.me).get(self.line).copied()
    }
}
