//! Doctor on the admin door: looks at the running server, and tells line by line.

use crate::doctor::{Doctor, Ear, Told};
use crate::node::SharedNode;
use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};

/// The node, and whether doctor is at work on it.
#[derive(Clone)]
struct Patient {
    node: SharedNode,
    busy: Arc<Mutex<()>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    repair: bool,
}

/// The route.
pub fn routes(node: SharedNode) -> Router {
    let busy = Arc::default();
    Router::new()
        .route("/v1/admin/doctor", post(examine))
        .with_state(Patient { node, busy })
}

async fn examine(State(patient): State<Patient>, Query(asked): Query<Asked>) -> Response {
    let Ok(busy) = patient.busy.try_lock_owned() else {
        let why = "doctor is at work on this server already; wait until it is done\n";
        return (StatusCode::CONFLICT, why).into_response();
    };
    tracing::info!(repair = asked.repair, "doctor begins");
    let (ear, heard) = Ear::new();
    let runtime = Handle::current();
    // Folding a page takes a millisecond: on a thread of its own, no connection waits for it.
    tokio::task::spawn_blocking(move || {
        let doctor = Doctor::of_node(patient.node, asked.repair);
        runtime.block_on(doctor.examine(ear));
    });
    let lines = futures_util::stream::unfold((heard, busy), next_line);
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, Body::from_stream(lines)).into_response()
}

type Heard = (mpsc::Receiver<Told>, OwnedMutexGuard<()>);

/// Who hangs up drops the receiver, and doctor stops at the next thing it has to tell.
async fn next_line(mut heard: Heard) -> Option<(Result<String, Infallible>, Heard)> {
    let told = heard.0.recv().await?;
    // Everything that is told has a JSON form.
    let line = serde_json::to_string(&told).unwrap_or_default() + "\n";
    Some((Ok(line), heard))
}
