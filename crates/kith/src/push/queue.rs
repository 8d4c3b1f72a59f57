//! The outgoing queue of one connection. Pushes may be dropped, and are then called dropped; answers
//! never are.

use crate::node::Caller;
use bytes::Bytes;
use kith_protocol::Timestamp;
use kith_protocol::frame::{CloseCode, Resync, ServerFrame, UNACKNOWLEDGED_MAX};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Frames on their way to one connection.
pub struct Queue {
    /// Unique on this node.
    pub id: u64,
    /// Whose connection it is.
    pub caller: Caller,
    max_bytes: usize,
    state: Mutex<State>,
    wake: Notify,
    end: Notify,
    /// Frames that were read and are not answered yet.
    unanswered: AtomicUsize,
    heard_at_ms: AtomicI64,
}

#[derive(Default)]
struct State {
    frames: Vec<Bytes>,
    pushed_bytes: usize,
    /// Pushes were dropped since the queue was drained last.
    dropped: bool,
    /// Since when the reader has not kept up.
    behind_since: Option<Timestamp>,
    /// Apart, for it is nothing until the end.
    close: Option<Box<Close>>,
    ping: bool,
    pinged_at: Timestamp,
}

/// How a connection is to end.
struct Close {
    code: CloseCode,
    last: Option<Bytes>,
    since: Option<Timestamp>,
}

/// What a connection is to write now.
#[derive(Debug, Default)]
pub struct Drained {
    /// Frames in order.
    pub frames: Vec<Bytes>,
    /// And a ping.
    pub ping: bool,
    /// Then this, and nothing more.
    pub close: Option<CloseCode>,
}

impl Queue {
    /// An empty queue.
    pub fn new(id: u64, caller: Caller, max_bytes: usize, now: Timestamp) -> Self {
        Self {
            id,
            caller,
            max_bytes,
            state: Mutex::default(),
            wake: Notify::new(),
            end: Notify::new(),
            unanswered: AtomicUsize::new(0),
            heard_at_ms: AtomicI64::new(now.0),
        }
    }

    /// Adds a push; an empty one only wakes. Over the bound it and later ones are dropped until the
    /// queue was drained, and `resync` stands for them.
    pub fn push(&self, frame: Bytes) {
        if frame.is_empty() {
            return self.wake.notify_one();
        }
        let mut state = self.state.lock();
        if state.dropped || state.close.is_some() {
            return;
        }
        if state.pushed_bytes + frame.len() > self.max_bytes {
            state.dropped = true;
        } else {
            state.pushed_bytes += frame.len();
            state.frames.push(frame);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Adds the answer to a frame; never dropped, and bounded by [`UNACKNOWLEDGED_MAX`].
    pub fn answer(&self, frame: impl Into<Bytes>) {
        self.state.lock().frames.push(frame.into());
        self.answered();
    }

    /// A frame needed no answer.
    pub fn answered(&self) {
        self.unanswered.fetch_sub(1, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// A frame was read; it will be answered once.
    pub fn expect_answer(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether another frame may be read: at 64 unanswered ones the connection stops reading.
    pub fn may_read(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) < UNACKNOWLEDGED_MAX
    }

    /// Ends the connection: what waits is written, then `last`, then the close. The first call counts.
    pub fn close(&self, code: CloseCode, last: Option<Bytes>) {
        let mut state = self.state.lock();
        state.close.get_or_insert_with(|| {
            let since = None;
            Box::new(Close { code, last, since })
        });
        drop(state);
        self.wake.notify_one();
    }

    /// The code with which the connection is to end, if it is.
    pub fn closing(&self) -> Option<CloseCode> {
        self.state.lock().close.as_ref().map(|close| close.code)
    }

    /// Since when the connection is to end: set by the first call after [`Queue::close`].
    pub fn closing_since(&self, now: Timestamp) -> Option<Timestamp> {
        let mut state = self.state.lock();
        let close = state.close.as_mut()?;
        Some(*close.since.get_or_insert(now))
    }

    /// Ends a write that does not come to an end by itself.
    pub fn end(&self) {
        self.end.notify_one();
    }

    /// Returns, with the code to close with, once a write is to be given up.
    pub async fn ended(&self) -> CloseCode {
        self.end.notified().await;
        self.closing().unwrap_or(CloseCode::SlowReader)
    }

    /// Has a ping sent, once for each silence.
    pub fn ask_ping(&self, now: Timestamp) {
        let mut state = self.state.lock();
        if now.0 - state.pinged_at.0 >= super::PING_AFTER_MS {
            state.ping = true;
            state.pinged_at = now;
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Takes everything that waits; none if nothing does.
    pub fn drain(&self) -> Option<Drained> {
        let mut state = self.state.lock();
        let mut frames = std::mem::take(&mut state.frames);
        state.pushed_bytes = 0;
        if std::mem::take(&mut state.dropped) {
            frames.push(ServerFrame::Resync(Resync::default()).encode().into());
        }
        let close = state.close.as_mut().map(|close| {
            frames.extend(close.last.take());
            close.code
        });
        let ping = std::mem::take(&mut state.ping);
        (ping || close.is_some() || !frames.is_empty()).then_some(Drained {
            frames,
            ping,
            close,
        })
    }

    /// Returns once there may be something to drain, or room to read.
    pub fn woken(&self) -> Notified<'_> {
        self.wake.notified()
    }

    /// The other side was heard.
    pub fn heard(&self, now: Timestamp) {
        self.heard_at_ms.store(now.0, Ordering::Relaxed);
    }

    /// When the other side was heard last.
    pub fn heard_at(&self) -> Timestamp {
        Timestamp(self.heard_at_ms.load(Ordering::Relaxed))
    }

    /// Called now and then: since when has the reader left frames waiting? The writer reports with
    /// [`Queue::keeps_up`].
    pub fn behind_since(&self, now: Timestamp) -> Option<Timestamp> {
        let mut state = self.state.lock();
        if state.frames.is_empty() && !state.dropped {
            state.behind_since = None;
        } else if state.behind_since.is_none() {
            state.behind_since = Some(now);
        }
        state.behind_since
    }

    /// The writer got rid of what it had.
    pub fn keeps_up(&self) {
        self.state.lock().behind_since = None;
    }
}
