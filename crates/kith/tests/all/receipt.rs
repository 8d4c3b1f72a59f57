//! Marks and receipts: how they merge, who is told, how often, and who hides them. Rules 11 and 12.

use crate::support::talk::{DOORS, Door, Person, refused_field, row, text};
use crate::support::{Server, refused};
use kith_client::{Session, registration};
use kith_protocol::contact::AskContact;
use kith_protocol::entry::Marks;
use kith_protocol::frame::ServerFrame;
use kith_protocol::session::DeviceKind;
use kith_protocol::user::{Audience, PatchMe, PrivacyPatch};
use kith_protocol::{ErrorCode, ThreadId, UserId};
use std::time::Duration;

/// Longer than two receipts of one user on one thread are apart.
const PACE: Duration = Duration::from_millis(1_250);

fn marks(read_seq: u64, delivered_seq: u64) -> Marks {
    Marks {
        read_seq,
        delivered_seq,
    }
}

async fn receipts_to(who: &Session, audience: Audience) {
    let patch = PatchMe {
        privacy: Some(PrivacyPatch {
            receipts: Some(audience),
            ..PrivacyPatch::default()
        }),
        ..PatchMe::default()
    };
    who.patch_me(&patch).await.unwrap();
}

async fn befriend(a: &Session, b: &Session) {
    let ask = AskContact {
        user_id: b.id(),
        note: None,
    };
    let request = a.ask_contact(&ask).await.unwrap();
    b.accept_contact(request.id).await.unwrap();
}

/// A thread of `ann` with so many messages of hers.
async fn with_messages(ann: &Session, others: &[UserId], count: u64) -> ThreadId {
    let room = ann.group("room", others).await.unwrap().thread.id;
    for n in 0..count {
        ann.send(room, text(n.to_string())).await.unwrap();
    }
    room
}

/// The next receipt of this user.
async fn receipt_of(person: &mut Person, user: UserId) -> (Option<u64>, Option<u64>) {
    let found = person.until(|frame| match frame {
        ServerFrame::Receipt(receipt) if receipt.user_id == user => {
            Some((receipt.read_seq, receipt.delivered_seq))
        }
        _ => None,
    });
    found.await
}

#[tokio::test]
async fn marks_only_grow_and_reading_implies_arriving() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    for door in DOORS {
        let room = with_messages(&ann, &[bo.id()], 9).await;
        let read = async |seq| bo.read_via(door, room, seq).await.unwrap();
        let arrived = async |seq| bo.delivered_via(door, room, seq).await.unwrap();
        assert_eq!(arrived(4).await, marks(1, 4));
        assert_eq!(read(3).await, marks(3, 4));
        assert_eq!(read(6).await, marks(6, 6));
        assert_eq!(read(2).await, marks(6, 6));
        assert_eq!(arrived(1).await, marks(6, 6));
        assert_eq!(arrived(8).await, marks(6, 8));
        assert_eq!(read(0).await, marks(6, 8));
        let mine = row(&bo, room).await.mine;
        assert_eq!((mine.read_seq, mine.delivered_seq), (6, 8));
        assert_eq!(mine.unread, 4);
    }
}

#[tokio::test]
async fn a_mark_beyond_the_last_visible_entry_is_refused() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let room = with_messages(&ann, &[bo.id()], 3).await;
    for door in DOORS {
        for seq in [5, 1 << 40, u64::MAX] {
            let bad = (ErrorCode::InvalidField, "seq".to_owned());
            assert_eq!(refused_field(bo.read_via(door, room, seq).await), bad);
            assert_eq!(refused_field(bo.delivered_via(door, room, seq).await), bad);
        }
        assert_eq!(bo.read_via(door, room, 4).await.unwrap(), marks(4, 4));
    }
    let path = format!("/v1/threads/{room}/read");
    for body in [r#"{"seq":-1}"#, r#"{"seq":1.5}"#, r#"{"seq":"1"}"#, "{}"] {
        let answer = bo.raw("PUT", &path, &[], body).await.unwrap();
        assert_eq!(answer.problem().unwrap().code, ErrorCode::InvalidField);
    }
}

#[tokio::test]
async fn delivered_is_the_most_over_the_sessions() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let bo_too = server.device("boris").await;
    let room = with_messages(&ann, &[bo.id()], 5).await;
    bo.delivered(room, 5).await.unwrap();
    assert_eq!(bo_too.delivered(room, 3).await.unwrap(), marks(1, 5));
    let seen = row(&ann, room).await.head.others.unwrap();
    assert_eq!((seen.read_seq, seen.delivered_seq), (1, 5));
    // The session that was ahead ends: the mark stays.
    bo_too.end_other_sessions().await.unwrap();
    let seen = row(&ann, room).await.head.others.unwrap();
    assert_eq!(seen.delivered_seq, 5);
    assert_eq!(bo_too.delivered(room, 4).await.unwrap(), marks(1, 5));
}

#[tokio::test]
async fn reading_is_told_to_all_own_devices() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let mut bo_too = server.device("boris").await;
    let room = with_messages(&ann, &[bo.id()], 3).await;
    bo_too.heard().await;
    for (door, seq) in DOORS.into_iter().zip([2, 4]) {
        bo.read_via(door, room, seq).await.unwrap();
        let told: Vec<(u64, u64)> = bo_too
            .heard()
            .await
            .into_iter()
            .filter_map(|frame| match frame {
                ServerFrame::Mine(changed) => Some((changed.mine.read_seq, changed.mine.unread)),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(seq, 4 - seq)]);
    }
}

// Rule 12.

#[tokio::test]
async fn of_many_marks_in_a_second_one_receipt_with_the_newest_is_pushed() {
    let server = Server::start().await;
    let (mut ann, bo) = (server.person("ann").await, server.person("boris").await);
    let mut cy = server.person("cyril").await;
    let room = with_messages(&ann, &[bo.id(), cy.id()], 9).await;
    server.pass(PACE).await;
    for person in [&mut ann, &mut cy] {
        person.heard().await;
    }
    for (door, seq) in [(Door::Http, 2), (Door::Socket, 3), (Door::Http, 4)] {
        bo.read_via(door, room, seq).await.unwrap();
    }
    assert_eq!(ann.receipts_heard().await, [], "its time has not come");
    server.pass(Duration::from_millis(250)).await;
    for person in [&mut ann, &mut cy] {
        assert_eq!(receipt_of(person, bo.id()).await, (Some(4), Some(4)));
        assert_eq!(person.receipts_heard().await, [], "only one");
    }
    for seq in [5, 6, 7] {
        bo.read_via(Door::Socket, room, seq).await.unwrap();
        server.pass(Duration::from_millis(250)).await;
    }
    assert_eq!(ann.receipts_heard().await, [], "the second has not passed");
    server.pass(Duration::from_millis(250)).await;
    for person in [&mut ann, &mut cy] {
        assert_eq!(receipt_of(person, bo.id()).await, (Some(7), Some(7)));
        assert_eq!(person.receipts_heard().await, []);
    }
    // Delivered alone is a receipt as well; what changes nothing is none.
    server.pass(PACE).await;
    bo.delivered_via(Door::Http, room, 9).await.unwrap();
    server.pass(PACE).await;
    assert_eq!(receipt_of(&mut ann, bo.id()).await, (Some(7), Some(9)));
    bo.read_via(Door::Http, room, 6).await.unwrap();
    bo.delivered_via(Door::Socket, room, 9).await.unwrap();
    server.pass(PACE).await;
    server.pass(PACE).await;
    assert_eq!(ann.receipts_heard().await, []);
}

#[tokio::test]
async fn the_pace_is_kept_per_thread_and_per_user() {
    let server = Server::start().await;
    let (mut ann, bo) = (server.person("ann").await, server.join("boris").await);
    let cy = server.join("cyril").await;
    let rooms = [
        with_messages(&ann, &[bo.id(), cy.id()], 2).await,
        with_messages(&ann, &[bo.id(), cy.id()], 2).await,
    ];
    ann.heard().await;
    for room in rooms {
        bo.read(room, 3).await.unwrap();
        cy.read(room, 2).await.unwrap();
    }
    server.pass(Duration::from_millis(250)).await;
    let mut got = Vec::new();
    for _ in 0..4 {
        let frame = ann.until(|frame| match frame {
            ServerFrame::Receipt(receipt) => Some(*receipt),
            _ => None,
        });
        let receipt = frame.await;
        got.push((receipt.thread_id, receipt.user_id, receipt.read_seq));
    }
    for room in rooms {
        assert!(got.contains(&(room, bo.id(), Some(3))));
        assert!(got.contains(&(room, cy.id(), Some(2))));
    }
}

#[tokio::test]
async fn beyond_fifty_members_receipts_are_asked_for_and_not_pushed() {
    let server = Server::start().await;
    let (mut ann, bo) = (server.person("ann").await, server.join("boris").await);
    let mut others = vec![bo.id()];
    for n in 0..49 {
        let request = registration(&format!("crowd-{n}"), "correct horse", DeviceKind::Web);
        others.push(server.api().register(&request).await.unwrap().id());
    }
    let room = with_messages(&ann, &others[..49], 3).await;
    bo.read(room, 2).await.unwrap();
    server.pass(PACE).await;
    assert_eq!(receipt_of(&mut ann, bo.id()).await, (Some(2), Some(2)));
    assert!(row(&ann, room).await.head.others.is_some());
    ann.add_members(room, &others[49..]).await.unwrap(); // 5, and 51 members
    bo.read(room, 4).await.unwrap();
    server.pass(PACE).await;
    server.pass(PACE).await;
    assert_eq!(ann.receipts_heard().await, []);
    assert!(row(&ann, room).await.head.others.is_none());
    let receipts = ann.receipts(room, 4).await.unwrap();
    assert_eq!(receipts.read, [bo.id()]);
    // Who came last does not see the entry, and is not counted.
    let counts = receipts.counts;
    assert_eq!((counts.read, counts.delivered, counts.of), (1, 1, 49));
    ann.remove_member(room, others[49]).await.unwrap(); // 6, and 50 again
    bo.read(room, 6).await.unwrap();
    server.pass(PACE).await;
    assert_eq!(receipt_of(&mut ann, bo.id()).await, (Some(6), Some(6)));
}

#[tokio::test]
async fn who_hides_receipts_is_counted_and_neither_named_nor_told_names() {
    let server = Server::start().await;
    let (mut ann, mut bo) = (server.person("ann").await, server.person("boris").await);
    let mut cy = server.person("cyril").await;
    let room = with_messages(&ann, &[bo.id(), cy.id()], 3).await;
    receipts_to(&bo, Audience::Nobody).await;
    bo.read(room, 4).await.unwrap();
    cy.read(room, 3).await.unwrap();
    server.pass(PACE).await;
    // Ann is told of cyril, and never of boris.
    assert_eq!(receipt_of(&mut ann, cy.id()).await, (Some(3), Some(3)));
    server.pass(PACE).await;
    assert_eq!(ann.receipts_heard().await, []);
    assert_eq!(bo.receipts_heard().await, [], "it is mutual");
    assert_eq!(cy.receipts_heard().await, []);

    let receipts = ann.receipts(room, 3).await.unwrap();
    assert_eq!(
        (receipts.read, receipts.delivered),
        (vec![cy.id()], vec![cy.id()])
    );
    let counts = receipts.counts;
    assert_eq!((counts.read, counts.delivered, counts.of), (2, 2, 2));
    let of_bo = bo.receipts(room, 3).await.unwrap();
    assert_eq!(of_bo.counts, counts);
    assert!(
        of_bo.read.iter().all(|user| *user == bo.id()),
        "no names for who hides"
    );

    let marks_of = async |viewer: &Session, whom: UserId| {
        let members = viewer.members(room).await.unwrap().items;
        let member = members.into_iter().find(|member| member.user.id == whom);
        member.unwrap().read_seq
    };
    assert_eq!(marks_of(&ann, bo.id()).await, None);
    assert_eq!(marks_of(&ann, cy.id()).await, Some(3));
    assert_eq!(marks_of(&bo, cy.id()).await, None);
    assert_eq!(
        marks_of(&bo, bo.id()).await,
        Some(4),
        "own ones are not hidden"
    );

    // Among contacts only.
    receipts_to(&bo, Audience::Contacts).await;
    befriend(&bo, &ann).await;
    assert_eq!(marks_of(&ann, bo.id()).await, Some(4));
    assert_eq!(marks_of(&cy, bo.id()).await, None);
    ann.heard().await;
    cy.heard().await;
    ann.send(room, text("new")).await.unwrap();
    bo.read(room, 5).await.unwrap();
    server.pass(PACE).await;
    assert_eq!(receipt_of(&mut ann, bo.id()).await, (Some(5), Some(5)));
    assert_eq!(cy.receipts_heard().await, []);
}

#[tokio::test]
async fn seen_by_n_of_m_leaves_out_the_author_and_who_cannot_see_it() {
    let server = Server::start().await;
    let (ann, bo, cy, di) = (
        server.join("ann").await,
        server.join("boris").await,
        server.join("cyril").await,
        server.join("dilara").await,
    );
    let room = with_messages(&ann, &[bo.id(), cy.id()], 2).await;
    ann.add_members(room, &[di.id()]).await.unwrap(); // 4
    bo.read(room, 4).await.unwrap();
    cy.delivered(room, 3).await.unwrap();
    di.read(room, 4).await.unwrap();
    let receipts = ann.receipts(room, 3).await.unwrap();
    assert_eq!(receipts.read, [bo.id()]);
    let mut delivered = receipts.delivered;
    delivered.sort();
    let mut expected = vec![bo.id(), cy.id()];
    expected.sort();
    assert_eq!(delivered, expected);
    let counts = receipts.counts;
    assert_eq!((counts.read, counts.delivered, counts.of), (1, 2, 2));
    assert_eq!(ann.receipts(room, 4).await.unwrap().counts.of, 3);
    for seq in [0, 5, 99] {
        assert_eq!(refused(ann.receipts(room, seq).await), ErrorCode::NotFound);
    }
    assert_eq!(refused(di.receipts(room, 3).await), ErrorCode::NotFound);
    cy.remove_member(room, cy.id()).await.unwrap();
    assert_eq!(ann.receipts(room, 3).await.unwrap().counts.of, 1);
    // Least over the others.
    let others = row(&ann, room).await.head.others.unwrap();
    assert_eq!((others.read_seq, others.delivered_seq), (4, 4));
}

#[tokio::test]
async fn nobody_is_told_of_reading_by_somebody_who_was_removed_meanwhile() {
    let server = Server::start().await;
    let (mut ann, mut bo) = (server.person("ann").await, server.person("boris").await);
    let cy = server.join("cyril").await;
    let room = with_messages(&ann, &[bo.id(), cy.id()], 3).await;
    ann.heard().await;
    bo.heard().await;
    cy.read(room, 2).await.unwrap();
    bo.read(room, 3).await.unwrap();
    ann.remove_member(room, bo.id()).await.unwrap();
    server.pass(PACE).await;
    assert_eq!(receipt_of(&mut ann, cy.id()).await, (Some(2), Some(2)));
    assert_eq!(ann.receipts_heard().await, []);
    assert_eq!(
        bo.receipts_heard().await,
        [],
        "an ex-member is told nothing"
    );
}
