//! Frames from the server, and how a client reads one.

#[cfg(feature = "openapi")]
use super::FrameSchema;
use super::tagged;
use crate::contact::Contact;
use crate::entry::Entry;
use crate::error::Problem;
use crate::id::{ThreadId, UserId};
use crate::session::{DeviceKind, EndReason, Session};
use crate::thread::{Head, InboxRow, Mine};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Declares the frames of the server: the enum, and how a client reads one.
macro_rules! server_frames {
    ($($(#[$doc:meta])* $name:ident = $word:literal ($body:ty),)+) => {
        /// A frame from the server.
        #[derive(Clone, Debug)]
        pub enum ServerFrame {
            $($(#[$doc])* $name($body),)+
            /// A frame that this version does not know; clients pass over it.
            Unknown(String),
        }

        impl ServerFrame {
            /// The words of all server frames but `ok`, `pong` and `error`.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The JSON text of the frame.
            pub fn encode(&self) -> String {
                match self {
                    $(Self::$name(body) => tagged($word, None, body),)+
                    Self::Unknown(word) => tagged(word, None, &serde_json::Map::new()),
                }
            }

            /// The fields of every server frame beside `t`; without `ok`, `pong` and `error`.
            #[cfg(feature = "openapi")]
            pub fn schemas() -> Vec<FrameSchema> {
                vec![$(FrameSchema::of::<$body>($word)),+]
            }

            fn read(word: &str, json: &str) -> serde_json::Result<Self> {
                Ok(match word {
                    $($word => Self::$name(serde_json::from_str(json)?),)+
                    _ => Self::Unknown(word.to_owned()),
                })
            }
        }
    };
}

server_frames! {
    /// Hello was accepted: now sync.
    Welcome = "welcome" (Welcome),
    /// New entries of a thread.
    Entries = "entry" (Entries),
    /// Somebody read, or received.
    Receipt = "receipt" (Receipt),
    /// The user's private settings on a thread changed.
    Mine = "mine" (MineChanged),
    /// Somebody is typing.
    Typing = "typing" (TypingNow),
    /// A thread's row changed.
    Thread = "thread" (Box<InboxRow>),
    /// A contact, a request or a block changed.
    Contact = "contact" (ContactChanged),
    /// Comments of a live thread.
    Live = "live" (Live),
    /// Pushes were dropped: fetch.
    Resync = "resync" (Resync),
    /// The session is over; a final close follows.
    SessionEnded = "session_ended" (SessionEnded),
    /// The server goes away; a close follows.
    GoingAway = "going_away" (GoingAway),
    /// The last frame where the transport has no close codes.
    Closing = "closing" (Closing),
}

/// What comes over a socket to a client: an answer or a push.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// The frame `re` was done; the whole frame for its fields.
    Ok {
        /// The `id` of the client's frame.
        re: String,
        /// The whole frame.
        json: Box<str>,
    },
    /// The frame `re` was refused; without `re` it is about a frame that had no id.
    Refused {
        /// The `id` of the client's frame.
        re: Option<String>,
        /// Why.
        problem: Box<Problem>,
    },
    /// A push.
    Push(ServerFrame),
}

impl Incoming {
    /// Reads a frame of the server.
    pub fn parse(json: &str) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Top<'a> {
            #[serde(borrow)]
            t: Cow<'a, str>,
            #[serde(borrow, default)]
            re: Option<Cow<'a, str>>,
        }
        let top: Top<'_> = serde_json::from_str(json)?;
        let re = top.re.map(Cow::into_owned);
        Ok(match &*top.t {
            "ok" | "pong" => Self::Ok {
                re: re.unwrap_or_default(),
                json: json.into(),
            },
            "error" => Self::Refused {
                re,
                problem: serde_json::from_str(json)?,
            },
            word => Self::Push(ServerFrame::read(word, json)?),
        })
    }
}

/// Hello was accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Welcome {
    /// The session that said hello.
    pub session: Session,
    /// Name of the node.
    pub node: String,
    /// How often a heartbeat is due.
    pub heartbeat_s: u64,
}

/// New entries of a thread, without holes between them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entries {
    /// Which thread.
    pub thread_id: ThreadId,
    /// First seq − 1.
    pub prev_seq: u64,
    /// Ascending.
    pub entries: Vec<Entry>,
}

/// Marks of another member moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// Arrived up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_seq: Option<u64>,
    /// Read up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_seq: Option<u64>,
}

/// The user's private settings on a thread.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MineChanged {
    /// Which thread.
    pub thread_id: ThreadId,
    /// All of them.
    #[serde(flatten)]
    pub mine: Mine,
}

/// Somebody is typing, or stopped.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TypingNow {
    /// Where.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// Show it for 6 s, or until false.
    pub active: bool,
}

/// Something between the user and another one changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactChanged {
    /// Who.
    pub user_id: UserId,
    /// The contact, if they are contacts now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// They are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// The list of requests has changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requests: bool,
}

/// Comments of a live thread.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Live {
    /// Which thread.
    pub thread_id: ThreadId,
    /// A sample.
    pub entries: Vec<Entry>,
    /// How many are not in it.
    pub skipped: u64,
}

/// Pushes were dropped: fetch what is missing. Without a thread: of everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resync {
    /// Which thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
}

/// The session is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionEnded {
    /// Why.
    pub reason: EndReason,
    /// The device that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<EndedBy>,
}

/// The device that ended a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndedBy {
    /// What it is.
    pub kind: DeviceKind,
    /// What its user calls it.
    pub label: String,
    /// When.
    pub at: Timestamp,
}

/// The server goes away.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GoingAway {
    /// Come back after this many seconds, with jitter.
    pub retry_in_s: u64,
}

/// The last frame where the transport has no close codes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Closing {
    /// A close code.
    pub code: u16,
    /// In words.
    pub reason: String,
}
