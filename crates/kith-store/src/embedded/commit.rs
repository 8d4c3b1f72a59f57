//! What wants to be written waits here, bounded, until the commit thread takes it.

use super::delivered::FLUSH_EVERY;
use super::log;
use super::pipe::Pipe;
use super::room::Room;
use super::stage::Stage;
use crate::log::{Append, Appended};
use crate::{StoreError, StoreResult};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// Requests that may wait: about a second of work at full speed. More are refused at once, so that
/// overload is told early and nothing waits for longer than a client does.
const QUEUE_MAX: usize = 65_536;
/// Bytes that may wait: some 15,000 short messages, which is what comes in while the disk stalls.
const QUEUE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// What the embedded engine does on its commit thread, after the commit, with its outcome.
pub(super) type Finish = Box<dyn FnOnce(StoreResult<()>) + Send>;

/// Checks its conditions and stages its rows; all reads before the first write, so that a failing read
/// leaves nothing half staged.
type Change = Box<dyn FnOnce(&mut Stage<'_>) -> Finish + Send>;

/// Something that wants to be written.
pub(super) enum Request {
    /// The hot path.
    Append(Append, oneshot::Sender<StoreResult<Appended>>),
    /// Everything else.
    Change(Change),
    /// The next batch begins a file of the log; answers with the number of the last one.
    EndSegment(oneshot::Sender<u64>),
    /// Deletes the files of the log that are not needed any more.
    DeleteSegments(oneshot::Sender<std::io::Result<()>>),
}

/// The front of the commit loop, shared by everybody who writes.
pub(super) struct Committer {
    queue: Mutex<Queue>,
    wake: Condvar,
    room: Room,
    pipe: Arc<Pipe>,
}

#[derive(Default)]
struct Queue {
    /// Each with its weight in bytes.
    waiting: Vec<(Request, usize)>,
    bytes: usize,
    /// When delivered marks are due to be stored.
    delivered_due: Option<Instant>,
    closing: bool,
}

impl Committer {
    /// Nothing waits; `writer` takes what is submitted.
    pub(super) fn new(room: Room, pipe: Arc<Pipe>) -> Self {
        Self {
            queue: Mutex::default(),
            wake: Condvar::new(),
            room,
            pipe,
        }
    }

    /// Appends; answered when it is durable.
    pub(super) async fn append(&self, append: Append) -> StoreResult<Appended> {
        let (answer, answered) = oneshot::channel();
        let bytes = log::weight(&append);
        self.submit(Request::Append(append, answer), bytes)?;
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Runs `stage` on the commit thread and answers after the commit with what it gave.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        bytes: usize,
        stage: impl FnOnce(&mut Stage<'_>) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let (answer, answered) = oneshot::channel();
        let change = Box::new(move |staged: &mut Stage<'_>| -> Finish {
            let outcome = stage(staged);
            Box::new(move |committed| {
                // Nobody waits for it any longer: what was written stays written.
                let _ = answer.send(committed.and(outcome));
            })
        });
        self.submit(Request::Change(change), bytes)?;
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Deletes all files of the log that hold what was written before the call, once fjall has it for good.
    pub(super) async fn renew_log(&self) -> StoreResult<()> {
        let (answer, answered) = oneshot::channel();
        self.submit(Request::EndSegment(answer), 0)?;
        let last = answered.await.map_err(|_| self.gone())?;
        let pipe = Arc::clone(&self.pipe);
        let synced = tokio::task::spawn_blocking(move || pipe.wait_for_sync(last)).await;
        if !synced.unwrap_or(false) {
            return Err(self.gone());
        }
        let (answer, answered) = oneshot::channel();
        self.submit(Request::DeleteSegments(answer), 0)?;
        let deleted = answered.await.map_err(|_| self.gone())?;
        deleted.map_err(|error| StoreError::Unavailable(format!("an old log stays: {error}")))
    }

    /// Delivered marks are waiting in memory: they will be stored in a while.
    pub(super) fn delivered_wait(&self) {
        let mut queue = self.queue.lock();
        if queue.delivered_due.is_none() {
            queue.delivered_due = Some(Instant::now() + FLUSH_EVERY);
            self.wake.notify_one();
        }
    }

    /// Takes no more, writes what waits, and ends.
    pub(super) fn close(&self) {
        self.queue.lock().closing = true;
        self.wake.notify_one();
    }

    /// Why nothing can be written, if so.
    pub(super) fn broken(&self) -> Option<&str> {
        self.pipe.broken()
    }

    /// Why nothing can be written now, if so.
    pub(super) fn why_not(&self) -> Option<String> {
        let broken = self.broken().map(str::to_owned);
        broken.or_else(|| self.room.lacking())
    }

    /// Refuses when nothing can be written now.
    pub(super) fn takes_writes(&self) -> StoreResult<()> {
        if let Some(why) = self.why_not() {
            return Err(StoreError::Unavailable(why));
        }
        if self.queue.lock().closing {
            return Err(closed());
        }
        Ok(())
    }

    /// Requests that wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.lock().waiting.len()
    }

    fn submit(&self, request: Request, bytes: usize) -> StoreResult<()> {
        if request.is_staged()
            && let Some(why) = self.why_not()
        {
            return Err(StoreError::Unavailable(why));
        }
        let mut queue = self.queue.lock();
        if queue.closing {
            return Err(closed());
        }
        // A request larger than the bound of bytes is taken when it would be alone.
        let full = queue.waiting.len() >= QUEUE_MAX
            || (queue.bytes > 0 && queue.bytes + bytes > QUEUE_MAX_BYTES);
        if full {
            return Err(StoreError::Unavailable(format!(
                "{} writes are waiting already",
                queue.waiting.len()
            )));
        }
        queue.bytes += bytes;
        queue.waiting.push((request, bytes));
        if queue.waiting.len() == 1 {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Sleeps until there is something to do: takes what waits; whether delivered marks are due; whether it is
    /// the last time.
    pub(super) fn take(&self, requests: &mut Vec<(Request, usize)>) -> (bool, bool) {
        let mut queue = self.queue.lock();
        loop {
            let due = queue.delivered_due.is_some_and(|due| due <= Instant::now());
            if !queue.waiting.is_empty() || due || queue.closing {
                std::mem::swap(&mut queue.waiting, requests);
                queue.bytes = 0;
                if due {
                    queue.delivered_due = None;
                }
                return (due, queue.closing);
            }
            match queue.delivered_due {
                Some(due) => {
                    self.wake.wait_until(&mut queue, due);
                }
                None => self.wake.wait(&mut queue),
            }
        }
    }

    /// Where batches go from here.
    pub(super) fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }

    /// Nobody takes any more: answers of those who wait are dropped with their requests.
    pub(super) fn give_up(&self) {
        self.queue.lock().waiting.clear();
    }

    fn gone(&self) -> StoreError {
        match self.broken() {
            Some(why) => StoreError::Unknown(why.to_owned()),
            None => StoreError::Unknown("the commit thread has ended".to_owned()),
        }
    }
}

impl Request {
    /// Whether it is part of a batch.
    pub(super) fn is_staged(&self) -> bool {
        matches!(self, Self::Append(..) | Self::Change(_))
    }
}

/// The store was closed.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn request() -> Request {
        Request::Change(Box::new(|_| Box::new(|_| ())))
    }

    fn committer() -> Committer {
        Committer::new(Room::new(PathBuf::new(), 0), Arc::new(Pipe::new(0)))
    }

    fn is_refused(committer: &Committer, bytes: usize) -> bool {
        match committer.submit(request(), bytes) {
            Ok(()) => false,
            Err(StoreError::Unavailable(_)) => true,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let committer = committer();
        for _ in 0..QUEUE_MAX {
            assert!(!is_refused(&committer, 1));
        }
        assert!(is_refused(&committer, 1));
        assert_eq!(committer.waiting(), QUEUE_MAX);
    }

    #[test]
    fn the_bytes_that_wait_have_a_bound_at_below_and_above() {
        let committer = committer();
        assert!(!is_refused(&committer, QUEUE_MAX_BYTES - 1));
        assert!(is_refused(&committer, 2));
        assert!(!is_refused(&committer, 1));
        assert!(is_refused(&committer, 1));
    }

    #[test]
    fn what_is_larger_than_the_bound_is_taken_alone() {
        let committer = committer();
        assert!(!is_refused(&committer, QUEUE_MAX_BYTES + 1));
        assert!(is_refused(&committer, 1));
    }

    #[test]
    fn a_broken_store_says_why_it_refuses() {
        let committer = committer();
        committer.pipe.break_down("the disk is on fire".to_owned());
        let refusal = committer
            .submit(request(), 1)
            .err()
            .map(|error| error.to_string());
        assert_eq!(
            refusal.as_deref(),
            Some("the store is unavailable: the disk is on fire")
        );
    }
}
