//! The pages beside the conversation: keys, people, members, devices, search, accounts, receipts.

use super::{put, put_right, put_sentence};
use crate::cli::screen::app::{App, Focus, Page};
use crate::cli::screen::keys::{MAP, Place};
use crate::cli::screen::layout::first_shown;
use crate::cli::screen::people::Known;
use crate::cli::screen::text;
use kith_protocol::presence::Status;
use kith_protocol::user::User;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Title and rule.
pub(in crate::cli::screen) const HEAD_ROWS: usize = 2;
/// Columns of the keys on the page of keys.
const KEYS_COLUMNS: usize = 12;

/// A page: its title, its lines, and what it says when there are none.
struct Sheet {
    title: String,
    lines: Vec<(Line<'static>, Line<'static>)>,
    empty: &'static str,
    /// It is read, not chosen from.
    is_read: bool,
}

pub(super) fn paint(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let sheet = sheet(app, usize::from(area.width));
    let title = text::cut(&sheet.title, usize::from(area.width).saturating_sub(1));
    put(
        buf,
        area,
        0,
        Line::styled(format!(" {title}"), app.palette.strong()),
    );
    let rule = "─".repeat(usize::from(area.width));
    put(buf, area, 1, Line::styled(rule, app.palette.dim()));
    let head = HEAD_ROWS as u16;
    let body = Rect::new(
        area.x,
        area.y + head,
        area.width,
        area.height.saturating_sub(head),
    );
    if sheet.lines.is_empty() {
        put_sentence(buf, body, sheet.empty, app.palette.dim());
    }
    let fits = usize::from(body.height);
    let all = sheet.lines.len();
    let first = if sheet.is_read {
        app.line.min(all.saturating_sub(fits))
    } else {
        first_shown(app.line, fits, all)
    };
    for (y, (place, (left, right))) in
        (0..body.height).zip(sheet.lines.into_iter().enumerate().skip(first))
    {
        put_right(buf, body, y, right.clone());
        let taken = match u16::try_from(right.width()).unwrap_or(u16::MAX) {
            0 => 0,
            taken => taken.saturating_add(1),
        };
        let room = Rect::new(
            body.x,
            body.y,
            body.width.saturating_sub(taken),
            body.height,
        );
        put(buf, room, y, left);
        if place == app.line && !sheet.is_read && app.focus == Focus::Page {
            let row = Rect::new(body.x, body.y + y, body.width, 1);
            buf.set_style(row, app.palette.chosen());
        }
    }
    (app.page == Page::Search && app.focus == Focus::Page && app.prompt.is_none())
        .then(|| search_cursor(app, area))
}

fn sheet(app: &App, width: usize) -> Sheet {
    match app.page {
        Page::People => people(app),
        Page::Members => members(app),
        Page::Devices => devices(app),
        Page::Search => search(app, width),
        Page::Accounts => accounts(app),
        Page::Seen => seen(app, width),
        Page::Talk | Page::Help => help(app),
    }
}

fn help(app: &App) -> Sheet {
    let mut lines = Vec::new();
    let mut place = None;
    for binding in MAP {
        if place.replace(binding.place) != Some(binding.place) {
            let heading = Line::styled(format!(" {}", name(binding.place)), app.palette.strong());
            lines.push((heading, Line::default()));
        }
        let fill = KEYS_COLUMNS.saturating_sub(text::columns(binding.keys));
        let words = format!("   {}{}{}", binding.keys, " ".repeat(fill), binding.words);
        lines.push((Line::raw(words), Line::default()));
    }
    Sheet {
        title: "Keys".to_owned(),
        lines,
        empty: "",
        is_read: true,
    }
}

fn name(place: Place) -> &'static str {
    match place {
        Place::Anywhere => "everywhere",
        Place::List => "list of threads",
        Place::Compose => "writing",
        Place::Message => "a chosen message",
        Place::People => "contacts",
        Place::Members => "members",
        Place::Devices => "devices",
        Place::Search => "search",
        Place::Accounts => "accounts",
        Place::Page => "pages",
    }
}

/// Lines of the page of keys: every binding, and a heading for each place.
pub(in crate::cli::screen) fn help_lines() -> usize {
    let places: std::collections::BTreeSet<&str> =
        MAP.iter().map(|binding| name(binding.place)).collect();
    MAP.len() + places.len()
}

fn people(app: &App) -> Sheet {
    let line = |known: &Known<'_>| {
        let right = match known {
            Known::Asks(_) => "asks you: a accept, x decline ".to_owned(),
            Known::Asked(_) => "you asked ".to_owned(),
            Known::Contact(contact) => format!("{} ", here(app, contact.user.id)),
            Known::Blocked(_) => "blocked ".to_owned(),
        };
        let note = match known {
            Known::Asks(request) => request.note.as_deref().map_or_else(String::new, |note| {
                format!(": {}", text::cut(&text::line(note), 40))
            }),
            _ => String::new(),
        };
        let style = match known {
            Known::Asks(_) => app.palette.news(),
            _ => app.palette.dim(),
        };
        let mut left = person(known.user(), app);
        left.push_span(Span::raw(note));
        (left, Line::styled(right, style))
    };
    Sheet {
        title: "Contacts".to_owned(),
        lines: app.people.known(app.me).iter().map(line).collect(),
        empty: "No contacts yet: n asks somebody.",
        is_read: false,
    }
}

fn here(app: &App, user: kith_protocol::UserId) -> String {
    match app
        .people
        .here(user)
        .map(|here| (here.status, here.last_seen_at))
    {
        Some((Status::Offline, Some(at))) => format!("seen {}", app.almanac.full(at, app.now)),
        Some((status, _)) => status.to_string(),
        None => String::new(),
    }
}

fn person(user: &User, app: &App) -> Line<'static> {
    let name = text::cut(&text::line(&user.display_name), 32);
    Line::from(vec![
        Span::raw(" "),
        Span::styled(name, app.palette.name(user.id)),
        Span::styled(format!(" @{}", user.handle), app.palette.dim()),
    ])
}

fn members(app: &App) -> Sheet {
    let title = app
        .open_row()
        .map_or_else(String::new, |row| app.title_of(row));
    let talk = app.open_talk();
    let members = talk.map(|talk| talk.members.as_slice()).unwrap_or_default();
    let line = |member: &kith_protocol::thread::Member| {
        let right = format!("{} ", member.role);
        (
            person(&member.user, app),
            Line::styled(right, app.palette.dim()),
        )
    };
    Sheet {
        title: format!("{title}: {} members", members.len()),
        lines: members.iter().map(line).collect(),
        empty: "Fetching…",
        is_read: false,
    }
}

fn devices(app: &App) -> Sheet {
    let line = |device: &kith_protocol::session::Session| {
        let this = if device.current { " (this one)" } else { "" };
        let label = text::cut(&text::line(&device.label), 40);
        let left = Line::from(vec![
            Span::styled(format!(" {}{this}", device.kind), app.palette.strong()),
            Span::raw(format!(" {label}")),
        ]);
        let used = app.almanac.full(device.last_seen_at, app.now);
        (
            left,
            Line::styled(format!("used {used} "), app.palette.dim()),
        )
    };
    Sheet {
        title: "Devices that are signed in".to_owned(),
        lines: app.devices.iter().map(line).collect(),
        empty: "Fetching…",
        is_read: false,
    }
}

fn search(app: &App, width: usize) -> Sheet {
    let line = |found: &kith_client::Found| {
        let row = app.inbox.row(found.thread);
        let place = row.map_or_else(|| "…".to_owned(), |row| app.title_of(row));
        let time = app.almanac.short(found.entry.at, app.now);
        let words = text::line(found.entry.text.as_deref().unwrap_or_default());
        let author = text::cut(&app.name_or_you(found.entry.author_id), 12);
        let head = format!(" {} · {author}: ", text::cut(&place, 16));
        let room = width.saturating_sub(text::columns(&head) + text::columns(&time) + 2);
        let words = text::cut(&words, room);
        let left = Line::from(vec![
            Span::styled(head, app.palette.strong()),
            Span::raw(words),
        ]);
        (left, Line::styled(format!("{time} "), app.palette.dim()))
    };
    let empty = match &app.search.done {
        None => {
            "Type words and press Enter. It looks through what this device has shown or fetched."
        }
        Some(_) => "Nothing on this device holds all of these words.",
    };
    Sheet {
        title: format!("{SEARCH}{}", search_rows(app, width).0),
        lines: app.search.found.iter().map(line).collect(),
        empty,
        is_read: false,
    }
}

const SEARCH: &str = "Search: ";

/// The part of the words around the cursor, and the cursor's column in it.
fn search_rows(app: &App, width: usize) -> (String, usize) {
    let room = width.saturating_sub(SEARCH.len() + 2).max(2);
    let rows = app.search.edit.rows(room);
    let row = rows.rows.get(rows.cursor.1).cloned().unwrap_or_default();
    (row, rows.cursor.0)
}

fn search_cursor(app: &App, area: Rect) -> Position {
    let column = search_rows(app, usize::from(area.width)).1;
    // Inside of the area.
    let x = area.x + 1 + (SEARCH.len() + column) as u16;
    Position::new(x.min(area.right().saturating_sub(1)), area.y)
}

fn accounts(app: &App) -> Sheet {
    let line = |account: &crate::cli::chat::home::Account| {
        let is_this = account.profile == app.profile;
        let style = if is_this {
            app.palette.strong()
        } else {
            Style::new()
        };
        let this = if is_this { ", this one" } else { "" };
        let who = match (&account.handle, &account.server) {
            (Some(handle), Some(server)) => format!("@{handle} at {server} "),
            _ => "nobody is signed in ".to_owned(),
        };
        let left = Line::styled(format!(" {}{this}", account.profile), style);
        (left, Line::styled(who, app.palette.dim()))
    };
    Sheet {
        title: "Accounts on this device".to_owned(),
        lines: app.accounts.iter().map(line).collect(),
        empty: "Looking…",
        is_read: false,
    }
}

fn seen(app: &App, width: usize) -> Sheet {
    let mut lines = Vec::new();
    let mut push = |words: String, style: Style| {
        for line in text::wrap(&words, width.saturating_sub(3)) {
            lines.push((Line::styled(format!(" {line}"), style), Line::default()));
        }
    };
    if let Some((seq, receipts)) = &app.seen {
        let entry = app.open_talk().and_then(|talk| talk.get(*seq));
        if let Some(entry) = entry {
            let said = text::line(entry.text.as_deref().unwrap_or_default());
            let who = app.name_or_you(entry.author_id);
            let when = app.almanac.full(entry.at, app.now);
            push(
                format!("{who}, {when}: {}", text::cut(&said, 3 * width)),
                app.palette.dim(),
            );
            push(String::new(), Style::new());
        }
        let counts = receipts.counts;
        push(
            format!("Seen by {} of {}", counts.read, counts.of),
            app.palette.strong(),
        );
        push(names(app, &receipts.read), Style::new());
        push(
            format!("Delivered to {} of {}", counts.delivered, counts.of),
            app.palette.strong(),
        );
        push(names(app, &receipts.delivered), Style::new());
    }
    Sheet {
        title: "Who has seen it".to_owned(),
        lines,
        empty: "Fetching…",
        is_read: true,
    }
}

fn names(app: &App, users: &[kith_protocol::UserId]) -> String {
    let names: Vec<String> = users.iter().map(|user| app.people.name(*user)).collect();
    if names.is_empty() {
        "nobody who shows it".to_owned()
    } else {
        names.join(", ")
    }
}

/// Lines of the page of receipts.
pub(in crate::cli::screen) fn seen_lines(app: &App) -> usize {
    let width = app
        .panes()
        .and_then(|panes| panes.main)
        .map_or(80, |main| main.width);
    seen(app, usize::from(width)).lines.len()
}
