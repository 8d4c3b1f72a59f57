//! Promises of what pages are made of.

use super::inbox::made;
use super::thread::{left, member_row, overlay};
use super::{Bed, append, append_of, append_with, head_at, new_thread, new_user};
use crate::SharedStore;
use crate::log::EntryRow;
use crate::page::PageRows;
use crate::thread::{MemberRow, OverlayRow, ViewChange};
use kith_protocol::{ThreadId, UserId};

/// Appends while a view is read again and again.
const APPENDS: u64 = 100;

pub async fn a_view_is_for_members_past_and_present(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, thread) = (new_user(), new_user(), new_thread());
    made(&store, thread, &[member_row(ann), left(bo)]).await;
    for member in [member_row(ann), left(bo)] {
        let (head, found) = store.view(thread, member.user).await.unwrap().unwrap();
        assert_eq!((head.last_seq, found), (1, member));
    }
    assert_eq!(store.view(thread, new_user()).await.unwrap(), None);
    assert_eq!(store.view(new_thread(), ann).await.unwrap(), None);
}

pub async fn the_member_of_a_view_is_never_older_than_its_head(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, thread) = (new_user(), new_thread());
    let at = move |seq| {
        let member = MemberRow {
            own_count: seq,
            ..member_row(ann)
        };
        let head = ViewChange::Head(Box::new(head_at(ann, seq)));
        vec![head, ViewChange::Member(Box::new(member))]
    };
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
        let (head, member) = store.view(thread, ann).await.unwrap().unwrap();
        last_seq = head.last_seq;
        assert!(member.own_count >= last_seq, "{member:?} at {last_seq}");
    }
    writer.await.unwrap();
}

pub async fn ranges_include_both_ends_and_nothing_between(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, thread) = (new_user(), new_thread());
    append(&store, append_of(thread, ann, 0, 300)).await;
    for (ranges, expected) in [
        (&[(1, 1)][..], vec![1]),
        (
            &[(2, 4), (7, 7), (255, 257)],
            vec![2, 3, 4, 7, 255, 256, 257],
        ),
        (&[(299, 300)], vec![299, 300]),
        (&[(300, 310)], vec![300]),
        (&[(301, 310)], vec![]),
    ] {
        let page = store.page_rows(thread, ann, ranges).await.unwrap();
        assert_eq!(seqs(&page.entries), expected, "{ranges:?}");
    }
    let nothing = store.page_rows(thread, ann, &[]).await.unwrap();
    assert_eq!(nothing, PageRows::default());
    let elsewhere = store.page_rows(new_thread(), ann, &[(1, 9)]).await;
    assert_eq!(elsewhere.unwrap(), PageRows::default());
}

pub async fn overlays_span_the_page_and_reactions_are_the_readers_own(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, thread) = (new_user(), new_user(), new_thread());
    append(&store, append_of(thread, ann, 0, 40)).await;
    let mut views: Vec<_> = [2, 5, 9, 30].map(overlaid).into();
    views.extend([
        reacted(ann, 5, "👍"),
        reacted(ann, 30, "👍"),
        reacted(bo, 9, "❤️"),
    ]);
    append(&store, append_with(thread, ann, 40, views)).await;
    let page = async |user, ranges: &[(u64, u64)]| {
        let page = store.page_rows(thread, user, ranges).await.unwrap();
        let overlays = page.overlays.iter().map(|row| row.target_seq);
        (overlays.collect::<Vec<_>>(), page.reactions)
    };
    let own = |seq, emoji: &str| (seq, emoji.to_owned());
    let ranges = [(5, 6), (8, 12)];
    assert_eq!(page(ann, &ranges).await, (vec![5, 9], vec![own(5, "👍")]));
    assert_eq!(page(bo, &ranges).await, (vec![5, 9], vec![own(9, "❤️")]));
    assert_eq!(page(bo, &[(3, 4)]).await, (vec![], vec![]));
    let at_the_ends = page(ann, &[(2, 2), (30, 30)]).await;
    assert_eq!(at_the_ends.0, [2, 5, 9, 30], "all between the ends");
}

pub async fn a_page_knows_what_was_appended_before_it_was_asked_for(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, thread) = (new_user(), new_thread());
    for last_seq in 0..30 {
        let views = vec![overlaid(last_seq.max(1))];
        append(&store, append_with(thread, ann, last_seq, views)).await;
        let rows = rows(&store, thread, ann, last_seq + 1).await;
        assert_eq!(rows.entries.len() as u64, last_seq + 1);
        assert_eq!(rows.overlays.len() as u64, last_seq.max(1));
    }
}

async fn rows(store: &SharedStore, thread: ThreadId, user: UserId, last_seq: u64) -> PageRows {
    let rows = store.page_rows(thread, user, &[(1, last_seq)]).await;
    rows.unwrap()
}

fn overlaid(target_seq: u64) -> ViewChange {
    let row: OverlayRow = overlay(target_seq);
    ViewChange::Overlay(Box::new(row))
}

fn reacted(user: UserId, target_seq: u64, emoji: &str) -> ViewChange {
    ViewChange::Reaction {
        target_seq,
        user,
        emoji: emoji.to_owned(),
        set: true,
    }
}

fn seqs(entries: &[EntryRow]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}
