//! Who listens while doctor works: findings as they come, how far it is, and the end.

use super::finding::{Finding, Findings, Kind};
use kith_protocol::ThreadId;
use kith_store::{StoreError, StoreResult};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Things told that wait for the listener: a slow one slows doctor down, and nothing else.
const WAITING_MAX: usize = 64;

/// Entries, or threads, after which it is told how far it is.
const TELL_EVERY: u64 = 5000;

/// What is told; one line of JSON each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Told {
    /// What there is to do, about.
    Size {
        /// Threads.
        threads: u64,
        /// Entries of all of them.
        entries: u64,
    },
    /// What was done so far.
    Progress {
        /// Entries read; some are read more than once.
        entries: u64,
    },
    /// Something is wrong.
    Finding(Finding),
    /// Further findings like those before.
    More {
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread: Option<ThreadId>,
        /// What they are about.
        kind: Kind,
        /// How many.
        more: u64,
    },
    /// The end: all of it was looked at.
    Summary(Summary),
    /// The end: it could not be done.
    Failed {
        /// Why.
        why: String,
    },
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Threads that were looked at.
    pub threads: u64,
    /// Entries in them.
    pub entries: u64,
    /// Rows about accounts, people and sessions.
    pub index_rows: u64,
    /// What was wrong, by kind.
    pub found: BTreeMap<Kind, u64>,
    /// How much of it is wrong still.
    pub standing: u64,
}

impl Summary {
    /// Whether nothing is wrong, any longer.
    pub fn is_sound(&self) -> bool {
        self.standing == 0
    }
}

/// Tells a listener, as long as there is one.
#[derive(Debug)]
pub struct Ear {
    listener: mpsc::Sender<Told>,
    entries: u64,
    untold: u64,
}

impl Ear {
    /// An ear, and where it hears.
    pub fn new() -> (Self, mpsc::Receiver<Told>) {
        let (listener, heard) = mpsc::channel(WAITING_MAX);
        let ear = Self {
            listener,
            entries: 0,
            untold: 0,
        };
        (ear, heard)
    }

    /// Tells something. Fails when nobody listens any longer: then nothing more is to be done.
    pub async fn tell(&self, told: Told) -> StoreResult<()> {
        let gone = |_| StoreError::Unavailable("nobody listens to doctor any longer".to_owned());
        self.listener.send(told).await.map_err(gone)
    }

    /// So many entries were read.
    pub async fn entries(&mut self, count: u64) -> StoreResult<()> {
        self.entries += count;
        self.step(count).await
    }

    /// A thread was looked at.
    pub async fn thread(&mut self) -> StoreResult<()> {
        // As much work as some entries, however few it has.
        self.step(TELL_EVERY / 100).await
    }

    async fn step(&mut self, work: u64) -> StoreResult<()> {
        self.untold += work;
        if self.untold >= TELL_EVERY {
            self.untold = 0;
            let entries = self.entries;
            self.tell(Told::Progress { entries }).await?;
        }
        Ok(())
    }

    /// Tells findings, and how many more there are.
    pub async fn findings(&self, thread: Option<ThreadId>, findings: Findings) -> StoreResult<()> {
        let untold: Vec<_> = findings.untold().collect();
        for finding in findings.told {
            let thread = finding.thread.or(thread);
            self.tell(Told::Finding(Finding { thread, ..finding }))
                .await?;
        }
        for (kind, more) in untold {
            self.tell(Told::More { thread, kind, more }).await?;
        }
        Ok(())
    }
}
