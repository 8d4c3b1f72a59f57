//! Doors to threads: the inbox, members, roles, settings.

use super::answer::{Answer, ok};
use super::auth::SignedIn;
use super::input::{Json, Path, Query};
use crate::error::Result;
use crate::limit::Rate;
use crate::node::{SharedNode, to_the_end};
use crate::{inbox, thread};
use axum::extract::State;
use axum::http::StatusCode;
use kith_protocol::list::List;
use kith_protocol::thread::{
    AddMembers, ByParticipants, CreateThread, InboxQuery, InboxRow, Member, Mine, PatchMember,
    PatchMine, PatchThread, Thread,
};
use kith_protocol::{Problem, ThreadId, UserId};

/// Makes a thread, or finds the one that was made with the same ids.
#[utoipa::path(
    post, path = "/v1/threads", tag = "thread", request_body = CreateThread,
    responses(
        (status = 201, body = InboxRow, description = "made now"),
        (status = 200, body = InboxRow, description = "made before"),
        (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)
    )
)]
pub async fn create(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Json(request): Json<CreateThread>,
) -> Result<Answer<InboxRow>> {
    node.limits
        .check(Rate::CreateThread, signed_in.asker(), node.clock.now())?;
    let (row, made) = thread::create(&node, signed_in.caller, request).await?;
    Ok(Answer(
        if made {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        },
        row,
    ))
}

/// A page of the inbox, newest first.
#[utoipa::path(
    get, path = "/v1/threads", tag = "thread", params(InboxQuery),
    responses((status = 200, body = List<InboxRow>), (status = 400, body = Problem))
)]
pub async fn inbox(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Query(query): Query<InboxQuery>,
) -> Result<Answer<List<InboxRow>>> {
    inbox::page(&node, signed_in.caller, query).await.map(ok)
}

/// The direct thread of two people, or the newest group with exactly these members.
#[utoipa::path(
    get, path = "/v1/threads/by-participants", tag = "thread", params(ByParticipants),
    responses((status = 200, body = InboxRow), (status = 404, body = Problem))
)]
pub async fn by_participants(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Query(query): Query<ByParticipants>,
) -> Result<Answer<InboxRow>> {
    thread::by_participants(&node, signed_in.caller, &query.users)
        .await
        .map(ok)
}

/// A thread as the caller sees it.
#[utoipa::path(
    get, path = "/v1/threads/{t}", tag = "thread", params(("t" = ThreadId, Path)),
    responses((status = 200, body = Thread), (status = 404, body = Problem))
)]
pub async fn show(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
) -> Result<Answer<Thread>> {
    Ok(ok(inbox::row(&node, signed_in.caller, t).await?.thread))
}

/// Changes title and settings.
#[utoipa::path(
    patch, path = "/v1/threads/{t}", tag = "thread", params(("t" = ThreadId, Path)),
    request_body = PatchThread,
    responses((status = 200, body = Thread), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn patch(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
    Json(patch): Json<PatchThread>,
) -> Result<Answer<Thread>> {
    thread::patch(&node, signed_in.caller, t, patch).await?;
    Ok(ok(inbox::row(&node, signed_in.caller, t).await?.thread))
}

/// Changes what the caller privately has on a thread.
#[utoipa::path(
    patch, path = "/v1/threads/{t}/mine", tag = "thread", params(("t" = ThreadId, Path)),
    request_body = PatchMine,
    responses((status = 200, body = Mine), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub async fn patch_mine(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
    Json(patch): Json<PatchMine>,
) -> Result<Answer<Mine>> {
    let caller = signed_in.caller;
    to_the_end(async move { inbox::patch_mine(&node, caller, t, patch).await })
        .await
        .map(ok)
}

/// The present members.
#[utoipa::path(
    get, path = "/v1/threads/{t}/members", tag = "thread", params(("t" = ThreadId, Path)),
    responses((status = 200, body = List<Member>), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn members(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
) -> Result<Answer<List<Member>>> {
    thread::members(&node, signed_in.caller, t).await.map(ok)
}

/// Brings people in.
#[utoipa::path(
    post, path = "/v1/threads/{t}/members", tag = "thread", params(("t" = ThreadId, Path)),
    request_body = AddMembers,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub async fn add_members(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(t): Path<ThreadId>,
    Json(request): Json<AddMembers>,
) -> Result<StatusCode> {
    thread::add(&node, signed_in.caller, t, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a member a role.
#[utoipa::path(
    patch, path = "/v1/threads/{t}/members/{user}", tag = "thread",
    params(("t" = ThreadId, Path), ("user" = UserId, Path)), request_body = PatchMember,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn patch_member(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path((t, user)): Path<(ThreadId, UserId)>,
    Json(patch): Json<PatchMember>,
) -> Result<StatusCode> {
    thread::set_role(&node, signed_in.caller, t, user, patch.role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a member out; oneself: leaves.
#[utoipa::path(
    delete, path = "/v1/threads/{t}/members/{user}", tag = "thread",
    params(("t" = ThreadId, Path), ("user" = UserId, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn remove_member(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path((t, user)): Path<(ThreadId, UserId)>,
) -> Result<StatusCode> {
    thread::remove(&node, signed_in.caller, t, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
