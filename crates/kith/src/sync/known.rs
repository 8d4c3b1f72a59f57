//! Cursors that tell everything: who shows one again while nothing has changed is answered without a
//! read. That is most calls: clients without a socket ask every ten seconds.

use super::nothing;
use super::rows::hash_of;
use crate::node::Node;
use kith_protocol::UserId;
use kith_protocol::sync::{Sync, SyncQuery};
use kith_store::sync::Basis;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// Locks.
const SHARDS: usize = 16;
/// Users in each shard: 16,384 in all, some 4 MB with twenty threads each.
const SHARD_MAX: usize = 1024;

/// The last cursor of each user that told everything, and on what it rests.
#[derive(Default)]
pub struct Known {
    shards: [Mutex<FxHashMap<UserId, Complete>>; SHARDS],
}

struct Complete {
    /// SHA-256 of the cursor, cut: it is compared, never read.
    cursor: u128,
    basis: Basis,
    /// The digest, if anybody has asked for it.
    digest: Option<String>,
}

impl Known {
    /// The answer to a cursor that tells everything that there is now; none if that is not known, or
    /// the digest that is asked for.
    pub(super) fn answer(&self, node: &Node, user: UserId, query: &SyncQuery) -> Option<Sync> {
        let cursor = query.cursor.as_ref()?;
        let mut shard = self.shard(user).lock();
        let complete = shard.get(&user)?;
        if complete.cursor != hash_of(cursor) {
            return None;
        }
        if !node.store.stands(&complete.basis) {
            // It never will again.
            shard.remove(&user);
            return None;
        }
        let digest = match query.digest {
            Some(1) => Some(complete.digest.clone()?),
            _ => None,
        };
        Some(Sync {
            cursor: cursor.clone(),
            digest,
            ..nothing()
        })
    }

    /// This cursor tells everything that rests on `basis`.
    pub(super) fn keep(&self, user: UserId, cursor: &str, basis: Basis, digest: Option<String>) {
        let complete = Complete {
            cursor: hash_of(cursor),
            basis,
            digest,
        };
        let mut shard = self.shard(user).lock();
        if shard.len() >= SHARD_MAX
            && !shard.contains_key(&user)
            && let Some(some) = shard.keys().next().copied()
        {
            // Ids end in random bits, so the first in the map is a random one.
            shard.remove(&some);
        }
        shard.insert(user, complete);
    }

    fn shard(&self, user: UserId) -> &Mutex<FxHashMap<UserId, Complete>> {
        &self.shards[usize::from(user.bytes()[15]) % SHARDS]
    }
}
