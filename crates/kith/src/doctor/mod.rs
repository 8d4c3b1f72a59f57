//! Doctor: proves that everything stored fits together, and rebuilds what can be rebuilt.
//!
//! Logs are the truth and are only looked at. Views must be what the fold of `thread/state.rs` makes of their log;
//! unread is counted anew, without the sums of `inbox.rs`; what accounts and sessions hold twice must be the
//! same twice, which the store looks at itself. Repair writes views and nothing else: never logs, marks,
//! settings, drafts or accounts.
//!
//! On a running server nobody waits for it: it reads in pages. Only a thread in which something is found is
//! held for as long as it takes to look again, so that nothing is told that was on its way.

mod compare;
mod difference;
mod ear;
mod finding;
mod ids;
mod log;
mod marks;
mod readers;
mod thread;
mod views;

pub use ear::{Ear, Summary, Told};
pub use finding::{Finding, Kind};

use crate::config::Config;
use crate::node::SharedNode;
use crate::thread::sequencer::{Held, width};
use crate::thread::state::Width;
use finding::Findings;
use kith_protocol::ThreadId;
use kith_store::audit::{Index, Mend, Wrong};
use kith_store::log::Appended;
use kith_store::{SharedStore, StoreError, StoreResult};
use rustc_hash::FxHashSet;
use thread::{Bounds, Examined};

/// Threads, or rows of an index, that are asked for at once.
const PAGE: usize = 1000;

/// Damaged threads that are remembered, so that what follows from their damage is not told as well.
const REMEMBERED_MAX: usize = 100_000;

/// Looks at everything in a store.
pub struct Doctor {
    store: SharedStore,
    width: Width,
    /// The server that runs on the store, if one does.
    node: Option<SharedNode>,
    repair: bool,
    bounds: Bounds,
    summary: Summary,
    damaged: FxHashSet<ThreadId>,
}

impl Doctor {
    /// For a store that nobody else uses.
    pub fn of_folder(store: SharedStore, config: &Config, repair: bool) -> Self {
        Self {
            store,
            width: width(config),
            node: None,
            repair,
            bounds: Bounds::default(),
            summary: Summary::default(),
            damaged: FxHashSet::default(),
        }
    }

    /// For a server that runs.
    pub fn of_node(node: SharedNode, repair: bool) -> Self {
        let store = node.store.clone();
        Self {
            node: Some(node.clone()),
            ..Self::of_folder(store, &node.config, repair)
        }
    }

    /// Holds only so many rows and ids of a thread in memory at once, and reads longer logs more often. Tests give
    /// a few.
    pub fn in_windows_of(self, rows: usize) -> Self {
        Self {
            bounds: Bounds::of(rows),
            ..self
        }
    }

    /// Looks at everything; tells what is wrong as it is found, and the summary, or why it failed, at the end.
    pub async fn examine(mut self, mut ear: Ear) {
        let end = match self.everything(&mut ear).await {
            Ok(()) => Told::Summary(self.summary),
            Err(error) => Told::Failed {
                why: error.to_string(),
            },
        };
        // Nobody may be left to tell.
        let _ = ear.tell(end).await;
    }

    async fn everything(&mut self, ear: &mut Ear) -> StoreResult<()> {
        let size = self.size().await?;
        ear.tell(size).await?;
        let mut after = None;
        loop {
            let threads = self.store.thread_ids(after, PAGE).await?;
            for &thread in &threads {
                self.thread(thread, ear).await?;
            }
            after = threads.last().copied();
            if after.is_none() {
                break;
            }
        }
        let mut from = None;
        loop {
            let (threads, next) = self.store.loose_threads(from, PAGE).await?;
            for thread in threads {
                self.thread(thread, ear).await?;
            }
            from = next;
            if from.is_none() {
                break;
            }
        }
        for index in Index::ALL {
            self.index(index, ear).await?;
        }
        Ok(())
    }

    /// How much there is to read, by the heads: good enough for a bar.
    async fn size(&self) -> StoreResult<Told> {
        let (mut threads, mut entries, mut after) = (0, 0, None);
        loop {
            let ids = self.store.thread_ids(after, PAGE).await?;
            after = ids.last().copied();
            if after.is_none() {
                return Ok(Told::Size { threads, entries });
            }
            threads += ids.len() as u64;
            match self.store.heads(&ids).await {
                Ok(heads) => {
                    let heads = heads.into_iter().flatten();
                    let read = |seq| seq * self.bounds.readings(seq);
                    entries += heads.map(|head| read(head.last_seq)).sum::<u64>();
                }
                // It will be found; here it only makes the bar too short.
                Err(StoreError::Damaged(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn thread(&mut self, thread: ThreadId, ear: &mut Ear) -> StoreResult<()> {
        let mut seen = self.look(thread, false, ear).await?;
        self.summary.threads += 1;
        self.summary.entries += seen.entries;
        ear.thread().await?;
        if seen.findings.is_empty() {
            return Ok(());
        }
        let held = self.hold(thread).await?;
        if held.is_some() {
            seen = self.look(thread, false, ear).await?;
        }
        let mut standing = seen.findings.count();
        if self.repair && seen.is_mendable {
            self.look(thread, true, ear).await?;
            let after = self.look(thread, false, ear).await?.findings;
            seen.findings.mended_unless_in(&after);
            standing = after.count();
        }
        drop(held);
        let blurs = seen.findings.counts.keys().any(|kind| kind.blurs_indexes());
        if blurs && standing > 0 && self.damaged.len() < REMEMBERED_MAX {
            self.damaged.insert(thread);
        }
        self.tell(Some(thread), seen.findings, standing, ear).await
    }

    /// What the store itself cannot get over is a finding like others: the next thread may be sound.
    async fn look(&self, thread: ThreadId, mend: bool, ear: &mut Ear) -> StoreResult<Examined> {
        match thread::examine(&*self.store, thread, self.width, self.bounds, mend, ear).await {
            Err(StoreError::Damaged(what)) => {
                let mut findings = Findings::default();
                findings.add(Finding::new(
                    Kind::Unreadable,
                    what,
                    "a thread that can be read",
                ));
                Ok(Examined {
                    findings,
                    is_mendable: false,
                    entries: 0,
                })
            }
            other => other,
        }
    }

    /// Keeps a running server from appending to a thread, until it is dropped.
    async fn hold(&self, thread: ThreadId) -> StoreResult<Option<Held>> {
        let Some(node) = &self.node else {
            return Ok(None);
        };
        let held = node.sequencer.hold(thread).await;
        let stopping = || StoreError::Unavailable("the server is stopping".to_owned());
        held.map(Some).ok_or_else(stopping)
    }

    async fn index(&mut self, index: Index, ear: &mut Ear) -> StoreResult<()> {
        let (mut findings, mut standing, mut from) = (Findings::default(), 0, None);
        loop {
            let page = self.store.check_index(index, from, PAGE).await?;
            self.summary.index_rows += page.rows;
            for wrong in page.wrong {
                if wrong
                    .thread
                    .is_some_and(|thread| self.damaged.contains(&thread))
                {
                    continue;
                }
                let mended = self.mend_index(&wrong, ear).await?;
                standing += u64::from(!mended);
                findings.add(Finding {
                    thread: wrong.thread,
                    user: wrong.user,
                    mended,
                    ..Finding::new(index.into(), wrong.stands, wrong.should)
                });
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        self.tell(None, findings, standing, ear).await
    }

    /// Puts a row of an index right, if it is a view and that is wanted.
    async fn mend_index(&self, wrong: &Wrong, ear: &mut Ear) -> StoreResult<bool> {
        let (Some(thread), Some(mend), true) = (wrong.thread, &wrong.mend, self.repair) else {
            return Ok(false);
        };
        let held = self.hold(thread).await?;
        let last_seq = self.store.last_seq(thread).await?;
        let mends: Vec<Mend> = vec![mend.clone()];
        let done = self.store.mend(thread, last_seq, mends).await? == Appended::Done;
        if held.is_some() {
            // What had become right meanwhile, and was taken away all the same, comes back.
            self.look(thread, true, ear).await?;
        }
        Ok(done)
    }

    async fn tell(
        &mut self,
        thread: Option<ThreadId>,
        findings: Findings,
        standing: u64,
        ear: &Ear,
    ) -> StoreResult<()> {
        for (kind, count) in &findings.counts {
            *self.summary.found.entry(*kind).or_default() += count;
        }
        self.summary.standing += standing;
        ear.findings(thread, findings).await
    }
}
