//! Reading that goes on after a row that cannot be read; for the audit.

use super::row::Row;
use super::stuck::prefix_end;
use super::table::{Reader, Table};
use crate::audit::Place;
use crate::{StoreError, StoreResult};
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// A key with its row, or with what is wrong with it.
pub(super) type Found<R> = (fjall::UserKey, Result<R, String>);

/// Rows of one page, and where the next one begins.
pub(super) struct Scanned<T> {
    pub(super) rows: Vec<T>,
    pub(super) next: Option<Place>,
}

impl<T> Scanned<T> {
    /// The same page of something else.
    pub(super) fn map<U>(self, change: impl FnMut(T) -> U) -> Scanned<U> {
        Scanned {
            rows: self.rows.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

/// A row, or its version and how many bytes there are, the version's included.
#[derive(Serialize, Deserialize)]
struct Tried<R>(Result<R, (u8, usize)>);

impl<R: Row> Row for Tried<R> {
    const NAME: &'static str = R::NAME;

    fn read(version: u8, bytes: &[u8]) -> Option<Self> {
        Some(Self(
            R::read(version, bytes).ok_or((version, bytes.len() + 1)),
        ))
    }
}

/// Up to `limit` rows with a prefix, after a place.
pub(super) fn rows<R: Row>(
    reader: &Reader<'_>,
    table: Table,
    prefix: &[u8],
    from: Option<&Place>,
    limit: usize,
) -> StoreResult<Scanned<Found<R>>> {
    let rows = rows_between(reader, table, span(prefix, from), limit)?;
    let last = rows.last().filter(|_| rows.len() == limit);
    let next = last.map(|(key, _)| Place(key.to_vec()));
    Ok(Scanned { rows, next })
}

/// Up to `limit` rows between two keys.
pub(super) fn rows_between<R: Row>(
    reader: &Reader<'_>,
    table: Table,
    span: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    limit: usize,
) -> StoreResult<Vec<Found<R>>> {
    let all = reader
        .range::<Tried<R>, _>(table, span.clone())
        .take(limit)
        .map(|row| row.map(|(key, Tried(row))| (key, row.map_err(said::<R>))))
        .collect();
    match all {
        // One of them cannot even be taken out of its table, and has lost its key by that: one by one.
        Err(StoreError::Damaged(_)) => reader
            .keys(table, span)
            .take(limit)
            .map(|key| {
                let key = key?;
                let row = tried(reader, table, &key)?;
                Ok((key, row))
            })
            .collect(),
        all => all,
    }
}

/// Up to `limit` keys with a prefix, after a place.
pub(super) fn keys(
    reader: &Reader<'_>,
    table: Table,
    prefix: &[u8],
    from: Option<&Place>,
    limit: usize,
) -> StoreResult<Scanned<fjall::UserKey>> {
    let keys = reader.keys(table, span(prefix, from)).take(limit);
    let rows = keys.collect::<StoreResult<Vec<_>>>()?;
    let last = rows.last().filter(|_| rows.len() == limit);
    let next = last.map(|key| Place(key.to_vec()));
    Ok(Scanned { rows, next })
}

/// The row of a key that is there.
pub(super) fn tried<R: Row>(
    reader: &Reader<'_>,
    table: Table,
    key: &[u8],
) -> StoreResult<Result<R, String>> {
    match reader.get::<Tried<R>>(table, key) {
        Ok(Some(Tried(row))) => Ok(row.map_err(said::<R>)),
        Ok(None) => Ok(Err(format!("nothing where {} was", R::NAME))),
        Err(StoreError::Damaged(why)) => Ok(Err(format!("{} that cannot be read: {why}", R::NAME))),
        Err(error) => Err(error),
    }
}

/// The row of a key; none if it is not there or cannot be read.
pub(super) fn get<R: Row>(reader: &Reader<'_>, table: Table, key: &[u8]) -> StoreResult<Option<R>> {
    Ok(tried(reader, table, key)?.ok())
}

/// Whether there is a row, whatever it says.
pub(super) fn has(reader: &Reader<'_>, table: Table, key: &[u8]) -> StoreResult<bool> {
    reader
        .keys(table, key..=key)
        .next()
        .transpose()
        .map(|key| key.is_some())
}

/// Whether there is a row with this prefix.
pub(super) fn has_any(reader: &Reader<'_>, table: Table, prefix: &[u8]) -> StoreResult<bool> {
    let mut keys = reader.keys_with(table, prefix);
    keys.next().transpose().map(|key| key.is_some())
}

/// The keys with a prefix, after a place.
pub(super) fn span(prefix: &[u8], from: Option<&Place>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let from = match from {
        Some(Place(key)) => Bound::Excluded(key.clone()),
        None => Bound::Included(prefix.to_vec()),
    };
    (from, prefix_end(prefix))
}

fn said<R: Row>((version, bytes): (u8, usize)) -> String {
    format!(
        "{} of version {version} and {bytes} bytes that cannot be read",
        R::NAME
    )
}
