//! All that can travel on a socket: client frames, server frames, close codes.
//!
//! A frame is one JSON object; its field `t` names it. A client frame with an `id` gets exactly one
//! answer with `re` = that id.

use crate::contact::Contact;
use crate::entry::{EditMessage, Entry, SendMessage, Sent};
use crate::error::{BadField, ErrorCode, Problem};
use crate::id::{ClientMsgId, ThreadId, UserId};
use crate::input::{self, Object, bad_field};
use crate::presence::{Heartbeat, State};
use crate::session::{DeviceKind, EndReason, Session};
use crate::thread::{Head, InboxRow, Mine};
use crate::time::Timestamp;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "kith.v1";
/// A frame, both ways.
pub const FRAME_MAX_BYTES: usize = 262_144;
/// A frame's `id`.
pub const FRAME_ID_MAX_BYTES: usize = 64;
/// Sends of one connection that wait for their answer; at this many the server stops reading.
pub const UNACKNOWLEDGED_MAX: usize = 64;
/// Threads that one connection subscribes.
pub const SUBSCRIPTIONS_MAX: usize = 64;

/// Declares the frames of the client: a struct each, and the enum over them. Each struct also
/// accepts `t` and `id`, which were read before it.
macro_rules! client_frames {
    ($($(#[$doc:meta])* $name:ident = $word:literal {
        $($(#[$fmeta:meta])* $field:ident: $ty:ty,)*
    })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
            pub struct $name {
                $($(#[$fmeta])* pub $field: $ty,)*
                #[doc(hidden)]
                #[serde(default, skip_serializing)]
                #[cfg_attr(feature = "openapi", schema(ignore))]
                pub t: Skip,
                #[doc(hidden)]
                #[serde(default, skip_serializing)]
                #[cfg_attr(feature = "openapi", schema(ignore))]
                pub id: Skip,
            }
        )+

        /// A frame from a client.
        #[derive(Clone, Debug)]
        pub enum ClientFrame {
            $($(#[$doc])* $name($name),)+
        }

        impl ClientFrame {
            /// The words of all client frames.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word in `t`.
            pub fn word(&self) -> &'static str {
                match self { $(Self::$name(_) => $word,)+ }
            }

            fn read(word: &str, json: &[u8]) -> Result<Self, BadField> {
                match word {
                    $($word => input::parse::<$name>(json).map(Self::$name),)+
                    _ => Err(BadField {
                        code: ErrorCode::Unsupported,
                        field: "t".into(),
                        why: "there is no such frame".into(),
                    }),
                }
            }

            /// The JSON text of the frame, with an `id` if it is to be answered.
            pub fn encode(&self, id: Option<&str>) -> String {
                match self { $(Self::$name(body) => tagged($word, id, body),)+ }
            }

            /// The fields of every client frame beside `t` and `id`.
            #[cfg(feature = "openapi")]
            pub fn schemas() -> Vec<FrameSchema> {
                vec![$(FrameSchema::of::<$name>($word)),+]
            }
        }
    };
}

client_frames! {
    /// The first frame, within 10 s.
    Hello = "hello" {
        /// The session's token; absent where a cookie came with the upgrade.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        /// What the session says of itself.
        state: State,
        /// Names of what this client can do beyond the first version.
        #[serde(default)]
        capabilities: Vec<String>,
    }
    /// Sends a message.
    Send = "send" {
        /// Where.
        thread_id: ThreadId,
        /// Made by the client; the same on every retry.
        client_msg_id: ClientMsgId,
        /// The head that the client knew at its first attempt.
        seen_head: u64,
        /// `text` (default) or `custom`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<crate::entry::EntryKind>,
        /// The text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// An object of the client's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
        ext: Option<Box<RawValue>>,
        /// The message that this one answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<u64>,
        /// People named in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<UserId>,
        /// Names everybody.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        mention_all: bool,
    }
    /// New text for a message.
    Edit = "edit" {
        /// Where.
        thread_id: ThreadId,
        /// Which.
        seq: u64,
        /// Made by the client; the same on every retry.
        client_msg_id: ClientMsgId,
        /// The head that the client knew at its first attempt.
        seen_head: u64,
        /// The new text.
        text: String,
    }
    /// Takes a message back.
    Delete = "delete" {
        /// Where.
        thread_id: ThreadId,
        /// Which.
        seq: u64,
        /// Made by the client; the same on every retry.
        client_msg_id: ClientMsgId,
        /// The head that the client knew at its first attempt.
        seen_head: u64,
    }
    /// Puts an emoji on a message.
    React = "react" {
        /// Where.
        thread_id: ThreadId,
        /// Which.
        seq: u64,
        /// 1 to 32 bytes.
        emoji: String,
    }
    /// Takes it away.
    Unreact = "unreact" {
        /// Where.
        thread_id: ThreadId,
        /// Which.
        seq: u64,
        /// 1 to 32 bytes.
        emoji: String,
    }
    /// Everything up to `seq` was read.
    Read = "read" {
        /// Where.
        thread_id: ThreadId,
        /// Up to here.
        seq: u64,
    }
    /// Everything up to `seq` has arrived.
    Delivered = "delivered" {
        /// Where.
        thread_id: ThreadId,
        /// Up to here.
        seq: u64,
    }
    /// The caller is typing, or stopped.
    Typing = "typing" {
        /// Where.
        thread_id: ThreadId,
        /// Shown to the others for 6 s, or until false.
        active: bool,
    }
    /// The user gave a refused send up: later ones need not wait for it.
    Forget = "forget" {
        /// Which.
        client_msg_id: ClientMsgId,
    }
    /// Push entries of a large thread too.
    Subscribe = "subscribe" {
        /// Which.
        thread_id: ThreadId,
    }
    /// No longer.
    Unsubscribe = "unsubscribe" {
        /// Which.
        thread_id: ThreadId,
    }
    /// The session lives.
    Beat = "heartbeat" {
        /// What the session says of itself.
        state: State,
        /// Of the answer before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        friends_version: Option<String>,
    }
    /// Is anybody there?
    Ping = "ping" {}
}

impl Send {
    /// The message in it, as over HTTP.
    pub fn message(self) -> (ThreadId, SendMessage) {
        let message = SendMessage {
            client_msg_id: self.client_msg_id,
            seen_head: self.seen_head,
            kind: self.kind,
            text: self.text,
            ext: self.ext,
            reply_to: self.reply_to,
            mentions: self.mentions,
            mention_all: self.mention_all,
        };
        (self.thread_id, message)
    }

    /// The frame for a message.
    pub fn of(thread_id: ThreadId, message: SendMessage) -> Self {
        Self {
            thread_id,
            client_msg_id: message.client_msg_id,
            seen_head: message.seen_head,
            kind: message.kind,
            text: message.text,
            ext: message.ext,
            reply_to: message.reply_to,
            mentions: message.mentions,
            mention_all: message.mention_all,
            t: Skip,
            id: Skip,
        }
    }
}

impl Edit {
    /// The edit in it, as over HTTP.
    pub fn message(self) -> (ThreadId, u64, EditMessage) {
        let Self {
            thread_id,
            seq,
            client_msg_id,
            seen_head,
            text,
            ..
        } = self;
        (
            thread_id,
            seq,
            EditMessage {
                client_msg_id,
                seen_head,
                text,
            },
        )
    }
}

impl Beat {
    /// The heartbeat in it, as over HTTP.
    pub fn heartbeat(self) -> Heartbeat {
        Heartbeat {
            state: self.state,
            friends_version: self.friends_version,
        }
    }
}

/// What a client's bytes turned out to be.
#[derive(Debug)]
pub struct Received {
    /// Its `id`, if it has a good one.
    pub id: Option<String>,
    /// The frame, or what is wrong with it.
    pub frame: Result<ClientFrame, BadField>,
}

/// Bytes that are no frame at all: the connection is closed with 4104.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one JSON object")]
pub struct NoFrame;

impl Received {
    /// Reads a frame. `send`, `edit`, `delete`, `react` and `unreact` need an `id`.
    pub fn parse(json: &[u8]) -> Result<Self, NoFrame> {
        let head: Top<'_> = match serde_json::from_slice::<Object<Top<'_>>>(json) {
            Ok(Object(head)) => head,
            Err(error) => return Self::without_head(json, &error.to_string()),
        };
        let id = match head.id {
            Some(id) if id.is_empty() || id.len() > FRAME_ID_MAX_BYTES => {
                let why = "1 to 64 bytes";
                return Ok(Self {
                    id: None,
                    frame: Err(BadField::invalid("id", why)),
                });
            }
            Some(id) => Some(id.into_owned()),
            None if matches!(&*head.t, "send" | "edit" | "delete" | "react" | "unreact") => {
                let why = "is required";
                return Ok(Self {
                    id: None,
                    frame: Err(BadField::invalid("id", why)),
                });
            }
            None => None,
        };
        Ok(Self {
            frame: ClientFrame::read(&head.t, json),
            id,
        })
    }

    /// `t` or `id` is wrong, or this is no JSON object.
    fn without_head(json: &[u8], message: &str) -> Result<Self, NoFrame> {
        serde_json::from_slice::<std::collections::HashMap<Cow<'_, str>, IgnoredAny>>(json)
            .map_err(|_| NoFrame)?;
        let mut reader = serde_json::Deserializer::from_slice(json);
        let path = serde_path_to_error::deserialize::<_, Top<'_>>(&mut reader)
            .err()
            .map_or_else(|| ".".to_owned(), |error| error.path().to_string());
        Ok(Self {
            id: None,
            frame: Err(bad_field(&path, message)),
        })
    }
}

#[derive(Deserialize)]
struct Top<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "given")]
    id: Option<Cow<'a, str>>,
}

/// A null `id` is as wrong as a number.
fn given<'de: 'a, 'a, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    Cow::<'a, str>::deserialize(d).map(Some)
}

/// A field that was read before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Skip;

impl<'de> Deserialize<'de> for Skip {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(d).map(|_| Self)
    }
}

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

/// The schema of a frame, for the generated OpenAPI document.
#[cfg(feature = "openapi")]
pub struct FrameSchema {
    /// The word in `t`.
    pub word: &'static str,
    /// Its other fields.
    pub schema: utoipa::openapi::RefOr<utoipa::openapi::Schema>,
    /// Schemas by name that it refers to.
    pub parts: Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>,
}

#[cfg(feature = "openapi")]
impl FrameSchema {
    fn of<T: utoipa::ToSchema>(word: &'static str) -> Self {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        Self {
            word,
            schema: T::schema(),
            parts,
        }
    }
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

/// Reads the fields of an `ok` frame.
pub fn answer<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    serde_json::from_str(json)
}

/// The `ok` for frame `re`, with the fields of `body`.
pub fn ok<T: Serialize>(re: &str, body: &T) -> String {
    answered("ok", Some(re), body)
}

/// The `ok` of a send: what every sender waits for, so it is written straight.
pub fn sent(re: &str, sent: &Sent) -> String {
    #[derive(Serialize)]
    struct OkSent<'a> {
        t: &'a str,
        re: &'a str,
        seq: u64,
        ord: u64,
        at: Timestamp,
    }
    let Sent { seq, ord, at } = *sent;
    json(&OkSent {
        t: "ok",
        re,
        seq,
        ord,
        at,
    })
}

/// The `entry` frame for consecutive entries: what every reader waits for, so it is written straight.
pub fn entries(thread_id: ThreadId, entries: &[Entry]) -> String {
    #[derive(Serialize)]
    struct EntryFrame<'a> {
        t: &'a str,
        thread_id: ThreadId,
        prev_seq: u64,
        entries: &'a [Entry],
    }
    let prev_seq = entries.first().map_or(0, |entry| entry.seq - 1);
    json(&EntryFrame {
        t: "entry",
        thread_id,
        prev_seq,
        entries,
    })
}

/// The `error` for frame `re`.
pub fn error(re: Option<&str>, problem: &Problem) -> String {
    answered("error", re, problem)
}

/// The `pong` for a ping.
pub fn pong(re: Option<&str>) -> String {
    answered("pong", re, &serde_json::Map::new())
}

fn answered<T: Serialize>(t: &str, re: Option<&str>, body: &T) -> String {
    #[derive(Serialize)]
    struct Answer<'a, T> {
        t: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        re: Option<&'a str>,
        #[serde(flatten)]
        body: &'a T,
    }
    json(&Answer { t, re, body })
}

fn tagged<T: Serialize>(t: &str, id: Option<&str>, body: &T) -> String {
    #[derive(Serialize)]
    struct Tagged<'a, T> {
        t: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(flatten)]
        body: &'a T,
    }
    json(&Tagged { t, id, body })
}

/// Frames are structs with text keys: there is nothing in them that JSON could not hold.
fn json<T: Serialize>(frame: &T) -> String {
    serde_json::to_string(frame).unwrap_or_else(|error| unreachable!("a frame is JSON: {error}"))
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

/// Why a socket was closed. From 4100 on a close is final: do not reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The client closed, or all is well.
    Normal = 1000,
    /// Text that is not UTF-8.
    NotUtf8 = 1007,
    /// Against the rules of this server.
    Policy = 1008,
    /// A frame over its bound.
    TooLarge = 1009,
    /// No hello within 10 s, or nothing received for 90 s.
    Idle = 4001,
    /// The reader was too slow for its queue.
    SlowReader = 4002,
    /// The server restarts or drains: reconnect with jitter.
    Restart = 4003,
    /// Another device of the same kind signed in.
    SessionReplaced = 4100,
    /// Signed out, revoked, or the password was changed.
    SignedOut = 4101,
    /// The account is disabled.
    AccountDisabled = 4102,
    /// The token is unknown or expired.
    TokenInvalid = 4103,
    /// Bad JSON, a binary frame, a second hello, or anything before hello.
    ProtocolError = 4104,
}

impl CloseCode {
    /// Every code, in order.
    pub const ALL: &'static [Self] = &[
        Self::Normal,
        Self::NotUtf8,
        Self::Policy,
        Self::TooLarge,
        Self::Idle,
        Self::SlowReader,
        Self::Restart,
        Self::SessionReplaced,
        Self::SignedOut,
        Self::AccountDisabled,
        Self::TokenInvalid,
        Self::ProtocolError,
    ];

    /// The code with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| *code as u16 == number)
    }

    /// Whether a client may dial again.
    pub const fn is_final(self) -> bool {
        self as u16 >= 4100
    }

    /// In words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "closed",
            Self::NotUtf8 => "text is not utf-8",
            Self::Policy => "against the rules of this server",
            Self::TooLarge => "frame too large",
            Self::Idle => "nothing heard for too long",
            Self::SlowReader => "reader too slow",
            Self::Restart => "server restarts",
            Self::SessionReplaced => "another device signed in",
            Self::SignedOut => "signed out",
            Self::AccountDisabled => "account disabled",
            Self::TokenInvalid => "token unknown or expired",
            Self::ProtocolError => "protocol error",
        }
    }
}

impl From<EndReason> for CloseCode {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Replaced => Self::SessionReplaced,
            EndReason::SignedOut | EndReason::Revoked | EndReason::PasswordChanged => {
                Self::SignedOut
            }
            EndReason::Disabled => Self::AccountDisabled,
            EndReason::Expired => Self::TokenInvalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn wrong(json: &str) -> (ErrorCode, String) {
        let bad = Received::parse(json.as_bytes())
            .expect("an object")
            .frame
            .expect_err("is wrong");
        (bad.code, bad.field.into_owned())
    }

    #[test]
    fn a_frame_survives_the_wire() {
        let thread_id = ThreadId(Uuid::now_v7());
        let message = SendMessage::text(ClientMsgId(Uuid::new_v4()), 3, "hé\"llo");
        let json = ClientFrame::Send(Send::of(thread_id, message.clone())).encode(Some("7"));
        let got = Received::parse(json.as_bytes()).expect("a frame");
        assert_eq!(got.id.as_deref(), Some("7"));
        let Ok(ClientFrame::Send(send)) = got.frame else {
            panic!("{got:?}")
        };
        let (to, again) = send.message();
        assert_eq!(
            (to, again.client_msg_id, again.text),
            (thread_id, message.client_msg_id, message.text)
        );
    }

    #[test]
    fn what_is_no_object_is_no_frame() {
        for json in [
            "",
            "{",
            "[]",
            "null",
            "7",
            r#"{"t":"ping"} {}"#,
            "{\"t\":\"ping\",\"x\":\"\u{fffd}\"",
            "\"t\"",
            r#"["ping"]"#,
            r#"["ping","1"]"#,
        ] {
            assert_eq!(
                Received::parse(json.as_bytes()).err(),
                Some(NoFrame),
                "{json}"
            );
        }
    }

    #[test]
    fn a_wrong_field_of_a_frame_is_named() {
        let invalid = ErrorCode::InvalidField;
        assert_eq!(wrong("{}"), (invalid, "t".into()));
        assert_eq!(wrong(r#"{"t":7}"#), (invalid, "t".into()));
        assert_eq!(wrong(r#"{"t":"ping","id":7}"#), (invalid, "id".into()));
        assert_eq!(wrong(r#"{"t":"ping","id":null}"#), (invalid, "id".into()));
        assert_eq!(wrong(r#"{"t":"send"}"#), (invalid, "id".into()));
        assert_eq!(
            wrong(r#"{"t":"ping","id":"1","x":1}"#),
            (ErrorCode::UnknownField, "x".into())
        );
        assert_eq!(
            wrong(r#"{"t":"nope","id":"1"}"#),
            (ErrorCode::Unsupported, "t".into())
        );
    }

    #[test]
    fn an_answer_carries_the_fields_of_its_http_twin() {
        let json = ok("é", &crate::entry::Added { seq: 9 });
        assert_eq!(json, r#"{"t":"ok","re":"é","seq":9}"#);
        let Ok(Incoming::Ok { re, json }) = Incoming::parse(&json) else {
            panic!("{json}")
        };
        assert_eq!(
            (
                re.as_str(),
                answer::<crate::entry::Added>(&json).expect("fields").seq
            ),
            ("é", 9)
        );
    }
}
