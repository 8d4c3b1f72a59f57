//! What the embedded engine keeps when it is killed, when the disk is full, when its folder is locked,
//! read-only or damaged. The test binary runs itself as the process that suffers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Settings, ThreadKind};
use kith_protocol::{ClientMsgId, ThreadId, Timestamp, UserId};
use kith_store::embedded::{EmbeddedConfig, OpenError, open};
use kith_store::log::{Append, Appended, Body, EntryRow, Span};
use kith_store::thread::{HeadRow, ViewChange};
use kith_store::{SharedStore, StoreError};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use uuid::Uuid;

/// Says to the test binary that it is the process that suffers, and in which folder.
const FOLDER: &str = "KITH_STORE_CRASH_FOLDER";
/// Threads that a writer appends to at once.
const WRITERS: u128 = 8;
/// Times that it is killed.
const KILLS: usize = 12;

/// Not a test by itself: what the other ones run in a process of its own. Appends until it is killed or
/// refused, and prints every acknowledgement.
#[test]
fn a_writer_in_a_process_of_its_own() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = match open(config(Path::new(&folder))) {
            Ok(store) => store,
            Err(error) => return say(&format!("refused {error}")),
        };
        say("open");
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| tokio::spawn(append_until_refused(store.clone(), thread(n))))
            .collect();
        // Refused: reads go on and tell what was acknowledged, writes do not, and it is known why.
        let mut acknowledged = BTreeMap::new();
        for writer in writers {
            let (thread, last_seq) = writer.await.unwrap();
            acknowledged.insert(thread, last_seq);
        }
        audit(&store, &acknowledged).await;
        let again = store.append(append_of(thread(0), u64::MAX - 9, 1)).await;
        let health = store.health();
        say(&format!("end {again:?} {health:?}"));
        store.close();
    });
}

#[tokio::test]
async fn what_was_acknowledged_is_there_once_after_every_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for kill in 0..KILLS {
        let (mut child, lines) = writer(folder.path(), None);
        let mut left = 1 + kill * 37;
        for line in lines.map_while(Result::ok) {
            if let Some((thread, seq)) = acknowledgement(&line) {
                let last_seq = acknowledged.entry(thread).or_insert(0);
                assert!(seq > *last_seq, "{seq} was acknowledged after {last_seq}");
                *last_seq = seq;
                left = left.saturating_sub(1);
                if left == 0 {
                    // Lines that are in the pipe already are read all the same.
                    child.kill().unwrap();
                    left = usize::MAX;
                }
            }
        }
        child.wait().unwrap();
        let store = open(config(folder.path())).unwrap();
        audit(&store, &acknowledged).await;
        store.close();
    }
    assert_eq!(acknowledged.len(), WRITERS as usize);
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // The journal has its 64 MB from the beginning; where it would grow beyond, writing fails.
    let (mut child, lines) = writer(folder.path(), Some(64 * 1024));
    let (mut acknowledged, mut end) = (BTreeMap::new(), None);
    for line in lines.map_while(Result::ok) {
        match acknowledgement(&line) {
            Some((thread, seq)) => drop(acknowledged.insert(thread, seq)),
            None if line.contains("end ") => end = Some(line),
            None => {}
        }
    }
    child.wait().unwrap();
    let end = end.expect("the writer ended by itself");
    assert!(end.contains("end Err(Unavailable("), "{end}");
    assert!(end.contains("too large"), "{end}");
    let store = open(config(folder.path())).unwrap();
    audit(&store, &acknowledged).await;
    append_one(&store, thread(99)).await;
    store.close();
}

#[tokio::test]
async fn a_disk_with_less_left_than_the_reserve_takes_no_writes_and_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config(folder.path())).unwrap();
    append_one(&store, thread(0)).await;
    store.close();
    let store = open(EmbeddedConfig {
        reserve_bytes: u64::MAX,
        ..config(folder.path())
    })
    .unwrap();
    let refused = store.append(append_of(thread(0), 1, 1)).await;
    let Err(StoreError::Unavailable(why)) = refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("make room"), "{why}");
    assert_eq!(store.health().unwrap_err(), why);
    audit(&store, &BTreeMap::from([(thread(0), 1)])).await;
    store.close();
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config(folder.path())).unwrap();
    let (mut child, lines) = writer(folder.path(), None);
    let refusal = lines.map_while(Result::ok).find(|l| l.contains("refused"));
    child.wait().unwrap();
    let refusal = refusal.expect("a refusal");
    assert!(refusal.contains("in use by another process"), "{refusal}");
    append_one(&store, thread(0)).await;
    let second = open(config(folder.path())).err().unwrap();
    assert!(matches!(second, OpenError::InUse(_)), "{second}");
    store.close();
    open(config(folder.path())).unwrap().close();
}

#[test]
fn a_read_only_folder_is_refused_in_a_sentence() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    open(config(&folder)).unwrap().close();
    for path in [outer.path(), &folder] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o555))
            .unwrap();
    }
    // Permissions do not hold root back: it is somebody else who tries.
    let (binary, as_nobody) = if is_root() {
        let copy = outer.path().join("somebody-elses-copy");
        std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        (copy, true)
    } else {
        (std::env::current_exe().unwrap(), false)
    };
    let mut command = command(&binary, &folder);
    if as_nobody {
        command.uid(65_534).gid(65_534);
    }
    let (mut child, lines) = started(command);
    let refusal = lines.map_while(Result::ok).find(|l| l.contains("refused"));
    child.wait().unwrap();
    for path in [outer.path(), &folder] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let refusal = refusal.expect("a refusal");
    assert!(refusal.contains("cannot be written to"), "{refusal}");
}

#[tokio::test]
async fn a_log_that_is_cut_anywhere_in_its_last_batch_keeps_the_ones_before() {
    let (folder, first, second) = two_batches().await;
    for kept in [first + 1, (first + second) / 2, second - 9] {
        let copy = copied(&folder);
        let log = std::fs::OpenOptions::new()
            .write(true)
            .open(log_of(copy.path()));
        log.unwrap().set_len(kept).unwrap();
        assert_first_batch_only(copy.path()).await;
    }
}

#[tokio::test]
async fn a_last_batch_with_a_hole_in_it_is_dropped_as_a_whole() {
    let (folder, first, second) = two_batches().await;
    for share in 0..8 {
        let copy = copied(&folder);
        let at = first + (second - first) * share / 8;
        overwrite(&log_of(copy.path()), at, &[0xa5; 16]);
        assert_first_batch_only(copy.path()).await;
    }
}

#[tokio::test]
async fn damage_before_the_last_batch_of_the_log_is_refused_and_left_as_it_is() {
    let (folder, first, _) = two_batches().await;
    let text = position_of(&log_of(folder.path()), b"message 1,").unwrap();
    assert!(text < first);
    // In the text of a message, in its row, in the head of the batch.
    for (at, bytes) in [(text, &b"M"[..]), (text - 90, &[0; 80]), (0, &[0; 8])] {
        let copy = copied(&folder);
        let log = log_of(copy.path());
        overwrite(&log, at, bytes);
        let before = std::fs::read(&log).unwrap();
        let error = open(config(copy.path())).err().unwrap();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("after a broken one"), "{error}");
        assert!(std::fs::read(&log).unwrap() == before);
    }
}

#[tokio::test]
async fn tables_that_lag_behind_a_torn_journal_get_the_rest_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config(folder.path())).unwrap();
    let mut last_seq = 0;
    for count in [3, 4, 5] {
        append(&store, thread(0), &mut last_seq, count).await;
    }
    store.close();
    let written = written_bytes(&newest_journal(folder.path()));
    for share in 0..16 {
        let at = written * share / 16;
        let (holed, cut) = (copied(&folder), copied(&folder));
        overwrite(&newest_journal(holed.path()), at, &[0xa5; 40]);
        let journal = std::fs::OpenOptions::new()
            .write(true)
            .open(newest_journal(cut.path()));
        journal.unwrap().set_len(at).unwrap();
        for copy in [holed, cut] {
            let store = open(config(copy.path())).unwrap();
            audit(&store, &BTreeMap::from([(thread(0), last_seq)])).await;
            append(&store, thread(0), &mut last_seq.clone(), 2).await;
            store.close();
        }
    }
}

#[tokio::test]
async fn a_journal_with_damage_that_the_log_does_not_cover_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config_with(folder.path(), 1024 * 1024 * 1024)).unwrap();
    let mut last_seq = 0;
    // Five files of the log: the first ones were written over.
    for _ in 0..400 {
        append(&store, thread(0), &mut last_seq, 300).await;
    }
    store.close();
    let files = std::fs::read_dir(folder.path().join("wal"))
        .unwrap()
        .count();
    assert!((2..5).contains(&files), "{files} files for 40 MB");
    let journal = newest_journal(folder.path());
    let text = position_of(&journal, b"message 900,").unwrap();
    overwrite(&journal, text, b"M");
    let before = std::fs::read(&journal).unwrap();
    let error = open(config(folder.path())).err().unwrap();
    assert!(error.to_string().contains("are missing"), "{error}");
    assert!(std::fs::read(&journal).unwrap() == before);
}

#[tokio::test]
async fn a_folder_that_vanishes_is_told_instead_of_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config(folder.path())).unwrap();
    append_one(&store, thread(0)).await;
    // Writing memtables into tables fails from now on, in the background.
    std::fs::remove_dir_all(folder.path().join("tables/keyspaces")).unwrap();
    let mut last_seq = 1;
    let refusal = loop {
        match store.append(append_of(thread(0), last_seq, 100)).await {
            Ok(outcome) => assert_eq!(outcome, Appended::Done),
            Err(refusal) => break refusal,
        }
        last_seq += 100;
        assert!(last_seq < 1_000_000, "hundreds of megabytes were taken");
    };
    assert!(matches!(refusal, StoreError::Unavailable(_)), "{refusal}");
    let why = store.health().unwrap_err();
    assert!(why.contains("in the background"), "{why}");
    let marks = store.put_delivered(&[]).await;
    assert!(
        matches!(marks, Err(StoreError::Unavailable(_))),
        "{marks:?}"
    );
    store.close();
}

#[tokio::test]
async fn a_closed_store_refuses_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config(folder.path())).unwrap();
    append_one(&store, thread(0)).await;
    store.close();
    store.close();
    assert!(store.health().is_err());
    let append = store.append(append_of(thread(0), 1, 1)).await;
    assert!(
        matches!(append, Err(StoreError::Unavailable(_))),
        "{append:?}"
    );
    let read = store.last_seq(thread(0)).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let marks = store.put_delivered(&[]).await;
    assert!(
        matches!(marks, Err(StoreError::Unavailable(_))),
        "{marks:?}"
    );
}

#[tokio::test]
async fn an_append_with_a_hole_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config(folder.path())).unwrap();
    let mut holed = append_of(thread(0), 0, 3);
    holed.entries.remove(1);
    assert!(store.append(holed).await.is_err());
    let mut empty = append_of(thread(0), 0, 1);
    empty.entries.clear();
    assert!(store.append(empty).await.is_err());
    assert_eq!(store.last_seq(thread(0)).await.unwrap(), 0);
    store.close();
}

/// Every acknowledged entry is there, once and with its text; views stand where their log does.
async fn audit(store: &SharedStore, acknowledged: &BTreeMap<ThreadId, u64>) {
    for (&thread, &last_acknowledged) in acknowledged {
        let last_seq = store.last_seq(thread).await.unwrap();
        assert!(
            last_seq >= last_acknowledged,
            "{thread} ends at {last_seq}, {last_acknowledged} was acknowledged"
        );
        let mut after = 0;
        loop {
            let page = store
                .entries(thread, Span::After(after), 1_000)
                .await
                .unwrap();
            if page.is_empty() {
                break;
            }
            for entry in page {
                after += 1;
                assert_eq!(entry, message(thread, after));
            }
        }
        assert_eq!(after, last_seq);
        let heads = store.heads(&[thread]).await.unwrap();
        assert_eq!(heads, [Some(head_at(last_seq))]);
    }
}

/// Appends of one to five entries; acknowledgements go to the parent. Gives the last one.
async fn append_until_refused(store: SharedStore, thread: ThreadId) -> (ThreadId, u64) {
    let mut last_seq = store.last_seq(thread).await.unwrap();
    loop {
        let count = 1 + last_seq % 5;
        match store.append(append_of(thread, last_seq, count)).await {
            Ok(Appended::Done) => last_seq += count,
            Ok(other) => say(&format!("{thread} {other:?}")),
            Err(_) => return (thread, last_seq),
        }
        say(&format!("{thread} {last_seq}"));
    }
}

async fn append(store: &SharedStore, thread: ThreadId, last_seq: &mut u64, count: u64) {
    let outcome = store.append(append_of(thread, *last_seq, count)).await;
    assert_eq!(outcome.unwrap(), Appended::Done);
    *last_seq += count;
}

async fn append_one(store: &SharedStore, thread: ThreadId) {
    let outcome = store.append(append_of(thread, 0, 1)).await.unwrap();
    assert_eq!(outcome, Appended::Done);
}

/// A folder as a kill leaves it after two appends, and where each of them ends in the log.
async fn two_batches() -> (tempfile::TempDir, u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config(folder.path())).unwrap();
    let mut ends = Vec::new();
    for (last_seq, count) in [(0, 3), (3, 4)] {
        let append = append_of(thread(0), last_seq, count);
        assert_eq!(store.append(append).await.unwrap(), Appended::Done);
        ends.push(std::fs::metadata(log_of(folder.path())).unwrap().len());
    }
    // Copied while it is open: closing would tidy up.
    let copy = copied(&folder);
    store.close();
    (copy, ends[0], ends[1])
}

async fn assert_first_batch_only(folder: &Path) {
    let store = open(config(folder)).unwrap();
    audit(&store, &BTreeMap::from([(thread(0), 3)])).await;
    assert_eq!(store.last_seq(thread(0)).await.unwrap(), 3);
    let outcome = store.append(append_of(thread(0), 3, 2)).await.unwrap();
    assert_eq!(outcome, Appended::Done);
    store.close();
    let store = open(config(folder)).unwrap();
    audit(&store, &BTreeMap::from([(thread(0), 5)])).await;
    store.close();
}

/// The one file of the log of a young folder.
fn log_of(folder: &Path) -> PathBuf {
    folder.join("wal/1.log")
}

fn written_bytes(journal: &Path) -> u64 {
    let bytes = std::fs::read(journal).unwrap();
    1 + bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64
}

fn position_of(file: &Path, what: &[u8]) -> Option<u64> {
    let bytes = std::fs::read(file).unwrap();
    let at = bytes.windows(what.len()).position(|bytes| bytes == what)?;
    Some(at as u64)
}

fn overwrite(file: &Path, at: u64, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

fn newest_journal(folder: &Path) -> PathBuf {
    let journals = std::fs::read_dir(folder.join("tables")).unwrap();
    journals
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jnl"))
        .max()
        .unwrap()
}

fn copied(folder: &tempfile::TempDir) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_into(folder.path(), copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy_into(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A writer on a folder; files beyond `file_max_kb` cannot be written.
fn writer(
    folder: &Path,
    file_max_kb: Option<u64>,
) -> (Child, std::io::Lines<BufReader<ChildStdout>>) {
    let binary = std::env::current_exe().unwrap();
    let Some(file_max_kb) = file_max_kb else {
        return started(command(&binary, folder));
    };
    let inner = command(&binary, folder);
    let mut limited = Command::new("bash");
    // Without the trap the signal would end the process before the error is seen.
    limited
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {file_max_kb}; exec \"$0\" \"$@\""
        ))
        .arg(&binary)
        .args(inner.get_args())
        .env(FOLDER, folder)
        .env("KITH_STORE_CRASH_MEMTABLES", "yes");
    started(limited)
}

fn command(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .args(["--exact", "a_writer_in_a_process_of_its_own"])
        .args(["--nocapture", "--test-threads=1"])
        .env(FOLDER, folder);
    command
}

fn started(mut command: Command) -> (Child, std::io::Lines<BufReader<ChildStdout>>) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// The thread and the seq in a line that is a whole acknowledgement.
fn acknowledgement(line: &str) -> Option<(ThreadId, u64)> {
    let (thread, seq) = line.strip_suffix(" acknowledged")?.split_once(' ')?;
    Some((ThreadId::parse(thread)?, seq.parse().ok()?))
}

/// One write to the pipe, so that a kill cuts no line in two unnoticed.
fn say(words: &str) {
    let is_acknowledgement = words.as_bytes()[0].is_ascii_hexdigit() && !words.starts_with("end");
    let ending = if is_acknowledgement {
        " acknowledged\n"
    } else {
        "\n"
    };
    let line = format!("{words}{ending}");
    // The parent may be gone.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
    let _ = std::io::stdout().flush();
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ids = status.lines().find(|line| line.starts_with("Uid:"));
    ids.is_some_and(|ids| ids.split_whitespace().nth(2) == Some("0"))
}

fn config(folder: &Path) -> EmbeddedConfig {
    // Small ones, so that kills also fall into flushes; or so large that the journal is full first.
    let memtable_bytes = match std::env::var_os("KITH_STORE_CRASH_MEMTABLES") {
        Some(_) => 1024 * 1024 * 1024,
        None => 512 * 1024,
    };
    config_with(folder, memtable_bytes)
}

fn config_with(folder: &Path, memtable_bytes: u64) -> EmbeddedConfig {
    EmbeddedConfig {
        folder: folder.to_owned(),
        memtable_bytes,
        ..EmbeddedConfig::default()
    }
}

fn thread(n: u128) -> ThreadId {
    ThreadId(Uuid::from_u128(
        0xa000_0000_0000_0000_0000_0000_0000_0000 + n,
    ))
}

fn append_of(thread: ThreadId, last_seq: u64, count: u64) -> Append {
    Append {
        thread,
        expected_last_seq: last_seq,
        entries: (1..=count).map(|n| message(thread, last_seq + n)).collect(),
        views: vec![ViewChange::Head(Box::new(head_at(last_seq + count)))],
        erase: Vec::new(),
    }
}

/// Every field follows from thread and seq, so that an audit can tell it from any other.
fn message(thread: ThreadId, seq: u64) -> EntryRow {
    EntryRow {
        seq,
        kind: EntryKind::Text,
        author: UserId(Uuid::from_u128(7)),
        client_msg_id: Some(ClientMsgId(Uuid::from_u128(u128::from(seq)))),
        ord: seq,
        at: Timestamp(seq.cast_signed()),
        read_moved: false,
        erased: false,
        body: Body {
            text: Some(format!(
                "message {seq}, {thread}, {}",
                "some text ".repeat(20)
            )),
            ..Body::default()
        },
    }
}

fn head_at(last_seq: u64) -> HeadRow {
    HeadRow {
        kind: ThreadKind::Group,
        creator: UserId(Uuid::from_u128(7)),
        created_at: Timestamp(1),
        title: None,
        settings: Settings::default(),
        last_seq,
        ord: last_seq,
        last_at: Timestamp(last_seq.cast_signed()),
        member_count: 2,
        membership_seq: 1,
        wide: false,
        last_message: None,
        last_other_seq: 0,
    }
}
