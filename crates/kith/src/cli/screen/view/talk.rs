//! The conversation: its title, messages, what happens in it, and the text that is written.

use super::{put, put_right, put_sentence};
use crate::cli::screen::app::{App, Focus, Link, compose_width};
use crate::cli::screen::conversation::{About, Anchor, Conversation};
use crate::cli::screen::flow::{Flow, View};
use crate::cli::screen::inbox;
use crate::cli::screen::layout::Panes;
use crate::cli::screen::text;
use kith_protocol::presence::Status;
use kith_protocol::thread::{InboxRow, ThreadKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

/// Names of those who type; more are a number.
const TYPISTS_MAX: usize = 2;

pub(super) fn paint(app: &App, panes: &Panes, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let Some(talk) = app.open_talk() else {
        let words = "Choose a thread with ↑ and ↓, Enter opens it. ? shows all keys.";
        put_sentence(buf, area, words, app.palette.dim());
        return None;
    };
    let text = talk.compose.edit.rows(compose_width(area.width));
    let parts = panes.talk(text.rows.len())?;
    title(app, talk, parts.title, buf);
    let view = Flow::of(app, talk, parts.messages.width).view(parts.messages.height);
    messages(app, talk, &view, parts.messages, buf);
    between(app, talk, &view, parts.between, buf);
    compose(app, talk, parts.compose, buf)
}

fn title(app: &App, talk: &Conversation, area: Rect, buf: &mut Buffer) {
    let right = if talk.loading { "loading… " } else { "" };
    let room = usize::from(area.width).saturating_sub(text::columns(right) + 1);
    let words = app.open_row().map_or_else(
        || "…".to_owned(),
        |row| format!("{}{}", app.title_of(row), about(app, row)),
    );
    let words = text::cut(&words, room);
    put(
        buf,
        area,
        0,
        Line::styled(format!(" {words}"), app.palette.strong()),
    );
    put_right(buf, area, 0, Line::styled(right, app.palette.dim()));
}

/// Who is there.
fn about(app: &App, row: &InboxRow) -> String {
    let Some(peer) = inbox::peer(row) else {
        return match row.thread.member_count {
            1 => ", only you".to_owned(),
            members => format!(", {members} members"),
        };
    };
    let handle = app.people.handle(peer);
    let Some(here) = app.people.here(peer) else {
        return format!(" {handle}");
    };
    match (here.status, here.last_seen_at) {
        (Status::Offline, Some(at)) => {
            format!(" {handle}, last seen {}", app.almanac.full(at, app.now))
        }
        (status, _) => format!(" {handle}, {status}"),
    }
}

fn messages(app: &App, talk: &Conversation, view: &View, area: Rect, buf: &mut Buffer) {
    if view.rows.is_empty() {
        let words = match (talk.is_known, app.link) {
            (true, _) => "Nothing here yet: write the first message.",
            (false, Link::Lost) => "No connection: the messages come when it is back.",
            (false, _) => "Fetching…",
        };
        return put_sentence(buf, area, words, app.palette.dim());
    }
    // At most as many as the area has rows.
    let hanging = area.height.saturating_sub(view.rows.len() as u16);
    for (y, row) in (hanging..).zip(&view.rows) {
        put(buf, area, y, row.left.clone());
        put_right(buf, area, y, row.right.clone());
        if row.chosen {
            put(buf, area, y, Line::styled("▌", app.palette.strong()));
        }
    }
}

/// The row above the text: what it is about, who types, what has come below.
fn between(app: &App, talk: &Conversation, view: &View, area: Rect, buf: &mut Buffer) {
    let palette = app.palette;
    put(
        buf,
        area,
        0,
        Line::styled("─".repeat(usize::from(area.width)), palette.dim()),
    );
    let seq = match talk.compose.about {
        About::ReplyTo(seq) | About::EditOf(seq) => Some(seq),
        About::New => None,
    };
    let words = seq.map(|seq| match (talk.compose.about, talk.get(seq)) {
        (About::EditOf(_), _) => "editing (Esc: leave it as it was)".to_owned(),
        (_, Some(entry)) => {
            let said = text::line(entry.text.as_deref().unwrap_or_default());
            format!("↳ {}: {said}", app.name_or_you(entry.author_id))
        }
        (_, None) => "↳ an earlier message".to_owned(),
    });
    let left = words.or_else(|| typing(app, talk));
    let below = match talk.anchor {
        Anchor::Top { .. } => {
            let newer = view.last_seq.map_or(0, |seq| talk.below(seq, app.me));
            let more = if talk.more_after { "+" } else { "" };
            Some(format!(" ↓ {newer}{more} newer, Ctrl-End "))
        }
        Anchor::End => None,
    };
    let wide = below.as_deref().map_or(0, text::columns);
    if let Some(left) = left {
        let room = usize::from(area.width).saturating_sub(wide + 4);
        let words = format!(" {} ", text::cut(&left, room));
        let spans = vec![Span::styled("─", palette.dim()), Span::raw(words)];
        put(buf, area, 0, Line::from(spans));
    }
    if let Some(below) = below {
        put_right(buf, area, 0, Line::styled(below, palette.news()));
    }
}

fn typing(app: &App, talk: &Conversation) -> Option<String> {
    let names: Vec<String> = talk.typists().map(|user| app.people.name(user)).collect();
    match names.as_slice() {
        [] => None,
        [name] => Some(format!("{name} is typing…")),
        names if names.len() <= TYPISTS_MAX => Some(format!("{} are typing…", names.join(", "))),
        names => Some(format!("{} people are typing…", names.len())),
    }
}

fn compose(app: &App, talk: &Conversation, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let palette = app.palette;
    let row = app.open_row();
    if !app.may_write() {
        let is_gone = row.is_some_and(|row| row.thread.gone == Some(true));
        let words = match row.map(|row| row.thread.kind) {
            Some(ThreadKind::Group) if is_gone => " You are no longer in this group.",
            _ if is_gone => " You are no longer in this thread.",
            _ => " You may read here, not write.",
        };
        put(buf, area, 0, Line::styled(words, palette.dim()));
        return None;
    }
    let is_here = app.focus == Focus::Compose;
    let mark = if is_here {
        palette.strong()
    } else {
        palette.dim()
    };
    put(buf, area, 0, Line::styled("> ", mark));
    let part = Rect::new(
        area.x + 2,
        area.y,
        area.width.saturating_sub(2),
        area.height,
    );
    if talk.compose.edit.is_empty() && !is_here {
        put(buf, part, 0, Line::styled("write a message", palette.dim()));
    }
    let text = talk.compose.edit.rows(compose_width(area.width));
    let (column, line) = text.cursor;
    let rows = usize::from(area.height);
    let first = (line + 1).saturating_sub(rows);
    for (y, words) in (0..area.height).zip(text.rows.into_iter().skip(first)) {
        put(buf, part, y, Line::raw(words));
    }
    // Both lie inside of the area.
    let place = Position::new(part.x + column as u16, part.y + (line - first) as u16);
    is_here.then_some(place)
}
