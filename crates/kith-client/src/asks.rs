//! Typed questions over a socket: the frames that have an HTTP twin.

use crate::error::ClientError;
use crate::socket::Socket;
use kith_protocol::ThreadId;
use kith_protocol::entry::{Added, EditMessage, Marks, SendMessage, Sent};
use kith_protocol::frame::{self, Beat, ClientFrame, Ping, Send, Skip, Subscribe};
use kith_protocol::presence::{self, State};

impl Socket {
    /// Sends a message.
    pub async fn send(&self, thread: ThreadId, message: SendMessage) -> Result<Sent, ClientError> {
        self.ask(ClientFrame::Send(Send::of(thread, message)))
            .await?
            .read()
    }

    /// New text for a message.
    pub async fn edit(
        &self,
        thread_id: ThreadId,
        seq: u64,
        edit: EditMessage,
    ) -> Result<Added, ClientError> {
        let edit = frame::Edit {
            thread_id,
            seq,
            client_msg_id: edit.client_msg_id,
            seen_head: edit.seen_head,
            text: edit.text,
            t: Skip,
            id: Skip,
        };
        self.ask(ClientFrame::Edit(edit)).await?.read()
    }

    /// Everything up to `seq` was read.
    pub async fn read(&self, thread_id: ThreadId, seq: u64) -> Result<Marks, ClientError> {
        let read = frame::Read {
            thread_id,
            seq,
            t: Skip,
            id: Skip,
        };
        self.ask(ClientFrame::Read(read)).await?.read()
    }

    /// Everything up to `seq` has arrived.
    pub async fn delivered(&self, thread_id: ThreadId, seq: u64) -> Result<Marks, ClientError> {
        let delivered = frame::Delivered {
            thread_id,
            seq,
            t: Skip,
            id: Skip,
        };
        self.ask(ClientFrame::Delivered(delivered)).await?.read()
    }

    /// The caller is typing, or stopped; there is no answer.
    pub async fn typing(&self, thread_id: ThreadId, active: bool) -> Result<(), ClientError> {
        let typing = frame::Typing {
            thread_id,
            active,
            t: Skip,
            id: Skip,
        };
        self.tell(ClientFrame::Typing(typing)).await
    }

    /// Push entries of a large thread too.
    pub async fn subscribe(&self, thread_id: ThreadId) -> Result<(), ClientError> {
        let subscribe = Subscribe {
            thread_id,
            t: Skip,
            id: Skip,
        };
        self.ask(ClientFrame::Subscribe(subscribe)).await.map(drop)
    }

    /// This session lives; what became of friends and large groups?
    pub async fn heartbeat(
        &self,
        state: State,
        friends_version: Option<String>,
    ) -> Result<presence::Beat, ClientError> {
        let beat = Beat {
            state,
            friends_version,
            t: Skip,
            id: Skip,
        };
        self.ask(ClientFrame::Beat(beat)).await?.read()
    }

    /// Is anybody there?
    pub async fn ping(&self) -> Result<(), ClientError> {
        self.ask(ClientFrame::Ping(Ping { t: Skip, id: Skip }))
            .await
            .map(drop)
    }
}
