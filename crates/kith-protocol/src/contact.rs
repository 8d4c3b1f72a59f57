//! Contacts, requests for them, and blocks.

use crate::id::{RequestId, UserId};
use crate::presence::Status;
use crate::time::Timestamp;
use crate::user::User;
use serde::{Deserialize, Serialize};

/// A contact of the caller.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// Who.
    pub user: User,
    /// Since when.
    pub since_at: Timestamp,
    /// Whether the contact is here, unless hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// When the contact was last here, unless hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

/// Asks somebody to become a contact.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AskContact {
    /// Whom.
    pub user_id: UserId,
    /// Up to 500 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A request to become a contact, asked of the caller or by the caller.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactRequest {
    /// Its id.
    pub id: RequestId,
    /// Who asks.
    pub from: User,
    /// Who is asked.
    pub to: User,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Both had asked, or it was accepted: they are contacts now.
    pub accepted: bool,
}

/// Somebody whom the caller has blocked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Block {
    /// Whom.
    pub user: User,
    /// Since when.
    pub since_at: Timestamp,
}
