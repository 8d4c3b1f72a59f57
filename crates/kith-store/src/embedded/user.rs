//! Accounts in fjall: rows by id, handles to ids, words of names to ids.

use super::stage::Stage;
use super::table::{Reader, Table, bad_key};
use super::{Embedded, key};
use crate::user::{UserRow, Users};
use crate::user_thread::Written;
use crate::{StoreError, StoreResult};
use async_trait::async_trait;
use kith_protocol::{Timestamp, UserId};
use std::collections::BTreeSet;

/// Bytes of an account while it waits, about.
const ROW_BYTES: usize = 1024;
/// Bytes of a time while it waits, about.
const SEEN_BYTES: usize = 64;

fn create(stage: &mut Stage<'_>, row: &UserRow) -> StoreResult<Written<UserId>> {
    let handle = key::handle(&row.handle);
    if let Some(owner) = stage.get(Table::People, &handle)? {
        return Ok(Written::Conflict(owner));
    }
    stage.put(Table::People, &handle, &row.id)?;
    stage.put(Table::People, &key::user(row.id), row)?;
    for word in words(&row.display_name) {
        stage.put_empty(Table::People, &key::name(&word, row.id));
    }
    Ok(Written::Done)
}

fn replace(
    stage: &mut Stage<'_>,
    expected_version: u64,
    row: &UserRow,
) -> StoreResult<Written<UserRow>> {
    let user_key = key::user(row.id);
    let Some(stored) = stage.get::<UserRow>(Table::People, &user_key)? else {
        return Err(StoreError::Damaged(format!(
            "the account {} is not there to be replaced",
            row.id
        )));
    };
    if stored.version != expected_version || stored.handle != row.handle {
        return Ok(Written::Conflict(stored));
    }
    let (before, now) = (words(&stored.display_name), words(&row.display_name));
    for gone in before.difference(&now) {
        stage.remove(Table::People, &key::name(gone, row.id));
    }
    for new in now.difference(&before) {
        stage.put_empty(Table::People, &key::name(new, row.id));
    }
    stage.put(Table::People, &user_key, row)?;
    Ok(Written::Done)
}

/// Words of a name as they are found.
pub(super) fn words(name: &str) -> BTreeSet<String> {
    name.split_whitespace().map(str::to_lowercase).collect()
}

#[async_trait]
impl Users for Embedded {
    async fn create_user(&self, row: UserRow) -> StoreResult<Written<UserId>> {
        self.write(ROW_BYTES, move |stage| create(stage, &row))
            .await
    }

    async fn put_user(&self, expected_version: u64, row: UserRow) -> StoreResult<Written<UserRow>> {
        self.write(ROW_BYTES, move |stage| {
            replace(stage, expected_version, &row)
        })
        .await
    }

    async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>> {
        let ids = ids.to_vec();
        self.read(move |reader| {
            ids.iter()
                .map(|id| reader.get(Table::People, key::user(*id)))
                .collect()
        })
        .await
    }

    async fn user_of_handle(&self, handle: &str) -> StoreResult<Option<UserId>> {
        let key = key::handle(handle);
        self.read(move |reader| reader.get(Table::People, key))
            .await
    }

    async fn handles(&self, after: &str, limit: usize) -> StoreResult<Vec<(String, UserId)>> {
        let above = key::handles_above(after);
        self.read(move |reader| {
            let rows = reader.range::<UserId, _>(Table::People, above);
            rows.take(limit)
                .map(|row| {
                    let (key, owner) = row?;
                    let handle = key::read_handle(&key);
                    let handle = handle.ok_or_else(|| bad_key(Table::People, &key))?;
                    Ok((handle, owner))
                })
                .collect()
        })
        .await
    }

    async fn find_users(&self, prefix: &str, limit: usize) -> StoreResult<Vec<UserId>> {
        let prefix = prefix.to_lowercase();
        self.read(move |reader| find(reader, &prefix, limit)).await
    }

    async fn put_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()> {
        let seen = seen.to_vec();
        self.write(SEEN_BYTES * seen.len(), move |stage| {
            for (user, at) in seen {
                let key = key::last_seen(user);
                let stored = stage.get::<Timestamp>(Table::People, &key)?;
                if stored.is_none_or(|stored| stored < at) {
                    stage.put(Table::People, &key, &at)?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn last_seen(&self, users: &[UserId]) -> StoreResult<Vec<Option<Timestamp>>> {
        let users = users.to_vec();
        self.read(move |reader| {
            users
                .iter()
                .map(|user| reader.get(Table::People, key::last_seen(*user)))
                .collect()
        })
        .await
    }
}

fn find(reader: &Reader<'_>, prefix: &str, limit: usize) -> StoreResult<Vec<UserId>> {
    let mut found = Vec::new();
    for row in reader
        .prefix::<UserId>(Table::People, key::handle(prefix))
        .take(limit)
    {
        found.push(row?.1);
    }
    for key in reader.keys_with(Table::People, key::names(prefix)) {
        if found.len() >= limit {
            break;
        }
        let key = key?;
        let id = key::last_id(&key).ok_or_else(|| bad_key(Table::People, &key))?;
        let id = UserId::from_bytes(id);
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}
