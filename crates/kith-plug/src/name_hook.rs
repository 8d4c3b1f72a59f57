//! The functions of the C library that make, move and take away names in folders.

use crate::data_hook::{kept, locked};
use crate::descriptor::path_of;
use crate::{Plug, call, inside};
use libc::{AT_FDCWD, c_char, c_int, c_long, c_uint, mode_t};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Replaces `open`. In C it takes the mode only sometimes; passing it is the same to the machine.
#[unsafe(no_mangle)]
extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    openat(AT_FDCWD, path, flags, mode)
}

/// Replaces `open64`.
#[unsafe(no_mangle)]
extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    openat(AT_FDCWD, path, flags, mode)
}

/// Replaces `openat64`.
#[unsafe(no_mangle)]
extern "C" fn openat64(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    openat(at, path, flags, mode)
}

/// Replaces `openat`.
#[unsafe(no_mangle)]
extern "C" fn openat(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    let opened = inside(|plug| plug.open(at, path, flags, mode));
    let opened = opened.flatten();
    opened.unwrap_or_else(|| call::openat(at, path, flags, mode))
}

/// Replaces `mkdir`.
#[unsafe(no_mangle)]
extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    mkdirat(AT_FDCWD, path, mode)
}

/// Replaces `mkdirat`.
#[unsafe(no_mangle)]
extern "C" fn mkdirat(at: c_int, path: *const c_char, mode: mode_t) -> c_int {
    let numbers = [at.into(), path as c_long, mode.into(), 0, 0, 0];
    let make = || call::plain(libc::SYS_mkdirat, numbers) as c_int;
    let made = inside(|plug| {
        let full = plug.full(at, path)?;
        if plug.faults.is_full() {
            call::fail(libc::ENOSPC);
            return Some(-1);
        }
        let made = make();
        if made == 0 {
            kept(locked(&plug.names).made(&full));
        }
        Some(made)
    });
    made.flatten().unwrap_or_else(make)
}

/// Replaces `link`.
#[unsafe(no_mangle)]
extern "C" fn link(from: *const c_char, to: *const c_char) -> c_int {
    linkat(AT_FDCWD, from, AT_FDCWD, to, 0)
}

/// Replaces `linkat`.
#[unsafe(no_mangle)]
extern "C" fn linkat(
    from_at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    let (from_path, to_path) = (from as c_long, to as c_long);
    let numbers = [
        from_at.into(),
        from_path,
        to_at.into(),
        to_path,
        flags.into(),
        0,
    ];
    let linked = call::plain(libc::SYS_linkat, numbers) as c_int;
    inside(|plug| {
        let (full, stat) = (plug.full(to_at, to)?, call::stat_at(to_at, call::path(to))?);
        if linked == 0 {
            kept(locked(&plug.names).created(&full, stat.st_ino));
        }
        Some(())
    });
    linked
}

/// Replaces `unlink`.
#[unsafe(no_mangle)]
extern "C" fn unlink(path: *const c_char) -> c_int {
    unlinkat(AT_FDCWD, path, 0)
}

/// Replaces `rmdir`.
#[unsafe(no_mangle)]
extern "C" fn rmdir(path: *const c_char) -> c_int {
    unlinkat(AT_FDCWD, path, libc::AT_REMOVEDIR)
}

/// Replaces `unlinkat`.
#[unsafe(no_mangle)]
extern "C" fn unlinkat(at: c_int, path: *const c_char, flags: c_int) -> c_int {
    inside(|plug| {
        let full = plug.full(at, path)?;
        call::stat_at(at, call::path(path))?;
        let is_folder = flags & libc::AT_REMOVEDIR != 0;
        let mut names = locked(&plug.names);
        kept(match is_folder {
            true => names.before_rmdir(&full),
            false => names.before_unlink(&full),
        });
        Some(())
    });
    let numbers = [at.into(), path as c_long, flags.into(), 0, 0, 0];
    call::plain(libc::SYS_unlinkat, numbers) as c_int
}

/// Replaces `rename`.
#[unsafe(no_mangle)]
extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    renameat2(AT_FDCWD, from, AT_FDCWD, to, 0)
}

/// Replaces `renameat`.
#[unsafe(no_mangle)]
extern "C" fn renameat(
    from_at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
) -> c_int {
    renameat2(from_at, from, to_at, to, 0)
}

/// Replaces `renameat2`.
#[unsafe(no_mangle)]
extern "C" fn renameat2(
    from_at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    inside(|plug| {
        let full_from = plug.full(from_at, from)?;
        let full_to = plug.full(to_at, to)?;
        let stat = call::stat_at(from_at, call::path(from))?;
        kept(locked(&plug.names).before_rename(&full_from, &full_to, stat.st_ino));
        Some(())
    });
    let (from_path, to_path) = (from as c_long, to as c_long);
    let numbers = [
        from_at.into(),
        from_path,
        to_at.into(),
        to_path,
        flags.into(),
        0,
    ];
    call::plain(libc::SYS_renameat2, numbers) as c_int
}

impl Plug {
    /// Opens what is made or emptied by opening it; none for everything else.
    fn open(&self, at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> Option<c_int> {
        if flags & (libc::O_CREAT | libc::O_TRUNC) == 0 {
            return None;
        }
        let full = self.full(at, path)?;
        match call::stat_at(at, call::path(path)) {
            None if flags & libc::O_CREAT != 0 => {
                if self.faults.is_full() {
                    call::fail(libc::ENOSPC);
                    return Some(-1);
                }
                let fd = call::openat(at, path, flags, mode);
                if let Some(stat) = call::stat(fd) {
                    self.descriptors.is_new(stat.st_ino);
                    kept(locked(&self.names).created(&full, stat.st_ino));
                }
                Some(fd)
            }
            Some(_) if flags & libc::O_TRUNC != 0 => {
                let fd = call::openat(at, path, flags & !libc::O_TRUNC, mode);
                if let Some(mut undo) = self.file(fd) {
                    kept(undo.before_resize(fd, 0));
                    call::plain(libc::SYS_ftruncate, [fd.into(), 0, 0, 0, 0, 0]);
                }
                Some(fd)
            }
            _ => None,
        }
    }

    /// The path in full, if it is below the folder that is watched.
    fn full(&self, at: c_int, path: *const c_char) -> Option<PathBuf> {
        let path = Path::new(OsStr::from_bytes(call::path(path).to_bytes()));
        let base = match at {
            AT_FDCWD => std::env::current_dir().ok()?,
            at => path_of(at)?,
        };
        let full = base.join(path);
        let parent = std::fs::canonicalize(full.parent()?).ok()?;
        let is_ours = parent.starts_with(&self.folder);
        is_ours.then(|| parent.join(full.file_name().unwrap_or_default()))
    }
}
