//! Somebody who reads a room live: applies what comes in order, fetches what is missing, and has
//! the socket cut under the hands now and then.

use super::crowd::Crowd;
use super::recorded::Person;
use crate::audit::{Held, PageSeen, Seen};
use anyhow::{Context, Result};
use kith_client::{Session, Socket};
use kith_protocol::ThreadId;
use kith_protocol::entry::Entry;
use kith_protocol::frame::ServerFrame;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Entries on the pages that readers and auditors ask for.
pub(crate) const PAGE_ENTRIES: usize = 200;
/// Wait before a socket is dialled again after one that did not open.
const REDIAL_AFTER: Duration = Duration::from_millis(50);
/// Commands that wait; more would mean that the reader is stuck.
const COMMANDS_MAX: usize = 16;

/// What a reader remembers of a room; outlives its sockets.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Every entry.
    pub held: Held,
    /// Seq and text as they came, for texts that may have been edited or deleted since.
    pub texts: Vec<(u64, u64)>,
    /// Entries that were pushed.
    pub pushed: u64,
    /// Entries that were fetched.
    pub fetched: u64,
}

/// A reader at work.
pub(super) struct Reader {
    commands: mpsc::Sender<Command>,
    task: JoinHandle<Result<Memory>>,
}

enum Command {
    Cut,
    Stop,
}

impl Reader {
    /// Begins to read, with what is remembered from before.
    pub(super) fn start(
        crowd: Arc<Crowd>,
        person: Person,
        thread: ThreadId,
        memory: Memory,
    ) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        let reading = Reading {
            crowd,
            person,
            thread,
            memory,
        };
        Self {
            commands,
            task: tokio::spawn(reading.run(inbox)),
        }
    }

    /// Cuts its socket.
    pub(super) async fn cut(&self) {
        // A reader that has failed says so when it is stopped.
        let _ = self.commands.send(Command::Cut).await;
    }

    /// Ends it; gives back what it remembers.
    pub(super) async fn stop(self) -> Result<Memory> {
        let _ = self.commands.send(Command::Stop).await;
        self.task.await.context("a reader")?
    }
}

impl Memory {
    /// Takes pushed entries in as far as they follow on what is held; false if some are missing.
    pub(crate) fn push(&mut self, entries: &[Entry]) -> bool {
        for entry in entries {
            let have = self.held.last();
            if entry.seq > have + 1 {
                return false;
            }
            if entry.seq == have + 1 {
                self.take(&seen(entry));
                self.pushed += 1;
            }
        }
        true
    }

    /// Fetches everything after what is held.
    pub(crate) async fn fetch(&mut self, session: &Session, thread: ThreadId) -> Result<()> {
        loop {
            let after = self.held.last();
            let path = format!("/v1/threads/{thread}/messages?after={after}&limit={PAGE_ENTRIES}");
            let answer = session.raw("GET", &path, &[], "").await?;
            if answer.status != 200 {
                anyhow::bail!("{path}: {}", String::from_utf8_lossy(&answer.body));
            }
            let page: PageSeen<'_> = serde_json::from_slice(&answer.body)?;
            for entry in &page.items {
                self.take(entry);
            }
            self.fetched += page.items.len() as u64;
            if !page.has_more_after || page.items.is_empty() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, entry: &Seen<'_>) {
        self.held.take(entry.seq, entry.identity());
        self.texts
            .push((entry.seq, text_hash(entry.text.as_deref())));
    }
}

/// What is remembered of a text.
pub(super) fn text_hash(text: Option<&str>) -> u64 {
    let mut hash = FxHasher::default();
    text.hash(&mut hash);
    hash.finish()
}

struct Reading {
    crowd: Arc<Crowd>,
    person: Person,
    thread: ThreadId,
    memory: Memory,
}

impl Reading {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Result<Memory> {
        let mut socket = self.connect().await;
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Cut) => {
                        // Dropping cuts the connection without a goodbye.
                        drop(socket.take());
                        socket = self.connect().await;
                    }
                    Some(Command::Stop) | None => return Ok(self.memory),
                },
                push = next(&mut socket) => match push {
                    Some(push) => self.take(push).await?,
                    None => {
                        tokio::time::sleep(REDIAL_AFTER).await;
                        socket = self.connect().await;
                    }
                },
            }
        }
    }

    /// Joins first and reads second, so that nothing falls between.
    async fn connect(&mut self) -> Option<Socket> {
        let socket = self.crowd.socket(self.person).await.ok()?;
        // Somebody who is out at the moment is refused, and still reads what was before.
        let _ = socket.subscribe(self.thread).await;
        self.fetch().await.ok()?;
        Some(socket)
    }

    async fn take(&mut self, push: ServerFrame) -> Result<()> {
        let is_whole = match push {
            ServerFrame::Entries(entries) if entries.thread_id == self.thread => {
                self.memory.push(&entries.entries)
            }
            ServerFrame::Resync(resync) => resync.thread_id.is_some_and(|id| id != self.thread),
            _ => true,
        };
        if is_whole { Ok(()) } else { self.fetch().await }
    }

    async fn fetch(&mut self) -> Result<()> {
        let session = self.crowd.session(self.person);
        self.memory.fetch(session, self.thread).await
    }
}

/// The next push; none when there is no socket or it has ended.
async fn next(socket: &mut Option<Socket>) -> Option<ServerFrame> {
    socket.as_mut()?.push().await
}

/// The parts of a pushed entry that are compared.
fn seen(entry: &Entry) -> Seen<'_> {
    Seen {
        seq: entry.seq,
        kind: entry.kind.as_str().into(),
        author_id: entry.author_id,
        client_msg_id: entry.client_msg_id,
        ord: entry.ord,
        read_moved: entry.read_moved,
        text: entry.text.as_deref().map(Into::into),
        target_seq: entry.target_seq,
        user_ids: Vec::new(),
        mentions: Vec::new(),
        emoji: None,
        edited_seq: entry.edited_seq,
        deleted_seq: entry.deleted_seq,
        reactions: Vec::new(),
    }
}
