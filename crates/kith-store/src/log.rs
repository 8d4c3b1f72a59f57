//! The thread log: the truth. Entries 1, 2, 3 … per thread, and the one way to add some.

use crate::StoreResult;
use crate::thread::ViewChange;
use async_trait::async_trait;
use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Role, Settings, ThreadKind};
use kith_protocol::{ClientMsgId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// An entry as it is stored. Never changed, but for erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRow {
    /// Its number in the log.
    pub seq: u64,
    /// What it is.
    pub kind: EntryKind,
    /// Who wrote it.
    pub author: UserId,
    /// The author's id for it: with thread and author the key of exactly-once.
    pub client_msg_id: Option<ClientMsgId>,
    /// Countable entries up to and including this one.
    pub ord: u64,
    /// When the server took it; never goes back within a thread.
    pub at: Timestamp,
    /// The author's read mark moved to this entry with it.
    pub read_moved: bool,
    /// Body and mentions were taken out: see [`ThreadLog::append`].
    pub erased: bool,
    /// What it says.
    pub body: Body,
}

/// What an entry says; which fields are set depends on its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Text of a message or an edit.
    pub text: Option<String>,
    /// Compact JSON of the client's own.
    pub ext: Option<String>,
    /// The message that this one answers.
    pub reply_to: Option<u64>,
    /// People named in it.
    pub mentions: Vec<UserId>,
    /// Everybody is named in it.
    pub mention_all: bool,
    /// The message that an edit, deletion or reaction is about.
    pub target_seq: Option<u64>,
    /// First members (the creator first), people added, or the one who left or has another role.
    pub user_ids: Vec<UserId>,
    /// With `role`.
    pub role: Option<Role>,
    /// With `member_left`: the new owner.
    pub heir: Option<UserId>,
    /// With `created`.
    pub thread_kind: Option<ThreadKind>,
    /// With `created` and `title`.
    pub title: Option<String>,
    /// With `settings` and `created`: all of them, as they are from this entry on.
    pub settings: Option<Settings>,
    /// With `react` and `unreact`.
    pub emoji: Option<String>,
}

/// Entries to add to one thread, with what they do to its views.
#[derive(Clone, Debug)]
pub struct Append {
    /// Where.
    pub thread: ThreadId,
    /// The last seq that the writer has folded in; 0 for a new thread.
    pub expected_last_seq: u64,
    /// `expected_last_seq + 1` and on, without holes; at least one.
    pub entries: Vec<EntryRow>,
    /// What they do to the views.
    pub views: Vec<ViewChange>,
    /// Earlier entries whose bodies these entries erase.
    pub erase: Vec<u64>,
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// All of it is durable.
    Done,
    /// Somebody else appended first: nothing was written.
    Conflict {
        /// Where the log stands.
        last_seq: u64,
    },
}

/// Which entries to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The first ones with a seq above this, ascending.
    After(u64),
    /// The last ones with a seq below this; given back ascending too.
    Before(u64),
}

/// The log of every thread.
#[async_trait]
pub trait ThreadLog: Send + Sync {
    /// Compare-and-append: adds `entries` if the log ends at `expected_last_seq`.
    ///
    /// - **All or nothing**: entries, view changes and erasures become visible together, or none
    ///   of them does, also after a crash at any moment.
    /// - **Durable before it returns** [`Appended::Done`].
    /// - **One writer wins**: of appends with the same `expected_last_seq` one is `Done`, the
    ///   others are `Conflict` with a `last_seq` at least as high as the winner's.
    /// - **Erasure** empties body text, ext and mentions of the named rows and sets `erased`; the numbered rows
    ///   stay, so the log stays dense. Erasing an erased or missing row is nothing.
    /// - After [`StoreError::Unknown`](crate::StoreError::Unknown) the entries may be there or not: read
    ///   [`ThreadLog::last_seq`]. The embedded engine never leaves it unknown while it runs.
    async fn append(&self, append: Append) -> StoreResult<Appended>;

    /// Seq of the last entry; 0 if there is no such thread. Sees every append that has returned.
    async fn last_seq(&self, thread: ThreadId) -> StoreResult<u64>;

    /// Up to `limit` entries, ascending; both bounds of a span exclude the named seq. Entries of one append
    /// are seen together or not at all, and without holes.
    async fn entries(
        &self,
        thread: ThreadId,
        span: Span,
        limit: usize,
    ) -> StoreResult<Vec<EntryRow>>;

    /// Exactly-once: the entry of `author` with this id in (`after_seq`, `up_to_seq`]. Exact however far
    /// back; costs a scan of that range.
    async fn find_client_msg(
        &self,
        thread: ThreadId,
        author: UserId,
        client_msg_id: ClientMsgId,
        after_seq: u64,
        up_to_seq: u64,
    ) -> StoreResult<Option<EntryRow>>;

    /// Every thread that has a log, in id order after `after`; for doctor and backup.
    async fn thread_ids(&self, after: Option<ThreadId>, limit: usize)
    -> StoreResult<Vec<ThreadId>>;

    /// Makes erased bodies unreadable in the files too, as far as the engine can; may take long.
    async fn purge_erased(&self) -> StoreResult<()>;
}
