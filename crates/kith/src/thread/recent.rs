//! Exactly-once: which client ids are in the log already.
//!
//! The message row itself is the record. What was appended lately is kept here; what lies further
//! back is read from the log once per author, for the range that a retry could be in.

use kith_protocol::entry::EntryKind;
use kith_protocol::{ClientMsgId, Timestamp, UserId};
use kith_store::log::EntryRow;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Entries remembered per thread: several round trips of every writer of a busy one.
const RECENT_MAX: usize = 256;

/// Ids of older entries remembered per thread; over it they are read again when asked for.
const OLDER_MAX: usize = 10_000;

/// An entry that has a client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub seq: u64,
    /// Its kind.
    pub kind: EntryKind,
    /// Its ord.
    pub ord: u64,
    /// When it came.
    pub at: Timestamp,
}

impl From<&EntryRow> for Known {
    fn from(row: &EntryRow) -> Self {
        Self {
            seq: row.seq,
            kind: row.kind,
            ord: row.ord,
            at: row.at,
        }
    }
}

type Key = (UserId, ClientMsgId);

/// Client ids of one thread.
#[derive(Debug, Default)]
pub struct ClientIds {
    /// Every entry after this seq that has an id is in `recent`.
    from_seq: u64,
    recent: FxHashMap<Key, Known>,
    order: VecDeque<(Key, u64)>,
    /// Per author: every own entry in (this seq, `from_seq`] is in `older`.
    older_from: FxHashMap<UserId, u64>,
    older: FxHashMap<Key, Known>,
}

impl ClientIds {
    /// Nothing is known of entries up to `last_seq`.
    pub fn after(last_seq: u64) -> Self {
        Self {
            from_seq: last_seq,
            ..Self::default()
        }
    }

    /// Remembers an entry that was added at the end.
    pub fn add(&mut self, row: &EntryRow) {
        let Some(client_msg_id) = row.client_msg_id else {
            return;
        };
        let key = (row.author, client_msg_id);
        self.recent.insert(key, Known::from(row));
        self.order.push_back((key, row.seq));
        if self.order.len() > RECENT_MAX
            && let Some((key, seq)) = self.order.pop_front()
            && let Some(known) = self.recent.remove(&key)
        {
            self.from_seq = seq;
            if self.older_from.contains_key(&key.0) {
                self.remember(key, known);
            }
        }
    }

    /// The entry of `author` with this id, if it is among those remembered.
    pub fn find(&self, author: UserId, client_msg_id: ClientMsgId) -> Option<Known> {
        let key = (author, client_msg_id);
        self.recent
            .get(&key)
            .or_else(|| self.older.get(&key))
            .copied()
    }

    /// The range (after, up to] of the log that has to be read before it can be said that `author`
    /// has no entry with some id after `seen_head`; `last_own_seq` is the author's last one.
    pub fn unread_range(
        &self,
        author: UserId,
        seen_head: u64,
        last_own_seq: u64,
    ) -> Option<(u64, u64)> {
        let known_from = self
            .older_from
            .get(&author)
            .copied()
            .unwrap_or(self.from_seq);
        let up_to = known_from.min(last_own_seq);
        (seen_head < up_to).then_some((seen_head, up_to))
    }

    /// Remembers all entries of `author` in (`after_seq`, what was known before].
    pub fn learn(
        &mut self,
        author: UserId,
        after_seq: u64,
        rows: impl Iterator<Item = (ClientMsgId, Known)>,
    ) {
        for (client_msg_id, known) in rows {
            self.remember((author, client_msg_id), known);
        }
        self.older_from.insert(author, after_seq);
    }

    /// Gives up what lies further back, if it is much; call between batches.
    pub fn trim(&mut self) {
        if self.older.len() > OLDER_MAX {
            self.older = FxHashMap::default();
            self.older_from = FxHashMap::default();
        }
    }

    /// Rough size, for the bound on all threads together.
    pub fn weight_bytes(&self) -> usize {
        self.recent.capacity() * size_of::<(Key, Known)>()
            + self.order.capacity() * size_of::<(Key, u64)>()
            + self.older.capacity() * size_of::<(Key, Known)>()
    }

    fn remember(&mut self, key: Key, known: Known) {
        self.older.insert(key, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_store::log::Body;
    use uuid::Uuid;

    fn row(author: UserId, seq: u64) -> EntryRow {
        EntryRow {
            seq,
            kind: EntryKind::Text,
            author,
            client_msg_id: Some(id(seq)),
            ord: seq,
            at: Timestamp(0),
            read_moved: false,
            erased: false,
            body: Body::default(),
        }
    }

    fn id(seq: u64) -> ClientMsgId {
        ClientMsgId(Uuid::from_u128(u128::from(seq)))
    }

    #[test]
    fn what_is_not_remembered_lies_in_the_range_to_read() {
        let (ann, bo) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let mut ids = ClientIds::after(100);
        assert_eq!(ids.unread_range(ann, 100, 90), None);
        assert_eq!(ids.unread_range(ann, 40, 30), None);
        assert_eq!(ids.unread_range(ann, 40, 90), Some((40, 90)));
        for seq in 101..=101 + RECENT_MAX as u64 {
            ids.add(&row(if seq % 2 == 0 { ann } else { bo }, seq));
        }
        assert_eq!(ids.find(bo, id(101)), None);
        assert_eq!(ids.unread_range(bo, 100, 357), Some((100, 101)));
        ids.learn(bo, 50, [(id(101), Known::from(&row(bo, 101)))].into_iter());
        assert_eq!(ids.unread_range(bo, 50, 357), None);
        assert_eq!(ids.find(bo, id(101)).map(|known| known.seq), Some(101));
        for seq in 400..500 {
            ids.add(&row(bo, seq));
        }
        for seq in (101..358).filter(|seq| seq % 2 == 1) {
            assert_eq!(
                ids.find(bo, id(seq)).map(|known| known.seq),
                Some(seq),
                "{seq}"
            );
        }
        assert_eq!(ids.find(ann, id(103)), None);
    }
}
