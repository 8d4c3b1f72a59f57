//! One WebSocket: hello, then frames in and frames out until one side ends it.
//!
//! One task per connection. It reads a frame at a time, hands sends to the sequencer without
//! waiting, does everything else one after the other, and writes all that waits with one flush.

use super::order::SendOrder;
use super::queue::{Drained, Queue};
use crate::error::Error;
use crate::http::frames;
use crate::node::{Caller, SharedNode};
use crate::session::{self, Live};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt};
use kith_protocol::channel::Channel;
use kith_protocol::frame::{ClientFrame, CloseCode, Hello, Received, ServerFrame, Welcome};
use kith_protocol::presence::State;
use kith_protocol::{ThreadId, Timestamp};
use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::tungstenite;

/// A connection that says nothing for this long is closed.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// How long a closed connection is still read, so that its last frames arrive.
const LINGER: Duration = Duration::from_secs(1);

/// Traffic renews the presence lease at most this often.
const TOUCH_EVERY_MS: i64 = 10_000;

/// What the frames of one connection share.
pub struct Connection {
    /// Who is at the other end.
    pub caller: Caller,
    live: Live,
    /// What it is told.
    pub queue: Arc<Queue>,
    /// The order of its sends.
    pub order: Arc<SendOrder>,
    /// Large threads that it subscribes.
    pub subscriptions: Mutex<FxHashSet<ThreadId>>,
    state: Mutex<(State, Timestamp)>,
}

impl Connection {
    /// What the session says of itself.
    pub fn set_state(&self, state: State, now: Timestamp) {
        *self.state.lock() = (state, now);
    }

    /// Any traffic is a heartbeat, and a use of the session.
    async fn touch(&self, node: &SharedNode, now: Timestamp) {
        self.queue.heard(now);
        let state = {
            let mut state = self.state.lock();
            if now.0 - state.1.0 < TOUCH_EVERY_MS || state.0 == State::Leaving {
                return;
            }
            state.1 = now;
            state.0
        };
        node.presence.touch(self.caller, state);
        session::touch(node, &self.live, None).await;
    }
}

/// Serves a socket to its end.
///
/// `cookie` is the token that came with the upgrade. Hello signs in with it, so that a browser too
/// is told by the close code why its session is over.
pub async fn serve(node: SharedNode, mut socket: WebSocket, cookie: Option<String>) {
    let greeted = tokio::select! {
        greeted = greet(&node, &mut socket, cookie) => greeted,
        () = node.clock.sleep(HELLO_WITHIN) => Err(Some(CloseCode::Idle)),
    };
    match greeted {
        Ok((live, hello)) => Box::pin(converse(&node, socket, live, hello)).await,
        Err(Some(code)) => close(socket, code).await,
        Err(None) => {}
    }
}

/// Waits for hello and signs in with it. The error says how to close; none: the socket is gone.
async fn greet(
    node: &SharedNode,
    socket: &mut WebSocket,
    cookie: Option<String>,
) -> std::result::Result<(Live, Hello), Option<CloseCode>> {
    let text = loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => break text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_))) => return Err(Some(CloseCode::ProtocolError)),
            Some(Ok(Message::Close(_))) | None => return Err(None),
            Some(Err(error)) => return Err(close_code(error)),
        }
    };
    let hello = match Received::parse(text.as_bytes()) {
        Ok(Received {
            frame: Ok(ClientFrame::Hello(hello)),
            ..
        }) => hello,
        _ => return Err(Some(CloseCode::ProtocolError)),
    };
    let signed_in = match hello.token.as_ref().or(cookie.as_ref()) {
        Some(token) => session::authenticate(node, token).await,
        None => Err(Error::Unauthorized),
    };
    match signed_in {
        Ok(live) => Ok((live, hello)),
        Err(Error::SessionEnded(reason)) => Err(Some(CloseCode::from(reason))),
        Err(Error::Unauthorized) => Err(Some(CloseCode::TokenInvalid)),
        // The store is unwell: come back later.
        Err(_) => Err(Some(CloseCode::Restart)),
    }
}

async fn converse(node: &SharedNode, socket: WebSocket, live: Live, hello: Hello) {
    let now = node.clock.now();
    let queue = node.push.attach(live.caller);
    let connection = Arc::new(Connection {
        caller: live.caller,
        live: live.clone(),
        queue: Arc::clone(&queue),
        order: Arc::default(),
        subscriptions: Mutex::default(),
        state: Mutex::new((hello.state, now)),
    });
    let broker = node.channels.broker();
    broker.join(Channel::User(live.caller.user), &queue);
    node.presence.touch(live.caller, hello.state);
    let welcome = ServerFrame::Welcome(Welcome {
        session: session::shown(&live.session, Some(live.caller.session)),
        node: node.name.clone(),
        heartbeat_s: node.presence.heartbeat_s(),
    });
    queue.push(Bytes::from(welcome.encode()));
    // The session may have ended between its check and the attachment.
    if let Err(Error::SessionEnded(reason)) = session::still_live(node, &live).await {
        node.push.end_session(live.caller.session, reason, None);
    }
    exchange(node, socket, &connection).await;
    broker.leave(Channel::User(live.caller.user), &queue);
    for &thread in connection.subscriptions.lock().iter() {
        broker.leave(Channel::Thread(thread), &queue);
    }
    node.push.detach(&queue);
}

/// Reads and writes until one side ends it.
async fn exchange(node: &SharedNode, mut socket: WebSocket, connection: &Arc<Connection>) {
    let queue = &connection.queue;
    let mut job: Option<BoxFuture<'static, ()>> = None;
    loop {
        let drained = queue.drain();
        if let Err(code) = write(&mut socket, queue, drained).await {
            if let Some(code) = code {
                close(socket, code).await;
            }
            return;
        }
        let may_read = job.is_none() && queue.may_read();
        tokio::select! {
            biased;
            () = queue.woken() => {}
            () = async { if let Some(job) = &mut job { job.await } }, if job.is_some() => job = None,
            message = socket.recv(), if may_read => {
                connection.touch(node, node.clock.now()).await;
                match read(node, connection, message) {
                    Ok(next) => job = next,
                    Err(Some(code)) => queue.close(code, None),
                    Err(None) => return,
                }
            }
        }
        // A job that is done at once needs no second round.
        if let Some(waiting) = &mut job
            && waiting.now_or_never().is_some()
        {
            job = None;
        }
    }
}

/// Takes one message; gives what is left to do for it before the next one is read.
fn read(
    node: &SharedNode,
    connection: &Arc<Connection>,
    message: Option<std::result::Result<Message, axum::Error>>,
) -> std::result::Result<Option<BoxFuture<'static, ()>>, Option<CloseCode>> {
    match message {
        Some(Ok(Message::Text(text))) => {
            let received =
                Received::parse(text.as_bytes()).map_err(|_| Some(CloseCode::ProtocolError))?;
            if matches!(received.frame, Ok(ClientFrame::Hello(_))) {
                return Err(Some(CloseCode::ProtocolError));
            }
            Ok(frames::take(node, connection, received))
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(Some(CloseCode::ProtocolError)),
        Some(Ok(Message::Close(_))) | None => Err(None),
        Some(Err(error)) => Err(close_code(error)),
    }
}

/// Writes what was drained, with one flush. The error says how to close; none: the socket is gone.
async fn write(
    socket: &mut WebSocket,
    queue: &Queue,
    drained: Drained,
) -> std::result::Result<(), Option<CloseCode>> {
    if drained.frames.is_empty() && drained.close.is_none() && !drained.ping {
        return Ok(());
    }
    let written = async {
        for frame in drained.frames {
            // Frames are encoded from text: they are UTF-8.
            if let Ok(text) = Utf8Bytes::try_from(frame) {
                socket.feed(Message::Text(text)).await?;
            }
        }
        if drained.ping {
            socket.feed(Message::Ping(Bytes::new())).await?;
        }
        socket.flush().await
    };
    tokio::select! {
        written = written => written.map_err(|_: axum::Error| None)?,
        // A reader that takes nothing does not hold up the end of its session.
        code = queue.ended() => return Err(Some(code).filter(|_| drained.close.is_none())),
    }
    queue.keeps_up();
    match drained.close {
        Some(code) => Err(Some(code)),
        None => Ok(()),
    }
}

/// How to close after a message that could not be read; none: the socket is gone.
fn close_code(error: axum::Error) -> Option<CloseCode> {
    match error.into_inner().downcast_ref::<tungstenite::Error>()? {
        tungstenite::Error::Capacity(_) => Some(CloseCode::TooLarge),
        tungstenite::Error::Utf8(_) => Some(CloseCode::NotUtf8),
        tungstenite::Error::Protocol(_) => Some(CloseCode::ProtocolError),
        _ => None,
    }
}

/// Says why, and reads on for a moment so that it arrives.
#[expect(
    clippy::disallowed_methods,
    reason = "how long the network may take is not the rules' time"
)]
async fn close(mut socket: WebSocket, code: CloseCode) {
    let reason = Utf8Bytes::from_static(code.reason());
    let last = Message::Close(Some(CloseFrame {
        code: code as u16,
        reason,
    }));
    let linger = async {
        if socket.send(last).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // After a second the other side has it, or never will.
    let _ = tokio::time::timeout(LINGER, linger).await;
}
