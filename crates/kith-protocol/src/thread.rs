//! Threads, what one user sees of them, and what is asked to make or change one.

mod settings;

pub use settings::{History, SLOW_MAX_S, Settings, SettingsPatch, WhoWrites, check_history};

use crate::entry::EntryKind;
use crate::error::BadField;
use crate::id::{ClientThreadId, ThreadId, UserId};
use crate::text::{self, BYTES_PER_GRAPHEME, TITLE_MAX_GRAPHEMES};
use crate::time::Timestamp;
use crate::user::User;
use crate::word::words;
use serde::{Deserialize, Serialize};

/// People added in one call.
pub const USER_IDS_MAX: usize = 200;
/// Rows on one page of the inbox.
pub const INBOX_LIMIT: std::ops::RangeInclusive<usize> = 1..=100;
/// Rows on a page of the inbox when nothing is asked.
pub const INBOX_DEFAULT: usize = 50;
/// Bytes of a cursor.
pub const CURSOR_MAX_BYTES: usize = 512;
/// Threads of up to this many members push receipts and show the others' marks in the head.
pub const RECEIPT_MEMBERS_MAX: usize = 50;

words! {
    /// What kind of conversation.
    ThreadKind {
        /// Two people; one thread per pair.
        Direct = "direct",
        /// Members with roles.
        Group = "group",
        /// Comments on a post.
        Live = "live",
    }
}

words! {
    /// What a member may do.
    Role {
        /// Reads.
        Muted = "muted",
        /// Reads and writes.
        Member = "member",
        /// Also adds, removes, mutes, deletes, and changes title and settings.
        Admin = "admin",
        /// Also names admins and owners.
        Owner = "owner",
    }
}

/// A thread to make.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateThread {
    /// `direct` or `group`.
    pub kind: ThreadKind,
    /// The others; the caller is implied.
    pub participants: Vec<UserId>,
    /// Groups only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How long bodies are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// Made by the client; the same on every retry.
    pub client_thread_id: ClientThreadId,
}

/// What to change in a thread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchThread {
    /// A new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Settings to change.
    #[serde(
        default,
        deserialize_with = "crate::input::object_or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub settings: Option<SettingsPatch>,
}

impl PatchThread {
    /// Checks every bound; gives the title as it will be kept.
    pub fn check(&self) -> Result<Option<String>, BadField> {
        if let Some(settings) = &self.settings {
            settings.check()?;
        }
        self.title.as_deref().map(check_title).transpose()
    }
}

/// A title of 1 to 128 graphemes.
pub fn check_title(title: &str) -> Result<String, BadField> {
    text::name(
        "title",
        title,
        TITLE_MAX_GRAPHEMES,
        TITLE_MAX_GRAPHEMES * BYTES_PER_GRAPHEME,
    )
}

/// What the caller privately changes about a thread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchMine {
    /// No notifications until then; null: notifications.
    #[serde(
        default,
        deserialize_with = "crate::input::present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Timestamp>))]
    pub muted_until: Option<Option<Timestamp>>,
    /// Kept at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Kept out of the inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Shown as unread although it was read; reading takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked_unread: Option<bool>,
    /// What is being written; null: nothing.
    #[serde(
        default,
        deserialize_with = "crate::input::present_object",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Draft>))]
    pub draft: Option<Option<Draft>>,
}

/// A draft. The version given is that of the draft it replaces, 0 if there was none; the version
/// in answers is to be given next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Draft {
    /// The text so far, within the bounds of a message.
    pub text: String,
    /// Counts the drafts of this thread.
    pub version: u64,
}

/// A thread as one user sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// Its kind.
    pub kind: ThreadKind,
    /// Title of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Picture of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many members.
    pub member_count: u64,
    /// The other member of a direct thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<UserId>,
    /// Its settings.
    pub settings: Settings,
    /// The caller's role; for an ex-member the last one.
    pub role: Role,
    /// When the caller came in last.
    pub joined_seq: u64,
    /// What the caller may see: [from, to], to = null for "until now".
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub visible: Vec<(u64, Option<u64>)>,
    /// The caller is not a member any more; everything is as of `left_seq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<bool>,
    /// With `gone`: the last entry that the caller sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_seq: Option<u64>,
}

/// Where a thread stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Head {
    /// The last entry.
    pub last_seq: u64,
    /// Countable entries.
    pub ord: u64,
    /// When the last countable visible entry came, or the caller: what the inbox is ordered by.
    pub at: Timestamp,
    /// The last countable visible entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// In threads of up to 50: the least marks over the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<Others>,
}

/// The beginning of the last countable visible entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preview {
    /// Its seq.
    pub seq: u64,
    /// Who wrote it.
    pub author_id: UserId,
    /// Its kind.
    pub kind: EntryKind,
    /// Its text, cut; absent when it was deleted or has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The least marks over the other members who show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Others {
    /// Every other member holds everything up to here.
    pub delivered_seq: u64,
    /// Every other member has read everything up to here.
    pub read_seq: u64,
}

/// What one user privately has on a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mine {
    /// Grows with every change of the private settings.
    pub version: u64,
    /// Read up to here.
    pub read_seq: u64,
    /// Arrived up to here on the best session.
    pub delivered_seq: u64,
    /// Countable entries of others after `read_seq` that are not deleted.
    pub unread: u64,
    /// How many of these name the user.
    pub mentions: u64,
    /// No notifications until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// Kept at the top.
    pub pinned: bool,
    /// Kept out of the inbox.
    pub archived: bool,
    /// Shown as unread although it was read.
    pub marked_unread: bool,
    /// What is being written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
}

/// A row of the inbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InboxRow {
    /// The thread.
    pub thread: Thread,
    /// Where it stands.
    pub head: Head,
    /// What the caller privately has on it.
    pub mine: Mine,
}

/// Which page of the inbox.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct InboxQuery {
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// 1 to 100, 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// `unread` or `archived`; neither archived nor gone threads without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<InboxFilter>,
}

words! {
    /// Which threads of the inbox.
    InboxFilter {
        /// Those with something unread.
        Unread = "unread",
        /// Those that were archived.
        Archived = "archived",
    }
}

/// Finds a thread by all its members, the caller included.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct ByParticipants {
    /// User ids, separated by commas.
    pub users: String,
}

/// A member of a thread.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// Who.
    pub user: User,
    /// What the member may do.
    pub role: Role,
    /// When the member came in last.
    pub joined_at: Timestamp,
    /// Read up to here, unless hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_seq: Option<u64>,
    /// Arrived up to here, unless hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_seq: Option<u64>,
}

/// People to add to a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddMembers {
    /// 1 to 200 users; those who are members already stay as they are.
    pub user_ids: Vec<UserId>,
}

/// A new role for a member.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchMember {
    /// The role.
    pub role: Role,
}

/// Whether the caller is typing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Typing {
    /// Shown to the others for 6 s, or until false.
    pub active: bool,
}
