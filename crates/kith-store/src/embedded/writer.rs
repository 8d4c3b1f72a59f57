//! The one commit loop: takes all that waits, builds one batch, makes it durable in the write-ahead log,
//! answers, and hands the batch on to fjall. Every condition is checked here, on the one thread that
//! decides what is written, so two of them never race.

use super::batch::{Batch, RowChange};
use super::changes::{self, Changes};
use super::commit::{Committer, Finish, Request};
use super::delivered::Delivered;
use super::figure::Figures;
use super::log::{self, LastSeqs};
use super::pipe::{Load, Pipe};
use super::stage::Stage;
use super::table::Tables;
use super::unapplied::Unapplied;
use super::wal::{Wal, Written};
use crate::log::Appended;
use crate::{StoreError, StoreResult};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;

/// Bytes of requests joined in one batch: an eighth of a file of the log.
const BATCH_MAX_BYTES: usize = 1024 * 1024;
/// Requests joined in one batch: with those that wait for fjall their threads are all known, see
/// [`LastSeqs`].
const BATCH_MAX_REQUESTS: usize = 4_096;

/// What the commit thread shares with readers.
pub(super) struct Shared {
    /// The tables below.
    pub(super) tables: Arc<Tables>,
    /// Marks that wait in memory.
    pub(super) delivered: Arc<Delivered>,
    /// What changed lately.
    pub(super) changes: Arc<Changes>,
    /// Figures.
    pub(super) figures: Arc<Figures>,
}

/// Starts the loop; it ends when the committer is closed.
pub(super) fn start(
    wal: Wal,
    committer: Arc<Committer>,
    shared: Shared,
) -> std::io::Result<JoinHandle<()>> {
    let Shared {
        tables,
        delivered,
        changes,
        figures,
    } = shared;
    let mut writer = Writer {
        committer,
        wal,
        tables,
        delivered,
        changes,
        figures,
        last_seqs: LastSeqs::default(),
        unapplied: Unapplied::default(),
        scratch: Vec::new(),
    };
    std::thread::Builder::new()
        .name("kith-commit".to_owned())
        .spawn(move || writer.run())
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
            let (delivered_due, closing) = committer.take(&mut requests);
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
                    let synced = self.committer.pipe().synced();
                    let _ = answer.send(self.wal.delete_up_to(synced));
                }
                Request::Append(..) | Request::Change(_) => {}
            }
        }
    }

    /// Waits until another batch may wait for fjall.
    fn make_room(&mut self) {
        let pipe = self.committer.pipe();
        pipe.wait_for_room();
        self.unapplied
            .forget(pipe.applied(), self.wal.last_number());
    }

    /// One record, one sync. From then on the batch lasts, whatever happens to fjall.
    fn commit(&mut self, changes: Vec<RowChange>, requests: usize) -> StoreResult<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let pipe = Arc::clone(self.committer.pipe());
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

/// Tells the writers when the thread ends in a panic.
struct Guard<'a>(&'a Committer);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0
                .pipe()
                .break_down("the commit thread panicked".to_owned());
        }
        self.0.give_up();
    }
}
