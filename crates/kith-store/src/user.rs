//! Accounts.

use crate::StoreResult;
use crate::user_thread::Written;
use async_trait::async_trait;
use kith_protocol::user::Privacy;
use kith_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// An account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// Its unique handle; never changes.
    pub handle: String,
    /// Grows with every change.
    pub version: u64,
    /// The name to show.
    pub display_name: String,
    /// What the user says about itself.
    pub about: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// It may not sign in.
    pub disabled: bool,
    /// A PHC string (Argon2id).
    pub password: String,
    /// Who may see what.
    pub privacy: Privacy,
}

impl std::fmt::Debug for UserRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserRow")
            .field("id", &self.id)
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}

/// Accounts, handles, and when people were last here.
#[async_trait]
pub trait Users: Send + Sync {
    /// Makes an account; `Conflict` with its owner's id if somebody has the handle. Of several at once, one wins. Durable before it returns.
    async fn create_user(&self, row: UserRow) -> StoreResult<Written<UserId>>;

    /// Replaces a row if its version is still `expected_version`. The handle must be the same. Durable before it returns.
    async fn put_user(&self, expected_version: u64, row: UserRow) -> StoreResult<Written<UserRow>>;

    /// Accounts, in the order asked.
    async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>>;

    /// The owner of a handle.
    async fn user_of_handle(&self, handle: &str) -> StoreResult<Option<UserId>>;

    /// Up to `limit` handles above `after`, in order, with their owners; from the first one if it is empty.
    async fn handles(&self, after: &str, limit: usize) -> StoreResult<Vec<(String, UserId)>>;

    /// Up to `limit` accounts of which the handle, or a word of the display name, begins with
    /// `prefix` (both lower-cased by the engine in the same way), handles first, in order.
    async fn find_users(&self, prefix: &str, limit: usize) -> StoreResult<Vec<UserId>>;

    /// When users were last here. Never goes back; may be lost in a crash.
    async fn put_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()>;

    /// When users were last here, in the order asked.
    async fn last_seen(&self, users: &[UserId]) -> StoreResult<Vec<Option<Timestamp>>>;
}
