//! Rows that were written lately, for the conditions of later commits: all that are not in fjall yet, and some
//! that are, so that the commit thread seldom asks fjall, which may be busy with a flush.

use super::batch::RowChange;
use super::table::Table;
use fjall::{UserKey, UserValue};
use rustc_hash::FxHashMap;

/// Rows of a table that are kept though fjall has them: a message is hardly ever asked for again, a read mark
/// moves every second. Two generations of some 150 bytes a row: 3 MB.
fn kept_rows(table: Table) -> usize {
    match table {
        Table::Messages | Table::Heads => 0,
        Table::Views | Table::People => 4_096,
    }
}

/// What conditions see over fjall. Known to the commit thread only, which alone writes.
#[derive(Default)]
pub(super) struct Unapplied {
    tables: [Rows; Table::ALL.len()],
}

/// Two generations, so that nothing is taken out row by row: once all of the elder is in fjall, it is
/// emptied as a whole and the younger takes its place. What is here is always the newest.
#[derive(Default)]
struct Rows {
    younger: FxHashMap<UserKey, Option<UserValue>>,
    elder: FxHashMap<UserKey, Option<UserValue>>,
    /// The last batch of the elder.
    elder_last: u64,
}

impl Unapplied {
    /// The row as it will be: none if nothing is known here, none inside if it goes.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Option<&Option<UserValue>> {
        let rows = &self.tables[usize::from(table.number())];
        rows.younger.get(key).or_else(|| rows.elder.get(key))
    }

    /// Notes a change.
    pub(super) fn note(&mut self, change: &RowChange) {
        let rows = &mut self.tables[usize::from(change.table.number())];
        let (key, value) = (change.key.clone(), change.value.clone());
        rows.younger.insert(key, value);
    }

    /// Batches up to `applied` are in fjall; `last` is the newest one that was noted.
    pub(super) fn forget(&mut self, applied: u64, last: u64) {
        for (table, rows) in Table::ALL.into_iter().zip(&mut self.tables) {
            if applied >= rows.elder_last && rows.younger.len() > kept_rows(table) {
                rows.elder.clear();
                std::mem::swap(&mut rows.elder, &mut rows.younger);
                rows.elder_last = last;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(table: Table, key: u64, value: Option<&str>) -> RowChange {
        RowChange {
            table,
            key: key.to_be_bytes().into(),
            value: value.map(UserValue::from),
        }
    }

    fn get(rows: &Unapplied, table: Table, key: u64) -> Option<&Option<UserValue>> {
        rows.get(table, &key.to_be_bytes())
    }

    #[test]
    fn a_message_is_known_until_its_batch_is_applied() {
        let mut rows = Unapplied::default();
        rows.note(&change(Table::Messages, 1, Some("one")));
        rows.forget(0, 1);
        rows.note(&change(Table::Messages, 1, None));
        rows.forget(0, 2);
        assert_eq!(get(&rows, Table::Messages, 1), Some(&None));
        assert_eq!(get(&rows, Table::Heads, 1), None);
        rows.forget(1, 2);
        assert_eq!(get(&rows, Table::Messages, 1), Some(&None));
        rows.note(&change(Table::Messages, 2, None));
        rows.forget(2, 3);
        assert_eq!(get(&rows, Table::Messages, 1), None);
    }

    #[test]
    fn views_are_known_for_longer_and_not_for_ever() {
        let mut rows = Unapplied::default();
        let many = 3 * kept_rows(Table::Views) as u64;
        for key in 0..many {
            rows.note(&change(Table::Views, key, Some("mark")));
            rows.forget(key, key);
        }
        assert!(get(&rows, Table::Views, many - 1).is_some());
        assert!(get(&rows, Table::Views, many - 4_000).is_some());
        assert_eq!(get(&rows, Table::Views, 0), None);
        // However many there are: what fjall does not have is known.
        for key in many..2 * many {
            rows.note(&change(Table::Views, key, Some("mark")));
            rows.forget(many, key);
        }
        assert!((many + 1..2 * many).all(|key| get(&rows, Table::Views, key).is_some()));
    }
}
