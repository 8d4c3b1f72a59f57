//! One thread as it is looked at: a window on its log, what waits to be sent, and what is written.

use super::edit::Edit;
use kith_protocol::entry::{
    Entry, EntryKind, Page, PageQuery, Reaction, ReceiptCounts, SendMessage,
};
use kith_protocol::frame::Receipt;
use kith_protocol::thread::{Draft, Head, Member};
use kith_protocol::{ClientMsgId, Timestamp, UserId};
use std::collections::BTreeMap;

/// Entries of one window: a few hundred screens. Older ones are fetched again when they are wanted.
const WINDOW_MAX: usize = 2_000;
/// From the answer to a message to its entry, at the most.
const ENTRY_WITHIN_MS: u64 = 2_000;
/// How long somebody counts as typing after having said so.
const TYPING_SHOWN_MS: u64 = 6_000;

/// A thread on the screen.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// A stretch of the log without a visible entry missing in it.
    entries: BTreeMap<u64, Known>,
    /// Earlier entries are visible.
    pub(super) more_before: bool,
    /// Later ones are: the window does not reach the end of the log.
    pub(super) more_after: bool,
    /// The newest entry that came by itself.
    came_seq: u64,
    /// A page has come once.
    pub(super) is_known: bool,
    /// A page was asked for.
    pub(super) loading: bool,
    /// A page did not come: it is not asked for again before this moment.
    pub(super) not_before: Timestamp,
    /// Own messages that the server does not have yet, in their order.
    pub(super) waiting: Vec<Waiting>,
    pub(super) anchor: Anchor,
    /// The message that keys are about.
    pub(super) chosen: Option<u64>,
    /// The first message that was unread when the thread was opened.
    pub(super) news_from: Option<u64>,
    /// Up to where it had been read then, if something was unread.
    pub(super) opened_at: Option<u64>,
    /// By now the entries of what was sent should have come.
    look_at: Option<Timestamp>,
    pub(super) compose: Compose,
    pub(super) members: Vec<Member>,
    /// Up to where each of the others has received and read, as far as they show it.
    marks: BTreeMap<UserId, Marks>,
    /// There is one other, whose marks the inbox tells.
    is_direct: bool,
    /// Of the last own message.
    pub(super) seen: Option<(u64, ReceiptCounts)>,
    typing: BTreeMap<UserId, Timestamp>,
    /// When it was looked at last, to forget the one that was not for longest.
    pub(super) looked_at: Timestamp,
    /// The last read mark that was set.
    pub(super) read_seq: u64,
}

/// An entry, and up to which seq later ones are in it.
#[derive(Debug)]
struct Known {
    entry: Entry,
    as_of_seq: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    delivered_seq: u64,
    read_seq: u64,
}

/// A message of the outbox.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) id: ClientMsgId,
    /// Where the log has it: its entry is on its way.
    sent_seq: Option<u64>,
    pub(super) text: String,
    pub(super) reply_to: Option<u64>,
}

/// What the pane shows: its place is a message, not a number of rows, so that nothing jumps when
/// older ones come in above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The end, whatever comes.
    #[default]
    End,
    /// At the top stands this row of this message.
    Top { seq: u64, row: usize },
}

/// What is being written.
#[derive(Debug, Default)]
pub(super) struct Compose {
    pub(super) edit: Edit,
    pub(super) about: About,
    /// The draft that the server has.
    pub(super) saved: Option<Draft>,
    /// The text that was begun before an edit took its place.
    pub(super) stash: Edit,
    /// Changed since; to be saved at this moment.
    pub(super) save_at: Option<Timestamp>,
    /// The others were told so at this moment.
    pub(super) typing_told_at: Option<Timestamp>,
}

/// What the text will be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum About {
    #[default]
    New,
    ReplyTo(u64),
    EditOf(u64),
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    Sent,
    Delivered,
    Read,
}

/// What came.
impl Conversation {
    /// A page of the log: it continues the window where it was asked to, or takes its place. A page
    /// that no longer fits, because the window has moved meanwhile, is passed over.
    pub(super) fn page(&mut self, query: &PageQuery, page: Page) {
        self.loading = false;
        let (first, last) = (self.first_seq(), self.last_seq());
        let ends = page.items.first().zip(page.items.last());
        let touches = ends
            .zip(first.zip(last))
            .is_some_and(|(page, ours)| page.0.seq <= ours.1 + 1 && ours.0 <= page.1.seq + 1);
        match query {
            PageQuery { before, .. } if before.is_some() => {
                if *before != first {
                    return;
                }
                self.more_before = page.has_more_before;
            }
            PageQuery { after, .. } if after.is_some() => {
                if *after != last {
                    return;
                }
                self.more_after = page.has_more_after;
            }
            PageQuery { around, .. } => {
                if !self.is_known {
                    // What this device remembers may have holes; what has come since has none.
                    let end = ends.map_or(0, |ends| ends.1.seq);
                    self.entries.retain(|seq, _| *seq > end && around.is_none());
                    self.more_before = page.has_more_before;
                } else if around.is_some() || !touches {
                    self.entries.clear();
                    self.more_before = page.has_more_before;
                }
                self.more_after = page.has_more_after;
                self.is_known = true;
            }
        }
        for entry in page.items {
            let as_of_seq = page.as_of_seq;
            self.arrived(&entry);
            self.entries.insert(entry.seq, Known { entry, as_of_seq });
        }
        // What came while the page was on its way, and found no window that reached so far.
        self.more_after |= self.last_seq().is_some_and(|last| last < self.came_seq);
    }

    /// What this device had kept of the thread, to be shown until the server has been asked.
    pub(super) fn remembered(&mut self, entries: Vec<Entry>) {
        if self.is_known || !self.entries.is_empty() {
            return;
        }
        for entry in entries {
            let as_of_seq = entry.seq;
            self.entries.insert(entry.seq, Known { entry, as_of_seq });
        }
        self.more_before = true;
    }

    /// An entry as it came.
    pub(super) fn entry(&mut self, entry: Entry, me: Option<UserId>) {
        self.arrived(&entry);
        self.typing.remove(&entry.author_id);
        let target = entry.target_seq.and_then(|seq| self.entries.get_mut(&seq));
        if let Some(target) = target.filter(|target| target.as_of_seq < entry.seq) {
            target.as_of_seq = entry.seq;
            overlay(&mut target.entry, &entry, Some(entry.author_id) == me);
        }
        if entry.kind.is_membership() {
            // Asked for again when they are needed.
            self.members.clear();
        }
        self.came_seq = self.came_seq.max(entry.seq);
        if !self.more_after && self.last_seq().is_none_or(|last| last < entry.seq) {
            let as_of_seq = entry.seq;
            self.entries.insert(entry.seq, Known { entry, as_of_seq });
        }
        while self.entries.len() > WINDOW_MAX && self.anchor == Anchor::End {
            self.entries.pop_first();
            self.more_before = true;
        }
    }

    /// Where the news begin, once they are in the window.
    pub(super) fn find_news(&mut self, me: Option<UserId>) {
        let Some(read_seq) = self.opened_at.filter(|_| self.is_known) else {
            return;
        };
        let news = |entry: &&Entry| entry.seq > read_seq && Some(entry.author_id) != me;
        let first = self.messages().find(news).map(|entry| entry.seq);
        self.news_from = first;
        self.opened_at = None;
    }

    /// Takes the server's draft over, unless another text was begun here.
    pub(super) fn adopt_draft(&mut self, draft: Option<Draft>) {
        let saved = self.compose.saved.as_ref().map_or("", |saved| &saved.text);
        let is_ours = self.compose.edit.text() != saved || self.compose.save_at.is_some();
        if !is_ours && self.compose.about == About::New {
            let text = draft.as_ref().map_or("", |draft| &draft.text);
            if self.compose.edit.text() != text {
                self.compose.edit = Edit::of(text);
            }
        }
        self.compose.saved = draft;
    }

    pub(super) fn queued(&mut self, message: &SendMessage) {
        self.waiting.push(Waiting {
            id: message.client_msg_id,
            sent_seq: None,
            text: message.text.clone().unwrap_or_default(),
            reply_to: message.reply_to,
        });
    }

    /// An own message stands in the log, and no longer at the end.
    fn arrived(&mut self, entry: &Entry) {
        self.waiting
            .retain(|waiting| Some(waiting.id) != entry.client_msg_id);
    }

    /// The log has a message. Its entry comes by itself, as a rule.
    pub(super) fn sent(&mut self, id: ClientMsgId, seq: u64, now: Timestamp) {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.id == id) {
            waiting.sent_seq = Some(seq);
            self.look_at = Some(now.after_ms(ENTRY_WITHIN_MS));
        }
    }

    /// What was sent and did not come is fetched: a client that has just begun to follow a thread
    /// may begin behind it.
    fn look_after_sent(&mut self) {
        let sent = self.waiting.iter().filter_map(|waiting| waiting.sent_seq);
        let Some(newest) = sent.max() else { return };
        self.came_seq = self.came_seq.max(newest);
        let last = self.last_seq().unwrap_or_default();
        self.waiting
            .retain(|waiting| waiting.sent_seq.is_none_or(|seq| seq > last));
        self.more_after |= self.is_known && last < self.came_seq;
    }

    pub(super) fn head(&mut self, head: &Head, peer: Option<UserId>) {
        self.is_direct = peer.is_some();
        if let (Some(others), Some(peer)) = (head.others, peer) {
            self.mark(peer, Some(others.delivered_seq), Some(others.read_seq));
        }
    }

    pub(super) fn receipt(&mut self, receipt: Receipt) {
        self.mark(receipt.user_id, receipt.delivered_seq, receipt.read_seq);
    }

    pub(super) fn met(&mut self, members: Vec<Member>, me: Option<UserId>) {
        self.marks
            .retain(|user, _| members.iter().any(|member| member.user.id == *user));
        for member in &members {
            let shows = member.read_seq.is_some() || member.delivered_seq.is_some();
            if Some(member.user.id) != me && shows {
                self.mark(member.user.id, member.delivered_seq, member.read_seq);
            }
        }
        self.members = members;
    }

    fn mark(&mut self, user: UserId, delivered_seq: Option<u64>, read_seq: Option<u64>) {
        let marks = self.marks.entry(user).or_default();
        marks.read_seq = marks.read_seq.max(read_seq.unwrap_or_default());
        let delivered_seq = delivered_seq.unwrap_or_default().max(marks.read_seq);
        marks.delivered_seq = marks.delivered_seq.max(delivered_seq);
    }

    pub(super) fn typing(&mut self, user: UserId, active: bool, now: Timestamp) {
        if active {
            self.typing.insert(user, now.after_ms(TYPING_SHOWN_MS));
        } else {
            self.typing.remove(&user);
        }
    }

    /// Forgets who has stopped typing without saying so; true if somebody has.
    pub(super) fn tick(&mut self, now: Timestamp) -> bool {
        let before = self.typing.len();
        self.typing.retain(|_, until| *until > now);
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = None;
            self.look_after_sent();
            return true;
        }
        self.typing.len() != before
    }

    /// When somebody stops counting as typing, and when the draft is due.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        let typing = self.typing.values().copied().min();
        let own = self.compose.save_at.into_iter().chain(self.look_at);
        typing.into_iter().chain(own).min()
    }
}

/// What shows.
impl Conversation {
    pub(super) fn first_seq(&self) -> Option<u64> {
        self.entries.keys().next().copied()
    }

    pub(super) fn last_seq(&self) -> Option<u64> {
        self.entries.keys().next_back().copied()
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Entry> {
        self.entries.get(&seq).map(|known| &known.entry)
    }

    /// The entries that are shown as such; edits, deletions and reactions show on their message.
    pub(super) fn shown(&self) -> Vec<&Entry> {
        let shown = |entry: &&Entry| {
            !matches!(
                entry.kind,
                EntryKind::Edit | EntryKind::Delete | EntryKind::React | EntryKind::Unreact
            )
        };
        let entries = self.entries.values().map(|known| &known.entry);
        entries.filter(shown).collect()
    }

    /// The messages that can be chosen.
    fn messages(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        let entries = self.entries.values().map(|known| &known.entry);
        entries.filter(|entry| entry.kind.is_countable())
    }

    /// The message before or after the chosen one, or the last one; none beyond the last.
    pub(super) fn step(&self, down: bool) -> Option<u64> {
        let seq = |entry: &Entry| entry.seq;
        match self.chosen {
            None => self.messages().next_back().map(seq),
            Some(chosen) if down => self.messages().map(seq).find(|seq| *seq > chosen),
            Some(chosen) => {
                let before = self.messages().map(seq).rfind(|seq| *seq < chosen);
                before.or(Some(chosen))
            }
        }
    }

    pub(super) fn last_own(&self, me: Option<UserId>) -> Option<u64> {
        let own = |entry: &&Entry| Some(entry.author_id) == me && entry.deleted_seq.is_none();
        self.messages().rfind(own).map(|entry| entry.seq)
    }

    /// How many messages of others stand below this one.
    pub(super) fn below(&self, seq: u64, me: Option<UserId>) -> usize {
        let other = |entry: &&Entry| entry.seq > seq && Some(entry.author_id) != me;
        self.messages().filter(other).count()
    }

    /// The newest entries are in sight as they come.
    pub(super) fn shows_end(&self) -> bool {
        self.anchor == Anchor::End && !self.more_after
    }

    pub(super) fn tick_of(&self, seq: u64) -> Tick {
        // As long as some of the others are not known, the least of the marks says nothing.
        let is_whole = self.is_direct || !self.members.is_empty();
        let others = self.marks.values().filter(|_| is_whole);
        let delivered = others.clone().map(|marks| marks.delivered_seq).min();
        let read = others.map(|marks| marks.read_seq).min();
        let counted = self
            .seen
            .filter(|(seen, counts)| *seen >= seq && counts.of > 0);
        let all = |n: fn(&ReceiptCounts) -> u64| {
            counted.is_some_and(|(_, counts)| n(&counts) == counts.of)
        };
        if read >= Some(seq) || all(|counts| counts.read) {
            Tick::Read
        } else if delivered >= Some(seq) || all(|counts| counts.delivered) {
            Tick::Delivered
        } else {
            Tick::Sent
        }
    }

    pub(super) fn typists(&self) -> impl Iterator<Item = UserId> + '_ {
        self.typing.keys().copied()
    }
}

/// What a later entry makes of the message that it is about.
fn overlay(message: &mut Entry, change: &Entry, own: bool) {
    match change.kind {
        EntryKind::Edit => {
            message.text = change.text.clone();
            message.edited_seq = Some(change.seq);
        }
        EntryKind::Delete => {
            message.deleted_seq = Some(change.seq);
            message.text = None;
            message.reactions.clear();
        }
        EntryKind::React | EntryKind::Unreact => {
            let on = change.kind == EntryKind::React;
            react(&mut message.reactions, change.emoji.as_deref(), on, own);
        }
        _ => {}
    }
}

fn react(reactions: &mut Vec<Reaction>, emoji: Option<&str>, on: bool, own: bool) {
    let Some(emoji) = emoji else { return };
    let found = reactions
        .iter_mut()
        .find(|reaction| reaction.emoji == emoji);
    match (found, on) {
        (Some(reaction), true) => {
            reaction.count += 1;
            reaction.mine |= own;
        }
        (Some(reaction), false) => {
            reaction.count = reaction.count.saturating_sub(1);
            reaction.mine &= !own;
        }
        (None, true) => reactions.push(Reaction {
            emoji: emoji.to_owned(),
            count: 1,
            mine: own,
        }),
        (None, false) => {}
    }
    reactions.retain(|reaction| reaction.count > 0);
}
