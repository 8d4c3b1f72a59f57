//! Buckets that refill: the generic cell rate algorithm, over the clock that the node was given.

use crate::error::{Error, Result};
use kith_protocol::Timestamp;
use parking_lot::Mutex;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::hash::{BuildHasher, Hash};

/// Locks: enough that one caller's check does not hold up another's.
const SHARDS: usize = 16;
/// Buckets that are not full again, in each shard: 131,072 in all, some 8 MB. Wrong passwords stay
/// below that by themselves, as each costs an Argon2 run and is forgotten after a minute.
const SHARD_MAX: usize = 8_192;

/// A rate in the terms of GCRA: a bucket of `burst`, refilled by one every `each_us`.
#[derive(Clone, Copy)]
pub(super) struct Gauge {
    pub(super) each_us: i64,
    pub(super) burst: i64,
}

impl Gauge {
    pub(super) fn per_s(per_s: f64, burst: u32) -> Self {
        // The configuration bounds per_s to 0.001 ..= 1,000,000, so this is 1 µs to 1,000 s.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "bounded by the configuration"
        )]
        let each_us = (1_000_000.0 / per_s).clamp(1.0, 1e9) as i64;
        Self {
            each_us,
            burst: i64::from(burst.max(1)),
        }
    }
}

/// GCRA: for each key only the time at which its bucket will be full again. Who has a full bucket
/// needs no row.
pub(super) struct Buckets<K> {
    shards: [Mutex<FxHashMap<K, i64>>; SHARDS],
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl<K: Copy + Eq + Hash> Buckets<K> {
    pub(super) fn take(&self, key: K, gauge: Gauge, now: Timestamp) -> Result<()> {
        let now_us = now.0.saturating_mul(1_000);
        let mut shard = self.shard(&key).lock();
        let full_at_us = shard.get(&key).copied().unwrap_or(now_us).max(now_us);
        room(full_at_us, gauge, now_us)?;
        if shard.len() >= SHARD_MAX && !shard.contains_key(&key) {
            make_room(&mut shard, now_us);
        }
        shard.insert(key, full_at_us + gauge.each_us);
        Ok(())
    }

    pub(super) fn look(&self, key: &K, gauge: Gauge, now: Timestamp) -> Result<()> {
        let now_us = now.0.saturating_mul(1_000);
        match self.shard(key).lock().get(key) {
            Some(&full_at_us) => room(full_at_us.max(now_us), gauge, now_us),
            None => Ok(()),
        }
    }

    pub(super) fn give_back(&self, key: &K, gauge: Gauge) {
        if let Some(full_at_us) = self.shard(key).lock().get_mut(key) {
            *full_at_us -= gauge.each_us;
        }
    }

    fn shard(&self, key: &K) -> &Mutex<FxHashMap<K, i64>> {
        &self.shards[(FxBuildHasher.hash_one(key) >> 60) as usize % SHARDS]
    }
}

fn room(full_at_us: i64, gauge: Gauge, now_us: i64) -> Result<()> {
    let over_us = full_at_us + gauge.each_us - now_us - gauge.each_us * gauge.burst;
    if over_us <= 0 {
        return Ok(());
    }
    let retry_after_s = u64::try_from(over_us)
        .unwrap_or_default()
        .div_ceil(1_000_000);
    Err(Error::RateLimited { retry_after_s })
}

/// Forgets full buckets; if there are none, every other one, so that memory stays bounded and a
/// flood of keys costs no scan for each of them.
fn make_room<K: Eq + Hash>(shard: &mut FxHashMap<K, i64>, now_us: i64) {
    shard.retain(|_, full_at_us| *full_at_us > now_us);
    if shard.len() > SHARD_MAX / 2 {
        let mut keep = false;
        shard.retain(|_, _| {
            keep = !keep;
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GAUGE: Gauge = Gauge {
        each_us: 6_000_000,
        burst: 10,
    };

    fn refused_for_s(result: Result<()>) -> Option<u64> {
        match result {
            Ok(()) => None,
            Err(Error::RateLimited { retry_after_s }) => Some(retry_after_s),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn ten_at_once_and_then_one_every_six_seconds() {
        let (buckets, start) = (Buckets::default(), Timestamp(1_000_000));
        for _ in 0..10 {
            assert_eq!(refused_for_s(buckets.take(1, GAUGE, start)), None);
        }
        assert_eq!(refused_for_s(buckets.take(1, GAUGE, start)), Some(6));
        assert_eq!(refused_for_s(buckets.look(&1, GAUGE, start)), Some(6));
        assert_eq!(
            refused_for_s(buckets.take(1, GAUGE, start.after_ms(5_001))),
            Some(1)
        );
        assert_eq!(
            refused_for_s(buckets.take(1, GAUGE, start.after_ms(6_000))),
            None
        );
        assert_eq!(
            refused_for_s(buckets.take(1, GAUGE, start.after_ms(6_000))),
            Some(6)
        );
        assert_eq!(refused_for_s(buckets.take(2, GAUGE, start)), None);
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let (buckets, now) = (Buckets::default(), Timestamp(0));
        for _ in 0..100 {
            assert_eq!(refused_for_s(buckets.take(1, GAUGE, now)), None);
            buckets.give_back(&1, GAUGE);
        }
    }

    #[test]
    fn memory_is_bounded_however_many_ask() {
        let buckets = Buckets::default();
        for key in 0..(SHARDS * SHARD_MAX * 3) as u64 {
            assert_eq!(refused_for_s(buckets.take(key, GAUGE, Timestamp(0))), None);
        }
        let held: usize = buckets.shards.iter().map(|shard| shard.lock().len()).sum();
        assert!(held <= SHARDS * SHARD_MAX, "{held}");
    }

    proptest! {
        /// Never more than burst + time / each, and who waits as told is let through.
        #[test]
        fn a_rate_is_kept_and_its_word_too(steps in prop::collection::vec(0_u64..9_000, 1..200)) {
            let buckets = Buckets::default();
            let (mut now, mut taken) = (Timestamp(0), 0_i64);
            for step_ms in steps {
                now = now.after_ms(step_ms);
                match refused_for_s(buckets.take(7, GAUGE, now)) {
                    None => taken += 1,
                    Some(wait_s) => {
                        let then = now.after_ms(wait_s * 1_000);
                        prop_assert_eq!(refused_for_s(buckets.look(&7, GAUGE, then)), None);
                    }
                }
                prop_assert!(taken <= GAUGE.burst + now.0 * 1_000 / GAUGE.each_us);
            }
        }
    }
}
