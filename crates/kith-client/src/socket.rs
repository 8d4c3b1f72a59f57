//! One WebSocket: hello, requests matched to their answers, pushes in a queue, and how it ended.
//!
//! It does not reconnect and repairs nothing: that is [`crate::Client`]'s work.

use crate::error::{ClientError, Closed};
use futures_util::{SinkExt as _, StreamExt as _};
use kith_protocol::Problem;
use kith_protocol::frame::{
    self, ClientFrame, FRAME_MAX_BYTES, Hello, Incoming, Resync, SUBPROTOCOL, ServerFrame, Skip,
    Welcome,
};
use kith_protocol::presence::State;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, WebSocketConfig};

/// Connecting, upgrading and welcome take at most this long each: hello itself has 10 s.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// An answer takes at most this long; a socket that is slower is as good as dead.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Frames that wait to be written. A full queue makes the caller wait.
const OUTGOING_MAX: usize = 256;
/// Pushes that wait to be looked at. When it is full, further ones are dropped, and a `resync` for
/// everything takes their place as soon as there is room.
const PUSHES_MAX: usize = 1024;

/// An open socket. Dropping it cuts the connection; [`Socket::close`] says goodbye first.
pub struct Socket {
    welcome: Option<Welcome>,
    outgoing: mpsc::Sender<Message>,
    waiting: Arc<Waiting>,
    pushes: mpsc::Receiver<ServerFrame>,
    /// Frames without `re` that the server refused.
    refusals: mpsc::Receiver<Problem>,
    ended: watch::Receiver<Option<Closed>>,
    next_id: AtomicU64,
    tasks: [tokio::task::AbortHandle; 2],
}

/// Requests without an answer yet; none are taken after the end.
#[derive(Default)]
struct Waiting(Mutex<Option<HashMap<String, oneshot::Sender<Reply>>>>);

type Reply = Result<Answer, Box<Problem>>;

/// The `ok` or `pong` to a frame.
#[derive(Clone, Debug)]
pub struct Answer(Box<str>);

impl Answer {
    /// The fields of the answer.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        frame::answer(&self.0).map_err(|error| ClientError::Garbled(error.to_string()))
    }

    /// The whole frame.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A frame that was handed to the writer and whose answer is awaited.
pub struct Pending {
    answer: oneshot::Receiver<Reply>,
    ended: watch::Receiver<Option<Closed>>,
}

impl Pending {
    /// Waits for the answer, or for the end of the socket.
    pub async fn answer(self) -> Result<Answer, ClientError> {
        match tokio::time::timeout(ANSWER_TIMEOUT, self.answer).await {
            Ok(Ok(reply)) => reply.map_err(ClientError::Refused),
            Ok(Err(_)) => Err(ClientError::Closed(how_it_ended(&self.ended))),
            Err(_) => Err(ClientError::Unreachable("no answer on the socket".into())),
        }
    }
}

/// Opening and closing.
impl Socket {
    /// Dials `url` (`ws://host:port/path`), says hello and waits for the welcome.
    pub async fn open(url: &str, token: Option<String>, state: State) -> Result<Self, ClientError> {
        let mut socket = Self::dial(url, &[]).await?;
        socket.hello(token, state).await?;
        Ok(socket)
    }

    /// Dials and upgrades, with further headers, and says nothing yet.
    pub async fn dial(url: &str, headers: &[(&str, &str)]) -> Result<Self, ClientError> {
        let stream = tokio::time::timeout(DIAL_TIMEOUT, connected(url, headers))
            .await
            .map_err(|_| ClientError::Unreachable(format!("{url}: no answer")))??;
        Ok(Self::over(stream))
    }

    /// Says hello and waits for the welcome.
    pub async fn hello(&mut self, token: Option<String>, state: State) -> Result<(), ClientError> {
        let hello = ClientFrame::Hello(Hello {
            token,
            state,
            capabilities: Vec::new(),
            t: Skip,
            id: Skip,
        });
        self.tell(hello).await?;
        loop {
            match self.next_push(DIAL_TIMEOUT).await {
                Some(ServerFrame::Welcome(welcome)) => {
                    self.welcome = Some(welcome);
                    return Ok(());
                }
                Some(_) => {}
                None => {
                    if let Ok(problem) = self.refusals.try_recv() {
                        return Err(problem.into());
                    }
                    return Err(ClientError::Closed(how_it_ended(&self.ended)));
                }
            }
        }
    }

    fn over<S>(stream: WebSocketStream<S>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sink, source) = stream.split();
        let (outgoing, frames) = mpsc::channel(OUTGOING_MAX);
        let (push, pushes) = mpsc::channel(PUSHES_MAX);
        let (refusal, refusals) = mpsc::channel(16);
        let (end, ended) = watch::channel(None);
        let waiting = Arc::new(Waiting(Mutex::new(Some(HashMap::new()))));
        let reader = Reader {
            waiting: waiting.clone(),
            push,
            refusal,
            dropped: false,
        };
        let writer = tokio::spawn(write(sink, frames));
        let reader = tokio::spawn(reader.read(source, end));
        Self {
            welcome: None,
            outgoing,
            waiting,
            pushes,
            refusals,
            ended,
            next_id: AtomicU64::new(1),
            tasks: [reader.abort_handle(), writer.abort_handle()],
        }
    }

    /// What the server said to hello.
    pub fn welcome(&self) -> Option<&Welcome> {
        self.welcome.as_ref()
    }

    /// How the socket ended, if it did.
    pub fn closed(&self) -> Option<Closed> {
        self.ended.borrow().clone()
    }

    /// Waits until the socket has ended.
    pub async fn wait_closed(&self) -> Closed {
        let mut ended = self.ended.clone();
        // An error means that the reader is gone, which is an end as well.
        let _ = ended.wait_for(Option::is_some).await;
        how_it_ended(&ended)
    }

    /// Says goodbye with 1000 and waits a moment for the server's.
    pub async fn close(self) -> Closed {
        let goodbye = CloseFrame {
            code: 1000.into(),
            reason: "".into(),
        };
        let _ = self.outgoing.send(Message::Close(Some(goodbye))).await;
        let within = Duration::from_secs(2);
        tokio::time::timeout(within, self.wait_closed())
            .await
            .unwrap_or_default()
    }
}

/// Speaking.
impl Socket {
    /// Sends a frame and waits for its answer.
    pub async fn ask(&self, frame: ClientFrame) -> Result<Answer, ClientError> {
        self.room().await?;
        self.begin(frame)?.answer().await
    }

    /// Sends a frame; its answer can be awaited while others follow. Refused if the writer is so
    /// far behind that its queue is full: see [`Socket::room`].
    pub fn begin(&self, frame: ClientFrame) -> Result<Pending, ClientError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed).to_string();
        let (reply, answer) = oneshot::channel();
        match &mut *self.waiting.0.lock() {
            Some(waiting) => waiting.insert(id.clone(), reply),
            None => return Err(ClientError::Closed(how_it_ended(&self.ended))),
        };
        let frame = Message::text(frame.encode(Some(&id)));
        self.outgoing.try_send(frame).map_err(|error| {
            if let Some(waiting) = &mut *self.waiting.0.lock() {
                waiting.remove(&id);
            }
            match error {
                mpsc::error::TrySendError::Full(_) => {
                    ClientError::Unreachable("the socket does not take any more".into())
                }
                mpsc::error::TrySendError::Closed(_) => {
                    ClientError::Closed(how_it_ended(&self.ended))
                }
            }
        })?;
        Ok(Pending {
            answer,
            ended: self.ended.clone(),
        })
    }

    /// Waits until a frame would be taken.
    pub async fn room(&self) -> Result<(), ClientError> {
        match self.outgoing.reserve().await {
            Ok(_) => Ok(()),
            Err(_) => Err(ClientError::Closed(how_it_ended(&self.ended))),
        }
    }

    /// Sends a frame that gets no answer.
    pub async fn tell(&self, frame: ClientFrame) -> Result<(), ClientError> {
        self.send_text(frame.encode(None)).await
    }

    /// Sends any text: for tests of what no typed frame would say.
    pub async fn send_text(&self, text: impl Into<String>) -> Result<(), ClientError> {
        self.send_message(Message::text(text.into())).await
    }

    /// Sends any WebSocket message: for tests of binary, ping and close.
    pub async fn send_message(&self, message: Message) -> Result<(), ClientError> {
        if let Some(closed) = self.closed() {
            return Err(ClientError::Closed(closed));
        }
        self.outgoing
            .send(message)
            .await
            .map_err(|_| ClientError::Closed(how_it_ended(&self.ended)))
    }
}

/// Listening.
impl Socket {
    /// The next push, or none within this time or after the end.
    pub async fn next_push(&mut self, within: Duration) -> Option<ServerFrame> {
        tokio::time::timeout(within, self.pushes.recv())
            .await
            .ok()?
    }

    /// The next push, however long it takes; none after the end.
    pub async fn push(&mut self) -> Option<ServerFrame> {
        self.pushes.recv().await
    }

    /// The next refusal of a frame that had no id.
    pub async fn next_refusal(&mut self, within: Duration) -> Option<Problem> {
        tokio::time::timeout(within, self.refusals.recv())
            .await
            .ok()?
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn how_it_ended(ended: &watch::Receiver<Option<Closed>>) -> Closed {
    ended.borrow().clone().unwrap_or_else(|| Closed {
        code: None,
        reason: "dropped".into(),
    })
}

async fn connected(
    url: &str,
    headers: &[(&str, &str)],
) -> Result<WebSocketStream<TcpStream>, ClientError> {
    let bad = |why: String| ClientError::Address(format!("{url}: {why}"));
    let mut request = url
        .into_client_request()
        .map_err(|error| bad(error.to_string()))?;
    if request.uri().scheme_str() != Some("ws") {
        return Err(bad("this version speaks plain ws only".into()));
    }
    let host = request
        .uri()
        .host()
        .ok_or_else(|| bad("no host".into()))?
        .trim_matches(['[', ']'])
        .to_owned();
    let port = request.uri().port_u16().unwrap_or(80);
    let own = [("sec-websocket-protocol", SUBPROTOCOL)];
    for (name, value) in own.iter().chain(headers) {
        let name: hyper::header::HeaderName =
            name.parse().map_err(|_| bad(format!("header {name}")))?;
        let value = value.parse().map_err(|_| bad(format!("header {name}")))?;
        request.headers_mut().insert(name, value);
    }
    let unreachable =
        |error: &dyn std::fmt::Display| ClientError::Unreachable(format!("{url}: {error}"));
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| unreachable(&error))?;
    stream
        .set_nodelay(true)
        .map_err(|error| unreachable(&error))?;
    // The default read buffer of 128 KiB would be most of what a waiting connection costs.
    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(16 * 1024)
        .max_message_size(Some(FRAME_MAX_BYTES))
        .max_frame_size(Some(FRAME_MAX_BYTES));
    tokio_tungstenite::client_async_with_config(request, stream, Some(config))
        .await
        .map(|(stream, _)| stream)
        .map_err(|error| not_upgraded(url, error))
}

/// The server may refuse the upgrade with a problem of its own.
fn not_upgraded(url: &str, error: tokio_tungstenite::tungstenite::Error) -> ClientError {
    if let tokio_tungstenite::tungstenite::Error::Http(answer) = &error
        && let Some(body) = answer.body()
        && let Ok(problem) = serde_json::from_slice::<Problem>(body)
    {
        return problem.into();
    }
    ClientError::Unreachable(format!("{url}: {error}"))
}

/// Writes what is queued; joins what is there into one flush.
async fn write<S>(
    mut sink: futures_util::stream::SplitSink<WebSocketStream<S>, Message>,
    mut frames: mpsc::Receiver<Message>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(mut frame) = frames.recv().await {
        loop {
            if sink.feed(frame).await.is_err() {
                return;
            }
            match frames.try_recv() {
                Ok(next) => frame = next,
                Err(_) => break,
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}

struct Reader {
    waiting: Arc<Waiting>,
    push: mpsc::Sender<ServerFrame>,
    refusal: mpsc::Sender<Problem>,
    /// Pushes were dropped and a `resync` has not taken their place yet.
    dropped: bool,
}

impl Reader {
    async fn read<S>(
        mut self,
        mut source: futures_util::stream::SplitStream<WebSocketStream<S>>,
        end: watch::Sender<Option<Closed>>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let closed = loop {
            match source.next().await {
                Some(Ok(Message::Text(text))) => self.take(text.as_str()),
                Some(Ok(Message::Close(frame))) => {
                    // One more poll lets the library answer the close.
                    let _ = tokio::time::timeout(Duration::from_secs(1), source.next()).await;
                    break Closed {
                        code: frame.as_ref().map(|frame| frame.code.into()),
                        reason: frame.map_or_else(String::new, |frame| frame.reason.to_string()),
                    };
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    break Closed {
                        code: None,
                        reason: error.to_string(),
                    };
                }
                None => break Closed::default(),
            }
        };
        end.send_replace(Some(closed));
        // Whoever still waits for an answer learns of the end by its sender going away.
        self.waiting.0.lock().take();
    }

    fn take(&mut self, text: &str) {
        match Incoming::parse(text) {
            Ok(Incoming::Ok { re, json }) => self.answer(&re, Ok(Answer(json))),
            Ok(Incoming::Refused {
                re: Some(re),
                problem,
            }) => self.answer(&re, Err(problem)),
            // Nobody waits for these but tests; the oldest sixteen are kept.
            Ok(Incoming::Refused { re: None, problem }) => {
                let _ = self.refusal.try_send(*problem);
            }
            Ok(Incoming::Push(push)) => self.queue(push),
            Err(error) => {
                tracing::warn!(%error, "a frame that is not of the protocol");
                self.queue(ServerFrame::Resync(Resync::default()));
            }
        }
    }

    fn answer(&self, re: &str, reply: Reply) {
        let waiting = self
            .waiting
            .0
            .lock()
            .as_mut()
            .and_then(|waiting| waiting.remove(re));
        if let Some(waiting) = waiting {
            let _ = waiting.send(reply);
        }
    }

    fn queue(&mut self, push: ServerFrame) {
        if self.dropped {
            let everything = ServerFrame::Resync(Resync::default());
            self.dropped = self.push.try_send(everything).is_err();
        }
        if self.dropped || self.push.try_send(push).is_err() {
            self.dropped = true;
        }
    }
}
