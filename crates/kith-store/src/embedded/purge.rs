//! Purging: after it, what was erased is in no file of the folder any longer.
//!
//! Erasing writes an emptied row over the old one; until everything was rewritten the old one is still in
//! the write-ahead log, whose files are deleted once fjall has what is in them, and in fjall's
//! journal, tables and blob files. fjall rotates its journal by size only, so purging fills it up
//! with zeros in a keyspace that is thrown away afterwards: 64 MB are written, a second of work on a disk.

use super::table::{JOURNAL_BYTES, Table, Tables};
use super::{Embedded, failed};
use crate::{StoreError, StoreResult};
use fjall::{Keyspace, KeyspaceCreateOptions, PersistMode};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The keyspace that is filled and thrown away.
pub(super) const FILLER: &str = "filler";
/// Bytes of a row of it.
const ROW_BYTES: usize = 64 * 1024;
/// Rows of it in one batch: a megabyte, so that appends are held up for milliseconds only.
const BATCH_ROWS: u64 = 16;
/// Its memtable: the share of `heads`, as memory is bounded.
const MEMTABLE_BYTES: u64 = 2 * 1024 * 1024;
/// Sealed memtables at which writing waits, below the four at which fjall sleeps in steps of 100 ms.
const SEALED_MAX: usize = 2;
/// Background work that takes longer than this is broken.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs one purge; two at once would only do the same work twice.
pub(super) async fn purge(embedded: &Embedded) -> StoreResult<()> {
    let _one = embedded.purging.lock().await;
    embedded.commits.renew_log().await?;
    embedded.blocking(purge_now).await
}

fn purge_now(tables: &Tables) -> StoreResult<()> {
    let filler = Filler::new(tables)?;
    let before = tables.db.seqno();
    let journals = tables.journals().map_err(|error| failed(error.into()))?;
    filler.fill_the_journal()?;
    for table in Table::ALL {
        flush(tables, tables.of(table))?;
    }
    filler.until_gone(&journals)?;
    filler.until_unseen(before)?;
    for table in Table::ALL {
        tables.of(table).major_compact().map_err(failed)?;
    }
    // The first time found which blobs nobody points to any longer; the second leaves them behind.
    tables.of(Table::Messages).major_compact().map_err(failed)?;
    filler.until_unseen(tables.db.seqno())?;
    filler.throw_away()
}

struct Filler<'a> {
    tables: &'a Tables,
    keyspace: Keyspace,
}

impl<'a> Filler<'a> {
    fn new(tables: &'a Tables) -> StoreResult<Self> {
        let options = || {
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .max_memtable_size(MEMTABLE_BYTES)
        };
        let keyspace = tables.db.keyspace(FILLER, options).map_err(failed)?;
        Ok(Self { tables, keyspace })
    }

    /// Writes more than a journal holds: it is rotated at one of the flushes that this brings about.
    fn fill_the_journal(&self) -> StoreResult<()> {
        let batch_bytes = BATCH_ROWS * ROW_BYTES as u64;
        for _ in 0..(JOURNAL_BYTES + 2 * MEMTABLE_BYTES) / batch_bytes {
            self.write(BATCH_ROWS, ROW_BYTES)?;
            patiently("a flush", || {
                healthy(self.tables)?;
                Ok(self.keyspace.sealed_memtable_count() < SEALED_MAX)
            })?;
        }
        flush(self.tables, &self.keyspace)
    }

    fn write(&self, rows: u64, bytes: usize) -> StoreResult<()> {
        let mut batch = self
            .tables
            .db
            .batch()
            .durability(Some(PersistMode::SyncData));
        for row in 0..rows {
            batch.insert(&self.keyspace, row.to_be_bytes(), vec![0; bytes]);
        }
        batch.commit().map_err(failed)
    }

    /// One small flush: it makes fjall look for journals and versions that nobody needs.
    fn nudge(&self) -> StoreResult<()> {
        self.write(1, 1)?;
        flush(self.tables, &self.keyspace)
    }

    /// Waits until the journals of before were deleted.
    fn until_gone(&self, journals: &[PathBuf]) -> StoreResult<()> {
        patiently("an old journal", || {
            self.nudge()?;
            Ok(!journals.iter().any(|journal| journal.exists()))
        })
    }

    /// Waits until no read sees anything from before `seqno`: only then does compaction leave old rows
    /// behind, and only then are files deleted that such a read could need.
    fn until_unseen(&self, seqno: fjall::SeqNo) -> StoreResult<()> {
        patiently("an old read", || {
            self.nudge()?;
            let snapshots = &self.tables.db.supervisor.snapshot_tracker;
            Ok(snapshots.get_seqno_safe_to_gc() > seqno)
        })
    }

    fn throw_away(self) -> StoreResult<()> {
        self.tables
            .db
            .delete_keyspace(self.keyspace)
            .map_err(failed)
    }
}

/// Writes a memtable into tables.
fn flush(tables: &Tables, keyspace: &Keyspace) -> StoreResult<()> {
    keyspace.rotate_memtable().map_err(failed)?;
    patiently("a flush", || {
        healthy(tables)?;
        Ok(keyspace.sealed_memtable_count() == 0)
    })
}

/// Fails when the background work of fjall has failed.
pub(super) fn healthy(tables: &Tables) -> StoreResult<()> {
    tables.db.persist(PersistMode::Buffer).map_err(failed)
}

fn patiently(what: &str, mut is_done: impl FnMut() -> StoreResult<bool>) -> StoreResult<()> {
    let until = Instant::now() + PATIENCE;
    while !is_done()? {
        if Instant::now() > until {
            let waited_s = PATIENCE.as_secs();
            return Err(StoreError::Unavailable(format!(
                "{what} is not done after {waited_s} s"
            )));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
