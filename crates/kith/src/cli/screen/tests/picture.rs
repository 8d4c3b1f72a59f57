//! What screens look like.

use super::scene::{
    BO, CY, DI, ann, came, direct, entry, group, open, page, painted, picture, press, row,
    somebody, user, write,
};
use crate::cli::chat::home::Account;
use crate::cli::screen::app::{App, Link, Page};
use crate::cli::screen::conversation::Anchor;
use crate::cli::screen::errand::Answer;
use crate::cli::screen::flow::{Flow, Key};
use crate::cli::screen::palette::Palette;
use crate::cli::screen::sign_in::SignIn;
use crossterm::event::KeyCode;
use kith_client::{Event, Found};
use kith_protocol::ThreadId;
use kith_protocol::entry::{Entry, PageQuery};
use kith_protocol::presence::Friend;
use ratatui::layout::Size;
use ratatui::style::Color;
use serde_json::json;

/// A group in which everything has happened.
fn lively() -> Vec<Entry> {
    vec![
        entry(
            1,
            1,
            "",
            json!({"kind": "created", "thread_kind": "group", "title": "Team lunch",
            "user_ids": [user(BO), user(CY)], "text": null, "at": "2026-11-20T19:00:00.000Z"}),
        ),
        entry(
            2,
            BO,
            "who is hungry?",
            json!({"at": "2026-11-20T19:01:00.000Z",
            "reactions": [{"emoji": "🍕", "count": 3, "mine": true}, {"emoji": "❤️", "count": 1, "mine": false}]}),
        ),
        entry(
            3,
            CY,
            "I am: 饺子 or a 👨‍👩‍👧‍👦 sized pizza, and something long enough to be broken in two",
            json!({}),
        ),
        entry(4, 1, "noon?", json!({"reply_to": 2, "edited_seq": 9})),
        entry(
            5,
            1,
            "",
            json!({"kind": "member_added", "user_ids": [user(DI)], "text": null}),
        ),
        entry(6, DI, "", json!({"deleted_seq": 10, "text": null})),
        entry(7, BO, "שלום לכולם", json!({})),
        entry(8, 1, "see you", json!({})),
    ]
}

fn busy() -> App {
    let mut app = ann();
    let thread = |n| ThreadId::from_bytes([n; 16]);
    let said = |author, text: &str| json!({"seq": 8, "author_id": user(author), "kind": "text", "text": text});
    let preview = said(BO, "are you there? I have been looking for you");
    app.row(row(
        direct(),
        None,
        8,
        json!({"head": {"preview": preview}, "mine": {"unread": 2, "read_seq": 6}}),
    ));
    let crowd = "A title that is far too long for any list of threads on a screen";
    app.row(row(thread(101), Some(crowd), 8, json!({"head": {"at": "2026-11-20T08:00:00.000Z", "preview": said(CY, "first 你好，世界 and then more of it")},
        "mine": {"unread": 250, "mentions": 3}})));
    app.row(row(thread(102), Some("Pinned"), 8, json!({"head": {"at": "2026-03-01T08:00:00.000Z", "preview": said(1, "mine")}, "mine": {"pinned": true}})));
    app.row(row(
        thread(103),
        Some("Quiet"),
        8,
        json!({"head": {"at": "2024-03-01T08:00:00.000Z"},
        "mine": {"unread": 5, "muted_until": "2030-01-01T00:00:00.000Z"}}),
    ));
    app.row(row(
        thread(104),
        Some("Draft"),
        8,
        json!({"head": {"at": "2024-02-01T08:00:00.000Z"},
        "mine": {"draft": {"text": "half a thought", "version": 1}, "marked_unread": true}}),
    ));
    app.people.friends(vec![
        serde_json::from_value::<Friend>(json!({"user_id": user(BO), "status": "online"})).unwrap(),
    ]);
    app
}

#[test]
fn a_group_with_everything_in_it() {
    let mut app = busy();
    open(
        &mut app,
        row(
            group(),
            Some("Team lunch"),
            8,
            json!({"head": {"at": "2026-11-21T08:08:00.000Z"}}),
        ),
        lively(),
    );
    let receipts = serde_json::from_value(json!({"read": [user(BO)], "delivered": [user(BO)],
        "counts": {"read": 1, "delivered": 2, "of": 3}}))
    .unwrap();
    app.answered(Answer::Receipts(group(), 8, receipts));
    write(&mut app, "and I bring 🍰");
    insta::assert_snapshot!(picture(&mut app, 80, 24));
}

#[test]
fn a_direct_thread_with_ticks_news_and_somebody_typing() {
    let mut app = busy();
    let said = vec![
        entry(
            1,
            1,
            "",
            json!({"kind": "created", "thread_kind": "direct", "text": null}),
        ),
        entry(2, 1, "read by now", json!({})),
        entry(3, 1, "delivered by now", json!({})),
        entry(4, 1, "sent by now", json!({})),
        entry(7, BO, "are you there?", json!({})),
        entry(8, BO, "I have been looking for you", json!({})),
    ];
    let marks = json!({"head": {"others": {"delivered_seq": 3, "read_seq": 2}}, "mine": {"unread": 2, "read_seq": 6}});
    open(&mut app, row(direct(), None, 8, marks), said);
    app.happened(Event::Typing(
        serde_json::from_value(json!({"thread_id": direct(), "user_id": user(BO), "active": true}))
            .unwrap(),
    ));
    insta::assert_snapshot!(picture(&mut app, 80, 24));
}

#[test]
fn a_narrow_screen_shows_the_list_or_the_conversation() {
    let mut app = busy();
    insta::assert_snapshot!("narrow_list", picture(&mut app, 40, 12));
    open(
        &mut app,
        row(group(), Some("Team lunch"), 8, json!({})),
        lively(),
    );
    insta::assert_snapshot!("narrow_talk", picture(&mut app, 40, 12));
    insta::assert_snapshot!("narrowest_talk", picture(&mut app, 24, 8));
}

#[test]
fn a_screen_that_is_too_small_says_so() {
    let mut app = busy();
    let shown = picture(&mut app, 20, 5);
    for words in ["make this window", "24 columns"] {
        assert!(shown.contains(words), "{shown}");
    }
    picture(&mut app, 1, 1);
}

#[test]
fn where_nothing_is_it_is_said_what_to_do() {
    let mut app = ann();
    let shown = picture(&mut app, 80, 24);
    assert!(shown.contains("No threads yet"), "{shown}");
    assert!(shown.contains("Choose a thread"), "{shown}");
    app.inbox.is_known = false;
    assert!(picture(&mut app, 80, 24).contains("Fetching your threads…"));
    app.link = Link::Lost;
    let shown = picture(&mut app, 80, 24);
    assert!(shown.contains("no connection, trying again…"), "{shown}");
    open(
        &mut app,
        row(group(), Some("Team"), 0, json!({})),
        Vec::new(),
    );
    assert!(picture(&mut app, 80, 24).contains("Nothing here yet"));
}

#[test]
fn the_pages_beside_the_conversation() {
    let mut app = busy();
    open(
        &mut app,
        row(group(), Some("Team lunch"), 8, json!({})),
        lively(),
    );
    let member = |n, handle, name, role: &str| {
        json!({"user": somebody(n, handle, name), "role": role,
        "joined_at": "2026-11-01T08:00:00.000Z"})
    };
    let members = json!([
        member(1, "ann", "Ann", "owner"),
        member(BO, "bo", "Bo", "admin"),
        member(CY, "cy", "Cy who has a name of some length", "muted")
    ]);
    app.answered(Answer::Members(
        group(),
        serde_json::from_value(members).unwrap(),
    ));
    app.turn_to(Page::Members);
    insta::assert_snapshot!("members", picture(&mut app, 80, 10));

    let contact = json!({"user": somebody(BO, "bo", "Bo"), "since_at": "2026-11-01T08:00:00.000Z", "status": "online"});
    let request = json!({"id": user(9), "from": somebody(CY, "cy", "Cy"), "to": somebody(1, "ann", "Ann"),
        "note": "we met at lunch", "at": "2026-11-20T08:00:00.000Z", "accepted": false});
    let read = |value: serde_json::Value| serde_json::from_value(value).unwrap();
    app.answered(Answer::People(
        vec![read(contact)],
        vec![serde_json::from_value(request).unwrap()],
        Vec::new(),
    ));
    app.turn_to(Page::People);
    insta::assert_snapshot!("people", picture(&mut app, 80, 10));

    let device = |kind: &str, current| {
        json!({"id": user(9), "kind": kind, "label": "on linux", "current": current,
        "created_at": "2026-11-01T08:00:00.000Z", "last_seen_at": "2026-11-20T08:00:00.000Z",
        "expires_at": "2027-11-01T08:00:00.000Z", "address": "127.0.0.1"})
    };
    let devices = json!([device("terminal", true), device("phone", false)]);
    app.answered(Answer::Devices(serde_json::from_value(devices).unwrap()));
    app.turn_to(Page::Devices);
    insta::assert_snapshot!("devices", picture(&mut app, 80, 10));

    let account = |profile: &str, handle: Option<&str>| Account {
        profile: profile.to_owned(),
        handle: handle.map(str::to_owned),
        server: handle.map(|_| "http://127.0.0.1:8080".to_owned()),
    };
    app.answered(Answer::Accounts(vec![
        account("default", Some("ann")),
        account("work", None),
    ]));
    app.turn_to(Page::Accounts);
    insta::assert_snapshot!("accounts", picture(&mut app, 80, 10));

    app.turn_to(Page::Search);
    write(&mut app, "pizza 饺子");
    let found = Found {
        thread: group(),
        entry: lively().remove(2),
    };
    app.answered(Answer::Found("pizza 饺子".to_owned(), vec![found]));
    insta::assert_snapshot!("search", picture(&mut app, 80, 10));
}

#[test]
fn who_has_seen_a_message_and_all_keys() {
    let mut app = busy();
    open(
        &mut app,
        row(group(), Some("Team lunch"), 8, json!({})),
        lively(),
    );
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Char('i'));
    let receipts = serde_json::from_value(
        json!({"read": [user(BO)], "delivered": [user(BO), user(CY)],
        "counts": {"read": 1, "delivered": 2, "of": 3}}),
    )
    .unwrap();
    app.answered(Answer::Receipts(group(), 8, receipts));
    insta::assert_snapshot!("seen", picture(&mut app, 80, 12));
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::F(1));
    insta::assert_snapshot!("keys", picture(&mut app, 80, 24));
    for _ in 0..200 {
        press(&mut app, KeyCode::Down);
    }
    let shown = picture(&mut app, 80, 24);
    assert!(shown.contains("pages"), "{shown}");
}

#[test]
fn the_page_to_sign_in_on_says_why() {
    let mut app = ann();
    let reason = "another device took this session's place: sign in again";
    app.sign_in = Some(SignIn::at(
        "http://127.0.0.1:8080",
        "ann",
        Some(reason.to_owned()),
    ));
    write(&mut app, "secret");
    let shown = picture(&mut app, 80, 24);
    assert!(!shown.contains("secret"), "{shown}");
    insta::assert_snapshot!("sign_in", shown);
    insta::assert_snapshot!("sign_in_narrow", picture(&mut app, 30, 12));
}

#[test]
fn nothing_that_others_write_commands_the_terminal() {
    let mut app = ann();
    let evil: String = (1..0xa0)
        .filter_map(char::from_u32)
        .filter(|c| c.is_control())
        .collect();
    let evil = format!("{evil}\u{202e}\u{2067}\u{200f}{}", "\u{301}".repeat(100));
    app.people.meet(somebody(BO, "bo", &evil));
    let head = json!({"head": {"preview": {"seq": 2, "author_id": user(BO), "kind": "text", "text": evil}}});
    app.row(row(direct(), None, 2, head));
    let said = vec![
        entry(
            2,
            BO,
            &evil,
            json!({"reactions": [{"emoji": evil, "count": 1, "mine": false}]}),
        ),
        entry(
            3,
            BO,
            "",
            json!({"kind": "title", "title": evil, "text": null}),
        ),
        entry(4, CY, &evil, json!({"reply_to": 2})),
    ];
    open(&mut app, row(group(), Some(&evil), 4, json!({})), said);
    app.complain(evil.clone());
    for (width, height) in [(80, 24), (40, 12), (24, 8)] {
        for cell in painted(&mut app, width, height).content() {
            let symbol = cell.symbol();
            assert!(!symbol.contains(char::is_control), "{symbol:?}");
            assert!(
                !symbol.contains(['\u{202e}', '\u{2067}', '\u{200f}']),
                "{symbol:?}"
            );
        }
    }
}

#[test]
fn without_colours_there_is_none() {
    let mut app = busy();
    app.palette = Palette::new(false);
    open(
        &mut app,
        row(group(), Some("Team lunch"), 8, json!({})),
        lively(),
    );
    for cell in painted(&mut app, 80, 24).content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}

#[test]
fn no_size_and_no_text_breaks_the_screen() {
    let mut app = busy();
    open(
        &mut app,
        row(group(), Some("Team lunch"), 8, json!({})),
        lively(),
    );
    for page in [
        Page::Talk,
        Page::Help,
        Page::People,
        Page::Members,
        Page::Devices,
        Page::Search,
        Page::Accounts,
        Page::Seen,
    ] {
        app.page = page;
        for (width, height) in [
            (1, 1),
            (24, 8),
            (25, 9),
            (71, 24),
            (72, 8),
            (73, 9),
            (300, 100),
        ] {
            painted(&mut app, width, height);
        }
    }
    app.page = Page::Talk;
    for _ in 0..30 {
        write(&mut app, "a line of text 👩🏽‍🚀 ");
        press(&mut app, KeyCode::Enter);
        write(&mut app, "宽宽宽宽宽");
        for (width, height) in [(24, 8), (40, 12), (80, 24)] {
            painted(&mut app, width, height);
        }
    }
}

/// A hundred messages of different lengths, of which the last sixty are known.
fn long(app: &mut App) -> Vec<Entry> {
    let text = |seq: u64| {
        format!(
            "{seq} {}",
            "word ".repeat(usize::try_from(seq * 7 % 23).unwrap())
        )
    };
    let all: Vec<Entry> = (1..=100)
        .map(|seq| {
            entry(
                seq,
                if seq % 5 == 0 { 1 } else { BO },
                &text(seq),
                json!({}),
            )
        })
        .collect();
    let mut items = page(all[40..].to_vec());
    items.has_more_before = true;
    let thread = row(group(), Some("Long"), 100, json!({}));
    app.row(thread);
    app.open(group());
    app.answered(Answer::Page(group(), PageQuery::default(), Box::new(items)));
    all
}

#[test]
fn older_and_newer_entries_move_nothing_that_is_looked_at() {
    let mut app = ann();
    let all = long(&mut app);
    picture(&mut app, 80, 24);
    for _ in 0..4 {
        press(&mut app, KeyCode::PageUp);
    }
    // The messages, row for row.
    let middle = |app: &mut App| -> Vec<String> {
        let shown = picture(app, 80, 24);
        let messages = shown.lines().skip(2).take(19);
        let right = messages.filter_map(|line| line.split_once('│'));
        right.map(|(_, message)| message.to_owned()).collect()
    };
    let before = middle(&mut app);
    let mut earlier = page(all[..40].to_vec());
    earlier.has_more_after = true;
    let query = PageQuery {
        before: Some(41),
        ..PageQuery::default()
    };
    app.answered(Answer::Page(group(), query, Box::new(earlier)));
    assert_eq!(middle(&mut app), before, "earlier entries came");
    came(&mut app, group(), entry(101, BO, "news", json!({})));
    assert_eq!(middle(&mut app), before, "a later one came");
    let shown = picture(&mut app, 80, 24);
    assert!(shown.contains("newer, Ctrl-End"), "{shown}");
    // Another width breaks lines elsewhere; what stands at the top is the same message.
    let top = match app.open_talk().unwrap().anchor {
        Anchor::Top { seq, .. } => seq,
        Anchor::End => panic!("it is not at the end"),
    };
    for (width, height) in [(40, 12), (120, 30), (80, 24)] {
        app.size = Size::new(width, height);
        let (talk, size) = (app.open_talk().unwrap(), app.messages_size().unwrap());
        let view = Flow::of(&app, talk, size.width).view(size.height);
        assert_eq!(view.rows[0].key, Key::Seq(top), "{width} columns");
    }
    assert_eq!(middle(&mut app), before, "the size is as it was");
}

#[test]
fn scrolling_up_and_down_again_comes_back_to_the_same_place() {
    let mut app = ann();
    long(&mut app);
    let end = picture(&mut app, 80, 24);
    for rows in [1, 3, 7, 50, 200] {
        app.scroll(-rows);
        let up = picture(&mut app, 80, 24);
        assert_ne!(up, end);
        app.scroll(-2);
        app.scroll(2);
        if rows < 200 {
            assert_eq!(picture(&mut app, 80, 24), up, "{rows} rows up");
        }
        app.scroll(isize::MAX / 2);
        assert_eq!(picture(&mut app, 80, 24), end, "{rows} rows");
    }
    assert_eq!(app.open_talk().unwrap().anchor, Anchor::End);
}
