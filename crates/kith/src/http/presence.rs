//! Doors to presence, and to the address of the socket.

use super::answer::{Answer, ok};
use super::auth::SignedIn;
use super::input::{Json, Query};
use crate::error::Result;
use crate::node::SharedNode;
use crate::{presence, push};
use axum::extract::State;
use axum::http::HeaderMap;
use kith_protocol::Problem;
use kith_protocol::presence::{Beat, Heartbeat, PushAddress, PushAddressQuery};

/// Says that the session lives; answers what became of friends and large threads.
#[utoipa::path(
    post, path = "/v1/heartbeat", tag = "presence", request_body = Heartbeat,
    responses((status = 200, body = Beat), (status = 400, body = Problem))
)]
pub async fn heartbeat(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Json(heartbeat): Json<Heartbeat>,
) -> Result<Answer<Beat>> {
    presence::heartbeat(&node, signed_in.caller, heartbeat)
        .await
        .map(ok)
}

/// Where to open a socket, where else, and how often to poll while none is open.
#[utoipa::path(
    get, path = "/v1/push-address", tag = "push", params(PushAddressQuery),
    responses((status = 200, body = PushAddress), (status = 400, body = Problem))
)]
pub async fn push_address(
    State(node): State<SharedNode>,
    _: SignedIn,
    Query(query): Query<PushAddressQuery>,
    headers: HeaderMap,
) -> Result<Answer<PushAddress>> {
    push::place::address(&node, query, &headers).map(ok)
}
