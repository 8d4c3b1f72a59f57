//! Doors to contacts, requests for them, and blocks.

use super::answer::{Answer, ok};
use super::auth::SignedIn;
use super::input::{Json, Path};
use crate::contact;
use crate::error::Result;
use crate::node::SharedNode;
use axum::extract::State;
use axum::http::StatusCode;
use kith_protocol::contact::{AskContact, Block, Contact, ContactRequest};
use kith_protocol::list::List;
use kith_protocol::{Problem, RequestId, UserId};

/// Contacts of the caller.
#[utoipa::path(get, path = "/v1/contacts", tag = "contact", responses((status = 200, body = List<Contact>)))]
pub async fn list(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
) -> Result<Answer<List<Contact>>> {
    Ok(ok(List::whole(
        contact::list(&node, signed_in.caller.user).await?,
    )))
}

/// Takes a contact away, for both sides.
#[utoipa::path(
    delete, path = "/v1/contacts/{user_id}", tag = "contact", params(("user_id" = UserId, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem))
)]
pub async fn part(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(user_id): Path<UserId>,
) -> Result<StatusCode> {
    contact::part(&node, signed_in.caller.user, user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Requests that the caller made or got and that wait for an answer.
#[utoipa::path(
    get, path = "/v1/contacts/requests", tag = "contact",
    responses((status = 200, body = List<ContactRequest>))
)]
pub async fn requests(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
) -> Result<Answer<List<ContactRequest>>> {
    Ok(ok(List::whole(
        contact::requests(&node, signed_in.caller.user).await?,
    )))
}

/// Asks somebody to become a contact; if they have asked too, both are contacts now.
#[utoipa::path(
    post, path = "/v1/contacts/requests", tag = "contact", request_body = AskContact,
    responses(
        (status = 201, body = ContactRequest),
        (status = 200, body = ContactRequest, description = "it was asked before, or they are contacts now"),
        (status = 404, body = Problem, description = "`not_found`: no such user, or one of the two has blocked the other"),
        (status = 409, body = Problem, description = "`conflict`: too many requests wait, or one of the two has too many contacts"),
    )
)]
pub async fn ask(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Json(ask): Json<AskContact>,
) -> Result<Answer<ContactRequest>> {
    let (is_new, request) = contact::ask(&node, signed_in.asker(), ask).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(Answer(status, request))
}

/// Accepts a request to the caller.
#[utoipa::path(
    post, path = "/v1/contacts/requests/{id}/accept", tag = "contact", params(("id" = RequestId, Path)),
    responses(
        (status = 200, body = Contact), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`conflict`: one of the two has too many contacts"),
    )
)]
pub async fn accept(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(id): Path<RequestId>,
) -> Result<Answer<Contact>> {
    contact::accept(&node, signed_in.caller.user, id)
        .await
        .map(ok)
}

/// Declines a request to the caller.
#[utoipa::path(
    post, path = "/v1/contacts/requests/{id}/decline", tag = "contact", params(("id" = RequestId, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub async fn decline(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(id): Path<RequestId>,
) -> Result<StatusCode> {
    contact::decline(&node, signed_in.caller.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom the caller has blocked.
#[utoipa::path(get, path = "/v1/blocks", tag = "contact", responses((status = 200, body = List<Block>)))]
pub async fn blocks(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
) -> Result<Answer<List<Block>>> {
    Ok(ok(List::whole(
        contact::blocks(&node, signed_in.caller.user).await?,
    )))
}

/// Blocks somebody.
#[utoipa::path(
    put, path = "/v1/blocks/{user_id}", tag = "contact", params(("user_id" = UserId, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem))
)]
pub async fn block(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(user_id): Path<UserId>,
) -> Result<StatusCode> {
    contact::block(&node, signed_in.caller.user, user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a block away.
#[utoipa::path(
    delete, path = "/v1/blocks/{user_id}", tag = "contact", params(("user_id" = UserId, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem))
)]
pub async fn unblock(
    State(node): State<SharedNode>,
    signed_in: SignedIn,
    Path(user_id): Path<UserId>,
) -> Result<StatusCode> {
    contact::unblock(&node, signed_in.caller.user, user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
