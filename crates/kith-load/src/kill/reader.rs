//! Two who only read: one over a socket, one by asking what is new and waiting for the answer. What they
//! were shown once must still be there in the end.

use super::call::{AGAIN_AFTER, surely};
use super::stage::Stage;
use crate::audit::Told;
use crate::replay::read_sync;
use crate::replay::reader::Memory;
use anyhow::Result;
use kith_client::Session;
use kith_protocol::ThreadId;
use kith_protocol::frame::ServerFrame;
use kith_protocol::sync::SyncQuery;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A poll waits this long for news: short, for a round ends only with the answer.
const WAIT_S: u64 = 1;
/// How long a reader looks at a quiet socket before it asks whether the round is over.
const QUIET: Duration = Duration::from_millis(200);

/// What a reader holds.
pub(super) struct Reader {
    pub(super) session: Session,
    pub(super) memories: BTreeMap<ThreadId, Memory>,
    /// What sync told the one who polls.
    pub(super) told: Told,
    /// Whether this is that one.
    pub(super) polls: bool,
}

impl Reader {
    fn new(stage: &Stage, session: &Session, polls: bool) -> Self {
        let rooms = stage.cast.rooms.iter().filter(|room| room.is_group);
        Self {
            session: session.clone(),
            memories: rooms.map(|room| (room.thread, Memory::default())).collect(),
            told: Told::default(),
            polls,
        }
    }

    /// Listens on a socket until the round is over.
    pub(super) async fn listen(stage: Arc<Stage>) -> Result<Self> {
        let mut reader = Self::new(&stage, &stage.cast.listener, false);
        while !stage.is_over() {
            // Join first, read second.
            let Ok(mut socket) = stage.socket(&reader.session).await else {
                tokio::time::sleep(AGAIN_AFTER).await;
                continue;
            };
            if reader.fetch_all().await.is_err() {
                tokio::time::sleep(AGAIN_AFTER).await;
                continue;
            }
            while socket.closed().is_none() && !stage.is_over() {
                if let Some(push) = socket.next_push(QUIET).await
                    && reader.take(push).await.is_err()
                {
                    break;
                }
            }
        }
        Ok(reader)
    }

    /// Polls until the round is over.
    pub(super) async fn poll(stage: Arc<Stage>) -> Result<Self> {
        let mut reader = Self::new(&stage, &stage.cast.poller, true);
        while !stage.is_over() {
            let wait = SyncQuery {
                cursor: Some(reader.told.cursor.clone()).filter(|cursor| !cursor.is_empty()),
                wait_s: Some(WAIT_S),
                digest: None,
            };
            let read = async {
                reader.session.sync(wait).await?;
                reader.told = read_sync(&reader.session, reader.told.clone()).await?.told;
                reader.fetch_all().await
            };
            if read.await.is_err() {
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
        Ok(reader)
    }

    /// Fetches the rest, when nothing is killed any longer.
    pub(super) async fn catch_up(&mut self) -> Result<()> {
        let session = self.session.clone();
        surely("who am I", async || session.me().await).await?;
        self.fetch_all().await
    }

    async fn take(&mut self, push: ServerFrame) -> Result<()> {
        match push {
            ServerFrame::Entries(entries) => {
                let Some(memory) = self.memories.get_mut(&entries.thread_id) else {
                    return Ok(());
                };
                if !memory.push(&entries.entries) {
                    memory.fetch(&self.session, entries.thread_id).await?;
                }
                Ok(())
            }
            ServerFrame::Resync(_) => self.fetch_all().await,
            _ => Ok(()),
        }
    }

    async fn fetch_all(&mut self) -> Result<()> {
        for (&thread, memory) in &mut self.memories {
            memory.fetch(&self.session, thread).await?;
        }
        Ok(())
    }
}
