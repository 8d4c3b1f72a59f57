//! The functions of the C library that change what is in a file, and those that make it durable.

use crate::descriptor::Watched;
use crate::fault::Sync;
use crate::undo::Undo;
use crate::{Plug, call, give_up, inside};
use libc::{c_int, c_long, c_void, iovec, off_t, size_t, ssize_t};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Replaces `write`.
#[unsafe(no_mangle)]
extern "C" fn write(fd: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    written(fd, None, count, true, |count| {
        call::write(fd, bytes, count, None)
    })
}

/// Replaces `pwrite`.
#[unsafe(no_mangle)]
extern "C" fn pwrite(fd: c_int, bytes: *const c_void, count: size_t, at: off_t) -> ssize_t {
    let write = |count| call::write(fd, bytes, count, Some(at));
    written(fd, Some(at), count, true, write)
}

/// Replaces `pwrite64`.
#[unsafe(no_mangle)]
extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, count: size_t, at: off_t) -> ssize_t {
    pwrite(fd, bytes, count, at)
}

/// Replaces `writev`.
#[unsafe(no_mangle)]
extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    let write = |_| call::writev(fd, parts, count, None);
    written(fd, None, length(parts, count), false, write)
}

/// Replaces `pwritev`.
#[unsafe(no_mangle)]
extern "C" fn pwritev(fd: c_int, parts: *const iovec, count: c_int, at: off_t) -> ssize_t {
    let write = |_| call::writev(fd, parts, count, Some(at));
    written(fd, Some(at), length(parts, count), false, write)
}

/// Replaces `pwritev64`.
#[unsafe(no_mangle)]
extern "C" fn pwritev64(fd: c_int, parts: *const iovec, count: c_int, at: off_t) -> ssize_t {
    pwritev(fd, parts, count, at)
}

/// Replaces `ftruncate`.
#[unsafe(no_mangle)]
extern "C" fn ftruncate(fd: c_int, bytes: off_t) -> c_int {
    let resize = || call::plain(libc::SYS_ftruncate, [fd.into(), bytes, 0, 0, 0, 0]) as c_int;
    let resized = inside(|plug| {
        let mut undo = plug.file(fd)?;
        kept(undo.before_resize(fd, bytes as u64));
        Some(resize())
    });
    resized.flatten().unwrap_or_else(resize)
}

/// Replaces `ftruncate64`.
#[unsafe(no_mangle)]
extern "C" fn ftruncate64(fd: c_int, bytes: off_t) -> c_int {
    ftruncate(fd, bytes)
}

/// Replaces `fallocate`.
#[unsafe(no_mangle)]
extern "C" fn fallocate(fd: c_int, mode: c_int, at: off_t, bytes: off_t) -> c_int {
    let numbers = [fd.into(), mode.into(), at, bytes, 0, 0];
    let allocate = || call::plain(libc::SYS_fallocate, numbers) as c_int;
    let allocated = inside(|plug| {
        let mut undo = plug.file(fd)?;
        let changes = mode & !libc::FALLOC_FL_KEEP_SIZE != 0;
        if !changes && plug.faults.take_room(bytes as usize) < bytes as usize {
            call::fail(libc::ENOSPC);
            return Some(-1);
        }
        let bytes = if changes { bytes as u64 } else { 0 };
        kept(undo.before_write(fd, at as u64, bytes));
        Some(allocate())
    });
    allocated.flatten().unwrap_or_else(allocate)
}

/// Replaces `fallocate64`.
#[unsafe(no_mangle)]
extern "C" fn fallocate64(fd: c_int, mode: c_int, at: off_t, bytes: off_t) -> c_int {
    fallocate(fd, mode, at, bytes)
}

/// Replaces `posix_fallocate`, which returns its error.
#[unsafe(no_mangle)]
extern "C" fn posix_fallocate(fd: c_int, at: off_t, bytes: off_t) -> c_int {
    match fallocate(fd, 0, at, bytes) {
        0 => 0,
        _ => call::errno(),
    }
}

/// Replaces `posix_fallocate64`.
#[unsafe(no_mangle)]
extern "C" fn posix_fallocate64(fd: c_int, at: off_t, bytes: off_t) -> c_int {
    posix_fallocate(fd, at, bytes)
}

/// Replaces `copy_file_range`: refused on watched files, so that callers write instead.
#[unsafe(no_mangle)]
extern "C" fn copy_file_range(
    from: c_int,
    from_at: *mut off_t,
    to: c_int,
    to_at: *mut off_t,
    bytes: size_t,
    flags: u32,
) -> ssize_t {
    if refused(to) {
        return -1;
    }
    let (from_at, to_at) = (from_at as c_long, to_at as c_long);
    let numbers = [
        from.into(),
        from_at,
        to.into(),
        to_at,
        bytes as c_long,
        flags.into(),
    ];
    call::plain(libc::SYS_copy_file_range, numbers) as ssize_t
}

/// Replaces `sendfile`: refused on watched files, so that callers write instead.
#[unsafe(no_mangle)]
extern "C" fn sendfile(to: c_int, from: c_int, at: *mut off_t, bytes: size_t) -> ssize_t {
    if refused(to) {
        return -1;
    }
    let numbers = [to.into(), from.into(), at as c_long, bytes as c_long, 0, 0];
    call::plain(libc::SYS_sendfile, numbers) as ssize_t
}

/// Replaces `sendfile64`.
#[unsafe(no_mangle)]
extern "C" fn sendfile64(to: c_int, from: c_int, at: *mut off_t, bytes: size_t) -> ssize_t {
    sendfile(to, from, at, bytes)
}

/// Replaces `mmap`: what is written through shared memory is not seen, and that is noted.
#[unsafe(no_mangle)]
extern "C" fn mmap(
    place: *mut c_void,
    bytes: size_t,
    protection: c_int,
    flags: c_int,
    fd: c_int,
    at: off_t,
) -> *mut c_void {
    let writes = protection & libc::PROT_WRITE != 0 && flags & libc::MAP_SHARED != 0;
    if writes && fd >= 0 {
        inside(|plug| {
            if plug.file(fd).is_some() {
                plug.note("what is written through shared memory is not taken back");
            }
        });
    }
    let (protection, flags) = (protection.into(), flags.into());
    let numbers = [
        place as c_long,
        bytes as c_long,
        protection,
        flags,
        fd.into(),
        at,
    ];
    call::plain(libc::SYS_mmap, numbers) as *mut c_void
}

/// Replaces `mmap64`.
#[unsafe(no_mangle)]
extern "C" fn mmap64(
    place: *mut c_void,
    bytes: size_t,
    protection: c_int,
    flags: c_int,
    fd: c_int,
    at: off_t,
) -> *mut c_void {
    mmap(place, bytes, protection, flags, fd, at)
}

/// Replaces `fsync`.
#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    synced(fd, libc::SYS_fsync)
}

/// Replaces `fdatasync`.
#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    synced(fd, libc::SYS_fdatasync)
}

/// Replaces `close`.
#[unsafe(no_mangle)]
extern "C" fn close(fd: c_int) -> c_int {
    inside(|plug| plug.descriptors.forget(fd));
    call::close(fd)
}

/// Replaces `dup2`: the second number stands for something else afterwards.
#[unsafe(no_mangle)]
extern "C" fn dup2(from: c_int, to: c_int) -> c_int {
    if from == to {
        // Nothing changes, but a number that is not open is refused.
        let open = call::stat(from).is_some();
        return if open { to } else { -1 };
    }
    dup3(from, to, 0)
}

/// Replaces `dup3`.
#[unsafe(no_mangle)]
extern "C" fn dup3(from: c_int, to: c_int, flags: c_int) -> c_int {
    inside(|plug| plug.descriptors.forget(to));
    let numbers = [from.into(), to.into(), flags.into(), 0, 0, 0];
    call::plain(libc::SYS_dup3, numbers) as c_int
}

impl Plug {
    /// A watched file, locked: what is written and what is kept of before belong together.
    pub(crate) fn file(&self, fd: c_int) -> Option<MutexGuard<'static, Undo>> {
        match self.watched(fd) {
            Watched::File(undo) => Some(locked(undo)),
            _ => None,
        }
    }

    /// Writes something down that whoever reads the outcome must know.
    pub(crate) fn note(&self, what: &str) {
        let path = self.side.join("notes");
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        if known.lines().any(|line| line == what) {
            return;
        }
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path);
        kept(file.and_then(|mut file| writeln!(file, "{what}")));
    }
}

/// Keeps what is about to be overwritten, then writes as much as there is room for.
fn written(
    fd: c_int,
    at: Option<off_t>,
    bytes: usize,
    may_be_short: bool,
    write: impl Fn(usize) -> isize,
) -> isize {
    let written = inside(|plug| {
        let mut undo = plug.file(fd)?;
        let room = plug.faults.take_room(bytes);
        if room < bytes && (room == 0 || !may_be_short) {
            call::fail(libc::ENOSPC);
            return Some(-1);
        }
        let at = match at {
            Some(at) => at as u64,
            None if call::flags(fd) & libc::O_APPEND != 0 => {
                call::stat(fd).map_or(0, |stat| stat.st_size as u64)
            }
            None => call::position(fd),
        };
        kept(undo.before_write(fd, at, room as u64));
        Some(write(room))
    });
    written.flatten().unwrap_or_else(|| write(bytes))
}

fn synced(fd: c_int, number: c_long) -> c_int {
    let sync = || call::plain(number, [fd.into(), 0, 0, 0, 0, 0]) as c_int;
    let synced = inside(|plug| {
        let watched = plug.watched(fd);
        if matches!(watched, Watched::Foreign) {
            return None;
        }
        let mut undo = plug.file(fd);
        match plug.faults.sync() {
            Sync::Lies => return Some(0),
            Sync::Fails => {
                if let Some(undo) = &mut undo {
                    undo.sync_failed();
                }
                call::fail(libc::EIO);
                return Some(-1);
            }
            Sync::Real => {}
        }
        let done = sync();
        match (undo, watched) {
            (Some(mut undo), _) if done == 0 => {
                undo.synced();
                if !plug.is_strict
                    && let Some(stat) = call::stat(fd)
                {
                    kept(locked(&plug.names).file_synced(stat.st_ino));
                }
            }
            (None, Watched::Folder(path)) if done == 0 => {
                kept(locked(&plug.names).synced(path));
            }
            _ => {}
        }
        Some(done)
    });
    synced.flatten().unwrap_or_else(sync)
}

fn refused(to: c_int) -> bool {
    let is_ours = inside(|plug| plug.file(to).is_some()).unwrap_or(false);
    if is_ours {
        call::fail(libc::ENOSYS);
    }
    is_ours
}

fn length(parts: *const iovec, count: c_int) -> usize {
    let count = usize::try_from(count).unwrap_or(0);
    if parts.is_null() {
        return 0;
    }
    // SAFETY: the caller of `writev` gives that many parts.
    let parts = unsafe { std::slice::from_raw_parts(parts, count) };
    parts.iter().map(|part| part.iov_len).sum()
}

/// What cannot be kept could not be taken back: better no test than a wrong one.
pub(crate) fn kept(outcome: std::io::Result<()>) {
    if let Err(error) = outcome {
        give_up(&format!("what was there before cannot be kept: {error}"));
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
