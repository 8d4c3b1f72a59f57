//! One file of the ring, and what is found in it after a start.

use super::record::{self, Record};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A file of the ring.
pub(super) struct Segment {
    /// Open for reading and writing.
    pub(super) file: File,
    path: PathBuf,
    /// The last batch in it that may be needed: once that is in fjall for good, the file is free.
    pub(super) last_number: u64,
}

/// The batches that follow each other without a hole from the begin of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Number of the first.
    pub(super) first: u64,
    /// Number of the last.
    pub(super) last: u64,
    end: usize,
}

impl Segment {
    /// Opens a file, or makes an empty one.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        Ok(Self {
            file,
            path,
            last_number: 0,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills a new file with zeros, for good.
    pub(super) fn fill(&mut self, bytes: u64) -> io::Result<()> {
        io::copy(&mut io::repeat(0).take(bytes), &mut self.file)?;
        self.file.sync_all()
    }

    /// Reads all of it into `bytes`, which is emptied first.
    pub(super) fn read(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.clear();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(bytes).map(drop)
    }
}

/// The run at the begin of a file's bytes, if there is one.
pub(super) fn run(bytes: &[u8]) -> Option<Run> {
    let mut run: Option<Run> = None;
    for record in records(bytes) {
        let (first, end) = run.map_or((record.number, 0), |run| (run.first, run.end));
        run = Some(Run {
            first,
            last: record.number,
            end: end + record.len(),
        });
    }
    run
}

/// The batches of the run, one after the other.
pub(super) fn records(bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let (mut at, mut last) = (0, None);
    std::iter::from_fn(move || {
        let record = record::read(bytes.get(at..)?, last.unwrap_or(0))?;
        if last.is_some_and(|last| record.number != last + 1) {
            return None;
        }
        at += record.len();
        last = Some(record.number);
        Some(record)
    })
}

/// The number of a whole record above `above` that lies after the run: what should have come between is lost.
pub(super) fn stray(bytes: &[u8], run: Option<Run>, above: u64) -> Option<u64> {
    let rest = bytes.get(run.map_or(0, |run| run.end)..)?;
    record::find(rest, above).map(|record| record.number)
}
