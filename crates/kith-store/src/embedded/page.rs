//! Pages in fjall: everything from one snapshot, in one hop.

use super::table::Table;
use super::{Embedded, key};
use crate::StoreResult;
use crate::log::EntryRow;
use crate::page::{PageRows, Pages};
use crate::thread::{HeadRow, MemberRow, OverlayRow};
use async_trait::async_trait;
use kith_protocol::{ThreadId, UserId};

#[async_trait]
impl Pages for Embedded {
    async fn view(
        &self,
        thread: ThreadId,
        user: UserId,
    ) -> StoreResult<Option<(HeadRow, MemberRow)>> {
        self.read(move |reader| {
            let head = reader.get(Table::Heads, key::head(thread))?;
            let member = reader.get(Table::Views, key::member(thread, user))?;
            Ok(head.zip(member))
        })
        .await
    }

    async fn page_rows(
        &self,
        thread: ThreadId,
        user: UserId,
        ranges: &[(u64, u64)],
    ) -> StoreResult<PageRows> {
        let (Some(&(first, _)), Some(&(_, last))) = (ranges.first(), ranges.last()) else {
            return Ok(PageRows::default());
        };
        let ranges = ranges.to_vec();
        self.read(move |reader| {
            let mut entries = Vec::with_capacity((last - first + 1).min(256) as usize);
            for (first, last) in ranges {
                let range = key::message(thread, first)..=key::message(thread, last);
                for row in reader.range::<EntryRow, _>(Table::Messages, range) {
                    entries.push(row?.1);
                }
            }
            let range = key::overlay(thread, first)..=key::overlay(thread, last);
            let overlays = reader
                .range::<OverlayRow, _>(Table::Views, range)
                .map(|row| Ok(row?.1))
                .collect::<StoreResult<Vec<_>>>()?;
            let reacted = overlays.iter().any(|overlay| !overlay.reactions.is_empty());
            let reactions = if reacted {
                super::thread::reactions(reader, thread, user, first, last)?
            } else {
                Vec::new()
            };
            Ok(PageRows {
                entries,
                overlays,
                reactions,
            })
        })
        .await
    }
}
