//! Kills a server again and again, and compares what it says with what it had acknowledged.
//!
//! A round has a data folder of its own: people write over HTTP and over sockets, two read along, and the
//! process is killed at drawn moments, started, and asked again for whatever got no answer. Then all that
//! the server says is compared with the record of its answers. What a seed draws is the same each time;
//! how threads of two processes meet is not.

mod ask;
mod call;
mod cast;
mod examine;
mod machine;
mod moment;
mod own;
mod person;
mod place;
mod reader;
mod record;
mod round;
mod sick;
mod stage;
mod tally;
mod verdict;
mod wrong;

pub use examine::Plant;
pub use tally::{Tally, Totals};
pub use wrong::{Faults, Wrong};

use crate::replay::progress;
use anyhow::{Context, Result};
use machine::Machine;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use round::{Done, Round};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Instant;

/// Kills of a round, if there are as many to do: afterwards logs are long, and reading them takes more
/// time than killing.
pub const ROUND_KILLS: u64 = 20;

/// How the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// `kill -9`: what was handed to the kernel stays.
    Kill,
    /// The power goes: what was not synced may go with it.
    PowerLoss,
    /// The disk is full, then it has room again.
    DiskFull,
    /// Syncs fail, then the disk is a good one.
    FailingFsync,
}

impl Mode {
    /// Whether the process ends at any moment, and not when its disk has gone bad.
    fn is_sudden(self) -> bool {
        matches!(self, Self::Kill | Self::PowerLoss)
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill -9",
            Self::PowerLoss => "power loss",
            Self::DiskFull => "disk full",
            Self::FailingFsync => "failing fsync",
        })
    }
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server.
    pub kith: PathBuf,
    /// Where its data lies.
    pub folder: PathBuf,
    /// How it ends.
    pub mode: Mode,
    /// Of everything that is drawn.
    pub seed: u64,
    /// Kills in all.
    pub kills: u64,
    /// Kills in one round.
    pub round_kills: u64,
    /// No kill is begun after this.
    pub until: Option<Instant>,
    /// The name of a new file needs a sync of its folder.
    pub strict: bool,
    /// Syncs make nothing durable: with power loss the audit must find it.
    pub lies: bool,
    /// A fault that the audit must find.
    pub plant: Option<Plant>,
}

/// Plays rounds until there were enough kills or time is up; `each` sees the totals after each round.
pub fn kill(
    options: &Options,
    tally: Tally,
    each: impl FnMut(&Tally) -> Result<()>,
) -> Result<Tally> {
    on_one_thread(rounds(options, tally, each))
}

/// Plays one round and examines it as often as there are plants, each time with another one; what was
/// found each time, that of no plant first.
pub fn planted(options: &Options, plants: &[Plant]) -> Result<Vec<Faults>> {
    on_one_thread(async {
        let bar = progress("killing", options.kills);
        let (mut machine, mut done) = (Machine::new(options)?, Done::default());
        let seed = options.seed;
        let round = Round::play(options, &mut machine, seed, &bar, &mut done).await?;
        bar.finish_and_clear();
        let mut found = vec![round.examine(None).await?];
        for &plant in plants {
            found.push(round.examine(Some(plant)).await?);
        }
        Ok(found)
    })
}

async fn rounds(
    options: &Options,
    mut tally: Tally,
    mut each: impl FnMut(&Tally) -> Result<()>,
) -> Result<Tally> {
    let mut seeds = StdRng::seed_from_u64(options.seed);
    let goal = tally.kills + options.kills;
    let bar = progress("killing", options.kills);
    while tally.kills < goal && !options.is_late() {
        let seed = match tally.rounds {
            0 => options.seed,
            _ => seeds.random_range(0..1 << 48),
        };
        let options = Options {
            round_kills: options.round_kills.min(goal - tally.kills),
            ..options.clone()
        };
        let done = round::round(&options, seed, &bar)
            .await
            .with_context(|| format!("seed {seed}"))?;
        tally.add(seed, done);
        each(&tally)?;
    }
    bar.finish_and_clear();
    Ok(tally)
}

/// People wait most of the time: one thread is enough for all of them, and leaves the rest of the machine
/// to the server.
fn on_one_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}
