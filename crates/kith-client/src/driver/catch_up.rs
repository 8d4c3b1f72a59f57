//! Catching up: sync, the digest that proves it, and the gaps that it shows.

use super::{Done, Driver, Event};
use crate::error::ClientError;
use crate::pace::Backoff;
use crate::replica::Gap;
use crate::told::Told;
use kith_protocol::entry::{Entry, PAGE_LIMIT, Page, PageQuery};
use kith_protocol::sync::{Sync, SyncQuery, SyncThread};
use kith_protocol::{ErrorCode, ThreadId};
use std::time::Duration;

/// Between two proofs by digest, give or take a fifth.
const DIGEST_EVERY: Duration = Duration::from_secs(600);

pub(super) struct CatchUp {
    pub(super) told: Told,
    /// A sync shall start as soon as the present one is done.
    wanted: bool,
    online: bool,
    /// While there is no socket.
    poll_at: Option<Duration>,
    digest_at: Duration,
    syncing: bool,
    fetching: bool,
    /// After a failure: not before this.
    not_before: Duration,
    backoff: Backoff,
    /// A full answer was asked for because of a digest; if that does not help, say so once.
    taking_anew: bool,
    /// The present sync asks for the digest.
    asked_digest: bool,
    /// The first sync of this folder: what is there already was not missed.
    cold: bool,
    /// Whether the application was told that all is known.
    caught_up: bool,
}

impl CatchUp {
    pub(super) fn new(told: Told) -> Self {
        Self {
            cold: told.cursor.is_none(),
            told,
            wanted: false,
            online: false,
            poll_at: None,
            digest_at: Duration::ZERO,
            syncing: false,
            fetching: false,
            not_before: Duration::ZERO,
            backoff: Backoff::default(),
            taking_anew: false,
            asked_digest: false,
            caught_up: false,
        }
    }

    pub(super) fn want(&mut self) {
        self.wanted = true;
        self.caught_up = false;
    }

    /// A socket is open: pushes come, polls are not needed.
    pub(super) fn go_online(&mut self) {
        self.poll_at = None;
        self.not_before = Duration::ZERO;
        self.online = true;
    }

    /// There is no socket: poll, first at this moment unless it is settled already.
    pub(super) fn poll_from(&mut self, at: Duration) {
        self.online = false;
        self.poll_at.get_or_insert(at);
    }

    /// Before anything was reached there is nobody to ask.
    fn has_started(&self) -> bool {
        self.online || self.poll_at.is_some()
    }

    /// Polls carry the question for the digest with them.
    fn proof_at(&self) -> Option<Duration> {
        self.online.then_some(self.digest_at)
    }

    pub(super) fn wakes_at(&self) -> Option<Duration> {
        if self.syncing || self.fetching || !self.has_started() {
            return None;
        }
        let due = if self.wanted || !self.caught_up {
            Some(Duration::ZERO)
        } else {
            self.poll_at.into_iter().chain(self.proof_at()).min()
        };
        due.map(|due| due.max(self.not_before))
    }

    /// Tries again after a pause; while polling, with the next poll.
    fn failed(&mut self, now: Duration, jitter: crate::pace::Jitter) {
        let pause_ends = now + self.backoff.next(jitter);
        self.not_before = self.poll_at.map_or(pause_ends, |at| at.max(now));
        self.want();
    }
}

impl Driver {
    /// One call at a time: gaps first, since they are what the application waits for.
    pub(super) fn catch_up_if_due(&mut self) {
        let now = self.now();
        let poll_every = self.link.poll_every();
        let next_poll = now + self.jitter().around(poll_every);
        let catch_up = &mut self.catch_up;
        if catch_up.syncing || catch_up.fetching || now < catch_up.not_before {
            return;
        }
        if let Some(gap) = self.replica.gap() {
            catch_up.fetching = true;
            self.fetch(gap);
            return;
        }
        if catch_up.poll_at.is_some_and(|at| at <= now) {
            catch_up.poll_at = Some(next_poll);
            catch_up.wanted = true;
        }
        if !catch_up.has_started() {
            return;
        }
        if catch_up.wanted || catch_up.proof_at().is_some_and(|at| at <= now) {
            catch_up.syncing = true;
            catch_up.wanted = false;
            self.sync();
        } else if !std::mem::replace(&mut catch_up.caught_up, true) {
            self.emit(Event::CaughtUp);
        }
    }

    fn sync(&mut self) {
        let proven = self.catch_up.digest_at <= self.now() || self.catch_up.taking_anew;
        self.catch_up.asked_digest = proven;
        let query = SyncQuery {
            cursor: self.catch_up.told.cursor.clone(),
            wait_s: None,
            digest: proven.then_some(1),
        };
        let api = self.api.clone();
        self.work.push(Box::pin(async move {
            Done::Synced(api.sync(query).await.map(Box::new))
        }));
    }

    pub(super) fn synced(&mut self, result: Result<Box<Sync>, ClientError>) {
        self.catch_up.syncing = false;
        let now = self.now();
        let jitter = self.jitter();
        let sync = match result {
            Ok(sync) => sync,
            Err(error) if self.ends(&error) => return,
            Err(error) => {
                tracing::debug!(%error, "sync failed");
                if error.code() == Some(ErrorCode::InvalidField) {
                    self.catch_up.told.start_anew();
                }
                self.catch_up.failed(now, jitter);
                self.http_sends = None;
                return;
            }
        };
        self.catch_up.backoff.reset();
        if !self.link.is_open() && self.http_sends.is_none() {
            self.http_sends = Some(now);
        }
        let more = sync.more;
        let verdict = self.catch_up.told.take(&sync);
        self.rows(*sync);
        for thread in verdict.vanished {
            self.replica.settle(thread);
            let left_seq = None;
            self.emit(Event::Gone { thread, left_seq });
        }
        self.memory.change(now);
        if more {
            self.catch_up.wanted = true;
            return;
        }
        self.catch_up.cold = false;
        self.judge(verdict.differs);
    }

    /// What the digest says of the cursor.
    fn judge(&mut self, differs: bool) {
        let next = self.now() + self.jitter().around(DIGEST_EVERY);
        let again = std::mem::take(&mut self.catch_up.taking_anew);
        if !differs {
            if self.catch_up.asked_digest {
                self.catch_up.digest_at = next;
            }
        } else if again {
            // The inbox may have changed between two pages; the next proof will tell.
            tracing::warn!("the inbox differs from its digest after taking everything anew");
            self.catch_up.digest_at = next;
        } else {
            tracing::warn!("the inbox differs from its digest: taking everything anew");
            self.catch_up.told.start_anew();
            self.catch_up.taking_anew = true;
            self.catch_up.want();
        }
    }

    fn rows(&mut self, sync: Sync) {
        for thread in sync.threads {
            match thread {
                SyncThread::Row(row) => {
                    if self.catch_up.cold && !self.options.from_the_beginning {
                        self.replica.follow(row.thread.id, row.head.last_seq);
                    }
                    self.replica.row(&row);
                    self.emit(Event::Row(row));
                }
                SyncThread::Gone { id, left_seq, .. } => {
                    self.replica.reaches(id, left_seq);
                    let left_seq = Some(left_seq);
                    self.emit(Event::Gone {
                        thread: id,
                        left_seq,
                    });
                }
            }
        }
        for contact in sync.contacts {
            self.emit(Event::Contact(Box::new(contact)));
        }
        for session in sync.sessions {
            self.emit(Event::Session(Box::new(session)));
        }
        if let Some(me) = sync.me {
            self.emit(Event::Me(Box::new(me)));
        }
    }

    fn fetch(&mut self, gap: Gap) {
        let api = self.api.clone();
        let query = PageQuery {
            after: Some(gap.after),
            limit: Some(*PAGE_LIMIT.end()),
            ..PageQuery::default()
        };
        self.work.push(Box::pin(async move {
            Done::Fetched(gap, api.page(gap.thread, query).await)
        }));
    }

    pub(super) fn fetched(&mut self, gap: Gap, result: Result<Page, ClientError>) {
        self.catch_up.fetching = false;
        match result {
            Ok(page) => {
                self.catch_up.backoff.reset();
                let ready = self.replica.page(gap, page);
                self.show(gap.thread, ready);
            }
            Err(error) if self.ends(&error) => {}
            Err(error) => {
                tracing::debug!(%error, "fetch failed");
                let refused = error.problem().is_some_and(|problem| problem.status < 500);
                if refused && !error.may_retry() {
                    self.replica.settle(gap.thread);
                }
                let (now, jitter) = (self.now(), self.jitter());
                self.catch_up.failed(now, jitter);
            }
        }
    }

    /// Hands entries to the application.
    pub(super) fn show(&mut self, thread: ThreadId, ready: Vec<Entry>) {
        let Some(last) = ready.last() else {
            return;
        };
        if self.options.acknowledge {
            self.marks
                .set(thread, crate::marks::Mark::Delivered, last.seq);
        }
        let now = self.now();
        self.memory.change(now);
        for entry in ready {
            let entry = Box::new(entry);
            self.emit(Event::Entry { thread, entry });
        }
    }

    /// Pushed entries: shown, or a reason to fetch.
    pub(super) fn pushed_entries(&mut self, thread: ThreadId, entries: Vec<Entry>) {
        if !self.replica.follows(thread) {
            // New here: its row tells what it is called.
            self.catch_up.want();
        }
        if let Some(first) = entries.first()
            && self.catch_up.cold
            && !self.options.from_the_beginning
        {
            // What is pushed from now on is new, although no row has told of the thread yet.
            self.replica.follow(thread, first.seq.saturating_sub(1));
        }
        let ready = self.replica.push(thread, entries);
        self.show(thread, ready);
    }
}
