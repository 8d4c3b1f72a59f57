//! The kernel itself, past the functions that are replaced here.

use libc::{c_char, c_int, c_long, c_void, mode_t, off_t};
use std::ffi::CStr;

/// `openat`.
pub(crate) fn openat(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the arguments are those of the caller of `open`, who vouches for the path.
    unsafe { libc::syscall(libc::SYS_openat, at, path, flags, mode) as c_int }
}

/// `close`.
pub(crate) fn close(fd: c_int) -> c_int {
    // SAFETY: as whoever calls `close` says.
    unsafe { libc::syscall(libc::SYS_close, fd) as c_int }
}

/// `write`, or `pwrite64` if a place is given.
pub(crate) fn write(fd: c_int, bytes: *const c_void, count: usize, at: Option<off_t>) -> isize {
    // SAFETY: the caller of `write` vouches for the bytes.
    let written = unsafe {
        match at {
            None => libc::syscall(libc::SYS_write, fd, bytes, count),
            Some(at) => libc::syscall(libc::SYS_pwrite64, fd, bytes, count, at),
        }
    };
    written as isize
}

/// `writev`, or `pwritev` if a place is given.
pub(crate) fn writev(
    fd: c_int,
    parts: *const libc::iovec,
    count: c_int,
    at: Option<off_t>,
) -> isize {
    // SAFETY: the caller of `writev` vouches for the parts.
    let written = unsafe {
        match at {
            None => libc::syscall(libc::SYS_writev, fd, parts, count),
            // The kernel takes the place in two halves; on 64 bits the first one holds all of it.
            Some(at) => libc::syscall(libc::SYS_pwritev, fd, parts, count, at, 0 as c_long),
        }
    };
    written as isize
}

/// Reads at a place until the bytes are full or the file ends; how many there were.
pub(crate) fn read_at(fd: c_int, bytes: &mut [u8], at: u64) -> usize {
    let mut read = 0;
    while read < bytes.len() {
        let rest = &mut bytes[read..];
        // SAFETY: `rest` is as long as it says and lives through the call.
        let more = unsafe {
            libc::syscall(
                libc::SYS_pread64,
                fd,
                rest.as_mut_ptr(),
                rest.len(),
                at as off_t + read as off_t,
            )
        };
        match usize::try_from(more) {
            Ok(more) if more > 0 => read += more,
            _ => break,
        }
    }
    read
}

/// Any call with up to six numbers or pointers that the caller vouches for.
pub(crate) fn plain(number: c_long, arguments: [c_long; 6]) -> c_long {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: it is handed on exactly as the replaced function was called.
    unsafe { libc::syscall(number, a, b, c, d, e, f) }
}

/// What `fstat` says; none if it fails.
pub(crate) fn stat(fd: c_int) -> Option<libc::stat> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat fills the whole struct when it returns 0.
    unsafe {
        if libc::fstat(fd, stat.as_mut_ptr()) != 0 {
            return None;
        }
        Some(stat.assume_init())
    }
}

/// What `lstat` says of a path below a descriptor; none if there is nothing.
pub(crate) fn stat_at(at: c_int, path: &CStr) -> Option<libc::stat> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the path ends with a zero; fstatat fills the whole struct when it returns 0.
    unsafe {
        let found = libc::fstatat(
            at,
            path.as_ptr(),
            stat.as_mut_ptr(),
            libc::AT_SYMLINK_NOFOLLOW,
        );
        if found != 0 {
            return None;
        }
        Some(stat.assume_init())
    }
}

/// Where the next write without a place goes.
pub(crate) fn position(fd: c_int) -> u64 {
    // SAFETY: lseek by 0 moves nothing.
    let at = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) };
    u64::try_from(at).unwrap_or(0)
}

/// The flags with which it was opened.
pub(crate) fn flags(fd: c_int) -> c_int {
    // SAFETY: F_GETFL reads a number.
    unsafe { libc::fcntl(fd, libc::F_GETFL) }
}

/// Fails with an error number, as the C library does.
pub(crate) fn fail(number: c_int) {
    // SAFETY: errno belongs to this thread.
    unsafe { *libc::__errno_location() = number }
}

/// The error number as it is now; bookkeeping must not change it for the caller.
pub(crate) fn errno() -> c_int {
    // SAFETY: errno belongs to this thread.
    unsafe { *libc::__errno_location() }
}

/// A path that a caller of the C library gave.
pub(crate) fn path<'a>(path: *const c_char) -> &'a CStr {
    if path.is_null() {
        return c"";
    }
    // SAFETY: the caller of the replaced function gives a string that ends with a zero and lives
    // through the call.
    unsafe { CStr::from_ptr(path) }
}
