//! Live connections here, and how they end.

pub mod connection;
pub mod order;
pub mod queue;

use crate::clock::Clock;
use crate::config::Config;
use crate::node::Caller;
use bytes::Bytes;
use kith_protocol::SessionId;
use kith_protocol::frame::{CloseCode, EndedBy, GoingAway, ServerFrame, SessionEnded};
use kith_protocol::session::EndReason;
use parking_lot::Mutex;
use queue::Queue;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every queue of this node, by session.
pub struct Push {
    clock: Clock,
    queue_max_bytes: usize,
    next_id: AtomicU64,
    sessions: Mutex<FxHashMap<SessionId, Vec<Arc<Queue>>>>,
}

impl Push {
    /// No connections yet.
    pub fn new(config: &Config, clock: Clock) -> Self {
        Self {
            clock,
            queue_max_bytes: config.push.queue_max_bytes,
            next_id: AtomicU64::new(1),
            sessions: Mutex::default(),
        }
    }

    /// A queue for a connection of this caller: it is closed when the session ends.
    pub fn attach(&self, caller: Caller) -> Arc<Queue> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(Queue::new(id, caller, self.queue_max_bytes, self.clock.now()));
        self.sessions.lock().entry(caller.session).or_default().push(Arc::clone(&queue));
        queue
    }

    /// The connection has ended.
    pub fn detach(&self, queue: &Queue) {
        let mut sessions = self.sessions.lock();
        if let Some(queues) = sessions.get_mut(&queue.caller.session) {
            queues.retain(|other| other.id != queue.id);
            if queues.is_empty() {
                sessions.remove(&queue.caller.session);
            }
        }
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.sessions.lock().values().map(Vec::len).sum()
    }

    /// Closes the sockets of a session that has ended: `session_ended`, then a final close.
    pub fn end_session(&self, session: SessionId, reason: EndReason, by: Option<EndedBy>) {
        let queues = self.sessions.lock().get(&session).cloned().unwrap_or_default();
        let frame = Bytes::from(ServerFrame::SessionEnded(SessionEnded { reason, by }).encode());
        for queue in queues {
            queue.close(CloseCode::from(reason), Some(frame.clone()));
        }
    }

    /// Asks every connection to move on: `going_away`, then a close that says "reconnect".
    pub fn drain(&self, retry_in_s: u64) {
        let frame = Bytes::from(ServerFrame::GoingAway(GoingAway { retry_in_s }).encode());
        for queue in self.queues() {
            queue.close(CloseCode::Restart, Some(frame.clone()));
        }
    }

    /// Every queue there is.
    pub fn queues(&self) -> Vec<Arc<Queue>> {
        self.sessions.lock().values().flatten().cloned().collect()
    }
}
