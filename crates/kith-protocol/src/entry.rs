//! Entries of the thread log, and what is asked to add one.

use crate::error::BadField;
use crate::id::{ClientMsgId, UserId};
use crate::input::INTEGER_BOUND;
use crate::thread::{Role, Settings, ThreadKind};
use crate::time::Timestamp;
use crate::word::words;
use crate::{ext, text};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// People named in one message.
pub const MENTIONS_MAX: usize = 100;
/// Entries on one page of messages.
pub const PAGE_LIMIT: std::ops::RangeInclusive<usize> = 1..=200;
/// Entries on a page when nothing is asked.
pub const PAGE_DEFAULT: usize = 50;

words! {
    // The numbers of the members stand in rows: new ones go to the end.
    /// What an entry is.
    EntryKind {
        /// A kind that this version does not know: kept and passed on.
        Unknown = "unknown",
        /// Entry 1 of every log.
        Created = "created",
        /// A message that a person wrote.
        Text = "text",
        /// A message with a file.
        Media = "media",
        /// A message of an application: `ext` says what.
        Custom = "custom",
        /// New text for an earlier message.
        Edit = "edit",
        /// An earlier message is taken back.
        Delete = "delete",
        /// An emoji on a message.
        React = "react",
        /// It is taken away.
        Unreact = "unreact",
        /// People came in.
        MemberAdded = "member_added",
        /// Somebody left; `heir_id` is the new owner, if there had to be one.
        MemberLeft = "member_left",
        /// Somebody was removed.
        MemberRemoved = "member_removed",
        /// Somebody has another role.
        Role = "role",
        /// A new title.
        Title = "title",
        /// New settings.
        Settings = "settings",
    }
}

impl EntryKind {
    /// Whether entries of this kind count: they have an `ord` of their own and may be unread.
    pub const fn is_countable(self) -> bool {
        matches!(self, Self::Text | Self::Media | Self::Custom)
    }

    /// Whether entries of this kind change who is a member, or what members may do.
    pub const fn is_membership(self) -> bool {
        matches!(
            self,
            Self::Created | Self::MemberAdded | Self::MemberLeft | Self::MemberRemoved | Self::Role
        )
    }
}

/// One entry of a thread log as clients see it, with what later entries made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Its number in the log: 1, 2, 3 … without holes.
    pub seq: u64,
    /// What it is.
    #[serde(deserialize_with = "any_kind")]
    pub kind: EntryKind,
    /// Who wrote it.
    pub author_id: UserId,
    /// The id that the author's client gave it.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub client_msg_id: Option<ClientMsgId>,
    /// Countable entries up to and including this one.
    pub ord: u64,
    /// When the server took it; to show, not to order by.
    pub at: Timestamp,
    /// The author's read mark moved to this entry with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_moved: bool,
    /// Text of a message or an edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// An object of the client's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub ext: Option<Box<RawValue>>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// People named in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Everybody is named in it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub mention_all: bool,
    /// The message that an edit, deletion or reaction is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_seq: Option<u64>,
    /// First members, people added, or the one who left or has another role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_ids: Vec<UserId>,
    /// With `role`: the new role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// With `member_left`: who became the owner by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heir_id: Option<UserId>,
    /// With `created`: what kind of thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_kind: Option<ThreadKind>,
    /// With `created` and `title`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// With `created` and `settings`: all of them, as they are from this entry on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// With `react` and `unreact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// The newest edit; `text` is that edit's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_seq: Option<u64>,
    /// The deletion; text, ext and mentions are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_seq: Option<u64>,
    /// Emoji on it, in the order of their first appearance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

/// How many put an emoji on a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// How many.
    pub count: u64,
    /// Whether the reader is one of them.
    pub mine: bool,
}

/// A page of a log, ascending.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page {
    /// Visible entries, ascending by seq.
    pub items: Vec<Entry>,
    /// Whether earlier entries are visible.
    pub has_more_before: bool,
    /// Whether later entries are visible.
    pub has_more_after: bool,
    /// The overlays are those of this seq.
    pub as_of_seq: u64,
}

/// Which page of messages: at most one of before, after, around and at; the newest without any.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct PageQuery {
    /// Entries before this seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Entries after this seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Entries around this seq, it included; the nearest visible one if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<u64>,
    /// Entries around the first one at or after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// 1 to 200, 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl PageQuery {
    /// Checks that one place at most is asked for, and every bound; gives the limit.
    pub fn check(&self) -> Result<usize, BadField> {
        let places = [
            ("before", self.before.is_some()),
            ("after", self.after.is_some()),
            ("around", self.around.is_some()),
            ("at", self.at.is_some()),
        ];
        if let Some((field, _)) = places.iter().filter(|(_, given)| *given).nth(1) {
            return Err(BadField::invalid(
                *field,
                "only one of before, after, around and at",
            ));
        }
        for (field, seq) in [
            ("before", self.before),
            ("after", self.after),
            ("around", self.around),
        ] {
            check_seq(field, seq.unwrap_or_default())?;
        }
        let limit = self.limit.unwrap_or(PAGE_DEFAULT);
        if !PAGE_LIMIT.contains(&limit) {
            return Err(BadField::invalid("limit", "from 1 to 200"));
        }
        Ok(limit)
    }
}

/// A message to send.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendMessage {
    /// Made by the client; the same on every retry.
    pub client_msg_id: ClientMsgId,
    /// The head that the client knew at its first attempt; 0 if none.
    pub seen_head: u64,
    /// `text` (default) or `custom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EntryKind>,
    /// The text; kept exactly. A `custom` message may do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// An object of the client's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub ext: Option<Box<RawValue>>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// People named in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Names everybody; for owners and admins of a group.
    #[serde(default, skip_serializing_if = "is_false")]
    pub mention_all: bool,
}

impl SendMessage {
    /// A plain text.
    pub fn text(client_msg_id: ClientMsgId, seen_head: u64, text: impl Into<String>) -> Self {
        Self {
            client_msg_id,
            seen_head,
            kind: None,
            text: Some(text.into()),
            ext: None,
            reply_to: None,
            mentions: Vec::new(),
            mention_all: false,
        }
    }

    /// Checks every bound; gives the kind, and the `ext` compact.
    pub fn check(&self) -> Result<(EntryKind, Option<String>), BadField> {
        let kind = self.kind.unwrap_or(EntryKind::Text);
        if !matches!(kind, EntryKind::Text | EntryKind::Custom) {
            return Err(BadField::invalid("kind", "text or custom"));
        }
        check_seq("seen_head", self.seen_head)?;
        match &self.text {
            Some(body) => text::check_text("text", body)?,
            None if kind == EntryKind::Text => {
                return Err(BadField::invalid("text", "is required"));
            }
            None if self.ext.is_none() => {
                return Err(BadField::invalid(
                    "ext",
                    "a custom message has a text or an ext",
                ));
            }
            None => {}
        }
        if self.mentions.len() > MENTIONS_MAX {
            return Err(BadField::invalid("mentions", "at most 100"));
        }
        let ext = self
            .ext
            .as_deref()
            .map(|raw| ext::checked("ext", raw))
            .transpose()?;
        Ok((kind, ext))
    }
}

/// New text for a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditMessage {
    /// Made by the client; the same on every retry.
    pub client_msg_id: ClientMsgId,
    /// The head that the client knew at its first attempt.
    pub seen_head: u64,
    /// The new text.
    pub text: String,
}

/// Takes a message back; travels as a query.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct DeleteMessage {
    /// Made by the client; the same on every retry.
    pub client_msg_id: ClientMsgId,
    /// The head that the client knew at its first attempt.
    pub seen_head: u64,
}

/// Where a message stands: the answer to sending, the same on every retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sent {
    /// Its number in the log.
    pub seq: u64,
    /// Countable entries up to and including it.
    pub ord: u64,
    /// When the server took it.
    pub at: Timestamp,
}

/// The seq of an entry that was added, or had been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Added {
    /// Its number in the log.
    pub seq: u64,
}

/// A mark to set: everything up to `seq` was read, or has arrived.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetMark {
    /// The seq.
    pub seq: u64,
}

/// Marks after the merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Marks {
    /// Read up to here.
    pub read_seq: u64,
    /// Arrived up to here on the user's best session.
    pub delivered_seq: u64,
}

/// Who has read and who holds an entry, its author left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipts {
    /// Members who read it, as far as they show it.
    pub read: Vec<UserId>,
    /// Members who hold it, as far as they show it.
    pub delivered: Vec<UserId>,
    /// Everybody, those who hide it included.
    pub counts: ReceiptCounts,
}

/// "Seen by `read` of `of`".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptCounts {
    /// Members who read it.
    pub read: u64,
    /// Members who hold it.
    pub delivered: u64,
    /// Members who may see it.
    pub of: u64,
}

/// Refuses integers that JavaScript would not hold exactly.
pub fn check_seq(field: &'static str, seq: u64) -> Result<(), BadField> {
    if seq >= INTEGER_BOUND {
        return Err(BadField::invalid(field, "below 2^53"));
    }
    Ok(())
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn any_kind<'de, D: serde::Deserializer<'de>>(d: D) -> Result<EntryKind, D::Error> {
    let word = std::borrow::Cow::<'de, str>::deserialize(d)?;
    Ok(EntryKind::from_word(&word).unwrap_or(EntryKind::Unknown))
}
