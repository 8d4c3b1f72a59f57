//! What can be wrong after a kill, counted by name.

use crate::audit::{Broken, Findings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Faults that are told in words; the rest is counted.
const TOLD_MAX: usize = 40;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// Something acknowledged is not there.
    Lost,
    /// Something is there twice.
    Doubled,
    /// Entries stand in another order than they were acknowledged in.
    Reordered,
    /// The numbers of a log, or somebody's list, have a hole.
    Gapped,
    /// Something is there that nobody wrote, or that was refused.
    Phantom,
    /// Something is not what was written.
    Altered,
    /// A count of unread messages or mentions.
    Unread,
    /// Who read and who holds a message.
    Receipt,
    /// A read or delivered mark.
    Mark,
    /// Another part of a row.
    Row,
    /// What sync tells: cursors and digests.
    Sync,
    /// A draft.
    Draft,
    /// Who is whose contact.
    Contact,
    /// An ended session lives, or a living one has ended.
    Session,
    /// The server did not come back, or panicked.
    Down,
    /// A server that cannot write does not say so as it should, or cannot be read.
    Refusal,
}

impl Wrong {
    /// All of them, in the order in which they are printed.
    pub const ALL: [Self; 16] = [
        Self::Lost,
        Self::Doubled,
        Self::Reordered,
        Self::Gapped,
        Self::Phantom,
        Self::Altered,
        Self::Unread,
        Self::Receipt,
        Self::Mark,
        Self::Row,
        Self::Sync,
        Self::Draft,
        Self::Contact,
        Self::Session,
        Self::Down,
        Self::Refusal,
    ];

    /// Its name in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Reordered => "reordered",
            Self::Gapped => "gapped",
            Self::Phantom => "phantom",
            Self::Altered => "altered",
            Self::Unread => "wrong unread",
            Self::Receipt => "wrong receipt",
            Self::Mark => "wrong mark",
            Self::Row => "wrong row",
            Self::Sync => "wrong sync",
            Self::Draft => "wrong draft",
            Self::Contact => "wrong contact",
            Self::Session => "wrong session",
            Self::Down => "down",
            Self::Refusal => "wrong refusal",
        }
    }

    fn of(broken: Broken) -> Self {
        match broken {
            Broken::Hole | Broken::Paging => Self::Gapped,
            Broken::Double => Self::Doubled,
            Broken::Order => Self::Reordered,
            Broken::Leak => Self::Phantom,
            Broken::Entry | Broken::Overlay | Broken::Answer => Self::Altered,
            Broken::Unread => Self::Unread,
            Broken::Marks => Self::Mark,
            Broken::Row => Self::Row,
            Broken::Receipts => Self::Receipt,
            Broken::Sync | Broken::Digest => Self::Sync,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    counts: BTreeMap<Wrong, u64>,
    told: Vec<String>,
}

impl Faults {
    /// Notes a fault.
    pub fn add(&mut self, wrong: Wrong, what: impl FnOnce() -> String) {
        *self.counts.entry(wrong).or_default() += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(format!("{}: {}", wrong.words(), what()));
        }
    }

    /// Says something beside the faults.
    pub fn note(&mut self, words: String) {
        self.told.push(words);
    }

    /// Adds those of another part.
    pub fn merge(&mut self, other: Self) {
        for (wrong, count) in other.counts {
            *self.counts.entry(wrong).or_default() += count;
        }
        let room = TOLD_MAX.saturating_sub(self.told.len());
        self.told.extend(other.told.into_iter().take(room));
    }

    /// What is more here than there.
    pub fn since(mut self, before: &Self) -> Self {
        for (wrong, count) in &before.counts {
            if let Some(now) = self.counts.get_mut(wrong) {
                *now -= count;
            }
        }
        self.counts.retain(|_, count| *count > 0);
        self.told.drain(..before.told.len().min(self.told.len()));
        self
    }

    /// Adds what the auditor of replays found.
    pub fn take(&mut self, findings: &Findings) {
        for (&broken, count) in findings.counts() {
            *self.counts.entry(Wrong::of(broken)).or_default() += count;
        }
        let room = TOLD_MAX.saturating_sub(self.told.len());
        self.told.extend(findings.told().iter().take(room).cloned());
    }

    /// How many of each kind.
    pub fn counts(&self) -> &BTreeMap<Wrong, u64> {
        &self.counts
    }

    /// The first of them, in words.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
