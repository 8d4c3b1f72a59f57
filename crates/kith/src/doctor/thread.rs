//! One thread: its log is read and folded, then its views, marks and inbox rows are held against that.
//!
//! The log may grow meanwhile. Every page of views says as of which seq it is; the fold is brought there before
//! the two are compared.

use super::ear::Ear;
use super::finding::{Finding, Findings, Kind};
use super::ids::ClientIds;
use super::log::Log;
use super::marks::wrong_mark;
use super::readers::Readers;
use super::views::Views;
use crate::thread::changes::Changes;
use crate::thread::state::{ThreadState, Width};
use kith_protocol::ThreadId;
use kith_protocol::entry::EntryKind;
use kith_store::audit::{Mend, Unreadable};
use kith_store::log::{Appended, EntryRow};
use kith_store::{Store, StoreError, StoreResult};
use rustc_hash::FxHashMap;

/// Rows of a page: a millisecond of work, after which others have their turn.
pub(super) const PAGE_ROWS: usize = 1000;

/// Changes to views that are written at once: appends of other threads wait meanwhile.
const MENDS_AT_ONCE: usize = 500;

/// What of a thread is in memory at once, some 50 MB in all; what goes beyond is another reading of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Rows of views, some 300 bytes each.
    view_rows: usize,
    /// Client ids, some 20 bytes each; of a longer log two bytes for each of 16 times as many.
    ids: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            view_rows: 100_000,
            ids: 1 << 20,
        }
    }
}

impl Bounds {
    /// How often a log of so many entries is read, about.
    pub(super) fn readings(self, entries: u64) -> u64 {
        1 + u64::from(entries > self.ids)
    }

    /// So many of each.
    pub(super) fn of(rows: usize) -> Self {
        Self {
            view_rows: rows.max(1),
            ids: rows.max(1) as u64,
        }
    }
}

/// What was found in a thread.
pub(super) struct Examined {
    /// What is wrong.
    pub(super) findings: Findings,
    /// Whether some of it can be put right from the log.
    pub(super) is_mendable: bool,
    /// Entries of the log.
    pub(super) entries: u64,
}

/// Looks at a thread; with `mend`, puts its views right. Nobody may append to it then.
pub(super) async fn examine(
    store: &dyn Store,
    thread: ThreadId,
    width: Width,
    bounds: Bounds,
    mend: bool,
    ear: &mut Ear,
) -> StoreResult<Examined> {
    let entries = store.last_seq(thread).await?;
    let mut examination = Examination {
        store,
        thread,
        width,
        bounds,
        state: ThreadState::empty(thread, width),
        log: Log::default(),
        ids: Some(ClientIds::of_log(entries, bounds.ids)),
        views: Views::after(0),
        readers: Readers::default(),
        findings: Findings::default(),
        mends: mend.then(Vec::new),
        is_mendable: false,
        ear,
    };
    examination.whole().await?;
    Ok(Examined {
        findings: examination.findings,
        is_mendable: examination.is_mendable,
        entries: examination.log.last_seq,
    })
}

/// A thread while it is looked at.
pub(super) struct Examination<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) thread: ThreadId,
    width: Width,
    bounds: Bounds,
    pub(super) state: ThreadState,
    pub(super) log: Log,
    /// None when it is known which ids are there twice.
    ids: Option<ClientIds>,
    pub(super) views: Views,
    pub(super) readers: Readers,
    pub(super) findings: Findings,
    /// What will put views right, if that is wanted.
    mends: Option<Vec<Mend>>,
    is_mendable: bool,
    ear: &'a mut Ear,
}

impl Examination<'_> {
    /// The first time everything; then again for further windows and for client ids, if there are so many.
    async fn whole(&mut self) -> StoreResult<()> {
        let marks = self.marks().await?;
        self.readers = Readers::with_marks(marks.clone());
        self.read().await?;
        if self.log.is_whole {
            self.compare_window().await?;
            self.compare_thread().await?;
            self.compare_marks(&marks);
            self.compare_inboxes().await?;
        }
        while self.log.is_whole && self.views.up_to_seq < u64::MAX {
            self.next_window().await?;
        }
        while self.ids.is_some() {
            self.read_ids().await?;
        }
        self.write_mends().await
    }

    async fn next_window(&mut self) -> StoreResult<()> {
        let found = std::mem::take(&mut self.findings);
        self.state = ThreadState::empty(self.thread, self.width);
        self.log = Log::default();
        self.views = Views::after(self.views.up_to_seq);
        self.readers = Readers::default();
        self.read().await?;
        // All but the ids and the window was told the first time.
        let again = std::mem::replace(&mut self.findings, found);
        let doubles = again
            .told
            .into_iter()
            .filter(|one| one.kind == Kind::Double);
        doubles.for_each(|one| self.findings.add(one));
        if self.log.is_whole {
            self.compare_window().await?;
        }
        Ok(())
    }

    /// Reads the log for nothing but its client ids.
    async fn read_ids(&mut self) -> StoreResult<()> {
        let mut last_seq = 0;
        while last_seq < self.log.last_seq {
            let rows = self.page(last_seq).await?;
            self.ear.entries(rows.len() as u64).await?;
            let seqs = rows.iter().filter_map(|row| match row {
                Ok(entry) => Some(entry.seq),
                Err(unreadable) => unreadable.seq,
            });
            // The first reading was told of what has no place.
            let Some(seq) = seqs.max().filter(|&seq| seq > last_seq) else {
                break;
            };
            last_seq = seq;
            for entry in rows.iter().flatten() {
                self.look_for_double(entry).await?;
            }
        }
        self.ids = self.ids.take().and_then(ClientIds::next);
        Ok(())
    }

    async fn page(&self, after_seq: u64) -> StoreResult<Vec<Result<EntryRow, Unreadable>>> {
        self.store
            .stored_entries(self.thread, after_seq, PAGE_ROWS)
            .await
    }

    /// Reads the log to its end.
    async fn read(&mut self) -> StoreResult<()> {
        loop {
            let rows = self.page(self.log.last_seq).await?;
            let is_end = rows.len() < PAGE_ROWS;
            if !rows.is_empty() {
                self.take(rows).await?;
                self.views.shorten(self.bounds.view_rows);
            }
            if is_end {
                self.ids = self.ids.take().and_then(ClientIds::next);
                return Ok(());
            }
        }
    }

    /// Reads the log up to a seq.
    pub(super) async fn catch_up(&mut self, last_seq: u64) -> StoreResult<()> {
        while self.log.last_seq < last_seq {
            let limit = PAGE_ROWS.min((last_seq - self.log.last_seq) as usize);
            let rows = self
                .store
                .stored_entries(self.thread, self.log.last_seq, limit)
                .await?;
            if rows.is_empty() {
                return Ok(());
            }
            self.take(rows).await?;
        }
        Ok(())
    }

    async fn take(&mut self, rows: Vec<Result<EntryRow, Unreadable>>) -> StoreResult<()> {
        self.ear.entries(rows.len() as u64).await?;
        let before = self.log.last_seq;
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            page.extend(self.log.take(row, &mut self.findings));
        }
        if self.log.last_seq == before {
            return Err(StoreError::Damaged(format!(
                "a row after entry {before} has no readable place"
            )));
        }
        for entry in &page {
            self.look_for_double(entry).await?;
        }
        let deleted = self.deleted(&page).await?;
        if self.log.is_whole {
            self.fold(&page, &deleted);
        }
        Ok(())
    }

    async fn look_for_double(&mut self, entry: &EntryRow) -> StoreResult<()> {
        let Some(id) = entry.client_msg_id else {
            return Ok(());
        };
        let ids = self.ids.as_mut();
        if !ids.is_some_and(|ids| ids.is_seen(entry.author, id)) {
            return Ok(());
        }
        let first = self
            .store
            .find_client_msg(self.thread, entry.author, id, 0, entry.seq - 1);
        if let Some(first) = first.await? {
            let stands = format!(
                "the client_msg_id {id}, which entry {} of the same author has",
                first.seq
            );
            let finding = Finding::new(Kind::Double, stands, "one of its own");
            self.findings.add(finding.at(entry.seq).of(entry.author));
        }
        Ok(())
    }

    /// The messages that these entries take back, as they stand in the log.
    async fn deleted(&mut self, page: &[EntryRow]) -> StoreResult<FxHashMap<u64, EntryRow>> {
        let mut deleted = FxHashMap::default();
        for entry in page.iter().filter(|entry| entry.kind == EntryKind::Delete) {
            let Some(seq) = entry
                .body
                .target_seq
                .filter(|&seq| seq > 0 && seq < entry.seq)
            else {
                continue;
            };
            let target = match page.binary_search_by_key(&seq, |target| target.seq) {
                Ok(place) => Some(page[place].clone()),
                Err(_) => {
                    let rows = self.store.stored_entries(self.thread, seq - 1, 1).await?;
                    rows.into_iter().next().and_then(Result::ok)
                }
            };
            let Some(target) = target.filter(|target| target.seq == seq) else {
                continue;
            };
            if !target.erased {
                let stands = format!("a body that entry {} has deleted", entry.seq);
                self.findings
                    .add(Finding::new(Kind::Unerased, stands, "empty").at(seq));
            }
            deleted.insert(seq, target);
        }
        Ok(deleted)
    }

    fn fold(&mut self, page: &[EntryRow], deleted: &FxHashMap<u64, EntryRow>) {
        let mut targets = self.views.targets(page, deleted);
        let mut changes = Changes::default();
        for entry in page {
            if entry.erased && entry.kind.is_countable() && self.views.has(entry.seq) {
                self.views.erased.insert(entry.seq);
            }
            self.state.fold(entry, &mut targets, &mut changes);
            let target = entry.body.target_seq.and_then(|seq| deleted.get(&seq));
            for wrong in self.readers.take(entry, target.map(|target| target.author)) {
                self.findings.add(wrong_mark(wrong));
            }
        }
        self.views.apply(self.state.views(&mut changes, &targets));
    }

    pub(super) fn mend(&mut self, mend: Mend) {
        self.is_mendable = true;
        if let Some(mends) = &mut self.mends {
            mends.push(mend);
        }
    }

    pub(super) async fn write_some_mends(&mut self) -> StoreResult<()> {
        match &self.mends {
            Some(mends) if mends.len() >= MENDS_AT_ONCE => self.write_mends().await,
            _ => Ok(()),
        }
    }

    async fn write_mends(&mut self) -> StoreResult<()> {
        let Some(mends) = self.mends.as_mut().map(std::mem::take) else {
            return Ok(());
        };
        for some in mends.chunks(MENDS_AT_ONCE) {
            let last_seq = self.log.last_seq;
            let outcome = self
                .store
                .mend(self.thread, last_seq, some.to_vec())
                .await?;
            if outcome != Appended::Done {
                let thread = self.thread;
                return Err(StoreError::Unavailable(format!(
                    "thread {thread} grew while it was put right"
                )));
            }
        }
        Ok(())
    }
}
