//! Threads, what one user sees of them, and what is asked to make or change one.

use crate::entry::EntryKind;
use crate::error::BadField;
use crate::id::{ClientThreadId, ThreadId, UserId};
use crate::text::{self, BYTES_PER_GRAPHEME, TITLE_MAX_GRAPHEMES};
use crate::time::Timestamp;
use crate::user::User;
use crate::word::words;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// People added in one call.
pub const USER_IDS_MAX: usize = 200;
/// Rows on one page of the inbox.
pub const INBOX_LIMIT: std::ops::RangeInclusive<usize> = 1..=100;
/// Rows on a page of the inbox when nothing is asked.
pub const INBOX_DEFAULT: usize = 50;
/// Bytes of a cursor.
pub const CURSOR_MAX_BYTES: usize = 512;
/// Slow mode waits at most a day.
pub const SLOW_MAX_S: u32 = 86_400;
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

words! {
    /// Who may write in a group.
    WhoWrites {
        /// Every member who is not muted.
        Everyone = "everyone",
        /// Owners and admins.
        Admins = "admins",
    }
}

/// How long bodies are kept. On the wire `forever`, `until_delivered` or `days(30)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// Nothing is erased by age.
    #[default]
    Forever,
    /// Bodies of entries older than this many days are erased.
    Days(u16),
    /// Bodies are erased once every member's every live session holds them.
    UntilDelivered,
}

impl std::fmt::Display for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forever => f.write_str("forever"),
            Self::Days(days) => write!(f, "days({days})"),
            Self::UntilDelivered => f.write_str("until_delivered"),
        }
    }
}

impl History {
    /// Reads the text on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "forever" => Some(Self::Forever),
            "until_delivered" => Some(Self::UntilDelivered),
            _ => {
                let days: u16 = text
                    .strip_prefix("days(")?
                    .strip_suffix(')')?
                    .parse()
                    .ok()?;
                (days > 0).then_some(Self::Days(days))
            }
        }
    }
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::invalid_value(
                de::Unexpected::Str(&text),
                &"forever, until_delivered or days(n) with n from 1 to 65535",
            )
        })
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for History {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(r"^(forever|until_delivered|days\([1-9][0-9]*\))$"))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for History {}

/// Settings of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// How long bodies are kept.
    pub history: History,
    /// Whether new members see what was before them.
    pub open_history: bool,
    /// Who may write.
    pub who_writes: WhoWrites,
    /// Seconds between two messages of one member; 0 is off. Owners and admins do not wait.
    pub slow_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            history: History::Forever,
            open_history: false,
            who_writes: WhoWrites::Everyone,
            slow_s: 0,
        }
    }
}

/// Settings to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsPatch {
    /// How long bodies are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// Whether new members see what was before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_history: Option<bool>,
    /// Who may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who_writes: Option<WhoWrites>,
    /// Seconds between two messages of one member, up to a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_s: Option<u32>,
}

impl SettingsPatch {
    /// The settings after this patch.
    pub fn on(&self, settings: &Settings) -> Settings {
        Settings {
            history: self.history.unwrap_or(settings.history),
            open_history: self.open_history.unwrap_or(settings.open_history),
            who_writes: self.who_writes.unwrap_or(settings.who_writes),
            slow_s: self.slow_s.unwrap_or(settings.slow_s),
        }
    }

    fn check(&self) -> Result<(), BadField> {
        if self.slow_s.is_some_and(|slow_s| slow_s > SLOW_MAX_S) {
            return Err(BadField::invalid("settings.slow_s", "at most 86400"));
        }
        check_history("settings.history", self.history)
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

/// Until histories that end are built, only `forever` is a promise that can be kept.
pub fn check_history(field: &'static str, history: Option<History>) -> Result<(), BadField> {
    match history {
        None | Some(History::Forever) => Ok(()),
        Some(_) => Err(BadField::invalid(
            field,
            "only forever is available in this version",
        )),
    }
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
