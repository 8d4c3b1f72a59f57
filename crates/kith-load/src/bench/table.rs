//! `bench all`: every row of the table, three runs each, interleaved, on servers of our own.

use super::disk::append_and_sync;
use super::results::{self, Results};
use super::row::{MB, Row};
use super::scenario::{Scenario, Size};
use super::setup::Target;
use super::{come_back, filled, machine, page};
use crate::server::Server;
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What `bench all` shall do.
pub struct Plan {
    /// The server's binary.
    pub kith: PathBuf,
    /// Where servers keep their data: the disk that is measured.
    pub folder: PathBuf,
    /// One line of JSON is appended here for each row.
    pub results: PathBuf,
    /// The page for people; a summary in JSON goes beside it.
    pub page: PathBuf,
    /// Runs of each row.
    pub runs: usize,
    /// The runs that are long enough for compaction to show.
    pub long: Duration,
    /// Of the others.
    pub size: Size,
    /// Measure again what stands in the results already.
    pub fresh: bool,
}

/// Scenarios of which each run has a server of its own.
const FRESH: [Scenario; 11] = [
    Scenario::Pairs,
    Scenario::PairsOne,
    Scenario::Open,
    Scenario::Open10k,
    Scenario::Room,
    Scenario::RoomBusy,
    Scenario::RoomLarge,
    Scenario::Crowd,
    Scenario::Idle,
    Scenario::Resume,
    Scenario::CatchUp,
];

/// Scenarios with a run that is long, once.
const LONG: [Scenario; 3] = [Scenario::Pairs, Scenario::Open, Scenario::Open10k];

/// Clients that come back at once after a restart.
const STORM_CLIENTS: usize = 10_000;

/// One thing to do, which gives some rows.
struct Step {
    name: String,
    run: usize,
    about: Duration,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Binary,
    Disk(usize),
    Rest,
    Fresh(Scenario),
    Long(Scenario),
    Storm,
    Filled,
}

/// Runs the whole table. Rows are interleaved, so that a bad minute of the machine does not spoil
/// all runs of one. `each` sees every row as it comes.
pub fn all(plan: &Plan, mut each: impl FnMut(&Row)) -> Result<Vec<Row>> {
    machine::check_open_files(plan.size.sockets)?;
    let build = results::build(&plan.kith, &plan.size, plan.long.as_secs_f64())?;
    let mut results = Results::open(&plan.results, build, plan.fresh)?;
    let steps = steps(plan);
    let count = steps.len();
    let left: Vec<Step> = steps
        .into_iter()
        .filter(|step| !results.has(&step.name, step.run))
        .collect();
    let progress = Progress::begin(&left, count);
    for (number, step) in left.iter().enumerate() {
        progress.at(&left[number..], &step.name);
        let rows = step
            .take(plan, &progress)
            .with_context(|| step.name.clone())?;
        let rows = results.add(&step.name, rows)?;
        progress.bar.suspend(|| rows.iter().for_each(&mut each));
        // What is there is of use, even if the rest is never measured.
        page::write(&plan.page, results.rows())?;
        progress.bar.inc(1);
    }
    progress.bar.finish_and_clear();
    page::write(&plan.page, results.rows())?;
    Ok(results.rows().to_vec())
}

fn steps(plan: &Plan) -> Vec<Step> {
    let short = plan.size.duration;
    let mut steps = vec![Step::new("binary", 0, Duration::ZERO, What::Binary)];
    for run in 0..plan.runs {
        for records in [1, 100] {
            let name = format!("disk-{records}");
            steps.push(Step::new(&name, run, short / 5, What::Disk(records)));
        }
        steps.push(Step::new("rest", run, Duration::from_secs(2), What::Rest));
        for scenario in FRESH {
            let about = match scenario {
                Scenario::Idle => Duration::from_secs(25),
                Scenario::CatchUp => Duration::from_secs(5),
                // Limits, people and warm-ups take a little.
                _ => short * 7 / 5,
            };
            let what = What::Fresh(scenario);
            steps.push(Step::new(&scenario.name(), run, about, what));
        }
        let overload = Scenario::Overload;
        let what = What::Fresh(overload);
        steps.push(Step::new(&overload.name(), run, short * 5 / 2, what));
    }
    for scenario in LONG {
        let name = format!("{}-long", scenario.name());
        steps.push(Step::new(&name, 0, plan.long, What::Long(scenario)));
    }
    steps.push(Step::new("storm", 0, Duration::from_secs(40), What::Storm));
    let filling = Duration::from_secs(plan.size.entries / 50_000);
    let rounds = (short * 2) * plan.runs as u32;
    steps.push(Step::new("filled", 0, filling + rounds, What::Filled));
    steps
}

impl Step {
    fn new(name: &str, run: usize, about: Duration, what: What) -> Self {
        Self {
            name: name.to_owned(),
            run,
            about,
            what,
        }
    }

    fn take(&self, plan: &Plan, progress: &Progress) -> Result<Vec<Row>> {
        let mut rows = match self.what {
            What::Binary => vec![binary_size(plan)?],
            What::Disk(records) => {
                vec![append_and_sync(&plan.folder, records, self.about)?]
            }
            What::Rest => vec![at_rest(plan)?],
            What::Fresh(scenario) => fresh(plan, scenario, plan.size)?,
            What::Long(scenario) => {
                let duration = plan.long;
                let size = Size {
                    duration,
                    ..plan.size
                };
                let mut rows = fresh(plan, scenario, size)?;
                for row in &mut rows {
                    row.scenario.clone_from(&self.name);
                }
                rows
            }
            What::Storm => vec![come_back::storm(
                &plan.kith,
                &plan.folder,
                STORM_CLIENTS.min(plan.size.sockets),
            )?],
            What::Filled => {
                let entries = plan.size.entries;
                return filled::filled(&plan.kith, &plan.folder, plan.size, plan.runs, |done| {
                    if done < entries {
                        progress.doing(&format!("filling, {done} of {entries}"));
                    } else {
                        progress.doing("pages, messages and starts of a filled store");
                    }
                });
            }
        };
        for row in &mut rows {
            row.run = self.run;
        }
        Ok(rows)
    }
}

fn fresh(plan: &Plan, scenario: Scenario, size: Size) -> Result<Vec<Row>> {
    let server = Server::start(&plan.kith, &plan.folder)?;
    scenario.run(&Target::of(&server)?, size, &plan.folder)
}

fn at_rest(plan: &Plan) -> Result<Row> {
    let before = machine::Cpu::now(None)?;
    let server = Server::start(&plan.kith, &plan.folder)?;
    std::thread::sleep(Duration::from_secs(2).min(plan.size.duration));
    let (rss, _) = machine::rss_bytes(server.pid())?;
    let used = before.until(&machine::Cpu::now(None)?);
    let mb = rss as f64 / MB;
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
    let mut row = Row::new("binary", machine::Used::default()).valued(bytes as f64 / MB, "MB");
    if !stripped {
        row.note = "not stripped: there is no strip here".to_owned();
    }
    Ok(row)
}

/// How far it is, and how long it still takes.
struct Progress {
    bar: ProgressBar,
    began: Instant,
    all: Duration,
}

impl Progress {
    fn begin(left: &[Step], count: usize) -> Self {
        let bar = ProgressBar::new(count as u64);
        if let Ok(style) =
            ProgressStyle::with_template("{elapsed_precise} {pos}/{len} {prefix}{msg}")
        {
            bar.set_style(style);
        }
        bar.set_position((count - left.len()) as u64);
        bar.enable_steady_tick(Duration::from_millis(500));
        Self {
            bar,
            began: Instant::now(),
            all: about(left),
        }
    }

    fn at(&self, left: &[Step], name: &str) {
        let (all_s, left_s) = (self.all.as_secs_f64(), about(left).as_secs_f64());
        // Once something is done, what was reckoned is set right by how long it really took.
        let slower = match all_s - left_s {
            done_s if done_s > 0.0 => self.began.elapsed().as_secs_f64() / done_s,
            _ => 1.0,
        };
        let minutes = (left_s * slower / 60.0).ceil();
        self.bar
            .set_prefix(format!("about {minutes:.0} min left, "));
        self.doing(name);
    }

    fn doing(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }
}

fn about(steps: &[Step]) -> Duration {
    steps.iter().map(|step| step.about).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_takes_less_than_twenty_five_minutes() {
        let plan = Plan {
            kith: PathBuf::new(),
            folder: PathBuf::new(),
            results: PathBuf::new(),
            page: PathBuf::new(),
            runs: 3,
            long: Duration::from_secs(60),
            size: Size {
                duration: Duration::from_secs(15),
                ..Size::default()
            },
            fresh: false,
        };
        let about = about(&steps(&plan));
        assert!(about < Duration::from_secs(25 * 60), "{about:?}");
    }
}
