//! Routes of accounts, sessions and contacts.

use super::cast::Person;
use super::row::{ALL_200, ALL_204, Row, device, plain, row};
use crate::support::PASSWORD;
use serde_json::{Value, json};

/// The lines.
pub(super) fn rows() -> Vec<Row> {
    let id = |person: &Person| person.session.session.id;
    vec![
        row("POST /v1/register", "", "201 201 201 201 201 201 201 201 201", |w, p| {
            let handle = format!("new-{}", w.name(p));
            ("/v1/register".into(), json!({"handle": handle, "password": PASSWORD, "device": device()}))
        }),
        row("POST /v1/login", "", "200 200 200 200 200 200 200 200 200", |_, p| {
            let handle = &p.session.user.handle;
            ("/v1/login".into(), json!({"handle": handle, "password": PASSWORD, "device": device()}))
        }),
        row("POST /v1/logout", "", ALL_204, plain("/v1/logout")).alone(),
        row("GET /v1/sessions", "", ALL_200, plain("/v1/sessions")),
        row("DELETE /v1/sessions", "all others", ALL_204, plain("/v1/sessions?others=true")),
        row("DELETE /v1/sessions/{id}", "one's own", ALL_204, move |_, p| {
            (format!("/v1/sessions/{}", id(p)), Value::Null)
        })
        .alone(),
        row(
            "DELETE /v1/sessions/{id}",
            "somebody else's",
            "not_found not_found not_found not_found not_found not_found not_found session_revoked unauthorized",
            |w, _| (format!("/v1/sessions/{}", w.ian.session.id), Value::Null),
        ),
        row("GET /v1/me", "", ALL_200, plain("/v1/me")),
        row("PATCH /v1/me", "", ALL_200, |_, _| ("/v1/me".into(), json!({"about": "x"}))),
        row("PUT /v1/me/password", "", ALL_204, |_, _| {
            ("/v1/me/password".into(), json!({"current": PASSWORD, "new": PASSWORD}))
        })
        .alone(),
        row("GET /v1/users", "", ALL_200, plain("/v1/users?q=ann")),
        row("GET /v1/users/{id}", "the owner", ALL_200, |w, _| {
            (format!("/v1/users/{}", w.owner().id()), Value::Null)
        }),
        row("GET /v1/contacts", "", ALL_200, plain("/v1/contacts")),
        row("DELETE /v1/contacts/{user_id}", "", ALL_204, |w, _| {
            (format!("/v1/contacts/{}", w.kim.id()), Value::Null)
        }),
        row("GET /v1/contacts/requests", "", ALL_200, plain("/v1/contacts/requests")),
        row(
            "POST /v1/contacts/requests",
            "to the owner",
            "invalid_field 201 201 201 201 201 not_found session_revoked unauthorized",
            |w, _| ("/v1/contacts/requests".into(), json!({"user_id": w.owner().id()})),
        )
        .alone(),
        row(
            "POST /v1/contacts/requests/{id}/accept",
            "a request to the owner",
            "200 not_found not_found not_found not_found not_found not_found session_revoked unauthorized",
            |w, _| (format!("/v1/contacts/requests/{}/accept", w.request), Value::Null),
        )
        .alone(),
        row(
            "POST /v1/contacts/requests/{id}/decline",
            "a request to the owner",
            "204 not_found not_found not_found not_found not_found not_found session_revoked unauthorized",
            |w, _| (format!("/v1/contacts/requests/{}/decline", w.request), Value::Null),
        )
        .alone(),
        row("GET /v1/blocks", "", ALL_200, plain("/v1/blocks")),
        row("PUT /v1/blocks/{user_id}", "", ALL_204, |w, _| {
            (format!("/v1/blocks/{}", w.kim.id()), Value::Null)
        }),
        row("DELETE /v1/blocks/{user_id}", "", ALL_204, |w, _| {
            (format!("/v1/blocks/{}", w.kim.id()), Value::Null)
        }),
        row("GET /v1/sync", "", ALL_200, plain("/v1/sync")),
        row("POST /v1/heartbeat", "", ALL_200, |_, _| {
            ("/v1/heartbeat".into(), json!({"state": "online"}))
        }),
        row("GET /v1/push-address", "", ALL_200, plain("/v1/push-address")),
        row(
            "GET /v1/socket",
            "",
            "101 101 101 101 101 101 101 101 101",
            plain("/v1/socket"),
        ),
        row("GET /openapi.json", "", "200 200 200 200 200 200 200 200 200", plain("/openapi.json")),
        row("GET /healthz/live", "", "200 200 200 200 200 200 200 200 200", plain("/healthz/live")),
        row("GET /healthz/ready", "", "200 200 200 200 200 200 200 200 200", plain("/healthz/ready")),
    ]
}
