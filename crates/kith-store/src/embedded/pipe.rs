//! From the commit thread to the one that writes to fjall: batches that are durable, in order.

use super::batch::Batch;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Bytes that may wait for fjall: what comes in at full speed while it stalls for a quarter of a second.
const WAITING_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Requests that may wait for fjall, so that the threads of all of them are known to the commit thread.
pub(super) const WAITING_MAX_REQUESTS: usize = 16_384;
/// How long a batch waits for others, if nobody reads: one larger write to fjall costs less than many.
const LINGER: Duration = Duration::from_millis(2);

/// What both threads, and those who read, share.
pub(super) struct Pipe {
    /// Held by the commit thread from its look at `broken` until a batch is handed over.
    writing: Mutex<()>,
    state: Mutex<State>,
    /// The writer to fjall waits for batches.
    filled: Condvar,
    /// The commit thread waits for room, and others for what is synced.
    drained: Condvar,
    acknowledged: AtomicU64,
    applied: AtomicU64,
    applied_watch: watch::Sender<u64>,
    broken: OnceLock<String>,
}

struct State {
    batches: VecDeque<(Batch, Load)>,
    waiting: Load,
    hurry: bool,
    /// Everything up to here is to be in fjall for good.
    sync_at: u64,
    synced: u64,
    closing: bool,
}

/// What a batch weighs while it waits.
#[derive(Clone, Copy, Default)]
pub(super) struct Load {
    /// Memory.
    pub(super) bytes: usize,
    /// Requests whose changes are in it.
    pub(super) requests: usize,
}

/// What the writer to fjall is to do next.
pub(super) enum Next {
    /// Write these.
    Apply(Vec<Batch>),
    /// Make all that was written last for good.
    Sync,
    /// Nothing comes any more.
    End,
}

impl Pipe {
    /// Empty; batches up to `applied` are in fjall for good.
    pub(super) fn new(applied: u64) -> Self {
        Self {
            writing: Mutex::new(()),
            state: Mutex::new(State {
                batches: VecDeque::new(),
                waiting: Load::default(),
                hurry: false,
                sync_at: 0,
                synced: applied,
                closing: false,
            }),
            filled: Condvar::new(),
            drained: Condvar::new(),
            acknowledged: AtomicU64::new(applied),
            applied: AtomicU64::new(applied),
            applied_watch: watch::Sender::new(applied),
            broken: OnceLock::new(),
        }
    }

    /// Held while a batch is written to the log; refused when nothing is written any longer.
    pub(super) fn begin_write(&self) -> Result<MutexGuard<'_, ()>, &str> {
        let writing = self.writing.lock();
        match self.broken() {
            Some(why) => Err(why),
            None => Ok(writing),
        }
    }

    /// Returns once no batch is written to a broken log any longer, with the last one that is in fjall.
    pub(super) fn at_rest(&self) -> u64 {
        let _no_writing = self.writing.lock();
        self.applied()
    }

    /// Hands a durable batch over. From here on reads wait until it is in fjall.
    pub(super) fn put(&self, batch: Batch, load: Load) {
        self.acknowledged.store(batch.number, Release);
        let mut state = self.state.lock();
        state.waiting.bytes += load.bytes;
        state.waiting.requests += load.requests;
        state.batches.push_back((batch, load));
        if state.batches.len() == 1 {
            self.filled.notify_one();
        }
    }

    /// Returns once there is room for another batch, or no hope for any.
    pub(super) fn wait_for_room(&self) {
        let mut state = self.state.lock();
        while self.broken().is_none() && state.is_full() {
            self.hurry_up(&mut state);
            self.drained.wait(&mut state);
        }
    }

    /// Batches up to here are to be made last for good, as soon as it fits.
    pub(super) fn ask_sync(&self, number: u64) {
        let mut state = self.state.lock();
        state.sync_at = state.sync_at.max(number);
        self.filled.notify_one();
    }

    /// Batches up to here are in fjall for good.
    pub(super) fn synced(&self) -> u64 {
        self.state.lock().synced
    }

    /// Returns once batches up to here are in fjall for good: false if they never will be.
    pub(super) fn wait_for_sync(&self, number: u64) -> bool {
        let mut state = self.state.lock();
        state.sync_at = state.sync_at.max(number);
        self.hurry_up(&mut state);
        while self.broken().is_none() && state.synced < number {
            self.drained.wait(&mut state);
        }
        state.synced >= number
    }

    /// Batches up to here are in fjall.
    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Acquire)
    }

    /// What waits for fjall.
    pub(super) fn waiting(&self) -> Load {
        self.state.lock().waiting
    }

    /// Returns once reads find everything that was acknowledged before the call.
    pub(super) async fn caught_up(&self) {
        let acknowledged = self.acknowledged.load(Acquire);
        if self.applied() >= acknowledged {
            return;
        }
        self.hurry_up(&mut self.state.lock());
        let mut applied = self.applied_watch.subscribe();
        // The sender lives as long as `self`.
        let _ = applied.wait_for(|applied| *applied >= acknowledged).await;
    }

    /// The writer to fjall waits here for what to do.
    pub(super) fn next(&self, bytes_max: usize) -> Next {
        let mut state = self.state.lock();
        let mut until = None;
        loop {
            let wants_sync = state.sync_at > state.synced;
            if state.batches.is_empty() {
                until = None;
                if wants_sync {
                    return Next::Sync;
                }
                if state.closing {
                    return Next::End;
                }
                self.filled.wait(&mut state);
                continue;
            }
            // A sync is due when the batches up to it were written.
            if wants_sync && self.applied() >= state.sync_at {
                return Next::Sync;
            }
            let until = *until.get_or_insert_with(|| Instant::now() + LINGER);
            let must_go = state.hurry || state.closing || state.waiting.bytes >= bytes_max;
            if must_go || Instant::now() >= until {
                let batches = state.take(bytes_max);
                self.drained.notify_all();
                return Next::Apply(batches);
            }
            self.filled.wait_until(&mut state, until);
        }
    }

    /// Batches up to here were written to fjall.
    pub(super) fn set_applied(&self, number: u64) {
        self.applied.store(number, Release);
        self.applied_watch.send_replace(number);
    }

    /// What was written to fjall up to now lasts.
    pub(super) fn set_synced(&self) {
        self.state.lock().synced = self.applied();
        self.drained.notify_all();
    }

    /// Everything is handed over; the writer to fjall ends when it has written it.
    pub(super) fn close(&self) {
        self.state.lock().closing = true;
        self.filled.notify_one();
    }

    /// Why nothing can be written, if so.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.get().map(String::as_str)
    }

    /// Nothing is written any longer; nobody waits for it.
    pub(super) fn break_down(&self, why: String) {
        tracing::error!(
            why,
            "the store takes no more writes until it is started again"
        );
        let _ = self.broken.set(why);
        let _state = self.state.lock();
        self.applied_watch.send_replace(u64::MAX);
        self.drained.notify_all();
    }

    fn hurry_up(&self, state: &mut State) {
        state.hurry = true;
        self.filled.notify_one();
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.waiting.bytes >= WAITING_MAX_BYTES || self.waiting.requests >= WAITING_MAX_REQUESTS
    }

    /// The first batches up to about so many bytes; at least one.
    fn take(&mut self, bytes_max: usize) -> Vec<Batch> {
        let (mut batches, mut bytes) = (Vec::new(), 0);
        while bytes < bytes_max
            && let Some((batch, load)) = self.batches.pop_front()
        {
            bytes += load.bytes;
            self.waiting.bytes -= load.bytes;
            self.waiting.requests -= load.requests;
            batches.push(batch);
        }
        self.hurry &= !self.batches.is_empty();
        batches
    }
}
