//! The command line.

mod demo;
mod kill;

use anyhow::{Context, Result};
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use kith_load::bench::{self, Plan, Row, Scenario, Size, Target};
use kith_load::replay::recorded::Recording;
use kith_load::replay::script::Mix;
use kith_load::replay::{Options, Plant, replay};
use kith_load::server::{Server, find_binary};
use std::path::PathBuf;
use std::time::Duration;

/// Load generator and auditor for kith.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Replay(Replay),
    Bench(Bench),
    Kill(kill::Kill),
    Demo(demo::Demo),
}

/// Replay recorded conversations and audit everything that the server says about them.
///
/// The authors sign up, their rooms become groups, and every line is sent by its author in the
/// recorded order, with edits, deletions, reactions, joins, removals, rejoins and marks mixed in,
/// while others read live over sockets that are cut at random. Then every member's list, unread
/// count, mentions, marks, receipts, cursors and digests are compared with plain arithmetic.
#[derive(Args)]
#[command(after_help = "\
Exit code: 0 if nothing differs, 1 if something does, 2 if the replay could not be done.

Examples:
  kith-load replay crates/kith-load/sample/*.jsonl
  kith-load replay --seed 7 --json irc-ubuntu.jsonl.gz
  kith-load replay --server http://127.0.0.1:8080 zh-chat.jsonl.gz
      (its limits must be off and its groups large enough:
       KITH_LIMITS_ENABLED=false KITH_THREAD_GROUP_MAX_MEMBERS=5000 kith serve)")]
struct Replay {
    /// JSON lines with room, from and text; plain or gzip.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    /// Of everything that is drawn; the same seed does the same. Drawn and printed if absent.
    #[arg(long)]
    seed: Option<u64>,
    /// People who read live at a time.
    #[arg(long, default_value_t = 50)]
    readers: usize,
    /// Spoil one answer on purpose: the audit must find it.
    #[arg(long, value_enum)]
    plant: Option<Plant>,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Measure a server, or all rows of the table.
///
/// One line for people goes to standard error and one of JSON to standard output for each row.
#[derive(Args)]
#[command(after_help = "\
Without --server, a server is started for each run; its CPU and memory are known then. For a
running server give its process with --pid.

Exit code: 0 if it was measured, 1 if entries were missing, repeated or dropped, 2 on an error.

`all` goes on where it was interrupted: what stands in --results for the same programs at the same
size is not measured again, except with --fresh.

Examples:
  kith-load bench pairs --duration-s 60
  kith-load bench room --server http://127.0.0.1:8080 --pid 4711
  kith-load bench overload
  kith-load bench all --results bench/results.jsonl --page bench/results.md
  kith-load bench all --runs 1 --duration-s 1 --long-s 2 --sockets 200 --entries 20000
      (a try of every row in a minute)")]
struct Bench {
    /// What to measure.
    #[arg(value_enum)]
    what: What,
    #[command(flatten)]
    server: ServerArgs,
    /// Process of the server that --server names, for CPU and memory.
    #[arg(long, requires = "server")]
    pid: Option<u32>,
    /// Measured time of a run.
    #[arg(long, default_value_t = 15)]
    duration_s: u64,
    /// Measured time of the long runs of `all`.
    #[arg(long, default_value_t = 60)]
    long_s: u64,
    /// Runs of each row of `all`, and of `filled`.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Sockets of `idle` and `storm`, and at most of `overload`.
    #[arg(long, default_value_t = 10_000)]
    sockets: usize,
    /// Entries of the long thread of `pages` and `filled`.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Members of the large group of `crowd`.
    #[arg(long, default_value_t = 5_000)]
    members: usize,
    /// Clients of `catch-up`.
    #[arg(long, default_value_t = 2_000)]
    returning: usize,
    /// For places that are drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With `all`: measure again what stands in the results already.
    #[arg(long)]
    fresh: bool,
    /// With `all`: a line of JSON is appended here for each row.
    #[arg(long, default_value = "bench/results.jsonl")]
    results: PathBuf,
    /// With `all`: the page with medians, targets, and what was reached; in JSON beside it.
    #[arg(long, default_value = "bench/results.md")]
    page: PathBuf,
    /// Print only JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct ServerArgs {
    /// A running server; without it one is started and thrown away.
    #[arg(long)]
    server: Option<String>,
    /// The server's binary; the `kith` beside this program if absent.
    #[arg(long, conflicts_with = "server")]
    kith: Option<PathBuf>,
    /// Where started servers keep their data. It should be a disk, not memory.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
}

/// A scenario, or one of those that start servers of their own.
#[derive(Clone, Copy)]
enum What {
    All,
    Filled,
    Storm,
    Disk,
    Sockets,
    One(Scenario),
}

impl ValueEnum for What {
    fn value_variants<'a>() -> &'a [Self] {
        use Scenario::*;
        &[
            Self::All,
            Self::One(Pairs),
            Self::One(PairsOne),
            Self::One(Open),
            Self::One(Open10k),
            Self::One(Room),
            Self::One(RoomBusy),
            Self::One(RoomLarge),
            Self::One(Crowd),
            Self::One(Idle),
            Self::One(Resume),
            Self::One(CatchUp),
            Self::One(Pages),
            Self::One(Overload),
            Self::Storm,
            Self::Filled,
            Self::Disk,
            Self::Sockets,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::All => PossibleValue::new("all").help("Every row of the table"),
            Self::Filled => PossibleValue::new("filled").help(
                "Pages, CPU and room on the disk of a large store, and starting it after kill -9",
            ),
            Self::Storm => PossibleValue::new("storm")
                .help("10,000 clients come back at once after a restart, while others chat"),
            Self::Disk => PossibleValue::new("disk").help("What the disk itself can do"),
            Self::Sockets => PossibleValue::new("sockets")
                .help("What the same sockets do with no server behind them"),
            Self::One(scenario) => return scenario.to_possible_value(),
        })
    }
}

impl Cli {
    /// Runs the command; false if it worked and found faults.
    pub(crate) fn run(self) -> Result<bool> {
        match self.command {
            Command::Replay(replay) => replay.run(),
            Command::Bench(bench) => bench.run(),
            Command::Kill(kill) => kill.run(),
            Command::Demo(demo) => demo.run(),
        }
    }
}

impl Replay {
    fn run(self) -> Result<bool> {
        let seed = self
            .seed
            .unwrap_or_else(|| u64::from(rand::random::<u32>()));
        let recording = Recording::read(&self.files, seed)?;
        let (_server, url) = self.server.open()?;
        eprintln!(
            "replaying {} lines by {} people in {} rooms on {url}, seed {seed}",
            recording.line_count(),
            recording.people.len(),
            recording.rooms.len()
        );
        let options = Options {
            seed,
            readers: self.readers,
            mix: Mix::default(),
            plant: self.plant,
        };
        let report = tokio::runtime::Runtime::new()?
            .block_on(replay(&url, &recording, options))
            .with_context(|| format!("seed {seed}"))?;
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!("{report}");
        }
        Ok(report.is_good())
    }
}

impl Bench {
    fn run(self) -> Result<bool> {
        let folder = &self.server.folder;
        let rows = match self.what {
            What::All => bench::all(&self.plan()?, |row| self.show(row))?,
            What::Disk => {
                let disk = |records| bench::append_and_sync(folder, records, self.duration());
                vec![disk(1)?, disk(100)?]
            }
            What::Sockets => bench::bare_sockets(self.duration())?,
            What::Storm => {
                let kith = find_binary(self.server.kith.as_deref())?;
                vec![bench::storm(&kith, folder, self.sockets)?]
            }
            What::Filled => {
                let kith = find_binary(self.server.kith.as_deref())?;
                let bar = ProgressBar::new(self.entries).with_message("filling");
                let fill = |done| bar.set_position(done);
                bench::filled(&kith, folder, self.size(), self.runs, fill)?
            }
            What::One(scenario) => {
                let (server, url) = self.server.open()?;
                let target = match &server {
                    Some(server) => Target::of(server)?,
                    None => Target::new(&url, self.pid)?,
                };
                scenario.run(&target, self.size(), folder)?
            }
        };
        if !matches!(self.what, What::All) {
            for row in &rows {
                self.show(row);
            }
        }
        Ok(rows.iter().all(|row| row.faults == 0))
    }

    fn show(&self, row: &Row) {
        if !self.json {
            eprintln!("{row}");
        }
        match serde_json::to_string(row) {
            Ok(line) => println!("{line}"),
            Err(error) => eprintln!("kith-load: a row cannot be written: {error}"),
        }
    }

    fn duration(&self) -> Duration {
        Duration::from_secs(self.duration_s)
    }

    fn size(&self) -> Size {
        Size {
            duration: self.duration(),
            sockets: self.sockets,
            entries: self.entries,
            members: self.members,
            returning: self.returning,
            open_per_s: Size::default().open_per_s,
            seed: self.seed,
        }
    }

    fn plan(&self) -> Result<Plan> {
        Ok(Plan {
            kith: find_binary(self.server.kith.as_deref())?,
            folder: self.server.folder.clone(),
            results: self.results.clone(),
            page: self.page.clone(),
            runs: self.runs,
            long: Duration::from_secs(self.long_s),
            size: self.size(),
            fresh: self.fresh,
        })
    }
}

impl ServerArgs {
    /// The server that was named, or one of our own that ends when it is dropped.
    fn open(&self) -> Result<(Option<Server>, String)> {
        if let Some(url) = &self.server {
            return Ok((None, url.clone()));
        }
        let binary = find_binary(self.kith.as_deref())?;
        let server = Server::start(&binary, &self.folder)?;
        let url = server.url();
        Ok((Some(server), url))
    }
}
