//! The keyspaces, and reading them.
//!
//! Four of them, because each costs a memtable of its own and is flushed by itself:
//! `messages` only grows and has its values in blob files, so that compaction moves keys only; `heads` is
//! one small row per thread, rewritten at each append, so a small memtable folds most versions away;
//! `views` is everything else that is keyed by threads; `people` is accounts and what is between them, rarely
//! written.

use super::purge::FILLER;
use super::row::{self, Applied, Row};
use super::stuck::{self, Stuck};
use super::{EmbeddedConfig, failed, key};
use crate::{StoreError, StoreResult};
use fjall::compaction::Leveled;
use fjall::{
    CompressionType, Database, Guard, Keyspace, KeyspaceCreateOptions, KvSeparationOptions,
    Readable, Snapshot,
};
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One keyspace.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Table {
    Messages,
    Heads,
    Views,
    People,
}

impl Table {
    /// Every one.
    pub(super) const ALL: [Self; 4] = [Self::Messages, Self::Heads, Self::Views, Self::People];

    /// Its place in [`Table::ALL`], as it stands in the write-ahead log.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    /// The table at this place.
    pub(super) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// All keyspaces.
pub(super) struct Tables {
    pub(super) db: Database,
    folder: PathBuf,
    messages: Keyspace,
    heads: Keyspace,
    views: Keyspace,
    people: Keyspace,
}

/// Background threads. With one, a rotation waits behind compaction and memory grows without bound.
const WORKERS: usize = 2;
/// The smallest that fjall takes; its active journal has this size anyway.
pub(super) const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
/// Runs in level 0 before they are merged: a third of the work of the default 4.
const L0_RUNS: u8 = 12;
/// Values from this size on live in blob files: almost every message does.
const SEPARATE_FROM_BYTES: u32 = 64;
/// Sealed memtables at which commits wait: fjall itself would wait at four.
const SEALED_MAX: usize = 3;
/// Tables in level 0 at which commits wait: fjall itself would slow down at twenty and stop at thirty.
const L0_TABLES_MAX: usize = 28;
/// Open files that are kept: an eighth of the usual limit of a process.
const OPEN_FILES: usize = 128;

impl Tables {
    /// Opens or makes them.
    pub(super) fn open(config: &EmbeddedConfig) -> fjall::Result<Self> {
        let folder = config.folder.join("tables");
        let db = Database::builder(&folder)
            .cache_size(config.cache_bytes)
            .worker_threads(WORKERS)
            .max_journaling_size(JOURNAL_BYTES)
            .max_cached_files(Some(OPEN_FILES))
            .manual_journal_persist(true)
            // Compressing texts a second time costs more than it saves: the journal is reused.
            .journal_compression(CompressionType::None)
            .open()?;
        if db.keyspace_exists(FILLER) {
            let filler = db.keyspace(FILLER, KeyspaceCreateOptions::default)?;
            db.delete_keyspace(filler)?;
        }
        let options = |share: u64| {
            let memtable_bytes = (config.memtable_bytes / share).max(64 * 1024);
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .max_memtable_size(memtable_bytes)
                .compaction_strategy(Arc::new(Leveled::default().with_l0_threshold(L0_RUNS)))
        };
        // A blob file that holds anything erased is rewritten as soon as compaction meets all that points to
        // it. Nothing but erasure makes a blob stale, so this costs nothing where nothing is erased.
        let separated = KvSeparationOptions::default()
            .separation_threshold(SEPARATE_FROM_BYTES)
            .staleness_threshold(0.0)
            .age_cutoff(1.0);
        Ok(Self {
            messages: db.keyspace("messages", || {
                options(2).with_kv_separation(Some(separated))
            })?,
            heads: db.keyspace("heads", || options(8))?,
            views: db.keyspace("views", || options(4))?,
            people: db.keyspace("people", || options(8))?,
            folder,
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

    /// The last batch of the write-ahead log that is here.
    pub(super) fn applied(&self) -> StoreResult<u64> {
        let applied = self.heads.get(key::APPLIED).map_err(failed)?;
        applied.map_or(Ok(0), |bytes| Ok(row::read::<Applied>(&bytes)?.0))
    }

    /// Whether a commit now might make fjall wait by itself.
    pub(super) fn are_crowded(&self) -> bool {
        Table::ALL.iter().any(|table| {
            let keyspace = self.of(*table);
            keyspace.sealed_memtable_count() >= SEALED_MAX
                || keyspace.l0_table_count() >= L0_TABLES_MAX
        })
    }

    /// The journals that are there now.
    pub(super) fn journals(&self) -> std::io::Result<Vec<PathBuf>> {
        journals(&self.folder)
    }

    /// All of them as they are now, with what is stuck over them.
    pub(super) fn reader<'a>(&'a self, stuck: Option<&'a Stuck>) -> Reader<'a> {
        Reader {
            tables: self,
            snapshot: self.db.snapshot(),
            stuck,
        }
    }
}

/// The journals in the folder of fjall.
pub(super) fn journals(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut journals = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "jnl") {
            journals.push(path);
        }
    }
    Ok(journals)
}

/// One moment of all tables.
pub(super) struct Reader<'a> {
    tables: &'a Tables,
    snapshot: Snapshot,
    /// What fjall will have after the next start only.
    stuck: Option<&'a Stuck>,
}

impl Reader<'_> {
    /// One row.
    pub(super) fn get<R: Row>(
        &self,
        table: Table,
        key: impl AsRef<[u8]>,
    ) -> StoreResult<Option<R>> {
        let bytes = match self.stuck.and_then(|stuck| stuck.get(table, key.as_ref())) {
            Some(stuck) => stuck.clone(),
            None => self
                .snapshot
                .get(self.tables.of(table), key)
                .map_err(failed)?,
        };
        bytes.map(|bytes| row::read(&bytes)).transpose()
    }

    /// Keys and rows of a range.
    pub(super) fn range<R: Row, K: AsRef<[u8]>>(
        &self,
        table: Table,
        range: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = StoreResult<(fjall::UserKey, R)>> {
        rows(self.pairs(table, bounds(&range), pair))
    }

    /// Keys and rows that begin with a prefix.
    pub(super) fn prefix<R: Row>(
        &self,
        table: Table,
        prefix: impl AsRef<[u8]>,
    ) -> impl DoubleEndedIterator<Item = StoreResult<(fjall::UserKey, R)>> {
        let end = stuck::prefix_end(prefix.as_ref());
        rows(self.pairs(table, prefixed(prefix.as_ref(), &end), pair))
    }

    /// Keys and bytes that begin with a prefix, where rows of two kinds lie side by side.
    pub(super) fn raw_prefix(
        &self,
        table: Table,
        prefix: impl AsRef<[u8]>,
    ) -> impl Iterator<Item = StoreResult<fjall::KvPair>> {
        let end = stuck::prefix_end(prefix.as_ref());
        self.pairs(table, prefixed(prefix.as_ref(), &end), pair)
    }

    /// Keys of a range.
    pub(super) fn keys<K: AsRef<[u8]>>(
        &self,
        table: Table,
        range: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = StoreResult<fjall::UserKey>> {
        self.pairs(table, bounds(&range), key_only)
            .map(|pair| Ok(pair?.0))
    }

    /// Keys that begin with a prefix.
    pub(super) fn keys_with(
        &self,
        table: Table,
        prefix: impl AsRef<[u8]>,
    ) -> impl DoubleEndedIterator<Item = StoreResult<fjall::UserKey>> {
        let end = stuck::prefix_end(prefix.as_ref());
        self.pairs(table, prefixed(prefix.as_ref(), &end), key_only)
            .map(|pair| Ok(pair?.0))
    }

    fn pairs<'a>(
        &'a self,
        table: Table,
        bounds: Bounds<'_>,
        read: fn(Guard) -> StoreResult<fjall::KvPair>,
    ) -> impl DoubleEndedIterator<Item = StoreResult<fjall::KvPair>> + use<'a> {
        let below = self
            .snapshot
            .range::<&[u8], _>(self.tables.of(table), bounds)
            .map(read);
        match self.stuck {
            None => Pairs::Below(below),
            Some(stuck) => Pairs::Over(stuck.over(table, bounds, below)),
        }
    }
}

/// Begin and end of a range of keys.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

fn bounds<'a, K: AsRef<[u8]> + 'a>(range: &'a impl RangeBounds<K>) -> Bounds<'a> {
    (
        range.start_bound().map(AsRef::as_ref),
        range.end_bound().map(AsRef::as_ref),
    )
}

/// The range of a prefix that ends at `end`, see [`stuck::prefix_end`].
fn prefixed<'a>(prefix: &'a [u8], end: &'a Bound<Vec<u8>>) -> Bounds<'a> {
    (
        Bound::Included(prefix),
        end.as_ref().map(|end| end.as_slice()),
    )
}

fn pair(guard: Guard) -> StoreResult<fjall::KvPair> {
    guard.into_inner().map_err(failed)
}

/// Values may lie elsewhere: they are not fetched.
fn key_only(guard: Guard) -> StoreResult<fjall::KvPair> {
    Ok((guard.key().map_err(failed)?, fjall::UserValue::default()))
}

/// What fjall has, or that with the rest over it.
enum Pairs<A, B> {
    Below(A),
    Over(B),
}

impl<T, A: Iterator<Item = T>, B: Iterator<Item = T>> Iterator for Pairs<A, B> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self {
            Self::Below(pairs) => pairs.next(),
            Self::Over(pairs) => pairs.next(),
        }
    }
}

impl<T, A, B> DoubleEndedIterator for Pairs<A, B>
where
    A: DoubleEndedIterator<Item = T>,
    B: DoubleEndedIterator<Item = T>,
{
    fn next_back(&mut self) -> Option<T> {
        match self {
            Self::Below(pairs) => pairs.next_back(),
            Self::Over(pairs) => pairs.next_back(),
        }
    }
}

/// A key that is not what its layout says.
pub(super) fn bad_key(table: Table, key: &[u8]) -> StoreError {
    StoreError::Damaged(format!("a key of {} bytes in {table:?}", key.len()))
}

fn rows<R: Row>(
    pairs: impl DoubleEndedIterator<Item = StoreResult<fjall::KvPair>>,
) -> impl DoubleEndedIterator<Item = StoreResult<(fjall::UserKey, R)>> {
    pairs.map(|pair| {
        let (key, value) = pair?;
        Ok((key, row::read(&value)?))
    })
}
