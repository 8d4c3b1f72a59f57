//! Promises of the parts of inbox rows.

use super::mark::{new_session, read};
use super::thread::{left, member_row};
use super::{Bed, append, append_with, head_at, new_thread, new_user};
use crate::SharedStore;
use crate::inbox::InboxParts;
use crate::mark::MarkRow;
use crate::thread::{Deletion, HeadRow, MemberRow, Mention, ReadMark, ViewChange};
use crate::user_thread::UserThreadRow;
use kith_protocol::thread::RECEIPT_MEMBERS_MAX;
use kith_protocol::{ThreadId, UserId};
use uuid::Uuid;

/// Appends while a row is read again and again.
const APPENDS: u64 = 100;

pub async fn parts_come_in_the_order_asked_of_threads_that_one_was_in(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo) = (new_user(), new_user());
    let (lunch, past, foreign) = (new_thread(), new_thread(), new_thread());
    made(&store, lunch, &[member_row(ann), member_row(bo)]).await;
    made(&store, past, &[left(ann), member_row(bo)]).await;
    made(&store, foreign, &[member_row(bo)]).await;
    let asked = [past, foreign, lunch, new_thread(), past];
    let parts = store.inbox_parts(ann, &asked).await.unwrap();
    let threads = parts.iter().map(|parts| Some(parts.as_ref()?.thread));
    let threads: Vec<_> = threads.collect();
    assert_eq!(threads, [Some(past), None, Some(lunch), None, Some(past)]);
    assert_eq!(parts[0].as_ref().unwrap().member, left(ann));
    assert_eq!(store.inbox_parts(ann, &[]).await.unwrap(), []);
}

pub async fn the_parts_are_what_the_single_reads_say(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, cy, thread) = (new_user(), new_user(), new_user(), new_thread());
    made(&store, thread, &[member_row(ann), member_row(bo), left(cy)]).await;
    let mine = UserThreadRow {
        version: 1,
        draft: Some("half a sentence".to_owned()),
        ..UserThreadRow::default()
    };
    let written = store.put_user_thread(ann, thread, 0, mine.clone()).await;
    written.unwrap();
    for user in [ann, bo, cy] {
        store.put_read(thread, user, read(6)).await.unwrap();
    }
    let marks = [(thread, bo, new_session(), 8)];
    store.put_delivered(&marks).await.unwrap();
    let mark = |delivered_seq| MarkRow {
        read: read(6),
        delivered_seq,
    };
    let expected = InboxParts {
        thread,
        head: store.heads(&[thread]).await.unwrap().remove(0).unwrap(),
        member: store.member(thread, ann).await.unwrap().unwrap(),
        mine,
        mark: mark(0),
        deletions: Vec::new(),
        mentions: Vec::new(),
        others: vec![(member_row(bo), mark(8))],
    };
    assert_eq!(parts(&store, ann, thread).await, expected);
}

pub async fn who_has_set_nothing_has_parts_without_settings_and_marks(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, thread) = (new_user(), new_thread());
    made(&store, thread, &[member_row(ann)]).await;
    let parts = parts(&store, ann, thread).await;
    assert_eq!(parts.mine, UserThreadRow::default());
    assert_eq!(parts.mark, MarkRow::default());
    assert_eq!(parts.read(), member_row(ann).floor);
}

pub async fn deletions_and_mentions_begin_after_the_higher_read_mark(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, thread) = (new_user(), new_user(), new_thread());
    let floor = ReadMark {
        seq: 3,
        ord: 3,
        own: 0,
    };
    let member = MemberRow {
        floor,
        ..member_row(ann)
    };
    let mut views = vec![member_of(member), head_of(ann, 9)];
    for target_seq in [2, 3, 4, 7] {
        views.push(ViewChange::Deleted {
            target_seq,
            author: bo,
            deleted_seq: 9,
        });
    }
    let everybody = UserId(Uuid::nil());
    for (user, seq) in [(ann, 3), (ann, 8), (everybody, 5), (ann, 5), (bo, 6)] {
        views.push(ViewChange::Mention {
            user,
            seq,
            author: bo,
            set: true,
        });
    }
    append(&store, append_with(thread, bo, 0, views)).await;
    let found = async || {
        let parts = parts(&store, ann, thread).await;
        let deleted = parts.deletions.iter().map(|row: &Deletion| row.target_seq);
        let named = parts.mentions.iter().map(|row: &Mention| row.seq);
        (deleted.collect::<Vec<_>>(), named.collect::<Vec<_>>())
    };
    assert_eq!(found().await, (vec![4, 7], vec![5, 8]));
    store.put_read(thread, ann, read(7)).await.unwrap();
    assert_eq!(found().await, (vec![], vec![8]));
    store.put_read(thread, ann, read(9)).await.unwrap();
    assert_eq!(found().await, (vec![], vec![]));
}

pub async fn the_others_are_told_in_threads_of_up_to_fifty(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, thread) = (new_user(), new_thread());
    let mut members: Vec<_> = (1..RECEIPT_MEMBERS_MAX)
        .map(|_| member_row(new_user()))
        .collect();
    members.push(member_row(ann));
    made(&store, thread, &members).await;
    let others = parts(&store, ann, thread).await.others;
    let mut expected = members.clone();
    expected.retain(|member| member.user != ann);
    expected.sort_by_key(|member| member.user);
    let others: Vec<_> = others.into_iter().map(|(member, _)| member).collect();
    assert_eq!(others, expected);

    let one_more = member_row(new_user());
    let mut head = head_at(ann, 2);
    head.member_count = members.len() as u64 + 1;
    let views = vec![member_of(one_more), ViewChange::Head(Box::new(head))];
    append(&store, append_with(thread, ann, 1, views)).await;
    let parts = parts(&store, ann, thread).await;
    assert_eq!((parts.others.len(), parts.member.user), (0, ann));
}

pub async fn the_parts_of_a_row_are_from_one_moment(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, thread) = (new_user(), new_user(), new_thread());
    let counted = move |user, seq| {
        member_of(MemberRow {
            own_count: seq,
            ..member_row(user)
        })
    };
    let at = move |seq| vec![head_of(ann, seq), counted(ann, seq), counted(bo, seq)];
    append(&store, append_with(thread, ann, 0, at(1))).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for seq in 2..=APPENDS {
                append(&store, append_with(thread, ann, seq - 1, at(seq))).await;
            }
        }
    });
    let mut last_seq = 0;
    while last_seq < APPENDS {
        let parts = parts(&store, ann, thread).await;
        last_seq = parts.head.last_seq;
        assert_eq!(parts.member.own_count, last_seq);
        assert_eq!(parts.others[0].0.own_count, last_seq);
    }
    writer.await.unwrap();
}

async fn parts(store: &SharedStore, user: UserId, thread: ThreadId) -> InboxParts {
    let mut parts = store.inbox_parts(user, &[thread]).await.unwrap();
    parts.remove(0).expect("a row")
}

/// A thread with these members and one message.
pub(super) async fn made(store: &SharedStore, thread: ThreadId, members: &[MemberRow]) {
    let present = members.iter().filter(|member| member.left.is_none());
    let head = HeadRow {
        member_count: present.count() as u64,
        ..head_at(members[0].user, 1)
    };
    let mut views: Vec<_> = members.iter().cloned().map(member_of).collect();
    views.push(ViewChange::Head(Box::new(head)));
    append(store, append_with(thread, members[0].user, 0, views)).await;
}

fn member_of(row: MemberRow) -> ViewChange {
    ViewChange::Member(Box::new(row))
}

fn head_of(creator: UserId, last_seq: u64) -> ViewChange {
    ViewChange::Head(Box::new(head_at(creator, last_seq)))
}
