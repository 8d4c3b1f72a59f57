//! The keyspaces, and reading them.
//!
//! Four of them, because each costs a memtable of its own and is flushed by itself:
//! `messages` only grows and has its values in blob files, so that compaction moves keys only; `heads` is
//! one small row per thread, rewritten at each append, so a small memtable folds most versions away;
//! `views` is everything else that is keyed by threads; `people` is accounts and what is between them, rarely
//! written.

use super::row::{self, Row};
use super::{EmbeddedConfig, failed};
use crate::{StoreError, StoreResult};
use fjall::compaction::Leveled;
use fjall::{
    Database, Iter, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, Readable, Snapshot,
};
use std::ops::RangeBounds;
use std::sync::Arc;

/// One keyspace.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Table {
    Messages,
    Heads,
    Views,
    People,
}

/// All keyspaces.
pub(super) struct Tables {
    pub(super) db: Database,
    messages: Keyspace,
    heads: Keyspace,
    views: Keyspace,
    people: Keyspace,
}

/// Background threads. With one, a rotation waits behind compaction and memory grows without bound.
const WORKERS: usize = 2;
/// The smallest that fjall takes; its active journal has this size anyway.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
/// Runs in level 0 before they are merged: a third of the work of the default 4.
const L0_RUNS: u8 = 12;
/// Values from this size on live in blob files: almost every message does.
const SEPARATE_FROM_BYTES: u32 = 64;
/// Open files that are kept: an eighth of the usual limit of a process.
const OPEN_FILES: usize = 128;

impl Tables {
    /// Opens or makes them.
    pub(super) fn open(config: &EmbeddedConfig) -> fjall::Result<Self> {
        let db = Database::builder(config.folder.join("tables"))
            .cache_size(config.cache_bytes)
            .worker_threads(WORKERS)
            .max_journaling_size(JOURNAL_BYTES)
            .max_cached_files(Some(OPEN_FILES))
            .manual_journal_persist(true)
            .open()?;
        let options = |share: u64| {
            let memtable_bytes = (config.memtable_bytes / share).max(64 * 1024);
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .max_memtable_size(memtable_bytes)
                .compaction_strategy(Arc::new(Leveled::default().with_l0_threshold(L0_RUNS)))
        };
        let separated = KvSeparationOptions::default().separation_threshold(SEPARATE_FROM_BYTES);
        Ok(Self {
            messages: db.keyspace("messages", || {
                options(2).with_kv_separation(Some(separated))
            })?,
            heads: db.keyspace("heads", || options(8))?,
            views: db.keyspace("views", || options(4))?,
            people: db.keyspace("people", || options(8))?,
            db,
        })
    }

    /// The keyspace of a table.
    pub(super) fn of(&self, table: Table) -> &Keyspace {
        match table {
            Table::Messages => &self.messages,
            Table::Heads => &self.heads,
            Table::Views => &self.views,
            Table::People => &self.people,
        }
    }

    /// All of them as they are now.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            tables: self,
            snapshot: self.db.snapshot(),
        }
    }
}

/// One moment of all tables.
pub(super) struct Reader<'a> {
    tables: &'a Tables,
    snapshot: Snapshot,
}

impl Reader<'_> {
    /// One row.
    pub(super) fn get<R: Row>(
        &self,
        table: Table,
        key: impl AsRef<[u8]>,
    ) -> StoreResult<Option<R>> {
        self.snapshot
            .get(self.tables.of(table), key)
            .map_err(failed)?
            .map(|bytes| row::read(&bytes))
            .transpose()
    }

    /// Keys and rows of a range.
    pub(super) fn range<R: Row, K: AsRef<[u8]>>(
        &self,
        table: Table,
        range: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = StoreResult<(fjall::UserKey, R)>> {
        rows(self.snapshot.range(self.tables.of(table), range))
    }

    /// Keys and rows that begin with a prefix.
    pub(super) fn prefix<R: Row>(
        &self,
        table: Table,
        prefix: impl AsRef<[u8]>,
    ) -> impl DoubleEndedIterator<Item = StoreResult<(fjall::UserKey, R)>> {
        rows(self.snapshot.prefix(self.tables.of(table), prefix))
    }

    /// Keys and bytes that begin with a prefix, where rows of two kinds lie side by side.
    pub(super) fn raw_prefix(
        &self,
        table: Table,
        prefix: impl AsRef<[u8]>,
    ) -> impl Iterator<Item = StoreResult<fjall::KvPair>> {
        self.snapshot
            .prefix(self.tables.of(table), prefix)
            .map(|guard| guard.into_inner().map_err(failed))
    }

    /// Keys of a range.
    pub(super) fn keys<K: AsRef<[u8]>>(
        &self,
        table: Table,
        range: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = StoreResult<fjall::UserKey>> {
        self.snapshot
            .range(self.tables.of(table), range)
            .map(|guard| guard.key().map_err(failed))
    }

    /// Keys that begin with a prefix.
    pub(super) fn keys_with(
        &self,
        table: Table,
        prefix: impl AsRef<[u8]>,
    ) -> impl DoubleEndedIterator<Item = StoreResult<fjall::UserKey>> {
        self.snapshot
            .prefix(self.tables.of(table), prefix)
            .map(|guard| guard.key().map_err(failed))
    }
}

/// A key that is not what its layout says.
pub(super) fn bad_key(table: Table, key: &[u8]) -> StoreError {
    StoreError::Damaged(format!("a key of {} bytes in {table:?}", key.len()))
}

fn rows<R: Row>(iter: Iter) -> impl DoubleEndedIterator<Item = StoreResult<(fjall::UserKey, R)>> {
    iter.map(|guard| {
        let (key, value) = guard.into_inner().map_err(failed)?;
        Ok((key, row::read(&value)?))
    })
}
