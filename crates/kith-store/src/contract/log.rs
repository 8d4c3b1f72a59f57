//! Promises of the thread log.

use super::{
    AT_ONCE, Bed, append, append_of, append_with, at_once, head_at, message, new_thread, new_user,
    reopened,
};
use crate::SharedStore;
use crate::log::{Append, Appended, Body, EntryRow, Span};
use crate::thread::ViewChange;
use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{History, Role, Settings, ThreadKind, WhoWrites};
use kith_protocol::{ClientMsgId, ThreadId, Timestamp, UserId};
use uuid::Uuid;

/// More than any log here has.
const ALL: usize = 10_000;

pub async fn a_log_is_dense_and_in_order(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    let mut expected = Vec::new();
    for (last_seq, count) in [(0, 1), (1, 3), (4, 1), (5, 200)] {
        append(&store, append_of(thread, ann, last_seq, count)).await;
        expected.extend(append_of(thread, ann, last_seq, count).entries);
        assert_eq!(store.last_seq(thread).await.unwrap(), last_seq + count);
    }
    assert_eq!(all(&store, thread).await, expected);
}

pub async fn every_field_of_an_entry_comes_back(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    let settings = Settings {
        history: History::Days(30),
        open_history: true,
        who_writes: WhoWrites::Admins,
        slow_s: 7,
    };
    let entry = EntryRow {
        seq: 1,
        kind: EntryKind::Settings,
        author: ann,
        client_msg_id: Some(ClientMsgId(Uuid::new_v4())),
        ord: 41,
        at: Timestamp(-3),
        read_moved: true,
        erased: false,
        body: Body {
            text: Some("ünïcode\r\n\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}".to_owned()),
            ext: Some(r#"{"a":[1,2.50]}"#.to_owned()),
            reply_to: Some(u64::MAX),
            mentions: vec![bo, ann],
            mention_all: true,
            target_seq: Some(9),
            user_ids: vec![ann, bo],
            role: Some(Role::Admin),
            heir: Some(bo),
            thread_kind: Some(ThreadKind::Live),
            title: Some("title".to_owned()),
            settings: Some(settings),
            emoji: Some("👍".to_owned()),
        },
    };
    let full = Append {
        thread,
        expected_last_seq: 0,
        entries: vec![entry.clone()],
        views: Vec::new(),
        erase: Vec::new(),
    };
    append(&store, full).await;
    assert_eq!(all(&store, thread).await, [entry]);
}

pub async fn an_append_behind_the_end_is_a_conflict_and_writes_nothing(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    append(&store, append_of(thread, ann, 0, 5)).await;
    let before = all(&store, thread).await;
    for wrong in [0, 1, 4, 6, 1_000] {
        let late = Append {
            erase: vec![1],
            ..append_with(thread, ann, wrong, vec![head_change(ann, wrong + 1)])
        };
        let outcome = store.append(late).await.unwrap();
        assert_eq!(outcome, Appended::Conflict { last_seq: 5 }, "after {wrong}");
    }
    assert_eq!(all(&store, thread).await, before);
    assert_eq!(store.heads(&[thread]).await.unwrap(), [None]);
}

pub async fn of_many_appends_at_once_one_is_done(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    append(&store, append_of(thread, ann, 0, 2)).await;
    let outcomes = at_once(|n| {
        let store = store.clone();
        async move {
            let mut one = append_of(thread, ann, 2, 2);
            one.entries[0].body.text = Some(format!("writer {n}"));
            store.append(one).await.unwrap()
        }
    })
    .await;
    let winners: Vec<_> = (0..AT_ONCE)
        .filter(|n| outcomes[*n] == Appended::Done)
        .collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    for outcome in &outcomes {
        assert!(
            !matches!(outcome, Appended::Conflict { last_seq } if *last_seq < 4),
            "{outcome:?}"
        );
    }
    let log = all(&store, thread).await;
    assert_eq!(log.len(), 4);
    let expected = format!("writer {}", winners[0]);
    assert_eq!(log[2].body.text.as_deref(), Some(expected.as_str()));
}

pub async fn writers_that_try_again_build_one_dense_log(bed: &impl Bed) {
    let store = bed.open().await;
    let thread = new_thread();
    let ids = at_once(|_| {
        let (store, author) = (store.clone(), new_user());
        async move {
            let mut ids = Vec::new();
            let mut last_seq = 0;
            while ids.len() < 5 {
                let id = ClientMsgId(Uuid::new_v4());
                loop {
                    let mut one = append_of(thread, author, last_seq, 1);
                    one.entries[0].client_msg_id = Some(id);
                    match store.append(one).await.unwrap() {
                        Appended::Done => break,
                        Appended::Conflict { last_seq: now } => last_seq = now,
                    }
                }
                last_seq += 1;
                ids.push(id);
            }
            ids
        }
    })
    .await;
    let log = all(&store, thread).await;
    assert_dense(&log, 5 * AT_ONCE as u64);
    let mut stored: Vec<_> = log.iter().filter_map(|entry| entry.client_msg_id).collect();
    let mut acknowledged: Vec<_> = ids.into_iter().flatten().collect();
    stored.sort();
    acknowledged.sort();
    assert_eq!(stored, acknowledged);
}

pub async fn appends_to_many_threads_at_once_are_all_done(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    let threads = at_once(|_| {
        let store = store.clone();
        async move {
            let thread = new_thread();
            for last_seq in 0..20 {
                append(&store, append_of(thread, ann, last_seq, 1)).await;
            }
            thread
        }
    })
    .await;
    for thread in threads {
        assert_dense(&all(&store, thread).await, 20);
    }
}

pub async fn entries_of_one_append_are_seen_together(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for n in 0..50 {
                append(&store, append_of(thread, ann, n * 7, 7)).await;
            }
        }
    });
    while !writer.is_finished() {
        let log = all(&store, thread).await;
        assert_dense(&log, log.len() as u64);
        assert_eq!(log.len() % 7, 0);
        assert_eq!(store.last_seq(thread).await.unwrap() % 7, 0);
    }
    writer.await.unwrap();
}

pub async fn views_are_seen_with_the_entries_that_cause_them(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for seq in 1..=100 {
                let views = vec![head_change(ann, seq)];
                append(&store, append_with(thread, ann, seq - 1, views)).await;
            }
        }
    });
    let head_seq = async || {
        let heads = store.heads(&[thread]).await.unwrap();
        heads[0].as_ref().map_or(0, |head| head.last_seq)
    };
    while !writer.is_finished() {
        // What is read later can only be newer.
        let (log, head) = (store.last_seq(thread).await.unwrap(), head_seq().await);
        assert!(log <= head, "the head is at {head}, the log at {log}");
        let (head, log) = (head_seq().await, store.last_seq(thread).await.unwrap());
        assert!(head <= log, "the head is at {head}, the log at {log}");
    }
    writer.await.unwrap();
    assert_eq!(head_seq().await, 100);
}

pub async fn what_was_appended_is_there_after_reopening(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    append(&store, append_of(thread, ann, 0, 30)).await;
    let before = all(&store, thread).await;
    let store = reopened(bed, store).await;
    assert_eq!(all(&store, thread).await, before);
    assert_eq!(store.last_seq(thread).await.unwrap(), 30);
    let late = store.append(append_of(thread, ann, 29, 1)).await.unwrap();
    assert_eq!(late, Appended::Conflict { last_seq: 30 });
    append(&store, append_of(thread, ann, 30, 1)).await;
}

pub async fn pages_run_both_ways_at_every_boundary(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    const LAST: u64 = 12;
    append(&store, append_of(thread, ann, 0, LAST)).await;
    for seq in (0..=LAST + 2).chain([u64::MAX]) {
        for limit in [0, 1, 2, 5, 12, 13] {
            let page = async |span| seqs(&store.entries(thread, span, limit).await.unwrap());
            let after: Vec<_> = (1..=LAST).filter(|s| *s > seq).take(limit).collect();
            assert_eq!(page(Span::After(seq)).await, after, "after {seq}, {limit}");
            let mut before: Vec<_> = (1..=LAST).filter(|s| *s < seq).rev().take(limit).collect();
            before.reverse();
            assert_eq!(
                page(Span::Before(seq)).await,
                before,
                "before {seq}, {limit}"
            );
        }
    }
}

pub async fn a_log_that_is_not_there_is_empty(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    assert_eq!(store.last_seq(thread).await.unwrap(), 0);
    assert_eq!(all(&store, thread).await, []);
    let before = store.entries(thread, Span::Before(u64::MAX), 5).await;
    assert_eq!(before.unwrap(), []);
    let id = ClientMsgId(Uuid::new_v4());
    let found = store.find_client_msg(thread, ann, id, 0, u64::MAX).await;
    assert_eq!(found.unwrap(), None);
    let outcome = store.append(append_of(thread, ann, 3, 1)).await.unwrap();
    assert_eq!(outcome, Appended::Conflict { last_seq: 0 });
}

pub async fn logs_do_not_touch_their_neighbours(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    let mut bytes = *new_thread().bytes();
    let ids = [0, 1, 254, 255].map(|last| {
        bytes[15] = last;
        ThreadId::from_bytes(bytes)
    });
    for (thread, count) in ids.into_iter().zip([3, 1, 4, 2]) {
        append(&store, append_of(thread, ann, 0, count)).await;
    }
    for (thread, count) in ids.into_iter().zip([3, 1, 4, 2]) {
        assert_dense(&all(&store, thread).await, count);
        assert_eq!(store.last_seq(thread).await.unwrap(), count);
        let before = store.entries(thread, Span::Before(u64::MAX), ALL).await;
        assert_dense(&before.unwrap(), count);
    }
}

pub async fn a_client_msg_is_found_however_far_back(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    let id = ClientMsgId(Uuid::new_v4());
    let mut first = append_of(thread, ann, 0, 2);
    first.entries[1].client_msg_id = Some(id);
    let expected = first.entries[1].clone();
    append(&store, first).await;
    for n in 0..10 {
        let mut more = append_of(thread, bo, 2 + n * 100, 100);
        for entry in &mut more.entries {
            entry.client_msg_id = Some(ClientMsgId(Uuid::new_v4()));
        }
        append(&store, more).await;
    }
    let store = reopened(bed, store).await;
    let find = async |thread, author, id, after, up_to| {
        let found = store
            .find_client_msg(thread, author, id, after, up_to)
            .await;
        found.unwrap()
    };
    for (after, up_to, there) in [
        (0, 1_002, true),
        (0, u64::MAX, true),
        (1, 2, true),
        (0, 1, false),
        (2, 1_002, false),
        (5, 3, false),
    ] {
        let found = find(thread, ann, id, after, up_to).await;
        assert_eq!(found, there.then(|| expected.clone()), "({after}, {up_to}]");
    }
    assert_eq!(find(thread, bo, id, 0, 1_002).await, None);
    assert_eq!(find(new_thread(), ann, id, 0, 1_002).await, None);
    let other = ClientMsgId(Uuid::new_v4());
    assert_eq!(find(thread, ann, other, 0, 1_002).await, None);
}

pub async fn erasing_empties_bodies_and_leaves_the_log_dense(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    let mut first = append_of(thread, ann, 0, 5);
    let body = &mut first.entries[1].body;
    body.ext = Some("{}".to_owned());
    body.mentions = vec![bo];
    body.mention_all = true;
    body.reply_to = Some(1);
    let mut expected = first.entries.clone();
    append(&store, first).await;
    let erasing = Append {
        erase: vec![2, 4],
        ..append_of(thread, ann, 5, 1)
    };
    expected.extend(erasing.entries.clone());
    append(&store, erasing).await;
    for erased in [1, 3] {
        let entry = &mut expected[erased];
        entry.erased = true;
        entry.body = Body {
            reply_to: entry.body.reply_to,
            ..Body::default()
        };
    }
    assert_eq!(all(&store, thread).await, expected);
    let store = reopened(bed, store).await;
    assert_eq!(all(&store, thread).await, expected);
}

pub async fn erasing_what_is_erased_or_missing_is_nothing(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    append(&store, append_of(thread, ann, 0, 2)).await;
    for last_seq in 2..4 {
        let erasing = Append {
            erase: vec![1, 1, 0, 77, u64::MAX],
            ..append_of(thread, ann, last_seq, 1)
        };
        append(&store, erasing).await;
    }
    let log = all(&store, thread).await;
    assert_dense(&log, 4);
    let erased: Vec<_> = log.iter().map(|entry| entry.erased).collect();
    assert_eq!(erased, [true, false, false, false]);
    assert_eq!(log[1], message(ann, 2));
}

pub async fn an_entry_can_be_erased_right_after_it_was_appended(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    // Sent without waiting for each other, so that an engine may join them.
    let logs = at_once(|_| {
        let store = store.clone();
        async move {
            let thread = new_thread();
            let erasing = Append {
                erase: vec![1],
                ..append_of(thread, ann, 1, 1)
            };
            let (first, second) = tokio::join!(
                store.append(append_of(thread, ann, 0, 1)),
                store.append(erasing.clone()),
            );
            assert_eq!(first.unwrap(), Appended::Done);
            if second.unwrap() != Appended::Done {
                append(&store, erasing).await;
            }
            all(&store, thread).await
        }
    })
    .await;
    for log in logs {
        assert_dense(&log, 2);
        assert!(log[0].erased && log[0].body.text.is_none(), "{log:?}");
    }
}

pub async fn purging_leaves_everything_else_as_it_was(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    let views = vec![head_change(ann, 1)];
    append(&store, append_with(thread, ann, 0, views)).await;
    append(&store, append_of(thread, ann, 1, 50)).await;
    let erasing = Append {
        erase: vec![7],
        ..append_of(thread, ann, 51, 1)
    };
    append(&store, erasing).await;
    let before = all(&store, thread).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            let other = new_thread();
            for last_seq in 0..200 {
                append(&store, append_of(other, ann, last_seq, 1)).await;
            }
            other
        }
    });
    store.purge_erased().await.unwrap();
    let other = writer.await.unwrap();
    let store = reopened(bed, store).await;
    assert_eq!(all(&store, thread).await, before);
    assert_dense(&all(&store, other).await, 200);
    let heads = store.heads(&[thread]).await.unwrap();
    assert_eq!(heads, [Some(head_at(ann, 1))]);
}

pub async fn logs_are_listed_in_id_order_page_by_page(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    let mut ids: Vec<_> = (0..25).map(|_| new_thread()).collect();
    for (n, thread) in ids.iter().enumerate() {
        append(&store, append_of(*thread, ann, 0, 1 + n as u64 % 3)).await;
    }
    ids.sort();
    for limit in [1, 7, 25, 100] {
        let mut listed = Vec::new();
        loop {
            let after = listed.last().copied();
            let page = store.thread_ids(after, limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            listed.extend(page);
        }
        assert_eq!(listed, ids, "by {limit}");
    }
}

fn head_change(creator: UserId, last_seq: u64) -> ViewChange {
    ViewChange::Head(Box::new(head_at(creator, last_seq)))
}

async fn all(store: &SharedStore, thread: ThreadId) -> Vec<EntryRow> {
    store.entries(thread, Span::After(0), ALL).await.unwrap()
}

fn seqs(entries: &[EntryRow]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}

fn assert_dense(entries: &[EntryRow], last_seq: u64) {
    assert_eq!(seqs(entries), (1..=last_seq).collect::<Vec<_>>());
}
