//! The machine that the server runs on: it can be unplugged, and its disk can be full or fail. All but
//! a plain kill goes through the preloaded library of `kith-plug`.

use super::moment::Moment;
use super::wrong::{Faults, Wrong};
use super::{Mode, Options};
use crate::server::Server;
use anyhow::{Context, Result, bail};
use kith_client::Api;
use rand::RngExt;
use rand::rngs::StdRng;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A start that takes longer than this has failed.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether something has happened.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What is wrong with the disk in one life of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disk {
    /// Nothing.
    Good,
    /// It is full after so many bytes.
    RoomBytes(u64),
    /// Every sync fails from this one on.
    FailFsync(u64),
}

/// A server that is killed again and again.
pub(super) struct Machine {
    server: Server,
    library: Option<PathBuf>,
    lies: bool,
    is_strict: bool,
    /// How long starts took, from the process to the first answer.
    pub(super) starts: Vec<Duration>,
    /// What is found beside the cast's own findings.
    pub(super) faults: Faults,
    /// When this life is to end.
    pub(super) moment: Moment,
    panics_seen: usize,
    on_since: Instant,
}

/// What was taken back at power cuts.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Cut {
    /// Pages that were lost.
    pub(super) pages_lost: u64,
    /// Changes of names that were lost.
    pub(super) names_lost: u64,
}

impl Machine {
    /// Switched off yet.
    pub(super) fn new(options: &Options) -> Result<Self> {
        let server = Server::not_started(&options.kith, &options.folder)?;
        let library = (options.mode != Mode::Kill)
            .then(find_library)
            .transpose()?;
        for name in ["data", "side"] {
            std::fs::create_dir(server.folder().join(name))?;
        }
        Ok(Self {
            server,
            library,
            lies: options.lies,
            is_strict: options.strict,
            starts: Vec::new(),
            faults: Faults::default(),
            moment: Moment::Starting(Duration::ZERO),
            panics_seen: 0,
            on_since: Instant::now(),
        })
    }

    /// Where the server will answer.
    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Where the data lies.
    pub(super) fn data(&self) -> PathBuf {
        self.server.data()
    }

    /// Starts the process, and does not wait; draws when it is to end.
    pub(super) fn switch_on(&mut self, rng: &mut StdRng, disk: Disk) -> Result<()> {
        let text = |name: &str, value: &dyn ToString| (name.to_owned(), value.to_string());
        let mut variables = vec![
            // The least: memtables are written out all the time.
            text("KITH_STORE_MEMTABLE_BYTES", &(1 << 20)),
        ];
        self.moment = Moment::draw(rng);
        if matches!(self.moment, Moment::Purging(_)) {
            variables.push(text("KITH_STORE_PURGE_EVERY_S", &1));
        }
        if let Some(library) = &self.library {
            let side = self.server.folder().join("side");
            variables.push(text("LD_PRELOAD", &library.display()));
            variables.push(text("PLUG_FOLDER", &self.data().display()));
            variables.push(text("PLUG_SIDE", &side.display()));
            variables.push(text("PLUG_SEED", &rng.random::<u64>()));
            if self.is_strict {
                variables.push(text("PLUG_STRICT", &1));
            }
            if self.lies {
                variables.push(text("PLUG_LIE", &1));
            }
        }
        match disk {
            Disk::Good => {}
            Disk::RoomBytes(bytes) => variables.push(text("PLUG_ROOM_BYTES", &bytes)),
            Disk::FailFsync(number) => variables.push(text("PLUG_FAIL_FSYNC", &number)),
        }
        self.on_since = Instant::now();
        self.server.spawn(&variables)
    }

    /// Pulls the plug.
    pub(super) fn switch_off(&mut self) -> Result<()> {
        self.look_for_panics();
        self.server.kill()
    }

    /// Waits until it answers. With a bad disk it may end instead, and says so: then false.
    pub(super) async fn is_up(&mut self, disk: Disk) -> Result<bool> {
        let (waited, api) = (Instant::now(), Api::new(&self.url())?);
        loop {
            if let Some(status) = self.server.ended()? {
                self.look_for_panics();
                if disk == Disk::Good {
                    return self.is_down(format!("it ended with {status}"));
                }
                return Ok(false);
            }
            let is_up = api.raw("GET", "/healthz/live", &[], "").await;
            if is_up.is_ok() {
                self.starts.push(self.on_since.elapsed());
                return Ok(true);
            }
            if waited.elapsed() > START_PATIENCE {
                let waited_s = START_PATIENCE.as_secs();
                return self.is_down(format!("no answer {waited_s} s after the start"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether the process has ended by itself.
    pub(super) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.server.ended()?.is_some())
    }

    /// The data stays, to be looked at; where.
    pub(super) fn keep(&mut self) -> PathBuf {
        self.server.keep_folder().to_owned()
    }

    /// What power cuts have taken back, all together, and what the library could not play.
    pub(super) fn cuts(&self) -> (Cut, Vec<String>) {
        let read = |name: &str| {
            let path = self.server.folder().join("side").join(name);
            std::fs::read_to_string(path).unwrap_or_default()
        };
        let mut sum = Cut::default();
        for line in read("cuts").lines() {
            if let Ok(cut) = serde_json::from_str::<Cut>(line) {
                sum.pages_lost += cut.pages_lost;
                sum.names_lost += cut.names_lost;
            }
        }
        (sum, read("notes").lines().map(str::to_owned).collect())
    }

    /// A server that panics is wrong, even if it goes on.
    pub(super) fn look_for_panics(&mut self) {
        let log = self.server.log();
        let panics: Vec<&str> = log.lines().filter(|l| l.contains("panicked")).collect();
        for line in &panics[self.panics_seen.min(panics.len())..] {
            self.faults.add(Wrong::Down, || (*line).to_owned());
        }
        self.panics_seen = panics.len();
    }

    fn is_down(&mut self, how: String) -> Result<bool> {
        let log = self.server.log();
        let lines: Vec<&str> = log.lines().collect();
        let last_words = lines[lines.len().saturating_sub(5)..].join("\n");
        self.faults
            .add(Wrong::Down, || format!("{how}: {last_words}"));
        bail!("the server does not come back")
    }
}

/// The library beside this program, or beside the tests.
fn find_library() -> Result<PathBuf> {
    const NAME: &str = "libkith_plug.so";
    let here = std::env::current_exe()?;
    let here = here.parent().context("this program lies in a folder")?;
    let places = [here.join(NAME), here.join("deps").join(NAME)];
    match places.iter().find(|path| path.exists()) {
        Some(path) => Ok(path.clone()),
        None => bail!(
            "{} does not exist: build it with `cargo build --release -p kith-plug`",
            places[0].display()
        ),
    }
}
