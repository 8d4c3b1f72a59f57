//! Doors to messages: pages, sending, editing, taking back, reacting, marks.

use super::answer::{Answer, ok};
use super::auth::SignedIn;
use super::input::{Json, Path, Query};
use crate::error::{Error, Result};
use crate::limit::Rate;
use crate::node::{SharedNode, to_the_end};
use crate::thread::act::Act;
use crate::thread::recent::Known;
use crate::{message, receipt};
use axum::extract::State;
use axum::http::StatusCode;
use kith_protocol::entry::{
    Added, DeleteMessage, EditMessage, Marks, Page, PageQuery, Receipts, SendMessage, Sent, SetMark,
};
use kith_protocol::thread::Typing;
use kith_protocol::{Problem, ThreadId};
use serde::Deserialize;

/// A page of the log as the caller sees it.
#[utoipa::path(
    get, path = "/v1/threads/{t}/messages", tag = "message", params(("t" = ThreadId, Path), PageQuery),
    responses((status = 200, body = Page), (status = 400, body = Problem), (status = 404, body = Problem))
)]
pub async fn page(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
    Query(query): Query<PageQuery>,
) -> Result<Answer<Page>> {
    message::page(&node, signed_in.caller, t, query)
        .await
        .map(ok)
}

/// Sends a message. A retry with the same `client_msg_id` finds the first one.
#[utoipa::path(
    post, path = "/v1/threads/{t}/messages", tag = "message", params(("t" = ThreadId, Path)),
    request_body = SendMessage,
    responses(
        (status = 201, body = Sent, description = "sent now"),
        (status = 200, body = Sent, description = "sent before"),
        (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)
    )
)]
pub async fn send(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
    Json(request): Json<SendMessage>,
) -> Result<Answer<Sent>> {
    let act = message::send_act(request)?;
    let (known, appended) = entry(&node, &signed_in, t, act).await?;
    let Known { seq, ord, at, .. } = known;
    let status = if appended {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(Answer(status, Sent { seq, ord, at }))
}

/// Gives a message a new text.
#[utoipa::path(
    patch, path = "/v1/threads/{t}/messages/{seq}", tag = "message",
    params(("t" = ThreadId, Path), ("seq" = u64, Path)), request_body = EditMessage,
    responses((status = 200, body = Added), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub async fn edit(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path((t, seq)): Path<(ThreadId, u64)>,
    Json(request): Json<EditMessage>,
) -> Result<Answer<Added>> {
    let act = message::edit_act(seq, request)?;
    let (known, _) = entry(&node, &signed_in, t, act).await?;
    Ok(ok(Added { seq: known.seq }))
}

/// Takes a message back.
#[utoipa::path(
    delete, path = "/v1/threads/{t}/messages/{seq}", tag = "message",
    params(("t" = ThreadId, Path), ("seq" = u64, Path), DeleteMessage),
    responses((status = 200, body = Added), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub async fn delete(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path((t, seq)): Path<(ThreadId, u64)>,
    Query(request): Query<DeleteMessage>,
) -> Result<Answer<Added>> {
    let act = message::delete_act(seq, request)?;
    let (known, _) = entry(&node, &signed_in, t, act).await?;
    Ok(ok(Added { seq: known.seq }))
}

/// A message and an emoji on it.
#[derive(Deserialize)]
pub struct Reacted {
    t: ThreadId,
    seq: u64,
    emoji: String,
}

/// Puts an emoji on a message; again: nothing.
#[utoipa::path(
    put, path = "/v1/threads/{t}/messages/{seq}/reactions/{emoji}", tag = "message",
    params(("t" = ThreadId, Path), ("seq" = u64, Path), ("emoji" = String, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub async fn react(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(reacted): Path<Reacted>,
) -> Result<StatusCode> {
    set_reaction(&node, &signed_in, reacted, true).await
}

/// Takes it away; again: nothing.
#[utoipa::path(
    delete, path = "/v1/threads/{t}/messages/{seq}/reactions/{emoji}", tag = "message",
    params(("t" = ThreadId, Path), ("seq" = u64, Path), ("emoji" = String, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub async fn unreact(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(reacted): Path<Reacted>,
) -> Result<StatusCode> {
    set_reaction(&node, &signed_in, reacted, false).await
}

async fn set_reaction(
    node: &SharedNode,
    signed_in: &SignedIn,
    reacted: Reacted,
    set: bool,
) -> Result<StatusCode> {
    let act = message::react_act(reacted.seq, reacted.emoji, set)?;
    node.limits
        .check(Rate::Send, signed_in.asker(), node.clock.now())?;
    message::ask(node, signed_in.caller, reacted.t, act).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Does an act that has an entry, now or from before.
async fn entry(
    node: &SharedNode,
    signed_in: &SignedIn,
    t: ThreadId,
    act: Act,
) -> Result<(Known, bool)> {
    let refusal = node
        .limits
        .check(Rate::Send, signed_in.asker(), node.clock.now())
        .err();
    let outcome = message::ask_unless(node, signed_in.caller, t, act, refusal).await?;
    let known = outcome
        .entry
        .ok_or(Error::Internal("an act on the log has no entry"))?;
    Ok((known, outcome.appended))
}

/// Everything up to `seq` was read.
#[utoipa::path(
    put, path = "/v1/threads/{t}/read", tag = "message", params(("t" = ThreadId, Path)), request_body = SetMark,
    responses((status = 200, body = Marks), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn read(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
    Json(mark): Json<SetMark>,
) -> Result<Answer<Marks>> {
    let caller = signed_in.caller;
    to_the_end(async move { receipt::read(&node, caller, t, mark.seq).await })
        .await
        .map(ok)
}

/// Everything up to `seq` has arrived on this session.
#[utoipa::path(
    put, path = "/v1/threads/{t}/delivered", tag = "message", params(("t" = ThreadId, Path)), request_body = SetMark,
    responses((status = 200, body = Marks), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn delivered(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
    Json(mark): Json<SetMark>,
) -> Result<Answer<Marks>> {
    receipt::delivered(&node, signed_in.caller, t, mark.seq)
        .await
        .map(ok)
}

/// Which entry the receipts are about.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReceiptsOf {
    /// Its seq.
    pub seq: u64,
}

/// Who has read and who holds an entry.
#[utoipa::path(
    get, path = "/v1/threads/{t}/receipts", tag = "message", params(("t" = ThreadId, Path), ReceiptsOf),
    responses((status = 200, body = Receipts), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn receipts(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
    Query(of): Query<ReceiptsOf>,
) -> Result<Answer<Receipts>> {
    receipt::receipts(&node, signed_in.caller, t, of.seq)
        .await
        .map(ok)
}

/// Relays that the caller is typing, or stopped.
#[utoipa::path(
    post, path = "/v1/threads/{t}/typing", tag = "message", params(("t" = ThreadId, Path)), request_body = Typing,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn typing(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
    Json(typing): Json<Typing>,
) -> Result<StatusCode> {
    receipt::typing(&node, signed_in.caller, t, typing.active).await?;
    Ok(StatusCode::NO_CONTENT)
}
