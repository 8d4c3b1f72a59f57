//! What the driver did and was told was done: the only thing that the auditor believes.

use super::seen::RowSeen;
use kith_protocol::entry::EntryKind;
use kith_protocol::{ClientMsgId, ThreadId, UserId};

/// Everything acknowledged in one room, in its order.
#[derive(Clone, Debug)]
pub struct Journal {
    /// The room's name.
    pub room: String,
    /// Its thread.
    pub thread: ThreadId,
    /// Who opened it.
    pub keeper: UserId,
    /// One for each entry: seq = index + 1.
    pub facts: Vec<Fact>,
    /// Marks that were set by hand.
    pub marks: Vec<Mark>,
    /// Rows and cursors that were kept on the way.
    pub kept: Vec<Kept>,
}

/// An entry that was acknowledged.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Its kind.
    pub kind: EntryKind,
    /// Who caused it.
    pub author: UserId,
    /// The id given to it, for kinds that have one.
    pub client_msg_id: Option<ClientMsgId>,
    /// The text as it was sent.
    pub text: Option<String>,
    /// The message that it is about.
    pub target_seq: Option<u64>,
    /// Members who came or went.
    pub users: Vec<UserId>,
    /// Emoji of a reaction.
    pub emoji: Option<String>,
    /// Whom it names.
    pub mentions: Vec<UserId>,
    /// The head that its author had seen.
    pub seen_head: u64,
}

impl Fact {
    /// An entry with nothing but a kind and an author.
    pub fn of(kind: EntryKind, author: UserId) -> Self {
        Self {
            kind,
            author,
            client_msg_id: None,
            text: None,
            target_seq: None,
            users: Vec::new(),
            emoji: None,
            mentions: Vec::new(),
            seen_head: 0,
        }
    }
}

/// A mark that was set by hand.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// The last entry at that time.
    pub after: u64,
    /// Whose.
    pub user: UserId,
    /// Up to here.
    pub seq: u64,
    /// Read, else delivered.
    pub read: bool,
}

/// What sync told somebody on the way.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The last entry of this room at that time.
    pub after: u64,
    /// Whom.
    pub user: UserId,
    /// The row of this room.
    pub row: Option<RowSeen>,
    /// Everything told, with the cursor.
    pub told: super::sync::Told,
}
