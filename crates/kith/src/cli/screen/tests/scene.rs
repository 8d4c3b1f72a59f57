//! Ann's screen, with the people and threads that the tests need.

use crate::cli::screen::almanac::Almanac;
use crate::cli::screen::app::{App, Link};
use crate::cli::screen::errand::{Answer, Errand};
use crate::cli::screen::palette::Palette;
use crate::cli::screen::view;
use crossterm::event::{Event as Typed, KeyCode, KeyEvent, KeyModifiers};
use kith_client::Event;
use kith_protocol::entry::{Entry, Page, PageQuery};
use kith_protocol::thread::InboxRow;
use kith_protocol::user::User;
use kith_protocol::{ThreadId, Timestamp, UserId};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;
use serde_json::{Value, json};

/// 21 November 2026, 09:00 UTC.
pub(super) const NOW: Timestamp = Timestamp(1_795_251_600_000);
pub(super) const ANN: u8 = 1;
pub(super) const BO: u8 = 2;
pub(super) const CY: u8 = 3;
pub(super) const DI: u8 = 4;

pub(super) fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

pub(super) fn group() -> ThreadId {
    ThreadId::from_bytes([100; 16])
}

/// The thread of ann and bo.
pub(super) fn direct() -> ThreadId {
    ThreadId::direct(user(ANN), user(BO))
}

pub(super) fn somebody(n: u8, handle: &str, name: &str) -> User {
    serde_json::from_value(
        json!({"id": user(n), "handle": handle, "display_name": name,
        "about": "", "created_at": "2026-01-01T00:00:00.000Z"}),
    )
    .unwrap()
}

/// Ann, connected, with nothing in her inbox.
pub(super) fn ann() -> App {
    let palette = Palette::new(true);
    let mut app = App::new("default", "http://127.0.0.1:8080", Almanac::utc(), palette);
    app.now = NOW;
    app.size = Size::new(80, 24);
    app.me = Some(user(ANN));
    app.link = Link::Connected;
    for (n, handle, name) in [
        (ANN, "ann", "Ann"),
        (BO, "bo", "Bo"),
        (CY, "cy", "Cy"),
        (DI, "di", "Di"),
    ] {
        app.people.meet(somebody(n, handle, name));
    }
    app.answered(Answer::Inbox(Vec::new()));
    app.errands.clear();
    app
}

/// A row of the inbox; `more` changes it.
pub(super) fn row(id: ThreadId, title: Option<&str>, last_seq: u64, more: Value) -> InboxRow {
    let (kind, peer) = match title {
        Some(_) => ("group", None),
        None => ("direct", Some(user(BO))),
    };
    let mut row = json!({
        "thread": {"id": id, "kind": kind, "title": title, "peer_id": peer,
            "created_at": "2026-11-01T08:00:00.000Z", "member_count": 4,
            "settings": {"history": "forever", "open_history": false, "who_writes": "everyone", "slow_s": 0},
            "role": "owner", "joined_seq": 1, "visible": [[1, null]]},
        "head": {"last_seq": last_seq, "ord": 1, "at": "2026-11-21T08:54:00.000Z"},
        "mine": {"version": 1, "read_seq": last_seq, "delivered_seq": last_seq, "unread": 0,
            "mentions": 0, "pinned": false, "archived": false, "marked_unread": false},
    });
    merge(&mut row, more);
    serde_json::from_value(row).unwrap()
}

/// An entry of the log; `more` changes it.
pub(super) fn entry(seq: u64, author: u8, text: &str, more: Value) -> Entry {
    let mut entry = json!({"seq": seq, "kind": "text", "author_id": user(author),
        "client_msg_id": null, "ord": seq, "at": at(seq), "text": text});
    merge(&mut entry, more);
    serde_json::from_value(entry).unwrap()
}

fn at(seq: u64) -> Timestamp {
    Timestamp(NOW.0 - 60_000 * 60 + i64::try_from(seq).unwrap() * 60_000)
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

/// A page with everything that there is.
pub(super) fn page(items: Vec<Entry>) -> Page {
    let as_of_seq = items.last().map_or(0, |entry| entry.seq);
    Page {
        items,
        has_more_before: false,
        has_more_after: false,
        as_of_seq,
    }
}

/// Opens a thread that holds these entries.
pub(super) fn open(app: &mut App, row: InboxRow, items: Vec<Entry>) {
    let thread = row.thread.id;
    app.row(row);
    app.open(thread);
    app.answered(Answer::Page(
        thread,
        PageQuery::default(),
        Box::new(page(items)),
    ));
}

pub(super) fn came(app: &mut App, thread: ThreadId, entry: Entry) {
    let entry = Box::new(entry);
    app.happened(Event::Entry { thread, entry });
    app.settle();
}

pub(super) fn press(app: &mut App, code: KeyCode) {
    press_with(app, code, KeyModifiers::NONE);
}

pub(super) fn press_with(app: &mut App, code: KeyCode, modifiers: KeyModifiers) {
    app.typed(Typed::Key(KeyEvent::new(code, modifiers)));
    app.settle();
}

pub(super) fn write(app: &mut App, text: &str) {
    for c in text.chars() {
        press(app, KeyCode::Char(c));
    }
}

pub(super) fn errands(app: &mut App) -> Vec<Errand> {
    app.settle();
    std::mem::take(&mut app.errands)
}

/// The screen as a buffer of this size.
pub(super) fn painted(app: &mut App, width: u16, height: u16) -> Buffer {
    app.size = Size::new(width, height);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            let area = frame.area();
            if let Some(place) = view::paint(app, area, frame.buffer_mut()) {
                assert!(area.contains(place), "the cursor is at {place}");
                frame.set_cursor_position(place);
            }
        })
        .unwrap();
    terminal.backend().buffer().clone()
}

/// The screen as text.
pub(super) fn picture(app: &mut App, width: u16, height: u16) -> String {
    app.size = Size::new(width, height);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            let area = frame.area();
            view::paint(app, area, frame.buffer_mut());
        })
        .unwrap();
    terminal.backend().to_string()
}
