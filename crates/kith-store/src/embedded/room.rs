//! Room on the disk: writes are refused while there is little left, so that nothing breaks half-way, and are
//! taken again by themselves when room was made.

use parking_lot::Mutex;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often the system is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What is left on the disk of the data folder.
pub(super) struct Room {
    folder: PathBuf,
    reserve_bytes: u64,
    last: Mutex<Option<(Instant, Option<u64>)>>,
}

impl Room {
    /// Nothing is written while less than this is left; with 0 nothing is asked.
    pub(super) fn new(folder: PathBuf, reserve_bytes: u64) -> Self {
        Self {
            folder,
            reserve_bytes,
            last: Mutex::new(None),
        }
    }

    /// Why nothing is written now, if so.
    pub(super) fn lacking(&self) -> Option<String> {
        if self.reserve_bytes == 0 {
            return None;
        }
        self.lacking_at(Instant::now(), || {
            let disk = rustix::fs::statvfs(&self.folder).ok()?;
            Some(disk.f_bavail.saturating_mul(disk.f_frsize))
        })
    }

    /// A system that does not say how much is left does not stop anybody.
    fn lacking_at(&self, now: Instant, ask: impl FnOnce() -> Option<u64>) -> Option<String> {
        let mut last = self.last.lock();
        let left_bytes = match *last {
            Some((at, left_bytes)) if now.duration_since(at) < ASK_EVERY => left_bytes,
            _ => {
                let left_bytes = ask();
                *last = Some((now, left_bytes));
                left_bytes
            }
        };
        let left_bytes = left_bytes.filter(|left| *left < self.reserve_bytes)?;
        Some(format!(
            "the disk has {} MB left, and the last {} MB are kept free: make room, and it goes on",
            left_bytes / 1_000_000,
            self.reserve_bytes / 1_000_000
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_below_the_reserve_until_room_was_made() {
        let room = Room::new(PathBuf::new(), 100);
        let begin = Instant::now();
        let later = |steps: u32| begin + ASK_EVERY * steps;
        assert_eq!(room.lacking_at(later(0), || Some(100)), None);
        // Asked again only after a while.
        assert_eq!(room.lacking_at(later(0), || Some(99)), None);
        assert!(room.lacking_at(later(1), || Some(99)).is_some());
        assert!(room.lacking_at(later(1), || Some(100)).is_some());
        assert_eq!(room.lacking_at(later(2), || Some(100)), None);
        assert_eq!(room.lacking_at(later(3), || None), None);
    }
}
