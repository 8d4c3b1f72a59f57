//! One WebSocket: hello, then frames in and frames out until one side ends it.
//!
//! One task per connection. It reads a frame at a time, hands sends to the sequencer without
//! waiting, does everything else one after the other, and writes all that waits with one flush.

use super::order::SendOrder;
use super::queue::{Drained, Queue};
use crate::error::Error;
use crate::http::frames;
use crate::node::{Caller, SharedNode};
use crate::push::Room;
use crate::session::{self, Live};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use kith_protocol::channel::Channel;
use kith_protocol::frame::{ClientFrame, CloseCode, Hello, Received, ServerFrame, Welcome};
use kith_protocol::presence::State;
use kith_protocol::{ThreadId, Timestamp};
use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::task::ready;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

/// A WebSocket over what was accepted, without a layer in between.
pub type Socket = WebSocketStream<TcpStream>;

/// A connection that says nothing for this long is closed.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// How long a closed connection is still read, so that its last frames arrive.
const LINGER: Duration = Duration::from_secs(1);

/// Traffic renews the presence lease at most this often.
const TOUCH_EVERY_MS: i64 = 10_000;

/// What the frames of one connection share.
pub struct Connection {
    live: Live,
    /// What it is told.
    pub queue: Arc<Queue>,
    /// Made with the first send: most connections only listen.
    order: OnceLock<Arc<SendOrder>>,
    /// Large threads that it subscribes.
    pub subscriptions: Mutex<FxHashSet<ThreadId>>,
    state: Mutex<(State, Timestamp)>,
}

impl Connection {
    /// Who is at the other end.
    pub fn caller(&self) -> Caller {
        self.live.caller
    }

    /// The order of its sends.
    pub fn order(&self) -> &Arc<SendOrder> {
        self.order.get_or_init(Arc::default)
    }

    /// What the session says of itself.
    pub fn set_state(&self, state: State, now: Timestamp) {
        *self.state.lock() = (state, now);
    }

    /// Any traffic is a heartbeat, and a use of the session; true if the latter is to be noted.
    fn heard(&self, node: &SharedNode, now: Timestamp) -> bool {
        self.queue.heard(now);
        let state = {
            let mut state = self.state.lock();
            if now.0 - state.1.0 < TOUCH_EVERY_MS || state.0 == State::Leaving {
                return false;
            }
            state.1 = now;
            state.0
        };
        node.presence.touch(self.live.caller, state);
        true
    }
}

/// Serves a socket to its end.
///
/// `cookie` is the token that came with the upgrade. Hello signs in with it, so that a browser too
/// is told by the close code why its session is over. `room` is given back at the end.
///
/// This is what an idle connection costs, times all of them: the socket lies in it once, and what
/// only the beginning and the end need is boxed, so that it is given back in between.
#[expect(
    clippy::manual_async_fn,
    reason = "an async fn would have room for its arguments twice"
)]
pub fn serve(
    node: SharedNode,
    mut socket: Socket,
    cookie: Option<String>,
    room: Room,
) -> impl Future<Output = ()> + Send {
    async move {
        let code = match Box::pin(begin(&node, &mut socket, cookie)).await {
            Ok(connection) => {
                let code = exchange(&node, &mut socket, &connection).await;
                end(&node, &connection);
                code
            }
            Err(code) => code,
        };
        if let Some(code) = code {
            Box::pin(close(&mut socket, code)).await;
        }
        drop(room);
    }
}

/// Waits for hello and lets the connection be told. The error says how to close; none: it is gone.
async fn begin(
    node: &SharedNode,
    socket: &mut Socket,
    cookie: Option<String>,
) -> std::result::Result<Arc<Connection>, Option<CloseCode>> {
    let (live, hello) = tokio::select! {
        greeted = greet(node, socket, cookie) => greeted?,
        () = node.clock.sleep(HELLO_WITHIN) => return Err(Some(CloseCode::Idle)),
    };
    let queue = node.push.attach(live.caller);
    let connection = Arc::new(Connection {
        live: live.clone(),
        queue: Arc::clone(&queue),
        order: OnceLock::new(),
        subscriptions: Mutex::default(),
        state: Mutex::new((hello.state, node.clock.now())),
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
    Ok(connection)
}

/// Waits for hello and signs in with it.
async fn greet(
    node: &SharedNode,
    socket: &mut Socket,
    cookie: Option<String>,
) -> std::result::Result<(Live, Hello), Option<CloseCode>> {
    let text = loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => break text,
            Some(Ok(Message::Binary(_))) => return Err(Some(CloseCode::ProtocolError)),
            Some(Ok(Message::Close(_))) | None => return Err(None),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(close_code(&error)),
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

/// The connection is told no more.
fn end(node: &SharedNode, connection: &Connection) {
    let broker = node.channels.broker();
    broker.leave(Channel::User(connection.caller().user), &connection.queue);
    for &thread in connection.subscriptions.lock().iter() {
        broker.leave(Channel::Thread(thread), &connection.queue);
    }
    node.push.detach(&connection.queue);
}

/// Reads and writes until one side ends it; gives the code to close with, if it is still there.
async fn exchange(
    node: &SharedNode,
    socket: &mut Socket,
    connection: &Arc<Connection>,
) -> Option<CloseCode> {
    let queue = &connection.queue;
    let mut job: Option<BoxFuture<'static, ()>> = None;
    loop {
        if let Some(drained) = queue.drain()
            && let Err(code) = write(socket, queue, drained).await
        {
            return code;
        }
        let may_read = job.is_none() && queue.may_read();
        tokio::select! {
            biased;
            () = queue.woken() => {}
            () = async { if let Some(job) = &mut job { job.await } }, if job.is_some() => job = None,
            message = socket.next(), if may_read => {
                if connection.heard(node, node.clock.now()) {
                    Box::pin(session::touch(node, &connection.live, None)).await;
                }
                match read(node, connection, message) {
                    Ok(next) => job = next,
                    Err(Some(code)) => queue.close(code, None),
                    Err(None) => return None,
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
    message: Option<tungstenite::Result<Message>>,
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
        Some(Ok(Message::Binary(_))) => Err(Some(CloseCode::ProtocolError)),
        Some(Ok(Message::Close(_))) | None => Err(None),
        Some(Ok(_)) => Ok(None),
        Some(Err(error)) => Err(close_code(&error)),
    }
}

/// Writes what was drained, with one flush. The error says how to close; none: the socket is gone.
async fn write(
    socket: &mut Socket,
    queue: &Queue,
    drained: Drained,
) -> std::result::Result<(), Option<CloseCode>> {
    let close = drained.close;
    let mut frames = drained.frames.into_iter();
    let mut ping = drained.ping;
    let written = poll_fn(|cx| {
        loop {
            ready!(socket.poll_ready_unpin(cx))?;
            let message = match frames.next() {
                // Frames are encoded from text: they are UTF-8.
                Some(frame) => Utf8Bytes::try_from(frame).map(Message::Text)?,
                None if std::mem::take(&mut ping) => Message::Ping(Bytes::new()),
                None => return socket.poll_flush_unpin(cx),
            };
            socket.start_send_unpin(message)?;
        }
    });
    tokio::select! {
        written = written => written.map_err(|_: tungstenite::Error| None)?,
        // A reader that takes nothing does not hold up the end of its session.
        code = queue.ended() => return Err(Some(code).filter(|_| close.is_none())),
    }
    queue.keeps_up();
    match close {
        Some(code) => Err(Some(code)),
        None => Ok(()),
    }
}

/// How to close after a message that could not be read; none: the socket is gone.
fn close_code(error: &tungstenite::Error) -> Option<CloseCode> {
    match error {
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
async fn close(socket: &mut Socket, code: CloseCode) {
    let reason = Utf8Bytes::from_static(code.reason());
    let last = Message::Close(Some(CloseFrame {
        code: (code as u16).into(),
        reason,
    }));
    let linger = async {
        if socket.send(last).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // After a second the other side has it, or never will.
    let _ = tokio::time::timeout(LINGER, linger).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The task of a connection, of which there may be a hundred thousand.
    fn bytes_of_task<F>(_: impl FnOnce(SharedNode, Socket, Option<String>, Room) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_connection_holds_its_socket_once_and_little_besides() {
        let (task, socket) = (bytes_of_task(serve), size_of::<Socket>());
        assert!(
            task <= socket + 704,
            "{task} bytes, {socket} of them the socket"
        );
    }
}
