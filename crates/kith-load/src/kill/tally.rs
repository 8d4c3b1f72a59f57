//! What all rounds together have done and found: for people, for programs, and for the next run.

use super::Mode;
use super::round::Done;
use super::wrong::Wrong;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Starts whose times are remembered: enough for a median of the last thousand kills.
const STARTS_MAX: usize = 1_000;
/// Seeds of rounds that found something, and faults in words.
const TOLD_MAX: usize = 100;

/// Totals of one mode.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Rounds that came to their end.
    pub rounds: u64,
    /// Kills.
    pub kills: u64,
    /// Deeds that were answered.
    pub deeds: u64,
    /// Pages that power cuts took back.
    pub pages_lost: u64,
    /// New, moved or removed names that power cuts took back.
    pub names_lost: u64,
    /// Disks that went bad and were met.
    pub bad_disks: u64,
    /// Faults, by name; all of them, so that a 0 can be read.
    pub faults: BTreeMap<Wrong, u64>,
    /// The first faults in words.
    pub told: Vec<String>,
    /// What the library could not play.
    pub notes: Vec<String>,
    /// Seeds of rounds that found something.
    pub bad_seeds: Vec<u64>,
    /// From the start of the process to the first answer, in ms.
    pub starts_ms: Vec<f64>,
}

impl Tally {
    /// Adds a round.
    pub(super) fn add(&mut self, seed: u64, done: Done) {
        self.rounds += 1;
        self.kills += done.kills;
        self.deeds += done.deeds;
        self.pages_lost += done.pages_lost;
        self.names_lost += done.names_lost;
        self.bad_disks += done.bad_disks;
        for wrong in Wrong::ALL {
            let found = done.faults.counts().get(&wrong).copied().unwrap_or(0);
            *self.faults.entry(wrong).or_default() += found;
        }
        if !done.faults.is_empty() {
            self.bad_seeds.push(seed);
        }
        self.told.extend(done.faults.told().iter().cloned());
        self.told.truncate(TOLD_MAX);
        self.bad_seeds.truncate(TOLD_MAX);
        for note in done.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.starts_ms.extend(done.starts_ms);
        let surplus = self.starts_ms.len().saturating_sub(STARTS_MAX);
        self.starts_ms.drain(..surplus);
    }

    /// Whether nothing was found.
    pub fn is_good(&self) -> bool {
        self.faults.values().all(|&count| count == 0)
    }

    fn median_start_ms(&self) -> f64 {
        let mut starts = self.starts_ms.clone();
        starts.sort_by(f64::total_cmp);
        starts.get(starts.len() / 2).copied().unwrap_or(0.0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} kills in {} rounds · {} answers recorded · up again after {:.0} ms (median)",
            self.kills,
            self.rounds,
            self.deeds,
            self.median_start_ms()
        )?;
        if self.pages_lost + self.names_lost > 0 {
            let (pages, names) = (self.pages_lost, self.names_lost);
            writeln!(
                f,
                "power cuts took back {pages} pages and {names} names that were not synced"
            )?;
        }
        if self.bad_disks > 0 {
            writeln!(f, "{} bad disks were met", self.bad_disks)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for line in &self.told {
            writeln!(f, "  {line}")?;
        }
        if !self.bad_seeds.is_empty() {
            writeln!(f, "seeds of rounds with faults: {:?}", self.bad_seeds)?;
        }
        let counts = Wrong::ALL.map(|wrong| {
            let count = self.faults.get(&wrong).copied().unwrap_or(0);
            format!("{} {count}", wrong.words())
        });
        f.write_str(&counts.join(" · "))
    }
}

/// Totals of all modes, kept in a file from run to run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// By mode.
    pub modes: BTreeMap<Mode, Tally>,
}

impl Totals {
    /// Reads the file; nothing has been done yet if there is none.
    pub fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            read => read.with_context(|| path.display().to_string())?,
        };
        serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is no state of kith-load kill: remove it, or name another",
                path.display()
            )
        })
    }

    /// Writes it beside and moves it into place.
    pub fn write(&self, path: &Path) -> Result<()> {
        let beside = path.with_extension("new");
        let write = || {
            std::fs::write(&beside, serde_json::to_string_pretty(self)?)?;
            std::fs::rename(&beside, path)
        };
        write().with_context(|| path.display().to_string())
    }
}
