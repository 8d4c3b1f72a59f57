//! One round: a new data folder, people who write and read, a number of kills, and the examination.

use super::cast::Cast;
use super::examine::{Company, Plant, examine};
use super::machine::{Disk, Machine};
use super::moment::Moment;
use super::person::Person;
use super::reader::Reader;
use super::sick;
use super::stage::Stage;
use super::wrong::{Faults, Wrong};
use super::{Mode, Options};
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use kith_client::Api;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Bytes that go on a disk before it is full: from the first words to some seconds of writing.
const ROOM_BYTES: std::ops::Range<u64> = 100_000..6_000_000;
/// Syncs that succeed before they fail: more than a start needs, so that people meet it.
const GOOD_FSYNCS: std::ops::Range<u64> = 100..400;

/// What a round has done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Kills.
    pub(super) kills: u64,
    /// Deeds that were answered.
    pub(super) deeds: u64,
    /// Pages that power cuts took back.
    pub(super) pages_lost: u64,
    /// Names that power cuts took back.
    pub(super) names_lost: u64,
    /// Disks that went bad and were met.
    pub(super) bad_disks: u64,
    /// Times from the start of the process to the first answer, in ms.
    pub(super) starts_ms: Vec<f64>,
    /// What the library could not play.
    pub(super) notes: Vec<String>,
    /// What was found.
    pub(super) faults: Faults,
}

/// A round after its last start, ready to be examined.
pub(super) struct Round {
    stage: Arc<Stage>,
    company: Company,
    seed: u64,
}

/// Plays and examines; keeps the data folder if something is wrong.
pub(super) async fn round(options: &Options, seed: u64, bar: &ProgressBar) -> Result<Done> {
    let mut machine = Machine::new(options)?;
    let mut done = Done::default();
    let outcome = Round::play(options, &mut machine, seed, bar, &mut done).await;
    match outcome {
        Ok(round) => match round.examine(options.plant).await {
            Ok(faults) => done.faults.merge(faults),
            Err(error) => done.faults.add(Wrong::Lost, || format!("{error:#}")),
        },
        Err(_) if !machine.faults.is_empty() => {}
        // Whoever could not go on relied on something that is not there.
        Err(error) => done.faults.add(Wrong::Lost, || format!("{error:#}")),
    }
    machine.look_for_panics();
    done.faults.merge(std::mem::take(&mut machine.faults));
    if !done.faults.is_empty() {
        let folder = machine.keep();
        let words = format!("seed {seed}: the data is kept in {}", folder.display());
        done.faults.note(words);
    }
    let (cut, notes) = machine.cuts();
    (done.pages_lost, done.names_lost) = (cut.pages_lost, cut.names_lost);
    done.notes = notes;
    done.starts_ms = machine.starts.iter().map(ms).collect();
    Ok(done)
}

fn ms(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Round {
    /// Plays until everybody is quiet.
    pub(super) async fn play(
        options: &Options,
        machine: &mut Machine,
        seed: u64,
        bar: &ProgressBar,
        done: &mut Done,
    ) -> Result<Self> {
        let mut rng = StdRng::seed_from_u64(seed);
        let api = Api::new(&machine.url())?;
        machine.switch_on(&mut rng, Disk::Good)?;
        let mut assembling = JoinSet::new();
        let api_of_cast = api.clone();
        assembling.spawn_local(async move { Cast::assemble(&api_of_cast).await });
        if options.mode.is_sudden() {
            // The first one may fall into the very first start, when the folder is made.
            machine.moment.wait(&machine.data()).await;
            machine.switch_off()?;
            machine.switch_on(&mut rng, Disk::Good)?;
            done.kills += 1;
            bar.inc(1);
        }
        machine.is_up(Disk::Good).await?;
        let cast = assembling.join_next().await.context("the cast")???;
        let stage = Arc::new(Stage::new(api, cast));
        let tasks = Tasks::start(&stage, seed);
        while done.kills < options.round_kills && !options.is_late() {
            let is_met = life(options, &stage, machine, &mut rng).await?;
            done.bad_disks += u64::from(is_met);
            stage.next_life();
            done.kills += 1;
            bar.inc(1);
        }
        machine.is_up(Disk::Good).await?;
        done.deeds = stage.record.count();
        // Everybody finishes what was begun.
        stage.end();
        let company = tasks.join(&stage).await?;
        Ok(Self {
            stage,
            company,
            seed,
        })
    }

    /// Examines everything.
    pub(super) async fn examine(&self, plant: Option<Plant>) -> Result<Faults> {
        examine(&self.stage, &self.company, self.seed, plant).await
    }
}

/// One life of the server and its end; true if its disk went bad and that was met.
async fn life(
    options: &Options,
    stage: &Stage,
    machine: &mut Machine,
    rng: &mut StdRng,
) -> Result<bool> {
    let disk = match options.mode {
        Mode::DiskFull => Disk::RoomBytes(rng.random_range(ROOM_BYTES)),
        Mode::FailingFsync => Disk::FailFsync(rng.random_range(GOOD_FSYNCS)),
        Mode::Kill | Mode::PowerLoss => {
            machine.moment.wait(&machine.data()).await;
            machine.switch_off()?;
            machine.switch_on(rng, Disk::Good)?;
            // A start that is to be interrupted is not waited for.
            if !matches!(machine.moment, Moment::Starting(_)) {
                machine.is_up(Disk::Good).await?;
            }
            return Ok(false);
        }
    };
    machine.switch_off()?;
    machine.switch_on(rng, disk)?;
    let mut is_met = false;
    if machine.is_up(disk).await? {
        is_met = sick::is_met(stage, || machine.has_ended().unwrap_or(true)).await;
        if is_met {
            sick::check(stage, &machine.data()).await?;
        }
    }
    machine.switch_off()?;
    // There is room again; the disk is a good one.
    machine.switch_on(rng, Disk::Good)?;
    machine.is_up(Disk::Good).await?;
    Ok(is_met)
}

/// Everybody at work; they end when this is dropped.
struct Tasks {
    people: JoinSet<Result<Person>>,
    readers: JoinSet<Result<Reader>>,
}

impl Tasks {
    fn start(stage: &Arc<Stage>, seed: u64) -> Self {
        let (mut people, mut readers) = (JoinSet::new(), JoinSet::new());
        for number in 0..stage.cast.writers.len() {
            people.spawn_local(Person::new(stage.clone(), number, seed).run());
        }
        readers.spawn_local(Reader::listen(stage.clone()));
        readers.spawn_local(Reader::poll(stage.clone()));
        Self { people, readers }
    }

    /// All have come to their end, and are where the logs are.
    async fn join(mut self, stage: &Stage) -> Result<Company> {
        let mut people = Vec::new();
        while let Some(person) = self.people.join_next().await {
            match person? {
                Ok(person) => people.push(person),
                // What the writer relied on is not there.
                Err(error) => stage.wrong(Wrong::Lost, || {
                    format!("a writer could not go on: {error:#}")
                }),
            }
        }
        for person in &mut people {
            person.catch_up().await?;
        }
        let mut readers = Vec::new();
        while let Some(reader) = self.readers.join_next().await {
            let mut reader = reader??;
            reader.catch_up().await?;
            readers.push(reader);
        }
        Ok(Company { people, readers })
    }
}

impl Options {
    /// Whether the time is over.
    pub(super) fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}
