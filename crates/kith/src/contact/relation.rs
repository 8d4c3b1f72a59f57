//! What changed between people, so that others may remember what they have seen.

use kith_protocol::UserId;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Mutex, MutexGuard};

/// Counters of changes. People who meet in one only make each other look again.
const VERSIONS: usize = 65_536;
/// Locks of pairs: what stands between two people is read, judged and changed by one at a time.
const PAIRS: usize = 64;

/// What changed between people, so that others may remember what they have seen.
pub struct Relations {
    versions: Box<[AtomicU64]>,
    pairs: [Mutex<()>; PAIRS],
}

impl Default for Relations {
    fn default() -> Self {
        Self {
            versions: (0..VERSIONS).map(|_| AtomicU64::new(0)).collect(),
            pairs: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Relations {
    /// Grows whenever contacts, blocks or privacy of this user change, after the change is durable
    /// and before it is answered. Read it before you read what stands between people.
    pub fn version(&self, user: UserId) -> u64 {
        self.counter(user).load(Ordering::Acquire)
    }

    /// Something changed.
    pub fn bump(&self, user: UserId) {
        self.counter(user).fetch_add(1, Ordering::AcqRel);
    }

    fn counter(&self, user: UserId) -> &AtomicU64 {
        &self.versions[(FxBuildHasher.hash_one(user) >> 48) as usize % VERSIONS]
    }

    /// Nobody else changes what stands between these two meanwhile, on this node.
    pub(super) async fn pair(&self, a: UserId, b: UserId) -> MutexGuard<'_, ()> {
        let hash = FxBuildHasher.hash_one((a.min(b), a.max(b)));
        self.pairs[(hash >> 58) as usize % PAIRS].lock().await
    }
}
