//! The server process, killed and unplugged while people use it, on disks that are full or fail.

use kith_load::kill::{Mode, Options, Plant, Tally, Wrong, kill, planted};

/// Fixed, so that the same is drawn again; `kith-load kill` draws others.
const SEED: u64 = 20_071_201;

fn options(folder: &tempfile::TempDir, mode: Mode, kills: u64) -> Options {
    Options {
        kith: env!("CARGO_BIN_EXE_kith").into(),
        folder: folder.path().to_owned(),
        mode,
        seed: SEED,
        kills,
        round_kills: kills,
        until: None,
        strict: false,
        lies: false,
        plant: None,
    }
}

fn killed(mode: Mode, kills: u64) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder, mode, kills);
    let tally = kill(&options, Tally::default(), |_| Ok(())).unwrap();
    assert!(tally.is_good(), "{tally}");
    assert_eq!(tally.kills, kills);
    assert!(tally.deeds > 0 && tally.notes.is_empty(), "{tally}");
    tally
}

#[test]
fn ten_kills_lose_double_reorder_and_miscount_nothing() {
    killed(Mode::Kill, 10);
}

#[test]
fn three_power_losses_take_nothing_back_that_was_acknowledged() {
    let tally = killed(Mode::PowerLoss, 3);
    assert!(
        tally.pages_lost > 0,
        "nothing was taken back at all: {tally}"
    );
}

#[test]
fn a_full_disk_is_told_can_be_read_and_loses_nothing() {
    let tally = killed(Mode::DiskFull, 1);
    assert_eq!(tally.bad_disks, 1, "{tally}");
}

#[test]
fn failing_syncs_are_told_and_nothing_is_acknowledged_on_them() {
    let tally = killed(Mode::FailingFsync, 1);
    assert_eq!(tally.bad_disks, 1, "{tally}");
}

#[test]
fn a_disk_that_lies_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        lies: true,
        ..options(&folder, Mode::PowerLoss, 3)
    };
    let tally = kill(&options, Tally::default(), |_| Ok(())).unwrap();
    assert!(!tally.is_good(), "{tally}");
}

#[test]
fn every_planted_fault_is_found_under_its_name() {
    let plants = [
        Plant::Lost,
        Plant::Doubled,
        Plant::Reordered,
        Plant::Gapped,
        Plant::Phantom,
        Plant::Altered,
        Plant::Unread,
        Plant::Receipt,
        Plant::Mark,
        Plant::Draft,
        Plant::Contact,
        Plant::Session,
    ];
    let folder = tempfile::tempdir().unwrap();
    let found = planted(&options(&folder, Mode::Kill, 2), &plants).unwrap();
    assert!(found[0].is_empty(), "{:?}", found[0].told());
    for (plant, found) in plants.iter().zip(&found[1..]) {
        let wrong: Wrong = plant.wrong();
        let counts = found.counts();
        assert!(counts.contains_key(&wrong), "{plant:?}: {counts:?}");
    }
}
