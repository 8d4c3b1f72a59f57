//! One batch while it is put together, and what conditions see of it.

use super::failed;
use super::row::{self, Row};
use super::table::{Table, Tables};
use crate::StoreResult;
use fjall::{OwnedWriteBatch, UserValue};
use rustc_hash::FxHashMap;

/// Rows of one batch, with what later requests of the same batch must see of them.
pub(super) struct Stage<'a> {
    tables: &'a Tables,
    batch: OwnedWriteBatch,
    /// Rows of this batch that a condition may read.
    pending: FxHashMap<(Table, Vec<u8>), Option<UserValue>>,
    scratch: &'a mut Vec<u8>,
}

impl<'a> Stage<'a> {
    /// An empty batch with room for some rows.
    pub(super) fn new(tables: &'a Tables, scratch: &'a mut Vec<u8>, rows: usize) -> Self {
        Self {
            tables,
            batch: OwnedWriteBatch::with_capacity(tables.db.clone(), rows),
            pending: FxHashMap::default(),
            scratch,
        }
    }

    /// What was staged.
    pub(super) fn into_batch(self) -> OwnedWriteBatch {
        self.batch
    }

    /// The row as it will be after what is staged so far.
    pub(super) fn get<R: Row>(&self, table: Table, key: &[u8]) -> StoreResult<Option<R>> {
        self.bytes(table, key)?
            .map(|bytes| row::read(&bytes))
            .transpose()
    }

    /// Whether there is a row, after what is staged so far.
    pub(super) fn has(&self, table: Table, key: &[u8]) -> StoreResult<bool> {
        Ok(self.bytes(table, key)?.is_some())
    }

    fn bytes(&self, table: Table, key: &[u8]) -> StoreResult<Option<UserValue>> {
        // The look-up needs an owned key; an empty map, the usual case, does without.
        if !self.pending.is_empty()
            && let Some(pending) = self.pending.get(&(table, key.to_vec()))
        {
            return Ok(pending.clone());
        }
        self.tables.of(table).get(key).map_err(failed)
    }

    /// Stages a row that a later condition may read.
    pub(super) fn put<R: Row>(&mut self, table: Table, key: &[u8], row: &R) -> StoreResult<()> {
        row::write(row, self.scratch)?;
        self.put_bytes(table, key, UserValue::from(self.scratch.as_slice()));
        Ok(())
    }

    /// Stages a row that says everything by being there.
    pub(super) fn put_empty(&mut self, table: Table, key: &[u8]) {
        self.put_bytes(table, key, UserValue::from([].as_slice()));
    }

    fn put_bytes(&mut self, table: Table, key: &[u8], value: UserValue) {
        self.pending
            .insert((table, key.to_vec()), Some(value.clone()));
        self.batch.insert(self.tables.of(table), key, value);
    }

    /// Stages a row of the hot path: no condition reads it within the same batch.
    pub(super) fn put_unread<R: Row>(
        &mut self,
        table: Table,
        key: &[u8],
        row: &R,
    ) -> StoreResult<()> {
        row::write(row, self.scratch)?;
        self.batch
            .insert(self.tables.of(table), key, self.scratch.as_slice());
        Ok(())
    }

    /// Stages that a row goes.
    pub(super) fn remove(&mut self, table: Table, key: &[u8]) {
        self.pending.insert((table, key.to_vec()), None);
        self.batch.remove(self.tables.of(table), key);
    }

    /// The tables below what is staged.
    pub(super) fn tables(&self) -> &Tables {
        self.tables
    }
}
