//! Writes durable batches to fjall, behind those who wait for their sync: a stall of fjall is felt here.

use super::batch::{Batch, RowChange};
use super::figure::Figures;
use super::pipe::{Next, Pipe};
use super::row::{self, Applied};
use super::table::{Table, Tables};
use super::{in_words, key};
use fjall::{OwnedWriteBatch, PersistMode};
use rustc_hash::FxHashSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes written to fjall at once: more would hold up a read that waits for the first of them.
const WRITTEN_MAX_BYTES: usize = 1024 * 1024;
/// How often it is looked whether there is room in memory again.
const CROWDED_STEP: Duration = Duration::from_millis(1);

/// Starts the thread; it ends when the pipe is closed and empty, or broken.
pub(super) fn start(
    pipe: Arc<Pipe>,
    tables: Arc<Tables>,
    figures: Arc<Figures>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("kith-apply".to_owned())
        .spawn(move || {
            let _guard = Guard(&pipe);
            if let Err(error) = run(&pipe, &tables, &figures) {
                pipe.break_down(format!("a commit failed: {}", in_words(&error)));
            }
        })
}

fn run(pipe: &Pipe, tables: &Tables, figures: &Figures) -> fjall::Result<()> {
    loop {
        match pipe.next(WRITTEN_MAX_BYTES) {
            Next::Apply(batches) => {
                let last = batches.last().map_or(0, |batch| batch.number);
                let began = Instant::now();
                wait_for_flushes(tables)?;
                write(tables, batches)?;
                figures.applied(began.elapsed());
                pipe.set_applied(last);
            }
            Next::Sync => {
                tables.db.persist(PersistMode::SyncAll)?;
                pipe.set_synced();
            }
            Next::End => return Ok(()),
        }
    }
}

/// One write for all of them. It need not be durable: after a crash the batches come again.
pub(super) fn write(tables: &Tables, batches: Vec<Batch>) -> fjall::Result<()> {
    let Some(last) = batches.last().map(|batch| batch.number) else {
        return Ok(());
    };
    let changes: Vec<RowChange> = batches
        .into_iter()
        .flat_map(|batch| batch.changes)
        .collect();
    let mut batch = OwnedWriteBatch::with_capacity(tables.db.clone(), changes.len() + 1);
    let is_last = last_of_their_rows(&changes);
    for (change, is_last) in changes.into_iter().zip(is_last) {
        let keyspace = tables.of(change.table);
        match change.value {
            _ if !is_last => {}
            Some(value) => batch.insert(keyspace, change.key, value),
            None => batch.remove(keyspace, change.key),
        }
    }
    let mut applied = Vec::with_capacity(16);
    if row::write(&Applied(last), &mut applied).is_ok() {
        batch.insert(tables.of(Table::Heads), key::APPLIED, applied);
    }
    batch.commit()
}

/// Which changes are the last ones of their row: heads of busy threads change in each of many batches.
fn last_of_their_rows(changes: &[RowChange]) -> Vec<bool> {
    let mut seen = FxHashSet::with_capacity_and_hasher(changes.len(), Default::default());
    let mut is_last: Vec<bool> = changes
        .iter()
        .rev()
        .map(|change| seen.insert((change.table, change.key.as_ref())))
        .collect();
    is_last.reverse();
    is_last
}

/// Waits while memtables are full. fjall would wait in the commit, in steps of 100 ms, and for ever
/// when its own threads have died; here that is noticed.
fn wait_for_flushes(tables: &Tables) -> fjall::Result<()> {
    while tables.are_crowded() {
        std::thread::sleep(CROWDED_STEP);
        tables.db.persist(PersistMode::Buffer)?;
    }
    Ok(())
}

/// Tells those who wait when the thread ends in a panic.
struct Guard<'a>(&'a Pipe);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0
                .break_down("the thread that writes to the tables panicked".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fjall::UserValue;

    #[test]
    fn of_changes_to_one_row_the_last_counts() {
        let change = |table, key: &[u8], value: Option<&str>| RowChange {
            table,
            key: key.into(),
            value: value.map(UserValue::from),
        };
        let changes = [
            change(Table::Heads, b"a", Some("1")),
            change(Table::Views, b"a", Some("2")),
            change(Table::Heads, b"a", None),
            change(Table::Heads, b"b", Some("3")),
            change(Table::Views, b"a", Some("4")),
        ];
        let is_last = last_of_their_rows(&changes);
        assert_eq!(is_last, [false, false, true, true, true]);
    }
}
