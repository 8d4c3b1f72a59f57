//! Promises of the lists of threads.

use super::{Bed, at_once, new_thread, new_user, reopened};
use crate::user_thread::{UserThreadRow, Written};
use kith_protocol::Timestamp;

pub async fn a_row_is_replaced_at_its_version_only(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    let put = async |expected, version| {
        let written = store
            .put_user_thread(ann, thread, expected, row(version))
            .await;
        written.unwrap()
    };
    assert_eq!(store.user_thread(ann, thread).await.unwrap(), None);
    assert_eq!(put(1, 2).await, Written::Conflict(UserThreadRow::default()));
    assert_eq!(store.user_thread(ann, thread).await.unwrap(), None);
    assert_eq!(put(0, 1).await, Written::Done);
    assert_eq!(put(0, 1).await, Written::Conflict(row(1)));
    assert_eq!(put(2, 3).await, Written::Conflict(row(1)));
    assert_eq!(put(1, 2).await, Written::Done);
    assert_eq!(store.user_thread(ann, thread).await.unwrap(), Some(row(2)));
    assert_eq!(store.user_thread(new_user(), thread).await.unwrap(), None);
}

pub async fn of_many_changes_at_once_one_is_done(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    for version in 0..3 {
        let outcomes = at_once(|n| {
            let store = store.clone();
            let row = UserThreadRow {
                version: version + 1,
                draft: Some(format!("writer {n}")),
                ..UserThreadRow::default()
            };
            async move {
                let written = store.put_user_thread(ann, thread, version, row.clone());
                (row, written.await.unwrap())
            }
        })
        .await;
        let stored = store.user_thread(ann, thread).await.unwrap().unwrap();
        let (winners, losers): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .partition(|(_, written)| *written == Written::Done);
        assert_eq!(winners.len(), 1);
        assert_eq!(winners[0].0, stored);
        for (_, written) in losers {
            assert_eq!(written, Written::Conflict(stored.clone()));
        }
    }
}

pub async fn threads_of_a_user_come_in_id_order(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo) = (new_user(), new_user());
    let mut threads: Vec<_> = (0..8).map(|_| new_thread()).collect();
    for thread in &threads {
        let written = store
            .put_user_thread(ann, *thread, 0, row(1))
            .await
            .unwrap();
        assert_eq!(written, Written::Done);
    }
    let written = store.put_user_thread(bo, threads[0], 0, row(1)).await;
    assert_eq!(written.unwrap(), Written::Done);
    threads.sort();
    let expected: Vec<_> = threads.iter().map(|thread| (*thread, row(1))).collect();
    assert_eq!(store.user_threads(ann).await.unwrap(), expected);
    assert_eq!(store.user_threads(bo).await.unwrap().len(), 1);
    assert_eq!(store.user_threads(new_user()).await.unwrap(), []);
}

pub async fn rows_are_there_after_reopening(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    let written = store.put_user_thread(ann, thread, 0, row(1)).await.unwrap();
    assert_eq!(written, Written::Done);
    let store = reopened(bed, store).await;
    let rows = store.user_threads(ann).await.unwrap();
    assert_eq!(rows, [(thread, row(1))]);
    let late = store.put_user_thread(ann, thread, 0, row(1)).await.unwrap();
    assert_eq!(late, Written::Conflict(row(1)));
}

fn row(version: u64) -> UserThreadRow {
    UserThreadRow {
        version,
        muted_until: Some(Timestamp(77)),
        pinned: true,
        archived: true,
        marked_unread_at: Some(5),
        draft: Some(format!("draft {version}")),
        draft_version: version,
    }
}
