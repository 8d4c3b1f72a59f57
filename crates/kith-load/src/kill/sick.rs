//! What a server has to say and to do while its disk takes no more writes.

use super::stage::Stage;
use super::wrong::Wrong;
use anyhow::{Context, Result};
use kith_client::{RawAnswer, Session, new_msg_id};
use kith_protocol::ErrorCode;
use serde::Deserialize;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// How long the writers may need to meet the fault.
pub(super) const FAULT_PATIENCE: Duration = Duration::from_secs(20);

/// What the admin door says.
#[derive(Deserialize)]
struct Health {
    ready: bool,
    why: Option<String>,
}

/// Looks at everything.
pub(super) async fn check(stage: &Stage, data: &Path) -> Result<()> {
    let room = &stage.cast.rooms[0];
    let keeper = &stage.cast.writers[room.keeper];
    let path = format!("/v1/threads/{}/messages", room.thread);
    let body = serde_json::json!({
        "client_msg_id": new_msg_id(), "seen_head": 0, "text": "is there room?"
    });
    let sent = keeper.raw("POST", &path, &[], body.to_string()).await?;
    expect_unavailable(stage, "a message", &sent);
    let mark = serde_json::json!({ "seq": 1 });
    let path = format!("/v1/threads/{}", room.thread);
    // A mark that was there before needs no write; one that was not is refused.
    let read = format!("{path}/read");
    let marked = keeper.raw("PUT", &read, &[], mark.to_string()).await?;
    if marked.status != 200 {
        expect_unavailable(stage, "a mark", &marked);
    }
    let ready = stage.api.raw("GET", "/healthz/ready", &[], "").await?;
    expect_unavailable(stage, "/healthz/ready", &ready);
    let live = stage.api.raw("GET", "/healthz/live", &[], "").await?;
    expect(stage, live.status == 200, || {
        format!("/healthz/live: {}", live.status)
    });
    let health = admin_health(data).await.context("the admin door")?;
    let says_why = health.why.as_deref().is_some_and(|why| !why.is_empty());
    expect(stage, !health.ready && says_why, || {
        format!("admin health: ready {}, why {:?}", health.ready, health.why)
    });
    for path in [
        format!("{path}/messages"),
        "/v1/threads".into(),
        "/v1/sync".into(),
    ] {
        expect_readable(stage, keeper, &path).await?;
    }
    Ok(())
}

/// Whether it has met its fault: it is not ready any longer. False when time is up.
pub(super) async fn is_met(stage: &Stage, mut has_ended: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < FAULT_PATIENCE && !has_ended() {
        let ready = stage.api.raw("GET", "/healthz/ready", &[], "").await;
        if ready.is_ok_and(|answer| answer.status == 503) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

fn expect_unavailable(stage: &Stage, what: &str, answer: &RawAnswer) {
    let code = answer.problem().map(|problem| problem.code).ok();
    let waits = answer.headers.contains_key("retry-after");
    let is_good = answer.status == 503 && code == Some(ErrorCode::StoreUnavailable) && waits;
    expect(stage, is_good, || {
        format!("{what}: {} {code:?}, Retry-After: {waits}", answer.status)
    });
}

async fn expect_readable(stage: &Stage, session: &Session, path: &str) -> Result<()> {
    let read = session.raw("GET", path, &[], "").await?;
    expect(stage, read.status == 200, || {
        format!("GET {path}: {}", read.status)
    });
    Ok(())
}

fn expect(stage: &Stage, is_good: bool, what: impl FnOnce() -> String) {
    if !is_good {
        stage.wrong(Wrong::Refusal, what);
    }
}

async fn admin_health(data: &Path) -> Result<Health> {
    let mut door = UnixStream::connect(data.join("admin.sock")).await?;
    let ask = "GET /v1/admin/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    door.write_all(ask.as_bytes()).await?;
    let mut answer = String::new();
    door.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
    Ok(serde_json::from_str(body)?)
}
