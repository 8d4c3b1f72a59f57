//! Channels within one process: a sharded map from channel to queues.

use super::Broker;
use crate::push::queue::Queue;
use kith_protocol::UserId;
use kith_protocol::channel::{Channel, Envelope};
use parking_lot::RwLock;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

/// Locks: enough that joins of one do not hold up publishing to another.
const SHARDS: usize = 16;

type Subscribers = FxHashMap<Channel, Vec<Arc<Queue>>>;

/// The broker of a single node.
#[derive(Default)]
pub struct LocalBroker {
    shards: [RwLock<Subscribers>; SHARDS],
}

impl LocalBroker {
    fn shard(&self, channel: Channel) -> &RwLock<Subscribers> {
        let hash = FxBuildHasher.hash_one(channel);
        &self.shards[(hash >> 60) as usize % SHARDS]
    }

    fn retain(&self, channel: Channel, keep: impl Fn(&Queue) -> bool) {
        let mut shard = self.shard(channel).write();
        if let Some(queues) = shard.get_mut(&channel) {
            queues.retain(|queue| keep(queue));
            if queues.is_empty() {
                shard.remove(&channel);
            }
        }
    }
}

impl Broker for LocalBroker {
    fn publish(&self, channel: Channel, envelope: &Envelope) {
        if let Some(queues) = self.shard(channel).read().get(&channel) {
            for queue in queues {
                if envelope.except.binary_search(&queue.caller.user).is_err() {
                    queue.push(envelope.frame.clone());
                }
            }
        }
    }

    fn join(&self, channel: Channel, queue: &Arc<Queue>) {
        let mut shard = self.shard(channel).write();
        // Almost every user has one connection.
        let queues = shard
            .entry(channel)
            .or_insert_with(|| Vec::with_capacity(1));
        if !queues.iter().any(|other| other.id == queue.id) {
            queues.push(Arc::clone(queue));
        }
    }

    fn leave(&self, channel: Channel, queue: &Queue) {
        self.retain(channel, |other| other.id != queue.id);
    }

    fn leave_user(&self, channel: Channel, user: UserId) {
        self.retain(channel, |other| other.caller.user != user);
    }
    fn keep_users(&self, channel: Channel, keep: &dyn Fn(UserId) -> bool) {
        self.retain(channel, |queue| keep(queue.caller.user));
    }
}
