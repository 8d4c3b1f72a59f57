//! Opening after whatever happened: fjall is brought to a whole batch, then the write-ahead log adds the rest.
//!
//! What fjall was given is not synced batch by batch. When the power goes, blocks of its journal may have
//! reached the disk out of order, and fjall refuses a journal with a wrong checksum, or takes the first thing
//! that it cannot read for the end. So its newest journal is cut off after the last whole batch; fjall syncs it
//! before it writes tables, so nothing in them is newer than what is left. The write-ahead log keeps every
//! batch until fjall has it for good: if one is missing all the same, the disk has lost something.

use super::EmbeddedConfig;
use super::anchor;
use super::apply;
use super::batch::{Batch, RowChange};
use super::folder::{self, OpenError};
use super::journal;
use super::table::{Tables, journals};
use super::unfinished;
use super::wal::Wal;
use fjall::PersistMode;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes replayed at once.
const REPLAYED_MAX_BYTES: usize = 1024 * 1024;

/// Opens the tables and the log; everything that was acknowledged is in the tables, for good.
pub(super) fn recover(config: &EmbeddedConfig) -> Result<(Tables, Wal), OpenError> {
    let io = |error| OpenError::io(&config.folder, error);
    unfinished::clear(&config.folder).map_err(io)?;
    let cut = look_through_journals(&config.folder)?;
    let opened = open(config);
    match (opened, cut) {
        (Ok(opened), Some(cut)) => {
            tracing::warn!(
                bytes = cut.tail.len(),
                "the end of the journal was torn and came from the log"
            );
            Ok(opened)
        }
        // Damage stays as it was found.
        (Err(error), Some(cut)) => cut.take_back().map_err(io).and(Err(error)),
        (opened, None) => opened,
    }
}

fn open(config: &EmbeddedConfig) -> Result<(Tables, Wal), OpenError> {
    let explain = |error| folder::explain(&config.folder, error);
    let tables = Tables::open(config).map_err(explain)?;
    let applied = tables.applied().map_err(|error| OpenError::Damaged {
        folder: config.folder.clone(),
        why: error.to_string(),
    })?;
    let mut replay = Replay::new(&tables);
    let wal = Wal::open(&config.folder, applied, |batch| {
        replay.add(batch).map_err(explain)
    })?;
    replay.write().map_err(explain)?;
    if wal.last_number() > applied {
        tables.db.persist(PersistMode::SyncAll).map_err(explain)?;
        tracing::debug!(
            batches = wal.last_number() - applied,
            "the log was ahead of the tables"
        );
    }
    anchor::sync_folders(&config.folder).map_err(|error| OpenError::io(&config.folder, error))?;
    Ok((tables, wal))
}

/// Batches of the log on their way to fjall, some at a time.
struct Replay<'a> {
    tables: &'a Tables,
    batches: Vec<Batch>,
    bytes: usize,
}

impl<'a> Replay<'a> {
    fn new(tables: &'a Tables) -> Self {
        Self {
            tables,
            batches: Vec::new(),
            bytes: 0,
        }
    }

    fn add(&mut self, batch: Batch) -> fjall::Result<()> {
        let weights = batch.changes.iter().map(RowChange::weight_bytes);
        self.bytes += weights.sum::<usize>();
        self.batches.push(batch);
        if self.bytes >= REPLAYED_MAX_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> fjall::Result<()> {
        self.bytes = 0;
        apply::write(self.tables, std::mem::take(&mut self.batches))
    }
}

/// Refuses older journals in which something is missing, and cuts the newest one off after its last whole batch.
fn look_through_journals(folder: &Path) -> Result<Option<Cut>, OpenError> {
    let io = |error| OpenError::io(folder, error);
    let tables = folder.join("tables");
    if !tables.try_exists().map_err(io)? {
        return Ok(None);
    }
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u64>().ok();
    let mut journals = journals(&tables).map_err(io)?;
    journals.sort_unstable_by_key(number);
    let newest = journals.pop();
    for journal in journals {
        if journal::is_damaged(&journal).map_err(io)? {
            return Err(OpenError::Damaged {
                folder: folder.to_owned(),
                why: format!("{} has whole batches after a broken one", journal.display()),
            });
        }
    }
    newest
        .map_or(Ok(None), Cut::make)
        .map_err(|error| OpenError::io(folder, error))
}

/// What was taken off the end of a journal.
struct Cut {
    journal: PathBuf,
    at: u64,
    tail: Vec<u8>,
    length: u64,
}

impl Cut {
    /// Cuts a journal; none if it is whole, or of a kind that only fjall can read.
    fn make(journal: PathBuf) -> std::io::Result<Option<Self>> {
        let Some(at) = journal::whole_batches_end(&journal)? else {
            return Ok(None);
        };
        let mut file = OpenOptions::new().read(true).write(true).open(&journal)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(at))?;
        let mut tail = Vec::new();
        Read::by_ref(&mut file).read_to_end(&mut tail)?;
        // A journal has its length before it is written: zeros follow the last batch.
        let written = tail.iter().rposition(|byte| *byte != 0);
        let Some(last) = written else {
            return Ok(None);
        };
        tail.truncate(last + 1);
        file.set_len(at)?;
        file.sync_all()?;
        Ok(Some(Self {
            journal,
            at,
            tail,
            length,
        }))
    }

    fn take_back(self) -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.journal)?;
        file.seek(SeekFrom::Start(self.at))?;
        file.write_all(&self.tail)?;
        file.set_len(self.length)?;
        file.sync_all()
    }
}
