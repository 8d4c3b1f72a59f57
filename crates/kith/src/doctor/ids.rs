//! Exactly-once over a whole log: whether an author has used a client id before.

use kith_protocol::{ClientMsgId, UserId};
use rustc_hash::{FxBuildHasher, FxHashSet};
use std::hash::BuildHasher;

/// Fingerprints of author and id, eight bytes each. Of a long log only a part is in memory, and the log is
/// read once for each.
pub(super) struct ClientIds {
    part: u64,
    parts: u64,
    seen: FxHashSet<u64>,
}

impl ClientIds {
    /// Nothing seen yet of this part.
    pub(super) fn of_part(part: u64, parts: u64) -> Self {
        Self {
            part,
            parts,
            seen: FxHashSet::default(),
        }
    }

    /// Whether this may have been there before. No is certain; two ids may share a fingerprint, so the log is to be
    /// asked after a yes.
    pub(super) fn is_seen(&mut self, author: UserId, id: ClientMsgId) -> bool {
        let fingerprint = FxBuildHasher.hash_one((author, id));
        // The table is ordered by the ends of the fingerprint, so parts are made from its middle.
        (fingerprint >> 16) % self.parts == self.part && !self.seen.insert(fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_id_is_seen_again_in_exactly_one_part() {
        let ann = UserId(Uuid::from_u128(1));
        let parts = 4;
        let mut found = 0;
        for part in 0..parts {
            let mut ids = ClientIds::of_part(part, parts);
            for n in 0..500 {
                assert!(!ids.is_seen(ann, ClientMsgId(Uuid::from_u128(n))));
            }
            found += (0..500)
                .filter(|n| ids.is_seen(ann, ClientMsgId(Uuid::from_u128(*n))))
                .count();
        }
        assert_eq!(found, 500);
    }

    #[test]
    fn the_same_id_of_somebody_else_is_another_one() {
        let [ann, bo] = [1, 2].map(|n| UserId(Uuid::from_u128(n)));
        let mut ids = ClientIds::of_part(0, 1);
        let id = ClientMsgId(Uuid::from_u128(7));
        assert!(!ids.is_seen(ann, id));
        assert!(!ids.is_seen(bo, id));
        assert!(ids.is_seen(ann, id));
    }
}
