//! Random histories on the embedded engine and on a naive model in memory: both must always tell the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use kith_protocol::entry::EntryKind;
use kith_protocol::{ClientMsgId, SessionId, ThreadId, Timestamp, UserId};
use kith_store::SharedStore;
use kith_store::contact::ContactChange;
use kith_store::embedded::{EmbeddedConfig, open};
use kith_store::log::{Append, Appended, Body, EntryRow, Span};
use kith_store::thread::{ReadMark, ViewChange};
use kith_store::user_thread::{ThreadPointer, UserThreadRow, Written};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use uuid::Uuid;

/// One thing that happens. Threads, people and sessions are small numbers, so that they meet.
#[derive(Clone, Debug)]
enum Step {
    Append {
        thread: u8,
        /// How far the writer's last seq is off.
        behind: u64,
        count: u64,
        erase: Vec<u64>,
        views: Vec<View>,
    },
    Read(u8, u8, u64),
    Delivered(u8, u8, u8, u64),
    Settings(u8, u8, u64),
    Befriend(u8, u8),
    Part(u8, u8),
    Purge,
    Reopen,
}

#[derive(Clone, Debug)]
enum View {
    Reaction(u8, u64, bool),
    Mention(u8, u64, bool),
    Deleted(u64),
    Pointer(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let view = prop_oneof![
        (0..3u8, 1..9u64, any::<bool>()).prop_map(|(u, s, set)| View::Reaction(u, s, set)),
        (0..3u8, 1..9u64, any::<bool>()).prop_map(|(u, s, set)| View::Mention(u, s, set)),
        (1..9u64).prop_map(View::Deleted),
        (0..3u8).prop_map(View::Pointer),
    ];
    let append = (
        0..3u8,
        prop_oneof![6 => Just(0), 1 => 1..4u64],
        1..6u64,
        prop::collection::vec(1..20u64, 0..3),
        prop::collection::vec(view, 0..4),
    )
        .prop_map(|(thread, behind, count, erase, views)| Step::Append {
            thread,
            behind,
            count,
            erase,
            views,
        });
    prop_oneof![
        12 => append,
        3 => (0..3u8, 0..3u8, 0..30u64).prop_map(|(t, u, s)| Step::Read(t, u, s)),
        3 => (0..3u8, 0..3u8, 0..2u8, 0..30u64).prop_map(|(t, u, d, s)| Step::Delivered(t, u, d, s)),
        3 => (0..3u8, 0..3u8, 0..3u64).prop_map(|(t, u, v)| Step::Settings(t, u, v)),
        2 => (0..3u8, 0..3u8).prop_map(|(a, b)| Step::Befriend(a, b)),
        1 => (0..3u8, 0..3u8).prop_map(|(a, b)| Step::Part(a, b)),
        1 => Just(Step::Reopen),
    ]
}

/// Histories of plain steps with at most one purge, which takes a while.
fn history() -> impl Strategy<Value = Vec<Step>> {
    (
        prop::collection::vec(step(), 1..40),
        any::<prop::sample::Index>(),
        0..8u8,
    )
        .prop_map(|(mut steps, at, purge)| {
            if purge == 0 {
                steps.insert(at.index(steps.len()), Step::Purge);
            }
            steps
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_tells_what_the_model_tells(steps in history()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut store = opened(folder.path());
            let mut model = Model::default();
            for step in &steps {
                store = run(folder.path(), store, &mut model, step).await;
            }
            model.compare(&store).await;
            store.close();
            model.compare(&opened(folder.path())).await;
        });
    }
}

/// What there should be, in the plainest shape.
#[derive(Default)]
struct Model {
    logs: BTreeMap<u8, Vec<EntryRow>>,
    reactions: BTreeSet<(u8, u8, u64)>,
    mentions: BTreeSet<(u8, u8, u64)>,
    deletions: BTreeSet<(u8, u64)>,
    settings: BTreeMap<(u8, u8), UserThreadRow>,
    read: BTreeMap<(u8, u8), u64>,
    delivered: BTreeMap<(u8, u8), u64>,
    contacts: BTreeSet<(u8, u8)>,
}

async fn run(folder: &Path, store: SharedStore, model: &mut Model, step: &Step) -> SharedStore {
    match step {
        Step::Append {
            thread,
            behind,
            count,
            erase,
            views,
        } => {
            model
                .append(&store, *thread, *behind, *count, erase, views)
                .await
        }
        Step::Read(thread, user, seq) => {
            let stands = model.read.entry((*thread, *user)).or_default();
            *stands = (*stands).max(*seq);
            let merged = store
                .put_read(thread_id(*thread), user_id(*user), read(*seq))
                .await;
            assert_eq!(merged.unwrap(), read(*stands));
        }
        Step::Delivered(thread, user, session, seq) => {
            let stands = model.delivered.entry((*thread, *user)).or_default();
            *stands = (*stands).max(*seq);
            let session = SessionId(Uuid::from_u128(u128::from(*session)));
            let mark = (thread_id(*thread), user_id(*user), session, *seq);
            store.put_delivered(&[mark]).await.unwrap();
        }
        Step::Settings(thread, user, version) => {
            let there = model.settings.get(&(*thread, *user)).cloned();
            let there = there.unwrap_or_default();
            let row = UserThreadRow {
                version: version + 1,
                pinned: true,
                ..UserThreadRow::default()
            };
            let written = store
                .put_user_thread(user_id(*user), thread_id(*thread), *version, row.clone())
                .await
                .unwrap();
            if there.version == *version {
                assert_eq!(written, Written::Done);
                model.settings.insert((*thread, *user), row);
            } else {
                assert_eq!(written, Written::Conflict(there));
            }
        }
        Step::Befriend(a, b) => {
            model.contacts.extend([(*a, *b), (*b, *a)]);
            let (a, b, at) = (user_id(*a), user_id(*b), Timestamp(1));
            let change = ContactChange::Befriend { a, b, at };
            store.change_contact(change).await.unwrap();
        }
        Step::Part(a, b) => {
            model.contacts.remove(&(*a, *b));
            model.contacts.remove(&(*b, *a));
            let (a, b) = (user_id(*a), user_id(*b));
            store
                .change_contact(ContactChange::Part { a, b })
                .await
                .unwrap();
        }
        Step::Purge => store.purge_erased().await.unwrap(),
        Step::Reopen => {
            store.close();
            drop(store);
            return opened(folder);
        }
    }
    store
}

impl Model {
    async fn append(
        &mut self,
        store: &SharedStore,
        thread: u8,
        behind: u64,
        count: u64,
        erase: &[u64],
        views: &[View],
    ) {
        let last_seq = self.logs.get(&thread).map_or(0, Vec::len) as u64;
        let expected_last_seq = last_seq.saturating_sub(behind);
        let entries: Vec<_> = (1..=count).map(|n| entry(expected_last_seq + n)).collect();
        let append = Append {
            thread: thread_id(thread),
            expected_last_seq,
            entries: entries.clone(),
            views: views.iter().map(|view| change(thread, view)).collect(),
            erase: erase.to_vec(),
        };
        let outcome = store.append(append).await.unwrap();
        if expected_last_seq != last_seq {
            assert_eq!(outcome, Appended::Conflict { last_seq });
            return;
        }
        assert_eq!(outcome, Appended::Done);
        let log = self.logs.entry(thread).or_default();
        log.extend(entries);
        for seq in erase {
            if let Some(entry) = log.get_mut(*seq as usize - 1) {
                entry.erased = true;
                entry.body = Body::default();
            }
        }
        for view in views {
            self.view(thread, view);
        }
    }

    fn view(&mut self, thread: u8, view: &View) {
        match *view {
            View::Reaction(user, seq, true) => drop(self.reactions.insert((thread, user, seq))),
            View::Reaction(user, seq, false) => drop(self.reactions.remove(&(thread, user, seq))),
            View::Mention(user, seq, true) => drop(self.mentions.insert((thread, user, seq))),
            View::Mention(user, seq, false) => drop(self.mentions.remove(&(thread, user, seq))),
            View::Deleted(seq) => drop(self.deletions.insert((thread, seq))),
            View::Pointer(user) => drop(self.settings.entry((thread, user)).or_default()),
        }
    }

    async fn compare(&self, store: &SharedStore) {
        for thread in 0..3 {
            self.compare_log(store, thread).await;
            for user in 0..3 {
                self.compare_views(store, thread, user).await;
            }
        }
        let mut ids: Vec<_> = self.logs.keys().map(|thread| thread_id(*thread)).collect();
        ids.sort();
        assert_eq!(store.thread_ids(None, 9).await.unwrap(), ids);
        for user in 0..3 {
            let friends = store.contacts(user_id(user)).await.unwrap();
            let expected = self.contacts.iter().filter(|(a, _)| *a == user);
            let expected: Vec<_> = expected.map(|(_, b)| (user_id(*b), Timestamp(1))).collect();
            assert_eq!(friends, expected);
        }
    }

    async fn compare_log(&self, store: &SharedStore, thread: u8) {
        let none = Vec::new();
        let log = self.logs.get(&thread).unwrap_or(&none);
        let id = thread_id(thread);
        assert_eq!(store.last_seq(id).await.unwrap(), log.len() as u64);
        let (mut forth, mut back) = (Vec::new(), Vec::new());
        loop {
            let page = store
                .entries(id, Span::After(forth.len() as u64), 7)
                .await
                .unwrap();
            if page.is_empty() {
                break;
            }
            forth.extend(page);
        }
        loop {
            let before = back.first().map_or(u64::MAX, |entry: &EntryRow| entry.seq);
            let page = store.entries(id, Span::Before(before), 7).await.unwrap();
            if page.is_empty() {
                break;
            }
            back.splice(0..0, page);
        }
        assert_eq!(&forth, log);
        assert_eq!(&back, log);
        for entry in log {
            let client_msg_id = entry.client_msg_id.unwrap();
            let found = store.find_client_msg(id, entry.author, client_msg_id, 0, u64::MAX);
            assert_eq!(found.await.unwrap().as_ref(), Some(entry));
        }
    }

    async fn compare_views(&self, store: &SharedStore, thread: u8, user: u8) {
        let (id, of) = (thread_id(thread), user_id(user));
        let seqs = |set: &BTreeSet<(u8, u8, u64)>| {
            let own = set.iter().filter(|row| (row.0, row.1) == (thread, user));
            own.map(|row| row.2).collect::<Vec<_>>()
        };
        let reactions = store.reactions(id, of, 0, u64::MAX).await.unwrap();
        let reactions: Vec<_> = reactions.into_iter().map(|row| row.0).collect();
        assert_eq!(reactions, seqs(&self.reactions));
        let mentions = store.mentions(id, of, 0, u64::MAX).await.unwrap();
        let mentions: Vec<_> = mentions.into_iter().map(|row| row.seq).collect();
        assert_eq!(mentions, seqs(&self.mentions));
        let deletions = store.deletions(id, 0, u64::MAX).await.unwrap();
        let deletions: BTreeSet<_> = deletions
            .iter()
            .map(|row| (thread, row.target_seq))
            .collect();
        let expected = self.deletions.iter().filter(|row| row.0 == thread);
        assert_eq!(deletions, expected.copied().collect());
        let settings = store.user_thread(of, id).await.unwrap();
        assert_eq!(settings.as_ref(), self.settings.get(&(thread, user)));
        let mark = store.mark(id, of).await.unwrap();
        let at = |marks: &BTreeMap<(u8, u8), u64>| {
            marks.get(&(thread, user)).copied().unwrap_or_default()
        };
        assert_eq!(mark.read, read(at(&self.read)));
        assert_eq!(mark.delivered_seq, at(&self.delivered));
    }
}

fn change(thread: u8, view: &View) -> ViewChange {
    match *view {
        View::Reaction(user, target_seq, set) => ViewChange::Reaction {
            target_seq,
            user: user_id(user),
            emoji: "👍".to_owned(),
            set,
        },
        View::Mention(user, seq, set) => ViewChange::Mention {
            user: user_id(user),
            seq,
            author: user_id(0),
            set,
        },
        View::Deleted(target_seq) => ViewChange::Deleted {
            target_seq,
            author: user_id(0),
            deleted_seq: 99,
        },
        View::Pointer(user) => ViewChange::Pointer(ThreadPointer {
            user: user_id(user),
            thread: thread_id(thread),
        }),
    }
}

fn opened(folder: &Path) -> SharedStore {
    let config = EmbeddedConfig {
        folder: folder.to_owned(),
        ..EmbeddedConfig::default()
    };
    open(config).unwrap()
}

fn entry(seq: u64) -> EntryRow {
    let id = Uuid::new_v4();
    EntryRow {
        seq,
        kind: EntryKind::Text,
        author: user_id(0),
        client_msg_id: Some(ClientMsgId(id)),
        ord: seq,
        at: Timestamp(9),
        read_moved: false,
        erased: false,
        body: Body {
            text: Some(format!("some words that are not the same every time: {id}")),
            ..Body::default()
        },
    }
}

fn read(seq: u64) -> ReadMark {
    ReadMark {
        seq,
        ord: seq,
        own: 0,
    }
}

fn thread_id(n: u8) -> ThreadId {
    ThreadId(Uuid::from_u128(u128::from(n) << 64))
}

fn user_id(n: u8) -> UserId {
    UserId(Uuid::from_u128(u128::from(n) + 1))
}
