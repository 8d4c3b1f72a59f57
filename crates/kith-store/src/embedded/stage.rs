//! One batch while it is put together, and what conditions see of it.

use super::batch::RowChange;
use super::failed;
use super::row::{self, Row};
use super::table::{Table, Tables};
use super::unapplied::Unapplied;
use crate::StoreResult;
use fjall::{UserKey, UserValue};

/// Rows of one batch, over those of earlier ones that are not in fjall yet.
pub(super) struct Stage<'a> {
    tables: &'a Tables,
    unapplied: &'a mut Unapplied,
    changes: Vec<RowChange>,
    scratch: &'a mut Vec<u8>,
}

impl<'a> Stage<'a> {
    /// An empty batch with room for some rows.
    pub(super) fn new(
        tables: &'a Tables,
        unapplied: &'a mut Unapplied,
        scratch: &'a mut Vec<u8>,
        rows: usize,
    ) -> Self {
        Self {
            tables,
            unapplied,
            changes: Vec::with_capacity(rows),
            scratch,
        }
    }

    /// What was staged.
    pub(super) fn into_changes(self) -> Vec<RowChange> {
        self.changes
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
        match self.unapplied.get(table, key) {
            Some(known) => Ok(known.clone()),
            None => self.tables.of(table).get(key).map_err(failed),
        }
    }

    /// Stages a row that a later condition may read.
    pub(super) fn put<R: Row>(&mut self, table: Table, key: &[u8], row: &R) -> StoreResult<()> {
        row::write(row, self.scratch)?;
        let value = UserValue::from(self.scratch.as_slice());
        self.change(table, key, Some(value));
        Ok(())
    }

    /// Stages a row that says everything by being there.
    pub(super) fn put_empty(&mut self, table: Table, key: &[u8]) {
        self.change(table, key, Some(UserValue::from([].as_slice())));
    }

    /// Stages a row that no condition ever reads.
    pub(super) fn put_unread<R: Row>(
        &mut self,
        table: Table,
        key: &[u8],
        row: &R,
    ) -> StoreResult<()> {
        row::write(row, self.scratch)?;
        self.changes.push(RowChange {
            table,
            key: UserKey::from(key),
            value: Some(UserValue::from(self.scratch.as_slice())),
        });
        Ok(())
    }

    /// Stages that a row goes.
    pub(super) fn remove(&mut self, table: Table, key: &[u8]) {
        self.change(table, key, None);
    }

    fn change(&mut self, table: Table, key: &[u8], value: Option<UserValue>) {
        let change = RowChange {
            table,
            key: UserKey::from(key),
            value,
        };
        self.unapplied.note(&change);
        self.changes.push(change);
    }

    /// The tables below what is staged, and below what is not in fjall yet.
    pub(super) fn tables(&self) -> &Tables {
        self.tables
    }
}
