//! What sync told a user: rows applied one answer after the other, and their digest.

use super::seen::RowSeen;
use kith_protocol::ThreadId;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The rows that a user was told, and the cursor that stands for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Of the last answer.
    pub cursor: String,
    /// What counts about each thread: a row of four numbers.
    pub threads: BTreeMap<ThreadId, ToldThread>,
    /// Threads that the user was told to have left, and the last entry there.
    pub gone: BTreeMap<ThreadId, u64>,
}

/// What counts about a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldThread {
    /// The last entry.
    pub last_seq: u64,
    /// Read up to here.
    pub read_seq: u64,
    /// Of the private settings.
    pub version: u64,
    /// Countable entries of others that were not read.
    pub unread: u64,
    /// Members.
    pub member_count: u64,
}

/// An answer of sync.
#[derive(Debug, Deserialize)]
pub struct SyncSeen {
    /// To be given next.
    pub cursor: String,
    /// Everything is told.
    pub full: bool,
    /// Call again.
    pub more: bool,
    /// Rows.
    pub threads: Vec<SyncRowSeen>,
    /// On the last page.
    #[serde(default)]
    pub digest: Option<String>,
}

/// A row, or a thread that is gone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum SyncRowSeen {
    /// The row.
    Row(Box<RowSeen>),
    /// The user is out.
    Gone {
        /// Of which thread.
        id: ThreadId,
        /// Since then.
        left_seq: u64,
    },
}

impl Told {
    /// Applies an answer. `first`: of this call, whose pages follow each other.
    pub fn apply(&mut self, answer: &SyncSeen, first: bool) {
        if answer.full && first {
            self.threads.clear();
            self.gone.clear();
        }
        self.cursor.clone_from(&answer.cursor);
        for row in &answer.threads {
            match row {
                SyncRowSeen::Row(row) => {
                    self.gone.remove(&row.thread.id);
                    self.threads.insert(row.thread.id, ToldThread::of(row));
                }
                SyncRowSeen::Gone { id, left_seq } => {
                    self.threads.remove(id);
                    self.gone.insert(*id, *left_seq);
                }
            }
        }
    }

    /// The digest over the rows told.
    pub fn digest(&self) -> String {
        digest(
            self.threads
                .iter()
                .map(|(&id, row)| (id, row.last_seq, row.read_seq, row.version)),
        )
    }
}

impl ToldThread {
    /// What counts about a row.
    pub fn of(row: &RowSeen) -> Self {
        Self {
            last_seq: row.head.last_seq,
            read_seq: row.mine.read_seq,
            version: row.mine.version,
            unread: row.mine.unread,
            member_count: row.thread.member_count,
        }
    }
}

/// First 16 hex digits of SHA-256 over rows sorted by thread: 16 id bytes and three big-endian
/// numbers each.
pub fn digest(rows: impl Iterator<Item = (ThreadId, u64, u64, u64)>) -> String {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable();
    let mut hash = Sha256::new();
    for (thread, last_seq, read_seq, version) in rows {
        hash.update(thread.0.as_bytes());
        for number in [last_seq, read_seq, version] {
            hash.update(number.to_be_bytes());
        }
    }
    let hex = hash.finalize();
    hex[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
