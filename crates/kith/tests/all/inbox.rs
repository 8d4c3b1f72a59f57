//! The inbox: its order and pages, what is unread, and what a user privately has on a thread. Rule 5.

use crate::support::talk::{
    DOORS, Door, counts, deletion, edit, entry, inbox, refused_field, row, text,
};
use crate::support::{Server, refused};
use futures_util::future::join_all;
use kith_client::{Api, ClientError, new_msg_id};
use kith_protocol::entry::SendMessage;
use kith_protocol::frame::ServerFrame;
use kith_protocol::thread::{Draft, InboxFilter, InboxQuery, Mine, PatchMine, PatchThread};
use kith_protocol::{ErrorCode, ThreadId, Timestamp};
use std::time::Duration;

async fn order(api: &Api) -> Vec<ThreadId> {
    let rows = inbox(api).await;
    rows.iter().map(|row| row.thread.id).collect()
}

async fn page_of(api: &Api, query: &InboxQuery) -> Vec<ThreadId> {
    let items = api.inbox(query).await.unwrap().items;
    items.iter().map(|row| row.thread.id).collect()
}

fn filtered(filter: InboxFilter) -> InboxQuery {
    InboxQuery {
        filter: Some(filter),
        ..InboxQuery::default()
    }
}

fn archived(archived: bool) -> PatchMine {
    PatchMine {
        archived: Some(archived),
        ..PatchMine::default()
    }
}

fn unread(marked: bool) -> PatchMine {
    PatchMine {
        marked_unread: Some(marked),
        ..PatchMine::default()
    }
}

fn draft(text: &str, version: u64) -> PatchMine {
    PatchMine {
        draft: Some(Some(Draft {
            text: text.to_owned(),
            version,
        })),
        ..PatchMine::default()
    }
}

// Order and pages.

#[tokio::test]
async fn only_new_messages_move_a_thread() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let tick = || server.clock.advance(Duration::from_millis(10));
    let mut rooms = Vec::new();
    for title in ["one", "two", "three"] {
        tick();
        rooms.push(ann.group(title, &[bo.id()]).await.unwrap().thread.id);
    }
    let [one, two, three] = rooms[..] else {
        unreachable!("three were made")
    };
    assert_eq!(order(&bo).await, [three, two, one], "the newest first");
    for (room, door) in [(one, Door::Http), (two, Door::Socket), (three, Door::Http)] {
        tick();
        ann.say(door, room, text("x")).await.unwrap();
    }
    tick();
    ann.say(Door::Http, one, text("again")).await.unwrap();
    let expected = [one, three, two];
    assert_eq!(order(&bo).await, expected);
    let cy = server.join("cyril").await;
    for door in DOORS {
        tick();
        ann.amend(door, two, 2, edit("y")).await.unwrap();
        ann.react_via(door, two, 2, "👍", true).await.unwrap();
        ann.react_via(door, two, 2, "👍", false).await.unwrap();
        ann.read_via(door, two, 3).await.unwrap();
        bo.delivered(two, 3).await.unwrap();
        bo.read(two, 3).await.unwrap();
        assert_eq!(order(&bo).await, expected, "{door:?}");
        assert_eq!(order(&ann).await, expected, "{door:?}");
    }
    tick();
    let renamed = PatchThread {
        title: Some("renamed".into()),
        settings: None,
    };
    ann.patch_thread(two, &renamed).await.unwrap();
    ann.add_members(two, &[cy.id()]).await.unwrap();
    ann.patch_mine(two, &draft("soon", 0)).await.unwrap();
    ann.delete(two, 2, deletion()).await.unwrap();
    assert_eq!(order(&bo).await, expected);
    assert_eq!(order(&ann).await, expected);
    tick();
    // A retry is no new message either.
    let message = text("once");
    ann.send(three, message.clone()).await.unwrap();
    tick();
    ann.send(two, text("newer")).await.unwrap();
    ann.send(three, message).await.unwrap();
    assert_eq!(order(&bo).await, [two, three, one]);
}

#[tokio::test]
async fn who_comes_later_has_the_thread_where_it_was_joined() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let tick = || server.clock.advance(Duration::from_millis(10));
    let busy = ann.group("busy", &[]).await.unwrap().thread.id;
    tick();
    let quiet = ann.group("quiet", &[bo.id()]).await.unwrap().thread.id;
    tick();
    ann.add_members(busy, &[bo.id()]).await.unwrap();
    assert_eq!(order(&bo).await, [busy, quiet]);
    tick();
    ann.send(quiet, text("x")).await.unwrap();
    tick();
    ann.remove_member(busy, bo.id()).await.unwrap();
    ann.send(busy, text("out of sight")).await.unwrap();
    assert_eq!(order(&bo).await, [quiet]);
    let joined = server.now();
    ann.add_members(busy, &[bo.id()]).await.unwrap();
    let shown = row(&bo, busy).await;
    assert_eq!((shown.head.at, shown.mine.unread), (joined, 0));
    assert!(shown.head.preview.is_none());
    assert_eq!(order(&bo).await, [busy, quiet]);
}

#[tokio::test]
async fn pages_of_the_inbox_join_to_the_whole_also_where_times_are_equal() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    for n in 0..11 {
        let room = ann.group(&format!("room {n}"), &[bo.id()]).await;
        let room = room.unwrap().thread.id;
        if n % 3 == 0 {
            server.clock.advance(Duration::from_millis(10));
            ann.send(room, text("x")).await.unwrap();
        }
    }
    let whole = order(&bo).await;
    assert_eq!(whole.len(), 11);
    for limit in [1, 3, 10, 11, 100] {
        let mut query = InboxQuery {
            limit: Some(limit),
            ..InboxQuery::default()
        };
        let mut joined = Vec::new();
        loop {
            let page = bo.inbox(&query).await.unwrap();
            assert!(page.items.len() <= limit);
            joined.extend(page.items.iter().map(|row| row.thread.id));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(joined, whole, "{limit} at once");
    }
    for limit in [0, 101] {
        let query = InboxQuery {
            limit: Some(limit),
            ..InboxQuery::default()
        };
        let refusal = refused_field(bo.inbox(&query).await);
        assert_eq!(refusal, (ErrorCode::InvalidField, "limit".into()));
    }
    let endless = "x".repeat(513);
    for cursor in [
        "nonsense",
        "",
        "zz.00000000-0000-0000-0000-000000000000",
        &endless,
    ] {
        let query = InboxQuery {
            cursor: Some(cursor.to_owned()),
            ..InboxQuery::default()
        };
        let refusal = refused_field(bo.inbox(&query).await);
        assert_eq!(
            refusal,
            (ErrorCode::InvalidField, "cursor".into()),
            "{cursor}"
        );
    }
}

#[tokio::test]
async fn filters_pick_the_unread_and_the_archived() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let mut rooms = Vec::new();
    for title in ["read", "unread", "marked", "archived", "left"] {
        server.clock.advance(Duration::from_millis(10));
        let room = ann.group(title, &[bo.id()]).await.unwrap().thread.id;
        ann.send(room, text("x")).await.unwrap();
        rooms.push(room);
    }
    let [read, not_read, marked, away, left] = rooms[..] else {
        unreachable!("five were made")
    };
    for room in [read, marked, away] {
        bo.read(room, 2).await.unwrap();
    }
    bo.patch_mine(marked, &unread(true)).await.unwrap();
    bo.patch_mine(away, &archived(true)).await.unwrap();
    bo.remove_member(left, bo.id()).await.unwrap();
    let of = async |query: &InboxQuery| page_of(&bo, query).await;
    assert_eq!(of(&InboxQuery::default()).await, [marked, not_read, read]);
    assert_eq!(of(&filtered(InboxFilter::Unread)).await, [marked, not_read]);
    assert_eq!(of(&filtered(InboxFilter::Archived)).await, [away]);
    bo.patch_mine(away, &archived(false)).await.unwrap();
    assert_eq!(of(&filtered(InboxFilter::Archived)).await, []);
    assert_eq!(of(&InboxQuery::default()).await.len(), 4);
    let answer = bo.raw("GET", "/v1/threads?filter=pinned", &[], "").await;
    assert_eq!(
        answer.unwrap().problem().unwrap().code,
        ErrorCode::InvalidField
    );
}

// What is private.

#[tokio::test]
async fn what_is_private_is_kept_told_to_all_own_devices_and_to_nobody_else() {
    let server = Server::start().await;
    let (mut ann, mut ann_too) = (server.person("ann").await, server.device("ann").await);
    let mut bo = server.person("boris").await;
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    for person in [&mut ann, &mut ann_too, &mut bo] {
        person.heard().await;
    }
    let until = Timestamp(server.now().0 + 3_600_000);
    let patch = PatchMine {
        muted_until: Some(Some(until)),
        pinned: Some(true),
        archived: Some(true),
        ..PatchMine::default()
    };
    let mine = ann.patch_mine(room, &patch).await.unwrap();
    assert_eq!(mine.muted_until, Some(until));
    assert!(mine.pinned && mine.archived && mine.version > 0);
    for person in [&mut ann, &mut ann_too] {
        let told: Vec<Mine> = mine_heard(person.heard().await, room);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].version, mine.version);
        assert!(told[0].pinned && told[0].archived);
    }
    assert!(bo.heard().await.is_empty());
    let of_bo = row(&bo, room).await.mine;
    assert!(!of_bo.pinned && !of_bo.archived && of_bo.muted_until.is_none());
    // The same once more changes and tells nothing.
    let again = ann.patch_mine(room, &patch).await.unwrap();
    assert_eq!(again.version, mine.version);
    assert!(ann_too.heard().await.is_empty());
    let undo = PatchMine {
        muted_until: Some(None),
        pinned: Some(false),
        archived: Some(false),
        ..PatchMine::default()
    };
    let mine = ann.patch_mine(room, &undo).await.unwrap();
    assert!(mine.muted_until.is_none() && !mine.pinned && !mine.archived);
    assert!(mine.version > again.version);
    let kept = row(&ann, room).await.mine;
    assert_eq!((kept.version, kept.pinned), (mine.version, false));
}

fn mine_heard(frames: Vec<ServerFrame>, room: ThreadId) -> Vec<Mine> {
    let of_room = frames.into_iter().filter_map(|frame| match frame {
        ServerFrame::Mine(changed) if changed.thread_id == room => Some(changed.mine),
        _ => None,
    });
    of_room.collect()
}

#[tokio::test]
async fn marked_as_unread_lasts_until_something_is_read_even_if_it_was_read_before() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    for door in DOORS {
        let seq = ann.send(room, text("x")).await.unwrap().seq;
        bo.read_via(door, room, seq).await.unwrap();
        let mine = bo.patch_mine(room, &unread(true)).await.unwrap();
        assert!(mine.marked_unread && mine.unread == 0);
        bo.delivered_via(door, room, seq).await.unwrap();
        assert!(row(&bo, room).await.mine.marked_unread);
        bo.read_via(door, room, seq).await.unwrap();
        let read = row(&bo, room).await.mine;
        assert!(!read.marked_unread && read.version > mine.version);
        bo.patch_mine(room, &unread(true)).await.unwrap();
        let unmarked = bo.patch_mine(room, &unread(false)).await.unwrap();
        assert!(!unmarked.marked_unread);
    }
}

#[tokio::test]
async fn a_draft_of_an_older_version_is_a_conflict_that_shows_the_newer_one() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let first = ann.patch_mine(room, &draft("one", 0)).await.unwrap();
    let first = first.draft.unwrap();
    assert_eq!(first.text, "one");
    let conflict = |result: Result<Mine, ClientError>| {
        let error = result.unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::Conflict));
        error.problem().unwrap().draft.clone().unwrap()
    };
    assert_eq!(
        conflict(ann.patch_mine(room, &draft("two", 0)).await),
        first
    );
    let ahead = ann.patch_mine(room, &draft("two", first.version + 1)).await;
    assert_eq!(conflict(ahead), first);
    let second = ann.patch_mine(room, &draft("two", first.version)).await;
    let second = second.unwrap().draft.unwrap();
    assert!(second.version > first.version);
    let cleared = PatchMine {
        draft: Some(None),
        ..PatchMine::default()
    };
    assert!(
        ann.patch_mine(room, &cleared)
            .await
            .unwrap()
            .draft
            .is_none()
    );
    // What was cleared is a version too: an old device does not bring its draft back.
    let now = conflict(ann.patch_mine(room, &draft("old", second.version)).await);
    assert!(now.version > second.version && now.text.is_empty());
    let third = ann
        .patch_mine(room, &draft(" ", now.version))
        .await
        .unwrap();
    assert_eq!(third.draft.unwrap().text, " ", "a draft may be blank");
    let large = draft(&"x".repeat(65_537), now.version + 1);
    assert_eq!(
        refused(ann.patch_mine(room, &large).await),
        ErrorCode::TooLarge
    );
    assert!(row(&bo, room).await.mine.draft.is_none());
}

#[tokio::test]
async fn of_drafts_that_are_saved_at_the_same_moment_one_wins() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let patches: Vec<PatchMine> = (0..10).map(|n| draft(&n.to_string(), 0)).collect();
    let saves = patches.iter().map(|patch| ann.patch_mine(room, patch));
    let saved = join_all(saves).await;
    let won: Vec<&Mine> = saved
        .iter()
        .filter_map(|saved| saved.as_ref().ok())
        .collect();
    assert_eq!(won.len(), 1);
    assert_eq!(row(&ann, room).await.mine.draft, won[0].draft);
    // Different fields at the same moment all stay.
    let pin = PatchMine {
        pinned: Some(true),
        ..PatchMine::default()
    };
    let (archive, mark) = (archived(true), unread(true));
    let patches = [&pin, &archive, &mark].map(|patch| ann.patch_mine(room, patch));
    for patched in join_all(patches).await {
        patched.unwrap();
    }
    let mine = row(&ann, room).await.mine;
    assert!(mine.pinned && mine.archived && mine.marked_unread && mine.draft.is_some());
}

// Rule 5.

#[tokio::test]
async fn a_send_reads_up_to_itself_unless_something_foreign_was_not_seen() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.person("boris").await);
    for door in DOORS {
        let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
        let say = async |seen_head: u64| {
            let message = SendMessage::text(new_msg_id(), seen_head, "of boris");
            let seq = bo.say(door, room, message).await.unwrap().seq;
            let moved = entry(&ann, room, seq).await.read_moved;
            let mine = row(&bo, room).await.mine;
            (seq, moved, mine.read_seq, mine.unread)
        };
        // Nothing foreign lies before: it moves, whatever was seen.
        assert_eq!(say(0).await, (2, true, 2, 0));
        assert_eq!(say(0).await, (3, true, 3, 0));
        // Something foreign that was not seen.
        ann.say(door, room, text("foreign")).await.unwrap(); // 4
        assert_eq!(say(3).await, (5, false, 3, 1));
        assert_eq!(say(0).await, (6, false, 3, 1), "own ones are never unread");
        // It was seen when this one was sent.
        assert_eq!(say(4).await, (7, true, 7, 0));
        // It was read before this one was sent.
        ann.say(door, room, text("foreign")).await.unwrap(); // 8
        bo.read_via(door, room, 8).await.unwrap();
        assert_eq!(say(0).await, (9, true, 9, 0));
        // Deleted ones count too: who has not seen it may still hold it on a screen.
        ann.say(door, room, text("foreign")).await.unwrap(); // 10
        ann.take_back(door, room, 10, deletion()).await.unwrap(); // 11
        assert_eq!(say(9).await, (12, false, 9, 0));
        // What is not countable does not.
        bo.read_via(door, room, 12).await.unwrap();
        ann.react_via(door, room, 2, "👍", true).await.unwrap(); // 13
        assert_eq!(say(0).await, (14, true, 14, 0));
        // Own edits, reactions and deletions move nothing.
        ann.say(door, room, text("foreign")).await.unwrap(); // 15
        bo.amend(door, room, 2, edit("x")).await.unwrap();
        bo.react_via(door, room, 15, "👍", true).await.unwrap();
        bo.take_back(door, room, 3, deletion()).await.unwrap();
        let mine = row(&bo, room).await.mine;
        assert_eq!((mine.read_seq, mine.unread), (14, 1));
    }
}

#[tokio::test]
async fn a_retry_moves_no_mark_that_its_first_attempt_did_not_move() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    ann.send(room, text("foreign")).await.unwrap(); // 2
    let message = text("mine");
    bo.say(Door::Http, room, message.clone()).await.unwrap(); // 3
    for door in DOORS {
        let mut again = message.clone();
        again.seen_head = 3;
        bo.say(door, room, again).await.unwrap();
        bo.say(door, room, message.clone()).await.unwrap();
        let mine = row(&bo, room).await.mine;
        assert_eq!((mine.read_seq, mine.unread), (1, 1));
    }
}

#[tokio::test]
async fn unread_is_what_others_wrote_after_the_mark_and_did_not_take_back() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let cy = server.join("cyril").await;
    let room = ann.group("room", &[bo.id(), cy.id()]).await;
    let room = room.unwrap().thread.id;
    for (n, writer) in [&ann, &cy, &bo.session, &ann, &bo.session, &cy]
        .iter()
        .enumerate()
    {
        writer.send(room, text(n.to_string())).await.unwrap(); // 2 to 7
    }
    assert_eq!(counts(&bo, room).await.0, 4);
    ann.delete(room, 5, deletion()).await.unwrap();
    assert_eq!(counts(&bo, room).await.0, 3);
    bo.delete(room, 4, deletion()).await.unwrap();
    assert_eq!(
        counts(&bo, room).await.0,
        3,
        "own ones did not count before"
    );
    // To the middle of own and foreign ones, and to entries that are no messages.
    for (door, seq, left) in [
        (Door::Http, 2, 2),
        (Door::Socket, 3, 1),
        (Door::Http, 4, 1),
        (Door::Socket, 6, 1),
        (Door::Http, 3, 1),
        (Door::Socket, 9, 0),
    ] {
        bo.read_via(door, room, seq).await.unwrap();
        assert_eq!(counts(&bo, room).await.0, left, "read up to {seq}");
    }
    assert_eq!(counts(&cy, room).await.0, 2, "2 of ann and 6 of boris");
}
