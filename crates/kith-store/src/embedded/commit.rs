//! The one commit loop: takes all that waits, builds one batch, makes it durable in the write-ahead log,
//! answers, and hands the batch on to fjall. Every condition is checked here, on the one thread that
//! decides what is written, so two of them never race.

use super::batch::{Batch, RowChange};
use super::changes::{self, Changes};
use super::delivered::{Delivered, FLUSH_EVERY};
use super::figure::Figures;
use super::log::{self, LastSeqs};
use super::pipe::{Load, Pipe};
use super::room::Room;
use super::stage::Stage;
use super::table::Tables;
use super::unapplied::Unapplied;
use super::wal::{Wal, Written};
use crate::log::{Append, Appended};
use crate::{StoreError, StoreResult};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;

/// Requests that may wait: about a second of work at full speed. More are refused at once, so that
/// overload is told early and nothing waits for longer than a client does.
const QUEUE_MAX: usize = 65_536;
/// Bytes that may wait: some 15,000 short messages, which is what comes in while the disk stalls.
const QUEUE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of requests joined in one batch: an eighth of a file of the log.
const BATCH_MAX_BYTES: usize = 1024 * 1024;
/// Requests joined in one batch: with those that wait for fjall their threads are all known, see
/// [`LastSeqs`].
const BATCH_MAX_REQUESTS: usize = 4_096;

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
    /// Starts the loop.
    pub(super) fn start(
        wal: Wal,
        room: Room,
        pipe: Arc<Pipe>,
        tables: Arc<Tables>,
        delivered: Arc<Delivered>,
        changes: Arc<Changes>,
        figures: Arc<Figures>,
    ) -> std::io::Result<(Arc<Self>, JoinHandle<()>)> {
        let committer = Arc::new(Self::without_thread(room, pipe));
        let mut writer = Writer {
            committer: Arc::clone(&committer),
            wal,
            tables,
            delivered,
            changes,
            figures,
            last_seqs: LastSeqs::default(),
            unapplied: Unapplied::default(),
            scratch: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("kith-commit".to_owned())
            .spawn(move || writer.run())?;
        Ok((committer, thread))
    }

    fn without_thread(room: Room, pipe: Arc<Pipe>) -> Self {
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

    fn gone(&self) -> StoreError {
        match self.broken() {
            Some(why) => StoreError::Unknown(why.to_owned()),
            None => StoreError::Unknown("the commit thread has ended".to_owned()),
        }
    }
}

/// The store was closed.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// The thread's own things.
struct Writer {
    committer: Arc<Committer>,
    wal: Wal,
    tables: Arc<Tables>,
    delivered: Arc<Delivered>,
    changes: Arc<Changes>,
    figures: Arc<Figures>,
    last_seqs: LastSeqs,
    unapplied: Unapplied,
    scratch: Vec<u8>,
}

/// Who waits for a batch.
enum Waiting {
    Append(oneshot::Sender<StoreResult<Appended>>, Appended),
    Change(Finish),
}

/// Requests that were taken from the queue.
type Taken<'a> = std::iter::Peekable<std::vec::Drain<'a, (Request, usize)>>;

impl Writer {
    fn run(&mut self) {
        let committer = Arc::clone(&self.committer);
        let _guard = Guard(&committer);
        let mut requests = Vec::new();
        loop {
            let (delivered_due, closing) = self.wait(&mut requests);
            let mut taken = requests.drain(..).peekable();
            while taken.peek().is_some() {
                self.commit_some(&mut taken);
                self.look_after_log(&mut taken);
            }
            drop(taken);
            if delivered_due || closing {
                self.store_delivered();
            }
            if closing {
                return;
            }
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&self, requests: &mut Vec<(Request, usize)>) -> (bool, bool) {
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

    /// Stages requests until there are none, or enough for one batch, and commits them.
    fn commit_some(&mut self, taken: &mut Taken<'_>) {
        let tables = Arc::clone(&self.tables);
        let mut scratch = std::mem::take(&mut self.scratch);
        self.make_room();
        let mut stage = Stage::new(
            &tables,
            &mut self.unapplied,
            &mut scratch,
            2 * taken.len().min(BATCH_MAX_REQUESTS),
        );
        let mut waiting = Vec::with_capacity(taken.len().min(BATCH_MAX_REQUESTS));
        let mut bytes = 0;
        while bytes < BATCH_MAX_BYTES
            && waiting.len() < BATCH_MAX_REQUESTS
            && let Some((request, request_bytes)) = taken.next_if(|(next, _)| next.is_staged())
        {
            bytes += request_bytes;
            match request {
                Request::Append(append, answer) => {
                    match log::stage(&mut stage, &mut self.last_seqs, append) {
                        Ok(outcome) => waiting.push(Waiting::Append(answer, outcome)),
                        Err(error) => drop(answer.send(Err(error))),
                    }
                }
                Request::Change(change) => waiting.push(Waiting::Change(change(&mut stage))),
                Request::EndSegment(_) | Request::DeleteSegments(_) => {}
            }
        }
        let changes = stage.into_changes();
        self.scratch = scratch;
        let outcome = self.commit(changes, waiting.len());
        for one in waiting {
            match one {
                Waiting::Append(answer, appended) => {
                    drop(answer.send(outcome.clone().map(|()| appended)));
                }
                Waiting::Change(finish) => finish(outcome.clone()),
            }
        }
    }

    /// Does what is asked of the log itself.
    fn look_after_log(&mut self, taken: &mut Taken<'_>) {
        while let Some((request, _)) = taken.next_if(|(next, _)| !next.is_staged()) {
            match request {
                Request::EndSegment(answer) => {
                    self.wal.end_segment();
                    // Nobody waits for it any longer.
                    let _ = answer.send(self.wal.last_number());
                }
                Request::DeleteSegments(answer) => {
                    let synced = self.committer.pipe.synced();
                    let _ = answer.send(self.wal.delete_up_to(synced));
                }
                Request::Append(..) | Request::Change(_) => {}
            }
        }
    }

    /// Waits until another batch may wait for fjall.
    fn make_room(&mut self) {
        let pipe = &self.committer.pipe;
        pipe.wait_for_room();
        self.unapplied
            .forget(pipe.applied(), self.wal.last_number());
    }

    /// One record, one sync. From then on the batch lasts, whatever happens to fjall.
    fn commit(&mut self, changes: Vec<RowChange>, requests: usize) -> StoreResult<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let pipe = Arc::clone(&self.committer.pipe);
        let refused = |why: &str| StoreError::Unavailable(why.to_owned());
        let _writing = pipe.begin_write().map_err(refused)?;
        let began = Instant::now();
        let number = self.write(&pipe, &changes)?;
        self.figures
            .committed(requests, changes.len(), began.elapsed());
        let bytes = changes.iter().map(RowChange::weight_bytes).sum();
        let places = changes::places(&changes);
        pipe.put(Batch { number, changes }, Load { bytes, requests });
        // Every reader sees it from here on, and nobody was answered yet.
        self.changes.note(&places);
        Ok(())
    }

    fn write(&mut self, pipe: &Pipe, changes: &[RowChange]) -> StoreResult<u64> {
        loop {
            let before = self.wal.last_number();
            match self.wal.append(changes, pipe.synced()) {
                Ok(Written::Done { number, ended }) => {
                    if ended {
                        pipe.ask_sync(before);
                    }
                    return Ok(number);
                }
                Ok(Written::Full(oldest)) => {
                    if !pipe.wait_for_sync(oldest) {
                        let why = pipe.broken().unwrap_or("the store is closing");
                        return Err(StoreError::Unavailable(why.to_owned()));
                    }
                }
                Err(error) => {
                    let why = format!("a commit failed: {error}");
                    pipe.break_down(why.clone());
                    return Err(StoreError::Unknown(why));
                }
            }
        }
    }

    fn store_delivered(&mut self) {
        while let Some(marks) = self.delivered.some_to_store() {
            let tables = Arc::clone(&self.tables);
            let mut scratch = std::mem::take(&mut self.scratch);
            self.make_room();
            let mut stage = Stage::new(&tables, &mut self.unapplied, &mut scratch, marks.len());
            let staged = super::mark::stage_delivered(&mut stage, &marks);
            let changes = stage.into_changes();
            self.scratch = scratch;
            if let Err(error) = staged {
                tracing::error!(%error, "delivered marks are not stored");
                return;
            }
            if self.commit(changes, 0).is_err() {
                return;
            }
            self.delivered.stored(&marks);
        }
    }
}

impl Request {
    /// Whether it is part of a batch.
    fn is_staged(&self) -> bool {
        matches!(self, Self::Append(..) | Self::Change(_))
    }
}

/// Tells the writers when the thread ends in a panic.
struct Guard<'a>(&'a Committer);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0
                .pipe
                .break_down("the commit thread panicked".to_owned());
        }
        // Answers of those who wait are dropped with their requests.
        self.0.queue.lock().waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn request() -> Request {
        Request::Change(Box::new(|_| Box::new(|_| ())))
    }

    fn committer() -> Committer {
        Committer::without_thread(Room::new(PathBuf::new(), 0), Arc::new(Pipe::new(0)))
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
