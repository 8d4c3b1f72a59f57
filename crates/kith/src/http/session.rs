//! Doors for signing up, in and out, and for the devices that are signed in.

use super::answer::{Answer, ok};
use super::auth::{self, Visitor};
use super::input::{Json, Path, Query};
use crate::error::{Error, Result};
use crate::node::SharedNode;
use crate::session;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Response};
use kith_protocol::list::List;
use kith_protocol::session::{EndSessions, Login, Register, Session, SignedIn};
use kith_protocol::{Problem, SessionId};

/// Makes an account and signs in.
#[utoipa::path(
    post, path = "/v1/register", tag = "session", request_body = Register, security(()),
    responses(
        (status = 201, body = SignedIn),
        (status = 403, body = Problem, description = "`origin`: a cookie was asked for from an origin that is not allowed"),
        (status = 409, body = Problem, description = "`handle_taken`"),
    )
)]
pub async fn register(
    State(node): State<SharedNode>,
    visitor: Visitor,
    Json(request): Json<Register>,
) -> Result<Response> {
    let with_cookie = wants_cookie(&visitor, request.cookie)?;
    let signed_in = session::register(&node, request, visitor.address).await?;
    answer(StatusCode::CREATED, signed_in, &visitor, with_cookie)
}

/// Signs in.
#[utoipa::path(
    post, path = "/v1/login", tag = "session", request_body = Login, security(()),
    responses(
        (status = 200, body = SignedIn),
        (status = 401, body = Problem, description = "`unauthorized` with retry `never`: handle or password are wrong; `account_disabled`"),
        (status = 403, body = Problem, description = "`origin`: a cookie was asked for from an origin that is not allowed"),
        (status = 409, body = Problem, description = "`session_limit`, with the sessions that are in the way"),
    )
)]
pub async fn login(
    State(node): State<SharedNode>,
    visitor: Visitor,
    Json(request): Json<Login>,
) -> Result<Response> {
    let with_cookie = wants_cookie(&visitor, request.cookie)?;
    let signed_in = session::login(&node, request, visitor.address).await?;
    answer(StatusCode::OK, signed_in, &visitor, with_cookie)
}

/// Signs out.
#[utoipa::path(post, path = "/v1/logout", tag = "session", responses((status = 204)))]
pub async fn logout(
    State(node): State<SharedNode>,
    signed_in: auth::SignedIn,
    visitor: Visitor,
) -> Result<Response> {
    session::logout(&node, signed_in.caller).await?;
    let headers = AppendHeaders([(SET_COOKIE, visitor.no_cookie()?)]);
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Devices of the caller that are signed in.
#[utoipa::path(get, path = "/v1/sessions", tag = "session", responses((status = 200, body = List<Session>)))]
pub async fn list(
    State(node): State<SharedNode>,
    signed_in: auth::SignedIn,
) -> Result<Answer<List<Session>>> {
    Ok(ok(List::whole(
        session::list(&node, signed_in.caller).await?,
    )))
}

/// Signs another device out.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}", tag = "session", params(("id" = SessionId, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub async fn end(
    State(node): State<SharedNode>,
    signed_in: auth::SignedIn,
    Path(id): Path<SessionId>,
) -> Result<StatusCode> {
    session::end(&node, signed_in.caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs all other devices out.
#[utoipa::path(
    delete, path = "/v1/sessions", tag = "session", params(EndSessions),
    responses((status = 204), (status = 400, body = Problem))
)]
pub async fn end_others(
    State(node): State<SharedNode>,
    signed_in: auth::SignedIn,
    Query(which): Query<EndSessions>,
) -> Result<StatusCode> {
    session::end_others(&node, signed_in.caller, which).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn wants_cookie(visitor: &Visitor, cookie: Option<bool>) -> Result<bool> {
    let wanted = cookie == Some(true);
    if wanted {
        visitor.may_have_cookie()?;
    }
    Ok(wanted)
}

/// With a cookie the token is not in the answer, where a script could read it.
fn answer(
    status: StatusCode,
    mut signed_in: SignedIn,
    visitor: &Visitor,
    with_cookie: bool,
) -> Result<Response> {
    if !with_cookie {
        return Ok(Answer(status, signed_in).into_response());
    }
    let token = signed_in
        .token
        .take()
        .ok_or(Error::Internal("a sign-in made no token"))?;
    let headers = AppendHeaders([(SET_COOKIE, visitor.cookie(&token)?)]);
    Ok((headers, Answer(status, signed_in)).into_response())
}
