//! What the screen looks like, from what the app knows and nothing else.

mod list;
mod page;
mod sign_in;
mod talk;

use super::app::{App, Focus, Link, Page};
use super::{keys, layout, text};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

pub(super) use page::{HEAD_ROWS as PAGE_HEAD_ROWS, help_lines, seen_lines};

/// Paints everything; gives the place of the cursor, if something is being written.
pub(super) fn paint(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let Some(panes) = layout::panes(area.as_size(), app.focus == Focus::List) else {
        let least = layout::LEAST;
        let words = format!(
            "make this window larger: kith needs {} columns and {} rows",
            least.width, least.height
        );
        for (row, line) in (0..).zip(text::wrap(&words, usize::from(area.width))) {
            put(buf, area, row, Line::raw(line));
        }
        return None;
    };
    head(app, panes.head, buf);
    let foot = foot(app, panes.foot, buf);
    if let Some(sign_in) = &app.sign_in
        && app.page != Page::Accounts
    {
        let whole = Rect::new(area.x, area.y + 1, area.width, area.height - 2);
        return sign_in::paint(sign_in, app.palette, whole, buf);
    }
    if let Some(list) = panes.list {
        list::paint(app, list, buf);
    }
    if let Some(rule) = panes.rule {
        for row in 0..rule.height {
            put(buf, rule, row, Line::styled("│", app.palette.dim()));
        }
    }
    let main = panes.main.and_then(|main| match app.page {
        Page::Talk => talk::paint(app, &panes, main, buf),
        _ => page::paint(app, main, buf),
    });
    foot.or(main)
}

/// Who one is, where, and how it stands.
fn head(app: &App, area: Rect, buf: &mut Buffer) {
    let me = app.me.map_or_else(String::new, |me| app.people.handle(me));
    let profile = match app.profile.as_str() {
        "default" => String::new(),
        profile => format!(" ({profile})"),
    };
    let left = format!(" kith  {me}{profile}");
    let mut right = Vec::new();
    if app.sign_in.is_none() {
        right.extend(match app.inbox.unread() {
            0 => None,
            unread => Some(format!("{unread} unread")),
        });
        right.extend(match app.people.asking(app.me) {
            0 => None,
            1 => Some("1 request (c)".to_owned()),
            asking => Some(format!("{asking} requests (c)")),
        });
        let link = match app.link {
            Link::Connecting => "connecting…",
            Link::CatchingUp => "catching up…",
            Link::Connected => "connected",
            Link::Lost => "no connection, trying again…",
        };
        right.push(link.to_owned());
    }
    let right = format!("{} ", right.join(" · "));
    buf.set_style(area, app.palette.bar());
    put(buf, area, 0, Line::styled(left, app.palette.strong()));
    put_right(buf, area, 0, Line::raw(right));
}

/// A question, a notice, or what keys there are.
fn foot(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let palette = app.palette;
    if let Some(prompt) = &app.prompt {
        let (answer, style) = if prompt.question.is_yes_or_no() {
            ("  y: yes, any other key: no", palette.dim())
        } else {
            ("", Style::new())
        };
        let words = format!(" {} ", text::line(&prompt.words).trim_end());
        let words = words.replace("@ ", "@");
        let begin = text::columns(&words);
        let room = usize::from(area.width).saturating_sub(begin + 1).max(2);
        let rows = prompt.edit.rows(room);
        let shown = rows.rows.get(rows.cursor.1).cloned().unwrap_or_default();
        let spans = vec![
            Span::styled(words, palette.strong()),
            Span::raw(shown),
            Span::styled(answer, style),
        ];
        put(buf, area, 0, Line::from(spans));
        // Below the width of a screen.
        let column = (begin + rows.cursor.0) as u16;
        return Some(Position::new(
            (area.x + column).min(area.right().saturating_sub(1)),
            area.y,
        ));
    }
    if let Some(notice) = &app.notice {
        let style = if notice.is_wrong {
            palette.wrong()
        } else {
            palette.strong()
        };
        let words = text::cut(&notice.words, usize::from(area.width).saturating_sub(2));
        put(buf, area, 0, Line::styled(format!(" {words}"), style));
        return None;
    }
    if app.sign_in.is_some() && app.page != Page::Accounts {
        return None;
    }
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for hint in keys::hints(app.place()) {
        let wide = text::columns(hint.keys) + text::columns(hint.words) + 3;
        if used + wide > usize::from(area.width) {
            break;
        }
        used += wide;
        spans.push(Span::styled(hint.keys, palette.strong()));
        spans.push(Span::styled(format!(" {}  ", hint.words), palette.dim()));
    }
    put(buf, area, 0, Line::from(spans));
    None
}

/// A line in a row of an area; what does not fit is cut.
fn put(buf: &mut Buffer, area: Rect, row: u16, line: Line<'_>) {
    if row < area.height {
        buf.set_line(area.x, area.y + row, &line, area.width);
    }
}

/// The same at the right side.
fn put_right(buf: &mut Buffer, area: Rect, row: u16, line: Line<'_>) {
    // A line wider than the area begins at its left.
    let width = u16::try_from(line.width())
        .unwrap_or(u16::MAX)
        .min(area.width);
    let part = Rect::new(area.right() - width, area.y, width, area.height);
    put(buf, part, row, line);
}

/// A sentence in the middle, where nothing else is to be seen.
fn put_sentence(buf: &mut Buffer, area: Rect, words: &str, style: Style) {
    let lines = text::wrap(words, usize::from(area.width.saturating_sub(4)));
    // Fewer lines than a screen has rows, or they are cut.
    let above = area.height.saturating_sub(lines.len() as u16) / 2;
    for (row, words) in (above..).zip(lines) {
        let wide = text::columns(&words);
        let before = usize::from(area.width).saturating_sub(wide) / 2;
        let words = format!("{}{words}", " ".repeat(before));
        put(buf, area, row, Line::styled(words, style));
    }
}
