//! What comes in wrong, at both doors: it is refused with a reason, changes nothing, and nobody else
//! has to wait for it.

use crate::support::wire::{Heard, Outcome, Wire};
use crate::support::{PASSWORD, Server};
use kith_client::{Session, new_msg_id, new_thread_id};
use kith_protocol::ThreadId;
use kith_protocol::entry::SendMessage;
use kith_protocol::frame::{ClientFrame, FRAME_MAX_BYTES};
use kith_protocol::thread::InboxQuery;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::Message;

/// A group of ann and bo with one message.
struct Place {
    server: Server,
    ann: Session,
    bo: Session,
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
        Self {
            server,
            ann,
            bo,
            thread,
            message,
        }
    }

    /// All that ann could have changed.
    async fn rows(&self) -> String {
        let inbox = self.ann.inbox(&InboxQuery::default()).await.unwrap();
        let me = self.ann.me().await.unwrap();
        let requests = self.ann.contact_requests().await.unwrap();
        let sessions = self.ann.sessions().await.unwrap();
        let members = self.ann.members(self.thread).await.unwrap();
        serde_json::to_string(&(inbox, me, requests, sessions, members)).unwrap()
    }

    /// A whole body for every route that takes one, with the fields that it cannot do without.
    fn bodies(&self) -> Vec<(&'static str, String, Value, &'static str)> {
        let t = format!("/v1/threads/{}", self.thread);
        let device = json!({"kind": "web", "label": "tests"});
        let bo = self.bo.id();
        vec![
            (
                "POST",
                "/v1/register".into(),
                json!({"handle": "cy-moss", "password": PASSWORD, "display_name": "Cy", "device": device, "cookie": false}),
                "handle password device device.kind device.label",
            ),
            (
                "POST",
                "/v1/login".into(),
                json!({"handle": "ann", "password": PASSWORD, "device": device, "takeover": false, "cookie": false}),
                "password device device.kind device.label",
            ),
            (
                "PATCH",
                "/v1/me".into(),
                json!({"display_name": "Ann", "about": "x", "privacy": {"last_seen": "everyone", "receipts": "everyone", "typing": "everyone", "direct": "everyone"}}),
                "",
            ),
            (
                "PUT",
                "/v1/me/password".into(),
                json!({"current": PASSWORD, "new": "battery staple"}),
                "current new",
            ),
            (
                "POST",
                "/v1/contacts/requests".into(),
                json!({"user_id": bo, "note": "x"}),
                "user_id",
            ),
            (
                "POST",
                "/v1/threads".into(),
                json!({"kind": "group", "participants": [bo], "title": "x", "history": "forever", "client_thread_id": new_thread_id()}),
                "kind participants client_thread_id",
            ),
            (
                "PATCH",
                t.clone(),
                json!({"title": "x", "settings": {"history": "forever", "open_history": true, "who_writes": "admins", "slow_s": 1}}),
                "",
            ),
            (
                "PATCH",
                format!("{t}/mine"),
                json!({"muted_until": "2026-11-21T08:54:00.123Z", "pinned": true, "archived": true, "marked_unread": true, "draft": {"text": "x", "version": 0}}),
                "draft.text draft.version",
            ),
            (
                "POST",
                format!("{t}/members"),
                json!({"user_ids": [bo]}),
                "user_ids",
            ),
            (
                "PATCH",
                format!("{t}/members/{bo}"),
                json!({"role": "admin"}),
                "role",
            ),
            (
                "POST",
                format!("{t}/messages"),
                self.message(),
                "client_msg_id seen_head text",
            ),
            (
                "PATCH",
                format!("{t}/messages/{}", self.message),
                json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"}),
                "client_msg_id seen_head text",
            ),
            ("PUT", format!("{t}/read"), json!({"seq": 1}), "seq"),
            ("PUT", format!("{t}/delivered"), json!({"seq": 1}), "seq"),
            (
                "POST",
                format!("{t}/typing"),
                json!({"active": true}),
                "active",
            ),
            (
                "POST",
                "/v1/heartbeat".into(),
                json!({"state": "online", "friends_version": "x"}),
                "state",
            ),
        ]
    }

    fn message(&self) -> Value {
        json!({"client_msg_id": new_msg_id(), "seen_head": 0, "kind": "text", "text": "x",
            "ext": {"k": 1}, "reply_to": self.message, "mentions": [self.bo.id()], "mention_all": false})
    }

    /// Every frame but hello, whole, with the fields that it cannot do without.
    fn frames(&self) -> Vec<(Value, &'static str)> {
        let (t, seq) = (self.thread, self.message);
        let mut send = self.message();
        send["t"] = json!("send");
        send["thread_id"] = json!(t);
        vec![
            (send, "thread_id client_msg_id seen_head text"),
            (
                json!({"t": "edit", "thread_id": t, "seq": seq, "client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"}),
                "thread_id seq client_msg_id seen_head text",
            ),
            (
                json!({"t": "delete", "thread_id": t, "seq": seq, "client_msg_id": new_msg_id(), "seen_head": 0}),
                "thread_id seq client_msg_id seen_head",
            ),
            (
                json!({"t": "react", "thread_id": t, "seq": seq, "emoji": "x"}),
                "thread_id seq emoji",
            ),
            (
                json!({"t": "unreact", "thread_id": t, "seq": seq, "emoji": "x"}),
                "thread_id seq emoji",
            ),
            (
                json!({"t": "read", "thread_id": t, "seq": 1}),
                "thread_id seq",
            ),
            (
                json!({"t": "delivered", "thread_id": t, "seq": 1}),
                "thread_id seq",
            ),
            (
                json!({"t": "typing", "thread_id": t, "active": true}),
                "thread_id active",
            ),
            (
                json!({"t": "forget", "client_msg_id": new_msg_id()}),
                "client_msg_id",
            ),
            (json!({"t": "subscribe", "thread_id": t}), "thread_id"),
            (json!({"t": "unsubscribe", "thread_id": t}), "thread_id"),
            (
                json!({"t": "heartbeat", "state": "online", "friends_version": "x"}),
                "state",
            ),
            (json!({"t": "ping"}), ""),
        ]
    }
}

/// A wrong body: its text, the code of its refusal and the field.
struct Wrong {
    text: String,
    code: &'static str,
    field: String,
}

/// Everything that can be wrong with the shape of this body.
fn wrongs(body: &Value, required: &str) -> Vec<Wrong> {
    let mut wrongs = Vec::new();
    let wrong = |text: String, code, field: &str| Wrong {
        text,
        code,
        field: field.to_owned(),
    };
    for (path, value) in fields(body, "") {
        for other in other_types(&value) {
            let body = replaced(body, &path, Some(other));
            wrongs.push(wrong(body.to_string(), "invalid_field", &path));
        }
        let is_inside_ext = path.starts_with("ext");
        if value.is_object() && !is_inside_ext {
            let mut more = value.clone();
            more["zzz"] = json!(1);
            let body = replaced(body, &path, Some(more));
            wrongs.push(wrong(
                body.to_string(),
                "unknown_field",
                &format!("{path}.zzz"),
            ));
        }
        if !path.contains('.') {
            let twice = format!("{{\"{path}\":{value},{}", &body.to_string()[1..]);
            wrongs.push(wrong(twice, "invalid_field", &path));
        }
    }
    for path in required.split_whitespace() {
        let without = replaced(body, path, None);
        wrongs.push(wrong(without.to_string(), "invalid_field", path));
        let null = replaced(body, path, Some(Value::Null));
        wrongs.push(wrong(null.to_string(), "invalid_field", path));
    }
    let mut more = body.clone();
    more["zzz"] = json!(1);
    wrongs.push(wrong(more.to_string(), "unknown_field", "zzz"));
    wrongs
}

/// Dotted paths of all fields but the frame's word, with their values.
fn fields(object: &Value, prefix: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, value) in object.as_object().unwrap() {
        let path = format!("{prefix}{name}");
        if path == "t" {
            continue;
        }
        if value.is_object() && name != "ext" {
            all.extend(fields(value, &format!("{path}.")));
        }
        all.push((path, value.clone()));
    }
    all
}

/// Values that cannot stand in this one's place.
fn other_types(value: &Value) -> Vec<Value> {
    let mut others = vec![
        json!(1.5),
        json!({"x": 1}),
        json!([[]]),
        json!([]),
        json!({}),
    ];
    match value {
        Value::String(_) => others.extend([json!(7), json!(true)]),
        Value::Number(_) => others.extend([json!("1"), json!(true), json!(-1), json!(1e300)]),
        Value::Bool(_) => others.extend([json!("true"), json!(1), json!(0)]),
        Value::Array(_) => {
            others.retain(|other| *other != json!([]));
            others.extend([json!("x"), json!(7), json!([7]), json!(["x"])]);
        }
        Value::Object(_) => {
            others.retain(|other| !other.is_object());
            // In the order of its fields: no array is an object.
            let values: Vec<&Value> = value.as_object().unwrap().values().collect();
            others.extend([json!("x"), json!(7), json!(values)]);
        }
        Value::Null => {}
    }
    others
}

fn replaced(body: &Value, path: &str, value: Option<Value>) -> Value {
    let mut body = body.clone();
    let (outer, name) = path.rsplit_once('.').unwrap_or(("", path));
    let pointer = if outer.is_empty() {
        String::new()
    } else {
        format!("/{}", outer.replace('.', "/"))
    };
    let object = body.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(name.to_owned(), value),
        None => object.remove(name),
    };
    body
}

fn assert_named(what: &str, outcome: &Outcome, code: &str, field: &str) {
    assert_eq!(outcome.code, code, "{what}: {outcome:?}");
    let inside = outcome.field.strip_prefix(field);
    let named = inside.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']));
    assert!(named, "{what}: {field} is wrong, not {}", outcome.field);
}

#[tokio::test]
async fn a_wrong_field_of_a_body_is_named_and_nothing_is_done() {
    let place = Place::open().await;
    let before = place.rows().await;
    let mut tried = 0;
    for (method, path, body, required) in place.bodies() {
        for wrong in wrongs(&body, required) {
            let answer = place
                .ann
                .raw(method, &path, &[], wrong.text.clone())
                .await
                .unwrap();
            let what = format!("{method} {path} {}", wrong.text);
            assert_named(&what, &Outcome::of_http(&answer), wrong.code, &wrong.field);
            tried += 1;
        }
    }
    assert!(tried > 400, "{tried}");
    assert_eq!(place.rows().await, before);
}

#[tokio::test]
async fn whole_bodies_are_accepted() {
    let place = Place::open().await;
    for (method, path, body, _) in place.bodies() {
        let answer = place
            .ann
            .raw(method, &path, &[], body.to_string())
            .await
            .unwrap();
        assert!(answer.status < 300, "{method} {path} {body}: {answer:?}");
    }
    let place = Place::open().await;
    let mut wire = Wire::open(&place.server, &place.ann).await;
    for (frame, _) in place.frames() {
        let answer = wire.ask(frame.clone()).await;
        let deleted = ["react", "unreact"].iter().any(|word| frame["t"] == *word);
        assert!(
            deleted || Outcome::of_frame(&answer).is_done(),
            "{frame}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_wrong_field_of_a_frame_is_named_and_the_connection_lives() {
    let place = Place::open().await;
    let mut wire = Wire::open(&place.server, &place.ann).await;
    let before = place.rows().await;
    let mut words = vec!["hello".to_owned()];
    for (frame, required) in place.frames() {
        words.push(frame["t"].as_str().unwrap().to_owned());
        for wrong in wrongs(&frame, required) {
            let text = format!("{{\"id\":\"w\",{}", &wrong.text[1..]);
            wire.text(text.clone()).await;
            let answer = wire.answer(Some("w")).await;
            assert_named(&text, &Outcome::of_frame(&answer), wrong.code, &wrong.field);
        }
    }
    words.sort();
    let mut all = ClientFrame::WORDS.to_vec();
    all.sort_unstable();
    assert_eq!(words, all, "every frame is tried");
    wire.is_alive().await;
    assert_eq!(place.rows().await, before);
}

#[tokio::test]
async fn a_frame_with_a_bad_word_or_id_is_refused_and_the_connection_lives() {
    let place = Place::open().await;
    let mut wire = Wire::open(&place.server, &place.ann).await;
    for (text, re, code, field) in [
        (r#"{"t":"nope","id":"1"}"#, Some("1"), "unsupported", "t"),
        (r#"{"t":"nope"}"#, None, "unsupported", "t"),
        (r#"{"t":"","id":"1"}"#, Some("1"), "unsupported", "t"),
        (r#"{"t":"PING","id":"1"}"#, Some("1"), "unsupported", "t"),
        (r#"{"t":"welcome","id":"1"}"#, Some("1"), "unsupported", "t"),
        (r#"{"t":"ok","re":"1"}"#, None, "unsupported", "t"),
        (r#"{}"#, None, "invalid_field", "t"),
        (r#"{"id":"1"}"#, None, "invalid_field", "t"),
        (r#"{"t":7}"#, None, "invalid_field", "t"),
        (r#"{"t":null}"#, None, "invalid_field", "t"),
        (r#"{"t":["ping"]}"#, None, "invalid_field", "t"),
        (r#"{"t":"ping","t":"ping"}"#, None, "invalid_field", "t"),
        (r#"{"t":"ping","id":7}"#, None, "invalid_field", "id"),
        (r#"{"t":"ping","id":null}"#, None, "invalid_field", "id"),
        (
            r#"{"t":"ping","id":"a","id":"b"}"#,
            None,
            "invalid_field",
            "id",
        ),
        (r#"{"t":"send"}"#, None, "invalid_field", "id"),
        (r#"{"t":"edit"}"#, None, "invalid_field", "id"),
        (r#"{"t":"delete"}"#, None, "invalid_field", "id"),
        (r#"{"t":"react"}"#, None, "invalid_field", "id"),
        (r#"{"t":"unreact"}"#, None, "invalid_field", "id"),
    ] {
        wire.text(text).await;
        let answer = wire.answer(re).await;
        assert_named(text, &Outcome::of_frame(&answer), code, field);
        wire.is_alive().await;
    }
}

/// Texts that are no JSON, or no object.
fn no_objects() -> Vec<String> {
    let mut all: Vec<String> = [
        "",
        " ",
        "{",
        "}",
        "[]",
        "[1]",
        "null",
        "7",
        "true",
        "\"ping\"",
        "{} {}",
        "{\"t\":\"ping\"} x",
        "{'t':'ping'}",
        "{t:\"ping\"}",
        "{\"t\":\"ping\",}",
        "{\"t\":\"pi\nng\"}",
        "{\"t\":\"ping\"}}",
        "{\"t\":\"p\\ing\"}",
        "// {}",
        "NaN",
        "{\"t\":\"ping\",\"x\":NaN}",
        "{\"t\":\"ping\",\"x\":01}",
        "\u{feff}{\"t\":\"ping\"}",
        "[\"ping\"]",
        "[\"ping\",\"1\"]",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push("[".repeat(100_000));
    all.push("{\"a\":".repeat(40_000));
    all
}

#[tokio::test]
async fn what_is_no_json_object_closes_a_socket_with_4104() {
    let place = Place::open().await;
    for text in no_objects() {
        let start: String = text.chars().take(40).collect();
        let mut wire = Wire::open(&place.server, &place.ann).await;
        wire.text(text.clone()).await;
        assert_eq!(wire.closed().await, Some(4104), "{start}");
        assert!(wire.pushes.is_empty(), "{start}: {:?}", wire.pushes);
        let mut wire = Wire::dial(&place.server).await;
        wire.text(text).await;
        assert_eq!(wire.closed().await, Some(4104), "before hello: {start}");
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_no_body() {
    let place = Place::open().await;
    let before = place.rows().await;
    let t = format!("/v1/threads/{}", place.thread);
    let id = new_msg_id();
    let mut bodies = no_objects();
    // The fields of a message in their order: no array is an object.
    bodies.push(format!("[\"{id}\",0,null,\"hi\"]"));
    for text in bodies {
        let start: String = text.chars().take(40).collect();
        for (method, path) in [
            ("POST", format!("{t}/messages")),
            ("PATCH", "/v1/me".to_owned()),
            ("PUT", format!("{t}/read")),
        ] {
            let json = [("content-type", "application/json")];
            let answer = place
                .ann
                .raw(method, &path, &json, text.clone())
                .await
                .unwrap();
            let outcome = Outcome::of_http(&answer);
            let wrong = ["invalid_field", "unknown_field"].contains(&outcome.code.as_str());
            assert!(
                wrong && !outcome.field.is_empty(),
                "{path} {start}: {outcome:?}"
            );
        }
    }
    assert_eq!(place.rows().await, before);
}

#[tokio::test]
async fn deep_json_is_refused_without_harm() {
    let place = Place::open().await;
    let mut wire = Wire::open(&place.server, &place.ann).await;
    let before = place.rows().await;
    for levels in [17, 100, 127, 128, 129, 1000, 50_000] {
        let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let objects = format!("{}1{}", "{\"k\":".repeat(levels), "}".repeat(levels));
        for (field, value, code) in [
            ("text", &deep, "invalid_field"),
            ("mentions", &deep, "invalid_field"),
            (
                "ext",
                &objects,
                if levels > 3000 {
                    "too_large"
                } else {
                    "invalid_field"
                },
            ),
            ("zzz", &deep, "unknown_field"),
        ] {
            if value.len() > FRAME_MAX_BYTES - 300 {
                continue;
            }
            let id = new_msg_id();
            let body = format!(r#""client_msg_id":"{id}","seen_head":0,"{field}":{value}"#);
            let text = if field == "text" {
                ""
            } else {
                r#","text":"x""#
            };
            let path = format!("/v1/threads/{}/messages", place.thread);
            let answer = place
                .ann
                .raw("POST", &path, &[], format!("{{{body}{text}}}"))
                .await
                .unwrap();
            let what = format!("{field}, {levels} levels");
            assert_named(&what, &Outcome::of_http(&answer), code, field);
            let head = format!(r#"{{"t":"send","id":"d","thread_id":"{}","#, place.thread);
            wire.text(format!("{head}{body}{text}}}")).await;
            let answer = wire.answer(Some("d")).await;
            assert_named(&what, &Outcome::of_frame(&answer), code, field);
        }
    }
    wire.is_alive().await;
    assert_eq!(place.rows().await, before);
}

#[tokio::test]
async fn only_json_is_a_body() {
    let place = Place::open().await;
    let before = place.rows().await;
    let path = format!("/v1/threads/{}/messages", place.thread);
    let body = || json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"}).to_string();
    for media in [
        "text/plain",
        "text/json",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/octet-stream",
        "",
        "json",
        "application/json-patch+json",
        "*/*",
    ] {
        let answer = place
            .ann
            .raw("POST", &path, &[("content-type", media)], body())
            .await
            .unwrap();
        let outcome = Outcome::of_http(&answer);
        assert_eq!(
            (outcome.status, outcome.code.as_str()),
            (415, "unsupported"),
            "{media}"
        );
    }
    let bare = place.ann.raw("POST", &path, &[], "").await.unwrap();
    assert_eq!(Outcome::of_http(&bare).code, "unsupported");
    assert_eq!(place.rows().await, before);
    for media in [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        " application/json ;x=y",
    ] {
        let answer = place
            .ann
            .raw("POST", &path, &[("content-type", media)], body())
            .await
            .unwrap();
        assert_eq!(answer.status, 201, "{media}");
    }
}

/// A request by hand. The answer is read to the end of its connection.
async fn by_hand(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    // The answer may come before all was sent.
    let _ = stream.write_all(request).await;
    answer_to_the_end(&mut stream).await
}

async fn answer_to_the_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A reset after the answer takes nothing of it away.
    let _ = tokio::time::timeout(crate::support::wire::FOR_EVER, read)
        .await
        .unwrap();
    String::from_utf8(answer).unwrap()
}

fn head(place: &Place, session: &Session, length: &str) -> String {
    format!(
        "POST /v1/threads/{}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nconnection: close\r\n{length}\r\n\r\n",
        place.thread, session.token
    )
}

#[tokio::test]
async fn a_body_over_its_bound_is_refused_however_it_comes() {
    let place = Place::open().await;
    let before = place.rows().await;
    let over = (1 << 20) + 1;
    // In chunks, without saying how much will come.
    let mut chunked = head(&place, &place.ann, "transfer-encoding: chunked").into_bytes();
    for _ in 0..16 {
        chunked.extend(format!("{:x}\r\n", 1 << 16).bytes());
        chunked.extend(vec![b' '; 1 << 16]);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"1\r\n \r\n");
    let answer = by_hand(&place.server, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"code\":\"too_large\""), "{answer}");
    // With a length that says so.
    let mut whole = head(&place, &place.ann, &format!("content-length: {over}")).into_bytes();
    whole.extend(vec![b' '; over]);
    let answer = by_hand(&place.server, &whole).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(place.rows().await, before);
    // A chunked body within its bound is a body like any other.
    let body = json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"}).to_string();
    let (one, two) = body.split_at(20);
    let mut chunked = head(&place, &place.ann, "transfer-encoding: chunked");
    chunked += &format!(
        "{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    let answer = by_hand(&place.server, chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test]
async fn requests_that_are_no_http_harm_nobody() {
    let place = Place::open().await;
    for request in [
        "\r\n\r\n\r\n".to_owned(),
        "hello\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET /v1/me HTTP/1.1\r\nhost x\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)),
        format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(100_000)),
        format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(5_000)),
        "POST /v1/login HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"
            .to_owned(),
        "POST /v1/login HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "POST /v1/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
    ] {
        let mut stream = TcpStream::connect(place.server.address()).await.unwrap();
        // The server may have closed before it has read all.
        let _ = stream.write_all(request.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        let start: String = request.chars().take(60).collect();
        assert!(
            status.is_empty() || status.starts_with('4'),
            "{start}: {answer}"
        );
        place.ann.me().await.unwrap();
    }
}

#[tokio::test]
async fn a_frame_in_pieces_is_one_frame_and_keeps_its_bound() {
    let place = Place::open().await;
    let mut wire = Wire::open(&place.server, &place.ann).await;
    let ping = br#"{"t":"ping","id":"pieces"}"#;
    for at in [1, 7, ping.len() - 1] {
        let (one, two) = ping.split_at(at);
        wire.piece(one.to_vec(), true, false).await;
        // Control frames may come in between.
        wire.message(Message::Ping("x".into())).await;
        wire.piece(two.to_vec(), false, true).await;
        assert_eq!(wire.answer(Some("pieces")).await["t"], "pong");
    }
    for (n, byte) in ping.iter().enumerate() {
        wire.piece(vec![*byte], n == 0, n + 1 == ping.len()).await;
    }
    assert_eq!(wire.answer(Some("pieces")).await["t"], "pong");
    // A character cut in two by the pieces is whole in the frame.
    let frame = r#"{"t":"ping","id":"é"}"#.as_bytes();
    let cut = frame.iter().position(|byte| *byte >= 0x80).unwrap() + 1;
    wire.piece(frame[..cut].to_vec(), true, false).await;
    wire.piece(frame[cut..].to_vec(), false, true).await;
    assert_eq!(wire.answer(Some("é")).await["t"], "pong");
    let quarter = vec![b' '; FRAME_MAX_BYTES / 4];
    for n in 0..4 {
        wire.piece(quarter.clone(), n == 0, false).await;
    }
    wire.piece(vec![b' '], false, false).await;
    assert_eq!(wire.closed().await, Some(1009));
}

#[tokio::test]
async fn what_the_protocol_forbids_on_a_socket_closes_it_with_its_code() {
    let place = Place::open().await;
    let hello = json!({"t": "hello", "token": place.ann.token, "state": "online"});
    for before_hello in [false, true] {
        let open = async || {
            if before_hello {
                Wire::dial(&place.server).await
            } else {
                Wire::open(&place.server, &place.ann).await
            }
        };
        let mut wire = open().await;
        wire.message(Message::Binary("{\"t\":\"ping\"}".into()))
            .await;
        assert_eq!(
            wire.closed().await,
            Some(4104),
            "binary, before hello: {before_hello}"
        );
        let mut wire = open().await;
        wire.bytes(b"{\"t\":\"\xff\"}".to_vec()).await;
        assert_eq!(
            wire.closed().await,
            Some(1007),
            "bytes, before hello: {before_hello}"
        );
        let mut wire = open().await;
        wire.text(" ".repeat(FRAME_MAX_BYTES + 1)).await;
        assert_eq!(
            wire.closed().await,
            Some(1009),
            "large, before hello: {before_hello}"
        );
    }
    let mut twice = Wire::open(&place.server, &place.ann).await;
    twice.frame(&hello).await;
    assert_eq!(twice.closed().await, Some(4104), "a second hello");
    for (frame, _) in place.frames() {
        let mut wire = Wire::dial(&place.server).await;
        let mut frame = frame;
        frame["id"] = json!("1");
        wire.frame(&frame).await;
        assert_eq!(wire.closed().await, Some(4104), "before hello: {frame}");
        assert!(wire.pushes.is_empty());
    }
    for bad in [
        json!({"t": "hello", "token": place.ann.token}),
        json!({"t": "hello", "token": place.ann.token, "state": "asleep"}),
        json!({"t": "hello", "token": 7, "state": "online"}),
        json!({"t": "hello", "token": place.ann.token, "state": "online", "capabilities": "x"}),
        json!({"t": "hello", "token": place.ann.token, "state": "online", "zzz": 1}),
    ] {
        let mut wire = Wire::dial(&place.server).await;
        wire.frame(&bad).await;
        assert_eq!(wire.closed().await, Some(4104), "{bad}");
    }
    for token in [
        json!(null),
        json!(""),
        json!("nonsense"),
        json!("x".repeat(100_000)),
    ] {
        let mut wire = Wire::dial(&place.server).await;
        wire.frame(&json!({"t": "hello", "token": token, "state": "online"}))
            .await;
        assert_eq!(wire.closed().await, Some(4103));
    }
    // Control frames are none of these: a client may ping before it says hello.
    let mut wire = Wire::dial(&place.server).await;
    wire.message(Message::Ping("x".into())).await;
    wire.message(Message::Pong("x".into())).await;
    wire.frame(&hello).await;
    assert!(matches!(wire.next().await, Heard::Frame(welcome) if welcome["t"] == "welcome"));
}

#[tokio::test]
async fn connections_that_never_say_hello_are_closed_after_10_s_and_hold_up_nobody() {
    let place = Place::open().await;
    let sleepers = place.server.clock.sleepers();
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(Wire::dial(&place.server).await);
    }
    // Each is on the clock before it moves.
    while place.server.clock.sleepers() < sleepers + silent.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut other = Wire::open(&place.server, &place.bo).await;
    place.server.pass(Duration::from_secs(9)).await;
    assert_eq!(place.server.node.push.connections(), silent.len() + 1);
    let text = SendMessage::text(new_msg_id(), 0, "still served");
    place.ann.send(place.thread, text).await.unwrap();
    other.is_alive().await;
    assert!(other.pushes.iter().any(|push| push["t"] == "entry"));
    place.server.pass(Duration::from_secs(1)).await;
    for wire in &mut silent {
        assert_eq!(wire.closed().await, Some(4001));
        assert!(wire.pushes.is_empty());
    }
    drop(silent);
    other.is_alive().await;
    while place.server.node.push.connections() > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_peer_that_went_without_a_word_is_closed_after_90_s_and_others_stay() {
    let place = Place::open().await;
    // Nobody reads this one: it answers no ping.
    let mut gone = Wire::open(&place.server, &place.ann).await;
    let mut here = Wire::open(&place.server, &place.bo).await;
    place.server.pass(Duration::from_secs(89)).await;
    here.is_alive().await;
    assert_eq!(place.server.node.push.connections(), 2);
    place.server.pass(Duration::from_secs(2)).await;
    assert_eq!(gone.closed().await, Some(4001));
    here.is_alive().await;
}

#[tokio::test]
async fn slow_and_half_open_connections_hold_up_nobody() {
    let place = Place::open().await;
    let mut half_open = Vec::new();
    for start in [
        "",
        "G",
        "GET /v1/me HT",
        "POST /v1/login HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
    ] {
        for _ in 0..25 {
            let mut stream = TcpStream::connect(place.server.address()).await.unwrap();
            stream.write_all(start.as_bytes()).await.unwrap();
            half_open.push(stream);
        }
    }
    let body =
        json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "drop by drop"}).to_string();
    let request = head(
        &place,
        &place.ann,
        &format!("content-length: {}", body.len()),
    ) + &body;
    let mut dripping = TcpStream::connect(place.server.address()).await.unwrap();
    dripping.set_nodelay(true).unwrap();
    let mut others = 0;
    for (n, byte) in request.bytes().enumerate() {
        dripping.write_all(&[byte]).await.unwrap();
        if n % 16 == 0 {
            let text = SendMessage::text(new_msg_id(), 0, format!("{n}"));
            place.bo.send(place.thread, text).await.unwrap();
            others += 1;
        }
    }
    let answer = answer_to_the_end(&mut dripping).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let row = place
        .ann
        .inbox(&InboxQuery::default())
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!(row.head.ord, 1 + others + 1);
    drop(half_open);
    place.ann.me().await.unwrap();
}

/// Paths of the code with their methods, every parameter filled in with something that is not there.
fn routes() -> Vec<(String, Vec<&'static str>)> {
    let (_, api) = kith::http::routes().split_for_parts();
    let api = serde_json::to_value(&api).unwrap();
    let paths = api["paths"].as_object().unwrap();
    let routes = paths.iter().map(|(path, item)| {
        let methods = ["get", "put", "post", "delete", "patch"];
        let has = methods
            .into_iter()
            .filter(|method| item.get(method).is_some());
        let mut segments: Vec<&str> = path.split('/').collect();
        for segment in &mut segments {
            match *segment {
                "{seq}" => *segment = "1",
                "{emoji}" => *segment = "x",
                _ if segment.starts_with('{') => *segment = "0193a0c0-0000-7000-8000-000000000000",
                _ => {}
            }
        }
        (segments.join("/"), has.collect())
    });
    routes.collect()
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_not_found() {
    let place = Place::open().await;
    let before = place.rows().await;
    let routes = routes();
    assert!(routes.len() > 30);
    for (path, has) in &routes {
        for method in [
            "GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW",
        ] {
            if has.contains(&method.to_lowercase().as_str()) {
                continue;
            }
            for api in [place.ann.api().clone(), place.server.api()] {
                let answer = api.raw(method, path, &[], "").await.unwrap();
                assert_eq!(
                    Outcome::of_http(&answer).code,
                    "not_found",
                    "{method} {path}"
                );
            }
        }
        let answer = place.ann.raw("HEAD", path, &[], "").await.unwrap();
        assert!(answer.body.is_empty(), "HEAD {path}");
        if has.contains(&"get") {
            let get = place.ann.raw("GET", path, &[], "").await.unwrap();
            assert_eq!(answer.status, get.status, "HEAD {path}");
        } else {
            assert_eq!(answer.status, 404, "HEAD {path}");
        }
    }
    assert_eq!(place.rows().await, before);
}

#[tokio::test]
async fn paths_that_do_not_exist_are_not_found() {
    let place = Place::open().await;
    let t = place.thread.to_string();
    let shouted = t.to_uppercase();
    for path in [
        "/v1",
        "/v1/",
        "/v1/me/",
        "/v1/me/x",
        "/V1/me",
        "//v1/me",
        "/v1//me",
        "/v2/me",
        "/metrics",
        "/v1/admin/health",
        "/v1/threads/nonsense",
        "/v1/threads/0193a0c0-0000-7000-8000-000000000000",
        &format!("/v1/threads/{shouted}"),
        &format!("/v1/threads/{}", t.replace('-', "")),
        &format!("/v1/threads/{t}/"),
        &format!("/v1/threads/{t}/nonsense"),
        &format!("/v1/threads/{t}%00"),
        "/v1/users/@nobody",
        "/v1/users/nobody",
        "/v1/users/@",
        "/v1/users/@%00",
        "/v1/users/%ff",
        "/v1/users/0193a0c0-0000-7000-8000-000000000000",
        &format!("/{}", "a/".repeat(5000)),
    ] {
        for method in ["GET", "DELETE"] {
            let answer = place.ann.raw(method, path, &[], "").await.unwrap();
            let start: String = path.chars().take(80).collect();
            assert_eq!(
                Outcome::of_http(&answer).code,
                "not_found",
                "{method} {start}"
            );
        }
    }
    for (method, path) in [
        ("PATCH", format!("/v1/threads/{t}/messages/x")),
        ("PATCH", format!("/v1/threads/{t}/messages/-1")),
        ("PATCH", format!("/v1/threads/{t}/messages/1.0")),
        (
            "PATCH",
            format!("/v1/threads/{t}/messages/18446744073709551616"),
        ),
        ("PUT", format!("/v1/threads/{t}/messages/2/reactions/%ff")),
        ("PUT", format!("/v1/threads/{t}/messages/2/reactions/")),
        ("DELETE", format!("/v1/threads/{t}/members/nonsense")),
        ("POST", "/v1/contacts/requests/nonsense/accept".to_owned()),
    ] {
        let body = json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"}).to_string();
        let answer = place.ann.raw(method, &path, &[], body).await.unwrap();
        assert_eq!(
            Outcome::of_http(&answer).code,
            "not_found",
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_wrong_field_of_a_query_is_named() {
    let place = Place::open().await;
    let t = format!("/v1/threads/{}", place.thread);
    let key = format!("client_msg_id={}&seen_head=0", new_msg_id());
    let before = place.rows().await;
    for (method, path, code, field) in [
        ("GET", "/v1/threads?x=1".to_owned(), "unknown_field", "x"),
        (
            "GET",
            "/v1/threads?filter=all".to_owned(),
            "invalid_field",
            "filter",
        ),
        (
            "GET",
            "/v1/threads?limit=1&limit=2".to_owned(),
            "invalid_field",
            "limit",
        ),
        ("GET", "/v1/users".to_owned(), "invalid_field", "q"),
        ("GET", "/v1/users?q=".to_owned(), "invalid_field", "q"),
        ("GET", "/v1/users?q=%20%20".to_owned(), "invalid_field", "q"),
        ("GET", "/v1/users?q=%00".to_owned(), "invalid_field", "q"),
        ("GET", "/v1/users?Q=x".to_owned(), "unknown_field", "Q"),
        (
            "GET",
            "/v1/threads/by-participants".to_owned(),
            "invalid_field",
            "users",
        ),
        (
            "GET",
            "/v1/threads/by-participants?users=".to_owned(),
            "invalid_field",
            "users",
        ),
        (
            "GET",
            format!("{t}/messages?at=yesterday"),
            "invalid_field",
            "at",
        ),
        (
            "GET",
            format!("{t}/messages?before=x"),
            "invalid_field",
            "before",
        ),
        (
            "GET",
            format!("{t}/messages?before=-1"),
            "invalid_field",
            "before",
        ),
        (
            "GET",
            format!("{t}/messages?befor=1"),
            "unknown_field",
            "befor",
        ),
        ("GET", format!("{t}/receipts"), "invalid_field", "seq"),
        ("GET", format!("{t}/receipts?seq=x"), "invalid_field", "seq"),
        (
            "GET",
            "/v1/sync?curser=x".to_owned(),
            "unknown_field",
            "curser",
        ),
        (
            "GET",
            "/v1/sync?wait_s=x".to_owned(),
            "invalid_field",
            "wait_s",
        ),
        (
            "GET",
            "/v1/sync?digest=yes".to_owned(),
            "invalid_field",
            "digest",
        ),
        (
            "GET",
            "/v1/push-address?transport=pigeon".to_owned(),
            "invalid_field",
            "transport",
        ),
        (
            "DELETE",
            "/v1/sessions".to_owned(),
            "invalid_field",
            "others",
        ),
        (
            "DELETE",
            "/v1/sessions?others=false".to_owned(),
            "invalid_field",
            "others",
        ),
        (
            "DELETE",
            "/v1/sessions?others=1".to_owned(),
            "invalid_field",
            "others",
        ),
        (
            "DELETE",
            format!("{t}/messages/{}", place.message),
            "invalid_field",
            "client_msg_id",
        ),
        (
            "DELETE",
            format!("{t}/messages/{}?{key}&x=1", place.message),
            "unknown_field",
            "x",
        ),
        (
            "DELETE",
            format!("{t}/messages/{}?{key}&seen_head=1", place.message),
            "invalid_field",
            "seen_head",
        ),
    ] {
        let answer = place.ann.raw(method, &path, &[], "").await.unwrap();
        assert_named(&path, &Outcome::of_http(&answer), code, field);
    }
    assert_eq!(place.rows().await, before);
}
