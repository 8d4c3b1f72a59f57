//! Who is here: heartbeats and their answers.

use crate::id::{ThreadId, UserId};
use crate::time::Timestamp;
use crate::word::words;
use serde::{Deserialize, Serialize};

words! {
    /// What a session says of itself.
    State {
        /// Somebody looks at it.
        Online = "online",
        /// It runs, but nobody looks.
        Away = "away",
        /// It goes now.
        Leaving = "leaving",
    }
}

words! {
    /// What others see of a user: the best of the sessions.
    Status {
        /// No session has a lease.
        Offline = "offline",
        /// Sessions run, but nobody looks.
        Away = "away",
        /// Somebody looks at one.
        Online = "online",
    }
}

/// Says that a session lives, and asks what became of friends and large groups.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// What the session says of itself.
    pub state: State,
    /// `friends_version` of the answer before; without it all friends are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friends_version: Option<String>,
}

/// The answer to a heartbeat.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Beat {
    /// Seconds until the next one is due.
    pub next_s: u64,
    /// To be given with the next one.
    pub friends_version: String,
    /// Friends whose status changed since.
    pub friends: Vec<Friend>,
    /// Heads of large threads that this session does not subscribe and that changed.
    pub changed: Vec<Changed>,
}

/// Whether a friend is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Friend {
    /// Who.
    pub user_id: UserId,
    /// The best of the friend's sessions.
    pub status: Status,
    /// When the friend was last here, unless hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

/// A large thread that has grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Changed {
    /// Which.
    pub thread_id: ThreadId,
    /// Its last entry.
    pub last_seq: u64,
}

/// How a session wants to be pushed to.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct PushAddressQuery {
    /// `websocket` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
}

words! {
    /// What carries frames.
    Transport {
        /// WebSocket.
        Websocket = "websocket",
        /// TCP or TLS with length-prefixed frames.
        Tcp = "tcp",
        /// Server-sent events.
        Sse = "sse",
    }
}

/// Where to open a socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushAddress {
    /// The best place.
    pub url: String,
    /// Others, in order.
    pub fallback_urls: Vec<String>,
    /// How often to poll while no socket is open.
    pub poll_every_s: u64,
    /// When to ask again.
    pub expires_at: Timestamp,
}
