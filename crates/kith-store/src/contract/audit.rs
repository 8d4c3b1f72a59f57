//! Promises of the audit: everything is on its pages, and mending changes views and nothing else.

use super::thread::{assert_every_view, every_view};
use super::{Bed, append, append_of, append_with, new_thread, new_user, reopened};
use crate::SharedStore;
use crate::audit::{Index, Mend, Part, PartRow};
use crate::contact::{ContactChange, RequestRow};
use crate::log::{Appended, Span};
use crate::thread::{ReadMark, ViewChange};
use crate::user_thread::{ThreadPointer, UserThreadRow, Written};
use kith_protocol::{SessionId, ThreadId, Timestamp, UserId};
use uuid::Uuid;

pub async fn stored_entries_are_those_of_the_log_page_by_page(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    append(&store, append_of(thread, ann, 0, 7)).await;
    append(&store, append_of(new_thread(), ann, 0, 7)).await;
    let mut entries = Vec::new();
    loop {
        let after = entries.len() as u64;
        let page = store.stored_entries(thread, after, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        entries.extend(page.into_iter().map(Result::unwrap));
    }
    let log = store.entries(thread, Span::After(0), 99).await.unwrap();
    assert_eq!(entries, log);
    assert!(
        store
            .stored_entries(new_thread(), 0, 9)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn every_row_is_on_a_page_of_its_part_that_says_where_the_log_stood(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    append(
        &store,
        append_with(thread, ann, 0, every_view(thread, ann, bo)),
    )
    .await;
    append(&store, append_of(thread, ann, 1, 1)).await;
    let read = ReadMark {
        seq: 1,
        ord: 1,
        own: 0,
    };
    store.put_read(thread, bo, read).await.unwrap();
    let session = SessionId(Uuid::new_v4());
    store
        .put_delivered(&[(thread, bo, session, 1)])
        .await
        .unwrap();
    // What waits in memory is stored by then.
    let store = reopened(bed, store).await;
    let rows = async |part| rows(&store, thread, part).await;
    let one = |rows: Vec<PartRow>, is_it: fn(&PartRow) -> bool| {
        assert!(!rows.is_empty() && rows.iter().all(is_it), "{rows:?}");
        rows.len()
    };
    assert_eq!(
        one(rows(Part::Head).await, |row| matches!(
            row,
            PartRow::Head(_)
        )),
        1
    );
    let members = rows(Part::Members).await;
    let listed: Vec<PartRow> = store
        .members(thread)
        .await
        .unwrap()
        .into_iter()
        .map(|member| PartRow::Member(Box::new(member)))
        .collect();
    assert_eq!(members, listed);
    let overlays = store.overlays(thread, 0, u64::MAX).await.unwrap();
    let overlays: Vec<PartRow> = overlays.into_iter().map(PartRow::Overlay).collect();
    assert_eq!(rows(Part::Overlays).await, overlays);
    let deletions = store.deletions(thread, 0, u64::MAX).await.unwrap();
    let deletions: Vec<PartRow> = deletions.into_iter().map(PartRow::Deletion).collect();
    assert_eq!(rows(Part::Deletions).await, deletions);
    one(rows(Part::Reactions).await, |row| {
        matches!(row, PartRow::Reaction { .. })
    });
    let mut named = 0;
    for user in [ann, bo, UserId(Uuid::nil())] {
        let mentions = store.mentions(thread, user, 0, u64::MAX).await.unwrap();
        let mentions: Vec<PartRow> = mentions.into_iter().map(PartRow::Mention).collect();
        named += mentions.len();
        assert_eq!(rows(Part::Mentions(user)).await, mentions);
    }
    assert!(named > 0);
    let marks = [PartRow::Read(bo, read), PartRow::Delivered(bo, 1)];
    assert_eq!(rows(Part::Marks).await, marks);
    assert_eq!(
        store
            .part_rows(thread, Part::Head, None, 9)
            .await
            .unwrap()
            .last_seq,
        2
    );
    let nothing = store
        .part_rows(new_thread(), Part::Members, None, 9)
        .await
        .unwrap();
    assert_eq!((nothing.last_seq, nothing.rows.len()), (0, 0));
}

pub async fn what_the_store_wrote_itself_is_never_wrong(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = super::user::made(&store, "ann", "Ann of the Lunch Table")
        .await
        .id;
    let bo = super::user::made(&store, "boris", "Boris").await.id;
    let at = Timestamp(7);
    for change in [
        ContactChange::Befriend { a: ann, b: bo, at },
        ContactChange::Part { a: ann, b: bo },
        ContactChange::Ask(RequestRow {
            from: bo,
            to: ann,
            note: None,
            at,
        }),
        ContactChange::Befriend {
            a: ann,
            b: new_user(),
            at,
        },
    ] {
        store.change_contact(change).await.unwrap();
    }
    super::session::begun_and_ended(&store, ann).await;
    for index in Index::ALL {
        let (mut rows, mut from) = (0, None);
        loop {
            let page = store.check_index(index, from, 1).await.unwrap();
            assert!(page.wrong.is_empty(), "{index:?} {:?}", page.wrong);
            rows += page.rows;
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        let of_threads = [Index::Mentions, Index::Participants].contains(&index);
        assert!(rows > 0 || of_threads, "{index:?}");
    }
}

pub async fn mending_puts_views_and_takes_them_away_for_good(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    append(&store, append_of(thread, ann, 0, 1)).await;
    let views = every_view(thread, ann, bo).into_iter().map(Mend::View);
    assert_eq!(
        mend(&store, thread, 1, views.collect()).await,
        Appended::Done
    );
    let store = reopened(bed, store).await;
    assert_every_view(&store, thread, ann, bo).await;
    let members = store.members(thread).await.unwrap().into_iter();
    let overlays = store
        .overlays(thread, 0, u64::MAX)
        .await
        .unwrap()
        .into_iter();
    let deletions = store
        .deletions(thread, 0, u64::MAX)
        .await
        .unwrap()
        .into_iter();
    let gone = [Mend::NoHead]
        .into_iter()
        .chain(members.map(|member| Mend::NoMember(member.user)))
        .chain(overlays.map(|overlay| Mend::NoOverlay(overlay.target_seq)))
        .chain(deletions.map(|deletion| Mend::NoDeletion(deletion.target_seq)));
    assert_eq!(
        mend(&store, thread, 1, gone.collect()).await,
        Appended::Done
    );
    let store = reopened(bed, store).await;
    for part in [Part::Head, Part::Members, Part::Overlays, Part::Deletions] {
        assert_eq!(rows(&store, thread, part).await, []);
    }
    let log = store.entries(thread, Span::After(0), 9).await.unwrap();
    assert_eq!(log.len(), 1);
}

pub async fn mending_at_another_end_of_the_log_is_a_conflict(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    append(&store, append_of(thread, ann, 0, 3)).await;
    let head = || {
        vec![Mend::View(ViewChange::Head(Box::new(super::head_at(
            ann, 3,
        ))))]
    };
    for expected in [0, 2, 4] {
        let outcome = mend(&store, thread, expected, head()).await;
        assert_eq!(outcome, Appended::Conflict { last_seq: 3 });
        assert_eq!(store.heads(&[thread]).await.unwrap(), [None]);
    }
    assert_eq!(mend(&store, thread, 3, head()).await, Appended::Done);
}

pub async fn mending_touches_no_settings(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    append(&store, append_of(thread, ann, 0, 1)).await;
    let row = UserThreadRow {
        version: 1,
        draft: Some("words".to_owned()),
        ..UserThreadRow::default()
    };
    let written = store.put_user_thread(ann, thread, 0, row.clone()).await;
    assert_eq!(written.unwrap(), Written::Done);
    let pointers =
        [ann, bo].map(|user| Mend::View(ViewChange::Pointer(ThreadPointer { user, thread })));
    assert_eq!(
        mend(&store, thread, 1, pointers.into()).await,
        Appended::Done
    );
    assert_eq!(store.user_thread(ann, thread).await.unwrap(), Some(row));
    let new = store.user_thread(bo, thread).await.unwrap();
    assert_eq!(new, Some(UserThreadRow::default()));
}

pub async fn a_thread_with_views_and_no_log_is_told_once(bed: &impl Bed) {
    let store = bed.open().await;
    let (loose, ann, bo) = (new_thread(), new_user(), new_user());
    for _ in 0..3 {
        let thread = new_thread();
        append(
            &store,
            append_with(thread, ann, 0, every_view(thread, ann, bo)),
        )
        .await;
    }
    let views = every_view(loose, ann, bo).into_iter().map(Mend::View);
    assert_eq!(
        mend(&store, loose, 0, views.collect()).await,
        Appended::Done
    );
    let marked = new_thread();
    store
        .put_read(marked, ann, ReadMark::default())
        .await
        .unwrap();
    // Pages may end anywhere.
    for limit in 1..9 {
        let (mut told, mut from) = (Vec::new(), None);
        loop {
            let (threads, next) = store.loose_threads(from, limit).await.unwrap();
            told.extend(threads);
            from = next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(told, [loose, marked], "{limit} at a time");
    }
}

async fn mend(store: &SharedStore, thread: ThreadId, last_seq: u64, mends: Vec<Mend>) -> Appended {
    store.mend(thread, last_seq, mends).await.unwrap()
}

/// All rows of a part, one on a page.
async fn rows(store: &SharedStore, thread: ThreadId, part: Part) -> Vec<PartRow> {
    let (mut rows, mut from) = (Vec::new(), None);
    loop {
        let page = store.part_rows(thread, part, from, 1).await.unwrap();
        rows.extend(page.rows);
        from = page.next;
        if from.is_none() {
            return rows;
        }
    }
}
