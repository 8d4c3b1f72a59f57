//! A gate before a store: each call that the sequencer makes waits until the test says that it may go
//! on, and how it ends. It keeps nothing itself, so it is no store of its own.

use async_trait::async_trait;
use kith_protocol::{ClientMsgId, SessionId, ThreadId, Timestamp, UserId};
use kith_store::audit::{Index, IndexPage, Mend, Part, PartPage, Place, Unreadable};
use kith_store::contact::{Between, ContactChange, RequestRow};
use kith_store::inbox::InboxParts;
use kith_store::log::{Append, Appended, EntryRow, Span};
use kith_store::mark::MarkRow;
use kith_store::page::PageRows;
use kith_store::session::{SessionChange, SessionList, TokenHash, TokenState};
use kith_store::thread::{Deletion, HeadRow, MemberRow, Mention, OverlayRow, ReadMark};
use kith_store::user::UserRow;
use kith_store::user_thread::{UserThreadRow, Written};
use kith_store::{
    Audit, Contacts, Inbox, Marks, Pages, Sessions, SharedStore, Store, StoreError, StoreResult,
    Syncs, ThreadLog, Threads, UserThreads, Users,
};
use tokio::sync::{mpsc, oneshot};

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// As the store says.
    Goes,
    /// It fails, and has done nothing.
    Fails,
    /// Nobody knows what became of it. True: it was done.
    Unknown(bool),
    /// The node dies meanwhile. True: it was done.
    Dies(bool),
}

impl Fate {
    fn is_done(self) -> bool {
        matches!(self, Self::Goes | Self::Unknown(true) | Self::Dies(true))
    }
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Append,
    LastSeq,
    Entries,
    Heads,
    Members,
    Marks,
    Overlays,
    Reactions,
}

/// A call that waits.
pub(super) struct Held {
    /// Which gate holds it.
    pub(super) life: usize,
    pub(super) thread: ThreadId,
    pub(super) call: Call,
    pub(super) go: oneshot::Sender<Fate>,
    /// Once it has ended: whether entries were appended.
    pub(super) ended: oneshot::Receiver<bool>,
}

tokio::task_local! {
    /// Calls of the test itself pass.
    pub(super) static PASSES: ();
}

pub(super) struct Gate {
    pub(super) store: SharedStore,
    pub(super) life: usize,
    pub(super) held: mpsc::UnboundedSender<Held>,
}

impl Gate {
    /// Waits for the test, then does it, or not.
    async fn pass<T: Send>(
        &self,
        thread: ThreadId,
        call: Call,
        work: impl Future<Output = StoreResult<T>> + Send,
        appends: impl FnOnce(&T) -> bool + Send,
    ) -> StoreResult<T> {
        if PASSES.try_with(|()| ()).is_ok() {
            return work.await;
        }
        let (go, going) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let held = Held {
            life: self.life,
            thread,
            call,
            go,
            ended,
        };
        // The test has gone: nothing is asked any more.
        let _ = self.held.send(held);
        let Ok(fate) = going.await else {
            return std::future::pending().await;
        };
        let done = match fate.is_done() {
            true => Some(work.await),
            false => None,
        };
        let appended = matches!(&done, Some(Ok(value)) if appends(value));
        let _ = end.send(appended);
        match (fate, done) {
            (Fate::Goes, Some(done)) => done,
            (Fate::Dies(_), _) => std::future::pending().await,
            (Fate::Unknown(_), _) => Err(StoreError::Unknown("the test says so".to_owned())),
            _ => Err(StoreError::Unavailable("the test says so".to_owned())),
        }
    }
}

/// Passes the calls of a trait on.
macro_rules! passes_on {
    ($($part:ident { $(fn $name:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)+ })+) => {
        $(#[async_trait]
        impl $part for Gate {
            $(async fn $name(&self, $($arg: $ty),*) -> StoreResult<$answer> {
                self.store.$name($($arg),*).await
            })+
        })+
    };
}

passes_on! {
    Inbox {
        fn inbox_parts(user: UserId, threads: &[ThreadId]) -> Vec<Option<InboxParts>>;
    }
    Pages {
        fn view(thread: ThreadId, user: UserId) -> Option<(HeadRow, MemberRow)>;
        fn page_rows(thread: ThreadId, user: UserId, ranges: &[(u64, u64)]) -> PageRows;
    }
    UserThreads {
        fn user_threads(user: UserId) -> Vec<(ThreadId, UserThreadRow)>;
        fn user_thread(user: UserId, thread: ThreadId) -> Option<UserThreadRow>;
        fn put_user_thread(user: UserId, thread: ThreadId, expected_version: u64, row: UserThreadRow) -> Written<UserThreadRow>;
    }
    Users {
        fn create_user(row: UserRow) -> Written<UserId>;
        fn put_user(expected_version: u64, row: UserRow) -> Written<UserRow>;
        fn users(ids: &[UserId]) -> Vec<Option<UserRow>>;
        fn user_of_handle(handle: &str) -> Option<UserId>;
        fn handles(after: &str, limit: usize) -> Vec<(String, UserId)>;
        fn find_users(prefix: &str, limit: usize) -> Vec<UserId>;
        fn put_last_seen(seen: &[(UserId, Timestamp)]) -> ();
        fn last_seen(users: &[UserId]) -> Vec<Option<Timestamp>>;
    }
    Contacts {
        fn change_contact(change: ContactChange) -> ();
        fn between(a: UserId, b: UserId) -> Between;
        fn contacts(user: UserId) -> Vec<(UserId, Timestamp)>;
        fn former_contacts(user: UserId) -> Vec<UserId>;
        fn requests(user: UserId) -> Vec<RequestRow>;
        fn blocks(user: UserId) -> Vec<(UserId, Timestamp)>;
    }
    Sessions {
        fn sessions(user: UserId) -> SessionList;
        fn change_sessions(change: SessionChange) -> bool;
        fn token(token: &TokenHash) -> Option<TokenState>;
        fn touch_sessions(touched: &[(UserId, SessionId, Timestamp, Timestamp, String)]) -> ();
        fn forget_tokens(now: Timestamp) -> usize;
    }
    Audit {
        fn stored_entries(thread: ThreadId, after_seq: u64, limit: usize) -> Vec<Result<EntryRow, Unreadable>>;
        fn part_rows(thread: ThreadId, part: Part, from: Option<Place>, limit: usize) -> PartPage;
        fn loose_threads(from: Option<Place>, limit: usize) -> (Vec<ThreadId>, Option<Place>);
        fn check_index(index: Index, from: Option<Place>, limit: usize) -> IndexPage;
        fn mend(thread: ThreadId, expected_last_seq: u64, mends: Vec<Mend>) -> Appended;
    }
}

#[async_trait]
impl ThreadLog for Gate {
    async fn append(&self, append: Append) -> StoreResult<Appended> {
        let (thread, work) = (append.thread, self.store.append(append));
        let is_done = |appended: &Appended| *appended == Appended::Done;
        self.pass(thread, Call::Append, work, is_done).await
    }

    async fn last_seq(&self, thread: ThreadId) -> StoreResult<u64> {
        let work = self.store.last_seq(thread);
        self.pass(thread, Call::LastSeq, work, |_| false).await
    }

    async fn entries(
        &self,
        thread: ThreadId,
        span: Span,
        limit: usize,
    ) -> StoreResult<Vec<EntryRow>> {
        let work = self.store.entries(thread, span, limit);
        self.pass(thread, Call::Entries, work, |_| false).await
    }

    async fn find_client_msg(
        &self,
        thread: ThreadId,
        author: UserId,
        client_msg_id: ClientMsgId,
        after_seq: u64,
        up_to_seq: u64,
    ) -> StoreResult<Option<EntryRow>> {
        let store = &self.store;
        store
            .find_client_msg(thread, author, client_msg_id, after_seq, up_to_seq)
            .await
    }

    async fn thread_ids(
        &self,
        after: Option<ThreadId>,
        limit: usize,
    ) -> StoreResult<Vec<ThreadId>> {
        self.store.thread_ids(after, limit).await
    }

    async fn purge_erased(&self) -> StoreResult<()> {
        self.store.purge_erased().await
    }
}

#[async_trait]
impl Threads for Gate {
    async fn members(&self, thread: ThreadId) -> StoreResult<Vec<MemberRow>> {
        let work = self.store.members(thread);
        self.pass(thread, Call::Members, work, |_| false).await
    }

    async fn overlays(
        &self,
        thread: ThreadId,
        first_seq: u64,
        last_seq: u64,
    ) -> StoreResult<Vec<OverlayRow>> {
        let work = self.store.overlays(thread, first_seq, last_seq);
        self.pass(thread, Call::Overlays, work, |_| false).await
    }

    async fn reactions(
        &self,
        thread: ThreadId,
        user: UserId,
        first_seq: u64,
        last_seq: u64,
    ) -> StoreResult<Vec<(u64, String)>> {
        let work = self.store.reactions(thread, user, first_seq, last_seq);
        self.pass(thread, Call::Reactions, work, |_| false).await
    }

    async fn heads(&self, threads: &[ThreadId]) -> StoreResult<Vec<Option<HeadRow>>> {
        let work = self.store.heads(threads);
        self.pass(threads[0], Call::Heads, work, |_| false).await
    }

    async fn member(&self, thread: ThreadId, user: UserId) -> StoreResult<Option<MemberRow>> {
        self.store.member(thread, user).await
    }

    async fn deletions(
        &self,
        thread: ThreadId,
        after_seq: u64,
        up_to_seq: u64,
    ) -> StoreResult<Vec<Deletion>> {
        self.store.deletions(thread, after_seq, up_to_seq).await
    }

    async fn mentions(
        &self,
        thread: ThreadId,
        user: UserId,
        after_seq: u64,
        up_to_seq: u64,
    ) -> StoreResult<Vec<Mention>> {
        let store = &self.store;
        store.mentions(thread, user, after_seq, up_to_seq).await
    }

    async fn threads_of(&self, members: &[UserId]) -> StoreResult<Vec<ThreadId>> {
        self.store.threads_of(members).await
    }
}

#[async_trait]
impl Marks for Gate {
    async fn marks(&self, thread: ThreadId) -> StoreResult<Vec<(UserId, MarkRow)>> {
        let work = self.store.marks(thread);
        self.pass(thread, Call::Marks, work, |_| false).await
    }

    async fn put_read(
        &self,
        thread: ThreadId,
        user: UserId,
        read: ReadMark,
    ) -> StoreResult<ReadMark> {
        self.store.put_read(thread, user, read).await
    }

    async fn put_delivered(&self, marks: &[(ThreadId, UserId, SessionId, u64)]) -> StoreResult<()> {
        self.store.put_delivered(marks).await
    }

    async fn mark(&self, thread: ThreadId, user: UserId) -> StoreResult<MarkRow> {
        self.store.mark(thread, user).await
    }
}

impl Syncs for Gate {}

impl Store for Gate {
    fn health(&self) -> Result<(), String> {
        self.store.health()
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        self.store.figures()
    }

    /// The store outlives the nodes.
    fn close(&self) {}
}
