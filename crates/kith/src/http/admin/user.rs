//! Commands about accounts, on the admin door.

use crate::error::Error;
use crate::node::SharedNode;
use crate::session;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use kith_protocol::UserId;

/// The routes.
pub fn routes(node: SharedNode) -> Router {
    Router::new()
        .route("/v1/admin/users/{handle}/disable", post(disable))
        .route("/v1/admin/users/{handle}/enable", post(enable))
        .with_state(node)
}

async fn disable(State(node): State<SharedNode>, Path(handle): Path<String>) -> Response {
    let user = match user_of(&node, &handle).await {
        Ok(user) => user,
        Err(refusal) => return refusal,
    };
    tracing::info!(%user, "disabled from the admin door");
    done(session::disable(&node, user).await)
}

async fn enable(State(node): State<SharedNode>, Path(handle): Path<String>) -> Response {
    let user = match user_of(&node, &handle).await {
        Ok(user) => user,
        Err(refusal) => return refusal,
    };
    tracing::info!(%user, "enabled from the admin door");
    done(session::enable(&node, user).await)
}

async fn user_of(node: &SharedNode, handle: &str) -> Result<UserId, Response> {
    match node.store.user_of_handle(handle).await {
        Ok(Some(user)) => Ok(user),
        Ok(None) => {
            let why = format!("there is no user {handle}\n");
            Err((StatusCode::NOT_FOUND, why).into_response())
        }
        Err(error) => Err(Error::Store(error).into_response()),
    }
}

fn done(outcome: crate::error::Result<()>) -> Response {
    match outcome {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}
