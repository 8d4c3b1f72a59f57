//! What a file held before it was written to without a sync: a page is kept when it is first written
//! after a sync, in a log beside the folder that outlives the process.

use crate::call;
use libc::c_int;
use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::{Path, PathBuf};

/// What a disk writes at once.
pub(crate) const PAGE_BYTES: u64 = 4096;
/// Pages read at once when a file is cut off.
const PAGES_AT_ONCE: u64 = 256;

/// The log of one file: `SIZE`, then for each page its number, how many bytes are kept (zeros at the end
/// are not), and these bytes. Numbers are 8 bytes, little-endian.
pub(crate) struct Undo {
    path: PathBuf,
    /// None while nothing is waiting for a sync.
    open: Option<Open>,
    /// A sync of this file has failed: nothing that is written to it is safe any longer.
    spoilt: bool,
}

struct Open {
    log: File,
    /// The file itself, for reading: the descriptor of the writer may not be good for it.
    file: File,
    pages: HashSet<u64>,
    old_bytes: u64,
}

impl Undo {
    /// Of the file with this inode number.
    pub(crate) fn new(side: &Path, inode: u64) -> Self {
        Self {
            path: side.join(format!("{inode}.undo")),
            open: None,
            spoilt: false,
        }
    }

    /// Bytes from `at` on are about to be written.
    pub(crate) fn before_write(&mut self, fd: c_int, at: u64, bytes: u64) -> std::io::Result<()> {
        let open = self.opened(fd)?;
        if bytes == 0 {
            return Ok(());
        }
        open.keep(at / PAGE_BYTES, (at + bytes - 1) / PAGE_BYTES)
    }

    /// The file is about to get another length.
    pub(crate) fn before_resize(&mut self, fd: c_int, new_bytes: u64) -> std::io::Result<()> {
        let now_bytes = call::stat(fd).map_or(0, |stat| stat.st_size as u64);
        let open = self.opened(fd)?;
        if new_bytes >= now_bytes {
            return Ok(());
        }
        open.keep(new_bytes / PAGE_BYTES, (now_bytes - 1) / PAGE_BYTES)
    }

    /// All that was written is durable.
    pub(crate) fn synced(&mut self) {
        if !self.spoilt {
            self.forget_log();
        }
    }

    /// A sync has failed.
    pub(crate) fn sync_failed(&mut self) {
        self.spoilt = true;
    }

    /// Another file has the inode number now.
    pub(crate) fn forget(&mut self) {
        self.spoilt = false;
        self.forget_log();
    }

    fn forget_log(&mut self) {
        if let Some(open) = self.open.take() {
            // In one step: a kill leaves all of it or nothing.
            let _ = open.log.set_len(0);
        }
    }

    fn opened(&mut self, fd: c_int) -> std::io::Result<&mut Open> {
        if self.open.is_none() {
            let old_bytes = call::stat(fd).map_or(0, |stat| stat.st_size as u64);
            let file = reopen(fd)?;
            let mut log = File::options().create(true).append(true).open(&self.path)?;
            log.write_all(&old_bytes.to_le_bytes())?;
            self.open = Some(Open {
                log,
                file,
                pages: HashSet::new(),
                old_bytes,
            });
        }
        self.open
            .as_mut()
            .ok_or_else(|| std::io::Error::other("is open"))
    }
}

impl Open {
    /// Keeps these pages, both included, unless they are kept already.
    fn keep(&mut self, first: u64, last: u64) -> std::io::Result<()> {
        let mut from = first;
        while from <= last {
            let to = last.min(from + PAGES_AT_ONCE - 1);
            self.keep_some(from, to)?;
            from = to + 1;
        }
        Ok(())
    }

    fn keep_some(&mut self, first: u64, last: u64) -> std::io::Result<()> {
        let new: Vec<u64> = (first..=last)
            .filter(|page| self.pages.insert(*page))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut bytes = vec![0; ((last - first + 1) * PAGE_BYTES) as usize];
        if first * PAGE_BYTES < self.old_bytes {
            call::read_at(self.file.as_raw_fd(), &mut bytes, first * PAGE_BYTES);
        }
        let mut records = Vec::new();
        for page in new {
            let from = ((page - first) * PAGE_BYTES) as usize;
            let content = &bytes[from..from + PAGE_BYTES as usize];
            let kept = content.iter().rposition(|byte| *byte != 0);
            let kept = kept.map_or(0, |at| at + 1);
            records.extend(page.to_le_bytes());
            records.extend((kept as u64).to_le_bytes());
            records.extend(&content[..kept]);
        }
        self.log.write_all(&records)
    }
}

/// The same file with a descriptor of its own that can be read.
fn reopen(fd: c_int) -> std::io::Result<File> {
    let path = std::ffi::CString::new(format!("/proc/self/fd/{fd}"))?;
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    let fd = call::openat(libc::AT_FDCWD, path.as_ptr(), flags, 0);
    if fd < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the descriptor was opened here and belongs to nobody else.
    Ok(unsafe { File::from_raw_fd(fd) })
}
