//! What changed since: rows of inbox, contacts and sessions, never entries.

use crate::contact::Contact;
use crate::id::{SessionId, ThreadId, UserId};
use crate::session::Session;
use crate::thread::InboxRow;
use crate::user::Me;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Rows in one answer.
pub const SYNC_ROWS_MAX: usize = 200;
/// Longest wait for a change.
pub const WAIT_MAX_S: u64 = 30;

/// Asks what changed since a cursor.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct SyncQuery {
    /// Of an earlier answer; everything without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Wait up to 30 s for a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u64>,
    /// 1: with a digest of the whole inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<u8>,
}

/// What changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sync {
    /// To be given with the next call.
    pub cursor: String,
    /// Everything is told: forget what is not in this and the following pages.
    pub full: bool,
    /// There are more rows: call again at once.
    pub more: bool,
    /// Threads that changed.
    pub threads: Vec<SyncThread>,
    /// Contacts that changed.
    pub contacts: Vec<SyncContact>,
    /// Sessions that changed.
    pub sessions: Vec<SyncSession>,
    /// The caller's account, if it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub me: Option<Me>,
    /// On the last page, when asked for: a digest of the whole inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A thread that changed, or that the caller left.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SyncThread {
    /// The row.
    Row(Box<InboxRow>),
    /// The caller is no longer a member.
    Gone {
        /// Which thread.
        id: ThreadId,
        /// Always true.
        gone: bool,
        /// The last entry that the caller sees.
        left_seq: u64,
    },
}

/// A contact that came, or went.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SyncContact {
    /// The contact.
    Row(Box<Contact>),
    /// No longer one.
    Gone {
        /// Who.
        user_id: UserId,
        /// Always true.
        gone: bool,
    },
}

/// A session that came, or ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SyncSession {
    /// The session.
    Row(Session),
    /// It ended.
    Gone {
        /// Which.
        session_id: SessionId,
        /// Always true.
        gone: bool,
    },
}

/// What the digest says of one thread.
#[derive(Clone, Copy, Debug)]
pub struct DigestRow {
    /// The thread.
    pub thread: ThreadId,
    /// Its last entry.
    pub last_seq: u64,
    /// Read up to here.
    pub read_seq: u64,
    /// Version of the private settings.
    pub version: u64,
}

/// The first 16 hex digits of SHA-256 over the rows sorted by thread id: 16 id bytes, then
/// last_seq, read_seq and version, big-endian in 8 bytes each.
pub fn digest(rows: &mut [DigestRow]) -> String {
    rows.sort_unstable_by_key(|row| row.thread);
    let mut hash = Sha256::new();
    for row in rows {
        hash.update(row.thread.bytes());
        for number in [row.last_seq, row.read_seq, row.version] {
            hash.update(number.to_be_bytes());
        }
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
