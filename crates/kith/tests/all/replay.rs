//! Recorded conversations, replayed by their authors and audited from outside.

use kith_load::audit::Broken;
use kith_load::replay::recorded::Recording;
use kith_load::replay::script::Mix;
use kith_load::replay::{Options, Plant, Report, replay};
use kith_load::server::Server;
use std::path::Path;
use std::process::Command;

/// Fixed, so that a failure comes again; `kith-load replay` draws others.
const SEED: u64 = 20_071_201;

async fn replayed(file: &str, plant: Option<Plant>) -> Report {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kith-load/sample");
    let recording = Recording::read(&[sample.join(file)], SEED).expect("the sample is readable");
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(Path::new(env!("CARGO_BIN_EXE_kith")), folder.path())
        .expect("the server starts");
    let options = Options {
        seed: SEED,
        readers: 10,
        mix: lively(),
        plant,
    };
    let report = replay(&server.url(), &recording, options)
        .await
        .expect("the replay comes to its end");
    is_sound(&mut server);
    report
}

/// Kills the server, and lets doctor look at what it leaves.
fn is_sound(server: &mut Server) {
    server.kill().expect("the server ends");
    let doctor = Command::new(env!("CARGO_BIN_EXE_kith"))
        .args(["doctor", "--data"])
        .arg(server.folder().join("data"))
        .output()
        .expect("doctor runs");
    let found = String::from_utf8_lossy(&doctor.stdout);
    assert!(doctor.status.success(), "{found}{doctor:?}");
    assert!(found.starts_with("everything fits together"), "{found}");
}

/// More of everything than people do, because the sample is short.
fn lively() -> Mix {
    Mix {
        edits: 100,
        deletions: 80,
        reactions: 150,
        removals: 40,
        marks: 300,
        retries: 80,
        cursors: 60,
        cuts: 100,
        shifts: 30,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_channel_is_replayed_without_a_difference() {
    let report = replayed("irc-ubuntu.jsonl", None).await;
    assert!(report.is_good(), "{report}");
    assert_eq!(report.counts.lines, 400);
    assert!(report.counts.removals > 0 && report.counts.pushed > 0 && report.counts.cuts > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_small_rooms_are_replayed_without_a_difference() {
    let report = replayed("zh-chat.jsonl", None).await;
    assert!(report.is_good(), "{report}");
    assert_eq!((report.counts.lines, report.rooms), (220, 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_is_found_and_nothing_else() {
    for (plant, broken) in [
        (Plant::Hole, Broken::Hole),
        (Plant::Double, Broken::Double),
        (Plant::Swap, Broken::Order),
        (Plant::Unread, Broken::Unread),
        (Plant::Leak, Broken::Leak),
    ] {
        let report = replayed("zh-chat.jsonl", Some(plant)).await;
        let found: Vec<_> = report.differences.into_iter().collect();
        assert_eq!(found, [(broken, 1)], "{plant:?}");
    }
}
