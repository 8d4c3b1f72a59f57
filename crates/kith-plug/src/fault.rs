//! Disks that are full, and disks that fail.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What shall go wrong.
pub(crate) struct Faults {
    /// Bytes that can still be written.
    room_bytes: AtomicU64,
    has_end: bool,
    syncs: AtomicU64,
    fail_from_sync: u64,
    lies: bool,
}

/// What becomes of a sync.
pub(crate) enum Sync {
    /// It is carried out.
    Real,
    /// It fails: nothing that it should have covered is safe.
    Fails,
    /// It says that all is well, and does nothing.
    Lies,
}

impl Faults {
    /// Room for so many bytes, syncs that fail from the given one on; absent: never.
    pub(crate) fn new(room_bytes: Option<u64>, fail_from_sync: Option<u64>, lies: bool) -> Self {
        Self {
            has_end: room_bytes.is_some(),
            room_bytes: AtomicU64::new(room_bytes.unwrap_or(u64::MAX)),
            syncs: AtomicU64::new(0),
            fail_from_sync: fail_from_sync.unwrap_or(u64::MAX),
            lies,
        }
    }

    /// How many of these bytes find room; they take it.
    pub(crate) fn take_room(&self, bytes: usize) -> usize {
        if !self.has_end {
            return bytes;
        }
        let left = self.room_bytes.fetch_update(Relaxed, Relaxed, |left| {
            Some(left.saturating_sub(bytes as u64))
        });
        let left = left.unwrap_or_default();
        bytes.min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// Whether the disk is full.
    pub(crate) fn is_full(&self) -> bool {
        self.has_end && self.room_bytes.load(Relaxed) == 0
    }

    /// Counts a sync.
    pub(crate) fn sync(&self) -> Sync {
        let number = self.syncs.fetch_add(1, Relaxed) + 1;
        if number >= self.fail_from_sync {
            Sync::Fails
        } else if self.lies {
            Sync::Lies
        } else {
            Sync::Real
        }
    }
}
