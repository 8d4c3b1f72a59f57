//! What is wrong: a sentence for people, an object for machines. Neither holds what people wrote.

use kith_protocol::{ThreadId, UserId};
use kith_store::audit::{Index, Unreadable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Findings of one kind in one thread that are told; the others are only counted. Who has a thousand of a
/// kind needs no list of them.
const TOLD_MAX: u64 = 100;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The log is not 1, 2, 3 … without holes.
    Hole,
    /// A row cannot be read, or lies where another belongs.
    Unreadable,
    /// An `ord` is not the number of countable entries so far.
    Ord,
    /// A time goes back.
    Time,
    /// A client id is there twice.
    Double,
    /// The body of a deleted message is still there.
    Unerased,
    /// A body is gone that nobody deleted.
    Erased,
    /// A head is not what the log makes of it.
    Head,
    /// A member is not what the log makes of it.
    Member,
    /// What became of a message is not what the log says.
    Overlay,
    /// Who has put an emoji on a message is not what the log says.
    Reaction,
    /// Which messages were taken back is not what the log says.
    Deletion,
    /// Who is named in a message is not what the log says.
    Mention,
    /// A group is not found by its members, or by others.
    Participants,
    /// A thread is not in the list of somebody who is, or was, a member.
    Pointer,
    /// A mark lies outside of the log, or does not say what the log says at its place.
    Mark,
    /// A number of unread messages is not what counting gives.
    Unread,
    /// A number of unread mentions is not what counting gives.
    UnreadMentions,
    /// Accounts, handles and names do not lead to each other.
    Account,
    /// A contact is not one from both sides.
    Contact,
    /// A request is not the same from both sides.
    Request,
    /// Sessions and tokens do not lead to each other.
    Session,
}

impl From<Index> for Kind {
    fn from(index: Index) -> Self {
        match index {
            Index::Accounts | Index::Handles | Index::Names => Self::Account,
            Index::Contacts | Index::FormerContacts => Self::Contact,
            Index::Requests | Index::RequestsAsked => Self::Request,
            Index::Sessions | Index::Tokens => Self::Session,
            Index::Mentions => Self::Mention,
            Index::Participants => Self::Participants,
        }
    }
}

impl Kind {
    /// Whether indexes cannot be held against a thread in which this is wrong: they rest on its log, head and
    /// members.
    pub(super) fn blurs_indexes(self) -> bool {
        matches!(
            self,
            Self::Hole | Self::Unreadable | Self::Ord | Self::Head | Self::Member
        )
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// The thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadId>,
    /// The entry, or the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// What is there: the rest of "there is …".
    pub stands: String,
    /// What should be: the rest of "it should be …".
    pub should: String,
    /// Whether it was put right.
    #[serde(default)]
    pub mended: bool,
}

impl Finding {
    /// A finding about no thread and nobody yet.
    pub fn new(kind: Kind, stands: impl Into<String>, should: impl Into<String>) -> Self {
        Self {
            kind,
            thread: None,
            seq: None,
            user: None,
            stands: stands.into(),
            should: should.into(),
            mended: false,
        }
    }

    /// A row that cannot be read.
    pub fn unreadable(row: Unreadable) -> Self {
        Self {
            seq: row.seq,
            user: row.user,
            ..Self::new(Kind::Unreadable, row.what, "one that can be read")
        }
    }

    /// About an entry.
    pub fn at(self, seq: u64) -> Self {
        Self {
            seq: Some(seq),
            ..self
        }
    }

    /// About a user.
    pub fn of(self, user: UserId) -> Self {
        Self {
            user: Some(user),
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = [
            self.thread.map(|thread| format!("thread {thread}")),
            self.seq.map(|seq| format!("entry {seq}")),
            self.user
                .filter(|user| !user.0.is_nil())
                .map(|user| format!("user {user}")),
        ];
        let mut place: Vec<String> = places.into_iter().flatten().collect();
        if place.is_empty() {
            place.push("accounts and sessions".to_owned());
        }
        let Self { stands, should, .. } = self;
        write!(
            f,
            "{}: there is {stands}; it should be {should}",
            place.join(", ")
        )?;
        if self.mended {
            f.write_str(" (mended)")?;
        }
        Ok(())
    }
}

/// Findings of one thread: some of each kind, and how many there are.
#[derive(Debug, Default)]
pub struct Findings {
    /// Those that are told.
    pub told: Vec<Finding>,
    /// All, by kind.
    pub counts: BTreeMap<Kind, u64>,
}

impl Findings {
    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.kind).or_default();
        *count += 1;
        if *count <= TOLD_MAX {
            self.told.push(finding);
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many of each kind are not among those told.
    pub fn untold(&self) -> impl Iterator<Item = (Kind, u64)> {
        let over = |(&kind, &count): (&Kind, &u64)| (kind, count.saturating_sub(TOLD_MAX));
        self.counts.iter().map(over).filter(|(_, more)| *more > 0)
    }

    /// Marks those as mended that are not found any longer.
    pub fn mended_unless_in(&mut self, after: &Self) {
        for finding in &mut self.told {
            finding.mended = !after.told.contains(finding);
        }
    }
}
