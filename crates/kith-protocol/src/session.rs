//! Signing up and in, and the devices that are signed in.

use crate::error::BadField;
use crate::id::SessionId;
use crate::text::{self, BYTES_PER_GRAPHEME, LABEL_MAX_GRAPHEMES};
use crate::time::Timestamp;
use crate::user::User;
use crate::word::words;
use serde::{Deserialize, Serialize};

/// Sessions of one user; the 33rd ends the least recently used.
pub const SESSIONS_MAX: usize = 32;

words! {
    /// What kind of device a session is on.
    DeviceKind {
        /// A phone.
        Phone = "phone",
        /// A tablet.
        Tablet = "tablet",
        /// A program on a desktop or laptop.
        Desktop = "desktop",
        /// A browser.
        Web = "web",
        /// A terminal.
        Terminal = "terminal",
        /// A program without a person.
        Bot = "bot",
    }
}

words! {
    /// Why a session ended.
    EndReason {
        /// Another device of the same kind signed in.
        Replaced = "replaced",
        /// Its user signed out.
        SignedOut = "signed_out",
        /// Its user ended it from another device.
        Revoked = "revoked",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// The account was disabled.
        Disabled = "disabled",
        /// It was not used for too long.
        Expired = "expired",
    }
}

/// The device that signs in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// What it is.
    pub kind: DeviceKind,
    /// What its user calls it: up to 64 graphemes.
    pub label: String,
}

impl Device {
    /// The device with its label as it will be kept.
    pub fn checked(&self) -> Result<Self, BadField> {
        let max_bytes = LABEL_MAX_GRAPHEMES * BYTES_PER_GRAPHEME;
        let label = text::name("device.label", &self.label, LABEL_MAX_GRAPHEMES, max_bytes)?;
        Ok(Self {
            kind: self.kind,
            label,
        })
    }
}

/// Makes an account and signs in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Register {
    /// 3 to 32 of `[a-z0-9._-]`, first a letter.
    pub handle: String,
    /// 8 to 1,024 bytes.
    pub password: String,
    /// The handle if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Refused until the server can send mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The device.
    #[serde(deserialize_with = "crate::input::object")]
    pub device: Device,
    /// Answer with a cookie instead of a token: for browsers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<bool>,
}

/// Signs in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Login {
    /// The handle, or
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// the e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The password.
    pub password: String,
    /// The device.
    #[serde(deserialize_with = "crate::input::object")]
    pub device: Device,
    /// End the sessions that are in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takeover: Option<bool>,
    /// Answer with a cookie instead of a token: for browsers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<bool>,
}

/// The answer to registering and to signing in.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedIn {
    /// The caller.
    pub user: User,
    /// The new session.
    pub session: Session,
    /// For `Authorization: Bearer`; absent when a cookie was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Sessions that this one ended.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub replaced: Vec<Session>,
}

/// A signed-in device of the caller.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// What it is.
    pub kind: DeviceKind,
    /// What its user calls it.
    pub label: String,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
    /// The address that it was last used from.
    pub address: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Which sessions to end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct EndSessions {
    /// Must be true: all but the one that asks.
    pub others: bool,
}
