//! What keys and events lead to.

use super::scene::{
    ANN, BO, CY, NOW, ann, came, direct, entry, errands, group, open, page, picture, press,
    press_with, row, somebody, user, write,
};
use crate::cli::screen::app::{Focus, Page};
use crate::cli::screen::conversation::Anchor;
use crate::cli::screen::errand::{Answer, Call, Errand};
use crossterm::event::{Event as Typed, KeyCode, KeyModifiers};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use kith_client::Event;
use kith_protocol::entry::PageQuery;
use kith_protocol::thread::Draft;
use serde_json::json;

fn drafts(errands: &[Errand]) -> Vec<Option<Draft>> {
    let draft = |errand: &Errand| match errand {
        Errand::Call(Call::Draft(_, draft)) => Some(draft.clone()),
        _ => None,
    };
    errands.iter().filter_map(draft).collect()
}

fn typings(errands: &[Errand]) -> Vec<bool> {
    let typing = |errand: &Errand| match errand {
        Errand::Typing(_, active) => Some(*active),
        _ => None,
    };
    errands.iter().filter_map(typing).collect()
}

fn rings(errands: &[Errand]) -> bool {
    errands.iter().any(|errand| matches!(errand, Errand::Bell))
}

fn reads(errands: &[Errand]) -> Vec<u64> {
    let read = |errand: &Errand| match errand {
        Errand::Read(_, seq) => Some(*seq),
        _ => None,
    };
    errands.iter().filter_map(read).collect()
}

#[test]
fn typing_is_told_at_most_every_three_seconds_and_taken_back() {
    let mut app = ann();
    open(
        &mut app,
        row(group(), Some("Team"), 1, json!({})),
        vec![entry(1, BO, "hi", json!({}))],
    );
    errands(&mut app);
    write(&mut app, "abc");
    assert_eq!(typings(&errands(&mut app)), [true]);
    app.tick(NOW.after_ms(3_000));
    write(&mut app, "d");
    assert_eq!(typings(&errands(&mut app)), [true]);
    press_with(&mut app, KeyCode::Char('u'), KeyModifiers::CONTROL);
    assert_eq!(typings(&errands(&mut app)), [false]);
}

#[test]
fn a_draft_is_saved_when_the_fingers_rest_and_again_with_the_version_that_is_there() {
    let mut app = ann();
    open(
        &mut app,
        row(group(), Some("Team"), 1, json!({})),
        vec![entry(1, BO, "hi", json!({}))],
    );
    write(&mut app, "half");
    assert!(drafts(&errands(&mut app)).is_empty());
    assert_eq!(app.wakes_at(), Some(NOW.after_ms(2_000)));
    app.tick(NOW.after_ms(2_000));
    let draft = |text: &str, version| Draft {
        text: text.to_owned(),
        version,
    };
    assert_eq!(drafts(&errands(&mut app)), [Some(draft("half", 0))]);
    app.answered(Answer::DraftConflict(group(), draft("other", 6)));
    app.tick(NOW.after_ms(2_001));
    assert_eq!(drafts(&errands(&mut app)), [Some(draft("half", 6))]);
    let mine = row(
        group(),
        None,
        1,
        json!({"mine": {"draft": {"text": "half", "version": 7}}}),
    )
    .mine;
    app.answered(Answer::Mine(group(), mine));
    press(&mut app, KeyCode::Enter);
    let sent = errands(&mut app);
    assert!(
        matches!(&sent[0], Errand::Send { words, .. } if words.text.as_deref() == Some("half"))
    );
    app.tick(NOW.after_ms(2_002));
    assert_eq!(drafts(&errands(&mut app)), [None]);
}

#[test]
fn a_draft_of_another_device_comes_in_unless_something_is_being_written() {
    let mut app = ann();
    open(
        &mut app,
        row(group(), Some("Team"), 1, json!({})),
        vec![entry(1, BO, "hi", json!({}))],
    );
    let from_elsewhere = |text: &str| {
        row(
            group(),
            None,
            1,
            json!({"mine": {"draft": {"text": text, "version": 7}}}),
        )
        .mine
    };
    app.answered(Answer::Mine(group(), from_elsewhere("one")));
    assert_eq!(app.open_talk().unwrap().compose.edit.text(), "one");
    write(&mut app, "!");
    app.answered(Answer::Mine(group(), from_elsewhere("two")));
    assert_eq!(app.open_talk().unwrap().compose.edit.text(), "one!");
}

#[test]
fn an_edit_does_not_lose_what_was_being_written() {
    let mut app = ann();
    open(
        &mut app,
        row(group(), Some("Team"), 2, json!({})),
        vec![
            entry(1, BO, "hi", json!({})),
            entry(2, ANN, "helo", json!({})),
        ],
    );
    write(&mut app, "later");
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Char('e'));
    press(&mut app, KeyCode::Backspace);
    write(&mut app, "lo");
    errands(&mut app);
    press(&mut app, KeyCode::Enter);
    let sent = errands(&mut app);
    assert!(
        matches!(&sent[0], Errand::Call(Call::Edit { seq: 2, text, .. }) if text == "hello"),
        "{sent:?}"
    );
    assert_eq!(app.open_talk().unwrap().compose.edit.text(), "later");
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Char('e'));
    assert!(app.notice.as_ref().unwrap().words.contains("of your own"));
    press(&mut app, KeyCode::Char('r'));
    assert!(picture(&mut app, 80, 24).contains("↳ Bo: hi"));
    press(&mut app, KeyCode::Enter);
    let sent = errands(&mut app);
    assert!(
        matches!(&sent[0], Errand::Send { words, .. } if words.reply_to == Some(1)),
        "{sent:?}"
    );
}

#[test]
fn members_are_named_by_their_handles_and_all_only_by_who_may() {
    let mut app = ann();
    for (role, all) in [("owner", true), ("member", false)] {
        open(
            &mut app,
            row(group(), Some("Team"), 1, json!({"thread": {"role": role}})),
            vec![entry(1, BO, "hi", json!({}))],
        );
        let member = |n, handle| json!({"user": somebody(n, handle, handle), "role": "member", "joined_at": "2026-11-01T08:00:00.000Z"});
        let members = json!([member(BO, "bo"), member(CY, "cy")]);
        app.answered(Answer::Members(
            group(),
            serde_json::from_value(members).unwrap(),
        ));
        errands(&mut app);
        write(&mut app, "@bo, @all @nobody");
        press(&mut app, KeyCode::Enter);
        let sent = errands(&mut app);
        let words = sent.iter().find_map(|errand| match errand {
            Errand::Send { words, .. } => Some(words),
            _ => None,
        });
        let words = words.unwrap();
        assert_eq!(
            (words.mentions.as_slice(), words.mention_all),
            ([user(BO)].as_slice(), all)
        );
    }
}

#[test]
fn a_text_that_is_too_long_stays_where_it_is() {
    let mut app = ann();
    open(
        &mut app,
        row(group(), Some("Team"), 1, json!({})),
        vec![entry(1, BO, "hi", json!({}))],
    );
    app.typed(Typed::Paste("x".repeat(70_000)));
    press(&mut app, KeyCode::Enter);
    assert!(
        !errands(&mut app)
            .iter()
            .any(|errand| matches!(errand, Errand::Send { .. }))
    );
    assert!(
        app.notice
            .as_ref()
            .unwrap()
            .words
            .contains("at most 65536 bytes")
    );
    assert_eq!(app.open_talk().unwrap().compose.edit.text().len(), 70_000);
}

#[test]
fn the_bell_rings_for_what_is_not_in_sight() {
    let mut app = ann();
    app.row(row(direct(), None, 1, json!({})));
    open(
        &mut app,
        row(group(), Some("Team"), 1, json!({})),
        vec![entry(1, BO, "hi", json!({}))],
    );
    errands(&mut app);
    came(&mut app, group(), entry(2, BO, "in sight", json!({})));
    assert!(!rings(&errands(&mut app)));
    came(&mut app, direct(), entry(2, BO, "elsewhere", json!({})));
    assert!(rings(&errands(&mut app)));
    app.tick(NOW.after_ms(1_000));
    app.typed(Typed::FocusLost);
    came(&mut app, group(), entry(3, BO, "nobody looks", json!({})));
    let left = errands(&mut app);
    assert!(rings(&left) && reads(&left).is_empty(), "{left:?}");
    app.tick(NOW.after_ms(2_000));
    app.row(row(
        direct(),
        None,
        2,
        json!({"mine": {"muted_until": "2030-01-01T00:00:00.000Z"}}),
    ));
    came(&mut app, direct(), entry(3, BO, "muted", json!({})));
    came(&mut app, group(), entry(4, ANN, "own", json!({})));
    assert!(!rings(&errands(&mut app)));
    assert_eq!(app.window_title(), "(2) kith");
}

#[test]
fn what_is_in_sight_is_read_and_no_more() {
    let mut app = ann();
    let said: Vec<_> = (1..=60)
        .map(|seq| entry(seq, BO, "line", json!({})))
        .collect();
    open(
        &mut app,
        row(
            group(),
            Some("Team"),
            60,
            json!({"mine": {"read_seq": 10, "unread": 50}}),
        ),
        said,
    );
    assert_eq!(reads(&errands(&mut app)), [60]);
    assert_eq!(app.inbox.unread(), 0);
    app.scroll(-30);
    came(&mut app, group(), entry(61, BO, "below", json!({})));
    assert!(reads(&errands(&mut app)).is_empty());
    assert_eq!(app.inbox.unread(), 1);
    press_with(&mut app, KeyCode::End, KeyModifiers::CONTROL);
    assert_eq!(reads(&errands(&mut app)), [61]);
}

#[test]
fn what_is_told_late_of_a_thread_does_not_miscount_what_came_since() {
    let mut app = ann();
    app.row(row(direct(), None, 1, json!({})));
    for seq in 2..=5 {
        came(&mut app, direct(), entry(seq, BO, "news", json!({})));
    }
    assert_eq!(app.inbox.unread(), 4);
    // Of the moment after the third entry, on its way while two more came.
    let late = json!({"mine": {"unread": 2, "read_seq": 1}, "head": {"preview": null}});
    app.happened(Event::Row(Box::new(row(direct(), None, 3, late.clone()))));
    assert_eq!(app.inbox.unread(), 4);
    assert_eq!(app.inbox.row(direct()).unwrap().head.last_seq, 5);
    let mine = row(direct(), None, 3, late).mine;
    app.answered(Answer::Mine(direct(), mine));
    assert_eq!(app.inbox.unread(), 4);
    came(&mut app, direct(), entry(6, BO, "news", json!({})));
    assert_eq!(app.inbox.unread(), 5);
    errands(&mut app);
    // Read on another device: the server is asked, and its row has the last word.
    let read = row(
        direct(),
        None,
        6,
        json!({"mine": {"unread": 1, "read_seq": 5}}),
    );
    app.answered(Answer::Mine(direct(), read.mine.clone()));
    let left = errands(&mut app);
    assert!(left.iter().any(|errand| matches!(errand, Errand::Sync)));
    app.happened(Event::Row(Box::new(read)));
    assert_eq!(app.inbox.unread(), 1);
}

#[test]
fn a_long_absence_begins_at_a_line_that_says_new() {
    let mut app = ann();
    let said: Vec<_> = (1..=8)
        .map(|seq| entry(seq, BO, "line", json!({})))
        .collect();
    open(
        &mut app,
        row(
            group(),
            Some("Team"),
            8,
            json!({"mine": {"read_seq": 5, "unread": 3}}),
        ),
        said,
    );
    assert!(picture(&mut app, 80, 24).contains(" new "));
    assert_eq!(app.open_talk().unwrap().news_from, Some(6));
}

#[test]
fn later_entries_show_on_their_message_once() {
    let mut app = ann();
    open(
        &mut app,
        row(group(), Some("Team"), 2, json!({})),
        vec![
            entry(1, BO, "helo", json!({})),
            entry(2, CY, "x", json!({})),
        ],
    );
    came(
        &mut app,
        group(),
        entry(3, BO, "hello", json!({"kind": "edit", "target_seq": 1})),
    );
    let thumb = |seq, author| {
        entry(
            seq,
            author,
            "",
            json!({"kind": "react", "target_seq": 1, "emoji": "👍", "text": null}),
        )
    };
    came(&mut app, group(), thumb(4, CY));
    came(&mut app, group(), thumb(5, ANN));
    let talk = app.open_talk().unwrap();
    let message = talk.get(1).unwrap();
    assert_eq!(message.text.as_deref(), Some("hello"));
    assert_eq!(
        (message.reactions[0].count, message.reactions[0].mine),
        (2, true)
    );
    // A page that has them already is not changed by them again.
    let mut again = page(vec![entry(
        1,
        BO,
        "hello",
        json!({"edited_seq": 3, "reactions": [{"emoji": "👍", "count": 2, "mine": true}]}),
    )]);
    again.as_of_seq = 5;
    app.answered(Answer::Page(group(), PageQuery::default(), Box::new(again)));
    came(
        &mut app,
        group(),
        entry(
            6,
            BO,
            "",
            json!({"kind": "delete", "target_seq": 2, "text": null}),
        ),
    );
    assert_eq!(
        app.open_talk().unwrap().get(1).unwrap().reactions[0].count,
        2
    );
    assert!(app.open_talk().unwrap().get(2).unwrap().text.is_none());
    assert!(
        errands(&mut app)
            .iter()
            .any(|errand| matches!(errand, Errand::Sync))
    );
}

#[test]
fn no_hole_is_left_between_a_window_and_what_comes() {
    let mut app = ann();
    app.row(row(group(), Some("Team"), 300, json!({})));
    app.open_at(group(), 50);
    let mut around = page(
        (40..=60)
            .map(|seq| entry(seq, BO, "old", json!({})))
            .collect(),
    );
    (around.has_more_before, around.has_more_after) = (true, true);
    let query = PageQuery {
        around: Some(50),
        ..PageQuery::default()
    };
    app.answered(Answer::Page(group(), query, Box::new(around)));
    came(&mut app, group(), entry(301, BO, "news", json!({})));
    let talk = app.open_talk().unwrap();
    assert_eq!((talk.last_seq(), talk.more_after), (Some(60), true));
    // The last page after the window was on its way when yet another entry came.
    let query = PageQuery {
        after: Some(60),
        ..PageQuery::default()
    };
    let rest = page(
        (61..=301)
            .map(|seq| entry(seq, BO, "old", json!({})))
            .collect(),
    );
    came(&mut app, group(), entry(302, BO, "more news", json!({})));
    app.answered(Answer::Page(group(), query, Box::new(rest)));
    let talk = app.open_talk().unwrap();
    assert_eq!((talk.last_seq(), talk.more_after), (Some(301), true));
    // The end is wanted: the newest page takes the window's place if it does not touch it.
    press_with(&mut app, KeyCode::End, KeyModifiers::CONTROL);
    let mut newest = page(
        (500..=510)
            .map(|seq| entry(seq, BO, "newest", json!({})))
            .collect(),
    );
    newest.has_more_before = true;
    app.answered(Answer::Page(
        group(),
        PageQuery::default(),
        Box::new(newest),
    ));
    let talk = app.open_talk().unwrap();
    assert_eq!(
        (talk.first_seq(), talk.last_seq(), talk.more_before),
        (Some(500), Some(510), true)
    );
}

#[test]
fn earlier_entries_are_asked_for_before_the_top_is_reached() {
    let mut app = ann();
    app.row(row(group(), Some("Team"), 300, json!({})));
    app.open(group());
    let mut newest = page(
        (200..=300)
            .map(|seq| entry(seq, BO, "line", json!({})))
            .collect(),
    );
    newest.has_more_before = true;
    app.answered(Answer::Page(
        group(),
        PageQuery::default(),
        Box::new(newest),
    ));
    let asked = |errands: Vec<Errand>| {
        errands.into_iter().find_map(|errand| match errand {
            Errand::Call(Call::Page { query, .. }) => query.before,
            _ => None,
        })
    };
    errands(&mut app);
    app.scroll(-20);
    assert_eq!(asked(errands(&mut app)), None);
    app.scroll(-40);
    assert_eq!(asked(errands(&mut app)), Some(200));
    app.scroll(-1);
    assert_eq!(asked(errands(&mut app)), None, "one page at a time");
}

#[test]
fn a_refused_message_comes_back_into_the_line() {
    let mut app = ann();
    open(
        &mut app,
        row(group(), Some("Team"), 1, json!({})),
        vec![entry(1, BO, "hi", json!({}))],
    );
    let id = kith_client::new_msg_id();
    let message = kith_protocol::entry::SendMessage::text(id, 1, "slow down");
    app.answered(Answer::Queued(group(), Box::new(message.clone())));
    assert!(picture(&mut app, 80, 24).contains("waiting"));
    let problem = Box::new(kith_protocol::Problem::of(
        kith_protocol::ErrorCode::Forbidden,
    ));
    let message = Box::new(message);
    app.happened(Event::SendRefused {
        thread: group(),
        message,
        problem,
    });
    let shown = picture(&mut app, 80, 24);
    assert!(
        shown.contains("> slow down") && shown.contains("not sent: not allowed"),
        "{shown}"
    );
    assert!(!shown.contains("waiting"), "{shown}");
}

#[test]
fn a_sent_message_waits_for_its_entry_which_is_fetched_if_it_does_not_come() {
    let mut app = ann();
    let said = vec![entry(1, BO, "hi", json!({}))];
    open(&mut app, row(group(), Some("Team"), 1, json!({})), said);
    let id = kith_client::new_msg_id();
    let message = kith_protocol::entry::SendMessage::text(id, 1, "hello");
    app.answered(Answer::Queued(group(), Box::new(message)));
    let sent = serde_json::from_value(json!({"seq": 2, "ord": 2, "at": NOW})).unwrap();
    app.happened(Event::SendDone {
        thread: group(),
        client_msg_id: id,
        sent,
    });
    errands(&mut app);
    assert_eq!(app.wakes_at(), Some(NOW.after_ms(2_000)));
    app.tick(NOW.after_ms(2_000));
    let asked = errands(&mut app)
        .into_iter()
        .find_map(|errand| match errand {
            Errand::Call(Call::Page { query, .. }) => query.after,
            _ => None,
        });
    assert_eq!(asked, Some(1));
    let own = entry(2, ANN, "hello", json!({"client_msg_id": id}));
    let query = PageQuery {
        after: Some(1),
        ..PageQuery::default()
    };
    app.answered(Answer::Page(group(), query, Box::new(page(vec![own]))));
    let talk = app.open_talk().unwrap();
    assert!(talk.waiting.is_empty() && !talk.more_after);
}

#[test]
fn questions_take_words_or_a_yes_and_escape_changes_nothing() {
    let mut app = ann();
    press(&mut app, KeyCode::Char('g'));
    write(&mut app, "Team lunch");
    press(&mut app, KeyCode::Enter);
    write(&mut app, "bo cy");
    press(&mut app, KeyCode::Enter);
    let called = errands(&mut app);
    assert!(
        matches!(&called[0], Errand::Call(Call::Group { title, people }) if title == "Team lunch" && people == &["bo", "cy"]),
        "{called:?}"
    );
    open(
        &mut app,
        row(group(), Some("Team"), 2, json!({})),
        vec![entry(2, ANN, "mine", json!({}))],
    );
    press(&mut app, KeyCode::Up);
    errands(&mut app);
    for (answer, deletes) in [
        (KeyCode::Esc, false),
        (KeyCode::Char('n'), false),
        (KeyCode::Enter, false),
        (KeyCode::Char('y'), true),
    ] {
        press(&mut app, KeyCode::Char('d'));
        press(&mut app, answer);
        let called = errands(&mut app);
        let deleted = called
            .iter()
            .any(|errand| matches!(errand, Errand::Call(Call::Delete { seq: 2, .. })));
        assert_eq!(deleted, deletes, "{answer:?}");
    }
    press(&mut app, KeyCode::Char('+'));
    press(&mut app, KeyCode::Enter);
    let called = errands(&mut app);
    assert!(
        matches!(&called[0], Errand::Call(Call::React { emoji, on: true, .. }) if emoji == "👍")
    );
}

#[test]
fn the_mouse_opens_scrolls_and_chooses() {
    let mut app = ann();
    let said: Vec<_> = (1..=60)
        .map(|seq| entry(seq, BO, "line", json!({})))
        .collect();
    open(&mut app, row(group(), Some("Team"), 60, json!({})), said);
    app.row(row(
        direct(),
        None,
        1,
        json!({"head": {"at": "2026-11-21T08:55:00.000Z"}}),
    ));
    let mouse = |kind, column, row| {
        Typed::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })
    };
    app.typed(mouse(MouseEventKind::ScrollUp, 60, 10));
    assert!(matches!(
        app.open_talk().unwrap().anchor,
        Anchor::Top { .. }
    ));
    app.typed(mouse(MouseEventKind::Down(MouseButton::Left), 60, 10));
    assert!(app.open_talk().unwrap().chosen.is_some() && app.focus == Focus::Message);
    app.typed(mouse(MouseEventKind::Down(MouseButton::Left), 5, 1));
    assert_eq!(app.open, Some(direct()));
    app.typed(mouse(MouseEventKind::Down(MouseButton::Left), 79, 23));
    app.typed(mouse(MouseEventKind::Down(MouseButton::Left), 500, 500));
}

#[test]
fn escape_leads_out_of_everything_and_tab_to_the_other_side() {
    let mut app = ann();
    open(
        &mut app,
        row(group(), Some("Team"), 1, json!({})),
        vec![entry(1, ANN, "hi", json!({}))],
    );
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Char('r'));
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.focus, Focus::Compose);
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.focus, Focus::List);
    press(&mut app, KeyCode::Tab);
    assert_eq!(app.focus, Focus::Compose);
    for key in [KeyCode::F(1), KeyCode::Esc] {
        press(&mut app, key);
    }
    assert_eq!((app.page, app.focus), (Page::Talk, Focus::List));
    for key in ['c', 'd', 's', 'a', '?'] {
        press(&mut app, KeyCode::Char(key));
        assert_eq!(app.focus, Focus::Page, "{key}");
        press(&mut app, KeyCode::Esc);
        assert_eq!(app.focus, Focus::List, "{key}");
    }
    press(&mut app, KeyCode::Char('q'));
    assert!(app.quits);
}
