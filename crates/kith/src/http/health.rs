//! Whether it lives, and whether it can serve: for load balancers, without an account.

use crate::node::SharedNode;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

/// The routes; they stand on the admin listener too.
pub fn routes() -> Router<SharedNode> {
    Router::new()
        .route("/healthz/live", get(async || "alive\n"))
        .route("/healthz/ready", get(ready))
}

/// Why it is not ready is for the admin listener and the log.
async fn ready(State(node): State<SharedNode>) -> (StatusCode, &'static str) {
    match node.health() {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}
