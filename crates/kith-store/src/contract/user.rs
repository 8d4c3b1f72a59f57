//! Promises of the accounts.

use super::{Bed, at_once, new_user, reopened};
use crate::SharedStore;
use crate::user::UserRow;
use crate::user_thread::Written;
use kith_protocol::user::Privacy;
use kith_protocol::{Timestamp, UserId};

pub async fn of_many_with_one_handle_one_is_made(bed: &impl Bed) {
    let store = bed.open().await;
    let outcomes = at_once(|_| {
        let (store, row) = (store.clone(), account("ann", "Ann"));
        async move { (row.id, store.create_user(row).await.unwrap()) }
    })
    .await;
    let owner = store.user_of_handle("ann").await.unwrap().unwrap();
    for (id, written) in outcomes {
        let expected = if id == owner {
            Written::Done
        } else {
            Written::Conflict(owner)
        };
        assert_eq!(written, expected);
        let there = store.users(&[id]).await.unwrap()[0].is_some();
        assert_eq!(there, id == owner);
    }
    assert_eq!(store.find_users("ann", 99).await.unwrap(), [owner]);
}

pub async fn a_taken_handle_is_a_conflict_with_its_owner(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = made(&store, "ann", "Ann").await;
    let second = store.create_user(account("ann", "Another Ann")).await;
    assert_eq!(second.unwrap(), Written::Conflict(ann.id));
    assert_eq!(store.find_users("another", 9).await.unwrap(), []);
    assert_eq!(store.user_of_handle("ann").await.unwrap(), Some(ann.id));
    assert_eq!(store.user_of_handle("an").await.unwrap(), None);
    assert_eq!(store.user_of_handle("anne").await.unwrap(), None);
    made(&store, "anne", "Anne").await;
}

pub async fn an_account_is_replaced_at_its_version_only(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = made(&store, "ann", "Ann").await;
    let newer = UserRow {
        version: 2,
        about: "gardens".to_owned(),
        disabled: true,
        ..ann.clone()
    };
    for wrong in [0, 2] {
        let late = store.put_user(wrong, newer.clone()).await.unwrap();
        assert_eq!(late, Written::Conflict(ann.clone()));
    }
    let written = store.put_user(1, newer.clone()).await.unwrap();
    assert_eq!(written, Written::Done);
    let stored = store.users(&[ann.id]).await.unwrap();
    assert_eq!(stored, [Some(newer)]);
}

pub async fn of_many_changes_of_an_account_one_is_done(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = made(&store, "ann", "Ann").await;
    let outcomes = at_once(|n| {
        let store = store.clone();
        let row = UserRow {
            version: 2,
            display_name: format!("Ann{n}"),
            ..ann.clone()
        };
        async move { (row.clone(), store.put_user(1, row).await.unwrap()) }
    })
    .await;
    let stored = store.users(&[ann.id]).await.unwrap()[0].clone().unwrap();
    let done: Vec<_> = outcomes
        .iter()
        .filter(|(_, written)| *written == Written::Done)
        .collect();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].0, stored);
    for (row, _) in &outcomes {
        let found = store.find_users(&row.display_name, 99).await.unwrap();
        let is_exact = row.display_name == stored.display_name;
        // "Ann1" is also found when the name is "Ann12" now.
        let is_prefix = stored.display_name.starts_with(&row.display_name);
        assert_eq!(found == [ann.id], is_exact || is_prefix, "{row:?}");
    }
}

pub async fn a_handle_never_changes(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = made(&store, "ann", "Ann").await;
    let renamed = UserRow {
        version: 2,
        handle: "anna".to_owned(),
        ..ann.clone()
    };
    let written = store.put_user(1, renamed).await;
    assert_ne!(written.ok(), Some(Written::Done));
    assert_eq!(store.users(&[ann.id]).await.unwrap(), [Some(ann)]);
    assert_eq!(store.user_of_handle("anna").await.unwrap(), None);
}

pub async fn accounts_come_in_the_order_asked(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = made(&store, "ann", "Ann").await;
    let bo = made(&store, "bo", "Bo").await;
    let asked = [bo.id, new_user(), ann.id, bo.id];
    let found = store.users(&asked).await.unwrap();
    assert_eq!(found, [Some(bo.clone()), None, Some(ann), Some(bo)]);
}

pub async fn people_are_found_by_handle_first_and_by_words_of_their_name(bed: &impl Bed) {
    let store = bed.open().await;
    let cy = made(&store, "cy", "Bodil  Øst").await.id;
    let bob = made(&store, "bob", "Robert").await.id;
    let bo = made(&store, "bo", "Bo BO Åström").await.id;
    let di = made(&store, "di", "Di Bond").await.id;
    for (prefix, expected) in [
        ("bo", vec![bo, bob, cy, di]),
        ("BO", vec![bo, bob, cy, di]),
        ("bob", vec![bob]),
        ("bon", vec![di]),
        ("rob", vec![bob]),
        ("øS", vec![cy]),
        ("ÅST", vec![bo]),
        ("ond", vec![]),
        ("x", vec![]),
    ] {
        let found = store.find_users(prefix, 99).await.unwrap();
        assert_eq!(found, expected, "{prefix}");
    }
}

pub async fn a_new_name_is_found_and_the_old_one_is_not(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = made(&store, "ann", "Grete Stern").await;
    let renamed = UserRow {
        version: 2,
        display_name: "Grete Fuchs".to_owned(),
        ..ann.clone()
    };
    let written = store.put_user(1, renamed).await.unwrap();
    assert_eq!(written, Written::Done);
    for (prefix, there) in [("grete", true), ("fuchs", true), ("stern", false)] {
        let found = store.find_users(prefix, 9).await.unwrap();
        assert_eq!(found == [ann.id], there, "{prefix}");
    }
}

pub async fn a_search_keeps_its_limit(bed: &impl Bed) {
    let store = bed.open().await;
    let mut handles = Vec::new();
    for n in 0..6 {
        handles.push(made(&store, &format!("ann{n}"), "Someone").await.id);
    }
    for n in 0..6 {
        made(&store, &format!("bo{n}"), "Annika").await;
    }
    for limit in [0, 1, 5, 6, 7, 12, 13] {
        let found = store.find_users("ann", limit).await.unwrap();
        assert_eq!(found.len(), limit.min(12));
        let by_handle = limit.min(6);
        assert_eq!(found[..by_handle], handles[..by_handle]);
    }
}

pub async fn last_seen_never_goes_back(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, cy) = (new_user(), new_user(), new_user());
    let seen = [
        (ann, Timestamp(50)),
        (bo, Timestamp(7)),
        (ann, Timestamp(20)),
    ];
    store.put_last_seen(&seen).await.unwrap();
    store.put_last_seen(&[(ann, Timestamp(30))]).await.unwrap();
    store.put_last_seen(&[(bo, Timestamp(8))]).await.unwrap();
    let found = store.last_seen(&[bo, cy, ann]).await.unwrap();
    assert_eq!(found, [Some(Timestamp(8)), None, Some(Timestamp(50))]);
}

pub async fn accounts_are_there_after_reopening(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = made(&store, "ann", "Ann Ångström").await;
    store
        .put_last_seen(&[(ann.id, Timestamp(9))])
        .await
        .unwrap();
    let store = reopened(bed, store).await;
    assert_eq!(store.users(&[ann.id]).await.unwrap(), [Some(ann.clone())]);
    assert_eq!(store.user_of_handle("ann").await.unwrap(), Some(ann.id));
    assert_eq!(store.find_users("ång", 9).await.unwrap(), [ann.id]);
    let seen = store.last_seen(&[ann.id]).await.unwrap();
    assert_eq!(seen, [Some(Timestamp(9))]);
    let second = store.create_user(account("ann", "Ann")).await.unwrap();
    assert_eq!(second, Written::Conflict(ann.id));
}

pub(super) async fn made(store: &SharedStore, handle: &str, name: &str) -> UserRow {
    let row = account(handle, name);
    let written = store.create_user(row.clone()).await.unwrap();
    assert_eq!(written, Written::<UserId>::Done);
    row
}

fn account(handle: &str, name: &str) -> UserRow {
    UserRow {
        id: new_user(),
        handle: handle.to_owned(),
        version: 1,
        display_name: name.to_owned(),
        about: String::new(),
        created_at: Timestamp(4),
        disabled: false,
        password: "$argon2id$v=19$not-a-hash".to_owned(),
        privacy: Privacy::default(),
    }
}
