//! Contacts, requests for them, and blocks.

use crate::StoreResult;
use async_trait::async_trait;
use kith_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// A request that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRow {
    /// Who asks.
    pub from: UserId,
    /// Who is asked.
    pub to: UserId,
    /// What was said.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What stands between two users, seen from the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// Contacts since.
    pub contact_since: Option<Timestamp>,
    /// The first has asked the second.
    pub asked: Option<RequestRow>,
    /// The second has asked the first.
    pub asked_by: Option<RequestRow>,
    /// The first has blocked the second since.
    pub blocked: Option<Timestamp>,
    /// The second has blocked the first since.
    pub blocked_by: Option<Timestamp>,
}

/// A contact of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactRow {
    /// Who.
    pub user: UserId,
    /// Since when.
    pub since: Timestamp,
}

/// A change between two users. Each is idempotent and seen by both sides at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactChange {
    /// Puts a request.
    Ask(RequestRow),
    /// They become contacts; requests both ways are gone.
    Befriend {
        /// One.
        a: UserId,
        /// The other.
        b: UserId,
        /// Since when; the first time counts.
        at: Timestamp,
    },
    /// The request of `from` to `to` is gone.
    Decline {
        /// Who asked.
        from: UserId,
        /// Who was asked.
        to: UserId,
    },
    /// They are no longer contacts.
    Part {
        /// One.
        a: UserId,
        /// The other.
        b: UserId,
    },
    /// `by` blocks `whom`: also takes away contact and requests both ways.
    Block {
        /// Who.
        by: UserId,
        /// Whom.
        whom: UserId,
        /// Since when; the first time counts.
        at: Timestamp,
    },
    /// No longer.
    Unblock {
        /// Who.
        by: UserId,
        /// Whom.
        whom: UserId,
    },
}

/// What stands between people.
#[async_trait]
pub trait Contacts: Send + Sync {
    /// Makes a change; all of it or nothing, durable before it returns.
    async fn change_contact(&self, change: ContactChange) -> StoreResult<()>;

    /// What stands between two users.
    async fn between(&self, a: UserId, b: UserId) -> StoreResult<Between>;

    /// Contacts of a user with the time since, in id order.
    async fn contacts(&self, user: UserId) -> StoreResult<Vec<(UserId, Timestamp)>>;

    /// Who was a contact of this user and is none now, in id order: so that clients can be told.
    async fn former_contacts(&self, user: UserId) -> StoreResult<Vec<UserId>>;

    /// Requests of and to a user, oldest first.
    async fn requests(&self, user: UserId) -> StoreResult<Vec<RequestRow>>;

    /// Whom a user has blocked with the time since, in id order.
    async fn blocks(&self, user: UserId) -> StoreResult<Vec<(UserId, Timestamp)>>;
}
