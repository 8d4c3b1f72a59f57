//! The contract suite on the embedded engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use kith_protocol::entry::EntryKind;
use kith_protocol::{ThreadId, Timestamp, UserId};
use kith_store::embedded::{EmbeddedConfig, open};
use kith_store::log::{Append, Appended, Body, EntryRow, Span};
use uuid::Uuid;

#[tokio::test]
async fn what_was_appended_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig {
        folder: folder.path().to_owned(),
        ..EmbeddedConfig::default()
    };
    let store = open(config.clone()).unwrap();
    let thread = ThreadId(Uuid::new_v4());
    let entry = |seq| EntryRow {
        seq,
        kind: EntryKind::Text,
        author: UserId(Uuid::now_v7()),
        client_msg_id: None,
        ord: seq,
        at: Timestamp(5),
        read_moved: false,
        erased: false,
        body: Body {
            text: Some("hello".repeat(30)),
            ..Body::default()
        },
    };
    let append = |expected| Append {
        thread,
        expected_last_seq: expected,
        entries: vec![entry(expected + 1), entry(expected + 2)],
        views: vec![],
        erase: vec![],
    };
    assert_eq!(store.append(append(0)).await.unwrap(), Appended::Done);
    assert_eq!(
        store.append(append(0)).await.unwrap(),
        Appended::Conflict { last_seq: 2 }
    );
    assert_eq!(store.append(append(2)).await.unwrap(), Appended::Done);
    store.close();
    assert!(store.health().is_err());
    drop(store);
    let store = open(config).unwrap();
    assert_eq!(store.last_seq(thread).await.unwrap(), 4);
    let entries = store.entries(thread, Span::Before(4), 2).await.unwrap();
    assert_eq!(entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [2, 3]);
}
