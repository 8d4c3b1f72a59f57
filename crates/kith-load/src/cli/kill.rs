//! `kith-load kill`.

use anyhow::Result;
use clap::Args;
use kith_load::kill::{self, Mode, Options, Plant, ROUND_KILLS, Tally, Totals, Wrong};
use kith_load::server::find_binary;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Kill a server again and again, and audit what it acknowledged.
///
/// People write messages, edit, delete, react, come and go, mark, draft, sign in and out and make
/// contacts, over HTTP and WebSocket, while others read by push and by long poll. The server is
/// killed with SIGKILL at drawn moments: while it starts, writes, flushes, merges and purges. What
/// got no answer is asked again with the same ids. After every 20 kills all that the server says is
/// compared with what it had acknowledged, and a new data folder is begun.
#[derive(Args)]
#[command(after_help = "\
The three modes need the library of the package kith-plug beside this program:
    cargo build --release -p kith -p kith-load -p kith-plug

Exit code: 0 if nothing is wrong, 1 if something is, 2 if the server could not be killed or did
not come back. The data folder of a round that found something is kept, and named.

Examples:
  kith-load kill --kills 100
  kith-load kill --power-loss --minutes 30 --state soak.json
  kith-load kill --disk-full --kills 5 --json
  kith-load kill --power-loss --lying-fsync     (must find that something is lost)")]
pub(super) struct Kill {
    /// Drop what was not synced at each kill, as a power cut does.
    #[arg(long, group = "mode")]
    power_loss: bool,
    /// Fill the disk instead: refuse, say so, stay readable; then make room and restart.
    #[arg(long, group = "mode")]
    disk_full: bool,
    /// Let syncs fail instead, then restart on a good disk that has lost what they did not cover.
    #[arg(long, group = "mode")]
    failing_fsync: bool,
    /// Take POSIX at its word: the name of a new file needs a sync of its folder. The tables of
    /// fjall rely on file systems that are kinder.
    #[arg(long, requires = "power_loss")]
    strict: bool,
    /// Syncs make nothing durable: the audit must find it.
    #[arg(long, requires = "power_loss")]
    lying_fsync: bool,
    /// Kills to do; without it 20, or as many as --minutes allows.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    kills: Option<u64>,
    /// Begin no kill after this time.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: Option<u64>,
    /// Of everything that is drawn. Drawn and printed if absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Add to the counts in this file, and write them back after each round.
    #[arg(long)]
    state: Option<PathBuf>,
    /// The server's binary; the `kith` beside this program if absent.
    #[arg(long)]
    kith: Option<PathBuf>,
    /// Where the server keeps its data.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// Spoil something on purpose: the audit must find it.
    #[arg(long, value_enum)]
    plant: Option<Plant>,
    /// Print the totals as one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Kill {
    pub(super) fn run(self) -> Result<bool> {
        let mode = self.mode();
        let mut totals = match &self.state {
            Some(path) => Totals::read(path)?,
            None => Totals::default(),
        };
        let before = totals.modes.get(&mode).cloned().unwrap_or_default();
        let faults_before: u64 = before.faults.values().sum();
        let options = self.options(mode)?;
        eprintln!("{mode}, seed {}", options.seed);
        let tally = kill::kill(&options, before, |tally| {
            let Some(path) = &self.state else {
                return Ok(());
            };
            totals.modes.insert(mode, tally.clone());
            totals.write(path)
        })?;
        self.print(&tally)?;
        Ok(tally.faults.values().sum::<u64>() == faults_before)
    }

    fn mode(&self) -> Mode {
        match (self.power_loss, self.disk_full, self.failing_fsync) {
            (true, ..) => Mode::PowerLoss,
            (_, true, _) => Mode::DiskFull,
            (.., true) => Mode::FailingFsync,
            _ => Mode::Kill,
        }
    }

    fn options(&self, mode: Mode) -> Result<Options> {
        let minutes = self
            .minutes
            .map(|minutes| Duration::from_secs(60 * minutes));
        let kills = match (self.kills, minutes) {
            (Some(kills), _) => kills,
            (None, Some(_)) => u64::from(u32::MAX),
            (None, None) => ROUND_KILLS,
        };
        Ok(Options {
            kith: find_binary(self.kith.as_deref())?,
            folder: self.folder.clone(),
            mode,
            seed: self
                .seed
                .unwrap_or_else(|| u64::from(rand::random::<u32>())),
            kills,
            round_kills: ROUND_KILLS,
            until: minutes.map(|minutes| Instant::now() + minutes),
            strict: self.strict,
            lies: self.lying_fsync,
            plant: self.plant,
        })
    }

    fn print(&self, tally: &Tally) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(tally)?);
        } else {
            println!("{tally}");
            let wrong = |wrong: &&Wrong| tally.faults.get(wrong).is_some_and(|&n| n > 0);
            let found = Wrong::ALL.iter().filter(wrong).count();
            println!(
                "{}",
                match found {
                    0 => "nothing is wrong".to_owned(),
                    found => format!("WRONG in {found} ways"),
                }
            );
        }
        Ok(())
    }
}
