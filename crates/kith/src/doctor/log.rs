//! What holds within a log by itself: no holes, right ords, times that never go back.

use super::finding::{Finding, Findings, Kind};
use kith_protocol::Timestamp;
use kith_store::audit::Unreadable;
use kith_store::log::EntryRow;

/// How far a log was looked at.
#[derive(Debug)]
pub(super) struct Log {
    /// The last entry that was looked at.
    pub(super) last_seq: u64,
    /// Whether everything that views rest on is there and right: after a hole nobody knows what they should be.
    pub(super) is_whole: bool,
    ord: Option<u64>,
    at: Timestamp,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            last_seq: 0,
            is_whole: true,
            ord: Some(0),
            at: Timestamp(i64::MIN),
        }
    }
}

impl Log {
    /// Looks at the next entry; gives it if it can be read.
    pub(super) fn take(
        &mut self,
        row: Result<EntryRow, Unreadable>,
        findings: &mut Findings,
    ) -> Option<EntryRow> {
        let seq = match &row {
            Ok(entry) => Some(entry.seq),
            Err(unreadable) => unreadable.seq,
        };
        // A row of which not even the place can be read is seen as a hole before the next one.
        self.step(seq.unwrap_or(self.last_seq), findings);
        match row {
            Ok(entry) => {
                self.look(&entry, findings);
                Some(entry)
            }
            Err(unreadable) => {
                findings.add(Finding::unreadable(unreadable));
                self.broken();
                None
            }
        }
    }

    fn step(&mut self, seq: u64, findings: &mut Findings) {
        let next = self.last_seq + 1;
        if seq > next {
            let stands = match seq - next {
                1 => "no such entry".to_owned(),
                count => format!("a hole of {count} entries"),
            };
            let should = format!("an entry: the log goes on with {seq}");
            findings.add(Finding::new(Kind::Hole, stands, should).at(next));
            self.broken();
        }
        self.last_seq = self.last_seq.max(seq);
    }

    fn broken(&mut self) {
        self.is_whole = false;
        self.ord = None;
    }

    fn look(&mut self, entry: &EntryRow, findings: &mut Findings) {
        if let Some(before) = self.ord {
            let ord = before + u64::from(entry.kind.is_countable());
            if entry.ord != ord {
                let (stands, should) = (format!("ord {}", entry.ord), format!("ord {ord}"));
                findings.add(Finding::new(Kind::Ord, stands, should).at(entry.seq));
                self.is_whole = false;
            }
        }
        // What follows is held against what stands here, so that one wrong ord is one finding, or two.
        self.ord = Some(entry.ord);
        if entry.at < self.at {
            let should = format!("none before {}, which an earlier entry has", self.at);
            let stands = format!("the time {}", entry.at);
            findings.add(Finding::new(Kind::Time, stands, should).at(entry.seq));
        }
        self.at = self.at.max(entry.at);
    }
}
