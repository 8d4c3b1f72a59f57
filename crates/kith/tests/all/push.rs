//! Open sockets: hello, silence, slow readers, draining, subscriptions, answers, ends.

use crate::support::talk::{SOON, refused_field, text};
use crate::support::{Server, refused};
use futures_util::{SinkExt, StreamExt};
use kith_client::{Session, Socket};
use kith_protocol::ErrorCode;
use kith_protocol::frame::{
    ClientFrame, CloseCode, SUBPROTOCOL, SUBSCRIPTIONS_MAX, ServerFrame, Skip, Unsubscribe,
};
use kith_protocol::presence::{PushAddressQuery, State};
use kith_protocol::session::EndReason;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// A socket that shows every message as it came. It answers pings only while it is read.
struct Raw(WebSocketStream<TcpStream>);

impl Raw {
    /// Dials with a small window, so that little is on its way unread.
    async fn dial(session: &Session) -> Self {
        let address = session.push_address(PushAddressQuery::default()).await;
        let mut request = address.unwrap().url.into_client_request().unwrap();
        let target = request.uri().authority().unwrap().as_str().parse().unwrap();
        let protocol = SUBPROTOCOL.parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        let stream = socket.connect(target).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .unwrap();
        Self(socket)
    }

    /// Says hello and reads the welcome.
    async fn open(session: &Session) -> Self {
        let mut raw = Self::dial(session).await;
        raw.send(json!({"t": "hello", "token": session.token, "state": "online"}))
            .await;
        assert_eq!(raw.frame().await["t"], "welcome");
        raw
    }

    async fn send(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next message, of whatever kind.
    async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(SOON, self.0.next()).await;
        next.expect("something comes")?.ok()
    }

    /// The next text.
    async fn frame(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("{other:?} instead of a frame"),
            }
        }
    }

    /// Frames up to the end, and the close code with which it came.
    async fn until_the_end(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut frames = Vec::new();
        loop {
            match self.next().await {
                Some(Message::Text(text)) => frames.push(serde_json::from_str(&text).unwrap()),
                Some(Message::Close(close)) => {
                    return (frames, close.map(|close| close.code.into()));
                }
                Some(_) => {}
                None => return (frames, None),
            }
        }
    }
}

/// Waits in real time for what the network has to bring about.
async fn until(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.expect("it comes");
}

async fn connections(server: &Server, count: usize) {
    until(|| server.node.push.connections() == count).await;
}

// Hello.

#[tokio::test]
async fn who_says_no_hello_within_ten_seconds_is_closed() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let before = server.clock.sleepers();
    let mut silent = Raw::dial(&ann).await;
    until(|| server.clock.sleepers() > before).await;
    server.pass(Duration::from_secs(9)).await;
    assert_eq!(server.node.push.connections(), 1);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(silent.until_the_end().await.1, Some(CloseCode::Idle as u16));
    connections(&server, 0).await;
    // Who said it stays.
    let mut greeted = Raw::open(&ann).await;
    server.pass(Duration::from_secs(20)).await;
    greeted.send(json!({"t": "ping", "id": "1"})).await;
    assert_eq!(greeted.frame().await["t"], "pong");
}

#[tokio::test]
async fn hello_comes_first_and_once_and_a_bad_token_is_final() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    for first in [
        json!({"t": "ping", "id": "1"}),
        json!({"t": "hello"}),
        json!({"t": "hello", "token": ann.token, "state": "asleep"}),
        json!({"t": "hello", "token": ann.token, "state": "online", "x": 1}),
        json!([]),
    ] {
        let mut raw = Raw::dial(&ann).await;
        raw.send(first.clone()).await;
        let end = raw.until_the_end().await;
        assert_eq!(end, (vec![], Some(4104)), "{first}");
    }
    let mut raw = Raw::dial(&ann).await;
    raw.send(json!({"t": "hello", "token": "nobody's", "state": "online"}))
        .await;
    assert_eq!(raw.until_the_end().await, (vec![], Some(4103)));
    let mut raw = Raw::open(&ann).await;
    raw.send(json!({"t": "hello", "token": ann.token, "state": "online"}))
        .await;
    assert_eq!(raw.until_the_end().await.1, Some(4104), "a second one");
}

#[tokio::test]
async fn what_is_no_frame_closes_and_an_unknown_or_a_wrong_one_does_not() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    for (message, code) in [
        (Message::text("{"), 4104),
        (Message::text("1"), 4104),
        (Message::text("[]"), 4104),
        (Message::binary(b"{}".to_vec()), 4104),
        (Message::text("x".repeat(300_000)), 1009),
    ] {
        let mut raw = Raw::open(&ann).await;
        raw.0.send(message).await.unwrap();
        assert_eq!(raw.until_the_end().await.1, Some(code));
    }
    let mut raw = Raw::open(&ann).await;
    for (frame, re, code) in [
        (json!({"t": "dance", "id": "a"}), json!("a"), "unsupported"),
        (json!({"t": "dance"}), Value::Null, "unsupported"),
        (json!({"t": "ping", "id": ""}), Value::Null, "invalid_field"),
        (
            json!({"t": "ping", "id": "x".repeat(65)}),
            Value::Null,
            "invalid_field",
        ),
        (
            json!({"t": "ping", "id": null}),
            Value::Null,
            "invalid_field",
        ),
        (
            json!({"t": "ping", "id": "b", "x": 1}),
            json!("b"),
            "unknown_field",
        ),
        (json!({"t": "read", "id": "c"}), json!("c"), "invalid_field"),
        (json!({"t": "send"}), Value::Null, "invalid_field"),
        (json!({"id": "d"}), Value::Null, "invalid_field"),
    ] {
        raw.send(frame.clone()).await;
        let answer = raw.frame().await;
        assert_eq!(
            (&answer["t"], &answer["code"]),
            (&json!("error"), &json!(code)),
            "{frame}"
        );
        assert_eq!(answer["re"], re, "{frame}");
    }
    raw.send(json!({"t": "ping", "id": "x".repeat(64)})).await;
    assert_eq!(raw.frame().await["re"], "x".repeat(64));
}

// Silence.

#[tokio::test]
async fn a_silent_connection_is_pinged_after_25_s_and_closed_after_90_s() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let mut raw = Raw::open(&ann).await;
    server.pass(Duration::from_secs(24)).await;
    raw.send(json!({"t": "ping", "id": "1"})).await;
    let first = raw.next().await;
    assert!(
        matches!(first, Some(Message::Text(_))),
        "{first:?} before the pong"
    );
    server.pass(Duration::from_secs(24)).await;
    assert_eq!(server.node.push.queues()[0].closing(), None);
    server.pass(Duration::from_secs(1)).await;
    let ping = raw.next().await;
    assert!(matches!(ping, Some(Message::Ping(_))), "{ping:?}");
    // Reading it sent the pong, from which the silence counts anew; then nothing is read any more.
    raw.0.flush().await.unwrap();
    let now = server.now();
    until(|| server.node.push.queues()[0].heard_at() == now).await;
    server.pass(Duration::from_secs(89)).await;
    assert_eq!(server.node.push.queues()[0].closing(), None);
    server.pass(Duration::from_secs(1)).await;
    assert_eq!(raw.until_the_end().await.1, Some(CloseCode::Idle as u16));
    connections(&server, 0).await;
}

#[tokio::test]
async fn who_answers_pings_stays_for_hours() {
    let server = Server::start().await;
    let ann = server.person("ann").await;
    for _ in 0..12 {
        server.pass(Duration::from_secs(25)).await;
        let now = server.now();
        // The pong is on its way: any word after the ping renews the connection.
        until(|| {
            server
                .node
                .push
                .queues()
                .iter()
                .all(|queue| now.0 - queue.heard_at().0 < 25_000)
        })
        .await;
    }
    ann.socket.ping().await.unwrap();
    assert!(ann.socket.closed().is_none());
}

// Slow readers.

/// Fills what the network takes and the queue, with one large message after the other.
async fn flood(from: &Session, room: kith_protocol::ThreadId, count: usize) {
    let large = "x".repeat(65_000);
    for _ in 0..count {
        from.send(room, text(&large)).await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_fell_behind_is_told_to_fetch_and_goes_on() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let mut raw = Raw::open(&bo).await;
    flood(&ann, room, 130).await;
    let mut seen = 1;
    loop {
        let frame = raw.frame().await;
        match frame["t"].as_str() {
            Some("entry") => {
                assert_eq!(frame["prev_seq"], seen, "no hole without a word");
                seen += frame["entries"].as_array().unwrap().len() as u64;
            }
            Some("resync") => {
                assert!(frame["thread_id"].is_null(), "everything may be missing");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(seen < 131, "something was dropped");
    // An answer is never dropped, and pushes go on after the resync.
    raw.send(json!({"t": "ping", "id": "p"})).await;
    assert_eq!(raw.frame().await["re"], "p");
    let last = ann.send(room, text("after")).await.unwrap().seq;
    let frame = raw.frame().await;
    assert_eq!(frame["entries"][0]["seq"], last);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_for_30_s_is_closed_and_holds_up_nobody() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let stuck = Raw::open(&bo).await;
    flood(&ann, room, 130).await;
    let queue = server.node.push.queues().into_iter();
    let queue = queue.max_by_key(|queue| queue.id).unwrap();
    server.pass(Duration::from_secs(1)).await;
    server.pass(Duration::from_secs(29)).await;
    assert_eq!(
        queue.closing(),
        None,
        "it has 30 s from when that was noticed"
    );
    server.pass(Duration::from_secs(2)).await;
    assert_eq!(queue.closing(), Some(CloseCode::SlowReader));
    server.pass(Duration::from_secs(2)).await;
    // It still reads nothing, and yet the connection ends; the other one of the same user goes on.
    connections(&server, 1).await;
    bo.socket.ping().await.unwrap();
    drop(stuck);
}

// Draining.

#[tokio::test]
async fn a_server_that_goes_says_when_to_come_back() {
    let server = Server::start().await;
    let (mut ann, bo) = (server.person("ann").await, server.join("boris").await);
    let mut raw = Raw::open(&bo).await;
    let stays = tokio::join!(server.drain(), async {
        let going = ann.until(|frame| match frame {
            ServerFrame::GoingAway(going) => Some(going.retry_in_s),
            _ => None,
        });
        let retry_in_s = going.await;
        let closed = ann.socket.wait_closed().await;
        (retry_in_s, closed, raw.until_the_end().await)
    });
    let (retry_in_s, closed, (frames, code)) = stays.1;
    assert_eq!((retry_in_s, closed.code), (1, Some(4003)));
    assert!(!closed.is_final());
    assert_eq!(frames.last().unwrap()["t"], "going_away");
    assert_eq!(code, Some(4003));
    assert!(ann.socket().await.is_err(), "nobody is let in any more");
}

// Subscriptions and answers.

#[tokio::test]
async fn one_connection_subscribes_at_most_64_threads() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    let mut rooms = Vec::new();
    for n in 0..=SUBSCRIPTIONS_MAX {
        let row = ann.group(&format!("room {n}"), &[bo.id()]).await.unwrap();
        rooms.push(row.thread.id);
    }
    for room in &rooms[..SUBSCRIPTIONS_MAX] {
        ann.socket.subscribe(*room).await.unwrap();
    }
    let last = rooms[SUBSCRIPTIONS_MAX];
    let refusal = refused_field(ann.socket.subscribe(last).await);
    assert_eq!(refusal, (ErrorCode::InvalidField, "thread_id".into()));
    ann.socket.subscribe(rooms[0]).await.unwrap();
    let ann_too = server.device("ann").await;
    ann_too.socket.subscribe(last).await.unwrap();
    let unsubscribe = ClientFrame::Unsubscribe(Unsubscribe {
        thread_id: rooms[0],
        t: Skip,
        id: Skip,
    });
    ann.socket.ask(unsubscribe.clone()).await.unwrap();
    ann.socket.ask(unsubscribe).await.unwrap();
    ann.socket.subscribe(last).await.unwrap();
    // A refused subscription takes no place.
    let foreign = bo.group("foreign", &[]).await.unwrap().thread.id;
    assert_eq!(
        refused(ann_too.socket.subscribe(foreign).await),
        ErrorCode::NotFound
    );
}

#[tokio::test]
async fn every_frame_with_an_id_gets_exactly_one_answer_also_when_ids_are_used_again() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let mut raw = Raw::open(&ann).await;
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for n in 0..120_u32 {
        let id = format!("{}", n % 40);
        let uuid = uuid::Uuid::from_u128(u128::from(n / 2)).to_string();
        let mut frame = match n % 8 {
            0 | 1 => json!({"t": "send", "client_msg_id": uuid, "seen_head": 0, "text": "x"}),
            2 => json!({"t": "edit", "seq": 2, "client_msg_id": uuid, "seen_head": 0, "text": "y"}),
            3 => json!({"t": "react", "seq": 2, "emoji": "👍"}),
            4 => json!({"t": "read", "seq": 99_999}),
            5 => json!({"t": "delivered", "seq": 1}),
            6 => json!({"t": "typing", "active": true}),
            _ => json!({"t": "send", "client_msg_id": uuid, "seen_head": 0, "text": ""}),
        };
        frame["thread_id"] = json!(room.to_string());
        frame["id"] = json!(id);
        *asked.entry(id).or_default() += 1;
        raw.send(frame).await;
    }
    raw.send(json!({"t": "ping", "id": "last"})).await;
    asked.insert("last".into(), 1);
    let mut answered: BTreeMap<String, usize> = BTreeMap::new();
    while answered.values().sum::<usize>() < 121 {
        let frame = raw.frame().await;
        if let Some(re) = frame["re"].as_str() {
            *answered.entry(re.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(answered, asked);
    // And nothing after them.
    raw.send(json!({"t": "ping", "id": "end"})).await;
    loop {
        let frame = raw.frame().await;
        if frame["re"] == "end" {
            break;
        }
        assert!(frame["re"].is_null(), "{frame} is a second answer");
    }
}

#[tokio::test]
async fn frames_without_an_id_get_no_answer_and_refusals_name_none() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let room = ann.group("room", &[]).await.unwrap().thread.id.to_string();
    let mut raw = Raw::open(&ann).await;
    raw.send(json!({"t": "read", "thread_id": room, "seq": 1}))
        .await;
    raw.send(json!({"t": "typing", "thread_id": room, "active": true}))
        .await;
    raw.send(json!({"t": "heartbeat", "state": "away"})).await;
    raw.send(json!({"t": "ping"})).await;
    raw.send(json!({"t": "read", "thread_id": room, "seq": 9}))
        .await;
    let refusal = raw.frame().await;
    assert_eq!(
        (&refusal["t"], &refusal["field"]),
        (&json!("error"), &json!("seq"))
    );
    assert!(refusal["re"].is_null());
    raw.send(json!({"t": "ping", "id": "1"})).await;
    assert_eq!(raw.frame().await["re"], "1");
}

// Ends of sessions.

#[tokio::test]
async fn the_end_of_a_session_closes_its_sockets_at_once_and_only_those() {
    let server = Server::start().await;
    let ann = server.person("ann").await;
    let mut other = server.device("ann").await;
    let second: Socket = other.session.socket().await.unwrap();
    ann.end_session(other.session.session.id).await.unwrap();
    // The clock stands still: nothing but the end itself closes them.
    let reason = other.until(|frame| match frame {
        ServerFrame::SessionEnded(ended) => Some(ended.reason),
        _ => None,
    });
    assert_eq!(reason.await, EndReason::Revoked);
    for socket in [&other.socket, &second] {
        let closed = tokio::time::timeout(SOON, socket.wait_closed()).await;
        let closed = closed.unwrap();
        assert_eq!(closed.code, Some(4101));
        assert!(closed.is_final());
    }
    ann.socket.ping().await.unwrap();
    let url = ann
        .push_address(PushAddressQuery::default())
        .await
        .unwrap()
        .url;
    let again = Socket::open(&url, Some(other.session.token.clone()), State::Online).await;
    match again {
        Err(kith_client::ClientError::Closed(closed)) => assert_eq!(closed.code, Some(4101)),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a dead token was let in"),
    }
}

#[tokio::test]
async fn the_end_of_a_session_is_not_held_up_by_a_socket_that_reads_nothing() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let bo_too = server.device("boris").await;
    let stuck = Raw::open(&bo).await;
    flood(&ann, room, 130).await;
    bo_too.end_session(bo.session.id).await.unwrap();
    server.pass(Duration::from_secs(3)).await;
    connections(&server, 1).await;
    drop(stuck);
}
