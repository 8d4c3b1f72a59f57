//! Promises of the marks.

use super::{AT_ONCE, Bed, at_once, new_thread, new_user, reopened};
use crate::mark::MarkRow;
use crate::thread::ReadMark;
use kith_protocol::SessionId;
use uuid::Uuid;

pub async fn who_has_no_marks_has_zeros(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    assert_eq!(store.mark(thread, ann).await.unwrap(), MarkRow::default());
    assert_eq!(store.marks(thread).await.unwrap(), []);
}

pub async fn the_higher_read_mark_wins_in_any_order(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    for (given, stands) in [(4, 4), (2, 4), (4, 4), (9, 9), (0, 9)] {
        let merged = store.put_read(thread, ann, read(given)).await.unwrap();
        assert_eq!(merged, read(stands));
        assert_eq!(store.mark(thread, ann).await.unwrap().read, read(stands));
    }
    let elsewhere = store.mark(new_thread(), ann).await.unwrap();
    assert_eq!(elsewhere, MarkRow::default());
}

pub async fn of_many_read_marks_at_once_the_highest_stands(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    let merged = at_once(|n| {
        let (store, seq) = (store.clone(), n as u64 * 7 % AT_ONCE as u64 + 1);
        async move {
            let merged = store.put_read(thread, ann, read(seq)).await.unwrap();
            (seq, merged)
        }
    })
    .await;
    for (seq, merged) in merged {
        assert!(
            merged.seq >= seq && merged == read(merged.seq),
            "{merged:?}"
        );
    }
    let stands = store.mark(thread, ann).await.unwrap().read;
    assert_eq!(stands, read(AT_ONCE as u64));
}

pub async fn a_delivered_mark_is_the_best_of_a_users_sessions(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    let (phone, desktop) = (new_session(), new_session());
    let marks = [
        (thread, ann, phone, 5),
        (thread, ann, desktop, 8),
        (thread, ann, desktop, 2),
        (thread, bo, new_session(), 1),
    ];
    store.put_delivered(&marks).await.unwrap();
    store
        .put_delivered(&[(thread, ann, phone, 7)])
        .await
        .unwrap();
    let delivered = async |user| store.mark(thread, user).await.unwrap().delivered_seq;
    assert_eq!(delivered(ann).await, 8);
    assert_eq!(delivered(bo).await, 1);
    store
        .put_delivered(&[(thread, ann, phone, 9)])
        .await
        .unwrap();
    assert_eq!(delivered(ann).await, 9);
    // Reading does not raise it, nor does it raise reading.
    store.put_read(thread, ann, read(20)).await.unwrap();
    assert_eq!(delivered(ann).await, 9);
    assert_eq!(
        store.mark(thread, bo).await.unwrap().read,
        ReadMark::default()
    );
}

pub async fn marks_of_everybody_come_in_id_order(bed: &impl Bed) {
    let store = bed.open().await;
    let thread = new_thread();
    let users: Vec<_> = (0..6).map(|_| new_user()).collect();
    let mut expected = Vec::new();
    for (n, user) in (1..).zip(&users) {
        let mut row = MarkRow::default();
        if n % 2 == 0 {
            row.read = store.put_read(thread, *user, read(n)).await.unwrap();
        }
        if n % 3 != 0 {
            row.delivered_seq = n + 10;
            let mark = (thread, *user, new_session(), n + 10);
            store.put_delivered(&[mark]).await.unwrap();
        }
        if row != MarkRow::default() {
            expected.push((*user, row));
        }
    }
    store
        .put_read(new_thread(), users[0], read(3))
        .await
        .unwrap();
    expected.sort_by_key(|(user, _)| *user);
    assert_eq!(store.marks(thread).await.unwrap(), expected);
}

pub async fn marks_are_there_after_reopening(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    store.put_read(thread, ann, read(4)).await.unwrap();
    let marks = [
        (thread, ann, new_session(), 6),
        (thread, bo, new_session(), 3),
    ];
    store.put_delivered(&marks).await.unwrap();
    let before = store.marks(thread).await.unwrap();
    let store = reopened(bed, store).await;
    assert_eq!(store.marks(thread).await.unwrap(), before);
    let expected = MarkRow {
        read: read(4),
        delivered_seq: 6,
    };
    assert_eq!(store.mark(thread, ann).await.unwrap(), expected);
}

pub async fn a_late_delivered_mark_lowers_nothing(bed: &impl Bed) {
    let mut store = bed.open().await;
    let (thread, ann, phone) = (new_thread(), new_user(), new_session());
    for seq in [9, 4, 1] {
        store
            .put_delivered(&[(thread, ann, phone, seq)])
            .await
            .unwrap();
        assert_eq!(store.mark(thread, ann).await.unwrap().delivered_seq, 9);
        store = reopened(bed, store).await;
        assert_eq!(store.mark(thread, ann).await.unwrap().delivered_seq, 9);
    }
}

pub(super) fn read(seq: u64) -> ReadMark {
    ReadMark {
        seq,
        ord: seq / 2,
        own: seq / 3,
    }
}

pub(super) fn new_session() -> SessionId {
    SessionId(Uuid::now_v7())
}
