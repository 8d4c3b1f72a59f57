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
    of_user: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    threads: FxHashMap<UserId, Vec<ThreadId>>,
    /// How often somebody's list was forgotten.
    forgotten: u64,
}

/// When a list of large threads was begun to be read.
#[derive(Clone, Copy, Debug)]
pub struct ReadAt(u64);

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
        self.of_user.lock().threads.get(&user).cloned()
    }

    /// To be called before a list is read that is to be remembered.
    pub fn read_at(&self) -> ReadAt {
        ReadAt(self.of_user.lock().forgotten)
    }

    /// Remembers the large threads of a user, unless some list has changed since it was read: it
    /// may have been this one.
    pub fn remember(&self, user: UserId, threads: Vec<ThreadId>, read_at: ReadAt) {
        let mut of_user = self.of_user.lock();
        if of_user.forgotten != read_at.0 {
            return;
        }
        if of_user.threads.len() >= USERS_MAX {
            of_user.threads.clear();
        }
        of_user.threads.insert(user, threads);
    }

    /// The user came into a large thread, or left one: look again.
    pub fn forget(&self, user: UserId) {
        let mut of_user = self.of_user.lock();
        of_user.forgotten += 1;
        of_user.threads.remove(&user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_list_that_was_read_before_it_changed_is_not_remembered() {
        let wide = Wide::default();
        let ann = UserId(Uuid::from_u128(1));
        let read_at = wide.read_at();
        wide.forget(ann);
        wide.remember(ann, Vec::new(), read_at);
        assert_eq!(wide.of_user(ann), None);
        wide.remember(ann, Vec::new(), wide.read_at());
        assert_eq!(wide.of_user(ann), Some(Vec::new()));
    }
}
