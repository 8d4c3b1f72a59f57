//! Live connections here, and how they end.

pub mod connection;
pub mod order;
pub mod place;
pub mod queue;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::node::Caller;
use bytes::Bytes;
use kith_protocol::SessionId;
use kith_protocol::frame::{CloseCode, EndedBy, GoingAway, ServerFrame, SessionEnded};
use kith_protocol::session::EndReason;
use parking_lot::Mutex;
use queue::Queue;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A connection is pinged after this long without a word.
pub const PING_AFTER_MS: i64 = 25_000;

/// And ended after this long.
const IDLE_MS: i64 = 90_000;

/// A reader that takes nothing does not hold up the end of its session for longer.
const CLOSE_WITHIN_MS: i64 = 1000;

/// One of the sockets that a node takes.
pub struct Room(Arc<AtomicUsize>);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Every queue of this node, by session.
pub struct Push {
    clock: Clock,
    queue_max_bytes: usize,
    connections_max: usize,
    next_id: AtomicU64,
    open: Arc<AtomicUsize>,
    sessions: Mutex<FxHashMap<SessionId, Vec<Arc<Queue>>>>,
}

impl Push {
    /// No connections yet.
    pub fn new(config: &Config, clock: Clock) -> Self {
        Self {
            clock,
            queue_max_bytes: config.push.queue_max_bytes,
            connections_max: config.push.connections_max,
            next_id: AtomicU64::new(1),
            open: Arc::default(),
            sessions: Mutex::default(),
        }
    }

    /// Room for one more socket, with or without hello; given back when it is dropped.
    pub fn room(&self) -> Result<Room> {
        let room = Room(Arc::clone(&self.open));
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.connections_max {
            return Err(Error::Overloaded(
                "as many sockets are open as this node takes",
            ));
        }
        Ok(room)
    }

    /// A queue for a connection of this caller: it is closed when the session ends.
    pub fn attach(&self, caller: Caller) -> Arc<Queue> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(Queue::new(
            id,
            caller,
            self.queue_max_bytes,
            self.clock.now(),
        ));
        self.sessions
            .lock()
            .entry(caller.session)
            // Almost every session has one.
            .or_insert_with(|| Vec::with_capacity(1))
            .push(Arc::clone(&queue));
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

    /// How many sockets are open.
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Pings who is silent, and ends who is gone or too slow; called every second.
    pub fn look_over(&self, config: &config::Push) {
        let now = self.clock.now();
        for queue in self.queues() {
            let silent_ms = now.0 - queue.heard_at().0;
            if queue
                .closing_since(now)
                .is_some_and(|since| now.0 - since.0 >= CLOSE_WITHIN_MS)
            {
                queue.end();
            } else if silent_ms >= IDLE_MS {
                queue.close(CloseCode::Idle, None);
            } else if silent_ms >= PING_AFTER_MS {
                queue.ask_ping(now);
            }
            let slow_ms = config.slow_reader_s as i64 * 1000;
            if queue
                .behind_since(now)
                .is_some_and(|since| now.0 - since.0 >= slow_ms)
            {
                queue.close(CloseCode::SlowReader, None);
            }
        }
    }

    /// Closes the sockets of a session that has ended: `session_ended`, then a final close.
    pub fn end_session(&self, session: SessionId, reason: EndReason, by: Option<EndedBy>) {
        let queues = self
            .sessions
            .lock()
            .get(&session)
            .cloned()
            .unwrap_or_default();
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
