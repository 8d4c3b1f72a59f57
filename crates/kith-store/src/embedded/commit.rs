//! The one commit loop: takes all that waits, builds one batch, makes it durable, answers. Every
//! condition is checked here, on the one thread that writes, so two of them never race.

use super::delivered::{Delivered, FLUSH_EVERY};
use super::figure::Figures;
use super::log::{self, LastSeqs};
use super::stage::Stage;
use super::table::Tables;
use crate::log::{Append, Appended};
use crate::{StoreError, StoreResult};
use fjall::{OwnedWriteBatch, PersistMode};
use kith_protocol::ThreadId;
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashSet;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Requests that may wait: about a second of work at full speed. More are refused at once, so that
/// overload is told early and nothing waits for longer than a client does.
const QUEUE_MAX: usize = 65_536;
/// Bytes that may wait: some 15,000 short messages, which is what comes in while the disk stalls.
const QUEUE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// How often it is looked whether there is room in memory again.
const CROWDED_STEP: Duration = Duration::from_millis(1);

/// What the embedded engine does on its commit thread, after the commit, with its outcome.
type Finish = Box<dyn FnOnce(StoreResult<()>) + Send>;

/// Checks its conditions and stages its rows; all reads before the first write, so that a failing read
/// leaves nothing half staged.
type Change = Box<dyn FnOnce(&mut Stage<'_>) -> Finish + Send>;

/// Something that wants to be written.
pub(super) enum Request {
    /// The hot path.
    Append(Append, oneshot::Sender<StoreResult<Appended>>),
    /// Everything else.
    Change(Change),
}

/// The front of the commit loop, shared by everybody who writes.
pub(super) struct Committer {
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Why no write is taken any longer.
    broken: OnceLock<String>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Request>,
    bytes: usize,
    /// When delivered marks are due to be stored.
    delivered_due: Option<Instant>,
    closing: bool,
}

impl Committer {
    /// Starts the loop.
    pub(super) fn start(
        tables: Arc<Tables>,
        delivered: Arc<Delivered>,
        figures: Arc<Figures>,
    ) -> std::io::Result<(Arc<Self>, JoinHandle<()>)> {
        let committer = Arc::new(Self::without_thread());
        let mut writer = Writer {
            committer: Arc::clone(&committer),
            tables,
            delivered,
            figures,
            last_seqs: LastSeqs::default(),
            scratch: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("kith-commit".to_owned())
            .spawn(move || writer.run())?;
        Ok((committer, thread))
    }

    fn without_thread() -> Self {
        Self {
            queue: Mutex::default(),
            wake: Condvar::new(),
            broken: OnceLock::new(),
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
        self.broken.get().map(String::as_str)
    }

    /// Refuses when nothing can be written any longer.
    pub(super) fn takes_writes(&self) -> StoreResult<()> {
        if let Some(why) = self.broken() {
            return Err(StoreError::Unavailable(why.to_owned()));
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
        if let Some(why) = self.broken() {
            return Err(StoreError::Unavailable(why.to_owned()));
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
        queue.waiting.push(request);
        if queue.waiting.len() == 1 {
            self.wake.notify_one();
        }
        Ok(())
    }

    fn gone(&self) -> StoreError {
        match self.broken() {
            Some(why) => StoreError::Unknown(why.to_owned()),
            None => StoreError::Unknown("the commit thread has ended".to_owned()),
        }
    }

    fn break_down(&self, why: String) {
        tracing::error!(
            why,
            "the store takes no more writes until it is started again"
        );
        let _ = self.broken.set(why);
    }
}

/// The store was closed.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// The thread's own things.
struct Writer {
    committer: Arc<Committer>,
    tables: Arc<Tables>,
    delivered: Arc<Delivered>,
    figures: Arc<Figures>,
    last_seqs: LastSeqs,
    scratch: Vec<u8>,
}

/// Who waits for a batch.
enum Waiting {
    Append(oneshot::Sender<StoreResult<Appended>>, Appended),
    Change(Finish),
}

impl Writer {
    fn run(&mut self) {
        let committer = Arc::clone(&self.committer);
        let _guard = Guard(&committer);
        let mut requests = Vec::new();
        loop {
            let (delivered_due, closing) = self.wait(&mut requests);
            let mut waiting = requests.drain(..).peekable();
            while waiting.peek().is_some() {
                self.commit_some(&mut waiting);
            }
            drop(waiting);
            if delivered_due || closing {
                self.store_delivered();
            }
            if closing {
                return;
            }
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&self, requests: &mut Vec<Request>) -> (bool, bool) {
        let mut queue = self.committer.queue.lock();
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
                    self.committer.wake.wait_until(&mut queue, due);
                }
                None => self.committer.wake.wait(&mut queue),
            }
        }
    }

    /// Stages requests until there are none, or until one must see the ones before it on disk.
    fn commit_some(&mut self, requests: &mut std::iter::Peekable<std::vec::Drain<'_, Request>>) {
        let tables = Arc::clone(&self.tables);
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut stage = Stage::new(&tables, &mut scratch, 2 * requests.len());
        let mut waiting = Vec::with_capacity(requests.len());
        let mut appended = FxHashSet::<ThreadId>::default();
        // An erasure reads rows of its thread, which must not be in this very batch.
        while let Some(request) = requests.next_if(|next| match next {
            Request::Append(append, _) => {
                append.erase.is_empty() || !appended.contains(&append.thread)
            }
            Request::Change(_) => true,
        }) {
            match request {
                Request::Append(append, answer) => {
                    appended.insert(append.thread);
                    match log::stage(&mut stage, &mut self.last_seqs, append) {
                        Ok(outcome) => waiting.push(Waiting::Append(answer, outcome)),
                        Err(error) => drop(answer.send(Err(error))),
                    }
                }
                Request::Change(change) => waiting.push(Waiting::Change(change(&mut stage))),
            }
        }
        let batch = stage.into_batch();
        self.scratch = scratch;
        let outcome = self.commit(batch, waiting.len());
        for one in waiting {
            match one {
                Waiting::Append(answer, appended) => {
                    drop(answer.send(outcome.clone().map(|()| appended)));
                }
                Waiting::Change(finish) => finish(outcome.clone()),
            }
        }
    }

    /// One batch, one sync. With the durability set on the batch, nothing of it is visible before it is
    /// durable; a sync of its own after the commit would show rows that a crash takes back. What may be
    /// lost is synced too: then a power loss can tear one batch at most, which is what `torn` relies on.
    fn commit(&self, batch: OwnedWriteBatch, requests: usize) -> StoreResult<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if let Some(why) = self.committer.broken() {
            return Err(StoreError::Unavailable(why.to_owned()));
        }
        let rows = batch.len();
        let began = Instant::now();
        let outcome = self
            .wait_for_flushes()
            .and_then(|()| batch.durability(Some(PersistMode::SyncData)).commit());
        self.figures.committed(requests, rows, began.elapsed());
        outcome.map_err(|error| {
            let why = format!("a commit failed: {}", super::in_words(&error));
            self.committer.break_down(why.clone());
            match error {
                // Refused before anything was written.
                fjall::Error::Poisoned => StoreError::Unavailable(why),
                _ => StoreError::Unknown(why),
            }
        })
    }

    /// Waits while memtables are full. fjall would wait in the commit, in steps of 100 ms, and for ever
    /// when its own threads have died; here that is noticed.
    fn wait_for_flushes(&self) -> fjall::Result<()> {
        while self.tables.are_crowded() {
            std::thread::sleep(CROWDED_STEP);
            self.tables.db.persist(PersistMode::Buffer)?;
        }
        Ok(())
    }

    fn store_delivered(&mut self) {
        while let Some(marks) = self.delivered.some_to_store() {
            let mut batch = OwnedWriteBatch::with_capacity(self.tables.db.clone(), marks.len());
            if let Err(error) =
                super::mark::stage_delivered(&self.tables, &mut batch, &marks, &mut self.scratch)
            {
                tracing::error!(%error, "delivered marks are not stored");
                return;
            }
            if self.commit(batch, 0).is_err() {
                return;
            }
            self.delivered.stored(&marks);
        }
    }
}

/// Tells the writers when the thread ends in a panic.
struct Guard<'a>(&'a Committer);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.break_down("the commit thread panicked".to_owned());
        }
        // Answers of those who wait are dropped with their requests.
        self.0.queue.lock().waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::Change(Box::new(|_| Box::new(|_| ())))
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
        let committer = Committer::without_thread();
        for _ in 0..QUEUE_MAX {
            assert!(!is_refused(&committer, 1));
        }
        assert!(is_refused(&committer, 1));
        assert_eq!(committer.waiting(), QUEUE_MAX);
    }

    #[test]
    fn the_bytes_that_wait_have_a_bound_at_below_and_above() {
        let committer = Committer::without_thread();
        assert!(!is_refused(&committer, QUEUE_MAX_BYTES - 1));
        assert!(is_refused(&committer, 2));
        assert!(!is_refused(&committer, 1));
        assert!(is_refused(&committer, 1));
    }

    #[test]
    fn what_is_larger_than_the_bound_is_taken_alone() {
        let committer = Committer::without_thread();
        assert!(!is_refused(&committer, QUEUE_MAX_BYTES + 1));
        assert!(is_refused(&committer, 1));
    }

    #[test]
    fn a_broken_store_says_why_it_refuses() {
        let committer = Committer::without_thread();
        committer.break_down("the disk is on fire".to_owned());
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
