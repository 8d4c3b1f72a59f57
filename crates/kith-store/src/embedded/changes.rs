//! What has changed lately, by whose it is: with it one knows without a read that what was read stands.

use super::batch::RowChange;
use super::key;
use crate::sync::Basis;
use kith_protocol::ThreadId;
use std::sync::atomic::{AtomicU64, Ordering};

/// Users and threads share so many stamps: half a megabyte. Who shares one with somebody else is read
/// once more than necessary, never once less.
const STAMPS: usize = 1 << 16;

/// A moment for each user and thread: when a change of theirs could be seen last.
///
/// The order makes it exact. A change is in sight of readers first, then there is a new moment, then
/// the stamps say it, then it is acknowledged. Who notes the moment and then reads has seen everything
/// up to that moment; what was acknowledged later has a later stamp.
pub(super) struct Changes {
    now: AtomicU64,
    stamps: Box<[AtomicU64]>,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            now: AtomicU64::new(0),
            stamps: (0..STAMPS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

/// Places of stamps.
pub(super) type Places = Vec<u16>;

impl Changes {
    /// To be noted before reading what is to be kept.
    pub(super) fn now(&self) -> u64 {
        self.now.load(Ordering::Acquire)
    }

    /// These have changed. To be called when every reader sees it, and before anybody is told.
    pub(super) fn note(&self, places: &[u16]) {
        let now = self.now.fetch_add(1, Ordering::AcqRel) + 1;
        for &place in places {
            self.stamps[usize::from(place)].fetch_max(now, Ordering::AcqRel);
        }
    }

    /// Whether nothing of it has changed since.
    pub(super) fn stands(&self, basis: &Basis) -> bool {
        let is_older =
            |&place: &u16| self.stamps[usize::from(place)].load(Ordering::Acquire) <= basis.read_at;
        basis.places.iter().all(is_older)
    }
}

/// Where the stamp of a user or thread is. Ids end in random bits.
pub(super) fn place(id: &[u8; 16]) -> u16 {
    u16::from_be_bytes([id[14], id[15]])
}

/// Where the stamps of these changes are.
pub(super) fn places(changes: &[RowChange]) -> Places {
    let owners = changes
        .iter()
        .filter_map(|change| key::owner(change.table, &change.key));
    owners.map(place).collect()
}

/// Where the stamps of these threads are.
pub(super) fn places_of(threads: impl Iterator<Item = ThreadId>) -> Places {
    threads.map(|thread| place(thread.bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(read_at: u64, places: &[u16]) -> Basis {
        Basis {
            read_at,
            places: places.into(),
        }
    }

    #[test]
    fn what_was_read_before_a_change_stands_no_longer() {
        let changes = Changes::default();
        let before = basis(changes.now(), &[3, 9]);
        assert!(changes.stands(&before));
        changes.note(&[4]);
        assert!(changes.stands(&before), "it is somebody else's");
        changes.note(&[9]);
        assert!(!changes.stands(&before));
        assert!(changes.stands(&basis(changes.now(), &[3, 9])));
    }

    #[test]
    fn a_late_stamp_takes_no_newer_one_back() {
        let changes = Changes::default();
        changes.note(&[1]);
        let between = basis(changes.now(), &[1]);
        changes.note(&[1]);
        changes.note(&[2]);
        assert!(!changes.stands(&between));
    }
}
