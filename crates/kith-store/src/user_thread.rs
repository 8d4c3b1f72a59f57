//! What one user privately has on one thread.

use crate::StoreResult;
use async_trait::async_trait;
use kith_protocol::{ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// A thread in a user's list. Never deleted: who has left still finds what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserThreadRow {
    /// Grows with every change.
    pub version: u64,
    /// No notifications until then.
    pub muted_until: Option<Timestamp>,
    /// Kept at the top.
    pub pinned: bool,
    /// Kept out of the inbox.
    pub archived: bool,
    /// Shown as unread; no longer once `read_seq` is above this.
    pub marked_unread_at: Option<u64>,
    /// What is being written.
    pub draft: Option<String>,
    /// Counts the drafts.
    pub draft_version: u64,
}

/// A user has a thread in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadPointer {
    /// Whose list.
    pub user: UserId,
    /// Which thread.
    pub thread: ThreadId,
}

/// What became of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written<T> {
    /// It is durable.
    Done,
    /// The condition did not hold: nothing was written. This is there.
    Conflict(T),
}

/// Lists of threads.
#[async_trait]
pub trait UserThreads: Send + Sync {
    /// All threads of a user, left ones too, in id order.
    async fn user_threads(&self, user: UserId) -> StoreResult<Vec<(ThreadId, UserThreadRow)>>;

    /// One thread of a user; none if it never was in the list.
    async fn user_thread(
        &self,
        user: UserId,
        thread: ThreadId,
    ) -> StoreResult<Option<UserThreadRow>>;

    /// Replaces the row if its version is still `expected_version` (0: a pointer without settings, or none). Durable before it returns.
    /// A [`crate::thread::ViewChange::Pointer`] never touches a row that is there.
    async fn put_user_thread(
        &self,
        user: UserId,
        thread: ThreadId,
        expected_version: u64,
        row: UserThreadRow,
    ) -> StoreResult<Written<UserThreadRow>>;
}
