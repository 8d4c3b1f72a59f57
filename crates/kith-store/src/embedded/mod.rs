//! The embedded engine: a write-ahead log and fjall in a data folder, one commit loop.
//!
//! Writes go to one thread (`writer`) that joins what all threads of the program want into one batch
//! and one sync of the log (`wal`). It alone decides, so it checks every condition without a lock. A second
//! thread (`apply`) writes the batches to fjall, behind those who wait; a read first waits until it finds what
//! was acknowledged before it began (`pipe`), takes a snapshot, and runs where blocking is allowed, one hop per
//! call. What a row looks like stands in `row`, where it
//! lies in `key`, which keyspaces there are and why in `table`. The folder has a lock and a format
//! (`folder`). After a commit that failed the engine takes no more writes: what is on disk then is not
//! known for sure, and is known again after the next start.

mod anchor;
mod apply;
mod audit;
mod batch;
mod changes;
mod commit;
mod contact;
#[doc(hidden)]
pub mod damage;
mod delivered;
mod figure;
mod folder;
pub mod fuzz;
mod inbox;
mod index;
mod journal;
mod key;
mod log;
mod mark;
mod page;
mod pipe;
mod purge;
mod recover;
mod room;
mod row;
mod scan;
mod session;
mod stage;
mod stuck;
mod sync;
mod table;
mod thread;
mod unapplied;
mod unfinished;
mod user;
mod user_thread;
mod wal;
mod writer;

pub use folder::OpenError;

use crate::{SharedStore, Store, StoreError, StoreResult};
use changes::Changes;
use commit::{Committer, closed};
use delivered::Delivered;
use figure::Figures;
use folder::FolderLock;
use parking_lot::{Mutex, RwLock};
use pipe::Pipe;
use room::Room;
use stage::Stage;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use stuck::Stuck;
use table::{Reader, Tables};
use writer::Shared;

/// How the embedded engine is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedConfig {
    /// Where the data is. Made if it is not there; nothing else may be in it.
    pub folder: PathBuf,
    /// Blocks kept in memory for reading.
    pub cache_bytes: u64,
    /// Rows kept in memory until they are written in order, over all tables. Fixed when the folder is made.
    pub memtable_bytes: u64,
    /// Nothing is written while the disk has less left than this; 0: until it is full.
    pub reserve_bytes: u64,
}

impl Default for EmbeddedConfig {
    /// 24 MB: 8 for the cache, 16 for memtables. Up to 24 more wait while the disk stalls. The reserve is what
    /// fjall may need to come to an end: journals, tables that are being merged.
    fn default() -> Self {
        Self {
            folder: PathBuf::from("data"),
            cache_bytes: 8 * 1024 * 1024,
            memtable_bytes: 16 * 1024 * 1024,
            reserve_bytes: 256 * 1024 * 1024,
        }
    }
}

/// Opens the store in a folder.
pub fn open(config: EmbeddedConfig) -> Result<SharedStore, OpenError> {
    let lock = folder::prepare(&config.folder)?;
    let (tables, wal) = recover::recover(&config)?;
    let tables = Arc::new(tables);
    let pipe = Arc::new(Pipe::new(wal.last_number()));
    let delivered = Arc::new(Delivered::default());
    let changes = Arc::new(Changes::default());
    let figures = Arc::new(Figures::default());
    let io = |error| OpenError::io(&config.folder, error);
    let apply = apply::start(Arc::clone(&pipe), Arc::clone(&tables), Arc::clone(&figures));
    let apply = apply.map_err(io)?;
    let room = Room::new(config.folder.clone(), config.reserve_bytes);
    let commits = Arc::new(Committer::new(room, Arc::clone(&pipe)));
    let shared = Shared {
        tables: Arc::clone(&tables),
        delivered: Arc::clone(&delivered),
        changes: Arc::clone(&changes),
        figures: Arc::clone(&figures),
    };
    let commit = writer::start(wal, Arc::clone(&commits), shared).map_err(io)?;
    Ok(Arc::new(Embedded {
        tables: Arc::new(RwLock::new(Some(tables))),
        commits,
        pipe,
        delivered,
        changes,
        figures,
        folder: config.folder,
        stuck: tokio::sync::Mutex::default(),
        held: Mutex::new(Some(Held {
            commit,
            apply,
            _lock: lock,
        })),
        purging: tokio::sync::Mutex::default(),
    }))
}

/// The engine.
struct Embedded {
    /// None once closed. Readers hold it for the time of one call, so that closing waits for them.
    tables: Arc<RwLock<Option<Arc<Tables>>>>,
    commits: Arc<Committer>,
    pipe: Arc<Pipe>,
    delivered: Arc<Delivered>,
    changes: Arc<Changes>,
    figures: Arc<Figures>,
    folder: PathBuf,
    stuck: tokio::sync::Mutex<Option<Arc<Stuck>>>,
    held: Mutex<Option<Held>>,
    purging: tokio::sync::Mutex<()>,
}

/// What closing gives back.
struct Held {
    commit: JoinHandle<()>,
    apply: JoinHandle<()>,
    _lock: FolderLock,
}

impl Embedded {
    /// Reads where blocking is allowed; all of it sees one moment, not before that of the call.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let stuck = match self.pipe.broken() {
            None => None,
            Some(_) => self.stuck().await?,
        };
        self.blocking(move |tables| read(&tables.reader(stuck.as_deref())))
            .await
    }

    /// What was acknowledged and did not come into fjall any more. Nothing comes after it, so it is read once.
    async fn stuck(&self) -> StoreResult<Option<Arc<Stuck>>> {
        let mut stuck = self.stuck.lock().await;
        if stuck.is_none() {
            let (folder, pipe) = (self.folder.clone(), Arc::clone(&self.pipe));
            let read = self.blocking(move |_| {
                let applied = pipe.at_rest();
                let mut stuck = Stuck::default();
                wal::read_after(&folder, applied, |batch| stuck.add(batch.changes))
                    .map_err(|error| StoreError::Unavailable(error.to_string()))?;
                Ok(Arc::new(stuck))
            });
            *stuck = Some(read.await?);
        }
        Ok(stuck.clone())
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tables) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        self.pipe.caught_up().await;
        let tables = Arc::clone(&self.tables);
        tokio::task::spawn_blocking(move || match tables.read().as_deref() {
            Some(tables) => work(tables),
            None => Err(closed()),
        })
        .await
        .unwrap_or_else(|error| Err(StoreError::Unavailable(format!("a read ended: {error}"))))
    }

    /// Writes after checking conditions on the commit thread; see `commit`.
    async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        stage: impl FnOnce(&mut Stage<'_>) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        self.commits.change(bytes, stage).await
    }
}

impl Store for Embedded {
    fn health(&self) -> Result<(), String> {
        if self
            .tables
            .try_read()
            .is_some_and(|tables| tables.is_none())
        {
            return Err("the store is closed".to_owned());
        }
        match self.commits.why_not() {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        let mut all = self.figures.all();
        all.push(("waiting_requests", self.commits.waiting() as f64));
        all.push(("unapplied_bytes", self.pipe.waiting().bytes as f64));
        all.push(("waiting_delivered_marks", self.delivered.count() as f64));
        if let Some(tables) = self.tables.read().as_deref() {
            let db = &tables.db;
            all.push(("disk_bytes", db.disk_space().unwrap_or_default() as f64));
            all.push(("journals", db.journal_count() as f64));
            all.push(("memtable_bytes", db.write_buffer_size() as f64));
            all.push(("cache_bytes", db.cache_size() as f64));
            all.push(("compactions", db.compactions_completed() as f64));
        }
        all
    }

    fn close(&self) {
        self.commits.close();
        let Some(held) = self.held.lock().take() else {
            return;
        };
        // A panic there is told by `health` already.
        let _ = held.commit.join();
        self.pipe.close();
        let _ = held.apply.join();
        if let Some(tables) = self.tables.write().take()
            && self.commits.broken().is_none()
            && let Err(error) = tables.db.persist(fjall::PersistMode::SyncAll)
        {
            tracing::error!(
                error = in_words(&error),
                "the last sync of the store failed"
            );
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

/// What went wrong in fjall, as it is told to the program.
fn failed(error: fjall::Error) -> StoreError {
    match &error {
        fjall::Error::Io(_) | fjall::Error::Poisoned | fjall::Error::Locked => {
            StoreError::Unavailable(in_words(&error))
        }
        _ => StoreError::Damaged(in_words(&error)),
    }
}

/// What went wrong in fjall, as it is told to people.
fn in_words(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => {
            error.to_string()
        }
        fjall::Error::Poisoned => "an earlier write in the background failed".to_owned(),
        other => format!("{other:?}"),
    }
}
