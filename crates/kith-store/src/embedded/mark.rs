//! Marks in fjall. Delivered ones are in memory first and stored every few seconds.

use super::delivered::DeliveredMark;
use super::row::{self, Seq};
use super::stage::Stage;
use super::table::{Reader, Table, bad_key};
use super::{Embedded, changes, key};
use crate::StoreResult;
use crate::mark::{MarkRow, Marks};
use crate::thread::ReadMark;
use async_trait::async_trait;
use kith_protocol::{SessionId, ThreadId, UserId};
use std::collections::BTreeMap;

/// Bytes of a mark while it waits, about.
const MARK_BYTES: usize = 256;

/// Stages delivered marks that are higher than what is stored.
pub(super) fn stage_delivered(stage: &mut Stage<'_>, marks: &[DeliveredMark]) -> StoreResult<()> {
    for &(thread, user, session, seq) in marks {
        let key = key::delivered_mark(thread, user, session);
        let stored = stage.get::<Seq>(Table::Views, &key)?;
        if stored.is_none_or(|stored| stored.0 < seq) {
            stage.put(Table::Views, &key, &Seq(seq))?;
        }
    }
    Ok(())
}

fn raise(
    stage: &mut Stage<'_>,
    thread: ThreadId,
    user: UserId,
    read: ReadMark,
) -> StoreResult<ReadMark> {
    let key = key::read_mark(thread, user);
    match stage.get::<ReadMark>(Table::Views, &key)? {
        Some(stored) if stored.seq >= read.seq => Ok(stored),
        _ => {
            stage.put(Table::Views, &key, &read)?;
            Ok(read)
        }
    }
}

#[async_trait]
impl Marks for Embedded {
    async fn put_read(
        &self,
        thread: ThreadId,
        user: UserId,
        read: ReadMark,
    ) -> StoreResult<ReadMark> {
        self.write(MARK_BYTES, move |stage| raise(stage, thread, user, read))
            .await
    }

    async fn put_delivered(&self, marks: &[(ThreadId, UserId, SessionId, u64)]) -> StoreResult<()> {
        self.commits.takes_writes()?;
        if !marks.is_empty() {
            self.delivered.put(marks);
            let threads = marks.iter().map(|(thread, ..)| *thread);
            self.changes.note(&changes::places_of(threads));
            self.commits.delivered_wait();
        }
        Ok(())
    }

    async fn mark(&self, thread: ThreadId, user: UserId) -> StoreResult<MarkRow> {
        // Memory first: what leaves it meanwhile is on disk by then.
        let waiting = self.delivered.best(thread).remove(&user);
        let prefix = key::marks_of(thread, user);
        let mut found = self
            .read(move |reader| stored(reader, prefix.as_slice()))
            .await?;
        let mut mark = found.remove(&user).unwrap_or_default();
        mark.delivered_seq = mark.delivered_seq.max(waiting.unwrap_or_default());
        Ok(mark)
    }

    async fn marks(&self, thread: ThreadId) -> StoreResult<Vec<(UserId, MarkRow)>> {
        let waiting = self.delivered.best(thread);
        let prefix = key::marks(thread);
        let mut found = self
            .read(move |reader| stored(reader, prefix.as_slice()))
            .await?;
        for (user, seq) in waiting {
            let mark = found.entry(user).or_default();
            mark.delivered_seq = mark.delivered_seq.max(seq);
        }
        Ok(found.into_iter().collect())
    }
}

pub(super) fn stored(reader: &Reader<'_>, prefix: &[u8]) -> StoreResult<BTreeMap<UserId, MarkRow>> {
    let mut found = BTreeMap::<UserId, MarkRow>::new();
    for row in reader.raw_prefix(Table::Views, prefix) {
        let (key, value) = row?;
        let (user, is_delivered) =
            key::read_marks_key(&key).ok_or_else(|| bad_key(Table::Views, &key))?;
        let mark = found.entry(user).or_default();
        if is_delivered {
            mark.delivered_seq = mark.delivered_seq.max(row::read::<Seq>(&value)?.0);
        } else {
            mark.read = row::read(&value)?;
        }
    }
    Ok(found)
}
