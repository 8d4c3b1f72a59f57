//! Rows as bytes: one byte of version, then postcard. A table that changes its shape takes a new version
//! and keeps the old shape in sight in its `read`, so that old rows stay readable.

use crate::contact::RequestRow;
use crate::log::EntryRow;
use crate::session::SessionRow;
use crate::thread::{HeadRow, MemberRow, OverlayRow, ReadMark};
use crate::user::UserRow;
use crate::user_thread::UserThreadRow;
use crate::{StoreError, StoreResult};
use kith_protocol::session::EndReason;
use kith_protocol::{SessionId, Timestamp, UserId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A row of some table.
pub(super) trait Row: Serialize + DeserializeOwned {
    /// What it is, for people.
    const NAME: &'static str;
    /// The shape that is written.
    const VERSION: u8 = 1;

    /// Reads a row of any version that was ever written.
    fn read(version: u8, bytes: &[u8]) -> Option<Self> {
        (version == Self::VERSION)
            .then(|| postcard::from_bytes(bytes).ok())
            .flatten()
    }
}

macro_rules! rows {
    ($($row:ty = $name:literal),+ $(,)?) => {
        $(impl Row for $row { const NAME: &'static str = $name; })+

        /// Reads bytes as each kind of row in turn; see [`super::fuzz`].
        pub(super) fn read_as_each(bytes: &[u8]) {
            $(read_as::<$row>(bytes);)+
        }
    };
}

rows! {
    EntryRow = "an entry",
    HeadRow = "a head",
    MemberRow = "a member",
    OverlayRow = "an overlay",
    DeletionRow = "a deletion",
    MentionRow = "a mention",
    ReadMark = "a read mark",
    Seq = "a delivered mark",
    UserThreadRow = "a thread of a user",
    UserRow = "an account",
    UserId = "an owner",
    Timestamp = "a time",
    RequestRow = "a contact request",
    SessionRow = "a session",
    Version = "a version",
    TokenRow = "a token",
    Applied = "the number of the last batch",
}

/// The last batch of the write-ahead log that is in fjall.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Applied(pub(super) u64);

/// A delivered mark.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Seq(pub(super) u64);

/// The version of a session list.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Version(pub(super) u64);

/// What a deletion holds beside its key.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct DeletionRow {
    pub(super) author: UserId,
    pub(super) deleted_seq: u64,
}

/// What a mention holds beside its key.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct MentionRow {
    pub(super) author: UserId,
}

/// What a token points to.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum TokenRow {
    Live {
        user: UserId,
        session: SessionId,
    },
    Ended {
        user: UserId,
        session: SessionId,
        reason: EndReason,
        forget_at: Timestamp,
    },
}

/// Writes a row into `buffer`, which is emptied first.
pub(super) fn write<R: Row>(row: &R, buffer: &mut Vec<u8>) -> StoreResult<()> {
    buffer.clear();
    buffer.push(R::VERSION);
    *buffer = postcard::to_extend(row, std::mem::take(buffer))
        .map_err(|error| StoreError::Damaged(format!("{} has no bytes: {error}", R::NAME)))?;
    Ok(())
}

/// Reads a row.
pub(super) fn read<R: Row>(bytes: &[u8]) -> StoreResult<R> {
    bytes
        .split_first()
        .and_then(|(version, rest)| R::read(*version, rest))
        .ok_or_else(|| {
            let version = bytes.first().copied().unwrap_or_default();
            StoreError::Damaged(format!(
                "{} of version {version} and {} bytes cannot be read",
                R::NAME,
                bytes.len()
            ))
        })
}

/// What can be read at all is written and read again to the same bytes.
fn read_as<R: Row>(bytes: &[u8]) {
    let Ok(row) = read::<R>(bytes) else { return };
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let written = write(&row, &mut first).and_then(|()| write(&read::<R>(&first)?, &mut second));
    assert!(
        written.is_ok(),
        "{} is not read again: {written:?}",
        R::NAME
    );
    assert_eq!(first, second, "{} comes back as another one", R::NAME);
}
