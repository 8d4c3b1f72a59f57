//! The OpenAPI document: routes, frames, refusals and close codes, all of it from the code.

mod frames;
mod tidy;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use kith_protocol::ErrorCode;
use kith_protocol::frame::CloseCode;
use kith_protocol::presence::Transport;
use kith_protocol::thread::InboxFilter;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};

/// Written once: nothing in it changes while a process lives.
static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));

/// What the document says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "kith",
        description = "HTTP and WebSocket interface of the chat server kith. Read docs/protocol.md \
            first: it has the rules. Frames of the WebSocket are the schemas ClientFrame and \
            ServerFrame. Every refusal is a Problem; clients act on its `code` and `retry`, which \
            stand in `x-kith-errors`. A fault of the server is 500 `internal` on any path."
    ),
    servers((url = "/", description = "the server that this document came from")),
    components(schemas(InboxFilter, Transport)),
    security(("bearer" = []), ("cookie" = [])),
    tags(
        (name = "session", description = "signing up, in and out; signed-in devices"),
        (name = "user", description = "accounts and profiles"),
        (name = "contact", description = "contacts, requests for them, blocks"),
        (name = "thread", description = "conversations: inbox, members, roles, settings"),
        (name = "message", description = "messages, edits, deletions, reactions, marks, typing"),
        (name = "sync", description = "what changed since"),
        (name = "presence", description = "who is here"),
        (name = "push", description = "the WebSocket"),
        (name = "health", description = "whether the server runs, and what it speaks"),
    )
)]
struct Whole;

/// This document: every route and frame of the running version.
#[utoipa::path(
    get, path = "/openapi.json", tag = "health", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"))
)]
pub async fn serve() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text())
}

/// The document as it is served and committed: keys in order, two spaces deep.
pub fn text() -> &'static str {
    &TEXT
}

/// The document.
fn document() -> Value {
    let mut whole = Whole::openapi();
    whole.merge(super::routes().into_openapi());
    let components = whole.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let cookie = ApiKeyValue::new(super::auth::COOKIE_NAME);
    components.add_security_scheme("bearer", bearer);
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    for (name, schema) in frames::parts() {
        components.schemas.entry(name).or_insert(schema);
    }
    let mut document = serde_json::to_value(whole)
        .unwrap_or_else(|error| unreachable!("the document is JSON: {error}"));
    object(&mut document["components"]["schemas"]).extend(frames::schemas());
    tidy::tidy(&mut document);
    document["components"]["responses"] = tidy::refusals();
    document["x-kith-errors"] = ErrorCode::ALL.iter().map(error_row).collect();
    document["x-kith-close-codes"] = CloseCode::ALL.iter().map(close_row).collect();
    document
}

fn error_row(code: &ErrorCode) -> Value {
    json!({
        "code": code.as_str(), "status": code.status(), "retry": code.retry().as_str(),
        "title": code.title(),
    })
}

fn close_row(code: &CloseCode) -> Value {
    json!({ "code": *code as u16, "reason": code.reason(), "final": code.is_final() })
}

/// The members of what is an object by construction.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => unreachable!("{other} is no object"),
    }
}
