//! What a server's answers look like to the auditor: its own reading of the JSON, and only the
//! fields that it compares.

use kith_protocol::{ClientMsgId, ThreadId, UserId};
use rustc_hash::FxHasher;
use serde::Deserialize;
use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// A page of messages.
#[derive(Debug, Deserialize)]
pub struct PageSeen<'a> {
    /// Ascending.
    #[serde(borrow)]
    pub items: Vec<Seen<'a>>,
    /// Whether there are earlier ones.
    pub has_more_before: bool,
    /// Whether there are later ones.
    pub has_more_after: bool,
}

/// An entry.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen<'a> {
    /// Its number.
    pub seq: u64,
    /// Its kind, as the word.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// Who caused it.
    pub author_id: UserId,
    /// The id that its author's client gave it.
    pub client_msg_id: Option<ClientMsgId>,
    /// Countable entries so far.
    pub ord: u64,
    /// It moved its author's read mark.
    #[serde(default)]
    pub read_moved: bool,
    /// Its text.
    #[serde(borrow, default)]
    pub text: Option<Cow<'a, str>>,
    /// What it is about.
    #[serde(default)]
    pub target_seq: Option<u64>,
    /// Whom it is about.
    #[serde(default)]
    pub user_ids: Vec<UserId>,
    /// Whom it names.
    #[serde(default)]
    pub mentions: Vec<UserId>,
    /// Emoji of a reaction.
    #[serde(borrow, default)]
    pub emoji: Option<Cow<'a, str>>,
    /// Its newest edit.
    #[serde(default)]
    pub edited_seq: Option<u64>,
    /// Its deletion.
    #[serde(default)]
    pub deleted_seq: Option<u64>,
    /// Emoji on it.
    #[serde(borrow, default)]
    pub reactions: Vec<ReactionSeen<'a>>,
}

/// An emoji on a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct ReactionSeen<'a> {
    /// Which.
    #[serde(borrow)]
    pub emoji: Cow<'a, str>,
    /// How many.
    pub count: u64,
    /// Whether the reader is one of them.
    pub mine: bool,
}

impl Seen<'_> {
    /// A hash over what never changes about an entry.
    pub fn identity(&self) -> u64 {
        let id = self.client_msg_id;
        identity(
            self.seq,
            &self.kind,
            self.author_id,
            id,
            self.ord,
            self.target_seq,
        )
    }
}

/// A hash over what never changes about an entry.
pub(super) fn identity(
    seq: u64,
    kind: &str,
    author: UserId,
    client_msg_id: Option<ClientMsgId>,
    ord: u64,
    target_seq: Option<u64>,
) -> u64 {
    let mut hash = FxHasher::default();
    (seq, kind, author, ord, target_seq).hash(&mut hash);
    // Only what people wrote has an id that the driver knows.
    if matches!(kind, "text" | "custom" | "edit" | "delete") {
        client_msg_id.hash(&mut hash);
    }
    hash.finish()
}

/// A row of the inbox.
#[derive(Clone, Debug, Deserialize)]
pub struct RowSeen {
    /// The thread.
    pub thread: ThreadSeen,
    /// Where it stands.
    pub head: HeadSeen,
    /// What the user privately has on it.
    pub mine: MineSeen,
}

/// A thread as one user sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct ThreadSeen {
    /// Its id.
    pub id: ThreadId,
    /// Members now.
    pub member_count: u64,
    /// When the user came in last.
    pub joined_seq: u64,
    /// What the user may see.
    pub visible: Vec<(u64, Option<u64>)>,
    /// The last entry that an ex-member sees.
    #[serde(default)]
    pub left_seq: Option<u64>,
}

/// Where a thread stands.
#[derive(Clone, Debug, Deserialize)]
pub struct HeadSeen {
    /// The last entry.
    pub last_seq: u64,
    /// Countable entries.
    pub ord: u64,
}

/// What a user privately has on a thread.
#[derive(Clone, Debug, Deserialize)]
pub struct MineSeen {
    /// Of the private settings.
    pub version: u64,
    /// Read up to here.
    pub read_seq: u64,
    /// Arrived up to here.
    pub delivered_seq: u64,
    /// Countable entries of others after it.
    pub unread: u64,
    /// Those that name the user.
    pub mentions: u64,
}

/// Who read and who holds a message.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ReceiptsSeen {
    /// Who read it.
    pub read: Vec<UserId>,
    /// Who holds it.
    pub delivered: Vec<UserId>,
    /// How many.
    pub counts: CountsSeen,
}

/// Seen by `read` of `of`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct CountsSeen {
    /// Who read it.
    pub read: u64,
    /// Who holds it.
    pub delivered: u64,
    /// Who may see it.
    pub of: u64,
}
