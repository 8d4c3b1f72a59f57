//! Everything that can be refused, in one table: code, HTTP status, and whether a retry can help.

use crate::session::Session;
use crate::thread::Draft;
use crate::word::words;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

words! {
    /// Stable names of refusals. Clients act on these and on `retry`, never on the words.
    ErrorCode {
        /// A field is missing, of the wrong type or out of its bounds.
        InvalidField = "invalid_field",
        /// A field that this request does not have.
        UnknownField = "unknown_field",
        /// No token, or none that is known.
        Unauthorized = "unauthorized",
        /// Another device of the same kind signed in.
        SessionReplaced = "session_replaced",
        /// The session was not used for too long.
        SessionExpired = "session_expired",
        /// The session was ended by its user.
        SessionRevoked = "session_revoked",
        /// The account is disabled.
        AccountDisabled = "account_disabled",
        /// The caller's role does not allow it.
        Forbidden = "forbidden",
        /// One of the two has blocked the other.
        Blocked = "blocked",
        /// The other accepts direct messages from contacts only.
        ContactsOnly = "contacts_only",
        /// The caller was a member, and is no longer.
        NotAMember = "not_a_member",
        /// A cookie request from an origin that is not allowed.
        Origin = "origin",
        /// There is no such thing, or the caller may not know that there is.
        NotFound = "not_found",
        /// Somebody has this handle.
        HandleTaken = "handle_taken",
        /// It is there already.
        AlreadyExists = "already_exists",
        /// It contradicts what is there now.
        Conflict = "conflict",
        /// The group has as many members as it may.
        GroupFull = "group_full",
        /// As many sessions of this kind as the policy allows.
        SessionLimit = "session_limit",
        /// An earlier send of this connection waits to be sent again.
        OutOfOrder = "out_of_order",
        /// More bytes than allowed.
        TooLarge = "too_large",
        /// A media type or frame that is not known here.
        Unsupported = "unsupported",
        /// Too often.
        RateLimited = "rate_limited",
        /// The server has more work than it can do.
        Overloaded = "overloaded",
        /// The store cannot write now.
        StoreUnavailable = "store_unavailable",
        /// A fault of the server.
        Internal = "internal",
    }
}

words! {
    /// Whether trying again can help.
    Retry {
        /// The same request will be refused again.
        Never = "never",
        /// After a while, unchanged.
        Later = "later",
        /// After signing in again.
        AfterLogin = "after_login",
    }
}

impl ErrorCode {
    /// HTTP status, retry and title of a code.
    const fn row(self) -> (u16, Retry, &'static str) {
        use ErrorCode::*;
        use Retry::*;
        match self {
            InvalidField => (400, Never, "a field is missing or out of its bounds"),
            UnknownField => (400, Never, "there is no such field"),
            Unauthorized => (401, AfterLogin, "sign in first"),
            SessionReplaced => (401, AfterLogin, "another device has signed in"),
            SessionExpired => (401, AfterLogin, "the session has expired"),
            SessionRevoked => (401, AfterLogin, "the session was ended"),
            AccountDisabled => (401, AfterLogin, "the account is disabled"),
            Forbidden => (403, Never, "not allowed"),
            Blocked => (403, Never, "one of the two has blocked the other"),
            ContactsOnly => (403, Never, "accepts direct messages from contacts only"),
            NotAMember => (403, Never, "no longer a member"),
            Origin => (403, Never, "the origin is not allowed"),
            NotFound => (404, Never, "not found"),
            HandleTaken => (409, Never, "the handle is taken"),
            AlreadyExists => (409, Never, "exists already"),
            Conflict => (409, Never, "contradicts what is there now"),
            GroupFull => (409, Never, "the group is full"),
            SessionLimit => (409, Never, "too many sessions of this kind"),
            OutOfOrder => (409, Later, "an earlier send of this connection comes first"),
            TooLarge => (413, Never, "too large"),
            Unsupported => (415, Never, "not supported"),
            RateLimited => (429, Later, "too often"),
            Overloaded => (503, Later, "too much work at the moment"),
            StoreUnavailable => (503, Later, "the store cannot write at the moment"),
            Internal => (500, Never, "a fault of the server"),
        }
    }

    /// The HTTP status, also given inside frames.
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// Whether trying again can help.
    pub const fn retry(self) -> Retry {
        self.row().1
    }

    /// A short English sentence about the code.
    pub const fn title(self) -> &'static str {
        self.row().2
    }
}

/// A field of a request that cannot be accepted as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadField {
    /// `invalid_field`, `unknown_field` or `too_large`.
    pub code: ErrorCode,
    /// Dotted path of the field.
    pub field: Cow<'static, str>,
    /// What was expected.
    pub why: Cow<'static, str>,
}

impl BadField {
    /// Missing, of the wrong type, or out of a bound that is not one of bytes.
    pub fn invalid(field: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: ErrorCode::InvalidField,
            field: field.into(),
            why: why.into(),
        }
    }

    /// Over a bound of bytes.
    pub fn too_large(field: impl Into<Cow<'static, str>>, max_bytes: usize) -> Self {
        let why = format!("at most {max_bytes} bytes");
        Self {
            code: ErrorCode::TooLarge,
            field: field.into(),
            why: why.into(),
        }
    }
}

/// A refusal as it travels, over HTTP and inside frames (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `about:kith#<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short sentence about the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable name.
    pub code: ErrorCode,
    /// What was wrong in this case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The field that was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whether trying again can help.
    pub retry: Retry,
    /// Seconds to wait before a retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// With `session_limit`: the sessions that are in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<Session>,
    /// With `conflict` on a draft: the draft that is there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
}

impl Problem {
    /// The problem that says no more than its code.
    pub fn of(code: ErrorCode) -> Self {
        Self {
            kind: format!("about:kith#{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: None,
            field: None,
            retry: code.retry(),
            retry_after_s: matches!(code.status(), 429 | 503).then_some(1),
            sessions: Vec::new(),
            draft: None,
        }
    }
}

impl From<BadField> for Problem {
    fn from(bad: BadField) -> Self {
        Self {
            detail: Some(bad.why.into_owned()),
            field: Some(bad.field.into_owned()),
            ..Self::of(bad.code)
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.field, &self.detail) {
            (Some(field), Some(detail)) => write!(f, "{} ({field}: {detail})", self.title),
            (None, Some(detail)) => write!(f, "{} ({detail})", self.title),
            _ => f.write_str(&self.title),
        }
    }
}

impl std::error::Error for Problem {}
