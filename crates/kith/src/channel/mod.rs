//! Who is told: personal channels for small threads, the thread's own channel for large ones.

pub mod local;
pub mod wide;

use crate::push::queue::Queue;
use bytes::Bytes;
use kith_protocol::channel::{Channel, Envelope};
use kith_protocol::frame::ServerFrame;
use kith_protocol::{ThreadId, UserId};
use std::sync::Arc;

/// Carries envelopes to the subscribers of a channel. Loss is allowed: a push is a hint.
///
/// - Envelopes of one publisher to one channel arrive in the order of `publish`.
/// - `publish` hands to bounded queues and returns: it waits for no reader.
/// - Joining twice is joining once; leaving what was not joined is nothing.
/// - What was published before `join` returned may be missed; what is published after is not.
pub trait Broker: Send + Sync {
    /// Hands an envelope to every subscriber, save those whom it excepts.
    fn publish(&self, channel: Channel, envelope: &Envelope);
    /// Subscribes a queue.
    fn join(&self, channel: Channel, queue: &Arc<Queue>);
    /// Unsubscribes a queue.
    fn leave(&self, channel: Channel, queue: &Queue);
    /// Unsubscribes all queues of a user: the user is no longer a member.
    fn leave_user(&self, channel: Channel, user: UserId);
    /// Unsubscribes all queues but those of users for whom `keep` says yes.
    fn keep_users(&self, channel: Channel, keep: &dyn Fn(UserId) -> bool);
}

/// The channels of a node.
pub struct Channels {
    broker: Box<dyn Broker>,
    wide: wide::Wide,
}

impl Channels {
    /// Channels within this process.
    pub fn local() -> Self {
        Self {
            broker: Box::new(local::LocalBroker::default()),
            wide: wide::Wide::default(),
        }
    }

    /// The broker below.
    pub fn broker(&self) -> &dyn Broker {
        &*self.broker
    }

    /// Large threads.
    pub fn wide(&self) -> &wide::Wide {
        &self.wide
    }

    /// Lets waiting `sync` calls of a user look again, without a frame for anybody else.
    pub fn wake_user(&self, user: UserId) {
        let envelope = Envelope {
            thread: None,
            membership_seq: 0,
            frame: Bytes::new(),
            except: Vec::new(),
        };
        self.broker.publish(Channel::User(user), &envelope);
    }

    /// Tells every connection of a user.
    pub fn tell_user(&self, user: UserId, frame: &ServerFrame) {
        self.tell(Channel::User(user), frame);
    }

    /// Tells every connection that subscribed a large thread.
    pub fn tell_thread(&self, thread: ThreadId, frame: &ServerFrame) {
        self.tell(Channel::Thread(thread), frame);
    }

    fn tell(&self, channel: Channel, frame: &ServerFrame) {
        let frame = Bytes::from(frame.encode());
        let envelope = Envelope {
            thread: None,
            membership_seq: 0,
            frame,
            except: Vec::new(),
        };
        self.broker.publish(channel, &envelope);
    }
}
