//! One thing that is asked of the server, and the two doors through which it can be asked.

use super::stage::Stage;
use kith_client::{ClientError, Session, Socket};
use kith_protocol::entry::{DeleteMessage, EditMessage, SendMessage};
use kith_protocol::frame::{
    ClientFrame, Delete, Delivered, Edit, React, Read, Send, Skip, Unreact,
};
use kith_protocol::{ThreadId, UserId};
use serde::Deserialize;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Send(SendMessage),
    Edit(u64, EditMessage),
    Delete(u64, DeleteMessage),
    /// On which message, with what, on or off.
    React(u64, &'static str, bool),
    Read(u64),
    Delivered(u64),
    Add(UserId),
    Remove(UserId),
}

/// What answers have in common.
#[derive(Deserialize)]
pub(super) struct Added {
    /// The entry.
    pub(super) seq: u64,
}

/// The doors of one session.
pub(super) struct Door {
    /// HTTP.
    pub(super) session: Session,
    socket: Option<Socket>,
}

impl Door {
    /// No socket is open yet.
    pub(super) fn new(session: Session) -> Self {
        Self {
            session,
            socket: None,
        }
    }

    /// The open socket, or a new one.
    pub(super) async fn socket(&mut self, stage: &Stage) -> Result<&Socket, ClientError> {
        if self.socket.as_ref().is_some_and(|s| s.closed().is_some()) {
            self.socket = None;
        }
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => stage.socket(&self.session).await?,
        };
        Ok(self.socket.insert(socket))
    }

    /// The next one to ask over a socket dials.
    pub(super) fn hang_up(&mut self) {
        self.socket = None;
    }

    /// One attempt; the seq, if the answer has one.
    pub(super) async fn ask(
        &mut self,
        stage: &Stage,
        thread: ThreadId,
        ask: &Ask,
        over_socket: bool,
    ) -> Result<Option<u64>, ClientError> {
        let frame = ask.frame(thread).filter(|_| over_socket);
        let Some(frame) = frame else {
            return self.ask_http(thread, ask).await;
        };
        let answer = match self.socket(stage).await?.ask(frame).await {
            Err(error) if error.may_retry() => {
                // Whatever was refused on this connection holds up what follows on it.
                self.hang_up();
                return Err(error);
            }
            answered => answered?,
        };
        match ask {
            Ask::Send(_) | Ask::Edit(..) | Ask::Delete(..) => Ok(Some(answer.read::<Added>()?.seq)),
            _ => Ok(None),
        }
    }

    async fn ask_http(&self, thread: ThreadId, ask: &Ask) -> Result<Option<u64>, ClientError> {
        let session = &self.session;
        match ask {
            Ask::Send(message) => {
                let sent = session.send(thread, message.clone()).await?;
                return Ok(Some(sent.seq));
            }
            Ask::Edit(seq, edit) => {
                let added = session.edit(thread, *seq, edit.clone()).await?;
                return Ok(Some(added.seq));
            }
            Ask::Delete(seq, delete) => {
                let added = session.delete(thread, *seq, delete.clone()).await?;
                return Ok(Some(added.seq));
            }
            Ask::React(seq, emoji, true) => session.react(thread, *seq, emoji).await?,
            Ask::React(seq, emoji, false) => session.unreact(thread, *seq, emoji).await?,
            Ask::Read(seq) => drop(session.read(thread, *seq).await?),
            Ask::Delivered(seq) => drop(session.delivered(thread, *seq).await?),
            Ask::Add(user) => session.add_members(thread, &[*user]).await?,
            Ask::Remove(user) => session.remove_member(thread, *user).await?,
        }
        Ok(None)
    }
}

impl Ask {
    /// The frame that asks the same; none if there is no such frame.
    fn frame(&self, thread_id: ThreadId) -> Option<ClientFrame> {
        Some(match self.clone() {
            Self::Send(message) => ClientFrame::Send(Send::of(thread_id, message)),
            Self::Edit(seq, edit) => ClientFrame::Edit(Edit {
                thread_id,
                seq,
                client_msg_id: edit.client_msg_id,
                seen_head: edit.seen_head,
                text: edit.text,
                t: Skip,
                id: Skip,
            }),
            Self::Delete(seq, delete) => ClientFrame::Delete(Delete {
                thread_id,
                seq,
                client_msg_id: delete.client_msg_id,
                seen_head: delete.seen_head,
                t: Skip,
                id: Skip,
            }),
            Self::React(seq, emoji, true) => ClientFrame::React(React {
                thread_id,
                seq,
                emoji: emoji.to_owned(),
                t: Skip,
                id: Skip,
            }),
            Self::React(seq, emoji, false) => ClientFrame::Unreact(Unreact {
                thread_id,
                seq,
                emoji: emoji.to_owned(),
                t: Skip,
                id: Skip,
            }),
            Self::Read(seq) => ClientFrame::Read(Read {
                thread_id,
                seq,
                t: Skip,
                id: Skip,
            }),
            Self::Delivered(seq) => ClientFrame::Delivered(Delivered {
                thread_id,
                seq,
                t: Skip,
                id: Skip,
            }),
            Self::Add(_) | Self::Remove(_) => return None,
        })
    }
}
