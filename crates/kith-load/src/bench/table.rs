//! `bench all`: every row of the table, three runs each, interleaved, on servers of our own.

use super::disk::append_and_sync;
use super::page;
use super::row::Row;
use super::scenario::{Scenario, Size};
use super::setup::Target;
use super::{machine, start};
use crate::server::Server;
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// What `bench all` shall do.
pub struct Plan {
    /// The server's binary.
    pub kith: PathBuf,
    /// Where servers keep their data: the disk that is measured.
    pub folder: PathBuf,
    /// One line of JSON is appended here for each run.
    pub results: PathBuf,
    /// The page for people.
    pub page: PathBuf,
    /// Runs of each row.
    pub runs: usize,
    /// The run that is long enough for compaction to show.
    pub long: Duration,
    /// Of the others.
    pub size: Size,
}

/// Scenarios of which each run has a server of its own.
const SHORT: [Scenario; 9] = [
    Scenario::Pairs,
    Scenario::PairsOne,
    Scenario::Open,
    Scenario::Open10k,
    Scenario::Room,
    Scenario::RoomBusy,
    Scenario::Crowd,
    Scenario::Idle,
    Scenario::Resume,
];

/// Runs the whole table. Rows are interleaved, so that a bad minute of the machine does not spoil
/// all runs of one. `each` sees every row as it comes.
pub fn all(plan: &Plan, mut each: impl FnMut(&Row)) -> Result<Vec<Row>> {
    let bar = progress(plan);
    let mut rows = Vec::new();
    let mut add = |row: Row| -> Result<()> {
        append(plan, &row)?;
        bar.suspend(|| each(&row));
        bar.inc(1);
        rows.push(row);
        Ok(())
    };
    add(binary_size(plan)?)?;
    for _ in 0..plan.runs {
        for records in [1, 100] {
            bar.set_message(format!("disk, {records} records a sync"));
            add(append_and_sync(
                &plan.folder,
                records,
                plan.size.duration / 5,
            )?)?;
        }
        bar.set_message("at rest");
        add(at_rest(plan)?)?;
        for scenario in SHORT {
            bar.set_message(scenario.name());
            add(fresh(plan, scenario, plan.size)?)?;
        }
    }
    bar.set_message("pairs, long");
    let long = Size {
        duration: plan.long,
        ..plan.size
    };
    let mut row = fresh(plan, Scenario::Pairs, long)?;
    row.scenario = "pairs-long".to_owned();
    add(row)?;
    bar.set_message("filling");
    let entries = plan.size.entries;
    let filled = start::filled(&plan.kith, &plan.folder, plan.size, plan.runs, |done| {
        bar.set_message(format!("filling, {done} of {entries}"));
    })?;
    for row in filled {
        add(row)?;
    }
    bar.finish_and_clear();
    let text = page::page(&rows);
    std::fs::write(&plan.page, text).with_context(|| plan.page.display().to_string())?;
    Ok(rows)
}

fn fresh(plan: &Plan, scenario: Scenario, size: Size) -> Result<Row> {
    let server = Server::start(&plan.kith, &plan.folder)?;
    let target = Target::new(&server.url(), Some(server.pid()))?;
    scenario.run(&target, size)
}

fn at_rest(plan: &Plan) -> Result<Row> {
    let before = machine::Cpu::now(None)?;
    let server = Server::start(&plan.kith, &plan.folder)?;
    std::thread::sleep(Duration::from_secs(2));
    let (rss, _) = machine::rss_bytes(server.pid())?;
    let used = before.until(&machine::Cpu::now(None)?);
    let mb = rss as f64 / 1e6;
    let mut row = Row::new("rest", used).valued(mb, "MB");
    row.rss_mb = Some(mb);
    Ok(row)
}

/// Size of the binary without symbols, by `strip` if it is there.
fn binary_size(plan: &Plan) -> Result<Row> {
    let copy = tempfile::NamedTempFile::new()?;
    let stripped = std::process::Command::new("strip")
        .arg("-o")
        .arg(copy.path())
        .arg(&plan.kith)
        .status()
        .is_ok_and(|status| status.success());
    let measured = if stripped { copy.path() } else { &plan.kith };
    let bytes = std::fs::metadata(measured)
        .with_context(|| measured.display().to_string())?
        .len();
    let mut row = Row::new("binary", machine::Used::default()).valued(bytes as f64 / 1e6, "MB");
    if !stripped {
        row.note = "not stripped: there is no strip here".to_owned();
    }
    Ok(row)
}

fn append(plan: &Plan, row: &Row) -> Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&plan.results)
        .with_context(|| plan.results.display().to_string())?;
    writeln!(file, "{}", serde_json::to_string(row)?)?;
    Ok(())
}

fn progress(plan: &Plan) -> ProgressBar {
    let rows = 1 + plan.runs * (3 + SHORT.len()) + 1 + 2 * plan.runs;
    let bar = ProgressBar::new(rows as u64);
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
