//! Sync: what changed since a cursor is told, however the cursor is used, and nothing is passed over.

use crate::support::talk::{Chance, SOON, deletion, edit, inbox, refused_field, text};
use crate::support::{PASSWORD, Server};
use kith_client::{Api, Session, credentials};
use kith_protocol::contact::AskContact;
use kith_protocol::session::DeviceKind;
use kith_protocol::sync::{
    DigestRow, SYNC_ROWS_MAX, Sync, SyncContact, SyncQuery, SyncSession, SyncThread, digest,
};
use kith_protocol::thread::{PatchMine, PatchThread};
use kith_protocol::user::PatchMe;
use kith_protocol::{ErrorCode, SessionId, ThreadId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

async fn since(api: &Api, cursor: &str) -> Sync {
    let query = SyncQuery {
        cursor: Some(cursor.to_owned()),
        ..SyncQuery::default()
    };
    api.sync(query).await.unwrap()
}

async fn from_nothing(api: &Api) -> Sync {
    api.sync(SyncQuery::default()).await.unwrap()
}

/// Rows in it, the account aside.
fn count(sync: &Sync) -> usize {
    sync.threads.len() + sync.contacts.len() + sync.sessions.len()
}

fn is_empty(sync: &Sync) -> bool {
    count(sync) == 0 && sync.me.is_none()
}

/// Threads that it has rows of, with their last seq.
fn heads(sync: &Sync) -> BTreeMap<ThreadId, u64> {
    let rows = sync.threads.iter().filter_map(|row| match row {
        SyncThread::Row(row) => Some((row.thread.id, row.head.last_seq)),
        SyncThread::Gone { .. } => None,
    });
    rows.collect()
}

fn gone(sync: &Sync) -> Vec<(ThreadId, u64)> {
    let rows = sync.threads.iter().filter_map(|row| match row {
        SyncThread::Gone { id, left_seq, .. } => Some((*id, *left_seq)),
        SyncThread::Row(_) => None,
    });
    rows.collect()
}

/// What a client knows that does nothing but sync.
#[derive(Default)]
struct Known {
    cursor: Option<String>,
    threads: BTreeMap<ThreadId, DigestRow>,
    contacts: BTreeSet<UserId>,
    sessions: BTreeSet<SessionId>,
    pages: usize,
    full_pages: usize,
}

impl Known {
    /// Syncs to the end; gives the digest.
    async fn catch_up(&mut self, api: &Api) -> String {
        let mut before_full = true;
        loop {
            let query = SyncQuery {
                cursor: self.cursor.take(),
                digest: Some(1),
                wait_s: None,
            };
            let answer = api.sync(query).await.unwrap();
            assert!(count(&answer) <= SYNC_ROWS_MAX);
            self.pages += 1;
            if answer.full {
                self.full_pages += 1;
                if std::mem::take(&mut before_full) {
                    (self.threads, self.contacts, self.sessions) = Default::default();
                }
            }
            self.take(&answer);
            self.cursor = Some(answer.cursor.clone());
            assert_eq!(answer.more, answer.digest.is_none(), "with the last page");
            if let Some(digest) = answer.digest {
                return digest;
            }
        }
    }

    fn take(&mut self, answer: &Sync) {
        for row in &answer.threads {
            match row {
                SyncThread::Row(row) => {
                    let known = DigestRow {
                        thread: row.thread.id,
                        last_seq: row.head.last_seq,
                        read_seq: row.mine.read_seq,
                        version: row.mine.version,
                    };
                    self.threads.insert(row.thread.id, known);
                }
                SyncThread::Gone { id, gone, .. } => {
                    assert!(gone);
                    self.threads.remove(id);
                }
            }
        }
        for row in &answer.contacts {
            match row {
                SyncContact::Row(contact) => self.contacts.insert(contact.user.id),
                SyncContact::Gone { user_id, .. } => self.contacts.remove(user_id),
            };
        }
        for row in &answer.sessions {
            match row {
                SyncSession::Row(session) => self.sessions.insert(session.id),
                SyncSession::Gone { session_id, .. } => self.sessions.remove(session_id),
            };
        }
    }

    fn digest(&self) -> String {
        digest(&mut self.threads.values().copied().collect::<Vec<_>>())
    }

    /// Catches up, and holds what it knows against the other calls.
    async fn agrees(&mut self, api: &Api) {
        let told = self.catch_up(api).await;
        assert_eq!(told, self.digest());
        let rows = inbox(api).await;
        let shown: BTreeMap<ThreadId, u64> = rows
            .iter()
            .map(|row| (row.thread.id, row.head.last_seq))
            .collect();
        let known = self.threads.iter();
        assert_eq!(
            known
                .map(|(id, row)| (*id, row.last_seq))
                .collect::<BTreeMap<_, _>>(),
            shown
        );
        let contacts = api.contacts().await.unwrap().items;
        let contacts: BTreeSet<UserId> = contacts.iter().map(|contact| contact.user.id).collect();
        assert_eq!(self.contacts, contacts);
        let sessions = api.sessions().await.unwrap().items;
        let sessions: BTreeSet<SessionId> = sessions.iter().map(|session| session.id).collect();
        assert_eq!(self.sessions, sessions);
    }
}

async fn befriend(a: &Session, b: &Session) {
    let ask = AskContact {
        user_id: b.id(),
        note: None,
    };
    let request = a.ask_contact(&ask).await.unwrap();
    b.accept_contact(request.id).await.unwrap();
}

#[tokio::test]
async fn the_first_answer_is_full_and_the_next_is_empty_until_something_changes() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let quiet = ann.group("quiet", &[bo.id()]).await.unwrap().thread.id;
    let first = from_nothing(&ann).await;
    assert!(first.full && !first.more && first.digest.is_none());
    assert_eq!(heads(&first).keys().len(), 2);
    assert_eq!(first.me.as_ref().unwrap().user.id, ann.id());
    assert_eq!(first.sessions.len(), 1);
    let next = since(&ann, &first.cursor).await;
    assert!(is_empty(&next) && !next.full && !next.more);
    bo.send(room, text("x")).await.unwrap();
    // The same cursor again and again, and an older one after a newer one.
    for _ in 0..3 {
        for cursor in [&first.cursor, &next.cursor] {
            let told = since(&ann, cursor).await;
            assert!(!told.full);
            assert_eq!(heads(&told).get(&room), Some(&2));
            assert_eq!(told.sessions.len() + told.contacts.len(), 0);
        }
    }
    let newest = since(&ann, &next.cursor).await.cursor;
    assert!(is_empty(&since(&ann, &newest).await));
    assert!(!is_empty(&since(&ann, &first.cursor).await));
    assert!(heads(&first).contains_key(&quiet));
}

#[tokio::test]
async fn everything_that_a_row_shows_of_the_log_and_of_the_user_is_a_change() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let cy = server.join("cyril").await;
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    let mut cursor = from_nothing(&ann).await.cursor;
    for step in 0..11 {
        match step {
            0 => drop(bo.send(room, text("x")).await.unwrap()),
            1 => drop(bo.edit(room, 2, edit("y")).await.unwrap()),
            2 => bo.react(room, 2, "👍").await.unwrap(),
            3 => drop(ann.read(room, 2).await.unwrap()),
            4 => drop(ann.delivered(room, 4).await.unwrap()),
            5 => {
                let pinned = PatchMine {
                    pinned: Some(true),
                    ..PatchMine::default()
                };
                drop(ann.patch_mine(room, &pinned).await.unwrap());
            }
            6 => drop(bo.read(room, 4).await.unwrap()),
            7 => {
                let title = PatchThread {
                    title: Some("new".into()),
                    settings: None,
                };
                drop(ann.patch_thread(room, &title).await.unwrap());
            }
            8 => ann.add_members(room, &[cy.id()]).await.unwrap(),
            9 => bo.remove_member(room, bo.id()).await.unwrap(),
            _ => drop(ann.delete(room, 2, deletion()).await.unwrap()),
        }
        let told = since(&ann, &cursor).await;
        assert_eq!(heads(&told).len(), 1, "step {step}");
        assert!(told.me.is_none());
        cursor = told.cursor;
        assert!(is_empty(&since(&ann, &cursor).await), "step {step}");
    }
    let about = PatchMe {
        about: Some("new".into()),
        ..PatchMe::default()
    };
    ann.patch_me(&about).await.unwrap();
    let told = since(&ann, &cursor).await;
    assert_eq!(told.me.unwrap().user.about, "new");
    assert_eq!(told.threads.len(), 0);
}

#[tokio::test]
async fn a_cursor_of_somebody_else_or_of_another_make_means_full_and_garbage_is_refused() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    ann.direct(bo.id()).await.unwrap();
    let own = from_nothing(&ann).await.cursor;
    let foreign = from_nothing(&bo).await.cursor;
    assert!(own.len() <= 512);
    let told = since(&ann, &foreign).await;
    assert!(told.full && heads(&told).len() == 1);
    // Well formed, but not one of today's.
    for old in ["AAAA", &own[..40]] {
        assert!(since(&ann, old).await.full, "{old}");
    }
    let endless = "A".repeat(513);
    for garbage in ["!", "a b", "ä", &endless] {
        let query = SyncQuery {
            cursor: Some(garbage.to_owned()),
            ..SyncQuery::default()
        };
        let refusal = refused_field(ann.sync(query).await);
        assert_eq!(refusal, (ErrorCode::InvalidField, "cursor".into()));
    }
    let too_long = SyncQuery {
        wait_s: Some(31),
        ..SyncQuery::default()
    };
    let refusal = refused_field(ann.sync(too_long).await);
    assert_eq!(refusal, (ErrorCode::InvalidField, "wait_s".into()));
    let digest = SyncQuery {
        digest: Some(2),
        ..SyncQuery::default()
    };
    assert_eq!(refused_field(ann.sync(digest).await).1, "digest");
    // Another session of the same user may go on with it, and so may the server after a restart.
    let request = credentials("ann", PASSWORD, DeviceKind::Desktop);
    let ann_too = server.api().login(&request).await.unwrap();
    let told = since(&ann_too, &own).await;
    assert!(!told.full && told.threads.is_empty());
    let server = server.restarted().await;
    let told = since(&server.again(&ann), &own).await;
    assert!(!told.full && told.threads.is_empty());
}

#[tokio::test]
async fn who_was_removed_or_left_is_told_that_it_is_gone_and_since_when() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let one = ann.group("one", &[bo.id()]).await.unwrap().thread.id;
    let two = ann.group("two", &[bo.id()]).await.unwrap().thread.id;
    let cursor = from_nothing(&bo).await.cursor;
    ann.send(one, text("x")).await.unwrap();
    ann.remove_member(one, bo.id()).await.unwrap();
    bo.remove_member(two, bo.id()).await.unwrap();
    ann.send(one, text("y")).await.unwrap();
    let told = since(&bo, &cursor).await;
    let mut of = gone(&told);
    of.sort();
    let mut expected = vec![(one, 3), (two, 2)];
    expected.sort();
    assert_eq!(of, expected);
    assert!(heads(&told).is_empty());
    let after = told.cursor;
    ann.send(one, text("z")).await.unwrap();
    assert!(
        is_empty(&since(&bo, &after).await),
        "the rest is not for ex-members"
    );
    assert!(
        gone(&from_nothing(&bo).await).is_empty(),
        "who knows nothing forgets nothing"
    );
    ann.add_members(one, &[bo.id()]).await.unwrap();
    assert_eq!(heads(&since(&bo, &after).await).get(&one), Some(&6));
    let back = since(&bo, &cursor).await;
    assert_eq!(
        heads(&back).get(&one),
        Some(&6),
        "an old cursor sees where it came to"
    );
}

#[tokio::test]
async fn contacts_and_sessions_come_and_go() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let cy = server.join("cyril").await;
    let mut known = Known::default();
    known.agrees(&ann).await;
    befriend(&ann, &bo).await;
    befriend(&cy, &ann).await;
    known.agrees(&ann).await;
    assert_eq!(known.contacts.len(), 2);
    let request = credentials("ann", PASSWORD, DeviceKind::Desktop);
    let ann_too = server.api().login(&request).await.unwrap();
    let third = server.api().login(&request).await.unwrap();
    known.agrees(&ann).await;
    assert_eq!(known.sessions.len(), 3);
    ann.part(bo.id()).await.unwrap();
    cy.block(ann.id()).await.unwrap();
    third.logout().await.unwrap();
    known.agrees(&ann).await;
    assert_eq!((known.contacts.len(), known.sessions.len()), (0, 2));
    befriend(&ann, &bo).await;
    ann.end_session(ann_too.session.id).await.unwrap();
    known.agrees(&ann).await;
    assert_eq!((known.contacts.len(), known.sessions.len()), (1, 1));
    assert_eq!(known.full_pages, 1, "only the first one was full");
    let name = PatchMe {
        display_name: Some("Boris the second".into()),
        ..PatchMe::default()
    };
    bo.patch_me(&name).await.unwrap();
    let told = since(&ann, known.cursor.as_ref().unwrap()).await;
    let renamed = |row: &SyncContact| matches!(row, SyncContact::Row(contact) if contact.user.display_name == "Boris the second");
    assert!(told.contacts.iter().any(renamed));
}

#[tokio::test]
async fn more_than_two_hundred_rows_come_in_pages_and_changes_meanwhile_are_not_lost() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let mut rooms = Vec::new();
    for n in 0..430 {
        let row = ann.group(&format!("room {n}"), &[bo.id()]).await.unwrap();
        rooms.push(row.thread.id);
    }
    let mut chance = Chance(3);
    for changes in [false, true] {
        let mut known = Known::default();
        let mut answer = from_nothing(&bo).await;
        let mut pages = 1;
        while answer.more {
            assert!(answer.full, "stands on every page");
            assert_eq!(count(&answer), SYNC_ROWS_MAX);
            known.take(&answer);
            if changes {
                for _ in 0..3 {
                    ann.send(*chance.pick(&rooms), text("x")).await.unwrap();
                }
                let room = rooms.swap_remove(chance.below(rooms.len()));
                ann.remove_member(room, bo.id()).await.unwrap();
                let new = ann.group("new", &[bo.id()]).await.unwrap().thread.id;
                rooms.push(new);
            }
            let cursor = answer.cursor.clone();
            answer = since(&bo, &cursor).await;
            let again = since(&bo, &cursor).await;
            assert_eq!(heads(&answer), heads(&again), "repeatable");
            pages += 1;
            assert!(pages < 20, "it comes to an end");
        }
        assert!(answer.full && pages >= 3);
        known.take(&answer);
        known.cursor = Some(answer.cursor);
        // Rows that went while the list was taken may only be told afterwards.
        known.agrees(&bo).await;
    }
}

#[tokio::test]
async fn the_digest_is_of_all_present_threads_archived_ones_too() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let mut known = Known::default();
    let none = known.catch_up(&bo).await;
    assert_eq!(
        (none.as_str(), none.len()),
        ("e3b0c44298fc1c14", 16),
        "of no rows"
    );
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let away = ann.group("away", &[bo.id()]).await.unwrap().thread.id;
    let left = ann.group("left", &[bo.id()]).await.unwrap().thread.id;
    let archived = PatchMine {
        archived: Some(true),
        ..PatchMine::default()
    };
    bo.patch_mine(away, &archived).await.unwrap();
    bo.remove_member(left, bo.id()).await.unwrap();
    known.agrees(&bo).await;
    assert_eq!(known.threads.len(), 2);
    let mut digests = BTreeSet::new();
    for step in 0..3 {
        match step {
            0 => drop(ann.send(room, text("x")).await.unwrap()),
            1 => drop(bo.read(room, 2).await.unwrap()),
            _ => {
                let pinned = PatchMine {
                    pinned: Some(true),
                    ..PatchMine::default()
                };
                drop(bo.patch_mine(room, &pinned).await.unwrap());
            }
        }
        digests.insert(known.catch_up(&bo).await);
        assert!(digests.contains(&known.digest()));
    }
    assert_eq!(
        digests.len(),
        3,
        "head, read mark and version are all in it"
    );
    let without = from_nothing(&bo).await;
    assert!(without.digest.is_none(), "only when asked for");
}

/// Waits until one more call sleeps at the server.
async fn until_it_waits(server: &Server, before: usize) {
    while server.clock.sleepers() <= before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_waiting_call_is_answered_by_what_happens_and_by_nothing_else() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let cy = server.join("cyril").await;
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let mut cursor = from_nothing(&ann).await.cursor;
    for step in 0..7 {
        let query = SyncQuery {
            cursor: Some(cursor.clone()),
            wait_s: Some(30),
            digest: None,
        };
        let before = server.clock.sleepers();
        let waiting = tokio::spawn({
            let ann = ann.clone();
            async move { ann.sync(query).await.unwrap() }
        });
        until_it_waits(&server, before).await;
        assert!(!waiting.is_finished());
        match step {
            0 => drop(bo.send(room, text("x")).await.unwrap()),
            1 => drop(ann.read(room, 2).await.unwrap()),
            2 => drop(cy.group("new", &[ann.id()]).await.unwrap()),
            3 => befriend(&ann, &bo).await,
            4 => {
                let about = PatchMe {
                    about: Some("me".into()),
                    ..PatchMe::default()
                };
                drop(ann.patch_me(&about).await.unwrap());
            }
            5 => {
                let room = cy.group("again", &[ann.id()]).await.unwrap().thread.id;
                cy.remove_member(room, ann.id()).await.unwrap();
            }
            _ => bo.block(ann.id()).await.unwrap(),
        }
        // The clock stands still: only the change itself can wake it.
        let told = tokio::time::timeout(SOON, waiting).await;
        let told = told.expect("it wakes").unwrap();
        assert!(!is_empty(&told), "step {step}");
        cursor = told.cursor;
        // A second change may follow the first one.
        cursor = since(&ann, &cursor).await.cursor;
    }
    let before = server.clock.sleepers();
    let query = SyncQuery {
        cursor: Some(cursor.clone()),
        wait_s: Some(12),
        digest: Some(1),
    };
    let waiting = tokio::spawn({
        let ann = ann.clone();
        async move { ann.sync(query).await.unwrap() }
    });
    until_it_waits(&server, before).await;
    bo.send(
        bo.group("elsewhere", &[]).await.unwrap().thread.id,
        text("x"),
    )
    .await
    .unwrap();
    server.pass(Duration::from_secs(11)).await;
    assert!(!waiting.is_finished());
    server.pass(Duration::from_secs(1)).await;
    let told = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    assert!(is_empty(&told) && told.digest.is_some());
    // With something to tell it does not wait.
    let first = ann.sync(SyncQuery {
        wait_s: Some(30),
        ..SyncQuery::default()
    });
    let told = tokio::time::timeout(SOON, first).await.unwrap().unwrap();
    assert!(told.full);
}

#[tokio::test]
async fn a_new_session_is_told_to_a_waiting_call() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let cursor = from_nothing(&ann).await.cursor;
    let before = server.clock.sleepers();
    let waiting = tokio::spawn({
        let ann = ann.clone();
        let query = SyncQuery {
            cursor: Some(cursor),
            wait_s: Some(30),
            digest: None,
        };
        async move { ann.sync(query).await.unwrap() }
    });
    until_it_waits(&server, before).await;
    let request = credentials("ann", PASSWORD, DeviceKind::Desktop);
    let ann_too = server.api().login(&request).await.unwrap();
    let told = tokio::time::timeout(SOON, waiting).await.expect("it wakes");
    let told = told.unwrap();
    let is_new = |row: &SyncSession| matches!(row, SyncSession::Row(session) if session.id == ann_too.session.id);
    assert!(told.sessions.iter().any(is_new));
}

#[tokio::test]
async fn what_was_acknowledged_before_the_call_is_in_the_answer() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let mut rooms = Vec::new();
    for n in 0..12 {
        let row = ann.group(&format!("room {n}"), &[bo.id()]).await.unwrap();
        rooms.push(row.thread.id);
    }
    let mut cursors = vec![from_nothing(&bo).await.cursor];
    let mut chance = Chance(11);
    let mut heads_now: BTreeMap<ThreadId, u64> = rooms.iter().map(|room| (*room, 1)).collect();
    for _ in 0..60 {
        let room = *chance.pick(&rooms);
        let seq = if chance.below(2) == 0 {
            ann.send(room, text("x")).await.unwrap().seq
        } else {
            ann.socket.send(room, text("y")).await.unwrap().seq
        };
        heads_now.insert(room, seq);
        // Any cursor from before tells it: what it leads to is where all threads are now.
        let cursor = chance.pick(&cursors).clone();
        let told = since(&bo, &cursor).await;
        assert_eq!(heads(&told).get(&room), Some(&seq));
        for (room, last_seq) in heads(&told) {
            assert_eq!(heads_now[&room], last_seq);
        }
        cursors.push(told.cursor);
    }
}
