//! Messages: exactly once, in order, told before they are acknowledged; edits, deletions, reactions
//! and what pages make of them. Rules 1 to 4, 6 and 7.

use crate::support::talk::{
    Chance, DOORS, Door, Person, counts, deletion, edit, entry, log, refused_field, row, text,
    texts,
};
use crate::support::{Server, refused};
use kith_client::{Session, new_msg_id};
use kith_protocol::entry::{EntryKind, MENTIONS_MAX, PageQuery, SendMessage, Sent};
use kith_protocol::frame::{self, ClientFrame, Forget, Skip, UNACKNOWLEDGED_MAX};
use kith_protocol::thread::{PatchThread, Role, SettingsPatch, WhoWrites};
use kith_protocol::{ClientMsgId, ErrorCode, ThreadId, UserId};
use kith_store::log::Span;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::value::RawValue;
use std::time::Duration;

fn raw(json: impl Into<String>) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

fn settings(settings: SettingsPatch) -> PatchThread {
    PatchThread {
        title: None,
        settings: Some(settings),
    }
}

async fn slow(owner: &Session, thread: ThreadId, slow_s: u32) {
    let patch = settings(SettingsPatch {
        slow_s: Some(slow_s),
        ..SettingsPatch::default()
    });
    owner.patch_thread(thread, &patch).await.unwrap();
}

async fn length(api: &kith_client::Api, thread: ThreadId) -> usize {
    log(api, thread).await.len()
}

// Rule 1.

#[tokio::test]
async fn a_seen_head_above_the_head_is_refused() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let mut head = ann.say(Door::Http, room, text("one")).await.unwrap().seq;
    for door in DOORS {
        let ahead = SendMessage::text(new_msg_id(), head + 1, "x");
        let refusal = refused_field(ann.say(door, room, ahead).await);
        assert_eq!(
            refusal,
            (ErrorCode::InvalidField, "seen_head".into()),
            "{door:?}"
        );
        let mut ahead = edit("x");
        ahead.seen_head = head + 1;
        let refusal = refused_field(ann.amend(door, room, 2, ahead).await);
        assert_eq!(refusal, (ErrorCode::InvalidField, "seen_head".into()));
        let mut ahead = deletion();
        ahead.seen_head = u64::MAX >> 11;
        let refusal = refused_field(ann.take_back(door, room, 2, ahead).await);
        assert_eq!(refusal, (ErrorCode::InvalidField, "seen_head".into()));
        let at_the_head = SendMessage::text(new_msg_id(), head, "x");
        head = ann.say(door, room, at_the_head).await.unwrap().seq;
    }
    assert_eq!(length(&bo, room).await as u64, head);
}

// Rule 2.

/// A message, an edit and a deletion of `bo`, to be tried again.
struct Earlier {
    room: ThreadId,
    message: SendMessage,
    sent: Sent,
    edit: kith_protocol::entry::EditMessage,
    edited: u64,
    deletion: kith_protocol::entry::DeleteMessage,
    deleted: u64,
    target: u64,
}

impl Earlier {
    async fn of(bo: &Person, room: ThreadId, door: Door) -> Self {
        let (message, edit, deletion) = (text("words"), edit("other words"), deletion());
        let sent = bo.say(door, room, message.clone()).await.unwrap();
        let target = bo.say(door, room, text("to be deleted")).await.unwrap().seq;
        let edited = bo.amend(door, room, target, edit.clone()).await.unwrap();
        let deleted = bo
            .take_back(door, room, target, deletion.clone())
            .await
            .unwrap();
        Self {
            room,
            message,
            sent,
            edit,
            edited: edited.seq,
            deletion,
            deleted: deleted.seq,
            target,
        }
    }

    /// All three are answered as at first, over both doors, and the log does not grow.
    async fn are_known(&self, bo: &Person, why: &str) {
        let before = length(bo, self.room).await;
        for door in DOORS {
            let sent = bo.say(door, self.room, self.message.clone()).await;
            assert_eq!(sent.unwrap(), self.sent, "{why}, {door:?}");
            let others = SendMessage::text(self.message.client_msg_id, 0, "contents differ");
            let sent = bo.say(door, self.room, others).await;
            assert_eq!(sent.unwrap(), self.sent, "{why}, {door:?}");
            let edit = self.edit.clone();
            let edited = bo.amend(door, self.room, self.target, edit).await;
            assert_eq!(edited.unwrap().seq, self.edited, "{why}, {door:?}");
            let deletion = self.deletion.clone();
            let deleted = bo.take_back(door, self.room, self.target, deletion).await;
            assert_eq!(deleted.unwrap().seq, self.deleted, "{why}, {door:?}");
        }
        assert_eq!(length(bo, self.room).await, before, "{why}");
    }
}

#[tokio::test]
async fn a_known_id_is_answered_before_role_settings_windows_and_membership_are_looked_at() {
    let server = Server::with(|config| {
        config.thread.edit_window_s = 20;
        config.thread.delete_window_s = 20;
    })
    .await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    for door in DOORS {
        let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
        let earlier = Earlier::of(&bo, room, door).await;
        earlier.are_known(&bo, "a member").await;
        server.pass(Duration::from_secs(21)).await;
        earlier.are_known(&bo, "too late").await;
        slow(&ann, room, 600).await;
        earlier.are_known(&bo, "slow").await;
        let admins = settings(SettingsPatch {
            who_writes: Some(WhoWrites::Admins),
            slow_s: Some(0),
            ..SettingsPatch::default()
        });
        ann.patch_thread(room, &admins).await.unwrap();
        assert_eq!(
            refused(bo.say(door, room, text("new")).await),
            ErrorCode::Forbidden
        );
        earlier.are_known(&bo, "only admins write").await;
        ann.set_role(room, bo.id(), Role::Muted).await.unwrap();
        assert_eq!(
            refused(bo.say(door, room, text("new")).await),
            ErrorCode::Forbidden
        );
        earlier.are_known(&bo, "muted").await;
        ann.remove_member(room, bo.id()).await.unwrap();
        assert_eq!(
            refused(bo.say(door, room, text("new")).await),
            ErrorCode::NotAMember
        );
        earlier.are_known(&bo, "removed").await;
    }
}

#[tokio::test]
async fn a_known_id_is_answered_to_the_blocked_and_to_who_is_no_contact() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let earlier = Earlier::of(&bo, room, Door::Http).await;
    ann.block(bo.id()).await.unwrap();
    for door in DOORS {
        assert_eq!(
            refused(bo.say(door, room, text("new")).await),
            ErrorCode::Blocked
        );
    }
    earlier.are_known(&bo, "blocked").await;
    ann.unblock(bo.id()).await.unwrap();
    bo.block(ann.id()).await.unwrap();
    assert_eq!(
        refused(bo.say(Door::Socket, room, text("new")).await),
        ErrorCode::Blocked
    );
    earlier.are_known(&bo, "blocking").await;
    bo.unblock(ann.id()).await.unwrap();
    let contacts_only = kith_protocol::user::PatchMe {
        privacy: Some(kith_protocol::user::PrivacyPatch {
            direct: Some(kith_protocol::user::DirectAudience::Contacts),
            ..Default::default()
        }),
        ..Default::default()
    };
    ann.patch_me(&contacts_only).await.unwrap();
    assert_eq!(
        refused(bo.say(Door::Socket, room, text("new")).await),
        ErrorCode::ContactsOnly
    );
    earlier.are_known(&bo, "no contact").await;
}

#[tokio::test]
async fn a_stranger_gets_not_found_whatever_the_id() {
    let server = Server::start().await;
    let (ann, bo, cy) = (
        server.person("ann").await,
        server.join("boris").await,
        server.person("cyril").await,
    );
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let message = text("words");
    ann.say(Door::Http, room, message.clone()).await.unwrap();
    for door in DOORS {
        for message in [message.clone(), text("new")] {
            assert_eq!(
                refused(cy.say(door, room, message).await),
                ErrorCode::NotFound
            );
        }
        assert_eq!(
            refused(cy.amend(door, room, 2, edit("x")).await),
            ErrorCode::NotFound
        );
        assert_eq!(
            refused(cy.take_back(door, room, 2, deletion()).await),
            ErrorCode::NotFound
        );
        assert_eq!(
            refused(cy.react_via(door, room, 2, "👍", true).await),
            ErrorCode::NotFound
        );
        assert_eq!(
            refused(cy.read_via(door, room, 1).await),
            ErrorCode::NotFound
        );
        let nowhere = ThreadId::direct(cy.id(), bo.id());
        assert_eq!(
            refused(cy.say(door, nowhere, text("x")).await),
            ErrorCode::NotFound
        );
    }
}

#[tokio::test]
async fn a_retry_is_200_and_is_published_once_more() {
    let server = Server::start().await;
    let (ann, mut bo) = (server.person("ann").await, server.person("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let message = text("said before");
    let path = format!("/v1/threads/{room}/messages");
    let body = serde_json::to_string(&message).unwrap();
    let first = ann.raw("POST", &path, &[], body.clone()).await.unwrap();
    let again = ann.raw("POST", &path, &[], body).await.unwrap();
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.body, again.body);
    ann.say(Door::Socket, room, message.clone()).await.unwrap();
    let pushed = bo.entries().await;
    let seqs: Vec<u64> = pushed.iter().map(|(_, entry)| entry.seq).collect();
    assert_eq!(seqs, [1, 2, 2, 2]);
    for (_, entry) in &pushed[1..] {
        assert_eq!(entry.text.as_deref(), Some("said before"));
        assert_eq!(entry.client_msg_id, Some(message.client_msg_id));
    }
    ann.edit(room, 2, edit("newest")).await.unwrap();
    bo.entries().await;
    ann.send(room, message.clone()).await.unwrap();
    let (_, shown) = bo.entries().await.remove(0);
    assert_eq!(shown.text.as_deref(), Some("newest"), "as of now");
    ann.delete(room, 2, deletion()).await.unwrap();
    bo.entries().await;
    ann.send(room, message).await.unwrap();
    let (_, shown) = bo.entries().await.remove(0);
    assert_eq!((shown.text, shown.seq), (None, 2), "nothing comes back");
}

#[tokio::test]
async fn a_retry_is_not_pushed_to_who_came_later() {
    let server = Server::start().await;
    let (ann, mut cy) = (server.person("ann").await, server.person("cyril").await);
    let bo = server.join("boris").await;
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    let message = text("before cyril");
    ann.say(Door::Http, room, message.clone()).await.unwrap();
    ann.add_members(room, &[cy.id()]).await.unwrap();
    assert_eq!(cy.seqs(room).await, [3]);
    for door in DOORS {
        ann.say(door, room, message.clone()).await.unwrap();
    }
    assert_eq!(cy.seqs(room).await, Vec::<u64>::new());
}

#[tokio::test]
async fn an_id_of_another_kind_of_entry_is_a_conflict() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    for door in DOORS {
        let (message, change, removal) = (text("one"), edit("two"), deletion());
        let seq = ann.say(door, room, message.clone()).await.unwrap().seq;
        ann.amend(door, room, seq, change.clone()).await.unwrap();
        let before = length(&bo, room).await;
        let of = |id: ClientMsgId| {
            let (mut change, mut removal) = (edit("x"), deletion());
            (change.client_msg_id, removal.client_msg_id) = (id, id);
            (SendMessage::text(id, 0, "x"), change, removal)
        };
        let (_, other_edit, other_deletion) = of(message.client_msg_id);
        let conflict = ErrorCode::Conflict;
        assert_eq!(
            refused(ann.amend(door, room, seq, other_edit).await),
            conflict
        );
        assert_eq!(
            refused(ann.take_back(door, room, seq, other_deletion).await),
            conflict
        );
        let (other_send, _, other_deletion) = of(change.client_msg_id);
        assert_eq!(refused(ann.say(door, room, other_send).await), conflict);
        assert_eq!(
            refused(ann.take_back(door, room, seq, other_deletion).await),
            conflict
        );
        assert_eq!(length(&bo, room).await, before);
        ann.take_back(door, room, seq, removal.clone())
            .await
            .unwrap();
        let (other_send, ..) = of(removal.client_msg_id);
        assert_eq!(refused(ann.say(door, room, other_send).await), conflict);
    }
}

#[tokio::test]
async fn the_same_id_of_another_author_or_in_another_thread_is_another_message() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let rooms = [
        ann.direct(bo.id()).await.unwrap().thread.id,
        ann.group("room", &[bo.id()]).await.unwrap().thread.id,
    ];
    let message = text("same id");
    for room in rooms {
        assert_eq!(ann.send(room, message.clone()).await.unwrap().ord, 1);
        assert_eq!(bo.send(room, message.clone()).await.unwrap().ord, 2);
        assert_eq!(length(&ann, room).await, 3);
    }
}

#[tokio::test]
async fn one_id_sent_many_times_at_the_same_moment_over_both_doors_is_one_entry() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let message = text("once");
    let sends = (0..24).map(|n| ann.say(DOORS[n % 2], room, message.clone()));
    let sent = futures_util::future::join_all(sends).await;
    for answer in sent {
        assert_eq!(answer.unwrap().seq, 2);
    }
    assert_eq!(length(&bo, room).await, 2);
}

/// More than a thread keeps in memory, several times, with restarts in between.
#[tokio::test]
async fn a_retry_finds_its_entry_however_far_back_it_lies_and_after_restarts() {
    let mut server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let mut sent: Vec<(usize, SendMessage, Sent)> = Vec::new();
    let mut chance = Chance(7);
    for round in 0..3 {
        let writers = [server.again(&ann), server.again(&bo)];
        for n in 0..300 {
            // Long runs of one author push the other's ids out of memory.
            let who = usize::from((n / 140) % 2 == 1);
            let head = 1 + sent.len() as u64;
            let seen_head = head - chance.below(40.min(1 + sent.len())) as u64;
            let message = SendMessage::text(new_msg_id(), seen_head, n.to_string());
            let answer = writers[who].send(room, message.clone()).await.unwrap();
            sent.push((who, message, answer));
            if n % 3 == 0 {
                let (who, message, first) = chance.pick(&sent);
                let again = writers[*who].send(room, message.clone()).await;
                assert_eq!(again.unwrap(), *first, "round {round}, entry {n}");
            }
        }
        server = server.restarted().await;
        let (ann, bo) = (server.again(&ann), server.again(&bo));
        // The oldest first: what is learned of a late range must not hide an early one.
        for (who, message, first) in [&sent[0], &sent[sent.len() - 1], &sent[1]] {
            let api = [&ann, &bo][*who];
            assert_eq!(api.send(room, message.clone()).await.unwrap(), *first);
        }
        assert_eq!(length(&ann, room).await, 1 + sent.len());
    }
}

// Rule 3.

/// Begins sends one after the other on the socket, then waits for all answers.
async fn pipelined(
    person: &Person,
    thread: ThreadId,
    messages: &[SendMessage],
) -> Vec<Result<u64, ErrorCode>> {
    let mut pending = Vec::new();
    for message in messages {
        person.socket.room().await.unwrap();
        let frame = ClientFrame::Send(frame::Send::of(thread, message.clone()));
        pending.push(person.socket.begin(frame).unwrap());
    }
    let mut answers = Vec::new();
    for answer in pending {
        answers.push(match answer.answer().await {
            Ok(answer) => Ok(answer.read::<Sent>().unwrap().seq),
            Err(error) => Err(error.code().unwrap()),
        });
    }
    answers
}

#[tokio::test]
async fn after_a_refusal_for_now_later_sends_of_the_connection_wait_for_that_one() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let bo_too = server.device("boris").await;
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    let elsewhere = ann.group("other", &[bo.id()]).await.unwrap().thread.id;
    slow(&ann, room, 5).await;
    let messages: Vec<SendMessage> = (0..5).map(|n| text(n.to_string())).collect();
    let later = Err(ErrorCode::OutOfOrder);
    let limited = Err(ErrorCode::RateLimited);
    assert_eq!(
        pipelined(&bo, room, &messages[..4]).await,
        [Ok(3), limited, later, later]
    );
    assert_eq!(
        pipelined(&bo, room, &messages[..1]).await,
        [Ok(3)],
        "a known id"
    );
    assert_eq!(pipelined(&bo, elsewhere, &[text("x")]).await, [Ok(2)]);
    server.pass(Duration::from_secs(5)).await;
    assert_eq!(pipelined(&bo, room, &messages[2..3]).await, [later]);
    assert_eq!(
        pipelined(&bo_too, room, &messages[4..5]).await,
        [Ok(4)],
        "not held"
    );
    server.pass(Duration::from_secs(5)).await;
    assert_eq!(
        pipelined(&bo, room, &messages[1..4]).await,
        [Ok(5), limited, later]
    );
    server.pass(Duration::from_secs(5)).await;
    assert_eq!(pipelined(&bo, room, &messages[2..3]).await, [Ok(6)]);
    server.pass(Duration::from_secs(5)).await;
    assert_eq!(pipelined(&bo, room, &messages[3..4]).await, [Ok(7)]);
    let log = log(&ann, room).await;
    assert_eq!(texts(&log), ["0", "4", "1", "2", "3"]);
}

#[tokio::test]
async fn a_refused_send_that_is_given_up_or_finally_refused_holds_up_nothing() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    slow(&ann, room, 5).await;
    let refused = |messages: &[SendMessage]| messages[0].client_msg_id;
    let first: Vec<SendMessage> = (0..3).map(|n| text(n.to_string())).collect();
    pipelined(&bo, room, &first).await;
    server.pass(Duration::from_secs(5)).await;
    let forget = |client_msg_id| {
        ClientFrame::Forget(Forget {
            client_msg_id,
            t: Skip,
            id: Skip,
        })
    };
    // Another id than the refused one changes nothing.
    bo.socket.ask(forget(refused(&first[2..]))).await.unwrap();
    assert_eq!(
        pipelined(&bo, room, &first[2..]).await,
        [Err(ErrorCode::OutOfOrder)]
    );
    bo.socket.ask(forget(refused(&first[1..]))).await.unwrap();
    assert!(pipelined(&bo, room, &first[2..]).await[0].is_ok());

    let held = text("held");
    assert_eq!(
        pipelined(&bo, room, &[held.clone(), text("x")]).await,
        [Err(ErrorCode::RateLimited), Err(ErrorCode::OutOfOrder)]
    );
    server.pass(Duration::from_secs(5)).await;
    let blank = SendMessage::text(held.client_msg_id, 0, " ");
    assert_eq!(
        pipelined(&bo, room, &[blank, text("next")]).await[0],
        Err(ErrorCode::InvalidField)
    );
    server.pass(Duration::from_secs(5)).await;
    assert!(pipelined(&bo, room, &[text("after")]).await[0].is_ok());
    let log = log(&ann, room).await;
    assert_eq!(texts(&log), ["0", "2", "next", "after"]);
}

#[tokio::test]
async fn slow_mode_says_when_to_come_back_and_does_not_hold_owners_and_admins() {
    let server = Server::start().await;
    let (ann, bo, cy) = (
        server.person("ann").await,
        server.person("boris").await,
        server.person("cyril").await,
    );
    let room = ann
        .group("room", &[bo.id(), cy.id()])
        .await
        .unwrap()
        .thread
        .id;
    ann.set_role(room, bo.id(), Role::Admin).await.unwrap();
    slow(&ann, room, 30).await;
    for door in DOORS {
        for exempt in [&ann, &bo] {
            exempt.say(door, room, text("1")).await.unwrap();
            exempt.say(door, room, text("2")).await.unwrap();
        }
        cy.say(door, room, text("1")).await.unwrap();
        server.pass(Duration::from_millis(9_500)).await;
        let refusal = cy.say(door, room, text("2")).await.unwrap_err();
        let problem = refusal.problem().unwrap();
        assert_eq!(
            (problem.code, problem.retry_after_s),
            (ErrorCode::RateLimited, Some(21))
        );
        // Edits and reactions are not slowed.
        let own = log(&cy, room).await.last().unwrap().seq;
        cy.amend(door, room, own, edit("x")).await.unwrap();
        cy.react_via(door, room, own, "👍", true).await.unwrap();
        if door == Door::Socket {
            break;
        }
        server.pass(Duration::from_millis(20_500)).await;
    }
}

#[tokio::test]
async fn a_flood_on_one_socket_is_slowed_and_nothing_of_it_is_dropped_or_reordered() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let count = 4 * UNACKNOWLEDGED_MAX as u64;
    let messages: Vec<SendMessage> = (0..count).map(|n| text(n.to_string())).collect();
    let answers = pipelined(&ann, room, &messages).await;
    assert_eq!(answers, (2..2 + count).map(Ok).collect::<Vec<_>>());
    let log = log(&bo, room).await;
    let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    assert_eq!(texts(&log), expected);
}

// Rule 4.

#[tokio::test]
async fn what_was_acknowledged_is_in_the_queue_of_every_device_before() {
    let server = Server::start().await;
    let (mut ann, mut bo) = (server.person("ann").await, server.person("boris").await);
    let (mut ann_too, mut bo_too) = (server.device("ann").await, server.device("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    for person in [&mut ann, &mut ann_too, &mut bo, &mut bo_too] {
        assert_eq!(person.seqs(room).await, [1]);
    }
    let mut next = 2;
    for door in DOORS {
        let seq = ann.say(door, room, text("x")).await.unwrap().seq;
        ann.amend(door, room, seq, edit("y")).await.unwrap();
        ann.react_via(door, room, seq, "👍", true).await.unwrap();
        ann.take_back(door, room, seq, deletion()).await.unwrap();
        // The connection that sent gets its answers and its pushes in any order; a ping comes after.
        for person in [&mut bo, &mut bo_too, &mut ann_too, &mut ann] {
            let seqs = person.seqs(room).await;
            assert_eq!(seqs, [next, next + 1, next + 2, next + 3], "{door:?}");
        }
        next += 4;
    }
}

#[tokio::test]
async fn many_writers_over_both_doors_leave_no_hole_and_all_see_one_order() {
    let server = Server::start().await;
    let mut people = Vec::new();
    for handle in ["ann", "boris", "cyril", "dilara"] {
        people.push(server.person(handle).await);
    }
    let others: Vec<UserId> = people[1..].iter().map(|person| person.id()).collect();
    let room = people[0].group("room", &others).await.unwrap().thread.id;
    let write = |n: usize| {
        let person = &people[n % 4];
        async move {
            let mut own = Vec::new();
            for k in 0..15 {
                let door = DOORS[(n + k) % 2];
                let words = format!("{n}:{k}");
                let sent = person.say(door, room, text(&words)).await.unwrap();
                own.push((sent.seq, words));
            }
            own
        }
    };
    let written = futures_util::future::join_all((0..8).map(write)).await;
    let mut expected: Vec<(u64, String)> = written.concat();
    expected.sort();
    let seqs: Vec<u64> = expected.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, (2..=121).collect::<Vec<_>>());
    for person in &mut people {
        let log = log(person, room).await;
        let got: Vec<(u64, String)> = log[1..]
            .iter()
            .map(|entry| (entry.seq, entry.text.clone().unwrap()))
            .collect();
        assert_eq!(got, expected);
        assert_eq!(person.seqs(room).await, (1..=121).collect::<Vec<_>>());
    }
    for own in written {
        assert!(own.is_sorted(), "one writer's messages are in its order");
    }
}

// Rule 6.

#[tokio::test]
async fn only_messages_that_the_caller_sees_can_be_acted_on() {
    let server = Server::start().await;
    let (ann, cy) = (server.person("ann").await, server.person("cyril").await);
    let bo = server.join("boris").await;
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    let message = ann.send(room, text("x")).await.unwrap().seq;
    let edited = ann.edit(room, message, edit("y")).await.unwrap().seq;
    ann.add_members(room, &[cy.id()]).await.unwrap();
    ann.set_role(room, cy.id(), Role::Admin).await.unwrap();
    let before = length(&ann, room).await;
    for door in DOORS {
        let not_found = ErrorCode::NotFound;
        for seq in [0, 1, edited, edited + 1, 1000] {
            assert_eq!(
                refused(ann.amend(door, room, seq, edit("z")).await),
                not_found
            );
            assert_eq!(
                refused(ann.take_back(door, room, seq, deletion()).await),
                not_found
            );
            for set in [true, false] {
                let reaction = ann.react_via(door, room, seq, "👍", set).await;
                assert_eq!(refused(reaction), not_found);
            }
        }
        // An admin deletes what others wrote, but not what is out of sight.
        assert_eq!(
            refused(cy.take_back(door, room, message, deletion()).await),
            not_found
        );
        assert_eq!(
            refused(cy.react_via(door, room, message, "👍", true).await),
            not_found
        );
    }
    assert_eq!(length(&ann, room).await, before);
}

#[tokio::test]
async fn only_the_author_edits_and_only_the_author_owners_and_admins_delete() {
    let server = Server::start().await;
    let (ann, bo, cy, di) = (
        server.person("ann").await,
        server.person("boris").await,
        server.person("cyril").await,
        server.person("dilara").await,
    );
    let others = [bo.id(), cy.id(), di.id()];
    let room = ann.group("room", &others).await.unwrap().thread.id;
    ann.set_role(room, bo.id(), Role::Admin).await.unwrap();
    for door in DOORS {
        for deleter in [&ann, &bo, &cy] {
            let seq = cy.say(door, room, text("of cyril")).await.unwrap().seq;
            for other in [&ann, &bo, &di] {
                assert_eq!(
                    refused(other.amend(door, room, seq, edit("x")).await),
                    ErrorCode::Forbidden
                );
            }
            assert_eq!(
                refused(di.take_back(door, room, seq, deletion()).await),
                ErrorCode::Forbidden
            );
            deleter
                .take_back(door, room, seq, deletion())
                .await
                .unwrap();
            assert_eq!(
                refused(di.take_back(door, room, seq, deletion()).await),
                ErrorCode::Forbidden,
                "also once it is deleted"
            );
        }
        // In a direct thread nobody is above the other.
        let direct = ann.direct(cy.id()).await.unwrap().thread.id;
        let seq = cy.say(door, direct, text("x")).await.unwrap().seq;
        assert_eq!(
            refused(ann.take_back(door, direct, seq, deletion()).await),
            ErrorCode::Forbidden
        );
    }
}

#[tokio::test]
async fn deleting_the_deleted_answers_the_first_deletion_and_the_rest_is_a_conflict() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    for door in DOORS {
        let seq = ann.say(door, room, text("x")).await.unwrap().seq;
        ann.react_via(door, room, seq, "👍", true).await.unwrap();
        let first = ann.take_back(door, room, seq, deletion()).await.unwrap();
        let before = length(&bo, room).await;
        for again in DOORS {
            let answer = ann.take_back(again, room, seq, deletion()).await;
            assert_eq!(answer.unwrap(), first);
        }
        let conflict = ErrorCode::Conflict;
        assert_eq!(
            refused(ann.amend(door, room, seq, edit("y")).await),
            conflict
        );
        for set in [true, false] {
            let reaction = ann.react_via(door, room, seq, "👍", set).await;
            assert_eq!(refused(reaction), conflict);
        }
        assert_eq!(length(&bo, room).await, before);
    }
}

#[tokio::test]
async fn the_windows_for_edits_and_deletions_close_for_authors_and_not_for_admins() {
    let server = Server::with(|config| {
        config.thread.edit_window_s = 10;
        config.thread.delete_window_s = 20;
    })
    .await;
    let (ann, bo) = (server.person("ann").await, server.person("boris").await);
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    for door in DOORS {
        let seq = bo.say(door, room, text("x")).await.unwrap().seq;
        server.pass(Duration::from_secs(10)).await;
        bo.amend(door, room, seq, edit("just in time"))
            .await
            .unwrap();
        server.pass(Duration::from_millis(1)).await;
        assert_eq!(
            refused(bo.amend(door, room, seq, edit("late")).await),
            ErrorCode::Forbidden
        );
        server.pass(Duration::from_millis(9_999)).await;
        let other = bo.say(door, room, text("y")).await.unwrap().seq;
        bo.take_back(door, room, seq, deletion()).await.unwrap();
        server.pass(Duration::from_millis(20_001)).await;
        assert_eq!(
            refused(bo.take_back(door, room, other, deletion()).await),
            ErrorCode::Forbidden
        );
        bo.react_via(door, room, other, "👍", true).await.unwrap();
        ann.take_back(door, room, other, deletion()).await.unwrap();
    }
}

#[tokio::test]
async fn edits_and_deletions_change_neither_ord_nor_the_mentions_of_others() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    for door in DOORS {
        let (unread, mentions) = counts(&bo, room).await;
        let mut message = text("hello");
        message.mentions = vec![bo.id()];
        let sent = ann.say(door, room, message).await.unwrap();
        assert_eq!(counts(&bo, room).await, (unread + 1, mentions + 1));
        ann.amend(door, room, sent.seq, edit("changed"))
            .await
            .unwrap();
        assert_eq!(counts(&bo, room).await, (unread + 1, mentions + 1));
        let shown = entry(&bo, room, sent.seq).await;
        assert_eq!(
            (shown.ord, shown.at, shown.mentions),
            (sent.ord, sent.at, vec![bo.id()])
        );
        let next = ann.say(door, room, text("next")).await.unwrap();
        assert_eq!(next.ord, sent.ord + 1);
        ann.take_back(door, room, sent.seq, deletion())
            .await
            .unwrap();
        assert_eq!(counts(&bo, room).await, (unread + 1, mentions));
        let after = ann.say(door, room, text("after")).await.unwrap();
        assert_eq!(after.ord, next.ord + 1);
    }
}

#[tokio::test]
async fn the_muted_write_edit_and_react_nothing() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    let seq = bo.send(room, text("x")).await.unwrap().seq;
    ann.set_role(room, bo.id(), Role::Muted).await.unwrap();
    let before = length(&ann, room).await;
    for door in DOORS {
        let forbidden = ErrorCode::Forbidden;
        assert_eq!(refused(bo.say(door, room, text("x")).await), forbidden);
        assert_eq!(
            refused(bo.amend(door, room, seq, edit("y")).await),
            forbidden
        );
        assert_eq!(
            refused(bo.react_via(door, room, seq, "👍", true).await),
            forbidden
        );
    }
    assert_eq!(length(&ann, room).await, before);
    ann.set_role(room, bo.id(), Role::Member).await.unwrap();
    bo.send(room, text("again")).await.unwrap();
}

#[tokio::test]
async fn reactions_are_a_set_of_user_message_and_emoji() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.person("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    for door in DOORS {
        let seq = ann.say(door, room, text("x")).await.unwrap().seq;
        ann.react_via(door, room, seq, "👍", true).await.unwrap();
        bo.react_via(door, room, seq, "👍", true).await.unwrap();
        bo.react_via(door, room, seq, "🎉", true).await.unwrap();
        let before = length(&ann, room).await;
        for again in DOORS {
            bo.react_via(again, room, seq, "👍", true).await.unwrap();
            ann.react_via(again, room, seq, "🎉", false).await.unwrap();
        }
        assert_eq!(length(&ann, room).await, before, "nothing was appended");
        let of = |entry: kith_protocol::entry::Entry| {
            let reactions = entry.reactions.into_iter();
            let mut all: Vec<_> = reactions
                .map(|reaction| (reaction.emoji, reaction.count, reaction.mine))
                .collect();
            all.sort();
            all
        };
        let ann_sees = of(entry(&ann, room, seq).await);
        assert_eq!(ann_sees, [("🎉".into(), 1, false), ("👍".into(), 2, true)]);
        bo.react_via(door, room, seq, "👍", false).await.unwrap();
        let bo_sees = of(entry(&bo, room, seq).await);
        assert_eq!(bo_sees, [("🎉".into(), 1, true), ("👍".into(), 1, false)]);
        bo.react_via(door, room, seq, "🎉", false).await.unwrap();
        ann.react_via(door, room, seq, "👍", false).await.unwrap();
        assert_eq!(of(entry(&bo, room, seq).await), []);
        assert_eq!(length(&ann, room).await, before + 3);
    }
}

#[tokio::test]
async fn a_message_carries_at_most_64_different_emoji_of_at_most_32_bytes() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.person("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let seq = ann.send(room, text("x")).await.unwrap().seq;
    for n in 0..64 {
        let emoji = format!("e{n}");
        ann.react_via(DOORS[n % 2], room, seq, &emoji, true)
            .await
            .unwrap();
    }
    for door in DOORS {
        assert_eq!(
            refused(bo.react_via(door, room, seq, "another", true).await),
            ErrorCode::Conflict
        );
        bo.react_via(door, room, seq, "e7", true).await.unwrap();
        let too_long = "e".repeat(33);
        assert_eq!(
            refused(bo.react_via(door, room, seq, &too_long, true).await),
            ErrorCode::TooLarge
        );
        assert_eq!(
            refused(bo.react_via(door, room, seq, "two words", true).await),
            ErrorCode::InvalidField
        );
    }
    ann.unreact(room, seq, "e1").await.unwrap();
    bo.react(room, seq, &"e".repeat(32)).await.unwrap();
}

// Rule 7.

#[tokio::test]
async fn pages_show_the_newest_text_and_nothing_of_what_was_deleted() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    for door in DOORS {
        let mut message = text("first");
        message.ext = Some(raw(r#"{"secret":1}"#));
        message.mentions = vec![bo.id()];
        message.mention_all = true;
        let seq = ann.say(door, room, message).await.unwrap().seq;
        let one = ann
            .amend(door, room, seq, edit("second"))
            .await
            .unwrap()
            .seq;
        let two = ann.amend(door, room, seq, edit("third")).await.unwrap().seq;
        let shown = entry(&bo, room, seq).await;
        assert_eq!(
            (shown.text.as_deref(), shown.edited_seq, shown.deleted_seq),
            (Some("third"), Some(two), None)
        );
        assert!(shown.ext.is_some() && shown.mention_all);
        let answer = ann.say(door, room, {
            let mut reply = text("reply");
            reply.reply_to = Some(seq);
            reply
        });
        let answer = answer.await.unwrap().seq;
        ann.react(room, seq, "👍").await.unwrap();
        let deleted = ann
            .take_back(door, room, seq, deletion())
            .await
            .unwrap()
            .seq;
        let shown = entry(&bo, room, seq).await;
        assert_eq!(shown.kind, EntryKind::Text);
        assert_eq!(shown.deleted_seq, Some(deleted));
        assert!(shown.text.is_none() && shown.ext.is_none() && !shown.mention_all);
        assert!(shown.mentions.is_empty() && shown.reactions.is_empty());
        for seq in [one, two] {
            let edit = entry(&bo, room, seq).await;
            assert_eq!((edit.kind, edit.text), (EntryKind::Edit, None));
        }
        assert_eq!(entry(&bo, room, answer).await.reply_to, Some(seq));
        let page = bo.page(room, PageQuery::default()).await.unwrap();
        assert_eq!(page.as_of_seq, deleted);
    }
}

#[tokio::test]
async fn deleted_bodies_are_erased_at_rest_with_all_their_edits() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    for door in DOORS {
        let mut message = text("secret one");
        message.ext = Some(raw(r#"{"secret":2}"#));
        let seq = ann.say(door, room, message).await.unwrap().seq;
        ann.amend(door, room, seq, edit("secret three"))
            .await
            .unwrap();
        ann.say(door, room, text("kept")).await.unwrap();
        ann.take_back(door, room, seq, deletion()).await.unwrap();
    }
    let rows = server.node.store.entries(room, Span::After(0), 100).await;
    let rows = rows.unwrap();
    let stored = format!("{rows:?}");
    assert!(!stored.contains("secret"), "{stored}");
    let kept = rows.iter().filter(|row| row.body.text.is_some());
    assert_eq!(kept.count(), 2);
    let overlays = server.node.store.overlays(room, 1, 100).await.unwrap();
    assert!(!format!("{overlays:?}").contains("secret"));
    let preview = row(&bo, room).await.head.preview.unwrap();
    assert_eq!(preview.text.as_deref(), Some("kept"));
}

#[tokio::test]
async fn the_preview_of_the_newest_message_follows_its_edits_and_goes_with_it() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    assert!(row(&bo, room).await.head.preview.is_none());
    ann.send(room, text("older")).await.unwrap();
    let seq = ann.send(room, text("newest")).await.unwrap().seq;
    ann.edit(room, 2, edit("older, edited")).await.unwrap();
    let preview = async || row(&bo, room).await.head.preview.unwrap();
    assert_eq!(preview().await.text.as_deref(), Some("newest"));
    ann.edit(room, seq, edit("edited")).await.unwrap();
    assert_eq!(preview().await.text.as_deref(), Some("edited"));
    ann.delete(room, seq, deletion()).await.unwrap();
    let shown = preview().await;
    assert_eq!((shown.seq, shown.text), (seq, None));
    assert_eq!(shown.author_id, ann.id());
}

#[tokio::test]
async fn a_reply_names_a_message_that_its_author_sees() {
    let server = Server::start().await;
    let (ann, cy) = (server.person("ann").await, server.person("cyril").await);
    let bo = server.join("boris").await;
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    let seq = ann.send(room, text("x")).await.unwrap().seq;
    ann.add_members(room, &[cy.id()]).await.unwrap();
    let reply = |seq| {
        let mut reply = text("reply");
        reply.reply_to = Some(seq);
        reply
    };
    for door in DOORS {
        let bad = (ErrorCode::InvalidField, "reply_to".to_owned());
        for seq in [0, 1, 3, 99] {
            assert_eq!(
                refused_field(ann.say(door, room, reply(seq)).await),
                bad,
                "{seq}"
            );
        }
        assert_eq!(refused_field(cy.say(door, room, reply(seq)).await), bad);
        let answer = ann.say(door, room, reply(seq)).await.unwrap().seq;
        assert_eq!(entry(&cy, room, answer).await.reply_to, Some(seq));
    }
}

#[tokio::test]
async fn mentions_count_for_members_who_have_not_read_them() {
    let server = Server::start().await;
    let (ann, bo, cy) = (
        server.person("ann").await,
        server.person("boris").await,
        server.join("cyril").await,
    );
    let di = server.join("dilara").await;
    let room = ann
        .group("room", &[bo.id(), cy.id()])
        .await
        .unwrap()
        .thread
        .id;
    let naming = |users: &[UserId], all: bool| {
        let mut message = text("you");
        message.mentions = users.to_vec();
        message.mention_all = all;
        message
    };
    for door in DOORS {
        let base = log(&ann, room).await.last().unwrap().seq;
        for reader in [&bo.session, &cy, &ann.session] {
            reader.read(room, base).await.unwrap();
        }
        // Oneself and strangers are named in vain.
        let message = naming(&[bo.id(), ann.id(), di.id()], false);
        let first = ann.say(door, room, message).await.unwrap().seq;
        assert_eq!(counts(&bo, room).await, (1, 1));
        assert_eq!(counts(&cy, room).await, (1, 0));
        assert_eq!(counts(&ann, room).await, (0, 0));
        let second = ann.say(door, room, naming(&[], true)).await.unwrap().seq;
        assert_eq!(counts(&bo, room).await, (2, 2));
        assert_eq!(counts(&cy, room).await, (2, 1));
        bo.read(room, first).await.unwrap();
        assert_eq!(counts(&bo, room).await, (1, 1));
        ann.take_back(door, room, second, deletion()).await.unwrap();
        assert_eq!(counts(&bo, room).await, (0, 0));
        assert_eq!(counts(&cy, room).await, (1, 0));
    }
}

#[tokio::test]
async fn only_owners_and_admins_of_a_group_name_everybody() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.person("boris").await);
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    let direct = ann.direct(bo.id()).await.unwrap().thread.id;
    let everybody = || {
        let mut message = text("all of you");
        message.mention_all = true;
        message
    };
    for door in DOORS {
        ann.set_role(room, bo.id(), Role::Member).await.unwrap();
        let forbidden = ErrorCode::Forbidden;
        assert_eq!(refused(bo.say(door, room, everybody()).await), forbidden);
        assert_eq!(refused(ann.say(door, direct, everybody()).await), forbidden);
        ann.set_role(room, bo.id(), Role::Admin).await.unwrap();
        bo.say(door, room, everybody()).await.unwrap();
        ann.say(door, room, everybody()).await.unwrap();
        let mut many = text("many");
        many.mentions = vec![bo.id(); MENTIONS_MAX + 1];
        assert_eq!(
            refused_field(ann.say(door, room, many.clone()).await),
            (ErrorCode::InvalidField, "mentions".into())
        );
        many.mentions.pop();
        ann.say(door, room, many).await.unwrap();
    }
}

#[tokio::test]
async fn ext_is_kept_in_meaning_and_bounded() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let with = |json: String| {
        let mut message = text("x");
        message.ext = Some(raw(json));
        message
    };
    let nested = |depth: usize| {
        format!(
            "{}{}",
            r#"{"a":"#.repeat(depth - 1) + "{}",
            "}".repeat(depth - 1)
        )
    };
    let padded = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
    for door in DOORS {
        let good = r#"{ "n" : 0.1, "big": 12345678901234567890, "list": [1, null, "ü"] }"#;
        for good in [good.to_owned(), nested(16), padded(16 * 1024)] {
            let seq = ann.say(door, room, with(good.clone())).await.unwrap().seq;
            let shown = entry(&bo, room, seq).await.ext.unwrap();
            let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
            assert_eq!(value(shown.get()), value(&good));
        }
        for bad in [
            "[]",
            "1",
            "null1",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
        ] {
            if let Ok(json) = RawValue::from_string(bad.to_owned()) {
                let mut message = text("x");
                message.ext = Some(json);
                let refusal = refused(ann.say(door, room, message).await);
                assert_eq!(refusal, ErrorCode::InvalidField, "{bad}");
            }
        }
        let deep = refused(ann.say(door, room, with(nested(17))).await);
        assert_eq!(deep, ErrorCode::InvalidField);
        let large = refused(ann.say(door, room, with(padded(16 * 1024 + 1))).await);
        assert_eq!(large, ErrorCode::TooLarge);
    }
}

#[tokio::test]
async fn custom_messages_count_like_texts_and_cannot_be_edited() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    for (n, door) in DOORS.into_iter().enumerate() {
        let mut custom = text("x");
        (custom.text, custom.kind) = (None, Some(EntryKind::Custom));
        assert_eq!(
            refused(ann.say(door, room, custom.clone()).await),
            ErrorCode::InvalidField,
            "neither text nor ext"
        );
        custom.ext = Some(raw(r#"{"poll":["a","b"]}"#));
        let sent = ann.say(door, room, custom.clone()).await.unwrap();
        assert_eq!(sent.ord, n as u64 + 1);
        assert_eq!(counts(&bo, room).await.0, n as u64 + 1);
        assert_eq!(entry(&bo, room, sent.seq).await.kind, EntryKind::Custom);
        assert_eq!(
            refused(ann.amend(door, room, sent.seq, edit("x")).await),
            ErrorCode::Forbidden
        );
        for kind in [EntryKind::Media, EntryKind::Edit, EntryKind::Created] {
            let mut other = text("x");
            other.kind = Some(kind);
            assert_eq!(
                refused(ann.say(door, room, other).await),
                ErrorCode::InvalidField
            );
        }
        let known = ann.say(door, room, custom).await.unwrap();
        assert_eq!(known, sent);
    }
}

#[tokio::test]
async fn texts_have_their_bounds_over_both_doors() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    for door in DOORS {
        for good in ["x", " a\tb\r\nc ", "👩‍👩‍👧", "\u{202e}abc", &"ü".repeat(32_768)]
        {
            let seq = ann.say(door, room, text(good)).await.unwrap().seq;
            assert_eq!(entry(&bo, room, seq).await.text.as_deref(), Some(good));
        }
        for bad in [
            "",
            " ",
            "\n\t",
            "\u{200b}\u{2060}",
            "a\u{0}b",
            "a\u{85}b",
            "\u{1b}[31m",
        ] {
            let refusal = refused_field(ann.say(door, room, text(bad)).await);
            assert_eq!(refusal, (ErrorCode::InvalidField, "text".into()), "{bad:?}");
        }
        let large = "x".repeat(65_537);
        assert_eq!(
            refused(ann.say(door, room, text(&large)).await),
            ErrorCode::TooLarge
        );
    }
}

// Pages.

/// Ways to ask for a page.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Newest,
    Before(u64),
    After(u64),
    Around(u64),
    /// A time, in seconds after the first entry.
    At(i64),
}

/// The page that a list of all visible seqs gives, with what there is before and after.
fn expected(visible: &[u64], ask: Ask, limit: usize) -> (Vec<u64>, bool, bool) {
    let count = visible.len();
    let (from, to) = match ask {
        Ask::Newest => (count.saturating_sub(limit), count),
        Ask::Before(seq) => {
            let to = visible.partition_point(|&other| other < seq);
            (to.saturating_sub(limit), to)
        }
        Ask::After(seq) => {
            let from = visible.partition_point(|&other| other <= seq);
            (from, count.min(from + limit))
        }
        Ask::Around(seq) => {
            let nearest = (0..count)
                .min_by_key(|&i| visible[i].abs_diff(seq))
                .unwrap();
            let from = nearest
                .saturating_sub(limit / 2)
                .min(count.saturating_sub(limit));
            (from, count.min(from + limit))
        }
        Ask::At(_) => unreachable!("is turned into a seq first"),
    };
    (visible[from..to].to_vec(), from > 0, to < count)
}

/// Ann sees everything; bo was a member twice, and came back for good.
#[test]
fn pages_before_after_around_and_at_are_what_a_list_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_server, ann, bo, room, start) = runtime.block_on(async {
        let server = Server::start().await;
        let (ann, bo) = (server.join("ann").await, server.join("boris").await);
        let cy = server.join("cyril").await;
        let room = ann.group("room", &[cy.id()]).await.unwrap().thread.id;
        let start = server.now();
        let say = async |count: usize| {
            for n in 0..count {
                server.clock.advance(Duration::from_secs(1));
                ann.send(room, text(n.to_string())).await.unwrap();
            }
        };
        say(4).await; // 2 to 5
        for (stay, away) in [(5, 7), (3, 4)] {
            ann.add_members(room, &[bo.id()]).await.unwrap();
            say(stay).await;
            ann.remove_member(room, bo.id()).await.unwrap();
            say(away).await;
        }
        ann.add_members(room, &[bo.id()]).await.unwrap();
        say(6).await;
        (server, ann, bo, room, start)
    });
    let all = runtime.block_on(log(&ann, room));
    let ann_sees: Vec<u64> = all.iter().map(|entry| entry.seq).collect();
    assert_eq!(ann_sees, (1..=ann_sees.len() as u64).collect::<Vec<_>>());
    let stays = runtime.block_on(bo.thread(room)).unwrap().visible;
    let in_a_stay = |seq: &u64| {
        stays
            .iter()
            .any(|(from, to)| from <= seq && to.is_none_or(|to| *seq <= to))
    };
    assert_eq!(stays.len(), 3);
    let bo_sees: Vec<u64> = ann_sees.iter().copied().filter(in_a_stay).collect();
    let last = *ann_sees.last().unwrap();
    let ask = prop_oneof![
        Just(Ask::Newest),
        (0..last + 4).prop_map(Ask::Before),
        (0..last + 4).prop_map(Ask::After),
        (0..last + 4).prop_map(Ask::Around),
        (-3..40_i64).prop_map(Ask::At),
    ];
    let cases = Cases {
        cases: 150,
        failure_persistence: None,
        ..Cases::default()
    };
    let mut runner = TestRunner::new(cases);
    let tried = runner.run(&(any::<bool>(), ask, 1_usize..12), |(owner, ask, limit)| {
        let (api, visible) = if owner {
            (&ann, &ann_sees)
        } else {
            (&bo, &bo_sees)
        };
        let (mut query, mut wanted) = (PageQuery::default(), ask);
        query.limit = Some(limit);
        match ask {
            Ask::Newest => {}
            Ask::Before(seq) => query.before = Some(seq),
            Ask::After(seq) => query.after = Some(seq),
            Ask::Around(seq) => query.around = Some(seq),
            Ask::At(seconds) => {
                let at = kith_protocol::Timestamp(start.0 + seconds * 1000);
                query.at = Some(at);
                let first = all.iter().find(|entry| entry.at >= at);
                wanted = Ask::Around(first.map_or(last, |entry| entry.seq));
            }
        }
        let page = runtime.block_on(api.page(room, query)).unwrap();
        let seqs: Vec<u64> = page.items.iter().map(|entry| entry.seq).collect();
        let got = (seqs, page.has_more_before, page.has_more_after);
        prop_assert_eq!(got, expected(visible, wanted, limit));
        prop_assert_eq!(page.as_of_seq, last);
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_page_has_one_place_and_one_to_two_hundred_entries() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let messages: Vec<SendMessage> = (0..210).map(|n| text(n.to_string())).collect();
    pipelined(&ann, room, &messages).await;
    let query = |limit| PageQuery {
        limit,
        ..PageQuery::default()
    };
    for (limit, count) in [(None, 50), (Some(1), 1), (Some(200), 200)] {
        let page = bo.page(room, query(limit)).await.unwrap();
        assert_eq!(page.items.len(), count);
        assert_eq!(page.items.last().unwrap().seq, 211);
        assert!(page.has_more_before && !page.has_more_after);
    }
    for limit in [0, 201] {
        let refusal = refused_field(bo.page(room, query(Some(limit))).await);
        assert_eq!(refusal, (ErrorCode::InvalidField, "limit".into()));
    }
    let two_places = PageQuery {
        before: Some(5),
        after: Some(3),
        ..PageQuery::default()
    };
    assert_eq!(
        refused(bo.page(room, two_places).await),
        ErrorCode::InvalidField
    );
}
