//! Frames from clients, and how the server reads one.

#[cfg(feature = "openapi")]
use super::FrameSchema;
use super::{FRAME_ID_MAX_BYTES, tagged};
use crate::entry::{EditMessage, SendMessage};
use crate::error::{BadField, ErrorCode};
use crate::id::{ClientMsgId, ThreadId, UserId};
use crate::input::{self, Object, bad_field};
use crate::presence::{Heartbeat, State};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

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
