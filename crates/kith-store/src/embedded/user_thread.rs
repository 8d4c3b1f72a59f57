//! Threads of users in fjall.

use super::table::{Reader, Table, bad_key};
use super::{Embedded, key};
use crate::StoreResult;
use crate::user_thread::{UserThreadRow, UserThreads, Written};
use async_trait::async_trait;
use kith_protocol::{ThreadId, UserId};

/// Bytes of a row without its draft while it waits, about.
const ROW_BYTES: usize = 256;

#[async_trait]
impl UserThreads for Embedded {
    async fn user_threads(&self, user: UserId) -> StoreResult<Vec<(ThreadId, UserThreadRow)>> {
        self.read(move |reader| rows(reader, user).collect()).await
    }

    async fn user_thread(
        &self,
        user: UserId,
        thread: ThreadId,
    ) -> StoreResult<Option<UserThreadRow>> {
        self.read(move |reader| reader.get(Table::Views, key::user_thread(user, thread)))
            .await
    }

    async fn put_user_thread(
        &self,
        user: UserId,
        thread: ThreadId,
        expected_version: u64,
        row: UserThreadRow,
    ) -> StoreResult<Written<UserThreadRow>> {
        let bytes = ROW_BYTES + row.draft.as_ref().map_or(0, String::len);
        self.write(bytes, move |stage| {
            let key = key::user_thread(user, thread);
            let stored: UserThreadRow = stage.get(Table::Views, &key)?.unwrap_or_default();
            if stored.version != expected_version {
                return Ok(Written::Conflict(stored));
            }
            stage.put(Table::Views, &key, &row)?;
            Ok(Written::Done)
        })
        .await
    }
}

/// The threads of a user with their rows, in id order.
pub(super) fn rows(
    reader: &Reader<'_>,
    user: UserId,
) -> impl Iterator<Item = StoreResult<(ThreadId, UserThreadRow)>> {
    reader
        .prefix(Table::Views, key::user_threads(user))
        .map(|row| {
            let (key, row) = row?;
            Ok((thread_of(&key)?, row))
        })
}

fn thread_of(key: &[u8]) -> StoreResult<ThreadId> {
    let thread = key::last_id(key).ok_or_else(|| bad_key(Table::Views, key))?;
    Ok(ThreadId::from_bytes(thread))
}
