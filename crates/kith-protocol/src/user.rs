//! Accounts as others and as their owners see them.

use crate::error::BadField;
use crate::id::UserId;
use crate::text::{self, ABOUT_MAX_GRAPHEMES, DISPLAY_NAME_MAX_BYTES, DISPLAY_NAME_MAX_GRAPHEMES};
use crate::time::Timestamp;
use crate::word::words;
use serde::{Deserialize, Serialize};

/// A user as everybody sees one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Its id; never changes.
    pub id: UserId,
    /// Its unique handle.
    pub handle: String,
    /// The name to show.
    pub display_name: String,
    /// What the user says about itself.
    pub about: String,
    /// Picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// The caller's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// The public part.
    #[serde(flatten)]
    pub user: User,
    /// Who may see what.
    pub privacy: Privacy,
}

words! {
    /// Who may see something.
    Audience {
        /// Everybody who could.
        Everyone = "everyone",
        /// Contacts only.
        Contacts = "contacts",
        /// Nobody.
        Nobody = "nobody",
    }
}

words! {
    /// Who may write to a user directly.
    DirectAudience {
        /// Everybody.
        Everyone = "everyone",
        /// Contacts only.
        Contacts = "contacts",
    }
}

/// Who may see what. Mutual: who hides something does not see it of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Privacy {
    /// When the user was last here.
    pub last_seen: Audience,
    /// What the user has read and holds.
    pub receipts: Audience,
    /// That the user is typing.
    pub typing: Audience,
    /// Who may write directly.
    pub direct: DirectAudience,
}

impl Default for Privacy {
    fn default() -> Self {
        Self {
            last_seen: Audience::Everyone,
            receipts: Audience::Everyone,
            typing: Audience::Everyone,
            direct: DirectAudience::Everyone,
        }
    }
}

/// Privacy to change; what is absent stays.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PrivacyPatch {
    /// When the user was last here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Audience>,
    /// What the user has read and holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipts: Option<Audience>,
    /// That the user is typing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typing: Option<Audience>,
    /// Who may write directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<DirectAudience>,
}

impl PrivacyPatch {
    /// The privacy after this patch.
    pub fn on(&self, privacy: Privacy) -> Privacy {
        Privacy {
            last_seen: self.last_seen.unwrap_or(privacy.last_seen),
            receipts: self.receipts.unwrap_or(privacy.receipts),
            typing: self.typing.unwrap_or(privacy.typing),
            direct: self.direct.unwrap_or(privacy.direct),
        }
    }
}

/// What to change in the caller's account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchMe {
    /// 1 to 64 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Up to 500 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Who may see what.
    #[serde(
        default,
        deserialize_with = "crate::input::object_or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub privacy: Option<PrivacyPatch>,
}

/// A display name as it will be kept.
pub fn check_display_name(display_name: &str) -> Result<String, BadField> {
    text::name(
        "display_name",
        display_name,
        DISPLAY_NAME_MAX_GRAPHEMES,
        DISPLAY_NAME_MAX_BYTES,
    )
}

/// A text about oneself as it will be kept; may be empty.
pub fn check_about(about: &str) -> Result<String, BadField> {
    text::prose("about", about, ABOUT_MAX_GRAPHEMES)
}

/// A new password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePassword {
    /// The present one.
    pub current: String,
    /// The new one: 8 to 1,024 bytes.
    pub new: String,
}

/// A search for people: the beginning of a handle or of a word of a name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct FindUsers {
    /// 1 to 64 graphemes.
    pub q: String,
}
