//! Views of threads in fjall: staged with the append, read by one range each.

use super::row::{DeletionRow, MentionRow};
use super::stage::Stage;
use super::table::{Reader, Table, bad_key};
use super::{Embedded, key};
use crate::StoreResult;
use crate::thread::{Deletion, HeadRow, MemberRow, Mention, OverlayRow, Threads, ViewChange};
use crate::user_thread::{ThreadPointer, UserThreadRow};
use async_trait::async_trait;
use kith_protocol::{ThreadId, UserId};

/// Pointers of these changes that are not there yet: a row with settings is never touched.
pub(super) fn missing_pointers(
    stage: &Stage<'_>,
    views: &[ViewChange],
) -> StoreResult<Vec<ThreadPointer>> {
    let mut missing = Vec::new();
    for view in views {
        if let ViewChange::Pointer(pointer) = view
            && !stage.has(
                Table::Views,
                &key::user_thread(pointer.user, pointer.thread),
            )?
        {
            missing.push(*pointer);
        }
    }
    Ok(missing)
}

/// Stages what an append does to the views. Reads nothing.
pub(super) fn stage(
    stage: &mut Stage<'_>,
    thread: ThreadId,
    views: &[ViewChange],
    pointers: &[ThreadPointer],
) -> StoreResult<()> {
    for view in views {
        stage_one(stage, thread, view)?;
    }
    for pointer in pointers {
        let key = key::user_thread(pointer.user, pointer.thread);
        stage.put(Table::Views, &key, &UserThreadRow::default())?;
    }
    Ok(())
}

fn stage_one(stage: &mut Stage<'_>, thread: ThreadId, view: &ViewChange) -> StoreResult<()> {
    match view {
        ViewChange::Head(head) => {
            stage.put_unread(Table::Heads, &key::head(thread), head.as_ref())?;
        }
        ViewChange::Member(member) => {
            let key = key::member(thread, member.user);
            stage.put_unread(Table::Views, &key, member.as_ref())?;
        }
        ViewChange::Overlay(overlay) => {
            let key = key::overlay(thread, overlay.target_seq);
            stage.put_unread(Table::Views, &key, overlay.as_ref())?;
        }
        ViewChange::Reaction {
            target_seq,
            user,
            emoji,
            set,
        } => {
            let key = key::reaction(thread, *user, *target_seq, emoji);
            if *set {
                stage.put_empty(Table::Views, &key);
            } else {
                stage.remove(Table::Views, &key);
            }
        }
        ViewChange::Deleted {
            target_seq,
            author,
            deleted_seq,
        } => {
            let (author, deleted_seq) = (*author, *deleted_seq);
            let row = DeletionRow {
                author,
                deleted_seq,
            };
            stage.put_unread(Table::Views, &key::deletion(thread, *target_seq), &row)?;
        }
        ViewChange::Mention {
            user,
            seq,
            author,
            set,
        } => {
            let key = key::mention(*user, thread, *seq);
            if *set {
                stage.put_unread(Table::Views, &key, &MentionRow { author: *author })?;
            } else {
                stage.remove(Table::Views, &key);
            }
        }
        // Staged apart, after it was seen which of them are there.
        ViewChange::Pointer(_) => {}
        ViewChange::Participants {
            before,
            now,
            created_at,
        } => {
            if let Some(before) = before {
                stage.remove(
                    Table::Views,
                    &key::participants(before, *created_at, thread),
                );
            }
            if let Some(now) = now {
                stage.put_empty(Table::Views, &key::participants(now, *created_at, thread));
            }
        }
    }
    Ok(())
}

#[async_trait]
impl Threads for Embedded {
    async fn heads(&self, threads: &[ThreadId]) -> StoreResult<Vec<Option<HeadRow>>> {
        let threads = threads.to_vec();
        self.read(move |reader| {
            threads
                .iter()
                .map(|thread| reader.get(Table::Heads, key::head(*thread)))
                .collect()
        })
        .await
    }

    async fn members(&self, thread: ThreadId) -> StoreResult<Vec<MemberRow>> {
        self.read(move |reader| {
            reader
                .prefix(Table::Views, key::members(thread))
                .map(|row| Ok(row?.1))
                .collect()
        })
        .await
    }

    async fn member(&self, thread: ThreadId, user: UserId) -> StoreResult<Option<MemberRow>> {
        self.read(move |reader| reader.get(Table::Views, key::member(thread, user)))
            .await
    }

    async fn overlays(
        &self,
        thread: ThreadId,
        first_seq: u64,
        last_seq: u64,
    ) -> StoreResult<Vec<OverlayRow>> {
        if first_seq > last_seq {
            return Ok(Vec::new());
        }
        self.read(move |reader| {
            let range = key::overlay(thread, first_seq)..=key::overlay(thread, last_seq);
            reader
                .range(Table::Views, range)
                .map(|row| Ok(row?.1))
                .collect()
        })
        .await
    }

    async fn reactions(
        &self,
        thread: ThreadId,
        user: UserId,
        first_seq: u64,
        last_seq: u64,
    ) -> StoreResult<Vec<(u64, String)>> {
        if first_seq > last_seq {
            return Ok(Vec::new());
        }
        self.read(move |reader| reactions(reader, thread, user, first_seq, last_seq))
            .await
    }

    async fn deletions(
        &self,
        thread: ThreadId,
        after_seq: u64,
        up_to_seq: u64,
    ) -> StoreResult<Vec<Deletion>> {
        if after_seq >= up_to_seq {
            return Ok(Vec::new());
        }
        self.read(move |reader| {
            let range = key::deletion(thread, after_seq + 1)..=key::deletion(thread, up_to_seq);
            reader
                .range::<DeletionRow, _>(Table::Views, range)
                .map(|row| {
                    let (key, row) = row?;
                    Ok(Deletion {
                        target_seq: seq_of(&key)?,
                        author: row.author,
                        deleted_seq: row.deleted_seq,
                    })
                })
                .collect()
        })
        .await
    }

    async fn mentions(
        &self,
        thread: ThreadId,
        user: UserId,
        after_seq: u64,
        up_to_seq: u64,
    ) -> StoreResult<Vec<Mention>> {
        if after_seq >= up_to_seq {
            return Ok(Vec::new());
        }
        self.read(move |reader| {
            let range =
                key::mention(user, thread, after_seq + 1)..=key::mention(user, thread, up_to_seq);
            reader
                .range::<MentionRow, _>(Table::Views, range)
                .map(|row| {
                    let (key, row) = row?;
                    Ok(Mention {
                        seq: seq_of(&key)?,
                        author: row.author,
                    })
                })
                .collect()
        })
        .await
    }

    async fn threads_of(&self, members: &[UserId]) -> StoreResult<Vec<ThreadId>> {
        let prefix = key::participants_of(members);
        self.read(move |reader| {
            reader
                .keys_with(Table::Views, prefix)
                .map(|key| {
                    let key = key?;
                    key::last_id(&key)
                        .map(ThreadId::from_bytes)
                        .ok_or_else(|| bad_key(Table::Views, &key))
                })
                .collect()
        })
        .await
    }
}

pub(super) fn seq_of(key: &[u8]) -> StoreResult<u64> {
    key::last_seq(key).ok_or_else(|| bad_key(Table::Views, key))
}

/// What `user` has put on messages of a range.
pub(super) fn reactions(
    reader: &Reader<'_>,
    thread: ThreadId,
    user: UserId,
    first_seq: u64,
    last_seq: u64,
) -> StoreResult<Vec<(u64, String)>> {
    let first = key::reactions(thread, user, first_seq).to_vec();
    // Emoji follow the seq in the key, and no UTF-8 begins with 255.
    let mut last = key::reactions(thread, user, last_seq).to_vec();
    last.push(255);
    let keys = reader.keys(Table::Views, first..=last);
    keys.map(|key| {
        let key = key?;
        key::read_reaction(&key).ok_or_else(|| bad_key(Table::Views, &key))
    })
    .collect()
}
