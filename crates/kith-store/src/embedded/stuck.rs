//! Reading on when fjall takes no more: rows that are in the log only are laid over what fjall has.

use super::batch::RowChange;
use super::table::Table;
use crate::StoreResult;
use fjall::{KvPair, UserKey, UserValue};
use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;

/// Newest rows of batches that fjall does not have; none inside: the row is gone.
#[derive(Default)]
pub(super) struct Stuck {
    rows: [BTreeMap<UserKey, Option<UserValue>>; Table::ALL.len()],
}

impl Stuck {
    /// Adds the changes of the next batch.
    pub(super) fn add(&mut self, changes: Vec<RowChange>) {
        for change in changes {
            let rows = &mut self.rows[usize::from(change.table.number())];
            rows.insert(change.key, change.value);
        }
    }

    /// The row, if it is here.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Option<&Option<UserValue>> {
        self.rows[usize::from(table.number())].get(key)
    }

    /// Lays what is here of a range over what fjall has of it.
    pub(super) fn over<I: DoubleEndedIterator<Item = StoreResult<KvPair>>>(
        &self,
        table: Table,
        (from, to): (Bound<&[u8]>, Bound<&[u8]>),
        below: I,
    ) -> Over<'_, I> {
        let rows = &self.rows[usize::from(table.number())];
        let over = (!is_empty(from, to)).then(|| rows.range::<[u8], _>((from, to)));
        Over {
            below: Ends::new(below),
            over: Ends::new(over.unwrap_or_default()),
        }
    }
}

/// A range of a map must not end before it begins.
fn is_empty(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    use Bound::{Excluded, Included, Unbounded};
    match (from, to) {
        (Unbounded, _) | (_, Unbounded) => false,
        (Included(from), Included(to)) => from > to,
        (Included(from) | Excluded(from), Included(to) | Excluded(to)) => from >= to,
    }
}

/// The end of the keys with a prefix.
pub(super) fn prefix_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

/// Two ranges as one, from either end.
pub(super) struct Over<'a, I> {
    below: Ends<I, StoreResult<KvPair>>,
    over: Ends<btree_map::Range<'a, UserKey, Option<UserValue>>, Item<'a>>,
}

type Item<'a> = (&'a UserKey, &'a Option<UserValue>);

/// An iterator to which an item can be given back at either end.
struct Ends<I, T> {
    iter: I,
    front: Option<T>,
    back: Option<T>,
}

impl<I: DoubleEndedIterator<Item = T>, T> Ends<I, T> {
    fn new(iter: I) -> Self {
        Self {
            iter,
            front: None,
            back: None,
        }
    }

    fn first(&mut self) -> Option<T> {
        self.front
            .take()
            .or_else(|| self.iter.next())
            .or_else(|| self.back.take())
    }

    fn last(&mut self) -> Option<T> {
        self.back
            .take()
            .or_else(|| self.iter.next_back())
            .or_else(|| self.front.take())
    }
}

impl<I: DoubleEndedIterator<Item = StoreResult<KvPair>>> Iterator for Over<'_, I> {
    type Item = StoreResult<KvPair>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (below, over) = match (self.below.first(), self.over.first()) {
                (Some(Err(error)), _) => return Some(Err(error)),
                (Some(Ok(below)), over) => (Some(below), over),
                (None, over) => (None, over),
            };
            let order = order(below.as_ref(), over)?;
            if order == Ordering::Less {
                self.over.front = over;
                return below.map(Ok);
            }
            if order == Ordering::Greater {
                self.below.front = below.map(Ok);
            }
            if let Some((key, Some(value))) = over {
                return Some(Ok((key.clone(), value.clone())));
            }
        }
    }
}

impl<I: DoubleEndedIterator<Item = StoreResult<KvPair>>> DoubleEndedIterator for Over<'_, I> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            let (below, over) = match (self.below.last(), self.over.last()) {
                (Some(Err(error)), _) => return Some(Err(error)),
                (Some(Ok(below)), over) => (Some(below), over),
                (None, over) => (None, over),
            };
            // Which one comes first from this end.
            let order = match (&below, &over) {
                (Some((below, _)), Some((over, _))) => over.as_ref().cmp(below.as_ref()),
                _ => order(below.as_ref(), over)?,
            };
            if order == Ordering::Less {
                self.over.back = over;
                return below.map(Ok);
            }
            if order == Ordering::Greater {
                self.below.back = below.map(Ok);
            }
            if let Some((key, Some(value))) = over {
                return Some(Ok((key.clone(), value.clone())));
            }
        }
    }
}

/// How the next of both stand to each other; none if both are at the end.
fn order(below: Option<&KvPair>, over: Option<Item<'_>>) -> Option<Ordering> {
    match (below, over) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some((below, _)), Some((over, _))) => Some(below.as_ref().cmp(over.as_ref())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(key: u8, value: Option<u8>) -> RowChange {
        RowChange {
            table: Table::Views,
            key: [key].into(),
            value: value.map(|value| [value].into()),
        }
    }

    proptest! {
        #[test]
        fn both_ends_tell_what_one_map_would_tell(
            below in prop::collection::btree_map(0..20u8, any::<u8>(), 0..12),
            over in prop::collection::btree_map(0..20u8, any::<Option<u8>>(), 0..12),
            from in 0..20u8,
            to in 0..20u8,
            ends in prop::collection::vec(any::<bool>(), 24),
        ) {
            let mut stuck = Stuck::default();
            stuck.add(over.iter().map(|(key, value)| row(*key, *value)).collect());
            let in_range = |key: &u8| (from..to).contains(key);
            let pair = |(key, value): (&u8, &u8)| Ok((UserKey::from([*key]), UserValue::from([*value])));
            let mut expected = below.clone();
            for (key, value) in &over {
                match value {
                    Some(value) => drop(expected.insert(*key, *value)),
                    None => drop(expected.remove(key)),
                }
            }
            expected.retain(|key, _| in_range(key));
            let rows = below.iter().filter(|(key, _)| in_range(key)).map(pair);
            let (from, to) = ([from], [to]);
            let range = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
            let mut merged = stuck.over(Table::Views, range, rows);
            for from_front in ends {
                let (told, known) = match from_front {
                    true => (merged.next(), expected.pop_first()),
                    false => (merged.next_back(), expected.pop_last()),
                };
                let told = told.map(|pair| pair.map(|(key, value)| (key[0], value[0])));
                prop_assert_eq!(told.transpose().unwrap(), known);
            }
        }
    }

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        assert_eq!(prefix_end(b"ab"), Bound::Excluded(b"ac".to_vec()));
        assert_eq!(prefix_end(&[1, 255]), Bound::Excluded(vec![2]));
        assert_eq!(prefix_end(&[255]), Bound::Unbounded);
    }
}
