//! What a replay did and found, for people and for programs.

use crate::audit::{Broken, Findings};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How much of what was done.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    /// Lines of the recording that were sent.
    pub lines: u64,
    /// Entries that the logs have in the end.
    pub entries: u64,
    /// Edits.
    pub edits: u64,
    /// Deletions.
    pub deletions: u64,
    /// Reactions put on and taken away.
    pub reactions: u64,
    /// Joins and rejoins.
    pub joins: u64,
    /// Removals and leavings.
    pub removals: u64,
    /// Marks.
    pub marks: u64,
    /// Messages that were sent twice.
    pub retries: u64,
    /// Cursors that were kept.
    pub cursors: u64,
    /// Attempts of people who were out.
    pub knocks: u64,
    /// Sockets that were cut.
    pub cuts: u64,
    /// Entries that came to live readers by push.
    pub pushed: u64,
    /// Entries that live readers fetched.
    pub fetched: u64,
    /// Memberships whose whole list was read and compared.
    pub audited: u64,
    /// Entries compared in these lists.
    pub compared: u64,
    /// Inbox rows compared.
    pub rows: u64,
}

impl Counts {
    /// Adds those of another room.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.fields().into_iter().zip(other.clone().fields()) {
            *sum += *more;
        }
    }

    fn fields(&mut self) -> [&mut u64; 17] {
        [
            &mut self.lines,
            &mut self.entries,
            &mut self.edits,
            &mut self.deletions,
            &mut self.reactions,
            &mut self.joins,
            &mut self.removals,
            &mut self.marks,
            &mut self.retries,
            &mut self.cursors,
            &mut self.knocks,
            &mut self.cuts,
            &mut self.pushed,
            &mut self.fetched,
            &mut self.audited,
            &mut self.compared,
            &mut self.rows,
        ]
    }
}

/// What a replay did and found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Of everything that was drawn.
    pub seed: u64,
    /// Rooms replayed.
    pub rooms: usize,
    /// People signed up.
    pub people: usize,
    /// How much of what.
    #[serde(flatten)]
    pub counts: Counts,
    /// Time to play.
    pub played_s: f64,
    /// Time to audit.
    pub audited_s: f64,
    /// Differences, by kind; must be empty.
    pub differences: BTreeMap<Broken, u64>,
    /// The first of them, in words.
    pub told: Vec<String>,
}

impl Report {
    /// Puts in what was found.
    pub fn found(mut self, findings: &Findings) -> Self {
        self.differences.clone_from(findings.counts());
        self.told = findings.told().to_vec();
        self
    }

    /// Whether nothing differs.
    pub fn is_good(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.counts;
        writeln!(
            f,
            "seed {} · {} rooms · {} people · {} lines, {} entries in {:.1} s",
            self.seed, self.rooms, self.people, c.lines, c.entries, self.played_s
        )?;
        writeln!(
            f,
            "{} edits · {} deletions · {} reactions · {} joins · {} removals · {} marks · {} retries",
            c.edits, c.deletions, c.reactions, c.joins, c.removals, c.marks, c.retries
        )?;
        writeln!(
            f,
            "{} sockets cut · {} entries pushed and {} fetched by live readers · {} cursors kept",
            c.cuts, c.pushed, c.fetched, c.cursors
        )?;
        writeln!(
            f,
            "{} memberships audited: {} entries and {} rows compared in {:.1} s",
            c.audited, c.compared, c.rows, self.audited_s
        )?;
        if self.is_good() {
            return f.write_str("no differences");
        }
        for line in &self.told {
            writeln!(f, "  {line}")?;
        }
        let kinds: Vec<String> = self
            .differences
            .iter()
            .map(|(kind, count)| format!("{count} {kind:?}"))
            .collect();
        write!(f, "DIFFERENCES: {}", kinds.join(", ").to_lowercase())
    }
}
