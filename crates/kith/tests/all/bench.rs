//! What measures works: every row of the table at a small size, and no entry is missing or doubled.

use kith_load::bench::{Plan, Row, Size, all};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn small(folder: &Path) -> Plan {
    Plan {
        kith: PathBuf::from(env!("CARGO_BIN_EXE_kith")),
        folder: folder.join("data"),
        results: folder.join("bench/results.jsonl"),
        page: folder.join("bench/results.md"),
        runs: 1,
        long: Duration::from_millis(400),
        size: Size {
            // The kernel counts CPU in hundredths of a second: a few of them.
            duration: Duration::from_millis(400),
            sockets: 20,
            entries: 2_000,
            members: 20,
            returning: 20,
            // So few that a slow machine refuses none of them as overload.
            open_per_s: 100,
            seed: 1,
        },
        fresh: false,
    }
}

#[test]
fn every_row_is_measured_once_and_nothing_is_missing_or_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let plan = small(folder.path());
    let rows = all(&plan, |_| {}).unwrap();
    for row in &rows {
        assert_eq!(row.faults, 0, "{row}");
    }
    let page = std::fs::read_to_string(&plan.page).unwrap();
    let empty: BTreeSet<&str> = page
        .lines()
        .filter(|line| line.contains("| – | – | 0 |"))
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .collect();
    // `doctor` has no row while the binary has no such command.
    let doctor = BTreeSet::from(["kith doctor"]);
    assert!(empty.is_subset(&doctor), "{empty:?}");
    // What stands in the results is not measured again.
    let mut again = 0;
    let known = all(&plan, |_: &Row| again += 1).unwrap();
    assert_eq!((again, known.len()), (0, rows.len()));
}
