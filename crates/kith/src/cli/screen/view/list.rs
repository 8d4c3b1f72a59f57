//! The list of threads: title and time, beginning of the last message and what is unread.

use super::{put, put_right, put_sentence};
use crate::cli::screen::app::{App, Focus, Link};
use crate::cli::screen::inbox::{self, Filter};
use crate::cli::screen::layout::{self, LIST_ROWS};
use crate::cli::screen::text;
use kith_protocol::presence::Status;
use kith_protocol::thread::{InboxRow, ThreadKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Counts above are shown as this, so that they keep their place.
const COUNT_MAX: u64 = 99;

pub(super) fn paint(app: &App, area: Rect, buf: &mut Buffer) {
    let rows = app.inbox.listed();
    if rows.is_empty() {
        return put_sentence(buf, area, empty(app), app.palette.dim());
    }
    let chosen = rows
        .iter()
        .position(|row| Some(row.thread.id) == app.inbox.chosen);
    let fits = usize::from(area.height / LIST_ROWS);
    let first = layout::first_shown(chosen.unwrap_or(0), fits, rows.len());
    // As many as fit, so it is a row of the screen.
    for (place, row) in rows.iter().skip(first).take(fits).enumerate() {
        let y = area.y + place as u16 * LIST_ROWS;
        let part = Rect::new(area.x, y, area.width, LIST_ROWS);
        paint_row(app, row, part, buf);
    }
}

fn empty(app: &App) -> &'static str {
    match (app.inbox.filter, app.link) {
        _ if !app.inbox.is_known && app.link == Link::Lost => {
            "No connection: your threads come when it is back."
        }
        _ if !app.inbox.is_known => "Fetching your threads…",
        (Filter::All, _) => "No threads yet: n writes to somebody, g makes a group.",
        (Filter::Unread, _) => "Everything is read: f shows archived threads, then all.",
        (Filter::Archived, _) => "Nothing is archived: f shows all threads.",
    }
}

fn paint_row(app: &App, row: &InboxRow, area: Rect, buf: &mut Buffer) {
    let palette = app.palette;
    let is_chosen = Some(row.thread.id) == app.inbox.chosen;
    let is_here = is_chosen && app.focus == Focus::List;
    let mark = match () {
        () if Some(row.thread.id) == app.open => Span::styled("▌", palette.strong()),
        () => Span::raw(" "),
    };
    let time = app.almanac.short(row.head.at, app.now);
    let room = usize::from(area.width).saturating_sub(text::columns(&time) + 5);
    let mut title = app.title_of(row);
    if row.mine.pinned {
        title.insert_str(0, "↑ ");
    }
    let style = if inbox::is_unread(row) {
        palette.strong()
    } else {
        ratatui::style::Style::new()
    };
    let first = vec![
        mark.clone(),
        presence(app, row),
        Span::styled(text::cut(&title, room), style),
    ];
    put(buf, area, 0, Line::from(first));
    put_right(
        buf,
        area,
        0,
        Line::styled(format!("{time} "), palette.dim()),
    );

    let badge = badge(app, row);
    let room = usize::from(area.width).saturating_sub(badge.width() + 4);
    let preview = text::cut(&preview(app, row), room);
    let second = vec![mark, Span::raw("  "), Span::styled(preview, palette.dim())];
    put(buf, area, 1, Line::from(second));
    put_right(buf, area, 1, badge);
    if is_here {
        buf.set_style(area, palette.chosen());
    }
}

/// Whether the other one is here.
fn presence(app: &App, row: &InboxRow) -> Span<'static> {
    let here = inbox::peer(row).and_then(|peer| app.people.here(peer));
    match here.map(|here| here.status) {
        Some(Status::Online) => Span::styled("● ", app.palette.here()),
        Some(Status::Away) => Span::styled("○ ", app.palette.dim()),
        _ => Span::raw("  "),
    }
}

fn badge(app: &App, row: &InboxRow) -> Line<'static> {
    let count = |n: u64| {
        if n > COUNT_MAX {
            format!("{COUNT_MAX}+")
        } else {
            n.to_string()
        }
    };
    let words = match (row.mine.unread, row.mine.mentions) {
        (0, _) if row.mine.marked_unread => "•".to_owned(),
        (0, _) => return Line::raw(if app.is_muted(row) { "muted " } else { " " }),
        (unread, 0) => count(unread),
        (unread, mentions) => format!("@{} {}", count(mentions), count(unread)),
    };
    let style = if app.is_muted(row) {
        app.palette.dim()
    } else {
        app.palette.news()
    };
    Line::styled(format!("{words} "), style)
}

fn preview(app: &App, row: &InboxRow) -> String {
    let talk = app.talks.get(&row.thread.id);
    if let Some(typist) = talk.and_then(|talk| talk.typists().next()) {
        return format!("{} is typing…", app.people.name(typist));
    }
    let written = match talk {
        Some(talk) => talk.compose.edit.text(),
        None => row.mine.draft.as_ref().map_or("", |draft| &draft.text),
    };
    if !written.trim().is_empty() && Some(row.thread.id) != app.open {
        return format!("draft: {}", text::line(written));
    }
    let Some(preview) = &row.head.preview else {
        return String::new();
    };
    let words = text::line(preview.text.as_deref().unwrap_or("(taken back)"));
    if Some(preview.author_id) == app.me || row.thread.kind != ThreadKind::Direct {
        format!("{}: {words}", app.name_or_you(preview.author_id))
    } else {
        words
    }
}
