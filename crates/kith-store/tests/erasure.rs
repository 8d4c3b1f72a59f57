//! What was erased is in no file of the data folder after a purge.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Settings, ThreadKind};
use kith_protocol::{ThreadId, Timestamp, UserId};
use kith_store::SharedStore;
use kith_store::embedded::{EmbeddedConfig, open};
use kith_store::log::{Append, Appended, Body, EntryRow, Span};
use kith_store::thread::{HeadRow, LastMessage, OverlayRow, ViewChange};
use rand::distr::{Alphanumeric, SampleString};
use std::path::Path;
use uuid::Uuid;

#[tokio::test]
async fn an_erased_text_is_in_no_file_after_a_purge() {
    erase_and_look(1, 0).await;
}

#[tokio::test]
async fn an_erased_text_among_many_flushed_ones_is_in_no_file_after_a_purge() {
    erase_and_look(3, 30).await;
}

/// Writes `rounds` times a marked message and `others` megabytes around it, erases the marked ones, purges.
async fn erase_and_look(rounds: u64, others: u64) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config(folder.path())).unwrap();
    let thread = ThreadId(Uuid::new_v4());
    // Random, so that no compression hides it from the search.
    let marker = Alphanumeric.sample_string(&mut rand::rng(), 48);
    let mut last_seq = 0;
    let mut marked = Vec::new();
    for _ in 0..rounds {
        last_seq = around(&store, thread, last_seq, others / 2).await;
        last_seq += 1;
        append(
            &store,
            thread,
            entry(last_seq, &marker),
            views(last_seq, Some(&marker)),
            vec![],
        )
        .await;
        marked.push(last_seq);
        last_seq = around(&store, thread, last_seq, others / 2).await;
    }
    assert!(!files_with(folder.path(), &marker).is_empty());

    let last = last_seq + 1;
    let mut changes = Vec::new();
    for seq in &marked {
        changes.extend(views(*seq, None));
    }
    append(&store, thread, entry(last, "gone"), changes, marked.clone()).await;
    store.purge_erased().await.unwrap();
    assert_eq!(files_with(folder.path(), &marker), Vec::<String>::new());

    // Also not after what closing and opening write, and everything else is there.
    store.close();
    assert_eq!(files_with(folder.path(), &marker), Vec::<String>::new());
    let store = open(config(folder.path())).unwrap();
    assert_eq!(files_with(folder.path(), &marker), Vec::<String>::new());
    let log = store
        .entries(thread, Span::After(0), usize::MAX)
        .await
        .unwrap();
    assert_eq!(log.len() as u64, last);
    for (seq, entry) in (1..).zip(log) {
        assert_eq!(entry.seq, seq);
        assert_eq!(entry.erased, marked.contains(&seq));
        assert_eq!(entry.body.text.is_none(), entry.erased);
    }
    store.close();
}

/// So many megabytes of other messages, incompressible enough to fill files.
async fn around(store: &SharedStore, thread: ThreadId, mut last_seq: u64, megabytes: u64) -> u64 {
    for _ in 0..megabytes * 16 {
        let text = Alphanumeric.sample_string(&mut rand::rng(), 64 * 1024);
        last_seq += 1;
        append(store, thread, entry(last_seq, &text), vec![], vec![]).await;
    }
    last_seq
}

async fn append(
    store: &SharedStore,
    thread: ThreadId,
    entry: EntryRow,
    views: Vec<ViewChange>,
    erase: Vec<u64>,
) {
    let append = Append {
        thread,
        expected_last_seq: entry.seq - 1,
        entries: vec![entry],
        views,
        erase,
    };
    assert_eq!(store.append(append).await.unwrap(), Appended::Done);
}

/// The places besides the log where a text stands.
fn views(seq: u64, text: Option<&str>) -> Vec<ViewChange> {
    let text = text.map(str::to_owned);
    let head = HeadRow {
        kind: ThreadKind::Group,
        creator: UserId(Uuid::nil()),
        created_at: Timestamp(1),
        title: None,
        settings: Settings::default(),
        last_seq: seq,
        ord: seq,
        last_at: Timestamp(1),
        member_count: 1,
        membership_seq: 1,
        wide: false,
        last_message: Some(LastMessage {
            seq,
            at: Timestamp(1),
            author: UserId(Uuid::nil()),
            kind: EntryKind::Text,
            text: text.clone(),
        }),
        last_other_seq: 0,
    };
    let overlay = OverlayRow {
        target_seq: seq,
        changed_seq: seq,
        text,
        ..OverlayRow::default()
    };
    vec![
        ViewChange::Head(Box::new(head)),
        ViewChange::Overlay(Box::new(overlay)),
    ]
}

fn entry(seq: u64, text: &str) -> EntryRow {
    EntryRow {
        seq,
        kind: EntryKind::Text,
        author: UserId(Uuid::nil()),
        client_msg_id: None,
        ord: seq,
        at: Timestamp(1),
        read_moved: false,
        erased: false,
        body: Body {
            text: Some(text.to_owned()),
            ext: Some(format!(r#"{{"also":"{text}"}}"#)),
            ..Body::default()
        },
    }
}

fn config(folder: &Path) -> EmbeddedConfig {
    EmbeddedConfig {
        folder: folder.to_owned(),
        ..EmbeddedConfig::default()
    }
}

/// Files below a folder that hold these bytes.
fn files_with(folder: &Path, marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, marker));
            continue;
        }
        // Background work may delete a file between the listing and here.
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        if contains(&bytes, marker.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    let first = what[0];
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        rest = &rest[at..];
        if rest.starts_with(what) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}
