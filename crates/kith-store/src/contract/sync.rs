//! Promises of what sync tells.

use super::contact::{befriend, change};
use super::inbox::made;
use super::mark::{new_session, read};
use super::thread::{left, member_row};
use super::{Bed, append, append_of, append_with, head_at, new_thread, new_user, session, user};
use crate::SharedStore;
use crate::contact::{ContactChange, ContactRow};
use crate::sync::SyncRows;
use crate::thread::ViewChange;
use crate::user::UserRow;
use crate::user_thread::{ThreadPointer, UserThreadRow};
use kith_protocol::session::EndReason;
use kith_protocol::{ThreadId, UserId};

/// Appends while rows are read again and again.
const APPENDS: u64 = 200;

pub async fn who_has_no_account_is_told_nothing(bed: &impl Bed) {
    let store = bed.open().await;
    assert!(store.sync_rows(new_user()).await.unwrap().is_none());
}

pub async fn a_new_account_is_told_of_itself(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = user::made(&store, "ann", "Ann").await;
    let rows = rows(&store, ann.id).await;
    assert_eq!(rows.me, ann);
    assert_eq!((rows.threads, rows.contacts), (vec![], vec![]));
    assert_eq!((rows.former, rows.sessions.sessions), (vec![], vec![]));
}

pub async fn what_is_told_is_what_the_single_reads_say(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = user::made(&store, "ann", "Ann").await;
    let bo = user::made(&store, "boris", "Boris").await;
    let cy = user::made(&store, "cyril", "Cyril").await;
    for friend in [bo.id, cy.id] {
        change(&store, befriend(ann.id, friend, 7)).await;
    }
    let part = ContactChange::Part {
        a: ann.id,
        b: cy.id,
    };
    change(&store, part).await;
    let (phone, desktop) = (session::row(ann.id), session::row(ann.id));
    for (version, begins) in [(0, &phone), (1, &desktop)] {
        assert!(session::changed(&store, ann.id, version, Some(begins), &[]).await);
    }
    session::end(&store, &phone, EndReason::SignedOut).await;
    let mut threads: Vec<_> = (0..5).map(|_| new_thread()).collect();
    for (n, thread) in threads.iter().enumerate() {
        let own = if n == 2 {
            left(ann.id)
        } else {
            member_row(ann.id)
        };
        made(&store, *thread, &[own, member_row(bo.id)]).await;
        listed(&store, ann.id, *thread).await;
    }
    store.put_read(threads[1], bo.id, read(4)).await.unwrap();
    let marks = [(threads[3], bo.id, new_session(), 9)];
    store.put_delivered(&marks).await.unwrap();
    threads.sort();
    let parts = store.inbox_parts(ann.id, &threads).await.unwrap();

    let told = rows(&store, ann.id).await;
    assert_eq!(
        told.threads,
        parts.into_iter().flatten().collect::<Vec<_>>()
    );
    let since = store.contacts(ann.id).await.unwrap()[0].1;
    let contact = ContactRow { user: bo.id, since };
    assert_eq!(told.contacts, [(contact, Some(bo))]);
    assert_eq!(told.former, [cy.id]);
    assert_eq!(told.sessions, store.sessions(ann.id).await.unwrap());
    assert_eq!(told.sessions.sessions, [desktop]);
}

pub async fn what_was_written_before_the_call_is_in_it(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = user::made(&store, "ann", "Ann").await.id;
    let (bo, phone, thread) = (new_user(), new_session(), new_thread());
    made(&store, thread, &[member_row(ann), member_row(bo)]).await;
    listed(&store, ann, thread).await;
    for seq in 2..60 {
        let head = ViewChange::Head(Box::new(head_at(ann, seq)));
        append(&store, append_with(thread, ann, seq - 1, vec![head])).await;
        assert_eq!(told(&store, ann).await.head.last_seq, seq);
        let marks = [(thread, bo, phone, seq)];
        store.put_delivered(&marks).await.unwrap();
        assert_eq!(told(&store, ann).await.others[0].1.delivered_seq, seq);
        store.put_read(thread, bo, read(seq)).await.unwrap();
        assert_eq!(told(&store, ann).await.others[0].1.read, read(seq));
        let row = UserThreadRow {
            version: seq,
            ..UserThreadRow::default()
        };
        let written = store.put_user_thread(ann, thread, seq - 1, row).await;
        written.unwrap();
        assert_eq!(told(&store, ann).await.mine.version, seq);
    }
}

pub async fn what_rows_rest_on_stands_until_one_of_them_changes(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = user::made(&store, "ann", "Ann").await.id;
    let bo = user::made(&store, "boris", "Boris").await;
    let (thread, phone) = (new_thread(), session::row(ann));
    made(&store, thread, &[member_row(ann), member_row(bo.id)]).await;
    listed(&store, ann, thread).await;
    change(&store, befriend(ann, bo.id, 7)).await;
    let Some(mut basis) = rows(&store, ann).await.basis else {
        // An engine that cannot tell says so.
        return;
    };
    assert!(store.stands(&basis));
    let elsewhere = append_of(new_thread(), new_user(), 0, 3);
    append(&store, elsewhere).await;
    assert!(store.stands(&basis), "a foreign thread is not of her list");

    let mut moved = async |what: &str| {
        let told = rows(&store, ann).await.basis.unwrap();
        assert!(!store.stands(&basis), "{what}");
        assert!(store.stands(&told), "{what}");
        basis = told;
    };
    let head = ViewChange::Head(Box::new(head_at(bo.id, 2)));
    append(&store, append_with(thread, bo.id, 1, vec![head])).await;
    moved("a message").await;
    store.put_read(thread, bo.id, read(2)).await.unwrap();
    moved("a read mark of another").await;
    let marks = [(thread, bo.id, new_session(), 2)];
    store.put_delivered(&marks).await.unwrap();
    moved("a delivered mark of another").await;
    let mine = UserThreadRow {
        version: 2,
        ..UserThreadRow::default()
    };
    store.put_user_thread(ann, thread, 1, mine).await.unwrap();
    moved("a setting").await;
    let renamed = UserRow {
        version: 2,
        display_name: "Bo".to_owned(),
        ..bo.clone()
    };
    store.put_user(1, renamed).await.unwrap();
    moved("the name of a contact").await;
    session::changed(&store, ann, 0, Some(&phone), &[]).await;
    moved("a new device").await;
    session::end(&store, &phone, EndReason::SignedOut).await;
    moved("the end of a device").await;
    let part = ContactChange::Part { a: bo.id, b: ann };
    change(&store, part).await;
    moved("the end of a friendship").await;
    listed(&store, ann, new_thread()).await;
    moved("another thread").await;
}

pub async fn what_stands_is_never_behind_what_was_acknowledged(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = user::made(&store, "ann", "Ann").await.id;
    let (bo, phone, thread) = (new_user(), new_session(), new_thread());
    made(&store, thread, &[member_row(ann), member_row(bo)]).await;
    listed(&store, ann, thread).await;
    let acknowledged = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1));
    let writer = tokio::spawn({
        let (store, acknowledged) = (store.clone(), acknowledged.clone());
        async move {
            for seq in 2..=APPENDS {
                let head = ViewChange::Head(Box::new(head_at(ann, seq)));
                append(&store, append_with(thread, ann, seq - 1, vec![head])).await;
                let marks = [(thread, bo, phone, seq)];
                store.put_delivered(&marks).await.unwrap();
                acknowledged.store(seq, std::sync::atomic::Ordering::Release);
            }
        }
    });
    let mut kept: Option<SyncRows> = None;
    loop {
        let before = acknowledged.load(std::sync::atomic::Ordering::Acquire);
        let stands = |rows: &SyncRows| rows.basis.as_ref().is_some_and(|basis| store.stands(basis));
        let rows = match kept.take().filter(stands) {
            Some(rows) => rows,
            None => rows(&store, ann).await,
        };
        let (head, delivered) = (
            &rows.threads[0].head,
            rows.threads[0].others[0].1.delivered_seq,
        );
        assert!(head.last_seq >= before, "{} < {before}", head.last_seq);
        assert!(before == 1 || delivered >= before, "{delivered} < {before}");
        if before == APPENDS {
            break;
        }
        kept = Some(rows);
    }
    writer.await.unwrap();
}

async fn rows(store: &SharedStore, user: UserId) -> SyncRows {
    store.sync_rows(user).await.unwrap().expect("an account")
}

async fn told(store: &SharedStore, user: UserId) -> crate::inbox::InboxParts {
    rows(store, user).await.threads.remove(0)
}

/// Puts the thread in the user's list, at version 1.
async fn listed(store: &SharedStore, user: UserId, thread: ThreadId) {
    let views = vec![ViewChange::Pointer(ThreadPointer { user, thread })];
    append(store, append_with(new_thread(), user, 0, views)).await;
    let row = UserThreadRow {
        version: 1,
        ..UserThreadRow::default()
    };
    let written = store.put_user_thread(user, thread, 0, row).await;
    written.unwrap();
}
