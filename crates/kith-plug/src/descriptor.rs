//! What a descriptor stands for: a watched file, a watched folder, or nothing of ours.
//!
//! It is looked up when it is first written to or synced, so that copies of descriptors need no care,
//! and forgotten when the number is closed.

use crate::undo::Undo;
use crate::{Plug, call};
use libc::c_int;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

/// Numbers that are remembered; a descriptor above is looked up at every use.
const REMEMBERED: usize = 65_536;

/// What is watched.
pub(crate) enum Watched {
    /// Nothing of ours.
    Foreign,
    /// A file.
    File(Mutex<Undo>),
    /// A folder, by its path.
    Folder(PathBuf),
}

static FOREIGN: Watched = Watched::Foreign;

/// All descriptors.
pub(crate) struct Descriptors {
    by_number: Box<[AtomicPtr<Watched>]>,
    /// Kept for ever, on purpose: one small struct for each file that ever was.
    by_inode: Mutex<HashMap<u64, &'static Watched>>,
}

impl Default for Descriptors {
    fn default() -> Self {
        let unknown = || AtomicPtr::new(null_mut());
        Self {
            by_number: std::iter::repeat_with(unknown).take(REMEMBERED).collect(),
            by_inode: Mutex::default(),
        }
    }
}

impl Descriptors {
    /// The number may stand for something else from now on.
    pub(crate) fn forget(&self, fd: c_int) {
        if let Some(place) = self.place(fd) {
            place.store(null_mut(), Ordering::Release);
        }
    }

    /// A new file has this inode number: what was remembered of an earlier one is over.
    pub(crate) fn is_new(&self, inode: u64) {
        let by_inode = self.by_inode.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Watched::File(undo)) = by_inode.get(&inode) {
            undo.lock().unwrap_or_else(PoisonError::into_inner).forget();
        }
    }

    fn place(&self, fd: c_int) -> Option<&AtomicPtr<Watched>> {
        self.by_number.get(usize::try_from(fd).ok()?)
    }
}

impl Plug {
    /// What a descriptor stands for.
    pub(crate) fn watched(&self, fd: c_int) -> &'static Watched {
        let place = self.descriptors.place(fd);
        let known = place.map_or(null_mut(), |place| place.load(Ordering::Acquire));
        // SAFETY: only pointers to what lives for ever are stored.
        if let Some(known) = unsafe { known.as_ref() } {
            return known;
        }
        let found = self.look_up(fd).unwrap_or(&FOREIGN);
        if let Some(place) = place {
            place.store((found as *const Watched).cast_mut(), Ordering::Release);
        }
        found
    }

    fn look_up(&self, fd: c_int) -> Option<&'static Watched> {
        let stat = call::stat(fd)?;
        let is_folder = match stat.st_mode & libc::S_IFMT {
            libc::S_IFREG => false,
            libc::S_IFDIR => true,
            _ => return None,
        };
        let path = path_of(fd)?;
        // A file that was unlinked while open is watched no longer; its path says " (deleted)".
        if !path.starts_with(&self.folder) || path.as_os_str().as_bytes().ends_with(b" (deleted)") {
            return None;
        }
        if !is_folder && call::flags(fd) & (libc::O_DSYNC | libc::O_DIRECT) != 0 {
            self.note("writes with O_DSYNC or O_DIRECT count as not synced until the next sync");
        }
        let descriptors = &self.descriptors;
        let mut by_inode = descriptors
            .by_inode
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = by_inode.get(&stat.st_ino).copied();
        let same = match known {
            Some(Watched::File(_)) => !is_folder,
            Some(Watched::Folder(known)) => is_folder && *known == path,
            _ => false,
        };
        if same {
            return known;
        }
        let watched = match is_folder {
            true => Watched::Folder(path),
            false => Watched::File(Mutex::new(Undo::new(&self.side, stat.st_ino))),
        };
        let watched: &'static Watched = Box::leak(Box::new(watched));
        by_inode.insert(stat.st_ino, watched);
        Some(watched)
    }
}

/// The path of an open descriptor.
pub(crate) fn path_of(fd: c_int) -> Option<PathBuf> {
    std::fs::read_link(Path::new("/proc/self/fd").join(fd.to_string())).ok()
}
