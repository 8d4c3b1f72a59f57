//! The doors in the raw: a WebSocket with every frame as it came, and what a call came to.

use super::Server;
use futures_util::{SinkExt as _, StreamExt as _};
use kith_client::{RawAnswer, Session};
use kith_protocol::frame::SUBPROTOCOL;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Far longer than anything here takes.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(120);

/// An open WebSocket.
pub(crate) struct Wire {
    stream: WebSocketStream<TcpStream>,
    asked: u64,
    /// Frames that came while an answer was awaited.
    pub(crate) pushes: Vec<Value>,
}

/// What comes over a socket.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A frame.
    Frame(Value),
    /// The end, with its code; none: it was cut.
    Closed(Option<u16>),
}

impl Wire {
    /// Connects and upgrades, and says nothing.
    pub(crate) async fn dial(server: &Server) -> Self {
        let address = server.address();
        let mut request = format!("ws://{address}/v1/socket")
            .into_client_request()
            .unwrap();
        let protocol = SUBPROTOCOL.parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (stream, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .unwrap();
        Self {
            stream,
            asked: 0,
            pushes: Vec::new(),
        }
    }

    /// Connects and is welcome.
    pub(crate) async fn open(server: &Server, session: &Session) -> Self {
        let mut wire = Self::dial(server).await;
        wire.frame(&json!({"t": "hello", "token": session.token, "state": "online"}))
            .await;
        match wire.next().await {
            Heard::Frame(frame) => assert_eq!(frame["t"], "welcome", "{frame}"),
            end => panic!("{end:?}"),
        }
        wire
    }

    /// Sends a text.
    pub(crate) async fn text(&mut self, text: impl Into<String>) {
        self.message(Message::text(text.into())).await;
    }

    /// Sends a frame.
    pub(crate) async fn frame(&mut self, frame: &Value) {
        self.text(frame.to_string()).await;
    }

    /// Sends any message. That the other side has closed meanwhile is heard by who listens.
    pub(crate) async fn message(&mut self, message: Message) {
        let _ = self.stream.send(message).await;
    }

    /// Sends bytes as a text, whether they are one or not.
    pub(crate) async fn bytes(&mut self, bytes: Vec<u8>) {
        self.piece(bytes, true, true).await;
    }

    /// Sends a piece of a text.
    pub(crate) async fn piece(&mut self, bytes: Vec<u8>, first: bool, last: bool) {
        let data = if first { Data::Text } else { Data::Continue };
        let frame = Frame::message(bytes, OpCode::Data(data), last);
        self.message(Message::Frame(frame)).await;
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            let message = tokio::time::timeout(FOR_EVER, self.stream.next()).await;
            match message.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Frame(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(close))) => {
                    return Heard::Closed(close.map(|close| close.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(None),
            }
        }
    }

    /// Sends a frame with an id of its own; gives the answer.
    pub(crate) async fn ask(&mut self, mut frame: Value) -> Value {
        self.asked += 1;
        let id = format!("q{}", self.asked);
        frame["id"] = json!(id);
        self.frame(&frame).await;
        self.answer(Some(&id)).await
    }

    /// Waits for the answer to this id, or for a refusal without one.
    pub(crate) async fn answer(&mut self, re: Option<&str>) -> Value {
        loop {
            match self.next().await {
                Heard::Frame(frame) if is_answer(&frame) => {
                    assert_eq!(frame.get("re").and_then(Value::as_str), re, "{frame}");
                    return frame;
                }
                Heard::Frame(frame) => self.pushes.push(frame),
                end => panic!("{re:?} was answered by {end:?}"),
            }
        }
    }

    /// Shows that the connection lives, and that everything before was heard.
    pub(crate) async fn is_alive(&mut self) {
        let pong = self.ask(json!({"t": "ping"})).await;
        assert_eq!(pong["t"], "pong", "{pong}");
    }

    /// Waits for the end; gives the code.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.next().await {
                Heard::Frame(frame) => self.pushes.push(frame),
                Heard::Closed(code) => return code,
            }
        }
    }
}

fn is_answer(frame: &Value) -> bool {
    ["ok", "pong", "error"]
        .iter()
        .any(|answer| frame["t"] == *answer)
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// 200 for an `ok` frame.
    pub(crate) status: u16,
    /// Empty if it was done.
    pub(crate) code: String,
    /// The field that was wrong, if one was.
    pub(crate) field: String,
}

impl Outcome {
    /// Of an answer over HTTP.
    pub(crate) fn of_http(answer: &RawAnswer) -> Self {
        if answer.status < 400 {
            return Self::done(answer.status);
        }
        let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| {
            panic!(
                "{} without a problem: {:?}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            )
        });
        assert_eq!(problem["status"], answer.status, "{problem}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let retry_after = answer.headers.get("retry-after").map(|value| {
            let seconds: u64 = value.to_str().unwrap().parse().unwrap();
            seconds
        });
        assert_eq!(
            retry_after,
            problem.get("retry_after_s").and_then(Value::as_u64)
        );
        assert_eq!(retry_after.is_some(), matches!(answer.status, 429 | 503));
        Self::refused(&problem)
    }

    /// Of an answer on a socket.
    pub(crate) fn of_frame(answer: &Value) -> Self {
        if answer["t"] == "error" {
            Self::refused(answer)
        } else {
            Self::done(200)
        }
    }

    fn done(status: u16) -> Self {
        Self {
            status,
            code: String::new(),
            field: String::new(),
        }
    }

    fn refused(problem: &Value) -> Self {
        let text = |name: &str| {
            problem
                .get(name)
                .map_or(String::new(), |text| text.as_str().unwrap().to_owned())
        };
        let code = text("code");
        let known: kith_protocol::ErrorCode = code.parse().unwrap();
        assert_eq!(problem["status"], known.status(), "{problem}");
        assert_eq!(problem["type"], format!("about:kith#{code}"));
        Self {
            status: known.status(),
            code,
            field: text("field"),
        }
    }

    /// Whether it was done.
    pub(crate) fn is_done(&self) -> bool {
        self.code.is_empty()
    }
}

/// A path segment or a value of a query, percent-encoded.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
