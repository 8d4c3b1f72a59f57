//! Signing up, in and out, and the devices that are signed in.
//!
//! A session begins and ends by a compare-and-swap on the list of its user's sessions, so of ten
//! phones that sign in at once exactly one stays. Its token is dead from that commit on; then its
//! sockets are closed with the reason, then the user's waiting polls are woken.

mod begin;
mod end;
mod live;
mod password;
mod policy;
mod token;

pub use end::{disable, enable, end, end_others, forget_ended, logout};
pub use live::{authenticate, still_live, touch};
pub use token::Live;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::limit::{Asker, Rate};
use crate::node::{Caller, Node, SharedNode, to_the_end};
use kith_protocol::session::{EndReason, Login, Register, Session, SignedIn};
use kith_protocol::text::{self, EMAIL_MAX_BYTES, PASSWORD_BYTES};
use kith_protocol::user::{ChangePassword, Privacy, check_display_name};
use kith_protocol::{BadField, SessionId, UserId};
use kith_store::session::SessionRow;
use kith_store::user::UserRow;
use kith_store::user_thread::Written;
use std::net::IpAddr;

/// Passwords and tokens.
pub struct SignIn {
    passwords: password::Passwords,
    tokens: token::Tokens,
}

impl SignIn {
    /// Nobody has signed in yet.
    pub fn new(config: &Config) -> Self {
        Self {
            passwords: password::Passwords::new(&config.password),
            tokens: token::Tokens::default(),
        }
    }
}

/// Makes an account and signs its device in.
pub async fn register(
    node: &SharedNode,
    request: Register,
    address: Option<IpAddr>,
) -> Result<SignedIn> {
    text::check_handle("handle", &request.handle)?;
    text::check_password("password", &request.password)?;
    if request.email.is_some() {
        return Err(BadField::invalid("email", "this server cannot send mail").into());
    }
    let display_name = match &request.display_name {
        Some(name) => check_display_name(name)?,
        None => request.handle.clone(),
    };
    let device = request.device.checked()?;
    node.limits.check(
        Rate::Register,
        Asker {
            caller: None,
            address,
        },
        node.clock.now(),
    )?;
    if node.store.user_of_handle(&request.handle).await?.is_some() {
        return Err(Error::HandleTaken);
    }
    let password = node.sign_in.passwords.hash(request.password).await?;
    let row = UserRow {
        id: UserId(node.clock.new_id()),
        handle: request.handle,
        version: 1,
        display_name,
        about: String::new(),
        created_at: node.clock.now(),
        disabled: false,
        password,
        privacy: Privacy::default(),
    };
    let node = node.clone();
    to_the_end(async move {
        match node.store.create_user(row.clone()).await? {
            Written::Conflict(_) => Err(Error::HandleTaken),
            Written::Done => begin::begin(&node, &row, &device, address, false).await,
        }
    })
    .await
}

/// Signs a device in. An unknown handle takes as long as a wrong password, and says the same.
pub async fn login(node: &SharedNode, request: Login, address: Option<IpAddr>) -> Result<SignedIn> {
    let device = request.device.checked()?;
    check_length("password", &request.password)?;
    let handle = match (request.handle, request.email) {
        (Some(handle), None) => handle,
        (None, Some(email)) if email.len() > EMAIL_MAX_BYTES => {
            return Err(BadField::too_large("email", EMAIL_MAX_BYTES).into());
        }
        // Nobody has an address yet; the space keeps it from being anybody's handle.
        (None, Some(email)) => format!("email {email}"),
        _ => return Err(BadField::invalid("handle", "one of handle and email").into()),
    };
    node.limits.check(
        Rate::Login,
        Asker {
            caller: None,
            address,
        },
        node.clock.now(),
    )?;
    let user = owner(node, &handle).await?;
    let stored = user.as_ref().map(|user| user.password.as_str());
    let with = (&node.limits, &node.clock);
    let right = node
        .sign_in
        .passwords
        .verify(with, &handle, stored, request.password)
        .await?;
    let user = user.filter(|_| right).ok_or(Error::WrongPassword)?;
    let (node, takeover) = (node.clone(), request.takeover.unwrap_or(false));
    to_the_end(async move { begin::begin(&node, &user, &device, address, takeover).await }).await
}

/// Sets a new password and ends all other sessions. A wrong present one counts like at login.
pub async fn change_password(
    node: &SharedNode,
    caller: Caller,
    request: ChangePassword,
) -> Result<()> {
    check_length("current", &request.current)?;
    text::check_password("new", &request.new)?;
    let user = account(node, caller.user).await?;
    let with = (&node.limits, &node.clock);
    let passwords = &node.sign_in.passwords;
    let stored = Some(user.password.as_str());
    if !passwords
        .verify(with, &user.handle, stored, request.current)
        .await?
    {
        return Err(Error::WrongPassword);
    }
    let new = passwords.hash(request.new).await?;
    let node = node.clone();
    to_the_end(async move {
        let verified = user.password.clone();
        put_password(&node, user, new, |user| match user.disabled {
            true => Err(Error::SessionEnded(EndReason::Disabled)),
            false if user.password != verified => Err(Error::WrongPassword),
            false => Ok(()),
        })
        .await?;
        end::end_by_new_password(&node, caller.user, Some(caller.session)).await
    })
    .await
}

/// Sets a new password, whatever the present one is, and ends all sessions. For the people who run
/// kith.
pub async fn set_password(node: &SharedNode, user: UserId, new: String) -> Result<()> {
    text::check_password("password", &new)?;
    let row = account(node, user).await?;
    let new = node.sign_in.passwords.hash(new).await?;
    let node = node.clone();
    to_the_end(async move {
        put_password(&node, row, new, |_| Ok(())).await?;
        end::end_by_new_password(&node, user, None).await
    })
    .await
}

/// Sessions of the caller that may act, oldest first.
pub async fn list(node: &Node, caller: Caller) -> Result<Vec<Session>> {
    live_of(node, caller.user, Some(caller.session)).await
}

/// Sessions of a user that may act, oldest first. For the people who run kith.
pub async fn devices(node: &Node, user: UserId) -> Result<Vec<Session>> {
    live_of(node, user, None).await
}

async fn live_of(node: &Node, user: UserId, current: Option<SessionId>) -> Result<Vec<Session>> {
    let now = node.clock.now();
    let list = node.store.sessions(user).await?;
    let live = list.sessions.iter().filter(|row| row.expires_at > now);
    Ok(live.map(|row| shown(row, current)).collect())
}

/// A session as its user sees it.
pub fn shown(row: &SessionRow, current: Option<SessionId>) -> Session {
    Session {
        id: row.id,
        kind: row.kind,
        label: row.label.clone(),
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
        address: row.address.clone(),
        current: current == Some(row.id),
    }
}

async fn owner(node: &Node, handle: &str) -> Result<Option<UserRow>> {
    if text::check_handle("handle", handle).is_err() {
        return Ok(None);
    }
    let Some(user) = node.store.user_of_handle(handle).await? else {
        return Ok(None);
    };
    Ok(node.store.users(&[user]).await?.pop().flatten())
}

async fn account(node: &Node, user: UserId) -> Result<UserRow> {
    let row = node.store.users(&[user]).await?.pop().flatten();
    row.ok_or(Error::Internal("a session has no account"))
}

/// Replaces the password if the row that it is written over is still one that `may` allows.
async fn put_password(
    node: &Node,
    mut user: UserRow,
    new: String,
    may: impl Fn(&UserRow) -> Result<()>,
) -> Result<()> {
    loop {
        may(&user)?;
        let expected_version = user.version;
        let row = UserRow {
            version: expected_version + 1,
            password: new.clone(),
            ..user
        };
        match node.store.put_user(expected_version, row).await? {
            Written::Done => return Ok(()),
            Written::Conflict(newer) => user = newer,
        }
    }
}

/// Argon2 reads all of it, so a password to be tried is bounded too; a short one is just wrong.
fn check_length(field: &'static str, password: &str) -> Result<()> {
    if password.len() > *PASSWORD_BYTES.end() {
        return Err(BadField::too_large(field, *PASSWORD_BYTES.end()).into());
    }
    Ok(())
}
