//! The thread log in fjall: a row per entry, the last seq of busy threads in memory.

use super::stage::Stage;
use super::table::{Reader, Table, Tables, bad_key};
use super::{Embedded, failed, key, purge, thread};
use crate::log::{Append, Appended, EntryRow, Span, ThreadLog};
use crate::{StoreError, StoreResult};
use async_trait::async_trait;
use kith_protocol::{ClientMsgId, ThreadId, UserId};
use rustc_hash::FxHashMap;

/// Threads per generation of [`LastSeqs`]: two generations are some 3 MB.
const GENERATION: usize = 32_768;
/// Bytes of an entry or a view besides its texts, about.
const ROW_BYTES: usize = 256;

/// The last seq of threads that were appended to lately, so that an append costs no read. Known to the
/// commit thread only, which alone moves them. Two generations: when the younger is full, the elder goes. So
/// the last `GENERATION` threads are here for sure; what waits for fjall are fewer appends than that, and a
/// thread that is not here can be read from fjall.
#[derive(Default)]
pub(super) struct LastSeqs {
    younger: FxHashMap<ThreadId, u64>,
    elder: FxHashMap<ThreadId, u64>,
}

impl LastSeqs {
    fn get(&mut self, tables: &Tables, thread: ThreadId) -> StoreResult<u64> {
        if let Some(&seq) = self.younger.get(&thread) {
            return Ok(seq);
        }
        let seq = match self.elder.get(&thread) {
            Some(&seq) => seq,
            None => last_seq_in(tables, thread)?,
        };
        self.set(thread, seq);
        Ok(seq)
    }

    fn set(&mut self, thread: ThreadId, seq: u64) {
        if self.younger.len() >= GENERATION {
            self.elder = std::mem::take(&mut self.younger);
        }
        self.younger.insert(thread, seq);
    }
}

/// Bytes of an append while it waits, about.
pub(super) fn weight(append: &Append) -> usize {
    let texts = append.entries.iter().map(|entry| {
        let body = &entry.body;
        let text = body.text.as_ref().map_or(0, String::len);
        let ext = body.ext.as_ref().map_or(0, String::len);
        ROW_BYTES + text + ext + 16 * (body.mentions.len() + body.user_ids.len())
    });
    ROW_BYTES * (1 + append.views.len()) + texts.sum::<usize>()
}

/// Checks an append and stages all that it does.
pub(super) fn stage(
    stage: &mut Stage<'_>,
    last_seqs: &mut LastSeqs,
    mut append: Append,
) -> StoreResult<Appended> {
    let last_seq = last_seqs.get(stage.tables(), append.thread)?;
    if last_seq != append.expected_last_seq {
        return Ok(Appended::Conflict { last_seq });
    }
    check_dense(&append)?;
    let erased = erase(stage, &mut append)?;
    let pointers = thread::missing_pointers(stage, &append.views)?;

    for entry in append.entries.iter().chain(&erased) {
        let key = key::message(append.thread, entry.seq);
        stage.put(Table::Messages, &key, entry)?;
    }
    thread::stage(stage, append.thread, &append.views, &pointers)?;
    last_seqs.set(append.thread, last_seq + append.entries.len() as u64);
    Ok(Appended::Done)
}

/// A hole in a log would be there for ever: the engine does not take the caller's word.
fn check_dense(append: &Append) -> StoreResult<()> {
    let dense = !append.entries.is_empty()
        && append
            .entries
            .iter()
            .zip(append.expected_last_seq + 1..)
            .all(|(entry, seq)| entry.seq == seq);
    if dense {
        return Ok(());
    }
    Err(StoreError::Damaged(format!(
        "an append of {} entries to {} after {} is not dense",
        append.entries.len(),
        append.thread,
        append.expected_last_seq
    )))
}

/// The rows to erase, emptied; those of this very append are emptied where they are.
fn erase(stage: &Stage<'_>, append: &mut Append) -> StoreResult<Vec<EntryRow>> {
    let mut erased = Vec::new();
    for &seq in &append.erase {
        if seq > append.expected_last_seq {
            append
                .entries
                .iter_mut()
                .filter(|entry| entry.seq == seq)
                .for_each(empty);
        } else if let Some(mut entry) =
            stage.get::<EntryRow>(Table::Messages, &key::message(append.thread, seq))?
        {
            empty(&mut entry);
            erased.push(entry);
        }
    }
    Ok(erased)
}

fn empty(entry: &mut EntryRow) {
    entry.erased = true;
    entry.body.text = None;
    entry.body.ext = None;
    entry.body.mentions = Vec::new();
    entry.body.mention_all = false;
}

/// The log itself says where it ends, whatever its head says.
fn last_seq_in(tables: &Tables, thread: ThreadId) -> StoreResult<u64> {
    let all = key::message(thread, 0)..=key::message(thread, u64::MAX);
    match tables.of(Table::Messages).range(all).next_back() {
        None => Ok(0),
        Some(guard) => seq_of(&guard.key().map_err(failed)?),
    }
}

fn seq_of(message_key: &[u8]) -> StoreResult<u64> {
    key::last_seq(message_key).ok_or_else(|| bad_key(Table::Messages, message_key))
}

#[async_trait]
impl ThreadLog for Embedded {
    async fn append(&self, append: Append) -> StoreResult<Appended> {
        self.commits.append(append).await
    }

    async fn last_seq(&self, thread: ThreadId) -> StoreResult<u64> {
        self.read(move |reader| {
            let all = key::message(thread, 0)..=key::message(thread, u64::MAX);
            match reader.keys(Table::Messages, all).next_back() {
                None => Ok(0),
                Some(key) => seq_of(&key?),
            }
        })
        .await
    }

    async fn entries(
        &self,
        thread: ThreadId,
        span: Span,
        limit: usize,
    ) -> StoreResult<Vec<EntryRow>> {
        self.read(move |reader| match span {
            Span::After(seq) => {
                let Some(first) = seq.checked_add(1) else {
                    return Ok(Vec::new());
                };
                let range = key::message(thread, first)..=key::message(thread, u64::MAX);
                reader
                    .range(Table::Messages, range)
                    .take(limit)
                    .map(|row| Ok(row?.1))
                    .collect()
            }
            Span::Before(seq) => {
                let range = key::message(thread, 0)..key::message(thread, seq);
                let mut entries = reader
                    .range(Table::Messages, range)
                    .rev()
                    .take(limit)
                    .map(|row| Ok(row?.1))
                    .collect::<StoreResult<Vec<_>>>()?;
                entries.reverse();
                Ok(entries)
            }
        })
        .await
    }

    async fn find_client_msg(
        &self,
        thread: ThreadId,
        author: UserId,
        client_msg_id: ClientMsgId,
        after_seq: u64,
        up_to_seq: u64,
    ) -> StoreResult<Option<EntryRow>> {
        if after_seq >= up_to_seq {
            return Ok(None);
        }
        self.read(move |reader| {
            let range = key::message(thread, after_seq + 1)..=key::message(thread, up_to_seq);
            for row in reader.range::<EntryRow, _>(Table::Messages, range) {
                let (_, entry) = row?;
                if entry.author == author && entry.client_msg_id == Some(client_msg_id) {
                    return Ok(Some(entry));
                }
            }
            Ok(None)
        })
        .await
    }

    async fn thread_ids(
        &self,
        after: Option<ThreadId>,
        limit: usize,
    ) -> StoreResult<Vec<ThreadId>> {
        self.read(move |reader| {
            let mut ids = Vec::new();
            let mut after = after;
            while ids.len() < limit {
                let Some(next) = thread_after(reader, after)? else {
                    break;
                };
                ids.push(next);
                after = Some(next);
            }
            Ok(ids)
        })
        .await
    }

    async fn purge_erased(&self) -> StoreResult<()> {
        purge::purge(self).await
    }
}

/// The next thread with a log: one seek, however long the logs are.
fn thread_after(reader: &Reader<'_>, after: Option<ThreadId>) -> StoreResult<Option<ThreadId>> {
    let from = match after {
        Some(thread) => std::ops::Bound::Excluded(key::message(thread, u64::MAX)),
        None => std::ops::Bound::Unbounded,
    };
    let Some(key) = reader
        .keys(Table::Messages, (from, std::ops::Bound::Unbounded))
        .next()
    else {
        return Ok(None);
    };
    let key = key?;
    let id = key
        .first_chunk::<16>()
        .ok_or_else(|| bad_key(Table::Messages, &key))?;
    Ok(Some(ThreadId::from_bytes(*id)))
}
