//! The door to the WebSocket.

use super::auth;
use super::auth::Visitor;
use crate::error::{Error, Result};
use crate::node::SharedNode;
use crate::push::connection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use kith_protocol::Problem;
use kith_protocol::frame::{FRAME_MAX_BYTES, SUBPROTOCOL};

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
    request: Request,
) -> Result<Response> {
    let (mut parts, _) = request.into_parts();
    let cookie = auth::socket_token(&node, &parts.headers)?;
    let upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection> =
        WebSocketUpgrade::from_request_parts(&mut parts, &node).await;
    let upgrade = upgrade.map_err(|_| Error::Unsupported("this is a WebSocket"))?;
    let room = node.push.room()?;
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(FRAME_MAX_BYTES)
        .max_frame_size(FRAME_MAX_BYTES);
    Ok(upgrade.on_upgrade(async move |socket| {
        connection::serve(node, socket, cookie).await;
        drop(room);
    }))
}
