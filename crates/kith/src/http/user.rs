//! Doors to accounts.

use super::answer::{Answer, ok};
use super::auth::SignedIn;
use super::input::{Json, Path, Query};
use crate::error::Result;
use crate::node::SharedNode;
use crate::{session, user};
use axum::extract::State;
use axum::http::StatusCode;
use kith_protocol::Problem;
use kith_protocol::list::List;
use kith_protocol::user::{ChangePassword, FindUsers, Me, PatchMe, User};

/// The caller's account.
#[utoipa::path(get, path = "/v1/me", tag = "user", responses((status = 200, body = Me)))]
pub async fn me(State(node): State<SharedNode>, signed_in: SignedIn) -> Result<Answer<Me>> {
    user::me(&node, signed_in.caller).await.map(ok)
}

/// Changes the caller's account.
#[utoipa::path(
    patch, path = "/v1/me", tag = "user", request_body = PatchMe,
    responses((status = 200, body = Me), (status = 400, body = Problem))
)]
pub async fn patch_me(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Json(patch): Json<PatchMe>,
) -> Result<Answer<Me>> {
    user::patch_me(&node, signed_in.caller, patch).await.map(ok)
}

/// Sets a new password and signs all other devices out.
#[utoipa::path(
    put, path = "/v1/me/password", tag = "user", request_body = ChangePassword,
    responses(
        (status = 204),
        (status = 401, body = Problem, description = "`unauthorized` with retry `never`: the present password is wrong"),
        (status = 429, body = Problem),
    )
)]
pub async fn change_password(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Json(request): Json<ChangePassword>,
) -> Result<StatusCode> {
    session::change_password(&node, signed_in.caller, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// People of whom the handle or a word of the name begins so: up to 20.
#[utoipa::path(
    get, path = "/v1/users", tag = "user", params(FindUsers),
    responses((status = 200, body = List<User>), (status = 429, body = Problem))
)]
pub async fn find(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Query(query): Query<FindUsers>,
) -> Result<Answer<List<User>>> {
    let found = user::find(&node, signed_in.asker(), &query.q).await?;
    Ok(ok(List::whole(found)))
}

/// Somebody's public profile.
#[utoipa::path(
    get, path = "/v1/users/{id}", tag = "user",
    params(("id" = String, Path, description = "an id, or @ and a handle")),
    responses((status = 200, body = User), (status = 404, body = Problem))
)]
pub async fn show(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Answer<User>> {
    user::show(&node, signed_in.asker(), &id).await.map(ok)
}
