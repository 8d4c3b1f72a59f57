//! Contacts, requests and blocks in fjall: what both sides see is written twice, in one batch.

use super::stage::Stage;
use super::table::{Reader, Table, bad_key};
use super::{Embedded, key};
use crate::StoreResult;
use crate::contact::{Between, ContactChange, Contacts, RequestRow};
use async_trait::async_trait;
use kith_protocol::{Timestamp, UserId};

/// Bytes of a change while it waits, about; a note may be some kilobytes.
const CHANGE_BYTES: usize = 2048;

fn stage(stage: &mut Stage<'_>, change: &ContactChange) -> StoreResult<()> {
    match change {
        ContactChange::Ask(row) => {
            stage.put(Table::People, &key::asked(row.from, row.to), row)?;
            stage.put(Table::People, &key::asked_by(row.to, row.from), row)?;
        }
        ContactChange::Befriend { a, b, at } => {
            let since = stage.get::<Timestamp>(Table::People, &key::contact(*a, *b))?;
            let since = since.unwrap_or(*at);
            stage.put(Table::People, &key::contact(*a, *b), &since)?;
            stage.put(Table::People, &key::contact(*b, *a), &since)?;
            stage.remove(Table::People, &key::former(*a, *b));
            stage.remove(Table::People, &key::former(*b, *a));
            forget_requests(stage, *a, *b);
        }
        ContactChange::Decline { from, to } => forget_request(stage, *from, *to),
        ContactChange::Part { a, b } => part(stage, *a, *b)?,
        ContactChange::Block { by, whom, at } => {
            let key = key::block(*by, *whom);
            let is_blocked = stage.has(Table::People, &key)?;
            part(stage, *by, *whom)?;
            if !is_blocked {
                stage.put(Table::People, &key, at)?;
            }
            forget_requests(stage, *by, *whom);
        }
        ContactChange::Unblock { by, whom } => {
            stage.remove(Table::People, &key::block(*by, *whom));
        }
    }
    Ok(())
}

fn part(stage: &mut Stage<'_>, a: UserId, b: UserId) -> StoreResult<()> {
    if stage.has(Table::People, &key::contact(a, b))? {
        stage.remove(Table::People, &key::contact(a, b));
        stage.remove(Table::People, &key::contact(b, a));
        stage.put_empty(Table::People, &key::former(a, b));
        stage.put_empty(Table::People, &key::former(b, a));
    }
    Ok(())
}

fn forget_requests(stage: &mut Stage<'_>, a: UserId, b: UserId) {
    forget_request(stage, a, b);
    forget_request(stage, b, a);
}

fn forget_request(stage: &mut Stage<'_>, from: UserId, to: UserId) {
    stage.remove(Table::People, &key::asked(from, to));
    stage.remove(Table::People, &key::asked_by(to, from));
}

#[async_trait]
impl Contacts for Embedded {
    async fn change_contact(&self, change: ContactChange) -> StoreResult<()> {
        self.write(CHANGE_BYTES, move |staged| stage(staged, &change))
            .await
    }

    async fn between(&self, a: UserId, b: UserId) -> StoreResult<Between> {
        self.read(move |reader| {
            Ok(Between {
                contact_since: reader.get(Table::People, key::contact(a, b))?,
                asked: reader.get(Table::People, key::asked(a, b))?,
                asked_by: reader.get(Table::People, key::asked(b, a))?,
                blocked: reader.get(Table::People, key::block(a, b))?,
                blocked_by: reader.get(Table::People, key::block(b, a))?,
            })
        })
        .await
    }

    async fn contacts(&self, user: UserId) -> StoreResult<Vec<(UserId, Timestamp)>> {
        self.read(move |reader| people_since(reader, key::contacts(user)).collect())
            .await
    }

    async fn former_contacts(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        self.read(move |reader| former(reader, user)).await
    }

    async fn requests(&self, user: UserId) -> StoreResult<Vec<RequestRow>> {
        self.read(move |reader| {
            let asked = reader.prefix::<RequestRow>(Table::People, key::asked_from(user));
            let asked_by = reader.prefix::<RequestRow>(Table::People, key::asked_to(user));
            let mut requests = asked
                .chain(asked_by)
                .map(|row| Ok(row?.1))
                .collect::<StoreResult<Vec<_>>>()?;
            requests.sort_by_key(|request| (request.at, request.from, request.to));
            Ok(requests)
        })
        .await
    }

    async fn blocks(&self, user: UserId) -> StoreResult<Vec<(UserId, Timestamp)>> {
        self.read(move |reader| people_since(reader, key::blocks(user)).collect())
            .await
    }
}

/// The people at the end of the keys with this prefix, and since when.
pub(super) fn people_since(
    reader: &Reader<'_>,
    prefix: impl AsRef<[u8]>,
) -> impl Iterator<Item = StoreResult<(UserId, Timestamp)>> {
    reader.prefix(Table::People, prefix).map(|row| {
        let (key, since) = row?;
        Ok((person(&key)?, since))
    })
}

/// Who was a contact of this user and is none now.
pub(super) fn former(reader: &Reader<'_>, user: UserId) -> StoreResult<Vec<UserId>> {
    reader
        .keys_with(Table::People, key::formers(user))
        .map(|key| person(&key?))
        .collect()
}

fn person(key: &[u8]) -> StoreResult<UserId> {
    let id = key::last_id(key).ok_or_else(|| bad_key(Table::People, key))?;
    Ok(UserId::from_bytes(id))
}
