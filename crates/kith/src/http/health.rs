//! Doors for load balancers and for people who look whether it runs.

use super::answer::{Answer, ok};
use crate::error::{Error, Result};
use crate::node::SharedNode;
use axum::extract::State;
use kith_protocol::Problem;
use kith_store::StoreError;
use serde::Serialize;

/// How a node is.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// The process answers.
#[utoipa::path(get, path = "/healthz/live", tag = "health", security(()), responses((status = 200, body = Health)))]
pub async fn live() -> Answer<Health> {
    ok(Health { status: "alive" })
}

/// Clients can be served.
#[utoipa::path(
    get, path = "/healthz/ready", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, body = Problem))
)]
pub async fn ready(State(node): State<SharedNode>) -> Result<Answer<Health>> {
    match node.health() {
        Ok(()) => Ok(ok(Health { status: "ready" })),
        Err(why) => Err(Error::Store(StoreError::Unavailable(why))),
    }
}
