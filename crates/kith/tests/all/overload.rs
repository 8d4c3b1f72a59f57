//! Too much at once: what cannot be done now says so, says when to come back, and was not done.

use crate::support::wire::{Heard, Outcome, Wire};
use crate::support::{PASSWORD, Server, code, refused};
use kith::config::{Config, Rate, RateKey};
use kith::thread::admission::Entry;
use kith_client::{Api, RawAnswer, Session, Socket, credentials, new_msg_id, new_thread_id};
use kith_protocol::entry::{PageQuery, SendMessage};
use kith_protocol::frame::UNACKNOWLEDGED_MAX;
use kith_protocol::session::DeviceKind;
use kith_protocol::thread::InboxQuery;
use kith_protocol::{ErrorCode, ThreadId, UserId};
use serde_json::{Value, json};
use std::time::Duration;

fn send(thread: ThreadId, text: &str) -> Value {
    json!({"t": "send", "id": text, "thread_id": thread, "client_msg_id": new_msg_id(), "seen_head": 0, "text": text})
}

#[tokio::test]
async fn sends_beyond_the_unacknowledged_bound_wait_and_none_is_lost() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let bo = server.join("bo-lund").await;
    let thread = ann.group("tea", &[bo.id()]).await.unwrap().thread.id;
    let mut flood = Wire::open(&server, &ann).await;
    let mut other = Wire::open(&server, &bo).await;
    let count = UNACKNOWLEDGED_MAX * 12;
    for n in 0..count {
        flood.frame(&send(thread, &n.to_string())).await;
    }
    other.is_alive().await;
    let mut last_seq = 1;
    for n in 0..count {
        let answer = flood.answer(Some(&n.to_string())).await;
        assert_eq!(answer["t"], "ok", "{answer}");
        let seq = answer["seq"].as_u64().unwrap();
        assert_eq!(seq, last_seq + 1, "in the order in which they were sent");
        last_seq = seq;
    }
    let mut texts = Vec::new();
    while texts.len() < count {
        let query = PageQuery {
            after: Some(1 + texts.len() as u64),
            limit: Some(200),
            ..PageQuery::default()
        };
        let page = bo.page(thread, query).await.unwrap();
        assert!(!page.items.is_empty());
        texts.extend(page.items.into_iter().filter_map(|entry| entry.text));
    }
    let sent: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    assert_eq!(texts, sent);
    flood.is_alive().await;
}

#[tokio::test]
async fn a_full_queue_of_passwords_says_when_to_come_back() {
    let server = Server::with(|config| {
        config.password.memory_kib = 65_536;
        config.password.iterations = 3;
        config.password.workers = 1;
        config.password.queue = 1;
    })
    .await;
    server.join("ann").await;
    let login = credentials("ann", PASSWORD, DeviceKind::Web);
    let body = serde_json::to_vec(&login).unwrap();
    let tries: Vec<_> = (0..25)
        .map(|_| {
            let (api, body) = (server.api(), body.clone());
            tokio::spawn(async move { api.raw("POST", "/v1/login", &[], body).await.unwrap() })
        })
        .collect();
    let (mut let_in, mut turned_away) = (0, 0);
    for one in tries {
        let answer = one.await.unwrap();
        let outcome = Outcome::of_http(&answer);
        match outcome.status {
            200 => let_in += 1,
            503 => {
                assert_eq!(outcome.code, "overloaded");
                let problem = answer.problem().unwrap();
                assert!(problem.retry_after_s.is_some_and(|seconds| seconds >= 1));
                turned_away += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(
        let_in >= 1 && turned_away >= 1,
        "{let_in} and {turned_away}"
    );
    let ann = server.api().login(&login).await.unwrap();
    let sessions = ann.sessions().await.unwrap().items;
    assert_eq!(
        sessions.len(),
        1 + let_in + 1,
        "who was turned away has no session"
    );
}

#[tokio::test]
async fn more_sockets_than_a_node_takes_are_told_to_come_back() {
    let server = Server::with(|config| config.push.connections_max = 2).await;
    let ann = server.join("ann").await;
    let mut first = Wire::open(&server, &ann).await;
    // One without hello counts too.
    let silent = Wire::dial(&server).await;
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "kith.v1"),
    ];
    let answer = ann.raw("GET", "/v1/socket", &upgrade, "").await.unwrap();
    let outcome = Outcome::of_http(&answer);
    assert_eq!((outcome.status, outcome.code.as_str()), (503, "overloaded"));
    let url = format!("ws://{}/v1/socket", server.address());
    match Socket::dial(&url, &[]).await {
        Err(error) => assert_eq!(code(&error), ErrorCode::Overloaded),
        Ok(_) => panic!("a third socket was opened"),
    }
    ann.me().await.unwrap();
    first.is_alive().await;
    drop(silent);
    while server.node.push.connections() > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut third = Wire::open(&server, &ann).await;
    third.is_alive().await;
}

/// Ann and bo in a group, where one rate is small.
struct Place {
    server: Server,
    ann: Session,
    bo: Session,
    thread: ThreadId,
}

const BURST: u32 = 4;

fn slow(key: RateKey) -> Rate {
    Rate {
        key,
        per_s: 0.1,
        burst: BURST,
    }
}

impl Place {
    async fn open(small: impl FnOnce(&mut Config)) -> Self {
        let server = Server::with(|config| {
            config.limits.enabled = true;
            small(config);
        })
        .await;
        let ann = server.join("ann").await;
        let bo = server.join("bo-lund").await;
        let thread = bo.group("tea", &[ann.id()]).await.unwrap().thread.id;
        let hello = SendMessage::text(new_msg_id(), 0, "hello");
        bo.send(thread, hello).await.unwrap();
        Self {
            server,
            ann,
            bo,
            thread,
        }
    }

    /// What ann's doings would have changed, as bo sees it.
    async fn rows(&self) -> String {
        let inbox = self.bo.inbox(&InboxQuery::default()).await.unwrap();
        let requests = self.bo.contact_requests().await.unwrap();
        let page = self
            .bo
            .page(self.thread, PageQuery::default())
            .await
            .unwrap();
        serde_json::to_string(&(inbox, requests, page)).unwrap()
    }

    /// Does it until it is too often: then it is not done, and a while later it is again.
    async fn until_too_often(&self, call: impl AsyncFn(u32) -> RawAnswer) {
        let mut done = 0;
        let (answer, before) = loop {
            let before = self.rows().await;
            let answer = call(done).await;
            if answer.status >= 300 {
                break (answer, before);
            }
            done += 1;
            assert!(done <= BURST, "never too often");
        };
        assert!(done >= 1, "the first was refused: {answer:?}");
        let outcome = Outcome::of_http(&answer);
        assert_eq!(
            (outcome.status, outcome.code.as_str()),
            (429, "rate_limited")
        );
        let header: u64 = answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=10).contains(&header), "{header}");
        assert_eq!(self.rows().await, before);
        self.server.clock.advance(Duration::from_secs(header));
        let again = call(done).await;
        assert!(again.status < 300, "{again:?}");
        assert_eq!(call(done + 1).await.status, 429);
    }
}

async fn post(api: &Api, path: &str, body: Value) -> RawAnswer {
    api.raw("POST", path, &[], body.to_string()).await.unwrap()
}

#[tokio::test]
async fn every_rate_says_when_to_come_back_and_nothing_was_done() {
    let place = Place::open(|config| config.limits.login = slow(RateKey::Address)).await;
    let login = serde_json::to_value(credentials("ann", PASSWORD, DeviceKind::Web)).unwrap();
    let call = async |_| post(&place.server.api(), "/v1/login", login.clone()).await;
    place.until_too_often(call).await;

    let place = Place::open(|config| config.limits.search = slow(RateKey::User)).await;
    let call = async |n: u32| {
        let path = ["/v1/users?q=bo", "/v1/users/@bo-lund"][n as usize % 2];
        place.ann.raw("GET", path, &[], "").await.unwrap()
    };
    place.until_too_often(call).await;

    let place = Place::open(|config| config.limits.request_contact = slow(RateKey::User)).await;
    let bo: UserId = place.bo.id();
    let call = async |n: u32| {
        let body = json!({"user_id": bo, "note": format!("{n}")});
        post(&place.ann, "/v1/contacts/requests", body).await
    };
    place.until_too_often(call).await;

    let place = Place::open(|config| config.limits.create_thread = slow(RateKey::User)).await;
    let bo = place.bo.id();
    let call = async |_| {
        let body =
            json!({"kind": "group", "participants": [bo], "client_thread_id": new_thread_id()});
        post(&place.ann, "/v1/threads", body).await
    };
    place.until_too_often(call).await;

    let place = Place::open(|config| config.limits.send = slow(RateKey::User)).await;
    let path = format!("/v1/threads/{}/messages", place.thread);
    let call = async |n: u32| {
        let body = json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": format!("{n}")});
        post(&place.ann, &path, body).await
    };
    place.until_too_often(call).await;
    // Edits, deletions and reactions are counted with messages.
    let key = json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"});
    let query = format!("client_msg_id={}&seen_head=0", new_msg_id());
    let before = place.rows().await;
    for (method, path, body) in [
        ("PATCH", format!("{path}/3"), key.to_string()),
        ("DELETE", format!("{path}/3?{query}"), String::new()),
        ("PUT", format!("{path}/2/reactions/x"), String::new()),
        ("DELETE", format!("{path}/2/reactions/x"), String::new()),
    ] {
        let answer = place.ann.raw(method, &path, &[], body).await.unwrap();
        assert_eq!(
            Outcome::of_http(&answer).code,
            "rate_limited",
            "{method} {path}"
        );
    }
    assert_eq!(place.rows().await, before);

    let place = Place::open(|config| config.limits.register = slow(RateKey::Address)).await;
    let call = async |n: u32| {
        let body = json!({"handle": format!("guest{n}"), "password": PASSWORD, "device": {"kind": "web", "label": "tests"}});
        post(&place.server.api(), "/v1/register", body).await
    };
    place.until_too_often(call).await;
    // Two joined with the place, two were let in, one came later: the last has no account.
    let nobody = place
        .bo
        .raw("GET", "/v1/users/@guest3", &[], "")
        .await
        .unwrap();
    assert_eq!(nobody.status, 404);
}

#[tokio::test]
async fn everything_together_is_limited_for_a_session_and_not_for_another() {
    let place = Place::open(|config| {
        config.limits.everything = Rate {
            key: RateKey::Session,
            per_s: 0.1,
            burst: 40,
        };
    })
    .await;
    let login = credentials("ann", PASSWORD, DeviceKind::Web);
    let phone = place.server.api().login(&login).await.unwrap();
    let mut done = 0;
    while place.ann.me().await.is_ok() {
        done += 1;
    }
    assert_eq!(done, 40);
    assert_eq!(refused(place.ann.me().await), ErrorCode::RateLimited);
    phone.me().await.unwrap();
    // Its socket is the same session: refused frames are answered, and it stays open.
    let mut wire = Wire::open(&place.server, &place.ann).await;
    for n in 0..3 {
        let answer = wire.ask(json!({"t": "ping"})).await;
        assert_eq!(answer["code"], "rate_limited", "{n}");
        assert!(
            answer["retry_after_s"]
                .as_u64()
                .is_some_and(|seconds| seconds >= 1)
        );
    }
    wire.frame(&json!({"t": "typing", "thread_id": place.thread, "active": true}))
        .await;
    assert_eq!(wire.answer(None).await["code"], "rate_limited");
    place.server.clock.advance(Duration::from_secs(10));
    wire.is_alive().await;
    place.server.clock.advance(Duration::from_secs(10));
    place.ann.me().await.unwrap();
}

#[tokio::test]
async fn a_send_that_came_too_often_holds_its_thread_until_it_is_sent_again_or_given_up() {
    let place = Place::open(|config| config.limits.send = slow(RateKey::User)).await;
    let mut wire = Wire::open(&place.server, &place.ann).await;
    let another = place
        .bo
        .group("coffee", &[place.ann.id()])
        .await
        .unwrap()
        .thread
        .id;
    for n in 0..BURST {
        wire.frame(&send(place.thread, &n.to_string())).await;
        assert_eq!(wire.answer(Some(&n.to_string())).await["t"], "ok");
    }
    let held = send(place.thread, "held");
    wire.frame(&held).await;
    let answer = wire.answer(Some("held")).await;
    assert_eq!(
        (&answer["code"], &answer["status"]),
        (&json!("rate_limited"), &json!(429))
    );
    assert_eq!(
        (&answer["retry"], &answer["retry_after_s"]),
        (&json!("later"), &json!(10))
    );
    place.server.clock.advance(Duration::from_secs(40));
    let later = send(place.thread, "later");
    wire.frame(&later).await;
    let answer = wire.answer(Some("later")).await;
    assert_eq!(
        (&answer["code"], &answer["retry"]),
        (&json!("out_of_order"), &json!("later"))
    );
    // Another thread does not wait.
    wire.frame(&send(another, "elsewhere")).await;
    assert_eq!(wire.answer(Some("elsewhere")).await["t"], "ok");
    for frame in [&held, &later] {
        wire.frame(frame).await;
        let id = frame["id"].as_str().unwrap();
        assert_eq!(wire.answer(Some(id)).await["t"], "ok");
    }
    let page = place
        .bo
        .page(place.thread, PageQuery::default())
        .await
        .unwrap();
    let texts: Vec<_> = page
        .items
        .iter()
        .filter_map(|entry| entry.text.as_deref())
        .collect();
    assert_eq!(texts, ["hello", "0", "1", "2", "3", "held", "later"]);

    // Given up, it holds nothing.
    place.server.clock.advance(Duration::from_secs(10));
    let mut refused = None;
    for n in 0..=BURST {
        let frame = send(place.thread, &format!("more{n}"));
        wire.frame(&frame).await;
        let answer = wire.answer(frame["id"].as_str()).await;
        if answer["t"] == "error" {
            assert_eq!(answer["code"], "rate_limited");
            refused = Some(frame);
            break;
        }
    }
    let refused = refused.unwrap();
    place.server.clock.advance(Duration::from_secs(40));
    wire.frame(&send(place.thread, "waits")).await;
    assert_eq!(wire.answer(Some("waits")).await["code"], "out_of_order");
    let forget = json!({"t": "forget", "client_msg_id": refused["client_msg_id"]});
    assert_eq!(wire.ask(forget).await["t"], "ok");
    wire.frame(&send(place.thread, "goes")).await;
    assert_eq!(wire.answer(Some("goes")).await["t"], "ok");
}

#[tokio::test]
async fn wrong_passwords_are_limited_with_limits_off_and_only_for_their_account() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    server.join("bo-lund").await;
    let login = |handle: &str, password: &str| {
        serde_json::to_value(credentials(handle, password, DeviceKind::Web)).unwrap()
    };
    let before = ann.sessions().await.unwrap().items.len();
    for n in 0..10 {
        // At both places where a password is asked for.
        let answer = if n % 2 == 0 {
            post(&server.api(), "/v1/login", login("ann", "wrong horse")).await
        } else {
            let body = json!({"current": "wrong horse", "new": "battery staple"}).to_string();
            ann.raw("PUT", "/v1/me/password", &[], body).await.unwrap()
        };
        assert_eq!(Outcome::of_http(&answer).code, "unauthorized", "{n}");
    }
    for password in ["wrong horse", PASSWORD] {
        let answer = post(&server.api(), "/v1/login", login("ann", password)).await;
        let outcome = Outcome::of_http(&answer);
        assert_eq!(
            (outcome.status, outcome.code.as_str()),
            (429, "rate_limited"),
            "{password}"
        );
    }
    let body = json!({"current": PASSWORD, "new": "battery staple"}).to_string();
    let answer = ann.raw("PUT", "/v1/me/password", &[], body).await.unwrap();
    assert_eq!(Outcome::of_http(&answer).code, "rate_limited");
    assert_eq!(ann.sessions().await.unwrap().items.len(), before);
    let answer = post(&server.api(), "/v1/login", login("bo-lund", PASSWORD)).await;
    assert_eq!(answer.status, 200);
    server.clock.advance(Duration::from_secs(60));
    let answer = post(&server.api(), "/v1/login", login("ann", PASSWORD)).await;
    assert_eq!(answer.status, 200, "the password was not changed meanwhile");
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_closed_and_others_get_everything() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let bo = server.join("bo-lund").await;
    let cy = server.join("cy-moss").await;
    let everybody = [bo.id(), cy.id()];
    let thread = ann.group("tea", &everybody).await.unwrap().thread.id;
    let mut stuck = Wire::open(&server, &bo).await;
    let mut reading = Wire::open(&server, &cy).await;
    // More than any socket buffers on the way, and more than a queue holds.
    let count = 400;
    for _ in 0..count {
        let text = SendMessage::text(new_msg_id(), 0, "x".repeat(65_536));
        ann.send(thread, text).await.unwrap();
        match reading.next().await {
            Heard::Frame(frame) => assert_eq!(frame["t"], "entry"),
            end => panic!("{end:?}"),
        }
    }
    server.pass(Duration::from_secs(35)).await;
    assert!(matches!(stuck.closed().await, Some(4002) | None));
    assert!(stuck.pushes.len() < count, "a queue is bounded");
    reading.is_alive().await;
    ann.me().await.unwrap();
}

#[tokio::test]
async fn what_was_done_before_is_answered_however_often_it_comes() {
    let place = Place::open(|config| config.limits.send = slow(RateKey::User)).await;
    let path = format!("/v1/threads/{}/messages", place.thread);
    let body = || json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"});
    let message = body();
    let first = post(&place.ann, &path, message.clone()).await;
    assert_eq!(first.status, 201);
    let sent: Value = first.json().unwrap();
    let one = format!("{path}/{}", sent["seq"]);
    let edit = body().to_string();
    let edited = place
        .ann
        .raw("PATCH", &one, &[], edit.clone())
        .await
        .unwrap();
    assert_eq!(edited.status, 200);
    let delete = format!("{one}?client_msg_id={}&seen_head=0", new_msg_id());
    let deleted = place.ann.raw("DELETE", &delete, &[], "").await.unwrap();
    assert_eq!(deleted.status, 200);
    while post(&place.ann, &path, body()).await.status == 201 {}
    let before = place.rows().await;
    // Retries find what they did; what is new has to wait.
    let mut wire = Wire::open(&place.server, &place.ann).await;
    for _ in 0..3 {
        let again = post(&place.ann, &path, message.clone()).await;
        assert_eq!((again.status, &again.body), (200, &first.body));
        let again = place
            .ann
            .raw("PATCH", &one, &[], edit.clone())
            .await
            .unwrap();
        assert_eq!((again.status, &again.body), (200, &edited.body));
        let again = place.ann.raw("DELETE", &delete, &[], "").await.unwrap();
        assert_eq!((again.status, &again.body), (200, &deleted.body));
        assert_eq!(post(&place.ann, &path, body()).await.status, 429);
        let mut frame = message.clone();
        frame["t"] = json!("send");
        frame["thread_id"] = json!(place.thread);
        let answer = wire.ask(frame).await;
        assert_eq!((&answer["t"], &answer["seq"]), (&json!("ok"), &sent["seq"]));
    }
    assert_eq!(place.rows().await, before);
    let new = json!({"t": "send", "thread_id": place.thread, "client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"});
    assert_eq!(wire.ask(new).await["code"], "rate_limited");
}

/// A thread whose shard has more to do than it can: tickets stand for commands that are not answered.
struct Busy {
    place: Place,
    waiting: Vec<Entry>,
}

impl Busy {
    async fn open() -> Self {
        let place = Place::open(|config| config.limits.enabled = false).await;
        let mut busy = Self {
            place,
            waiting: Vec::new(),
        };
        busy.begin();
        busy
    }

    /// Whole windows in which the queue is never short.
    fn begin(&mut self) {
        for count in [500, 1, 1] {
            self.wait_for_ever(count);
            self.place.server.clock.advance(Duration::from_millis(200));
        }
    }

    /// So many commands come of somebody else, and none is answered.
    fn wait_for_ever(&mut self, count: usize) {
        let node = &self.place.server.node;
        let admission = node.sequencer.admission(self.place.thread);
        let somebody = self.place.bo.id();
        let enter = || admission.enter(somebody, 300, node.clock.now());
        self.waiting.extend((0..count).map(|_| enter()));
    }

    /// All are answered, and the load has ended.
    fn end(&mut self) {
        self.waiting.clear();
        // Nobody was refused for so long that it is not expected to go on.
        self.place.server.clock.advance(Duration::from_secs(4));
    }
}

fn new_send(place: &Place, text: &str) -> (String, Value) {
    let path = format!("/v1/threads/{}/messages", place.thread);
    let body = json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": text});
    (path, body)
}

#[tokio::test]
async fn under_overload_a_send_is_refused_before_it_is_done_and_is_done_when_the_load_has_ended() {
    let mut busy = Busy::open().await;
    let before = busy.place.rows().await;
    let ann = busy.place.ann.clone();
    let (path, body) = new_send(&busy.place, "late");
    let reaction = format!("{path}/2/reactions/x");
    for (method, path, body) in [
        ("POST", path.clone(), body.to_string()),
        ("PUT", reaction.clone(), String::new()),
    ] {
        let answer = ann.raw(method, &path, &[], body).await.unwrap();
        let outcome = Outcome::of_http(&answer);
        assert_eq!(
            (outcome.status, outcome.code.as_str()),
            (503, "overloaded"),
            "{method}"
        );
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(answer.problem().unwrap().retry_after_s, Some(1));
    }
    assert_eq!(busy.place.rows().await, before, "nothing was done");
    ann.page(busy.place.thread, PageQuery::default())
        .await
        .unwrap();
    busy.end();
    assert_eq!(post(&ann, &path, body.clone()).await.status, 201);
    let put = ann.raw("PUT", &reaction, &[], "").await.unwrap();
    assert_eq!(put.status, 204);
}

#[tokio::test]
async fn under_overload_what_was_done_before_is_answered_so() {
    let mut busy = Busy::open().await;
    let ann = busy.place.ann.clone();
    busy.end();
    let (path, body) = new_send(&busy.place, "early");
    let first = post(&ann, &path, body.clone()).await;
    assert_eq!(first.status, 201);
    busy.begin();
    let again = post(&ann, &path, body).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    let (path, other) = new_send(&busy.place, "new");
    assert_eq!(post(&ann, &path, other).await.status, 503);
}

#[tokio::test]
async fn sends_refused_under_overload_keep_their_order_when_they_come_again() {
    let mut busy = Busy::open().await;
    let mut wire = Wire::open(&busy.place.server, &busy.place.ann).await;
    let sends: Vec<Value> = (0..3)
        .map(|n| send(busy.place.thread, &n.to_string()))
        .collect();
    for frame in &sends {
        wire.frame(frame).await;
    }
    assert_eq!(wire.answer(Some("0")).await["code"], "overloaded");
    for id in ["1", "2"] {
        let code = wire.answer(Some(id)).await["code"].clone();
        assert!(code == "out_of_order" || code == "overloaded", "{code}");
    }
    busy.end();
    wire.frame(&sends[2]).await;
    assert_eq!(wire.answer(Some("2")).await["code"], "out_of_order");
    for (frame, id) in sends.iter().zip(["0", "1", "2"]) {
        wire.frame(frame).await;
        assert_eq!(wire.answer(Some(id)).await["t"], "ok");
    }
    let page = busy.place.bo.page(busy.place.thread, PageQuery::default());
    let items = page.await.unwrap().items;
    let texts: Vec<_> = items
        .iter()
        .filter_map(|entry| entry.text.as_deref())
        .collect();
    assert_eq!(texts, ["hello", "0", "1", "2"]);
}
