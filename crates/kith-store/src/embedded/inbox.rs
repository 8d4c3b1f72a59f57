//! Inbox rows in fjall: all parts of all rows from one snapshot, in one hop.

use super::row::{DeletionRow, MentionRow};
use super::table::{Reader, Table};
use super::{Embedded, key, mark};
use crate::StoreResult;
use crate::inbox::{Inbox, InboxParts};
use crate::mark::MarkRow;
use crate::thread::{Deletion, HeadRow, MemberRow, Mention, ReadMark};
use crate::user_thread::UserThreadRow;
use async_trait::async_trait;
use kith_protocol::thread::RECEIPT_MEMBERS_MAX;
use kith_protocol::{ThreadId, UserId};
use std::collections::BTreeMap;
use uuid::Uuid;

#[async_trait]
impl Inbox for Embedded {
    async fn inbox_parts(
        &self,
        user: UserId,
        threads: &[ThreadId],
    ) -> StoreResult<Vec<Option<InboxParts>>> {
        let threads = threads.to_vec();
        // Memory before the snapshot: what leaves it meanwhile is on disk by then.
        let waiting: Vec<_> = threads
            .iter()
            .map(|thread| self.delivered.best(*thread))
            .collect();
        self.read(move |reader| {
            let rows = threads.into_iter().zip(waiting);
            rows.map(|(thread, waiting)| parts(reader, waiting, user, thread, None))
                .collect()
        })
        .await
    }
}

/// The parts of one row; `mine` if it was read already.
pub(super) fn parts(
    reader: &Reader<'_>,
    waiting: BTreeMap<UserId, u64>,
    user: UserId,
    thread: ThreadId,
    mine: Option<UserThreadRow>,
) -> StoreResult<Option<InboxParts>> {
    let Some(head) = reader.get::<HeadRow>(Table::Heads, key::head(thread))? else {
        return Ok(None);
    };
    let all = head.member_count <= RECEIPT_MEMBERS_MAX as u64;
    let (member, others) = if all {
        of_all(reader, user, thread)?
    } else {
        let member = reader.get(Table::Views, key::member(thread, user))?;
        (member, Vec::new())
    };
    let Some(member) = member else {
        return Ok(None);
    };
    let mine = match mine {
        Some(mine) => Some(mine),
        None => reader.get(Table::Views, key::user_thread(user, thread))?,
    };
    let prefix = if all {
        key::marks(thread).to_vec()
    } else {
        key::marks_of(thread, user).to_vec()
    };
    let mut marks = mark::stored(reader, &prefix)?;
    for (user, seq) in waiting {
        let mark = marks.entry(user).or_default();
        mark.delivered_seq = mark.delivered_seq.max(seq);
    }
    let mark: MarkRow = marks.get(&user).copied().unwrap_or_default();
    let read = member.floor.max(mark.read);
    let with_mark = |other: MemberRow| {
        let mark = marks.get(&other.user).copied().unwrap_or_default();
        (other, mark)
    };
    let others = others.into_iter().map(with_mark).collect();
    Ok(Some(InboxParts {
        deletions: deletions(reader, thread, read, head.last_seq)?,
        mentions: mentions(reader, user, thread, read, head.last_seq)?,
        thread,
        head,
        member,
        mine: mine.unwrap_or_default(),
        mark,
        others,
    }))
}

/// A member, and the others who are in the thread now.
fn of_all(
    reader: &Reader<'_>,
    user: UserId,
    thread: ThreadId,
) -> StoreResult<(Option<MemberRow>, Vec<MemberRow>)> {
    let (mut member, mut others) = (None, Vec::new());
    for row in reader.prefix::<MemberRow>(Table::Views, key::members(thread)) {
        let (_, row) = row?;
        let last_stay = row.stays.last();
        if row.user == user {
            member = Some(row);
        } else if last_stay.is_some_and(|stay| stay.left_seq.is_none()) {
            others.push(row);
        }
    }
    Ok((member, others))
}

fn deletions(
    reader: &Reader<'_>,
    thread: ThreadId,
    read: ReadMark,
    last_seq: u64,
) -> StoreResult<Vec<Deletion>> {
    if read.seq >= last_seq {
        return Ok(Vec::new());
    }
    let range = key::deletion(thread, read.seq + 1)..=key::deletion(thread, last_seq);
    let rows = reader.range::<DeletionRow, _>(Table::Views, range);
    rows.map(|row| {
        let (
            key,
            DeletionRow {
                author,
                deleted_seq,
            },
        ) = row?;
        let target_seq = super::thread::seq_of(&key)?;
        Ok(Deletion {
            target_seq,
            author,
            deleted_seq,
        })
    })
    .collect()
}

/// Messages that name the user, and those that name everybody.
fn mentions(
    reader: &Reader<'_>,
    user: UserId,
    thread: ThreadId,
    read: ReadMark,
    last_seq: u64,
) -> StoreResult<Vec<Mention>> {
    if read.seq >= last_seq {
        return Ok(Vec::new());
    }
    let mut mentions = Vec::new();
    for named in [user, UserId(Uuid::nil())] {
        let range =
            key::mention(named, thread, read.seq + 1)..=key::mention(named, thread, last_seq);
        for row in reader.range::<MentionRow, _>(Table::Views, range) {
            let (key, MentionRow { author }) = row?;
            mentions.push(Mention {
                seq: super::thread::seq_of(&key)?,
                author,
            });
        }
    }
    mentions.sort_unstable_by_key(|mention| mention.seq);
    mentions.dedup();
    Ok(mentions)
}
