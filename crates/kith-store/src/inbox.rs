//! What the rows of a user's inbox are made of, read together.

use crate::mark::{MarkRow, Marks};
use crate::thread::{Deletion, HeadRow, MemberRow, Mention, ReadMark, Threads};
use crate::user_thread::{UserThreadRow, UserThreads};
use crate::{StoreError, StoreResult};
use async_trait::async_trait;
use kith_protocol::thread::RECEIPT_MEMBERS_MAX;
use kith_protocol::{ThreadId, UserId};
use uuid::Uuid;

/// Everything that one user's row of one thread is made of, from one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxParts {
    /// Which thread.
    pub thread: ThreadId,
    /// Where it stands.
    pub head: HeadRow,
    /// The user in it, present or past.
    pub member: MemberRow,
    /// The user's private settings.
    pub mine: UserThreadRow,
    /// The user's marks.
    pub mark: MarkRow,
    /// Deleted messages after the user's read mark.
    pub deletions: Vec<Deletion>,
    /// Messages after the user's read mark that name the user, or everybody.
    pub mentions: Vec<Mention>,
    /// In threads of up to 50 members: the others who are in it now, with their marks.
    pub others: Vec<(MemberRow, MarkRow)>,
}

impl InboxParts {
    /// Where the user has read to: the highest of reading, sending and joining.
    pub fn read(&self) -> ReadMark {
        self.member.floor.max(self.mark.read)
    }
}

/// Tries before a thread that changes under every read is given up.
const TRIES_MAX: usize = 100;

/// Reads inbox rows.
#[async_trait]
pub trait Inbox: Threads + UserThreads + Marks {
    /// The parts of the rows of these threads, in the order asked; none for a thread that the user never was in. The parts of
    /// one row are from one moment: arithmetic on them is exact.
    ///
    /// Engines that can read a snapshot do so; this one reads again if something came between.
    async fn inbox_parts(
        &self,
        user: UserId,
        threads: &[ThreadId],
    ) -> StoreResult<Vec<Option<InboxParts>>> {
        let mut rows = Vec::with_capacity(threads.len());
        for &thread in threads {
            rows.push(read_again_until_still(self, user, thread).await?);
        }
        Ok(rows)
    }
}

async fn read_again_until_still<S: Inbox + ?Sized>(
    store: &S,
    user: UserId,
    thread: ThreadId,
) -> StoreResult<Option<InboxParts>> {
    for _ in 0..TRIES_MAX {
        let Some(parts) = read_once(store, user, thread).await? else {
            return Ok(None);
        };
        let head = store.heads(&[thread]).await?.pop().flatten();
        if head.as_ref() == Some(&parts.head) {
            return Ok(Some(parts));
        }
    }
    Err(StoreError::Unavailable(
        "a thread changed under every read".to_owned(),
    ))
}

async fn read_once<S: Inbox + ?Sized>(
    store: &S,
    user: UserId,
    thread: ThreadId,
) -> StoreResult<Option<InboxParts>> {
    let Some(head) = store.heads(&[thread]).await?.pop().flatten() else {
        return Ok(None);
    };
    let Some(member) = store.member(thread, user).await? else {
        return Ok(None);
    };
    let mine = store.user_thread(user, thread).await?.unwrap_or_default();
    let mark = store.mark(thread, user).await?;
    let read_seq = member.floor.max(mark.read).seq;
    let deletions = store.deletions(thread, read_seq, head.last_seq).await?;
    let mut mentions = store
        .mentions(thread, user, read_seq, head.last_seq)
        .await?;
    let everybody = UserId(Uuid::nil());
    mentions.extend(
        store
            .mentions(thread, everybody, read_seq, head.last_seq)
            .await?,
    );
    mentions.sort_unstable_by_key(|mention| mention.seq);
    mentions.dedup();
    let mut others = Vec::new();
    if head.member_count <= RECEIPT_MEMBERS_MAX as u64 {
        let marks = store.marks(thread).await?;
        for other in store.members(thread).await? {
            let present = other
                .stays
                .last()
                .is_some_and(|stay| stay.left_seq.is_none());
            if present && other.user != user {
                let mark = marks.iter().find(|(who, _)| *who == other.user);
                others.push((other, mark.map(|(_, mark)| *mark).unwrap_or_default()));
            }
        }
    }
    Ok(Some(InboxParts {
        thread,
        head,
        member,
        mine,
        mark,
        deletions,
        mentions,
        others,
    }))
}
