//! Promises of sessions and tokens.

use super::{Bed, at_once, new_user, reopened};
use crate::SharedStore;
use crate::session::{SessionChange, SessionRow, TokenState};
use kith_protocol::session::{DeviceKind, EndReason};
use kith_protocol::{SessionId, Timestamp, UserId};
use std::slice;
use uuid::Uuid;

/// When reasons are forgotten.
const FORGET_AT: Timestamp = Timestamp(1_000);

pub async fn a_session_that_begins_is_listed_and_its_token_lives(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    assert_eq!(store.sessions(ann).await.unwrap(), Default::default());
    let mut rows = vec![row(ann), row(ann), row(ann)];
    let mut version = 0;
    for row in rows.iter().rev() {
        assert!(changed(&store, ann, version, Some(row), &[]).await);
        let list = store.sessions(ann).await.unwrap();
        assert!(list.version > version);
        version = list.version;
    }
    rows.sort_by_key(|row| row.id);
    assert_eq!(store.sessions(ann).await.unwrap().sessions, rows);
    for row in rows {
        let state = store.token(&row.token).await.unwrap();
        assert_eq!(state, Some(TokenState::Live(row)));
    }
    assert_eq!(store.token(&[0; 32]).await.unwrap(), None);
    assert_eq!(store.sessions(new_user()).await.unwrap().sessions, []);
}

pub async fn of_many_changes_at_once_one_is_made(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    for _ in 0..3 {
        let before = store.sessions(ann).await.unwrap();
        let (version, count) = (before.version, before.sessions.len());
        let outcomes = at_once(|_| {
            let (store, row) = (store.clone(), row(ann));
            async move {
                (
                    row.clone(),
                    changed(&store, ann, version, Some(&row), &[]).await,
                )
            }
        })
        .await;
        let winners = outcomes.iter().filter(|(_, won)| *won);
        assert_eq!(winners.count(), 1);
        let list = store.sessions(ann).await.unwrap();
        assert_eq!(list.sessions.len(), count + 1);
        for (row, won) in outcomes {
            assert_eq!(list.sessions.contains(&row), won);
            assert_eq!(store.token(&row.token).await.unwrap().is_some(), won);
        }
    }
}

pub async fn a_change_on_an_old_list_writes_nothing(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    let (first, second) = (row(ann), row(ann));
    assert!(changed(&store, ann, 0, Some(&first), &[]).await);
    let list = store.sessions(ann).await.unwrap();
    for wrong in [0, list.version + 1] {
        let end = [(first.id, EndReason::SignedOut)];
        assert!(!changed(&store, ann, wrong, Some(&second), &end).await);
    }
    assert_eq!(store.sessions(ann).await.unwrap(), list);
    assert_eq!(store.token(&second.token).await.unwrap(), None);
    let state = store.token(&first.token).await.unwrap();
    assert_eq!(state, Some(TokenState::Live(first)));
}

pub async fn the_token_of_an_ended_session_says_why(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    let (phone, web) = (row(ann), row(ann));
    assert!(changed(&store, ann, 0, Some(&phone), &[]).await);
    let version = store.sessions(ann).await.unwrap().version;
    assert!(changed(&store, ann, version, Some(&web), &[]).await);
    end(&store, &phone, EndReason::SignedOut).await;
    assert_eq!(
        store.token(&phone.token).await.unwrap(),
        Some(ended(ann, EndReason::SignedOut))
    );
    assert_eq!(store.sessions(ann).await.unwrap().sessions, [web]);
    // A session that is not there does not end again.
    end(&store, &phone, EndReason::Replaced).await;
    let state = store.token(&phone.token).await.unwrap();
    assert_eq!(state, Some(ended(ann, EndReason::SignedOut)));
}

pub async fn one_change_can_replace_a_session(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    let (old, new) = (row(ann), row(ann));
    assert!(changed(&store, ann, 0, Some(&old), &[]).await);
    let version = store.sessions(ann).await.unwrap().version;
    let end = [(old.id, EndReason::Replaced)];
    assert!(changed(&store, ann, version, Some(&new), &end).await);
    assert_eq!(
        store.sessions(ann).await.unwrap().sessions,
        slice::from_ref(&new)
    );
    let state = store.token(&old.token).await.unwrap();
    assert_eq!(state, Some(ended(ann, EndReason::Replaced)));
    let state = store.token(&new.token).await.unwrap();
    assert_eq!(state, Some(TokenState::Live(new)));
}

pub async fn touching_reaches_living_sessions_only(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    let (living, dead) = (row(ann), row(ann));
    assert!(changed(&store, ann, 0, Some(&dead), &[]).await);
    end(&store, &dead, EndReason::SignedOut).await;
    let version = store.sessions(ann).await.unwrap().version;
    assert!(changed(&store, ann, version, Some(&living), &[]).await);
    let version = store.sessions(ann).await.unwrap().version;
    let touch = |id| {
        let address = "203.0.113.9".to_owned();
        (ann, id, Timestamp(60), Timestamp(90), address)
    };
    let unknown = SessionId(Uuid::now_v7());
    let touched = [touch(living.id), touch(dead.id), touch(unknown)];
    store.touch_sessions(&touched).await.unwrap();
    let expected = SessionRow {
        last_seen_at: Timestamp(60),
        expires_at: Timestamp(90),
        address: "203.0.113.9".to_owned(),
        ..living.clone()
    };
    let list = store.sessions(ann).await.unwrap();
    assert_eq!(list.sessions, slice::from_ref(&expected));
    let state = store.token(&living.token).await.unwrap();
    assert_eq!(state, Some(TokenState::Live(expected)));
    let state = store.token(&dead.token).await.unwrap();
    assert_eq!(state, Some(ended(ann, EndReason::SignedOut)));
    // Being used is no change of the list: a sign-in at the same time is not refused for it.
    assert_eq!(list.version, version);
}

pub async fn ended_tokens_are_forgotten_when_it_is_time(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    let rows: Vec<_> = (0..3).map(|_| row(ann)).collect();
    for (version, row) in (0..).zip(&rows) {
        let version = version.max(store.sessions(ann).await.unwrap().version);
        assert!(changed(&store, ann, version, Some(row), &[]).await);
    }
    for row in &rows[..2] {
        end(&store, row, EndReason::SignedOut).await;
    }
    let mut ended_ids: Vec<_> = rows[..2].iter().map(|row| row.id).collect();
    ended_ids.sort();
    assert_eq!(store.sessions(ann).await.unwrap().ended, ended_ids);
    let before = Timestamp(FORGET_AT.0 - 1);
    assert_eq!(store.forget_tokens(before).await.unwrap(), 0);
    let state = store.token(&rows[0].token).await.unwrap();
    assert_eq!(state, Some(ended(ann, EndReason::SignedOut)));
    assert_eq!(store.forget_tokens(FORGET_AT).await.unwrap(), 2);
    assert_eq!(store.forget_tokens(FORGET_AT).await.unwrap(), 0);
    assert_eq!(store.sessions(ann).await.unwrap().ended, []);
    for row in &rows[..2] {
        assert_eq!(store.token(&row.token).await.unwrap(), None);
    }
    let state = store.token(&rows[2].token).await.unwrap();
    assert_eq!(state, Some(TokenState::Live(rows[2].clone())));
}

pub async fn sessions_are_there_after_reopening(bed: &impl Bed) {
    let store = bed.open().await;
    let ann = new_user();
    let (living, dead) = (row(ann), row(ann));
    assert!(changed(&store, ann, 0, Some(&dead), &[]).await);
    end(&store, &dead, EndReason::Replaced).await;
    let version = store.sessions(ann).await.unwrap().version;
    assert!(changed(&store, ann, version, Some(&living), &[]).await);
    let before = store.sessions(ann).await.unwrap();
    let store = reopened(bed, store).await;
    assert_eq!(store.sessions(ann).await.unwrap(), before);
    let state = store.token(&living.token).await.unwrap();
    assert_eq!(state, Some(TokenState::Live(living)));
    let state = store.token(&dead.token).await.unwrap();
    assert_eq!(state, Some(ended(ann, EndReason::Replaced)));
    assert_eq!(store.forget_tokens(FORGET_AT).await.unwrap(), 1);
}

/// One session that lives and one that has ended.
pub(super) async fn begun_and_ended(store: &SharedStore, user: UserId) {
    let (living, dead) = (row(user), row(user));
    assert!(changed(store, user, 0, Some(&living), &[]).await);
    assert!(changed(store, user, 1, Some(&dead), &[]).await);
    end(store, &dead, EndReason::Replaced).await;
}

pub(super) async fn changed(
    store: &SharedStore,
    user: UserId,
    expected_version: u64,
    begin: Option<&SessionRow>,
    end: &[(SessionId, EndReason)],
) -> bool {
    let change = SessionChange {
        user,
        expected_version,
        begin: begin.cloned(),
        end: end.to_vec(),
        forget_at: FORGET_AT,
    };
    store.change_sessions(change).await.unwrap()
}

pub(super) async fn end(store: &SharedStore, row: &SessionRow, reason: EndReason) {
    let version = store.sessions(row.user).await.unwrap().version;
    assert!(changed(store, row.user, version, None, &[(row.id, reason)]).await);
}

fn ended(user: UserId, reason: EndReason) -> TokenState {
    TokenState::Ended {
        user,
        reason,
        forget_at: FORGET_AT,
    }
}

pub(super) fn row(user: UserId) -> SessionRow {
    let mut token = [0; 32];
    token[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    SessionRow {
        id: SessionId(Uuid::now_v7()),
        user,
        token,
        kind: DeviceKind::Phone,
        label: "ann's phone".to_owned(),
        created_at: Timestamp(1),
        last_seen_at: Timestamp(2),
        expires_at: Timestamp(3),
        address: "192.0.2.1".to_owned(),
    }
}
