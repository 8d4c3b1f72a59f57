//! How fast the embedded engine appends: many threads, one append in flight in each, as the sequencer
//! does it. Prints messages per second, CPU per message, and how long commits took.

use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Role, Settings, ThreadKind};
use kith_protocol::{ClientMsgId, ThreadId, Timestamp, UserId};
use kith_store::SharedStore;
use kith_store::embedded::{EmbeddedConfig, open};
use kith_store::log::{Append, Appended, Body, EntryRow};
use kith_store::thread::{HeadRow, LastMessage, MemberRow, ReadMark, Stay, ViewChange};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What to run: threads, messages per append, seconds, folder (a temporary one if absent).
struct Run {
    threads: usize,
    window: u64,
    seconds: u64,
    folder: Option<PathBuf>,
}

#[tokio::main]
async fn main() {
    let mut words = std::env::args().skip(1);
    let mut number = |or: u64| {
        words
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or(or)
    };
    let run = Run {
        threads: usize::try_from(number(50)).unwrap_or(50),
        window: number(10),
        seconds: number(10),
        folder: words.next().map(PathBuf::from),
    };
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = run.folder.clone();
    let opening = Instant::now();
    let store = open(EmbeddedConfig {
        folder: folder.unwrap_or_else(|| temporary.path().to_owned()),
        ..EmbeddedConfig::default()
    })
    .expect("a store");
    println!("opened in {:.0} ms", opening.elapsed().as_secs_f64() * 1e3);

    let (began, cpu_before) = (Instant::now(), cpu_seconds());
    let until = began + Duration::from_secs(run.seconds);
    let tasks: Vec<_> = (0..run.threads)
        .map(|_| tokio::spawn(write(store.clone(), run.window, until)))
        .collect();
    let (mut messages, mut waits) = (0, Vec::new());
    for task in tasks {
        let (sent, waited) = task.await.expect("a writer");
        messages += sent;
        waits.extend(waited);
    }
    let (took_s, cpu_s) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu_before);

    waits.sort_unstable();
    let at = |share: f64| {
        let rank = (waits.len() as f64 * share) as usize;
        waits.get(rank).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
    };
    println!(
        "{:.0} messages/s, {:.1} µs CPU per message, append p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.1} ms",
        messages as f64 / took_s,
        cpu_s * 1e6 / messages as f64,
        at(0.5),
        at(0.99),
        at(0.999),
        waits.last().map_or(0.0, |wait| wait.as_secs_f64() * 1e3),
    );
    println!("resident at most {} kB", status_kb("VmHWM:"));
    for (name, value) in store.figures() {
        println!("{name} {value}");
    }
    store.close();
}

/// One thread: messages in appends of `window`, the next append when the one before is durable.
async fn write(store: SharedStore, window: u64, until: Instant) -> (u64, Vec<Duration>) {
    let (thread, author) = (ThreadId(Uuid::new_v4()), UserId(Uuid::now_v7()));
    let (mut last_seq, mut waits) = (0, Vec::new());
    while Instant::now() < until {
        let append = Append {
            thread,
            expected_last_seq: last_seq,
            entries: (1..=window)
                .map(|n| message(author, last_seq + n))
                .collect(),
            views: views(author, last_seq + window),
            erase: Vec::new(),
        };
        let began = Instant::now();
        let outcome = store.append(append).await.expect("an append");
        waits.push(began.elapsed());
        assert_eq!(outcome, Appended::Done);
        last_seq += window;
    }
    (last_seq, waits)
}

fn message(author: UserId, seq: u64) -> EntryRow {
    let id = Uuid::new_v4();
    EntryRow {
        seq,
        kind: EntryKind::Text,
        author,
        client_msg_id: Some(ClientMsgId(id)),
        ord: seq,
        at: Timestamp(1_795_251_240_120),
        read_moved: true,
        erased: false,
        body: Body {
            text: Some(format!(
                "{id} and sixty-four more bytes of text, so that it is one hundred."
            )),
            ..Body::default()
        },
    }
}

fn views(author: UserId, last_seq: u64) -> Vec<ViewChange> {
    let at = Timestamp(1_795_251_240_120);
    let head = HeadRow {
        kind: ThreadKind::Direct,
        creator: author,
        created_at: at,
        title: None,
        settings: Settings::default(),
        last_seq,
        ord: last_seq,
        last_at: at,
        member_count: 2,
        membership_seq: 1,
        wide: false,
        last_message: Some(LastMessage {
            seq: last_seq,
            at,
            author,
            kind: EntryKind::Text,
            text: Some("the last message, cut".to_owned()),
        }),
        last_other_seq: 0,
    };
    let member = MemberRow {
        user: author,
        role: Role::Member,
        stays: vec![Stay {
            joined_seq: 1,
            left_seq: None,
        }],
        joined_at: at,
        own_count: last_seq,
        last_own_seq: last_seq,
        last_own_at: at,
        floor: ReadMark {
            seq: last_seq,
            ord: last_seq,
            own: last_seq,
        },
        left: None,
    };
    vec![
        ViewChange::Head(Box::new(head)),
        ViewChange::Member(Box::new(member)),
    ]
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: f64 = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    // Linux counts hundredths of a second here on every common machine.
    ticks / 100.0
}

fn status_kb(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap_or("?").to_owned()
}
