//! The door to what changed since.

use super::answer::{Answer, ok};
use super::auth::SignedIn;
use super::input::Query;
use crate::error::Result;
use crate::node::SharedNode;
use crate::sync;
use axum::extract::State;
use kith_protocol::Problem;
use kith_protocol::sync::{Sync, SyncQuery};

/// What changed since a cursor: rows of inbox, contacts and sessions. Waits for a change if asked.
#[utoipa::path(
    get, path = "/v1/sync", tag = "sync", params(SyncQuery),
    responses((status = 200, body = Sync), (status = 400, body = Problem))
)]
pub async fn sync(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Query(query): Query<SyncQuery>,
) -> Result<Answer<Sync>> {
    sync::sync(&node, signed_in.caller, query).await.map(ok)
}
