//! Rows that are durable and not yet in fjall, for the conditions of later commits.

use super::batch::RowChange;
use super::table::Table;
use fjall::{UserKey, UserValue};
use rustc_hash::FxHashMap;

/// What conditions see over fjall. Known to the commit thread only, which alone writes.
///
/// Two generations, so that nothing is taken out row by row: once all of the elder is in fjall, it is
/// emptied as a whole and the younger takes its place. A row may stay here for longer than it must, which
/// does no harm: what is here is always the newest.
#[derive(Default)]
pub(super) struct Unapplied {
    younger: Generation,
    elder: Generation,
    /// The last batch of the elder.
    elder_last: u64,
}

type Generation = [FxHashMap<UserKey, Option<UserValue>>; Table::ALL.len()];

impl Unapplied {
    /// The row as it will be: none if nothing is known here, none inside if it goes.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Option<&Option<UserValue>> {
        let at = usize::from(table.number());
        self.younger[at]
            .get(key)
            .or_else(|| self.elder[at].get(key))
    }

    /// Notes a change.
    pub(super) fn note(&mut self, change: &RowChange) {
        let rows = &mut self.younger[usize::from(change.table.number())];
        rows.insert(change.key.clone(), change.value.clone());
    }

    /// Batches up to `applied` are in fjall; `last` is the newest one that was noted.
    pub(super) fn forget(&mut self, applied: u64, last: u64) {
        if applied >= self.elder_last {
            self.elder.iter_mut().for_each(FxHashMap::clear);
            std::mem::swap(&mut self.elder, &mut self.younger);
            self.elder_last = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(value: Option<&str>) -> RowChange {
        RowChange {
            table: Table::Views,
            key: b"key".into(),
            value: value.map(UserValue::from),
        }
    }

    #[test]
    fn a_row_is_known_until_its_batch_is_applied() {
        let mut rows = Unapplied::default();
        rows.note(&change(Some("one")));
        rows.forget(0, 1);
        rows.note(&change(None));
        rows.forget(0, 2);
        assert_eq!(rows.get(Table::Views, b"key"), Some(&None));
        assert_eq!(rows.get(Table::Heads, b"key"), None);
        rows.forget(1, 2);
        assert_eq!(rows.get(Table::Views, b"key"), Some(&None));
        rows.forget(2, 2);
        assert_eq!(rows.get(Table::Views, b"key"), None);
    }
}
