//! What can be wanted of a thread.

use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Role, Settings, SettingsPatch, ThreadKind};
use kith_protocol::{ClientMsgId, UserId};
use kith_store::log::Body;

/// What an act takes beside its body, with the command around it.
const ACT_BYTES: usize = 256;

/// What somebody wants of a thread.
#[derive(Clone, Debug)]
pub enum Act {
    /// Entry 1.
    Create {
        /// Its kind.
        kind: ThreadKind,
        /// First members; the caller first.
        members: Vec<UserId>,
        /// Title of a group.
        title: Option<String>,
        /// First settings.
        settings: Settings,
    },
    /// A message.
    Send {
        /// Its key, with thread and author.
        client_msg_id: ClientMsgId,
        /// The head that the client knew at its first attempt.
        seen_head: u64,
        /// A countable kind.
        kind: EntryKind,
        /// Checked.
        body: Box<Body>,
    },
    /// New text for a message.
    Edit {
        /// Its key.
        client_msg_id: ClientMsgId,
        /// The head that the client knew at its first attempt.
        seen_head: u64,
        /// Which.
        target_seq: u64,
        /// Checked.
        text: String,
    },
    /// A message taken back.
    Delete {
        /// Its key.
        client_msg_id: ClientMsgId,
        /// The head that the client knew at its first attempt.
        seen_head: u64,
        /// Which.
        target_seq: u64,
    },
    /// An emoji put on a message, or taken away.
    React {
        /// Which.
        target_seq: u64,
        /// Checked.
        emoji: String,
        /// Put, or taken away.
        set: bool,
        /// Whether it is there, by the view; the sequencer reads it.
        is_set: bool,
    },
    /// People to come in.
    Add(Vec<UserId>),
    /// Somebody to go; oneself: to leave.
    Remove(UserId),
    /// A role to give.
    SetRole(UserId, Role),
    /// A new title.
    Title(String),
    /// Settings to change.
    Settings(SettingsPatch),
}

impl Act {
    /// The key of exactly-once, for acts that have one: id, seen head, and the kinds it may be of.
    pub fn key(&self) -> Option<(ClientMsgId, u64)> {
        match self {
            Self::Send {
                client_msg_id,
                seen_head,
                ..
            }
            | Self::Edit {
                client_msg_id,
                seen_head,
                ..
            }
            | Self::Delete {
                client_msg_id,
                seen_head,
                ..
            } => Some((*client_msg_id, *seen_head)),
            _ => None,
        }
    }

    /// The earlier message that the act is about.
    pub fn target_seq(&self) -> Option<u64> {
        match self {
            Self::Edit { target_seq, .. }
            | Self::Delete { target_seq, .. }
            | Self::React { target_seq, .. } => Some(*target_seq),
            Self::Send { body, .. } => body.reply_to,
            _ => None,
        }
    }

    /// Rough size, for bounds on what waits.
    pub fn weight_bytes(&self) -> usize {
        let body = match self {
            Self::Send { body, .. } => {
                let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
                length(&body.text) + length(&body.ext) + 16 * body.mentions.len()
            }
            Self::Edit { text, .. } => text.len(),
            Self::Create { members, .. } => 16 * members.len(),
            Self::Add(users) => 16 * users.len(),
            _ => 0,
        };
        ACT_BYTES + body
    }

    pub(super) fn is_kind(&self, kind: EntryKind) -> bool {
        match self {
            Self::Send { .. } => kind.is_countable(),
            Self::Edit { .. } => kind == EntryKind::Edit,
            Self::Delete { .. } => kind == EntryKind::Delete,
            _ => false,
        }
    }
}
