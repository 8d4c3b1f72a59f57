//! Exactly-once over a whole log: whether an author has used a client id before.

use kith_protocol::{ClientMsgId, UserId};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::hash::BuildHasher;

/// How many times more ids a filter holds than a set in the same memory, at two bytes each.
const FILTERED_MORE: u64 = 16;

/// Fingerprints of author and id. Those of a short log are all kept, some 20 bytes each, and one reading is enough. Of
/// a long log the first reading only suspects (two bytes each, one id in a thousand is suspected wrongly), and a second
/// one looks at what is suspected. Of a very long log each reading suspects in one part of the fingerprints, and looks
/// at what was suspected in the part before.
pub(super) struct ClientIds {
    part: u64,
    parts: u64,
    seen: Seen,
    /// What the reading before suspected, and whether this one has met it.
    suspects: FxHashMap<u64, bool>,
}

enum Seen {
    All(FxHashSet<u64>),
    Roughly(Filter, FxHashSet<u64>),
    Nothing,
}

impl ClientIds {
    /// For the first reading of a log, of which so many fingerprints are kept at most.
    pub(super) fn of_log(entries: u64, kept_max: u64) -> Self {
        let parts = entries / (kept_max * FILTERED_MORE) + 1;
        let seen = match entries <= kept_max {
            true => Seen::All(FxHashSet::default()),
            false => Seen::Roughly(Filter::of(entries / parts + 1), FxHashSet::default()),
        };
        Self {
            part: 0,
            parts,
            seen,
            suspects: FxHashMap::default(),
        }
    }

    /// For the next reading; none if everything is known.
    pub(super) fn next(self) -> Option<Self> {
        let Seen::Roughly(mut filter, suspects) = self.seen else {
            return None;
        };
        let part = self.part + 1;
        let is_last = part == self.parts;
        if is_last && suspects.is_empty() {
            return None;
        }
        filter.clear();
        let seen = match is_last {
            true => Seen::Nothing,
            false => Seen::Roughly(filter, FxHashSet::default()),
        };
        Some(Self {
            part,
            parts: self.parts,
            seen,
            suspects: suspects.into_iter().map(|one| (one, false)).collect(),
        })
    }

    /// Whether this was there before, as far as this reading knows. Two ids may share a fingerprint, so the log is to
    /// be asked after a yes.
    pub(super) fn is_seen(&mut self, author: UserId, id: ClientMsgId) -> bool {
        let fingerprint = FxBuildHasher.hash_one((author, id));
        if let Some(is_met) = self.suspects.get_mut(&fingerprint) {
            return std::mem::replace(is_met, true);
        }
        // A set is ordered by the ends of the fingerprint, so parts are made from its middle.
        if (fingerprint >> 16) % self.parts != self.part {
            return false;
        }
        match &mut self.seen {
            Seen::All(seen) => !seen.insert(fingerprint),
            Seen::Roughly(filter, suspects) => {
                if !filter.insert(fingerprint) {
                    suspects.insert(fingerprint);
                }
                false
            }
            Seen::Nothing => false,
        }
    }
}

/// Seven bits for each fingerprint, all within one line of the processor's cache (Putze, Sanders and Singler, "Cache-,
/// hash- and space-efficient Bloom filters", 2007).
struct Filter {
    lines: Vec<[u64; 8]>,
}

impl Filter {
    /// 16 bits for each of so many.
    fn of(count: u64) -> Self {
        Self {
            lines: vec![[0; 8]; (count / 32 + 1) as usize],
        }
    }

    fn clear(&mut self) {
        self.lines.fill([0; 8]);
    }

    /// False if it may have been there already.
    fn insert(&mut self, fingerprint: u64) -> bool {
        let place = mixed(fingerprint);
        let line = (place % self.lines.len() as u64) as usize;
        let mut bits = mixed(place);
        let mut is_new = false;
        for _ in 0..7 {
            let word = &mut self.lines[line][(bits & 7) as usize];
            let bit = 1 << ((bits >> 3) & 63);
            is_new |= *word & bit == 0;
            *word |= bit;
            bits >>= 9;
        }
        is_new
    }
}

/// Each bit of the answer depends on each bit of the number (the end of Steele, Lea and Flood's SplitMix64, 2014).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ANN: UserId = UserId(Uuid::from_u128(1));

    /// How often a log was read to its end, and the places that were told as seen before.
    fn read(log: &[u128], kept_max: u64) -> (usize, Vec<usize>) {
        let mut ids = Some(ClientIds::of_log(log.len() as u64, kept_max));
        let (mut readings, mut seen) = (0, Vec::new());
        while let Some(mut reading) = ids {
            readings += 1;
            let is_seen =
                |(_, id): &(usize, &u128)| reading.is_seen(ANN, ClientMsgId(Uuid::from_u128(**id)));
            seen.extend(
                log.iter()
                    .enumerate()
                    .filter(is_seen)
                    .map(|(place, _)| place),
            );
            ids = reading.next();
        }
        (readings, seen)
    }

    #[test]
    fn an_id_that_comes_again_is_seen_at_each_place_but_its_first() {
        let log: Vec<u128> = (0..5000).chain([7, 4000, 7]).collect();
        for (kept_max, readings_max) in [(10_000, 1), (1000, 2), (100, 5), (1, 314)] {
            let (readings, mut seen) = read(&log, kept_max);
            seen.sort_unstable();
            assert_eq!(seen, [5000, 5001, 5002], "{kept_max} are kept");
            assert!(readings <= readings_max, "{readings} for {kept_max}");
        }
    }

    #[test]
    fn a_long_log_is_read_twice_at_most_and_few_are_suspected_wrongly() {
        let mut ids = ClientIds::of_log(200_000, 20_000);
        for id in 0..200_000 {
            assert!(!ids.is_seen(ANN, ClientMsgId(Uuid::from_u128(id))));
        }
        let second = ids.next().expect("some are suspected");
        assert!(second.suspects.len() < 1000, "{}", second.suspects.len());
        assert!(second.next().is_none());
    }

    #[test]
    fn the_same_id_of_somebody_else_is_another_one() {
        let bo = UserId(Uuid::from_u128(2));
        let mut ids = ClientIds::of_log(3, 10);
        let id = ClientMsgId(Uuid::from_u128(7));
        assert!(!ids.is_seen(ANN, id));
        assert!(!ids.is_seen(bo, id));
        assert!(ids.is_seen(ANN, id));
    }
}
