//! Views of a thread: head, members, overlays, reactions, deletions, mentions. Derived from the log,
//! written in its append, rebuildable from it.

use crate::StoreResult;
use crate::user_thread::ThreadPointer;
use async_trait::async_trait;
use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Role, Settings, ThreadKind};
use kith_protocol::{ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Where a thread stands, as of `last_seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadRow {
    /// Its kind.
    pub kind: ThreadKind,
    /// Who made it.
    pub creator: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Title of a group.
    pub title: Option<String>,
    /// Its settings.
    pub settings: Settings,
    /// The last entry.
    pub last_seq: u64,
    /// Countable entries.
    pub ord: u64,
    /// When the last entry came; the next one is not earlier.
    pub last_at: Timestamp,
    /// Present members.
    pub member_count: u64,
    /// Seq of the last entry that changed who is a member or what members may do.
    pub membership_seq: u64,
    /// Pushes go to `thread/<id>`: more than 100 members, until fewer than 80.
    pub wide: bool,
    /// The last countable entry.
    pub last_message: Option<LastMessage>,
    /// The last countable entry by somebody else than the author of `last_message`; 0 if none. With
    /// it one knows for every user where the last foreign message stands.
    pub last_other_seq: u64,
}

/// The last countable entry of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMessage {
    /// Its seq.
    pub seq: u64,
    /// When it came.
    pub at: Timestamp,
    /// Who wrote it.
    pub author: UserId,
    /// Its kind.
    pub kind: EntryKind,
    /// Its newest text, cut; none if it was deleted.
    pub text: Option<String>,
}

/// One present or past member of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Who.
    pub user: UserId,
    /// The role; for an ex-member the last one.
    pub role: Role,
    /// Every stay, earliest first; never empty.
    pub stays: Vec<Stay>,
    /// When the last stay began.
    pub joined_at: Timestamp,
    /// The member's own countable entries, over all stays.
    pub own_count: u64,
    /// Seq of the newest entry with a `client_msg_id` by this member; 0 if none.
    pub last_own_seq: u64,
    /// When the newest message of this member came: slow mode counts from it.
    pub last_own_at: Timestamp,
    /// The mark that joining or sending set: the effective read mark is the higher one of this
    /// and [`crate::mark::MarkRow`].
    pub floor: ReadMark,
    /// For an ex-member: the thread as it was.
    pub left: Option<LeftView>,
}

/// One stay of a member, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// Seq of the entry that brought the member in.
    pub joined_seq: u64,
    /// Seq of the entry that took the member out.
    pub left_seq: Option<u64>,
}

/// What an ex-member sees of a thread: frozen when the member left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftView {
    /// Title.
    pub title: Option<String>,
    /// Settings.
    pub settings: Settings,
    /// Members that were left.
    pub member_count: u64,
    /// Countable entries.
    pub ord: u64,
    /// The last countable entry; its text is taken from the log, which may have lost it since.
    pub last_message: Option<LastMessage>,
}

/// Where a user has read to, with what makes unread a subtraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReadMark {
    /// Read up to here.
    pub seq: u64,
    /// Countable entries up to there.
    pub ord: u64,
    /// The user's own countable entries up to there.
    pub own: u64,
}

/// What later entries made of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverlayRow {
    /// The message.
    pub target_seq: u64,
    /// The last entry that changed this row: readers who may not see it rebuild the row from the log.
    pub changed_seq: u64,
    /// The newest edit.
    pub edited_seq: Option<u64>,
    /// Its text.
    pub text: Option<String>,
    /// All edits, so that a deletion can erase them.
    pub edit_seqs: Vec<u64>,
    /// The deletion.
    pub deleted_seq: Option<u64>,
    /// Emoji and how many put it, in the order of first appearance; never 0.
    pub reactions: Vec<(String, u64)>,
}

/// One change to a view, written with the append that causes it. Each says what is true now, so that applying it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewChange {
    /// The head is this.
    Head(Box<HeadRow>),
    /// The member is this.
    Member(Box<MemberRow>),
    /// The overlay is this.
    Overlay(Box<OverlayRow>),
    /// `user` has put `emoji` on `target_seq`, or taken it away.
    Reaction {
        /// The message.
        target_seq: u64,
        /// Who.
        user: UserId,
        /// The emoji.
        emoji: String,
        /// Whether it is there now.
        set: bool,
    },
    /// A message of `author` was deleted: it counts no longer as unread.
    Deleted {
        /// The message.
        target_seq: u64,
        /// Its author.
        author: UserId,
        /// The deletion.
        deleted_seq: u64,
    },
    /// Whether `seq`, written by `author`, names `user`; the nil user stands for everybody.
    Mention {
        /// Who is named.
        user: UserId,
        /// The message.
        seq: u64,
        /// Who wrote it.
        author: UserId,
        /// Whether it counts; not after a deletion.
        set: bool,
    },
    /// The user has this thread in its list. Written before, or with, the append that makes it
    /// true; harmless without it.
    Pointer(ThreadPointer),
    /// The group has exactly these members now (up to 100; sorted), or has no longer: moves the row of the participants index.
    Participants {
        /// Members before, if they were in the index.
        before: Option<Vec<UserId>>,
        /// Members now, if they are to be in it.
        now: Option<Vec<UserId>>,
        /// The newest group of several with the same members is found first.
        created_at: Timestamp,
    },
}

/// A message that was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The message.
    pub target_seq: u64,
    /// Its author.
    pub author: UserId,
    /// The deletion.
    pub deleted_seq: u64,
}

/// A message that names somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The message.
    pub seq: u64,
    /// Who wrote it.
    pub author: UserId,
}

/// Reads the views of threads. What an append wrote is seen by every read that begins after it returned;
/// several reads are not one snapshot.
#[async_trait]
pub trait Threads: Send + Sync {
    /// Heads, in the order asked; none for a thread that is not there.
    async fn heads(&self, threads: &[ThreadId]) -> StoreResult<Vec<Option<HeadRow>>>;

    /// All members, past ones too, in id order.
    async fn members(&self, thread: ThreadId) -> StoreResult<Vec<MemberRow>>;

    /// One member, past or present.
    async fn member(&self, thread: ThreadId, user: UserId) -> StoreResult<Option<MemberRow>>;

    /// Overlays of messages from `first_seq` to `last_seq`, both included, ascending.
    async fn overlays(
        &self,
        thread: ThreadId,
        first_seq: u64,
        last_seq: u64,
    ) -> StoreResult<Vec<OverlayRow>>;

    /// What `user` has put on messages from `first_seq` to `last_seq`, ascending by seq.
    async fn reactions(
        &self,
        thread: ThreadId,
        user: UserId,
        first_seq: u64,
        last_seq: u64,
    ) -> StoreResult<Vec<(u64, String)>>;

    /// Deleted messages after `after_seq`, up to `up_to_seq`, ascending.
    async fn deletions(
        &self,
        thread: ThreadId,
        after_seq: u64,
        up_to_seq: u64,
    ) -> StoreResult<Vec<Deletion>>;

    /// Messages after `after_seq`, up to `up_to_seq`, that name `user`; of the nil user, those that name
    /// everybody. Ascending.
    async fn mentions(
        &self,
        thread: ThreadId,
        user: UserId,
        after_seq: u64,
        up_to_seq: u64,
    ) -> StoreResult<Vec<Mention>>;

    /// Groups with exactly these present members (sorted), newest first.
    async fn threads_of(&self, members: &[UserId]) -> StoreResult<Vec<ThreadId>>;
}
