//! Every bound of the protocol: at it, one below, one above. What is above is refused with the code
//! of the table and the name of the field, and leaves everything as it was.

use crate::support::wire::{Heard, Outcome, Wire, encoded};
use crate::support::{PASSWORD, Server, refused};
use kith_client::{Session, credentials, new_msg_id, new_thread_id};
use kith_protocol::entry::{MENTIONS_MAX, SendMessage};
use kith_protocol::frame::{FRAME_ID_MAX_BYTES, FRAME_MAX_BYTES, SUBSCRIPTIONS_MAX};
use kith_protocol::session::{DeviceKind, SESSIONS_MAX};
use kith_protocol::text::*;
use kith_protocol::thread::InboxQuery;
use kith_protocol::{ErrorCode, ThreadId, UserId};
use serde_json::{Value, json};
use std::time::Duration;

/// A body (`kith::http::input::BODY_MAX_BYTES` as the protocol has it).
const BODY_MAX_BYTES: usize = 1 << 20;
/// The first integer that is too large.
const TOO_HIGH: u64 = 1 << 53;

/// Code and field of a refusal; none: it is done.
type Refusal = Option<(&'static str, &'static str)>;

/// A group of ann and bo with one message, and ann at both doors.
struct Place {
    server: Server,
    ann: Session,
    bo: Session,
    wire: Wire,
    thread: ThreadId,
    message: u64,
}

impl Place {
    async fn open() -> Self {
        let server = Server::start().await;
        let ann = server.join("ann").await;
        let bo = server.join("bo-lund").await;
        let thread = ann.group("tea", &[bo.id()]).await.unwrap().thread.id;
        let hello = SendMessage::text(new_msg_id(), 0, "hello");
        let message = ann.send(thread, hello).await.unwrap().seq;
        let wire = Wire::open(&server, &ann).await;
        Self {
            server,
            ann,
            bo,
            wire,
            thread,
            message,
        }
    }

    /// All that ann could have changed.
    async fn rows(&self) -> Vec<String> {
        let members = format!("/v1/threads/{}/members", self.thread);
        let mut rows = Vec::new();
        for path in [
            "/v1/threads?limit=100",
            "/v1/me",
            "/v1/contacts/requests",
            "/v1/sessions",
            &members,
        ] {
            let answer = self.ann.raw("GET", path, &[], "").await.unwrap();
            assert_eq!(answer.status, 200, "{path}");
            rows.push(String::from_utf8(answer.body.to_vec()).unwrap());
        }
        rows
    }

    async fn head(&self) -> u64 {
        let inbox = self.ann.inbox(&InboxQuery::default()).await.unwrap();
        let row = inbox.items.iter().find(|row| row.thread.id == self.thread);
        row.unwrap().head.last_seq
    }

    /// Calls over HTTP, as ann.
    async fn http(&self, method: &str, path: &str, body: Option<Value>, refusal: Refusal) {
        let before = self.rows().await;
        let text = body.as_ref().map_or(String::new(), |body| body.to_string());
        let answer = self.ann.raw(method, path, &[], text).await.unwrap();
        let outcome = Outcome::of_http(&answer);
        let what = || short(&format!("{method} {path} {body:?}"));
        check(&what(), &outcome, refusal);
        if refusal.is_some() {
            assert_eq!(self.rows().await, before, "{}", what());
        }
    }

    /// Sends a frame, as ann; the connection lives on.
    async fn frame(&mut self, frame: Value, refusal: Refusal) {
        let before = self.rows().await;
        let answer = self.wire.ask(frame.clone()).await;
        let what = short(&frame.to_string());
        check(&what, &Outcome::of_frame(&answer), refusal);
        if refusal.is_some() {
            assert_eq!(self.rows().await, before, "{what}");
        }
        self.wire.is_alive().await;
    }

    /// Sends a message with these fields through both doors.
    async fn send(&mut self, fields: Value, refusal: Refusal) {
        let path = format!("/v1/threads/{}/messages", self.thread);
        let body = with(keyed(), &fields);
        self.http("POST", &path, Some(body), refusal).await;
        let place = json!({"t": "send", "thread_id": self.thread});
        let frame = with(with(place, &keyed()), &fields);
        self.frame(frame, refusal).await;
    }

    /// Edits the message through both doors.
    async fn edit(&mut self, fields: Value, refusal: Refusal) {
        let path = format!("/v1/threads/{}/messages/{}", self.thread, self.message);
        let body = with(keyed(), &fields);
        self.http("PATCH", &path, Some(body), refusal).await;
        let place = json!({"t": "edit", "thread_id": self.thread, "seq": self.message});
        let frame = with(with(place, &keyed()), &fields);
        self.frame(frame, refusal).await;
    }
}

fn check(what: &str, outcome: &Outcome, refusal: Refusal) {
    let (code, field) = refusal.unwrap_or_default();
    assert_eq!(
        (outcome.code.as_str(), outcome.field.as_str()),
        (code, field),
        "{what}"
    );
}

fn short(text: &str) -> String {
    let start: String = text.chars().take(160).collect();
    format!("{start}… ({} bytes)", text.len())
}

/// What every message needs.
fn keyed() -> Value {
    json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"})
}

/// The fields of both; null takes a field away.
fn with(mut object: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        object[name] = value.clone();
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        }
    }
    object
}

/// Sizes around both ends, each with the code of its refusal.
fn around(low: usize, high: usize, over: &'static str) -> Vec<(usize, Option<&'static str>)> {
    let mut sizes = vec![(high - 1, None), (high, None), (high + 1, Some(over))];
    if low > 0 {
        sizes.extend([
            (low - 1, Some("invalid_field")),
            (low, None),
            (low + 1, None),
        ]);
    }
    sizes
}

/// Graphemes of two code points each.
fn graphemes(count: usize) -> String {
    "e\u{301}".repeat(count)
}

/// So many bytes in one or two graphemes.
fn marks(bytes: usize) -> String {
    let letters = if bytes % 2 == 1 { "e" } else { "ee" };
    format!("{letters}{}", "\u{301}".repeat((bytes - letters.len()) / 2))
}

/// Objects and arrays in turn; the outer one is an object.
fn nested(levels: usize) -> Value {
    (1..levels).rev().fold(json!({}), |inner, level| {
        if level % 2 == 0 {
            json!([inner])
        } else {
            json!({ "k": inner })
        }
    })
}

#[tokio::test]
async fn texts_keep_their_bound_at_both_doors() {
    let mut place = Place::open().await;
    for (bytes, over) in around(1, TEXT_MAX_BYTES, "too_large") {
        let refusal = over.map(|code| (code, "text"));
        place
            .send(json!({"text": "x".repeat(bytes)}), refusal)
            .await;
        place
            .edit(json!({"text": "x".repeat(bytes)}), refusal)
            .await;
    }
    let below = TEXT_MAX_BYTES / 3;
    place.send(json!({"text": "語".repeat(below)}), None).await;
    let above = json!({"text": "語".repeat(below + 1)});
    place.send(above, Some(("too_large", "text"))).await;
    place
        .send(json!({"text": null}), Some(("invalid_field", "text")))
        .await;
}

#[tokio::test]
async fn drafts_have_the_bound_of_texts_but_may_be_empty() {
    let place = Place::open().await;
    let path = format!("/v1/threads/{}/mine", place.thread);
    let mut version = 0;
    for (bytes, code) in [
        (0, None),
        (1, None),
        (TEXT_MAX_BYTES - 1, None),
        (TEXT_MAX_BYTES, None),
        (TEXT_MAX_BYTES + 1, Some("too_large")),
    ] {
        let body = json!({"draft": {"text": "x".repeat(bytes), "version": version}});
        let refusal = code.map(|code| (code, "draft.text"));
        place.http("PATCH", &path, Some(body), refusal).await;
        version += u64::from(refusal.is_none());
    }
}

#[tokio::test]
async fn ext_keeps_its_size_and_depth_at_both_doors() {
    let mut place = Place::open().await;
    for (bytes, over) in around(0, EXT_MAX_BYTES, "too_large") {
        let ext = json!({"k": "x".repeat(bytes - r#"{"k":""}"#.len())});
        assert_eq!(ext.to_string().len(), bytes);
        place
            .send(json!({ "ext": ext }), over.map(|code| (code, "ext")))
            .await;
    }
    for (levels, over) in around(1, EXT_MAX_DEPTH, "invalid_field") {
        if levels == 0 {
            continue;
        }
        let refusal = over.map(|code| (code, "ext"));
        place.send(json!({ "ext": nested(levels) }), refusal).await;
    }
    for bad in [json!([]), json!("x"), json!(7), json!(true)] {
        place
            .send(json!({ "ext": bad }), Some(("invalid_field", "ext")))
            .await;
    }
    place
        .send(json!({"ext": {}, "kind": "custom", "text": null}), None)
        .await;
    place
        .send(
            json!({"kind": "custom", "text": null}),
            Some(("invalid_field", "ext")),
        )
        .await;
    let twice = format!(
        r#"{{"client_msg_id":"{}","seen_head":0,"text":"x","ext":{{"a":[{{"b":1,"b":2}}]}}}}"#,
        new_msg_id()
    );
    let path = format!("/v1/threads/{}/messages", place.thread);
    let before = place.rows().await;
    let answer = place.ann.raw("POST", &path, &[], twice).await.unwrap();
    check(
        "a key twice",
        &Outcome::of_http(&answer),
        Some(("invalid_field", "ext")),
    );
    assert_eq!(place.rows().await, before);
}

#[tokio::test]
async fn numbers_and_lists_of_a_message_keep_their_bounds_at_both_doors() {
    let mut place = Place::open().await;
    let bo = place.bo.id();
    for (count, over) in around(0, MENTIONS_MAX, "invalid_field") {
        let mentions = vec![bo; count];
        let refusal = over.map(|code| (code, "mentions"));
        place.send(json!({ "mentions": mentions }), refusal).await;
    }
    let above = |head: u64| [head + 1, TOO_HIGH - 1, TOO_HIGH, u64::MAX];
    let bad_head = Some(("invalid_field", "seen_head"));
    for seen_head in above(place.head().await) {
        place
            .send(json!({ "seen_head": seen_head }), bad_head)
            .await;
        place
            .edit(json!({ "seen_head": seen_head }), bad_head)
            .await;
        let key = new_msg_id();
        let (t, seq) = (place.thread, place.message);
        let path =
            format!("/v1/threads/{t}/messages/{seq}?client_msg_id={key}&seen_head={seen_head}");
        place.http("DELETE", &path, None, bad_head).await;
        let frame = json!({"t": "delete", "thread_id": t, "seq": seq, "client_msg_id": key, "seen_head": seen_head});
        place.frame(frame, bad_head).await;
    }
    place.send(json!({"seen_head": -1}), bad_head).await;
    place.send(json!({"seen_head": 0.5}), bad_head).await;
    let head = place.head().await;
    // The second one knows of the first.
    place.send(json!({ "seen_head": head - 1 }), None).await;
    place.send(json!({ "seen_head": head }), None).await;
    let bad_reply = Some(("invalid_field", "reply_to"));
    let head = place.head().await;
    place.send(json!({ "reply_to": place.message }), None).await;
    for reply_to in [0, 1, head + 9, TOO_HIGH, u64::MAX] {
        place.send(json!({ "reply_to": reply_to }), bad_reply).await;
    }
}

#[tokio::test]
async fn ids_are_36_lower_case_characters_at_both_doors() {
    let mut place = Place::open().await;
    let good = "abcdefab-0123-4567-89ab-0123456789ab";
    let bad = [
        good.to_uppercase(),
        good.replace('-', ""),
        format!("{{{good}}}"),
        good[..35].to_owned(),
        format!("{good}0"),
        String::new(),
    ];
    for id in &bad {
        let refusal = Some(("invalid_field", "client_msg_id"));
        place.send(json!({ "client_msg_id": id }), refusal).await;
        let refusal = Some(("invalid_field", "mentions[0]"));
        place.send(json!({ "mentions": [id] }), refusal).await;
        let body = json!({"kind": "group", "participants": [], "client_thread_id": id});
        let refusal = Some(("invalid_field", "client_thread_id"));
        place.http("POST", "/v1/threads", Some(body), refusal).await;
        let frame = json!({"t": "subscribe", "thread_id": id});
        place
            .frame(frame, Some(("invalid_field", "thread_id")))
            .await;
        let path = format!("/v1/threads/by-participants?users={}", encoded(id));
        place
            .http("GET", &path, None, Some(("invalid_field", "users")))
            .await;
    }
    place.send(json!({ "client_msg_id": good }), None).await;
}

#[tokio::test]
async fn emoji_keep_their_bound_at_both_doors() {
    let mut place = Place::open().await;
    let (t, seq) = (place.thread, place.message);
    for (bytes, over) in around(1, EMOJI_MAX_BYTES, "too_large") {
        let refusal = over.map(|code| (code, "emoji"));
        for unit in ["x", "é"] {
            let emoji = unit.repeat(bytes / unit.len());
            if emoji.len() != bytes {
                continue;
            }
            for (method, word) in [("PUT", "react"), ("DELETE", "unreact")] {
                let path = format!(
                    "/v1/threads/{t}/messages/{seq}/reactions/{}",
                    encoded(&emoji)
                );
                if bytes > 0 {
                    place.http(method, &path, None, refusal).await;
                }
                let frame = json!({"t": word, "thread_id": t, "seq": seq, "emoji": emoji});
                place.frame(frame, refusal).await;
            }
        }
    }
    for emoji in ["a b", "\u{7}", "\u{200b}"] {
        let path = format!(
            "/v1/threads/{t}/messages/{seq}/reactions/{}",
            encoded(emoji)
        );
        place
            .http("PUT", &path, None, Some(("invalid_field", "emoji")))
            .await;
    }
}

#[tokio::test]
async fn a_message_that_is_out_of_range_is_not_there_or_not_a_number() {
    let mut place = Place::open().await;
    let (t, head) = (place.thread, place.head().await);
    let high = Some(("invalid_field", "seq"));
    let none = Some(("not_found", ""));
    for (seq, refusal) in [
        (0, none),
        (1, none),
        (head + 1, none),
        (TOO_HIGH - 1, none),
        (TOO_HIGH, high),
        (u64::MAX, high),
    ] {
        let path = format!("/v1/threads/{t}/messages/{seq}");
        place.http("PATCH", &path, Some(keyed()), refusal).await;
        let key = format!("client_msg_id={}&seen_head=0", new_msg_id());
        place
            .http("DELETE", &format!("{path}?{key}"), None, refusal)
            .await;
        place
            .http("PUT", &format!("{path}/reactions/x"), None, refusal)
            .await;
        let at = json!({"thread_id": t, "seq": seq});
        for (word, more) in [
            ("edit", keyed()),
            ("delete", with(keyed(), &json!({"text": null}))),
            ("react", json!({"emoji": "x"})),
            ("unreact", json!({"emoji": "x"})),
        ] {
            place
                .frame(with(with(at.clone(), &json!({"t": word})), &more), refusal)
                .await;
        }
    }
}

#[tokio::test]
async fn marks_end_at_the_last_entry_at_both_doors() {
    let mut place = Place::open().await;
    let t = place.thread;
    let head = place.head().await;
    let above = Some(("invalid_field", "seq"));
    for (seq, refusal) in [
        (json!(head + 1), above),
        (json!(TOO_HIGH - 1), above),
        (json!(TOO_HIGH), above),
        (json!(u64::MAX), above),
        (json!(-1), above),
        (json!(0), None),
        (json!(head - 1), None),
        (json!(head), None),
    ] {
        for word in ["delivered", "read"] {
            let path = format!("/v1/threads/{t}/{word}");
            place
                .http("PUT", &path, Some(json!({ "seq": seq })), refusal)
                .await;
            let frame = json!({"t": word, "thread_id": t, "seq": seq});
            place.frame(frame, refusal).await;
        }
    }
    let of = |seq: u64| format!("/v1/threads/{t}/receipts?seq={seq}");
    place.http("GET", &of(head), None, None).await;
    for seq in [0, head + 1, TOO_HIGH, u64::MAX] {
        place
            .http("GET", &of(seq), None, Some(("not_found", "")))
            .await;
    }
}

#[tokio::test]
async fn pages_keep_their_bounds() {
    let place = Place::open().await;
    let messages = format!("/v1/threads/{}/messages", place.thread);
    for (path, high) in [(messages.as_str(), 200), ("/v1/threads", 100)] {
        for (limit, over) in around(1, high, "invalid_field") {
            let refusal = over.map(|code| (code, "limit"));
            place
                .http("GET", &format!("{path}?limit={limit}"), None, refusal)
                .await;
        }
        for limit in ["-1", "x", "", "1e2", "1.0", "18446744073709551616"] {
            let refusal = Some(("invalid_field", "limit"));
            place
                .http("GET", &format!("{path}?limit={limit}"), None, refusal)
                .await;
        }
    }
    for name in ["before", "after", "around"] {
        for (seq, fine) in [
            (0, true),
            (1, true),
            (TOO_HIGH - 1, true),
            (TOO_HIGH, false),
            (u64::MAX, false),
        ] {
            let refusal = (!fine).then_some(("invalid_field", name));
            place
                .http("GET", &format!("{messages}?{name}={seq}"), None, refusal)
                .await;
        }
    }
    let at = Some(("invalid_field", "at"));
    for (time, refusal) in [
        ("0000-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("9999-12-30T22:00:00Z", None),
        ("-000001-12-31T23:59:59Z", at),
        ("-009999-01-02T01:59:59Z", at),
    ] {
        let path = format!("{messages}?at={}", encoded(time));
        place.http("GET", &path, None, refusal).await;
    }
    let two = format!("{messages}?before=2&after=1");
    place
        .http("GET", &two, None, Some(("invalid_field", "after")))
        .await;
}

#[tokio::test]
async fn sync_keeps_its_bounds() {
    let place = Place::open().await;
    for (wait_s, over) in around(0, 30, "invalid_field") {
        let refusal = over.map(|code| (code, "wait_s"));
        place
            .http("GET", &format!("/v1/sync?wait_s={wait_s}"), None, refusal)
            .await;
    }
    for (digest, fine) in [
        ("0", true),
        ("1", true),
        ("2", false),
        ("255", false),
        ("256", false),
    ] {
        let refusal = (!fine).then_some(("invalid_field", "digest"));
        place
            .http("GET", &format!("/v1/sync?digest={digest}"), None, refusal)
            .await;
    }
    // One that could be a cursor means "everything"; a longer one is none.
    place
        .http(
            "GET",
            &format!("/v1/sync?cursor={}", "A".repeat(512)),
            None,
            None,
        )
        .await;
    for path in ["/v1/sync", "/v1/threads"] {
        let long = format!("{path}?cursor={}", "A".repeat(513));
        place
            .http("GET", &long, None, Some(("invalid_field", "cursor")))
            .await;
        let none = format!("{path}?cursor=%E2%98%83");
        place
            .http("GET", &none, None, Some(("invalid_field", "cursor")))
            .await;
    }
}

#[tokio::test]
async fn the_account_keeps_its_bounds() {
    let place = Place::open().await;
    for (count, over) in around(1, DISPLAY_NAME_MAX_GRAPHEMES, "invalid_field") {
        let body = json!({"display_name": graphemes(count)});
        let refusal = over.map(|code| (code, "display_name"));
        place.http("PATCH", "/v1/me", Some(body), refusal).await;
    }
    for (bytes, over) in around(0, DISPLAY_NAME_MAX_BYTES, "too_large") {
        let body = json!({"display_name": marks(bytes)});
        let refusal = over.map(|code| (code, "display_name"));
        place.http("PATCH", "/v1/me", Some(body), refusal).await;
    }
    for (count, over) in around(0, ABOUT_MAX_GRAPHEMES, "invalid_field") {
        let body = json!({"about": graphemes(count)});
        let refusal = over.map(|code| (code, "about"));
        place.http("PATCH", "/v1/me", Some(body), refusal).await;
        let body = json!({"user_id": place.bo.id(), "note": graphemes(count)});
        let refusal = over.map(|code| (code, "note"));
        place
            .http("POST", "/v1/contacts/requests", Some(body), refusal)
            .await;
    }
    place
        .http("PATCH", "/v1/me", Some(json!({"about": ""})), None)
        .await;
    for (count, over) in around(1, *QUERY_GRAPHEMES.end(), "invalid_field") {
        let path = format!("/v1/users?q={}", encoded(&graphemes(count)));
        place
            .http("GET", &path, None, over.map(|code| (code, "q")))
            .await;
    }
}

#[tokio::test]
async fn threads_keep_their_bounds() {
    let place = Place::open().await;
    let path = format!("/v1/threads/{}", place.thread);
    for (count, over) in around(1, TITLE_MAX_GRAPHEMES, "invalid_field") {
        let refusal = over.map(|code| (code, "title"));
        let title = graphemes(count);
        place
            .http("PATCH", &path, Some(json!({ "title": title })), refusal)
            .await;
        let body = json!({"kind": "group", "participants": [], "title": title, "client_thread_id": new_thread_id()});
        place.http("POST", "/v1/threads", Some(body), refusal).await;
    }
    for (slow_s, over) in around(0, 86_400, "invalid_field") {
        let body = json!({"settings": {"slow_s": slow_s}});
        let refusal = over.map(|code| (code, "settings.slow_s"));
        place.http("PATCH", &path, Some(body), refusal).await;
    }
    place
        .http(
            "PATCH",
            &path,
            Some(json!({"settings": {"slow_s": 0}})),
            None,
        )
        .await;
    let members = format!("{path}/members");
    for (count, over) in around(1, 200, "invalid_field") {
        let body = json!({"user_ids": vec![place.bo.id(); count]});
        let refusal = over.map(|code| (code, "user_ids"));
        place.http("POST", &members, Some(body), refusal).await;
    }
    for participants in [
        vec![],
        vec![place.ann.id()],
        vec![place.bo.id(), place.server.join("cy-moss").await.id()],
    ] {
        let body = json!({"kind": "direct", "participants": participants, "client_thread_id": new_thread_id()});
        place
            .http(
                "POST",
                "/v1/threads",
                Some(body),
                Some(("invalid_field", "participants")),
            )
            .await;
    }
}

#[tokio::test]
async fn a_group_takes_as_many_as_it_may() {
    let server = Server::with(|config| config.thread.group_max_members = 5).await;
    let ann = server.join("ann").await;
    let mut others: Vec<UserId> = Vec::new();
    for n in 0..6 {
        others.push(server.join(&format!("guest{n}")).await.id());
    }
    let mut full = None;
    for (count, refusal) in [
        (3, ("", "")),
        (4, ("", "")),
        (5, ("group_full", "")),
        (6, ("invalid_field", "participants")),
    ] {
        let body = json!({"kind": "group", "participants": others[..count], "client_thread_id": new_thread_id()});
        let answer = ann
            .raw("POST", "/v1/threads", &[], body.to_string())
            .await
            .unwrap();
        let outcome = Outcome::of_http(&answer);
        assert_eq!(
            (outcome.code.as_str(), outcome.field.as_str()),
            refusal,
            "{count}"
        );
        if count == 4 {
            let row: Value = serde_json::from_slice(&answer.body).unwrap();
            full = Some(row["thread"]["id"].as_str().unwrap().to_owned());
        }
    }
    let threads = ann.inbox(&InboxQuery::default()).await.unwrap().items;
    assert_eq!(threads.len(), 2);
    let full = full.unwrap();
    let body = json!({"user_ids": [others[4]]}).to_string();
    let answer = ann
        .raw("POST", &format!("/v1/threads/{full}/members"), &[], body)
        .await
        .unwrap();
    assert_eq!(Outcome::of_http(&answer).code, "group_full");
    let row = threads
        .iter()
        .find(|row| row.thread.id.to_string() == full)
        .unwrap();
    let now = ann.thread(row.thread.id).await.unwrap();
    assert_eq!((now.member_count, row.head.last_seq), (5, 1));
}

#[tokio::test]
async fn signing_up_and_in_keeps_its_bounds() {
    let server = Server::start().await;
    let api = server.api();
    server.join("ann").await;
    let call = async |path: &str, body: Value, refusal: Refusal| {
        let answer = api.raw("POST", path, &[], body.to_string()).await.unwrap();
        let outcome = Outcome::of_http(&answer);
        check(&short(&body.to_string()), &outcome, refusal);
        if let (Some(_), Some(handle)) = (refusal, body["handle"].as_str())
            && path == "/v1/register"
        {
            let ann = api
                .login(&credentials("ann", PASSWORD, DeviceKind::Web))
                .await
                .unwrap();
            let path = format!("/v1/users/@{}", encoded(handle));
            let nobody = ann.raw("GET", &path, &[], "").await.unwrap();
            assert_eq!(nobody.status, 404, "{handle}");
        }
    };
    let mut number = 0;
    let mut somebody = |more: Value| {
        number += 1;
        let base = json!({"handle": format!("p{number:02}"), "password": PASSWORD, "device": {"kind": "web", "label": "tests"}});
        with(base, &more)
    };
    for (chars, over) in around(3, 32, "invalid_field") {
        let handle = somebody(json!({}))["handle"].as_str().unwrap().to_owned();
        let handle = format!("{handle:x<chars$}")
            .chars()
            .take(chars)
            .collect::<String>();
        let body = somebody(json!({ "handle": handle }));
        call("/v1/register", body, over.map(|code| (code, "handle"))).await;
    }
    for handle in [
        "9abc", "-abc", ".abc", "Abc", "abC", "a b", "a/b", "äbc", "", "аbc", "abc\u{0}",
    ] {
        let body = somebody(json!({ "handle": handle }));
        call("/v1/register", body, Some(("invalid_field", "handle"))).await;
    }
    for (bytes, over) in around(8, 1024, "too_large") {
        let body = somebody(json!({"password": "p".repeat(bytes)}));
        call("/v1/register", body, over.map(|code| (code, "password"))).await;
    }
    for (count, over) in around(1, DISPLAY_NAME_MAX_GRAPHEMES, "invalid_field") {
        let body = somebody(json!({"display_name": graphemes(count)}));
        call(
            "/v1/register",
            body,
            over.map(|code| (code, "display_name")),
        )
        .await;
    }
    for (bytes, over) in around(0, DISPLAY_NAME_MAX_BYTES, "too_large") {
        let body = somebody(json!({"display_name": marks(bytes)}));
        call(
            "/v1/register",
            body,
            over.map(|code| (code, "display_name")),
        )
        .await;
    }
    let wrong = Some(("unauthorized", ""));
    for (count, over) in around(1, LABEL_MAX_GRAPHEMES, "invalid_field") {
        let device = json!({"device": {"kind": "web", "label": graphemes(count)}});
        let refusal = over.map(|code| (code, "device.label"));
        call("/v1/register", somebody(device.clone()), refusal).await;
        let login = with(json!({"handle": "ann", "password": PASSWORD}), &device);
        call("/v1/login", login, refusal).await;
    }
    for (bytes, refusal) in [
        (253, wrong),
        (254, wrong),
        (255, Some(("too_large", "email"))),
    ] {
        let email = format!("{}@example.org", "a".repeat(bytes - "@example.org".len()));
        let login = json!({"email": email, "password": PASSWORD, "device": {"kind": "web", "label": "tests"}});
        call("/v1/login", login, refusal).await;
    }
    for (bytes, refusal) in [
        (0, wrong),
        (1023, wrong),
        (1024, wrong),
        (1025, Some(("too_large", "password"))),
    ] {
        let login = json!({"handle": "ann", "password": "p".repeat(bytes), "device": {"kind": "web", "label": "tests"}});
        call("/v1/login", login, refusal).await;
    }
    let email = somebody(json!({"email": "ann@example.org"}));
    call("/v1/register", email, Some(("invalid_field", "email"))).await;
}

#[tokio::test]
async fn passwords_keep_their_bounds_when_they_are_changed() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let mut current = PASSWORD.to_owned();
    let put = async |current: &str, new: &str| {
        let body = json!({"current": current, "new": new}).to_string();
        let answer = ann.raw("PUT", "/v1/me/password", &[], body).await.unwrap();
        Outcome::of_http(&answer)
    };
    for (bytes, over) in around(8, 1024, "too_large") {
        let new = "n".repeat(bytes);
        let refusal = over.map(|code| (code, "new"));
        check(&bytes.to_string(), &put(&current, &new).await, refusal);
        if refusal.is_none() {
            current = new;
        }
        let login = credentials("ann", &current, DeviceKind::Web);
        server.api().login(&login).await.unwrap();
    }
    for (bytes, refusal) in [
        (1024, Some(("unauthorized", ""))),
        (1025, Some(("too_large", "current"))),
    ] {
        let wrong = "w".repeat(bytes);
        check(&bytes.to_string(), &put(&wrong, PASSWORD).await, refusal);
    }
}

#[tokio::test]
async fn frames_and_their_ids_keep_their_bounds() {
    let place = Place::open().await;
    let mut wire = Wire::open(&place.server, &place.bo).await;
    let padded = |bytes: usize| {
        let ping = r#"{"t":"ping","id":"p"}"#;
        format!("{}{ping}", " ".repeat(bytes - ping.len()))
    };
    for bytes in [FRAME_MAX_BYTES - 1, FRAME_MAX_BYTES] {
        wire.text(padded(bytes)).await;
        assert_eq!(wire.answer(Some("p")).await["t"], "pong", "{bytes}");
    }
    for (bytes, over) in around(1, FRAME_ID_MAX_BYTES, "invalid_field") {
        for unit in ["i", "é"] {
            let id = unit.repeat(bytes / unit.len());
            if id.len() != bytes {
                continue;
            }
            let frame = with(
                json!({"t": "send", "id": id, "thread_id": place.thread}),
                &keyed(),
            );
            let before = place.rows().await;
            wire.frame(&frame).await;
            let answer = wire.answer(over.is_none().then_some(&id)).await;
            let refusal = over.map(|code| (code, "id"));
            check(&frame.to_string(), &Outcome::of_frame(&answer), refusal);
            assert_eq!(place.rows().await == before, over.is_some(), "{bytes}");
        }
    }
    wire.is_alive().await;
    wire.text(padded(FRAME_MAX_BYTES + 1)).await;
    assert_eq!(wire.closed().await, Some(1009));
    let mut another = Wire::open(&place.server, &place.bo).await;
    another.is_alive().await;
}

#[tokio::test]
async fn bodies_keep_their_bound() {
    let place = Place::open().await;
    let path = format!("/v1/threads/{}/messages", place.thread);
    for (bytes, status) in [
        (BODY_MAX_BYTES - 1, 201),
        (BODY_MAX_BYTES, 201),
        (BODY_MAX_BYTES + 1, 413),
    ] {
        let body = keyed().to_string();
        let body = format!("{}{body}", " ".repeat(bytes - body.len()));
        let before = place.rows().await;
        let answer = place.ann.raw("POST", &path, &[], body).await.unwrap();
        let outcome = Outcome::of_http(&answer);
        assert_eq!(outcome.status, status, "{bytes}");
        assert_eq!(place.rows().await == before, status == 413, "{bytes}");
        assert_eq!(outcome.code == "too_large", status == 413);
    }
}

#[tokio::test]
async fn a_connection_subscribes_64_threads() {
    let mut place = Place::open().await;
    let mut threads = vec![place.thread];
    for _ in 0..SUBSCRIPTIONS_MAX {
        threads.push(place.ann.group("more", &[]).await.unwrap().thread.id);
    }
    let subscribe = |thread: ThreadId| json!({"t": "subscribe", "thread_id": thread});
    for &thread in &threads[..SUBSCRIPTIONS_MAX] {
        place.frame(subscribe(thread), None).await;
    }
    let last = threads[SUBSCRIPTIONS_MAX];
    let over = Some(("invalid_field", "thread_id"));
    place.frame(subscribe(last), over).await;
    place.frame(subscribe(threads[3]), None).await;
    let unsubscribe = json!({"t": "unsubscribe", "thread_id": threads[3]});
    place.frame(unsubscribe, None).await;
    place.frame(subscribe(last), None).await;
    place.frame(subscribe(threads[3]), over).await;
}

#[tokio::test]
async fn the_33rd_session_ends_the_least_recently_used() {
    let server = Server::start().await;
    let mut sessions = vec![server.join("ann").await];
    let login = credentials("ann", PASSWORD, DeviceKind::Desktop);
    while sessions.len() < SESSIONS_MAX {
        server.clock.advance(Duration::from_secs(90));
        let session = server.api().login(&login).await.unwrap();
        assert!(session.replaced.is_empty());
        sessions.push(session);
    }
    server.clock.advance(Duration::from_secs(90));
    for session in &sessions {
        session.me().await.unwrap();
    }
    server.clock.advance(Duration::from_secs(90));
    for session in sessions
        .iter()
        .filter(|session| session.session.id != sessions[1].session.id)
    {
        session.me().await.unwrap();
    }
    let one_more = server.api().login(&login).await.unwrap();
    let replaced: Vec<_> = one_more.replaced.iter().map(|session| session.id).collect();
    assert_eq!(replaced, [sessions[1].session.id]);
    assert_eq!(refused(sessions[1].me().await), ErrorCode::SessionReplaced);
    let alive = one_more.sessions().await.unwrap().items;
    assert_eq!(alive.len(), SESSIONS_MAX);
    let mut wire = Wire::dial(&server).await;
    wire.frame(&json!({"t": "hello", "token": sessions[1].token, "state": "online"}))
        .await;
    match wire.next().await {
        Heard::Closed(code) => assert_eq!(code, Some(4100)),
        Heard::Frame(frame) => panic!("{frame}"),
    }
}
