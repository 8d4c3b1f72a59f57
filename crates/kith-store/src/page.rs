//! What a page of messages is made of, read together.

use crate::StoreResult;
use crate::log::{EntryRow, Span, ThreadLog};
use crate::thread::{HeadRow, MemberRow, OverlayRow, Threads};
use async_trait::async_trait;
use kith_protocol::{ThreadId, UserId};

/// Rows of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRows {
    /// Entries of the ranges asked, ascending.
    pub entries: Vec<EntryRow>,
    /// Overlays from the first of them to the last, all from one moment.
    pub overlays: Vec<OverlayRow>,
    /// What the reader has put on them, if anybody has put anything.
    pub reactions: Vec<(u64, String)>,
}

/// Reads pages.
#[async_trait]
pub trait Pages: ThreadLog + Threads {
    /// A thread with one of its members, present or past. The member is never older than the head.
    async fn view(
        &self,
        thread: ThreadId,
        user: UserId,
    ) -> StoreResult<Option<(HeadRow, MemberRow)>> {
        let Some(head) = self.heads(&[thread]).await?.pop().flatten() else {
            return Ok(None);
        };
        let member = self.member(thread, user).await?;
        Ok(member.map(|member| (head, member)))
    }

    /// Entries of ranges (both ends included, ascending, without overlap) with what became of them.
    async fn page_rows(
        &self,
        thread: ThreadId,
        user: UserId,
        ranges: &[(u64, u64)],
    ) -> StoreResult<PageRows> {
        let (Some(&(first, _)), Some(&(_, last))) = (ranges.first(), ranges.last()) else {
            return Ok(PageRows::default());
        };
        let mut entries = Vec::new();
        for &(first, last) in ranges {
            let count = (last - first + 1) as usize;
            entries.extend(self.entries(thread, Span::After(first - 1), count).await?);
        }
        let overlays = self.overlays(thread, first, last).await?;
        let mut reactions = Vec::new();
        if overlays.iter().any(|overlay| !overlay.reactions.is_empty()) {
            reactions = self.reactions(thread, user, first, last).await?;
        }
        Ok(PageRows {
            entries,
            overlays,
            reactions,
        })
    }
}
