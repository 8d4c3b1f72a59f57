//! Channels: who is told live. And what nodes send each other about them.

use crate::id::{ThreadId, UserId};
use bytes::Bytes;
use std::fmt;

/// A named set of subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// `user/<id>`: every live connection of a user.
    User(UserId),
    /// `thread/<id>`: connections that opened a large or live thread.
    Thread(ThreadId),
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user/{id}"),
            Self::Thread(id) => write!(f, "thread/{id}"),
        }
    }
}

/// A frame on its way to a channel, encoded once.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The thread that it is about, if any.
    pub thread: Option<ThreadId>,
    /// Seq of the last membership change known to the sender: a node that is behind it catches up
    /// before it delivers.
    pub membership_seq: u64,
    /// The frame, as it goes to every subscriber.
    pub frame: Bytes,
    /// Not to connections of these users, in ascending order: they are told on their own channel,
    /// which every connection of theirs has joined before any other.
    pub except: Vec<UserId>,
}
