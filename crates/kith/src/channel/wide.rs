//! Large threads: where each stands, and which ones a user is in. It answers "what has grown?" in
//! heartbeats without any work per member when something is sent.

use kith_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// Users whose large threads are remembered; beyond it all are looked up again.
const USERS_MAX: usize = 100_000;

/// Heads of large threads, and who is in which.
#[derive(Default)]
pub struct Wide {
    heads: Mutex<FxHashMap<ThreadId, u64>>,
    of_user: Mutex<FxHashMap<UserId, Vec<ThreadId>>>,
}

impl Wide {
    /// A large thread has a new last entry.
    pub fn grown(&self, thread: ThreadId, last_seq: u64) {
        let mut heads = self.heads.lock();
        let head = heads.entry(thread).or_default();
        *head = last_seq.max(*head);
    }

    /// Where a large thread stands, if it has grown since this node started.
    pub fn head(&self, thread: ThreadId) -> Option<u64> {
        self.heads.lock().get(&thread).copied()
    }

    /// The large threads of a user, if they are known.
    pub fn of_user(&self, user: UserId) -> Option<Vec<ThreadId>> {
        self.of_user.lock().get(&user).cloned()
    }

    /// Remembers the large threads of a user.
    pub fn remember(&self, user: UserId, threads: Vec<ThreadId>) {
        let mut of_user = self.of_user.lock();
        if of_user.len() >= USERS_MAX {
            of_user.clear();
        }
        of_user.insert(user, threads);
    }

    /// The user came into a large thread, or left one: look again.
    pub fn forget(&self, user: UserId) {
        self.of_user.lock().remove(&user);
    }
}
