//! A conversation as rows of a width: what stands where, and what scrolling does.
//!
//! Only the messages around the anchor are laid out, so a long history costs nothing.

use super::app::App;
use super::conversation::{Anchor, Conversation, Tick, Waiting};
use super::text;
use kith_protocol::entry::{Entry, EntryKind};
use kith_protocol::thread::ThreadKind;
use kith_protocol::{ClientMsgId, Timestamp, UserId};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// The author is named again after this long.
const PAUSE_MS: i64 = 10 * 60 * 1000;
/// Columns at the right for time and ticks, a space before them included.
const MARGIN: usize = 9;
/// Below this width the margin costs more than it says.
const MARGIN_FROM: usize = 30;
/// Texts stand in by this much from their author.
const INDENT: usize = 2;

/// A conversation at a width.
pub(super) struct Flow<'a> {
    app: &'a App,
    talk: &'a Conversation,
    width: usize,
    items: Vec<Item<'a>>,
    last_own: Option<u64>,
}

#[derive(Clone, Copy)]
enum Item<'a> {
    Said(&'a Entry),
    Waiting(&'a Waiting),
}

/// Which message a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Seq(u64),
    Waiting(ClientMsgId),
}

/// One row of the pane.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) left: Line<'static>,
    pub(super) right: Line<'static>,
    /// It belongs to the chosen message.
    pub(super) chosen: bool,
}

/// What a pane shows.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) rows: Vec<Row>,
    /// Nothing stands below it in the window.
    pub(super) at_end: bool,
    /// The last message that shows whole.
    pub(super) last_seq: Option<u64>,
}

impl<'a> Flow<'a> {
    pub(super) fn of(app: &'a App, talk: &'a Conversation, width: u16) -> Self {
        let mut items: Vec<Item<'_>> = talk.shown().into_iter().map(Item::Said).collect();
        if !talk.more_after {
            items.extend(talk.waiting.iter().map(Item::Waiting));
        }
        Self {
            app,
            talk,
            width: usize::from(width),
            items,
            last_own: talk.last_own(app.me),
        }
    }

    /// The rows of a pane of this height.
    pub(super) fn view(&self, height: u16) -> View {
        let height = usize::from(height);
        let (first, row) = self.top(height);
        let mut rows: Vec<Row> = Vec::new();
        let mut at_end = true;
        let mut last_seq = None;
        for index in first..self.items.len() {
            if rows.len() >= height + row {
                at_end = false;
                break;
            }
            rows.extend(self.block(index));
            if rows.len() <= height + row
                && let Item::Said(entry) = self.items[index]
            {
                last_seq = Some(entry.seq);
            }
        }
        at_end &= rows.len() <= height + row;
        rows.drain(..row.min(rows.len()));
        rows.truncate(height);
        View {
            rows,
            at_end,
            last_seq,
        }
    }

    /// Whether fewer rows than these stand above the pane.
    pub(super) fn starts_within(&self, height: u16, rows: isize) -> bool {
        let (mut index, mut above) = self.top(usize::from(height));
        while index > 0 && above < rows.unsigned_abs() {
            index -= 1;
            above += self.block(index).len();
        }
        above < rows.unsigned_abs()
    }

    /// The anchor after scrolling by this many rows, down if positive.
    pub(super) fn scroll(&self, height: u16, rows: isize) -> Anchor {
        let height = usize::from(height);
        let (mut index, mut row) = self.top(height);
        let mut left = rows.unsigned_abs();
        if rows < 0 {
            while left > row && index > 0 {
                left -= row;
                index -= 1;
                row = self.block(index).len();
            }
            row = row.saturating_sub(left);
        } else {
            row += left;
            while index < self.items.len() && row >= self.block(index).len() {
                row -= self.block(index).len();
                index += 1;
            }
        }
        self.anchor_at(index, row, height)
    }

    /// The anchor with which this message shows whole, the present one if it does already.
    pub(super) fn reveal(&self, height: u16, seq: u64) -> Anchor {
        let height = usize::from(height);
        let key = Key::Seq(seq);
        let Some(wanted) = self.items.iter().position(|item| item.key() == key) else {
            return self.talk.anchor;
        };
        let (first, row) = self.top(height);
        if (wanted, 0) < (first, row) {
            return self.anchor_at(wanted, 0, height);
        }
        let above: usize = (first..wanted).map(|index| self.block(index).len()).sum();
        let end = above + self.block(wanted).len();
        let over = end.saturating_sub(row + height);
        if over == 0 {
            return self.talk.anchor;
        }
        let over = isize::try_from(over).unwrap_or(isize::MAX);
        self.scroll(u16::try_from(height).unwrap_or(u16::MAX), over)
    }

    fn anchor_at(&self, index: usize, row: usize, height: usize) -> Anchor {
        let mut below = 0;
        for index in index..self.items.len() {
            below += self.block(index).len();
            if below > height + row {
                break;
            }
        }
        match self.items.get(index) {
            Some(Item::Said(entry)) if below > height + row || self.talk.more_after => {
                let seq = entry.seq;
                Anchor::Top { seq, row }
            }
            _ => Anchor::End,
        }
    }

    /// What stands at the top: the index of a message, and which of its rows.
    fn top(&self, height: usize) -> (usize, usize) {
        if let Anchor::Top { seq, row } = self.talk.anchor {
            let found = self.items.iter().position(|item| item.is_at_least(seq));
            if let Some(index) = found {
                let row = row.min(self.block(index).len().saturating_sub(1));
                // Narrow panes become wide: then less may be left below than there is room.
                if self.talk.more_after || self.anchor_at(index, row, height) != Anchor::End {
                    return (index, row);
                }
            }
        }
        let mut used = 0;
        for index in (0..self.items.len()).rev() {
            used += self.block(index).len();
            if used >= height {
                return (index, used - height);
            }
        }
        (0, 0)
    }

    /// The rows of one message, with the headings that stand before it.
    fn block(&self, index: usize) -> Vec<Row> {
        let item = self.items[index];
        let before = index.checked_sub(1).map(|before| self.items[before]);
        let mut rows = Vec::new();
        let mut parted = before.is_none();
        if let Item::Said(entry) = item {
            let almanac = &self.app.almanac;
            let then = before.and_then(|item| item.at());
            if then.is_none_or(|then| !almanac.same_day(then, entry.at)) {
                rows.push(
                    self.heading(almanac.day(entry.at, self.app.now), self.app.palette.dim()),
                );
                parted = true;
            }
            if self.talk.news_from == Some(entry.seq) {
                rows.push(self.heading("new".to_owned(), self.app.palette.news()));
                parted = true;
            }
        }
        match item {
            Item::Said(entry) if entry.kind.is_countable() => {
                parted |= before.is_none_or(|before| self.parts(before, item));
                rows.extend(self.said(entry, parted));
            }
            Item::Said(entry) => {
                let words = self.told(entry);
                let lines = text::wrap(&words, self.width.saturating_sub(INDENT));
                let dim = |line| self.row(vec![Span::styled(line, self.app.palette.dim())]);
                rows.extend(lines.into_iter().map(dim));
            }
            Item::Waiting(waiting) => {
                parted |= before.is_none_or(|before| self.parts(before, item));
                rows.extend(self.waits(waiting, parted));
            }
        }
        let key = item.key();
        let chosen = matches!(item, Item::Said(entry) if self.talk.chosen == Some(entry.seq));
        for row in &mut rows {
            row.key = key;
            row.chosen = chosen;
        }
        rows
    }

    /// Whether the author has to be named again.
    fn parts(&self, before: Item<'_>, item: Item<'_>) -> bool {
        let author = |item: Item<'_>| match item {
            Item::Said(entry) if !entry.kind.is_countable() => None,
            Item::Said(entry) => Some(entry.author_id),
            Item::Waiting(_) => self.app.me,
        };
        let long = match (before.at(), item.at()) {
            (Some(before), Some(at)) => at.0 - before.0 > PAUSE_MS,
            _ => false,
        };
        author(before) != author(item) || long
    }

    fn said(&self, entry: &Entry, parted: bool) -> Vec<Row> {
        let palette = self.app.palette;
        let own = Some(entry.author_id) == self.app.me;
        let mut rows = Vec::new();
        if parted {
            rows.push(self.author(entry.author_id));
        }
        rows.extend(self.quote(entry.reply_to));
        let (words, style) = match &entry.text {
            _ if entry.deleted_seq.is_some() => ("(taken back)".to_owned(), palette.dim()),
            Some(words) => (text::clean(words), Style::new()),
            None => (format!("({} without a text)", entry.kind), palette.dim()),
        };
        let edited = entry.edited_seq.is_some() && entry.deleted_seq.is_none();
        let mut right = vec![Span::styled(self.app.almanac.time(entry.at), palette.dim())];
        // Times stand below each other, with ticks or without.
        right.push(if own && entry.deleted_seq.is_none() {
            self.tick(entry.seq)
        } else {
            Span::raw("   ")
        });
        rows.extend(self.words(&words, style, right));
        if edited && let Some(row) = rows.last_mut() {
            row.left.push_span(Span::styled(" (edited)", palette.dim()));
        }
        let mut reactions = Vec::new();
        for reaction in &entry.reactions {
            let emoji = text::line(&reaction.emoji);
            let style = if reaction.mine {
                palette.strong()
            } else {
                Style::new()
            };
            reactions.push(Span::styled(format!("{emoji} {}", reaction.count), style));
            reactions.push(Span::raw("  "));
        }
        if !reactions.is_empty() {
            rows.push(self.row(reactions));
        }
        rows.extend(self.seen(entry.seq));
        rows
    }

    fn waits(&self, waiting: &Waiting, parted: bool) -> Vec<Row> {
        let mut rows = Vec::new();
        if let Some(me) = self.app.me.filter(|_| parted) {
            rows.push(self.author(me));
        }
        rows.extend(self.quote(waiting.reply_to));
        let dim = self.app.palette.dim();
        let right = vec![Span::styled("waiting", dim)];
        rows.extend(self.words(&text::clean(&waiting.text), dim, right));
        rows
    }

    fn author(&self, author: UserId) -> Row {
        let own = Some(author) == self.app.me;
        let name = if own {
            "you".to_owned()
        } else {
            self.app.people.name(author)
        };
        let name = text::cut(&name, self.width.saturating_sub(1));
        let style = self.app.palette.name(author);
        let mut row = self.row(Vec::new());
        row.left = Line::from(vec![Span::raw(" "), Span::styled(name, style)]);
        row
    }

    fn quote(&self, reply_to: Option<u64>) -> Option<Row> {
        let words = match self.talk.get(reply_to?) {
            Some(entry) => {
                let said = entry.text.as_deref().unwrap_or("(taken back)");
                format!("{}: {}", self.name(entry.author_id), text::line(said))
            }
            None => "an earlier message".to_owned(),
        };
        let words = text::cut(&format!("↳ {words}"), self.room());
        Some(self.row(vec![Span::styled(words, self.app.palette.dim())]))
    }

    fn words(&self, words: &str, style: Style, right: Vec<Span<'static>>) -> Vec<Row> {
        let lines = text::wrap(words, self.room());
        let row = |line| self.row(vec![Span::styled(line, style)]);
        let mut rows: Vec<Row> = lines.into_iter().map(row).collect();
        if self.width >= MARGIN_FROM
            && let Some(first) = rows.first_mut()
        {
            first.right = Line::from(right);
        }
        rows
    }

    /// Sent, delivered, read: told by shape, and by words below the last one.
    fn tick(&self, seq: u64) -> Span<'static> {
        match self.talk.tick_of(seq) {
            Tick::Sent => Span::styled(" ✓ ", self.app.palette.dim()),
            Tick::Delivered => Span::styled(" ✓✓", self.app.palette.dim()),
            Tick::Read => Span::styled(" ✓✓", self.app.palette.read()),
        }
    }

    /// "Seen by n of m", below the last own message.
    fn seen(&self, seq: u64) -> Option<Row> {
        if self.last_own != Some(seq) {
            return None;
        }
        let is_direct = self.app.open_row().map(|row| row.thread.kind) == Some(ThreadKind::Direct);
        let counts = self.talk.seen.filter(|(seen, _)| *seen == seq);
        let words = match (self.talk.tick_of(seq), counts) {
            (_, Some((_, counts))) if !is_direct && counts.of > 0 && counts.read > 0 => {
                format!("seen by {} of {}", counts.read, counts.of)
            }
            (_, Some((_, counts))) if !is_direct && counts.of > 0 && counts.delivered > 0 => {
                format!("delivered to {} of {}", counts.delivered, counts.of)
            }
            (Tick::Read, _) => "read".to_owned(),
            (Tick::Delivered, _) => "delivered".to_owned(),
            (Tick::Sent, _) => "sent".to_owned(),
        };
        let mut row = self.row(Vec::new());
        row.right = Line::styled(words, self.app.palette.dim());
        Some(row)
    }

    /// What an entry that is no message tells.
    fn told(&self, entry: &Entry) -> String {
        let who = self.name(entry.author_id);
        let names: Vec<String> = entry.user_ids.iter().map(|user| self.name(*user)).collect();
        let names = names.join(", ");
        let title = text::line(entry.title.as_deref().unwrap_or_default());
        match entry.kind {
            EntryKind::Created if entry.thread_kind == Some(ThreadKind::Direct) => {
                "here it begins".to_owned()
            }
            EntryKind::Created => format!("{who} made this group"),
            EntryKind::MemberAdded => format!("{who} added {names}"),
            EntryKind::MemberLeft => {
                let heir = entry.heir_id.map_or_else(String::new, |heir| {
                    format!("; the group belongs to {} now", self.name(heir))
                });
                format!("{who} left{heir}")
            }
            EntryKind::MemberRemoved => format!("{who} removed {names}"),
            EntryKind::Role => match entry.role {
                Some(role) => format!("{who} made {names} {role}"),
                None => format!("{who} changed the role of {names}"),
            },
            EntryKind::Title => format!("{who} named this group {title}"),
            EntryKind::Settings => format!("{who} changed the settings"),
            kind => format!("({kind}: this version does not show it)"),
        }
    }

    fn name(&self, user: UserId) -> String {
        self.app.name_or_you(user)
    }

    fn heading(&self, words: String, style: Style) -> Row {
        let words = format!(" {words} ");
        let around = self.width.saturating_sub(text::columns(&words));
        let left = "─".repeat(around / 2);
        let right = "─".repeat(around - around / 2);
        let mut row = self.row(Vec::new());
        row.left = Line::styled(format!("{left}{words}{right}"), style);
        row
    }

    fn row(&self, mut spans: Vec<Span<'static>>) -> Row {
        spans.insert(0, Span::raw(" ".repeat(INDENT)));
        Row {
            key: Key::Seq(0),
            left: Line::from(spans),
            right: Line::default(),
            chosen: false,
        }
    }

    /// Columns for texts.
    fn room(&self) -> usize {
        let margin = if self.width >= MARGIN_FROM { MARGIN } else { 0 };
        self.width.saturating_sub(INDENT + margin)
    }
}

impl Item<'_> {
    fn key(self) -> Key {
        match self {
            Self::Said(entry) => Key::Seq(entry.seq),
            Self::Waiting(waiting) => Key::Waiting(waiting.id),
        }
    }

    fn at(self) -> Option<Timestamp> {
        match self {
            Self::Said(entry) => Some(entry.at),
            Self::Waiting(_) => None,
        }
    }

    fn is_at_least(self, seq: u64) -> bool {
        match self {
            Self::Said(entry) => entry.seq >= seq,
            Self::Waiting(_) => true,
        }
    }
}
