//! Acts over both doors, and what is heard on a socket.

use kith_client::{Api, ClientError, Session, Socket, new_msg_id};
use kith_protocol::entry::{
    Added, DeleteMessage, EditMessage, Entry, Marks, PageQuery, SendMessage, Sent,
};
use kith_protocol::frame::{self, ClientFrame, Receipt, ServerFrame, Skip};
use kith_protocol::thread::{InboxFilter, InboxQuery, InboxRow};
use kith_protocol::{ErrorCode, ThreadId};
use std::ops::Deref;
use std::time::Duration;

/// Longer than anything takes that comes at all.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// A request.
    Http,
    /// A frame.
    Socket,
}

/// Both ways in.
pub(crate) const DOORS: [Door; 2] = [Door::Http, Door::Socket];

/// A device with a socket open. It is a session: every call can be made on it.
pub(crate) struct Person {
    /// Who.
    pub(crate) session: Session,
    /// What is pushed.
    pub(crate) socket: Socket,
}

impl Deref for Person {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Person {
    /// Opens a socket.
    pub(crate) async fn of(session: Session) -> Self {
        let socket = session.socket().await.unwrap();
        Self { session, socket }
    }

    pub(crate) async fn say(
        &self,
        door: Door,
        thread: ThreadId,
        message: SendMessage,
    ) -> Result<Sent, ClientError> {
        match door {
            Door::Http => self.session.send(thread, message).await,
            Door::Socket => self.socket.send(thread, message).await,
        }
    }

    pub(crate) async fn amend(
        &self,
        door: Door,
        thread: ThreadId,
        seq: u64,
        edit: EditMessage,
    ) -> Result<Added, ClientError> {
        match door {
            Door::Http => self.session.edit(thread, seq, edit).await,
            Door::Socket => self.socket.edit(thread, seq, edit).await,
        }
    }

    pub(crate) async fn take_back(
        &self,
        door: Door,
        thread: ThreadId,
        seq: u64,
        delete: DeleteMessage,
    ) -> Result<Added, ClientError> {
        match door {
            Door::Http => self.session.delete(thread, seq, delete).await,
            Door::Socket => {
                let frame = ClientFrame::Delete(frame::Delete {
                    thread_id: thread,
                    seq,
                    client_msg_id: delete.client_msg_id,
                    seen_head: delete.seen_head,
                    t: Skip,
                    id: Skip,
                });
                self.socket.ask(frame).await?.read()
            }
        }
    }

    /// Puts an emoji on a message, or takes it away.
    pub(crate) async fn react_via(
        &self,
        door: Door,
        thread: ThreadId,
        seq: u64,
        emoji: &str,
        set: bool,
    ) -> Result<(), ClientError> {
        let emoji = emoji.to_owned();
        match (door, set) {
            (Door::Http, true) => self.session.react(thread, seq, &emoji).await,
            (Door::Http, false) => self.session.unreact(thread, seq, &emoji).await,
            (Door::Socket, true) => {
                let frame = ClientFrame::React(frame::React {
                    thread_id: thread,
                    seq,
                    emoji,
                    t: Skip,
                    id: Skip,
                });
                self.socket.ask(frame).await.map(drop)
            }
            (Door::Socket, false) => {
                let frame = ClientFrame::Unreact(frame::Unreact {
                    thread_id: thread,
                    seq,
                    emoji,
                    t: Skip,
                    id: Skip,
                });
                self.socket.ask(frame).await.map(drop)
            }
        }
    }

    pub(crate) async fn read_via(
        &self,
        door: Door,
        thread: ThreadId,
        seq: u64,
    ) -> Result<Marks, ClientError> {
        match door {
            Door::Http => self.session.read(thread, seq).await,
            Door::Socket => self.socket.read(thread, seq).await,
        }
    }

    pub(crate) async fn delivered_via(
        &self,
        door: Door,
        thread: ThreadId,
        seq: u64,
    ) -> Result<Marks, ClientError> {
        match door {
            Door::Http => self.session.delivered(thread, seq).await,
            Door::Socket => self.socket.delivered(thread, seq).await,
        }
    }

    /// Everything that was pushed so far. A ping goes after it, so whatever was queued before has
    /// come when its answer has.
    pub(crate) async fn heard(&mut self) -> Vec<ServerFrame> {
        self.socket.ping().await.unwrap();
        let mut heard = Vec::new();
        while let Some(frame) = self.socket.next_push(Duration::ZERO).await {
            heard.push(frame);
        }
        heard
    }

    /// Entries that were pushed so far, with their threads.
    pub(crate) async fn entries(&mut self) -> Vec<(ThreadId, Entry)> {
        let mut entries = Vec::new();
        for frame in self.heard().await {
            if let ServerFrame::Entries(pushed) = frame {
                assert_eq!(pushed.prev_seq + 1, pushed.entries[0].seq);
                let pushed_entries = pushed.entries.into_iter();
                entries.extend(pushed_entries.map(|entry| (pushed.thread_id, entry)));
            }
        }
        entries
    }

    /// Seqs that were pushed so far of one thread.
    pub(crate) async fn seqs(&mut self, thread: ThreadId) -> Vec<u64> {
        let entries = self.entries().await.into_iter();
        entries
            .filter(|(of, _)| *of == thread)
            .map(|(_, entry)| entry.seq)
            .collect()
    }

    /// Receipts that were pushed so far.
    pub(crate) async fn receipts_heard(&mut self) -> Vec<Receipt> {
        let heard = self.heard().await.into_iter();
        heard
            .filter_map(|frame| match frame {
                ServerFrame::Receipt(receipt) => Some(receipt),
                _ => None,
            })
            .collect()
    }

    /// The next push for which `wanted` gives something; further ones wait.
    pub(crate) async fn until<T>(&mut self, wanted: impl Fn(&ServerFrame) -> Option<T>) -> T {
        loop {
            let frame = self.socket.next_push(SOON).await;
            if let Some(found) = wanted(&frame.expect("it comes")) {
                return found;
            }
        }
    }
}

/// A message with a new id, of somebody who knows of nothing yet.
pub(crate) fn text(words: impl Into<String>) -> SendMessage {
    SendMessage::text(new_msg_id(), 0, words)
}

/// A new text with a new id.
pub(crate) fn edit(words: &str) -> EditMessage {
    EditMessage {
        client_msg_id: new_msg_id(),
        seen_head: 0,
        text: words.to_owned(),
    }
}

/// A deletion with a new id.
pub(crate) fn deletion() -> DeleteMessage {
    DeleteMessage {
        client_msg_id: new_msg_id(),
        seen_head: 0,
    }
}

/// The whole log as the caller sees it.
pub(crate) async fn log(api: &Api, thread: ThreadId) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let query = PageQuery {
            after: Some(entries.last().map_or(0, |entry| entry.seq)),
            limit: Some(200),
            ..PageQuery::default()
        };
        let page = api.page(thread, query).await.unwrap();
        entries.extend(page.items);
        if !page.has_more_after {
            return entries;
        }
    }
}

/// One entry of the log.
pub(crate) async fn entry(api: &Api, thread: ThreadId, seq: u64) -> Entry {
    let query = PageQuery {
        after: Some(seq - 1),
        limit: Some(1),
        ..PageQuery::default()
    };
    let entry = api.page(thread, query).await.unwrap().items.remove(0);
    assert_eq!(entry.seq, seq);
    entry
}

/// The texts of a log.
pub(crate) fn texts(log: &[Entry]) -> Vec<&str> {
    let messages = log.iter().filter(|entry| entry.kind.is_countable());
    messages.filter_map(|entry| entry.text.as_deref()).collect()
}

/// The caller's inbox, archived threads last.
pub(crate) async fn inbox(api: &Api) -> Vec<InboxRow> {
    let mut rows = Vec::new();
    for filter in [None, Some(InboxFilter::Archived)] {
        let mut cursor = None;
        loop {
            let query = InboxQuery {
                cursor,
                limit: Some(100),
                filter,
            };
            let page = api.inbox(&query).await.unwrap();
            rows.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    rows
}

/// The caller's row of a thread.
pub(crate) async fn row(api: &Api, thread: ThreadId) -> InboxRow {
    let rows = inbox(api).await.into_iter();
    rows.into_iter()
        .find(|row| row.thread.id == thread)
        .expect("is in the inbox")
}

/// Unread and mentions of a thread.
pub(crate) async fn counts(api: &Api, thread: ThreadId) -> (u64, u64) {
    let mine = row(api, thread).await.mine;
    (mine.unread, mine.mentions)
}

/// The code and the field of a refusal.
pub(crate) fn refused_field<T>(result: Result<T, ClientError>) -> (ErrorCode, String) {
    match result {
        Err(ClientError::Refused(problem)) => (problem.code, problem.field.unwrap_or_default()),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was accepted"),
    }
}

/// Chance that comes again with its seed (splitmix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// A number below the bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
