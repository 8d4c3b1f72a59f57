//! What follows from whatever has just changed: names to ask for, pages to fetch, marks to set, a
//! bell to ring. It is worked out from what the app knows, whatever led there.

use super::app::{App, Link};
use super::errand::{Call, Errand};
use super::flow::Flow;
use super::inbox;
use kith_protocol::entry::PageQuery;
use kith_protocol::thread::ThreadKind;
use kith_protocol::{ThreadId, UserId};

/// Names asked for at once: the next ones are asked for when these have come.
const NAMES_AT_ONCE: usize = 16;
/// Between two bells.
const BELL_PAUSE_MS: i64 = 1_000;
/// Rows above the pane from which on earlier entries are fetched.
const FETCH_AHEAD_ROWS: isize = 40;

impl App {
    /// Leaves the errands that follow. To be called after every change.
    pub(super) fn settle(&mut self) {
        if self.inbox.chosen.is_none() {
            self.inbox.step(0);
        }
        self.ask_names();
        self.fetch_pages();
        self.mark_read();
        self.ask_about_open();
        self.ring();
    }

    fn ask_names(&mut self) {
        let mut wanted: Vec<UserId> = Vec::new();
        for row in self.inbox.all() {
            wanted.extend(inbox::peer(row));
            if row.thread.kind != ThreadKind::Direct {
                wanted.extend(row.head.preview.as_ref().map(|preview| preview.author_id));
            }
        }
        if let Some(talk) = self.open_talk() {
            for entry in talk.shown() {
                wanted.push(entry.author_id);
                wanted.extend(&entry.user_ids);
                wanted.extend(entry.heir_id);
            }
            wanted.extend(talk.typists());
        }
        if let Some((_, receipts)) = &self.seen {
            wanted.extend(receipts.read.iter().chain(&receipts.delivered));
        }
        wanted.extend(self.search.found.iter().map(|found| found.entry.author_id));
        let unknown = self.people.unknown(wanted, NAMES_AT_ONCE);
        for user in unknown {
            self.call(Call::User(user));
        }
    }

    /// Entries before and after the window, when they come into sight.
    fn fetch_pages(&mut self) {
        let (Some(thread), Some(size)) = (self.open, self.messages_size()) else {
            return;
        };
        let Some(talk) = self.talks.get(&thread).filter(|talk| !talk.loading) else {
            return;
        };
        if !talk.is_known {
            return;
        }
        let flow = Flow::of(self, talk, size.width);
        let query = if talk.more_before && flow.starts_within(size.height, FETCH_AHEAD_ROWS) {
            let before = talk.first_seq();
            PageQuery {
                before,
                ..PageQuery::default()
            }
        } else if talk.more_after && flow.view(size.height).at_end {
            let after = talk.last_seq();
            PageQuery {
                after,
                ..PageQuery::default()
            }
        } else {
            return;
        };
        if self.link != Link::Lost && talk.not_before <= self.now {
            self.load(thread, query);
        }
    }

    pub(super) fn load(&mut self, thread: ThreadId, query: PageQuery) {
        if let Some(talk) = self.talks.get_mut(&thread) {
            talk.loading = true;
        }
        self.call(Call::Page { thread, query });
    }

    /// What was in sight counts as read.
    fn mark_read(&mut self) {
        let (Some(thread), Some(row)) = (self.open, self.open_row()) else {
            return;
        };
        let (read_seq, unread) = (row.mine.read_seq, row.mine.unread);
        if !self.sees_talk() || unread == 0 {
            return;
        }
        let (Some(talk), Some(size)) = (self.talks.get(&thread), self.messages_size()) else {
            return;
        };
        let shown = Flow::of(self, talk, size.width).view(size.height);
        let all = shown.at_end && !talk.more_after;
        let Some(seq) = shown
            .last_seq
            .filter(|seq| talk.is_known && *seq > read_seq.max(talk.read_seq))
        else {
            return;
        };
        if let Some(talk) = self.talks.get_mut(&thread) {
            talk.read_seq = seq;
        }
        if all {
            // The server's own count follows.
            self.inbox.change(thread, |row| {
                (row.mine.unread, row.mine.mentions) = (0, 0);
            });
        }
        self.errands.push(Errand::Read(thread, seq));
    }

    /// Members of the open thread, and who has seen the last own message.
    fn ask_about_open(&mut self) {
        let (Some(thread), Some(me)) = (self.open, self.me) else {
            return;
        };
        let Some(talk) = self.talks.get(&thread) else {
            return;
        };
        if self.link == Link::Lost || self.link == Link::Connecting {
            return;
        }
        let is_gone = self
            .open_row()
            .is_none_or(|row| row.thread.gone == Some(true));
        let (no_members, last_own) = (talk.members.is_empty(), talk.last_own(Some(me)));
        let is_new = last_own != talk.seen.map(|(seq, _)| seq);
        if no_members && !self.members_asked && !is_gone {
            self.members_asked = true;
            self.call(Call::Members(thread));
        }
        if let Some(seq) = last_own
            && (self.receipts_stale || is_new)
            && !self.receipts_asked
            && !is_gone
        {
            (self.receipts_asked, self.receipts_stale) = (true, false);
            self.call(Call::Receipts(thread, seq));
        }
    }

    fn ring(&mut self) {
        let pause = self.now.0 - self.rang_at.0 >= BELL_PAUSE_MS;
        if self.bell_waits && self.link != Link::CatchingUp && pause {
            self.rang_at = self.now;
            self.errands.push(Errand::Bell);
        }
        self.bell_waits &= self.link == Link::CatchingUp;
    }
}
