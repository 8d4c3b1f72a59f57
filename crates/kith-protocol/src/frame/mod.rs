//! All that can travel on a socket: client frames, server frames, close codes.
//!
//! A frame is one JSON object; its field `t` names it. A client frame with an `id` gets exactly one
//! answer with `re` = that id.

mod client;
mod close;
mod server;

pub use client::*;
pub use close::CloseCode;
pub use server::*;

use crate::entry::{Entry, Sent};
use crate::error::Problem;
use crate::id::ThreadId;
use crate::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

pub(super) fn tagged<T: Serialize>(t: &str, id: Option<&str>, body: &T) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::SendMessage;
    use crate::error::ErrorCode;
    use crate::id::ClientMsgId;
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
