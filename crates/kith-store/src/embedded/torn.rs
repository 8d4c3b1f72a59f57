//! Opening after a power loss: a last batch that is there in pieces only is cut off.
//!
//! fjall itself drops a batch without an end. When the power goes, blocks of the last batch may have reached
//! the disk out of order: then its end is there, a piece in the middle is not, and fjall refuses the journal
//! for a wrong checksum. The sync of such a batch never returned, so nobody was told that it is stored.

use super::EmbeddedConfig;
use super::folder::{self, OpenError};
use super::journal;
use super::table::{Tables, journals};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes looked at together when the end of a journal is searched.
const STEP_BYTES: u64 = 64 * 1024;

/// Opens the tables; cuts a torn batch off the end of the journal if there is one.
pub(super) fn open(config: &EmbeddedConfig) -> Result<Tables, OpenError> {
    let explain = |error| folder::explain(&config.folder, error);
    refuse_damage(&config.folder)?;
    let refusal = match Tables::open(config) {
        Err(refusal @ fjall::Error::JournalRecovery(_)) => refusal,
        opened => return opened.map_err(explain),
    };
    let io = |error| OpenError::io(&config.folder, error);
    let Some(cut) = Cut::make(&config.folder.join("tables")).map_err(io)? else {
        return Err(explain(refusal));
    };
    match Tables::open(config) {
        Ok(tables) => {
            tracing::warn!("the last batch of the journal was torn and is dropped");
            Ok(tables)
        }
        Err(error) => {
            // It was not the last batch: that is damage, and stays as it was found.
            cut.take_back().map_err(io)?;
            Err(explain(error))
        }
    }
}

/// Refuses journals in which fjall would silently drop whole batches.
fn refuse_damage(folder: &Path) -> Result<(), OpenError> {
    let io = |error| OpenError::io(folder, error);
    let tables = folder.join("tables");
    if !tables.try_exists().map_err(io)? {
        return Ok(());
    }
    for journal in journals(&tables).map_err(io)? {
        if journal::is_damaged(&journal).map_err(io)? {
            return Err(OpenError::Damaged {
                folder: folder.to_owned(),
                why: format!("{} has whole batches after a broken one", journal.display()),
            });
        }
    }
    Ok(())
}

/// The last byte of a journal, taken away: fjall then sees a batch without an end.
struct Cut {
    journal: PathBuf,
    at: u64,
    byte: u8,
    length: u64,
}

impl Cut {
    /// Cuts the newest journal; none if there is nothing in it.
    fn make(folder: &Path) -> std::io::Result<Option<Self>> {
        let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u64>().ok();
        let Some(journal) = journals(folder)?.into_iter().max_by_key(number) else {
            return Ok(None);
        };
        let mut file = OpenOptions::new().read(true).write(true).open(&journal)?;
        let length = file.metadata()?.len();
        let Some((at, byte)) = last_byte(&mut file, length)? else {
            return Ok(None);
        };
        file.set_len(at)?;
        file.sync_all()?;
        Ok(Some(Self {
            journal,
            at,
            byte,
            length,
        }))
    }

    fn take_back(self) -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.journal)?;
        file.seek(SeekFrom::Start(self.at))?;
        file.write_all(&[self.byte])?;
        file.set_len(self.length)?;
        file.sync_all()
    }
}

/// The last byte that is not zero and where it is: a journal has its length before it is written.
fn last_byte(file: &mut File, length: u64) -> std::io::Result<Option<(u64, u8)>> {
    let mut end = length;
    let mut bytes = Vec::new();
    while end > 0 {
        let begin = end.saturating_sub(STEP_BYTES);
        file.seek(SeekFrom::Start(begin))?;
        bytes.clear();
        Read::by_ref(file)
            .take(end - begin)
            .read_to_end(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte != 0) {
            return Ok(Some((begin + at as u64, bytes[at])));
        }
        end = begin;
    }
    Ok(None)
}
