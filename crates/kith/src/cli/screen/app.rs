//! What the screen knows. Events and answers change it, views show it; it asks nobody itself but
//! leaves errands to be run.

use super::almanac::Almanac;
use super::conversation::{Anchor, Conversation};
use super::errand::{Call, Errand};
use super::inbox::{self, Inbox};
use super::keys::Place;
use super::layout::{self, Panes};
use super::palette::Palette;
use super::people::People;
use super::prompt::Prompt;
use super::search::Search;
use super::sign_in::SignIn;
use super::text;
use crate::cli::chat::home::Account;
use kith_protocol::entry::{PageQuery, Receipts};
use kith_protocol::session::Session;
use kith_protocol::thread::{InboxRow, ThreadKind};
use kith_protocol::{ThreadId, Timestamp, UserId};
use ratatui::layout::Size;
use std::collections::BTreeMap;

/// Conversations that stay as they were left; the one that was not looked at for longest goes.
const TALKS_MAX: usize = 30;
/// How long a notice stays.
const NOTICE_MS: u64 = 8_000;

pub(super) struct App {
    pub(super) profile: String,
    pub(super) server: String,
    pub(super) me: Option<UserId>,
    pub(super) size: Size,
    pub(super) now: Timestamp,
    pub(super) almanac: Almanac,
    pub(super) palette: Palette,
    pub(super) link: Link,
    /// The terminal's window has the focus, as far as it says.
    pub(super) is_watched: bool,
    pub(super) focus: Focus,
    pub(super) page: Page,
    /// The chosen line of a page.
    pub(super) line: usize,
    pub(super) prompt: Option<Prompt>,
    pub(super) notice: Option<Notice>,
    pub(super) sign_in: Option<SignIn>,
    pub(super) inbox: Inbox,
    pub(super) open: Option<ThreadId>,
    pub(super) talks: BTreeMap<ThreadId, Conversation>,
    pub(super) people: People,
    pub(super) devices: Vec<Session>,
    pub(super) search: Search,
    pub(super) accounts: Vec<Account>,
    /// Who has seen which message.
    pub(super) seen: Option<(u64, Receipts)>,
    /// A thread to be opened once the inbox is known: a title, an id or @handle.
    pub(super) opens: Option<String>,
    pub(super) errands: Vec<Errand>,
    pub(super) quits: bool,
    pub(super) bell_waits: bool,
    pub(super) rang_at: Timestamp,
    /// Receipts of this message were asked for; asked again when the answer is there and old.
    pub(super) receipts_asked: bool,
    pub(super) receipts_stale: bool,
    pub(super) members_asked: bool,
}

/// The way to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Link {
    #[default]
    Connecting,
    /// A socket is open, and what was missed is being fetched.
    CatchingUp,
    Connected,
    Lost,
}

/// Where the keys go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Focus {
    #[default]
    List,
    Compose,
    /// A message is chosen.
    Message,
    Page,
}

/// What the main pane shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Page {
    #[default]
    Talk,
    Help,
    People,
    Members,
    Devices,
    Search,
    Accounts,
    Seen,
}

/// Words in the bottom line, for a while.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub(super) words: String,
    pub(super) is_wrong: bool,
    until: Timestamp,
}

impl App {
    pub(super) fn new(profile: &str, server: &str, almanac: Almanac, palette: Palette) -> Self {
        Self {
            profile: profile.to_owned(),
            server: server.to_owned(),
            me: None,
            size: Size::default(),
            now: Timestamp(0),
            almanac,
            palette,
            link: Link::Connecting,
            is_watched: true,
            focus: Focus::List,
            page: Page::Talk,
            line: 0,
            prompt: None,
            notice: None,
            sign_in: None,
            inbox: Inbox::default(),
            open: None,
            talks: BTreeMap::new(),
            people: People::default(),
            devices: Vec::new(),
            search: Search::default(),
            accounts: Vec::new(),
            seen: None,
            opens: None,
            errands: Vec::new(),
            quits: false,
            bell_waits: false,
            rang_at: Timestamp(0),
            receipts_asked: false,
            receipts_stale: false,
            members_asked: false,
        }
    }

    /// Time has passed; true if something looks different now.
    pub(super) fn tick(&mut self, now: Timestamp) -> bool {
        let next_minute = now.0 / 60_000 != self.now.0 / 60_000;
        self.now = now;
        let mut changed = next_minute && !self.almanac.same_day(now, Timestamp(now.0 - 60_000));
        if self
            .notice
            .as_ref()
            .is_some_and(|notice| notice.until <= now)
        {
            self.notice = None;
            changed = true;
        }
        for talk in self.talks.values_mut() {
            changed |= talk.tick(now);
        }
        self.save_drafts_due(now);
        changed
    }

    /// When something happens by itself.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        let notice = self.notice.as_ref().map(|notice| notice.until);
        let talks = self.talks.values().filter_map(Conversation::wakes_at);
        talks.chain(notice).min()
    }

    pub(super) fn say(&mut self, words: impl Into<String>) {
        self.tell(words.into(), false);
    }

    pub(super) fn complain(&mut self, words: impl Into<String>) {
        self.tell(words.into(), true);
    }

    fn tell(&mut self, words: String, is_wrong: bool) {
        let words = text::line(&words);
        let until = self.now.after_ms(NOTICE_MS);
        self.notice = Some(Notice {
            words,
            is_wrong,
            until,
        });
    }

    pub(super) fn call(&mut self, call: Call) {
        self.errands.push(Errand::Call(call));
    }
}

/// Looking.
impl App {
    pub(super) fn panes(&self) -> Option<Panes> {
        layout::panes(self.size, self.focus == Focus::List)
    }

    pub(super) fn place(&self) -> Place {
        match (self.focus, self.page) {
            (Focus::List, _) => Place::List,
            (Focus::Compose, _) => Place::Compose,
            (Focus::Message, _) => Place::Message,
            (Focus::Page, Page::People) => Place::People,
            (Focus::Page, Page::Members) => Place::Members,
            (Focus::Page, Page::Devices) => Place::Devices,
            (Focus::Page, Page::Search) => Place::Search,
            (Focus::Page, Page::Accounts) => Place::Accounts,
            (Focus::Page, _) => Place::Page,
        }
    }

    pub(super) fn open_row(&self) -> Option<&InboxRow> {
        self.inbox.row(self.open?)
    }

    pub(super) fn open_talk(&self) -> Option<&Conversation> {
        self.talks.get(&self.open?)
    }

    pub(super) fn open_talk_mut(&mut self) -> Option<&mut Conversation> {
        self.talks.get_mut(&self.open?)
    }

    /// What a thread is called: its title, or who it is with.
    pub(super) fn title_of(&self, row: &InboxRow) -> String {
        match (&row.thread.title, inbox::peer(row)) {
            (Some(title), _) => text::line(title),
            (None, Some(peer)) => self.people.name(peer),
            (None, None) if row.thread.kind == ThreadKind::Group => "a group".to_owned(),
            (None, None) => "…".to_owned(),
        }
    }

    pub(super) fn name_or_you(&self, user: UserId) -> String {
        if Some(user) == self.me {
            "you".to_owned()
        } else {
            self.people.name(user)
        }
    }

    pub(super) fn is_muted(&self, row: &InboxRow) -> bool {
        row.mine.muted_until.is_some_and(|until| until > self.now)
    }

    /// The terminal's title: what is unread can be seen from far.
    pub(super) fn window_title(&self) -> String {
        match self.inbox.unread() {
            0 => "kith".to_owned(),
            unread => format!("({unread}) kith"),
        }
    }

    /// The user has the open conversation in sight.
    pub(super) fn sees_talk(&self) -> bool {
        let shows = self.panes().is_some_and(|panes| panes.main.is_some());
        self.is_watched && self.sign_in.is_none() && self.page == Page::Talk && shows
    }

    /// Emoji are being joined in what is written.
    pub(super) fn joins(&self) -> bool {
        let talk = self.open_talk();
        talk.is_some_and(|talk| talk.compose.edit.text().contains(text::JOINER))
    }

    /// Columns and rows of the messages' pane.
    pub(super) fn messages_size(&self) -> Option<Size> {
        let panes = self.panes()?;
        let talk = self.open_talk()?;
        let rows = talk
            .compose
            .edit
            .rows(compose_width(panes.main?.width))
            .rows;
        Some(panes.talk(rows.len())?.messages.as_size())
    }
}

/// Opening and leaving conversations.
impl App {
    /// Opens a thread in the main pane, at its end.
    pub(super) fn open(&mut self, thread: ThreadId) {
        let talk = self.talks.get(&thread);
        let is_new = talk.is_none_or(|talk| !talk.is_known && !talk.loading);
        let is_elsewhere = talk.is_some_and(|talk| talk.more_after);
        self.enter(thread);
        if is_new {
            self.errands.push(Errand::Remember(thread));
        }
        if is_new || is_elsewhere {
            self.load(thread, PageQuery::default());
        }
    }

    /// Opens a thread where this message stands.
    pub(super) fn open_at(&mut self, thread: ThreadId, seq: u64) {
        self.enter(thread);
        self.focus = Focus::Message;
        let mut is_there = false;
        if let Some(talk) = self.talks.get_mut(&thread) {
            is_there = talk.get(seq).is_some();
            talk.chosen = Some(seq);
            talk.anchor = Anchor::Top { seq, row: 0 };
        }
        if !is_there {
            let around = Some(seq);
            let query = PageQuery {
                around,
                ..PageQuery::default()
            };
            self.load(thread, query);
        }
    }

    fn enter(&mut self, thread: ThreadId) {
        self.leave_talk();
        self.forget_old_talks(thread);
        let (mine, peer_head) = match self.inbox.row(thread) {
            Some(row) => (
                Some(row.mine.clone()),
                Some((row.head.clone(), inbox::peer(row))),
            ),
            None => (None, None),
        };
        let now = self.now;
        let talk = self.talks.entry(thread).or_default();
        talk.looked_at = now;
        talk.anchor = Anchor::End;
        talk.chosen = None;
        talk.news_from = None;
        if let Some((head, peer)) = peer_head {
            talk.head(&head, peer);
        }
        let mut marked_unread = false;
        if let Some(mine) = mine {
            talk.opened_at = (mine.unread > 0).then_some(mine.read_seq);
            talk.adopt_draft(mine.draft);
            marked_unread = mine.marked_unread;
        }
        talk.find_news(self.me);
        self.open = Some(thread);
        self.inbox.chosen = Some(thread);
        (self.page, self.focus, self.line) = (Page::Talk, Focus::Compose, 0);
        (self.receipts_asked, self.receipts_stale, self.members_asked) = (false, true, false);
        self.errands.push(Errand::Subscribe(thread));
        if marked_unread {
            self.mark_unread(thread, false);
        }
    }

    /// The open conversation goes out of sight.
    pub(super) fn leave_talk(&mut self) {
        let now = self.now;
        let Some(thread) = self.open else { return };
        self.stop_typing();
        if let Some(talk) = self.talks.get_mut(&thread)
            && talk.compose.save_at.is_some()
        {
            talk.compose.save_at = Some(now);
        }
        self.save_drafts_due(now);
    }

    pub(super) fn forget_old_talks(&mut self, but: ThreadId) {
        while self.talks.len() >= TALKS_MAX {
            let idle = self.talks.iter().filter(|(thread, talk)| {
                **thread != but && talk.waiting.is_empty() && talk.compose.save_at.is_none()
            });
            let oldest = idle.min_by_key(|(_, talk)| talk.looked_at);
            let Some(oldest) = oldest.map(|(thread, _)| *thread) else {
                return;
            };
            self.talks.remove(&oldest);
        }
    }
}

/// Columns for a text that is written: a mark stands before it.
pub(super) fn compose_width(pane_width: u16) -> usize {
    usize::from(pane_width).saturating_sub(3)
}
