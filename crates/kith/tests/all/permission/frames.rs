//! Frames.

use super::row::{Row, about, about_text, row};
use kith_client::new_msg_id;
use serde_json::{Value, json};

const OK_MEMBERS: &str = "ok ok ok ok not_a_member not_found ok closed:4101 closed:4103";
const OK_WRITERS: &str =
    "ok ok ok forbidden not_a_member not_found blocked closed:4101 closed:4103";
const OK_ALL: &str = "ok ok ok ok ok ok ok closed:4101 closed:4103";

/// The lines.
pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "frame hello",
            "",
            "welcome welcome welcome welcome welcome welcome welcome closed:4101 closed:4103",
            |_, _| (String::new(), Value::Null),
        ),
        row("frame send", "", OK_WRITERS, |_, p| about_text(p, None)),
        row(
            "frame edit",
            "the owner's",
            "ok forbidden forbidden forbidden not_a_member not_found forbidden closed:4101 closed:4103",
            |_, p| about_text(p, Some(p.owners)),
        ),
        row("frame edit", "one's own", OK_WRITERS, |_, p| {
            about_text(p, Some(p.own))
        }),
        row(
            "frame delete",
            "the owner's",
            "ok ok forbidden forbidden not_a_member not_found forbidden closed:4101 closed:4103",
            |_, p| {
                about(
                    p,
                    json!({"seq": p.owners, "client_msg_id": new_msg_id(), "seen_head": 0}),
                )
            },
        )
        .alone(),
        row("frame delete", "one's own", OK_MEMBERS, |_, p| {
            about(
                p,
                json!({"seq": p.own, "client_msg_id": new_msg_id(), "seen_head": 0}),
            )
        })
        .alone(),
        row("frame react", "", OK_WRITERS, |_, p| {
            about(p, json!({"seq": p.owners, "emoji": "z"}))
        }),
        row("frame unreact", "one's own", OK_WRITERS, |_, p| {
            about(p, json!({"seq": p.owners, "emoji": "x"}))
        })
        .alone(),
        row("frame read", "", OK_MEMBERS, |_, p| {
            about(p, json!({"seq": p.owners}))
        }),
        row("frame delivered", "", OK_MEMBERS, |_, p| {
            about(p, json!({"seq": p.owners}))
        }),
        row(
            "frame typing",
            "",
            "ok ok ok ok not_a_member not_found blocked closed:4101 closed:4103",
            |_, p| about(p, json!({"active": true})),
        ),
        row("frame forget", "", OK_ALL, |_, _| {
            (String::new(), json!({"client_msg_id": new_msg_id()}))
        }),
        row("frame subscribe", "", OK_MEMBERS, |_, p| {
            about(p, json!({}))
        }),
        row("frame unsubscribe", "", OK_ALL, |_, p| about(p, json!({}))),
        row("frame heartbeat", "", OK_ALL, |_, _| {
            (String::new(), json!({"state": "online"}))
        }),
        row(
            "frame ping",
            "",
            "pong pong pong pong pong pong pong closed:4101 closed:4103",
            |_, _| (String::new(), json!({})),
        ),
    ]
}
