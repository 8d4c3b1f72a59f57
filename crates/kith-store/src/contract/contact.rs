//! Promises of what stands between people.

use super::{Bed, new_user, reopened};
use crate::SharedStore;
use crate::contact::{Between, ContactChange, RequestRow};
use kith_protocol::{Timestamp, UserId};
use std::slice;

pub async fn a_request_is_seen_from_both_sides(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo) = (new_user(), new_user());
    let asked = request(ann, bo, 5);
    change(&store, ContactChange::Ask(asked.clone())).await;
    let from_ann = Between {
        asked: Some(asked.clone()),
        ..Between::default()
    };
    let from_bo = Between {
        asked_by: Some(asked.clone()),
        ..Between::default()
    };
    assert_eq!(store.between(ann, bo).await.unwrap(), from_ann);
    assert_eq!(store.between(bo, ann).await.unwrap(), from_bo);
    for user in [ann, bo] {
        assert_eq!(store.requests(user).await.unwrap(), slice::from_ref(&asked));
        assert_eq!(store.contacts(user).await.unwrap(), []);
    }
    let stranger = store.between(ann, new_user()).await.unwrap();
    assert_eq!(stranger, Between::default());
}

pub async fn friends_are_friends_both_ways_and_their_requests_are_gone(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo) = (new_user(), new_user());
    change(&store, ContactChange::Ask(request(ann, bo, 5))).await;
    change(&store, ContactChange::Ask(request(bo, ann, 6))).await;
    change(&store, befriend(ann, bo, 7)).await;
    for (user, other) in [(ann, bo), (bo, ann)] {
        let friends = Between {
            contact_since: Some(Timestamp(7)),
            ..Between::default()
        };
        assert_eq!(store.between(user, other).await.unwrap(), friends);
        let contacts = store.contacts(user).await.unwrap();
        assert_eq!(contacts, [(other, Timestamp(7))]);
        assert_eq!(store.requests(user).await.unwrap(), []);
    }
}

pub async fn the_first_time_of_a_friendship_counts(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo) = (new_user(), new_user());
    change(&store, befriend(ann, bo, 7)).await;
    change(&store, befriend(bo, ann, 9)).await;
    for (user, other) in [(ann, bo), (bo, ann)] {
        let since = store.between(user, other).await.unwrap().contact_since;
        assert_eq!(since, Some(Timestamp(7)));
    }
}

pub async fn a_declined_request_is_gone_for_both(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo) = (new_user(), new_user());
    let other_way = request(bo, ann, 6);
    change(&store, ContactChange::Ask(request(ann, bo, 5))).await;
    change(&store, ContactChange::Ask(other_way.clone())).await;
    change(&store, ContactChange::Decline { from: ann, to: bo }).await;
    for user in [ann, bo] {
        assert_eq!(
            store.requests(user).await.unwrap(),
            slice::from_ref(&other_way)
        );
    }
    assert_eq!(store.between(ann, bo).await.unwrap().asked, None);
}

pub async fn who_parts_is_no_contact_for_either(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, cy) = (new_user(), new_user(), new_user());
    change(&store, befriend(ann, bo, 1)).await;
    change(&store, befriend(ann, cy, 2)).await;
    change(&store, ContactChange::Part { a: bo, b: ann }).await;
    let contacts = store.contacts(ann).await.unwrap();
    assert_eq!(contacts, [(cy, Timestamp(2))]);
    assert_eq!(store.contacts(bo).await.unwrap(), []);
    // Friends again: from then on.
    change(&store, befriend(ann, bo, 3)).await;
    let since = store.between(ann, bo).await.unwrap().contact_since;
    assert_eq!(since, Some(Timestamp(3)));
}

pub async fn former_contacts_are_told_until_they_are_contacts_again(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, cy, di) = (new_user(), new_user(), new_user(), new_user());
    change(&store, befriend(ann, bo, 1)).await;
    change(&store, befriend(ann, cy, 2)).await;
    assert_eq!(store.former_contacts(ann).await.unwrap(), []);
    change(&store, ContactChange::Part { a: ann, b: bo }).await;
    change(&store, block(cy, ann, 3)).await;
    // Who never was a contact is none afterwards either.
    change(&store, ContactChange::Part { a: ann, b: di }).await;
    let mut both = [bo, cy];
    both.sort();
    assert_eq!(store.former_contacts(ann).await.unwrap(), both);
    for user in both {
        assert_eq!(store.former_contacts(user).await.unwrap(), [ann]);
    }
    change(&store, befriend(bo, ann, 4)).await;
    assert_eq!(store.former_contacts(ann).await.unwrap(), [cy]);
    assert_eq!(store.former_contacts(bo).await.unwrap(), []);
}

pub async fn a_block_is_one_sided_and_takes_the_rest_away(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo) = (new_user(), new_user());
    change(&store, befriend(ann, bo, 1)).await;
    change(&store, ContactChange::Ask(request(ann, bo, 5))).await;
    change(&store, ContactChange::Ask(request(bo, ann, 6))).await;
    change(&store, block(ann, bo, 8)).await;
    let from_ann = Between {
        blocked: Some(Timestamp(8)),
        ..Between::default()
    };
    let from_bo = Between {
        blocked_by: Some(Timestamp(8)),
        ..Between::default()
    };
    assert_eq!(store.between(ann, bo).await.unwrap(), from_ann);
    assert_eq!(store.between(bo, ann).await.unwrap(), from_bo);
    assert_eq!(store.blocks(ann).await.unwrap(), [(bo, Timestamp(8))]);
    assert_eq!(store.blocks(bo).await.unwrap(), []);
    for user in [ann, bo] {
        assert_eq!(store.contacts(user).await.unwrap(), []);
        assert_eq!(store.requests(user).await.unwrap(), []);
    }
    let unblock = |by, whom| ContactChange::Unblock { by, whom };
    change(&store, unblock(bo, ann)).await;
    assert_eq!(store.between(ann, bo).await.unwrap(), from_ann);
    change(&store, unblock(ann, bo)).await;
    assert_eq!(store.between(ann, bo).await.unwrap(), Between::default());
    assert_eq!(store.blocks(ann).await.unwrap(), []);
}

pub async fn the_first_time_of_a_block_counts(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo) = (new_user(), new_user());
    change(&store, block(ann, bo, 8)).await;
    change(&store, block(ann, bo, 9)).await;
    assert_eq!(store.blocks(ann).await.unwrap(), [(bo, Timestamp(8))]);
}

pub async fn requests_come_oldest_first(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, cy, di) = (new_user(), new_user(), new_user(), new_user());
    let rows = [
        request(ann, di, 30),
        request(bo, ann, 10),
        request(ann, cy, 20),
    ];
    for row in &rows {
        change(&store, ContactChange::Ask(row.clone())).await;
    }
    let found = store.requests(ann).await.unwrap();
    let times: Vec<_> = found.iter().map(|row| row.at.0).collect();
    assert_eq!(times, [10, 20, 30]);
    assert_eq!(store.requests(di).await.unwrap(), rows[..1]);
}

pub async fn changes_twice_are_changes_once(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo) = (new_user(), new_user());
    let changes = [
        ContactChange::Ask(request(ann, bo, 5)),
        ContactChange::Decline { from: ann, to: bo },
        befriend(ann, bo, 6),
        ContactChange::Part { a: ann, b: bo },
        block(ann, bo, 7),
        ContactChange::Unblock { by: ann, whom: bo },
    ];
    for one in changes {
        change(&store, one.clone()).await;
        let once = seen(&store, ann, bo).await;
        change(&store, one.clone()).await;
        assert_eq!(seen(&store, ann, bo).await, once, "{one:?}");
    }
}

pub async fn contacts_are_there_after_reopening(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, cy, di) = (new_user(), new_user(), new_user(), new_user());
    change(&store, befriend(ann, bo, 1)).await;
    change(&store, ContactChange::Ask(request(cy, ann, 2))).await;
    change(&store, block(ann, di, 3)).await;
    let mut before = Vec::new();
    for other in [bo, cy, di] {
        before.push(seen(&store, ann, other).await);
    }
    let store = reopened(bed, store).await;
    for (other, before) in [bo, cy, di].into_iter().zip(before) {
        assert_eq!(seen(&store, ann, other).await, before);
    }
}

type Since = Vec<(UserId, Timestamp)>;

/// All that can be seen of two people, from either side.
async fn seen(
    store: &SharedStore,
    a: UserId,
    b: UserId,
) -> Vec<(Between, Since, Vec<RequestRow>, Since)> {
    let mut seen = Vec::new();
    for (user, other) in [(a, b), (b, a)] {
        seen.push((
            store.between(user, other).await.unwrap(),
            store.contacts(user).await.unwrap(),
            store.requests(user).await.unwrap(),
            store.blocks(user).await.unwrap(),
        ));
    }
    seen
}

pub(super) async fn change(store: &SharedStore, change: ContactChange) {
    store.change_contact(change).await.unwrap();
}

pub(super) fn befriend(a: UserId, b: UserId, at: i64) -> ContactChange {
    let at = Timestamp(at);
    ContactChange::Befriend { a, b, at }
}

fn block(by: UserId, whom: UserId, at: i64) -> ContactChange {
    let at = Timestamp(at);
    ContactChange::Block { by, whom, at }
}

fn request(from: UserId, to: UserId, at: i64) -> RequestRow {
    RequestRow {
        from,
        to,
        note: Some("we met at the lake".to_owned()),
        at: Timestamp(at),
    }
}
