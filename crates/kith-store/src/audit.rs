//! Everything that is stored, page by page, as doctor reads it; and putting views right.
//!
//! Other reads fail when they meet a row that cannot be read. These say which it is, and go on.

use crate::StoreResult;
use crate::log::{Appended, EntryRow};
use crate::thread::{Deletion, HeadRow, MemberRow, Mention, OverlayRow, ReadMark, ViewChange};
use async_trait::async_trait;
use kith_protocol::{ThreadId, UserId};

/// A place in a table, where a page ended. Only the engine that gave it can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(pub Vec<u8>);

/// A row that is there and cannot be read, or does not belong where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The entry or message that its place names.
    pub seq: Option<u64>,
    /// The user that its place names.
    pub user: Option<UserId>,
    /// What is wrong with it, such as "an entry of version 7 and 20 bytes".
    pub what: String,
}

/// The rows of one thread, besides its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// At most one row.
    Head,
    /// By user.
    Members,
    /// By message.
    Overlays,
    /// By user, message and emoji.
    Reactions,
    /// By message.
    Deletions,
    /// Those that name this user, by message; the nil user stands for everybody.
    Mentions(UserId),
    /// By user; only what is stored: delivered marks may wait in memory.
    Marks,
}

/// A row of a [`Part`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartRow {
    /// Where the thread stands.
    Head(Box<HeadRow>),
    /// A member, present or past.
    Member(Box<MemberRow>),
    /// What became of a message.
    Overlay(OverlayRow),
    /// Somebody has put an emoji on a message.
    Reaction {
        /// Who.
        user: UserId,
        /// The message.
        target_seq: u64,
        /// The emoji.
        emoji: String,
    },
    /// A message was taken back.
    Deletion(Deletion),
    /// A message names somebody.
    Mention(Mention),
    /// How far somebody has read.
    Read(UserId, ReadMark),
    /// How far things have arrived on one device of somebody.
    Delivered(UserId, u64),
    /// There is a row, and this is wrong with it.
    Unreadable(Unreadable),
}

/// Rows of a part, and where its thread stood at that moment.
#[derive(Clone, Debug)]
pub struct PartPage {
    /// Seq of the last entry of the log when the rows were read.
    pub last_seq: u64,
    /// In the order of the part.
    pub rows: Vec<PartRow>,
    /// Where the next page begins; none after the last one.
    pub next: Option<Place>,
}

/// What is stored twice, so that it is found from two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Each account has its handle and is found by the words of its name.
    Accounts,
    /// Each handle belongs to an account that has it.
    Handles,
    /// Each word of a name leads to an account with that word.
    Names,
    /// Contacts have each other, since the same time.
    Contacts,
    /// Who are no longer contacts know it of each other, and are none.
    FormerContacts,
    /// A request is there for both sides, and is the same.
    Requests,
    /// The same, from the side of the one who was asked.
    RequestsAsked,
    /// Each session has its token.
    Sessions,
    /// Each token leads to its session, or says that it ended.
    Tokens,
    /// Who is named in a thread is or was a member of it.
    Mentions,
    /// Groups are found by exactly their present members.
    Participants,
}

impl Index {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Accounts,
        Self::Handles,
        Self::Names,
        Self::Contacts,
        Self::FormerContacts,
        Self::Requests,
        Self::RequestsAsked,
        Self::Sessions,
        Self::Tokens,
        Self::Mentions,
        Self::Participants,
    ];
}

/// Something in an index that is not as it should be. The words never hold tokens or texts.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// The thread that it is about.
    pub thread: Option<ThreadId>,
    /// The user that it is about.
    pub user: Option<UserId>,
    /// What is there, as the rest of "there is …".
    pub stands: String,
    /// What should be, as the rest of "it should be …".
    pub should: String,
    /// What puts it right, if it is a view of `thread`.
    pub mend: Option<Mend>,
}

/// What is wrong in a part of an index.
#[derive(Clone, Debug, Default)]
pub struct IndexPage {
    /// Rows that were looked at.
    pub rows: u64,
    /// What is wrong among them.
    pub wrong: Vec<Wrong>,
    /// Where the next page begins; none after the last one.
    pub next: Option<Place>,
}

/// One change that puts a view right. There is none for what is not a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// This is true.
    View(ViewChange),
    /// There is no head.
    NoHead,
    /// This user never was a member.
    NoMember(UserId),
    /// Nothing became of this message.
    NoOverlay(u64),
    /// This message was not taken back.
    NoDeletion(u64),
    /// The group is not found by these members.
    NoParticipants(Place),
}

/// Reads everything, and puts views right.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Up to `limit` entries after `after_seq`, ascending; both those that can be read and those that cannot.
    async fn stored_entries(
        &self,
        thread: ThreadId,
        after_seq: u64,
        limit: usize,
    ) -> StoreResult<Vec<Result<EntryRow, Unreadable>>>;

    /// Up to `limit` rows of a part, from the place where the page before ended. The rows of one page and
    /// its `last_seq` are from one moment.
    async fn part_rows(
        &self,
        thread: ThreadId,
        part: Part,
        from: Option<Place>,
        limit: usize,
    ) -> StoreResult<PartPage>;

    /// Threads that have views or marks and no log, each once, from the place where the page before ended.
    /// Looks at up to `limit` threads; gives where the next page begins, if there is more.
    async fn loose_threads(
        &self,
        from: Option<Place>,
        limit: usize,
    ) -> StoreResult<(Vec<ThreadId>, Option<Place>)>;

    /// Looks at up to `limit` rows of an index, from the place where the page before ended; each page is
    /// from one moment.
    async fn check_index(
        &self,
        index: Index,
        from: Option<Place>,
        limit: usize,
    ) -> StoreResult<IndexPage>;

    /// Puts views of a thread right if its log ends at `expected_last_seq`; all of it or nothing, durable
    /// before it returns. A pointer never touches a row that is there; marks and settings are out of reach.
    /// Only to be called while nobody appends to this thread: views that come with an append at the same
    /// time could be lost.
    async fn mend(
        &self,
        thread: ThreadId,
        expected_last_seq: u64,
        mends: Vec<Mend>,
    ) -> StoreResult<Appended>;
}
