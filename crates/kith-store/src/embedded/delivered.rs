//! Delivered marks on their way to the disk: kept in memory, stored every few seconds and at close.

use kith_protocol::{SessionId, ThreadId, UserId};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a mark stays in memory only. Losing it is harmless: the client sends it again.
pub(super) const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Marks that are stored at once: each costs a read, and appends wait meanwhile.
const STORED_AT_ONCE: usize = 500;
/// Marks that are kept, some 80 bytes each. Beyond it new ones are dropped, which is harmless.
const KEPT_MAX: usize = 50_000;

/// A mark of one session.
pub(super) type DeliveredMark = (ThreadId, UserId, SessionId, u64);

/// Marks that are not stored yet.
#[derive(Default)]
pub(super) struct Delivered {
    marks: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    by_thread: FxHashMap<ThreadId, BTreeMap<(UserId, SessionId), u64>>,
    count: usize,
    /// How often marks have left.
    left: u64,
}

impl Delivered {
    /// Raises marks.
    pub(super) fn put(&self, marks: &[DeliveredMark]) {
        let mut waiting = self.marks.lock();
        for &(thread, user, session, seq) in marks {
            let full = waiting.count >= KEPT_MAX;
            let of_thread = waiting.by_thread.entry(thread).or_default();
            match of_thread.get_mut(&(user, session)) {
                Some(kept) => *kept = (*kept).max(seq),
                None if full => {}
                None => {
                    of_thread.insert((user, session), seq);
                    waiting.count += 1;
                }
            }
        }
    }

    /// The best mark of each user on a thread, of those in memory.
    pub(super) fn best(&self, thread: ThreadId) -> BTreeMap<UserId, u64> {
        let mut best = BTreeMap::new();
        if let Some(of_thread) = self.marks.lock().by_thread.get(&thread) {
            for (&(user, _), &seq) in of_thread {
                let mark = best.entry(user).or_default();
                *mark = seq.max(*mark);
            }
        }
        best
    }

    /// Some marks to store; they stay until [`Self::stored`].
    pub(super) fn some_to_store(&self) -> Option<Vec<DeliveredMark>> {
        let waiting = self.marks.lock();
        let some: Vec<_> = waiting
            .by_thread
            .iter()
            .flat_map(|(&thread, marks)| {
                marks
                    .iter()
                    .map(move |(&(user, session), &seq)| (thread, user, session, seq))
            })
            .take(STORED_AT_ONCE)
            .collect();
        (!some.is_empty()).then_some(some)
    }

    /// These are on their way to the disk, and reads find them there. One that was raised meanwhile stays.
    pub(super) fn stored(&self, marks: &[DeliveredMark]) {
        let waiting = &mut *self.marks.lock();
        waiting.left += 1;
        for &(thread, user, session, seq) in marks {
            let Some(of_thread) = waiting.by_thread.get_mut(&thread) else {
                continue;
            };
            if of_thread.get(&(user, session)) == Some(&seq) {
                of_thread.remove(&(user, session));
                waiting.count -= 1;
            }
            if of_thread.is_empty() {
                waiting.by_thread.remove(&thread);
            }
        }
    }

    /// How often marks have left memory: as long as it is the same, all are where they were.
    pub(super) fn left(&self) -> u64 {
        self.marks.lock().left
    }

    /// Marks in memory.
    pub(super) fn count(&self) -> usize {
        self.marks.lock().count
    }
}
