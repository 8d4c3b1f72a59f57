//! The write-ahead log: a batch is durable when it is here; fjall gets it afterwards, in its own time.
//!
//! fjall holds commits up for 30 to 170 ms while it flushes or merges. Nobody waits for that here: a batch
//! is one record, one write and one sync at the end of a file. The files are a ring: one whose batches are
//! all in fjall for good is written over from its begin. A file that was written before needs no new blocks and
//! no entry in the file system's own journal, so its syncs cost half; the first files are therefore filled with
//! zeros, beside the writing.
//!
//! No file says which batches are in it and none is ever renamed: records carry numbers without holes, so
//! what is newest is found by reading. The next batch is written only after the sync of the one before has
//! returned; so only the last one can be there in pieces, and a whole record after a broken one is damage.

pub(super) mod fuzz;
mod record;
mod segment;

use super::batch::{Batch, RowChange};
use super::folder::OpenError;
use segment::{Run, Segment};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

/// Bytes after which the next file is begun: some 25,000 short messages, a quarter of a second at full speed.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// Files at which the writer waits for fjall: 64 MB, as much as fjall's own journal takes.
const SEGMENTS_MAX: usize = 8;
/// Bytes in a file after which another one must be ready.
const SPARE_FROM_BYTES: u64 = SEGMENT_BYTES / 8;

/// The end of the log, and its one writer.
pub(super) struct Wal {
    folder: PathBuf,
    segments: Vec<Segment>,
    /// The one that is written now; none before the first write and after [`Wal::end_segment`].
    current: Option<usize>,
    /// A file that is being filled with zeros.
    spare: Option<JoinHandle<io::Result<Segment>>>,
    position: u64,
    last_number: u64,
    record: Vec<u8>,
}

/// A write, or what has to happen before it.
pub(super) enum Written {
    /// Durable.
    Done {
        /// The number of the batch.
        number: u64,
        /// It began a file: the one before is free once its batches are in fjall for good.
        ended: bool,
    },
    /// Every file is in use: nothing was written. Try again when this batch is in fjall for good.
    Full(u64),
}

impl Wal {
    /// Opens the log of a folder in which fjall has the batches up to `applied`, and hands over those after
    /// it in order. Refused if one of them is missing.
    pub(super) fn open(
        folder: &Path,
        applied: u64,
        replay: impl FnMut(Batch) -> Result<(), OpenError>,
    ) -> Result<Self, OpenError> {
        let io = |error| OpenError::io(folder, error);
        let wal = folder.join("wal");
        std::fs::create_dir_all(&wal).map_err(io)?;
        let mut segments = existing(&wal).map_err(io)?;
        let last_number = replay_after(folder, &mut segments, applied, replay)?;
        Ok(Self {
            folder: wal,
            segments,
            current: None,
            spare: None,
            position: 0,
            last_number,
            record: Vec::new(),
        })
    }

    /// Number of the last batch.
    pub(super) fn last_number(&self) -> u64 {
        self.last_number
    }

    /// Writes a batch and syncs it. Files whose batches are up to `synced` may be written over. After an
    /// error it may be there or not: it is known after the next start.
    pub(super) fn append(&mut self, changes: &[RowChange], synced: u64) -> io::Result<Written> {
        let number = self.last_number + 1;
        record::write(number, changes, &mut self.record);
        let len = self.record.len() as u64;
        let ended = self.position > 0 && self.position + len > SEGMENT_BYTES;
        if ended {
            self.end_segment();
        }
        let Some(current) = self.current_or_next(synced)? else {
            let oldest = self.segments.iter().map(|segment| segment.last_number);
            return Ok(Written::Full(oldest.min().unwrap_or_default()));
        };
        let segment = &mut self.segments[current];
        segment.file.write_all_at(&self.record, self.position)?;
        segment.file.sync_data()?;
        segment.last_number = number;
        self.position += len;
        self.last_number = number;
        if self.position > SPARE_FROM_BYTES {
            self.keep_a_spare(synced);
        }
        if self.record.capacity() as u64 > SEGMENT_BYTES {
            self.record = Vec::new();
        }
        Ok(Written::Done { number, ended })
    }

    /// The next batch begins a file.
    pub(super) fn end_segment(&mut self) {
        self.current = None;
        self.position = 0;
    }

    /// Deletes the files whose batches are up to `synced`: what was erased may be in them.
    pub(super) fn delete_up_to(&mut self, synced: u64) -> io::Result<()> {
        let current = self.current.map(|at| self.segments[at].path().to_owned());
        for segment in std::mem::take(&mut self.segments) {
            let is_current = current.as_deref() == Some(segment.path());
            if is_current || segment.last_number > synced {
                self.segments.push(segment);
            } else {
                std::fs::remove_file(segment.path())?;
            }
        }
        let is_current = |segment: &Segment| Some(segment.path()) == current.as_deref();
        self.current = self.segments.iter().position(is_current);
        sync_folder(&self.folder)
    }

    /// The file to write to; none if all are in use and there may be no more.
    fn current_or_next(&mut self, synced: u64) -> io::Result<Option<usize>> {
        if self.current.is_none() {
            let is_filled = |spare: &mut JoinHandle<_>| spare.is_finished();
            if let Some(spare) = self.spare.take_if(is_filled) {
                self.segments.extend(filled(spare));
            }
            self.current = match self.free(synced) {
                Some(free) => Some(free),
                None if self.segments.len() < SEGMENTS_MAX => Some(self.add_segment()?),
                None => None,
            };
        }
        Ok(self.current)
    }

    /// A file that is not needed any more.
    fn free(&self, synced: u64) -> Option<usize> {
        let mut segments = self.segments.iter().enumerate();
        let is_free = |(at, segment): &(usize, &Segment)| {
            Some(*at) != self.current && segment.last_number <= synced
        };
        segments.find(is_free).map(|(at, _)| at)
    }

    /// Begins to fill another file if there will be none to write to after this one.
    fn keep_a_spare(&mut self, synced: u64) {
        let may_be_more = self.segments.len() + 1 < SEGMENTS_MAX;
        if self.spare.is_none() && may_be_more && self.free(synced).is_none() {
            let (folder, path) = (self.folder.clone(), self.new_path());
            self.spare = Some(std::thread::spawn(move || {
                let mut segment = Segment::open(path)?;
                segment.fill(SEGMENT_BYTES)?;
                sync_folder(&folder)?;
                Ok(segment)
            }));
        }
    }

    fn add_segment(&mut self) -> io::Result<usize> {
        // One that is being filled would have the same name.
        let segment = match self.spare.take().and_then(filled) {
            Some(spare) => spare,
            None => {
                let segment = Segment::open(self.new_path())?;
                // Else the file, and what was acknowledged in it, may be gone after a power loss.
                sync_folder(&self.folder)?;
                segment
            }
        };
        self.segments.push(segment);
        Ok(self.segments.len() - 1)
    }

    fn new_path(&self) -> PathBuf {
        let name = |number: usize| self.folder.join(format!("{number}.log"));
        let is_taken = |path: &PathBuf| self.segments.iter().any(|one| one.path() == path);
        let free = (1..=self.segments.len())
            .map(name)
            .find(|path| !is_taken(path));
        free.unwrap_or_else(|| name(self.segments.len() + 1))
    }
}

impl Drop for Wal {
    /// Whoever opens the folder next must find nobody who still fills a file.
    fn drop(&mut self) {
        self.spare.take().map(filled);
    }
}

/// The file, once it is filled; a disk that is too full for it is told by the write that needs one.
fn filled(spare: JoinHandle<io::Result<Segment>>) -> Option<Segment> {
    let segment = spare
        .join()
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
    segment
        .inspect_err(|error| tracing::warn!(%error, "a file of the log could not be made"))
        .ok()
}

/// Hands over the batches after `applied` while another has the log open and writes to it no more.
pub(super) fn read_after(
    folder: &Path,
    applied: u64,
    mut read: impl FnMut(Batch),
) -> Result<(), OpenError> {
    let io = |error| OpenError::io(folder, error);
    let mut segments = existing(&folder.join("wal")).map_err(io)?;
    replay_after(folder, &mut segments, applied, |batch| {
        read(batch);
        Ok(())
    })
    .map(drop)
}

/// Hands over what is in the files after `applied`; gives the number of the last batch.
fn replay_after(
    folder: &Path,
    segments: &mut [Segment],
    applied: u64,
    mut replay: impl FnMut(Batch) -> Result<(), OpenError>,
) -> Result<u64, OpenError> {
    let io = |error| OpenError::io(folder, error);
    let damaged = |why| OpenError::Damaged {
        folder: folder.to_owned(),
        why,
    };
    let runs = read_runs(segments, applied).map_err(io)?.map_err(damaged)?;
    if let Some((from, to)) = hole(applied, &runs) {
        return Err(damaged(format!(
            "batches {from} to {to} of its log are missing"
        )));
    }
    let mut last_number = applied;
    let mut bytes = Vec::new();
    for (at, _) in runs {
        segments[at].read(&mut bytes).map_err(io)?;
        for record in segment::records(&bytes).filter(|record| record.number > applied) {
            last_number = record.number;
            let batch = record.batch();
            replay(
                batch.ok_or_else(|| {
                    damaged(format!("batch {last_number} of its log is no batch"))
                })?,
            )?;
        }
        segments[at].last_number = last_number;
    }
    Ok(last_number)
}

fn existing(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "log") {
            segments.push(Segment::open(path)?);
        }
    }
    Ok(segments)
}

/// The runs that go on after `applied` in order, each with the place of its file; or what is wrong with them.
fn read_runs(
    segments: &mut [Segment],
    applied: u64,
) -> io::Result<Result<Vec<(usize, Run)>, String>> {
    let mut bytes = Vec::new();
    let mut runs = Vec::new();
    let mut strays = Vec::new();
    for (at, segment) in segments.iter_mut().enumerate() {
        segment.read(&mut bytes)?;
        let run = segment::run(&bytes);
        runs.extend(run.map(|run| (at, run)));
        let last = run.map_or(applied, |run| run.last.max(applied));
        strays.extend(segment::stray(&bytes, run, last).map(|number| (at, number)));
    }
    runs.sort_unstable_by_key(|(_, run)| run.first);
    let last = runs.iter().map(|(_, run)| run.last).max();
    let last = last.unwrap_or_default().max(applied);
    // One of another round, before the last, was written over in part: that is how a ring is.
    let stray = strays.into_iter().find(|(_, number)| *number > last);
    Ok(match stray {
        Some((at, number)) => Err(format!(
            "{} has batch {number} after a broken one",
            segments[at].path().display()
        )),
        None => {
            runs.retain(|(_, run)| run.last > applied);
            Ok(runs)
        }
    })
}

/// The first batches after `applied` that are in none of the runs, if there are some between them.
fn hole(applied: u64, runs: &[(usize, Run)]) -> Option<(u64, u64)> {
    let mut last = applied;
    for (_, run) in runs {
        if run.first > last + 1 {
            return Some((last + 1, run.first - 1));
        }
        last = run.last;
    }
    None
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
