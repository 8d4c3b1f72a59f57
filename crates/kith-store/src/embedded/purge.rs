//! Purging: after it, what was erased is in no file of the folder any longer.

use super::Embedded;
use super::table::Table;
use crate::StoreResult;

/// Writes everything out of journals and memtables and merges every table, so that only the newest
/// version of each row is left.
pub(super) async fn purge(embedded: &Embedded) -> StoreResult<()> {
    embedded
        .blocking(|tables| {
            for table in [Table::Messages, Table::Heads, Table::Views, Table::People] {
                tables
                    .of(table)
                    .rotate_memtable_and_wait()
                    .map_err(super::failed)?;
                tables.of(table).major_compact().map_err(super::failed)?;
            }
            Ok(())
        })
        .await
}
