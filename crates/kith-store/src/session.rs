//! Sessions and their tokens.

use crate::StoreResult;
use async_trait::async_trait;
use kith_protocol::session::{DeviceKind, EndReason};
use kith_protocol::{SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// SHA-256 of a token: tokens themselves are not stored.
pub type TokenHash = [u8; 32];

/// A signed-in device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// SHA-256 of its token.
    pub token: TokenHash,
    /// What it is on.
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
}

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// A live session.
    Live(SessionRow),
    /// A session that ended; remembered until `forget_at`.
    Ended {
        /// Whose.
        user: UserId,
        /// Why.
        reason: EndReason,
        /// When to forget it.
        forget_at: Timestamp,
    },
}

/// A change of a user's sessions, all of it at once.
#[derive(Clone, Debug)]
pub struct SessionChange {
    /// Whose.
    pub user: UserId,
    /// The version of the user's session list that this rests on.
    pub expected_version: u64,
    /// A session that begins.
    pub begin: Option<SessionRow>,
    /// Sessions that end, and why.
    pub end: Vec<(SessionId, EndReason)>,
    /// Until when the reasons are remembered.
    pub forget_at: Timestamp,
}

/// Sessions of a user with the version of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionList {
    /// Grows with every change.
    pub version: u64,
    /// Live ones, in id order.
    pub sessions: Vec<SessionRow>,
    /// Ended ones whose reason is still remembered, in id order: so that clients can be told.
    pub ended: Vec<SessionId>,
}

/// Sessions of everybody.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Sessions of a user.
    async fn sessions(&self, user: UserId) -> StoreResult<SessionList>;

    /// Begins and ends sessions if the list still has `expected_version`; false, and nothing
    /// written, if it has not. The tokens of ended sessions are dead from then on. Durable before it returns.
    async fn change_sessions(&self, change: SessionChange) -> StoreResult<bool>;

    /// What a token stands for; none if it is unknown or forgotten.
    async fn token(&self, token: &TokenHash) -> StoreResult<Option<TokenState>>;

    /// Writes when and from where sessions were last used, and when they now expire; only touches sessions that live. May be lost in a crash.
    async fn touch_sessions(
        &self,
        touched: &[(UserId, SessionId, Timestamp, Timestamp, String)],
    ) -> StoreResult<()>;

    /// Forgets ended tokens whose `forget_at` has passed; gives how many.
    async fn forget_tokens(&self, now: Timestamp) -> StoreResult<usize>;
}
