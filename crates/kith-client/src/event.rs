//! What a client tells its application.

use crate::error::{ClientError, Closed};
use kith_protocol::entry::{Entry, EntryKind, SendMessage, Sent};
use kith_protocol::frame::{
    CloseCode, ContactChanged, EndedBy, Live, MineChanged, Receipt, SessionEnded, TypingNow,
};
use kith_protocol::presence::Friend;
use kith_protocol::session::EndReason;
use kith_protocol::sync::{SyncContact, SyncSession};
use kith_protocol::thread::InboxRow;
use kith_protocol::user::Me;
use kith_protocol::{ClientMsgId, ErrorCode, Problem, ThreadId, UserId};
use serde_json::value::RawValue;

/// Something that the application may want to show.
#[derive(Clone, Debug)]
pub enum Event {
    /// A socket is open and welcome.
    Connected,
    /// It is no longer; the client polls and dials again by itself.
    Disconnected(Closed),
    /// Everything up to now is known, and every gap was fetched.
    CaughtUp,
    /// A row of the inbox, new or changed.
    Row(Box<InboxRow>),
    /// The user is no longer in this thread.
    Gone {
        /// Which.
        thread: ThreadId,
        /// The last entry that may be read; none if the server does not list the thread at all.
        left_seq: Option<u64>,
    },
    /// An entry: each one once, in order per thread.
    Entry {
        /// Of which thread.
        thread: ThreadId,
        /// The entry.
        entry: Box<Entry>,
    },
    /// Comments of a live thread.
    Live(Box<Live>),
    /// Somebody's marks moved.
    Receipt(Receipt),
    /// Somebody is typing.
    Typing(TypingNow),
    /// The user's private settings on a thread changed.
    Mine(Box<MineChanged>),
    /// A contact as sync tells it.
    Contact(Box<SyncContact>),
    /// A contact, a request or a block as it was pushed.
    ContactChanged(Box<ContactChanged>),
    /// One of the user's sessions.
    Session(Box<SyncSession>),
    /// The user's own account.
    Me(Box<Me>),
    /// Friends who came or went.
    Friends(Vec<Friend>),
    /// A queued message is in the log.
    SendDone {
        /// Of which thread.
        thread: ThreadId,
        /// The id that queueing gave.
        client_msg_id: ClientMsgId,
        /// Where it stands.
        sent: Sent,
    },
    /// A queued message was refused for good, and is no longer in the outbox.
    SendRefused {
        /// Of which thread.
        thread: ThreadId,
        /// What it was.
        message: Box<SendMessage>,
        /// Why.
        problem: Box<Problem>,
    },
    /// The session is over; the client has stopped and will not come back by itself.
    SessionEnded(Ending),
}

/// Why a session is over.
#[derive(Clone, Debug)]
pub struct Ending {
    /// As far as the server said.
    pub reason: Option<EndReason>,
    /// The device that ended it, as far as the server said.
    pub by: Option<EndedBy>,
    /// In words.
    pub words: String,
}

impl Ending {
    /// Whether another device of the same kind took its place.
    pub fn was_replaced(&self) -> bool {
        self.reason == Some(EndReason::Replaced)
    }

    /// What an error says for which [`ClientError::ends_session`] holds.
    pub fn by_error(error: &ClientError) -> Self {
        let reason = match error {
            ClientError::Refused(problem) => match problem.code {
                ErrorCode::SessionReplaced => Some(EndReason::Replaced),
                ErrorCode::SessionExpired => Some(EndReason::Expired),
                ErrorCode::SessionRevoked => Some(EndReason::Revoked),
                ErrorCode::AccountDisabled => Some(EndReason::Disabled),
                _ => None,
            },
            ClientError::Closed(closed) => match closed.code.and_then(CloseCode::from_number) {
                Some(CloseCode::SessionReplaced) => Some(EndReason::Replaced),
                Some(CloseCode::SignedOut) => Some(EndReason::Revoked),
                Some(CloseCode::AccountDisabled) => Some(EndReason::Disabled),
                Some(CloseCode::TokenInvalid) => Some(EndReason::Expired),
                _ => None,
            },
            _ => None,
        };
        Self {
            reason,
            by: None,
            words: error.to_string(),
        }
    }
}

impl From<SessionEnded> for Ending {
    fn from(ended: SessionEnded) -> Self {
        let code = CloseCode::from(ended.reason);
        let words = match &ended.by {
            Some(by) => format!("{}: {} {:?} at {}", code.reason(), by.kind, by.label, by.at),
            None => code.reason().to_owned(),
        };
        Self {
            reason: Some(ended.reason),
            by: ended.by,
            words,
        }
    }
}

/// A message as the application writes it; the client adds its id and what had been seen.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// `text` if nothing is said.
    pub kind: Option<EntryKind>,
    /// The text.
    pub text: Option<String>,
    /// An object of the application's own.
    pub ext: Option<Box<RawValue>>,
    /// The message that this one answers.
    pub reply_to: Option<u64>,
    /// People named in it.
    pub mentions: Vec<UserId>,
    /// Names everybody.
    pub mention_all: bool,
}

impl<T: Into<String>> From<T> for Draft {
    fn from(text: T) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }
}

impl Draft {
    pub(crate) fn message(self, client_msg_id: ClientMsgId, seen_head: u64) -> SendMessage {
        SendMessage {
            client_msg_id,
            seen_head,
            kind: self.kind,
            text: self.text,
            ext: self.ext,
            reply_to: self.reply_to,
            mentions: self.mentions,
            mention_all: self.mention_all,
        }
    }
}
