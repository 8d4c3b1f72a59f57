//! Marks: how far users have read, and how far things have arrived on their devices. Watermarks: they
//! only grow, so writing one twice, late or out of order does no harm.

use crate::StoreResult;
use crate::thread::ReadMark;
use async_trait::async_trait;
use kith_protocol::{SessionId, ThreadId, UserId};

/// The marks of one user on one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarkRow {
    /// Set by reading; sending and joining set [`crate::thread::MemberRow::floor`].
    pub read: ReadMark,
    /// The best of the user's sessions, as far as it was stored; reading does not raise it.
    pub delivered_seq: u64,
}

/// Marks of everybody on every thread.
#[async_trait]
pub trait Marks: Send + Sync {
    /// Raises a read mark; gives what stands after the merge (the one with the higher seq). Durable before it returns.
    async fn put_read(
        &self,
        thread: ThreadId,
        user: UserId,
        read: ReadMark,
    ) -> StoreResult<ReadMark>;

    /// Raises delivered marks of sessions. Losing the last ones is harmless, so this may return before
    /// they are durable.
    async fn put_delivered(&self, marks: &[(ThreadId, UserId, SessionId, u64)]) -> StoreResult<()>;

    /// The marks of one user; zeros if there are none.
    async fn mark(&self, thread: ThreadId, user: UserId) -> StoreResult<MarkRow>;

    /// The marks of everybody who has any on this thread, in id order.
    async fn marks(&self, thread: ThreadId) -> StoreResult<Vec<(UserId, MarkRow)>>;
}
