//! The door to the WebSocket.

use super::auth;
use super::auth::Visitor;
use super::patient::Patient;
use crate::error::{Error, Result};
use crate::node::SharedNode;
use crate::push::connection::{self, Socket};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::SEC_WEBSOCKET_PROTOCOL;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use kith_protocol::Problem;
use kith_protocol::frame::{FRAME_MAX_BYTES, SUBPROTOCOL};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// An idle connection holds little: the buffer grows while a larger frame is read.
const READ_BUFFER_BYTES: usize = 512;

/// Frames are collected up to here before they are written: at 0 each would be written by itself.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// Opens a WebSocket for frames (subprotocol `kith.v1`). The first one must be `hello`, within 10 s.
#[utoipa::path(
    get, path = "/v1/socket", tag = "push",
    security((), ("bearer" = []), ("cookie" = [])),
    responses(
        (status = 101, description = "frames follow: ClientFrame and ServerFrame"),
        (status = 403, body = Problem), (status = 415, body = Problem), (status = 503, body = Problem)
    )
)]
pub async fn open(
    State(node): State<SharedNode>,
    _: Visitor,
    mut request: Request,
) -> Result<Response> {
    let cookie = auth::socket_token(&node, request.headers())?;
    let mut response = create_response_with_body(&request, Body::empty)
        .map_err(|_| Error::Unsupported("this is a WebSocket"))?;
    if offers_ours(request.headers()) {
        let ours = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, ours);
    }
    let room = node.push.room()?;
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // A client that left before its answer came has no socket.
        if let Some(socket) = upgraded(upgrade).await {
            connection::serve(node, socket, cookie, room).await;
        }
    });
    Ok(response)
}

fn offers_ours(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    offered
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .any(|name| name.trim_ascii() == SUBPROTOCOL.as_bytes())
}

/// The socket itself: what hyper needed for HTTP is given back, which is more than an idle
/// connection has otherwise.
async fn upgraded(upgrade: OnUpgrade) -> Option<Socket> {
    let upgraded: Upgraded = upgrade.await.ok()?;
    // It is what the listener gave to hyper.
    let parts = upgraded.downcast::<TokioIo<Patient>>().ok()?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(FRAME_MAX_BYTES))
        .max_frame_size(Some(FRAME_MAX_BYTES));
    let stream = parts.io.into_inner().into_inner();
    let early = parts.read_buf.to_vec();
    Some(Socket::from_partially_read(stream, early, Role::Server, Some(config)).await)
}
