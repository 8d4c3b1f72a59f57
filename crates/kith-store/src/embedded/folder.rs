//! The data folder: locked against a second process, stamped with its format, refused in sentences.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The format that this version writes.
const FORMAT: u32 = 2;
/// The file that holds it.
const FORMAT_FILE: &str = "format";
/// The file that is locked.
const LOCK_FILE: &str = "lock";
/// How often the lock is tried: a process that was just killed holds it until the system is done with it.
const LOCK_TRIES: usize = 20;
/// How long is waited in between.
const LOCK_STEP: Duration = Duration::from_millis(50);
/// What stands before the number in the format file.
const FORMAT_WORDS: &str = "kith embedded store, format ";

/// Steps that lead from an older format to the next: the first is from format 1 to 2.
const STEPS: &[Step] = &[
    // Format 2 has a write-ahead log, which is made when it is not there. An older kith must not pass it by.
    |_| Ok(()),
];

/// Brings a folder from one format to the next. May be broken off at any place and begun again.
type Step = fn(&Path) -> std::io::Result<()>;

/// Why the store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Two processes on one folder would destroy it.
    #[error("the data folder {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// Nothing can be written there.
    #[error("the data folder {} cannot be written to: {error}", .folder.display())]
    ReadOnly {
        /// Which.
        folder: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// No room is left.
    #[error("the disk of the data folder {} is full: {error}", .folder.display())]
    Full {
        /// Which.
        folder: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It was written by a later version.
    #[error(
        "the data folder {} has format {found}, and this version of kith knows formats up to {known}: \
         it was written by a newer version",
        .folder.display()
    )]
    Newer {
        /// Which.
        folder: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// It holds something else.
    #[error("the folder {} holds other files and is not a data folder of kith", .0.display())]
    Foreign(PathBuf),
    /// What is there cannot be read.
    #[error("the data folder {} is damaged: {why}", .folder.display())]
    Damaged {
        /// Which.
        folder: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system refused something else.
    #[error("the data folder {} cannot be opened: {error}", .folder.display())]
    Io {
        /// Which.
        folder: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

impl OpenError {
    /// Says what an error of the system means for the folder.
    pub(super) fn io(folder: &Path, error: std::io::Error) -> Self {
        let folder = folder.to_owned();
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { folder, error }
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full { folder, error }
            }
            _ => Self::Io { folder, error },
        }
    }
}

/// Says what an error of fjall means for the folder.
pub(super) fn explain(folder: &Path, error: fjall::Error) -> OpenError {
    match error {
        fjall::Error::Locked => OpenError::InUse(folder.to_owned()),
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error))
            if error.kind() != ErrorKind::UnexpectedEof
                && error.kind() != ErrorKind::InvalidData =>
        {
            OpenError::io(folder, error)
        }
        error => OpenError::Damaged {
            folder: folder.to_owned(),
            why: super::in_words(&error),
        },
    }
}

/// Held as long as the folder is in use.
pub(super) struct FolderLock {
    _file: File,
}

/// Makes the folder if need be, locks it, and brings it to the format of this version.
pub(super) fn prepare(folder: &Path) -> Result<FolderLock, OpenError> {
    prepare_with(folder, FORMAT, STEPS)
}

fn prepare_with(folder: &Path, known: u32, steps: &[Step]) -> Result<FolderLock, OpenError> {
    let io = |error| OpenError::io(folder, error);
    fs::create_dir_all(folder).map_err(io)?;
    let lock = lock(folder)?;
    match read_format(folder)? {
        None if holds_anything(folder).map_err(io)? => {
            return Err(OpenError::Foreign(folder.to_owned()));
        }
        None => write_format(folder, known).map_err(io)?,
        Some(found) if found > known => {
            return Err(OpenError::Newer {
                folder: folder.to_owned(),
                found,
                known,
            });
        }
        Some(found) => {
            for (step, from) in steps.iter().zip(1..known).skip(found as usize - 1) {
                tracing::info!(
                    from,
                    to = from + 1,
                    "bringing the data folder to a newer format"
                );
                step(folder).map_err(io)?;
                write_format(folder, from + 1).map_err(io)?;
            }
        }
    }
    Ok(lock)
}

fn lock(folder: &Path) -> Result<FolderLock, OpenError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK_FILE))
        .map_err(|error| OpenError::io(folder, error))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(FolderLock { _file: file }),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_STEP),
            Err(TryLockError::Error(error)) => return Err(OpenError::io(folder, error)),
        }
    }
    Err(OpenError::InUse(folder.to_owned()))
}

fn read_format(folder: &Path) -> Result<Option<u32>, OpenError> {
    let text = match fs::read_to_string(folder.join(FORMAT_FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::io(folder, error)),
    };
    text.trim_end()
        .strip_prefix(FORMAT_WORDS)
        .and_then(|number| number.parse().ok())
        .filter(|number| *number > 0)
        .map(Some)
        .ok_or_else(|| OpenError::Damaged {
            folder: folder.to_owned(),
            why: format!("the file {FORMAT_FILE} does not say which format it has"),
        })
}

/// Written beside and moved into place, so that a crash leaves the old one or the new one.
fn write_format(folder: &Path, format: u32) -> std::io::Result<()> {
    let beside = folder.join("format.new");
    let mut file = File::create(&beside)?;
    writeln!(file, "{FORMAT_WORDS}{format}")?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(FORMAT_FILE))?;
    File::open(folder)?.sync_all()
}

/// Whether there is something that a store, or a start that was broken off, did not put there.
fn holds_anything(folder: &Path) -> std::io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name != LOCK_FILE && name != "format.new" {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn an_older_format_is_brought_up_step_by_step() {
        let folder = folder();
        drop(prepare_with(folder.path(), 1, &[]).expect("format 1"));
        let steps: &[Step] = &[
            |folder| fs::write(folder.join("two"), ""),
            |folder| fs::rename(folder.join("two"), folder.join("three")),
        ];
        drop(prepare_with(folder.path(), 3, steps).expect("format 3"));
        assert!(folder.path().join("three").exists());
        assert_eq!(read_format(folder.path()).expect("a format"), Some(3));
        // Nothing is left to do: the second step would fail.
        drop(prepare_with(folder.path(), 3, steps).expect("format 3 again"));
    }

    #[test]
    fn a_step_that_fails_is_tried_again_from_where_it_stood() {
        let folder = folder();
        drop(prepare_with(folder.path(), 1, &[]).expect("format 1"));
        let broken: &[Step] = &[|_| Ok(()), |_| Err(ErrorKind::StorageFull.into())];
        let error = prepare_with(folder.path(), 3, broken)
            .err()
            .expect("refused");
        assert!(matches!(error, OpenError::Full { .. }), "{error}");
        assert_eq!(read_format(folder.path()).expect("a format"), Some(2));
    }

    #[test]
    fn a_newer_format_is_refused_in_a_sentence() {
        let folder = folder();
        drop(prepare_with(folder.path(), 7, &[]).expect("format 7"));
        let error = prepare(folder.path()).err().expect("refused").to_string();
        assert!(
            error.contains("format 7") && error.contains("newer"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let folder = folder();
        fs::write(folder.path().join("letter.txt"), "dear ann").expect("a file");
        let error = prepare(folder.path()).err().expect("refused");
        assert!(matches!(error, OpenError::Foreign(_)), "{error}");
    }

    #[test]
    fn a_garbled_format_is_damage() {
        let folder = folder();
        fs::write(
            folder.path().join(FORMAT_FILE),
            "kith embedded store, format x",
        )
        .expect("a file");
        let error = prepare(folder.path()).err().expect("refused");
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    }
}
