//! Commands about accounts, on the admin door.

use crate::error::{Error, Result};
use crate::node::{Node, SharedNode};
use crate::{session, user};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use kith_protocol::session::Session;
use kith_protocol::{Timestamp, UserId};
use kith_store::user::UserRow;
use serde::{Deserialize, Serialize};

/// Accounts in one answer: a read each, and some 150 bytes.
const PAGE_ACCOUNTS: usize = 500;

/// An account, as the people who run kith see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub display_name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// It may not sign in.
    pub disabled: bool,
}

/// One page of accounts, by handle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accounts {
    /// The accounts.
    pub items: Vec<Account>,
    /// The `after` of the next page; none if there are no more.
    pub next: Option<String>,
}

/// An account with the devices that are signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountWithDevices {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// Its sessions, oldest first.
    pub devices: Vec<Session>,
}

/// A password to be set.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// 8 to 1,024 bytes.
    pub password: String,
}

/// Which page of accounts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    /// Accounts with handles above this.
    #[serde(default)]
    after: String,
}

/// The routes.
pub fn routes(node: SharedNode) -> Router {
    Router::new()
        .route("/v1/admin/users", get(list))
        .route("/v1/admin/users/{handle}", get(show))
        .route("/v1/admin/users/{handle}/password", put(set_password))
        .route("/v1/admin/users/{handle}/disable", post(disable))
        .route("/v1/admin/users/{handle}/enable", post(enable))
        .with_state(node)
}

async fn list(State(node): State<SharedNode>, Query(page): Query<After>) -> Response {
    in_words(accounts(&node, &page.after).await.map(Json))
}

async fn accounts(node: &Node, after: &str) -> Result<Accounts> {
    let handles = node.store.handles(after, PAGE_ACCOUNTS).await?;
    let is_full = handles.len() == PAGE_ACCOUNTS;
    let next = handles.last().filter(|_| is_full);
    let next = next.map(|(handle, _)| handle.clone());
    let ids: Vec<UserId> = handles.into_iter().map(|(_, id)| id).collect();
    let rows = node.store.users(&ids).await?.into_iter().flatten();
    Ok(Accounts {
        items: rows.map(shown).collect(),
        next,
    })
}

async fn show(State(node): State<SharedNode>, Path(handle): Path<String>) -> Response {
    let of = async |user| {
        Ok(Json(AccountWithDevices {
            account: shown(user::row(&node, user).await?),
            devices: session::devices(&node, user).await?,
        }))
    };
    match user_of(&node, &handle).await {
        Ok(user) => in_words(of(user).await),
        Err(refusal) => refusal,
    }
}

async fn set_password(
    State(node): State<SharedNode>,
    Path(handle): Path<String>,
    Json(new): Json<NewPassword>,
) -> Response {
    let user = match user_of(&node, &handle).await {
        Ok(user) => user,
        Err(refusal) => return refusal,
    };
    tracing::info!(%user, "has a new password from the admin door");
    done(session::set_password(&node, user, new.password).await)
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

async fn user_of(node: &SharedNode, handle: &str) -> std::result::Result<UserId, Response> {
    match node.store.user_of_handle(handle).await {
        Ok(Some(user)) => Ok(user),
        Ok(None) => {
            let why = format!("there is no user {handle}\n");
            Err((StatusCode::NOT_FOUND, why).into_response())
        }
        Err(error) => Err(refusal(&Error::Store(error))),
    }
}

fn shown(row: UserRow) -> Account {
    Account {
        id: row.id,
        handle: row.handle,
        display_name: row.display_name,
        created_at: row.created_at,
        disabled: row.disabled,
    }
}

fn done(outcome: Result<()>) -> Response {
    in_words(outcome.map(|()| StatusCode::NO_CONTENT))
}

fn in_words<T: IntoResponse>(outcome: Result<T>) -> Response {
    outcome.map_or_else(|error| refusal(&error), IntoResponse::into_response)
}

/// A sentence for a person: whoever may open this door may also hear what the store says.
fn refusal(error: &Error) -> Response {
    let status = StatusCode::from_u16(error.code().status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if matches!(error, Error::Store(_) | Error::Internal(_)) {
        tracing::warn!(%error, "a command of the admin door failed");
    }
    (status, format!("{error}\n")).into_response()
}
