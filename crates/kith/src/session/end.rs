//! How sessions end, and who is told.

use super::account;
use super::begin::{DAY_MS, TRIES};
use crate::error::{Error, Result};
use crate::node::{Caller, Node, SharedNode, to_the_end};
use kith_protocol::frame::EndedBy;
use kith_protocol::session::{EndReason, EndSessions};
use kith_protocol::{BadField, SessionId, Timestamp, UserId};
use kith_store::session::{SessionChange, SessionRow};
use kith_store::user::UserRow;
use kith_store::user_thread::Written;

/// Ends the caller's own session; one that has ended already stays so.
pub async fn logout(node: &SharedNode, caller: Caller) -> Result<()> {
    let node = node.clone();
    to_the_end(async move {
        let own = |row: &SessionRow| (row.id == caller.session).then_some(EndReason::SignedOut);
        end_where(&node, caller.user, None, Write::IfAny, own)
            .await
            .map(drop)
    })
    .await
}

/// Ends one of the caller's sessions.
pub async fn end(node: &SharedNode, caller: Caller, session: SessionId) -> Result<()> {
    let node = node.clone();
    to_the_end(async move {
        let this = |row: &SessionRow| (row.id == session).then_some(EndReason::Revoked);
        let by = Some(caller.session);
        match end_where(&node, caller.user, by, Write::IfAny, this).await? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    })
    .await
}

/// Ends all of the caller's sessions but the one that asks.
pub async fn end_others(node: &SharedNode, caller: Caller, which: EndSessions) -> Result<()> {
    if !which.others {
        return Err(BadField::invalid("others", "must be true").into());
    }
    let node = node.clone();
    to_the_end(async move {
        let others = |row: &SessionRow| (row.id != caller.session).then_some(EndReason::Revoked);
        end_where(
            &node,
            caller.user,
            Some(caller.session),
            Write::IfAny,
            others,
        )
        .await
        .map(drop)
    })
    .await
}

/// Ends all but the one that gave its user a new password; all, if nobody signed in did.
pub(super) async fn end_by_new_password(
    node: &Node,
    user: UserId,
    by: Option<SessionId>,
) -> Result<()> {
    let others = |row: &SessionRow| (Some(row.id) != by).then_some(EndReason::PasswordChanged);
    end_where(node, user, by, Write::Always, others)
        .await
        .map(drop)
}

/// Bars a user from signing in, and ends all sessions. For the people who run kith.
pub async fn disable(node: &SharedNode, user: UserId) -> Result<()> {
    let node = node.clone();
    to_the_end(async move {
        put_disabled(&node, user, true).await?;
        let all = |_: &SessionRow| Some(EndReason::Disabled);
        end_where(&node, user, None, Write::Always, all)
            .await
            .map(drop)
    })
    .await
}

/// Lets a user sign in again; sessions that ended stay so.
pub async fn enable(node: &SharedNode, user: UserId) -> Result<()> {
    put_disabled(node, user, false).await
}

/// Forgets why sessions ended once that is long enough ago; to be called now and then.
pub async fn forget_ended(node: &Node) -> Result<usize> {
    Ok(node.store.forget_tokens(node.clock.now()).await?)
}

/// Whether the session list is to be written when no session ends: that makes the swap of a sign-in
/// fail which read the account before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// Only if a session ends.
    IfAny,
    /// In any case.
    Always,
}

/// Ends the sessions for which there is a reason; gives how many.
pub(super) async fn end_where(
    node: &Node,
    user: UserId,
    by: Option<SessionId>,
    write: Write,
    why: impl Fn(&SessionRow) -> Option<EndReason>,
) -> Result<usize> {
    for _ in 0..TRIES {
        let now = node.clock.now();
        let list = node.store.sessions(user).await?;
        let by = list
            .sessions
            .iter()
            .find(|row| Some(row.id) == by)
            .map(|row| ended_by(row, now));
        let ending: Vec<_> = list
            .sessions
            .into_iter()
            .filter_map(|row| why(&row).map(|why| (row, why)))
            .collect();
        if ending.is_empty() && write == Write::IfAny {
            return Ok(0);
        }
        let change = SessionChange {
            user,
            expected_version: list.version,
            begin: None,
            end: ending.iter().map(|(row, why)| (row.id, *why)).collect(),
            forget_at: forget_at(node, now),
        };
        if node.store.change_sessions(change).await? {
            tell(node, user, &ending, by);
            return Ok(ending.len());
        }
    }
    Err(Error::Overloaded(
        "too many devices of this account sign in at once",
    ))
}

/// Tells of sessions that have ended in the store.
pub(super) fn tell(
    node: &Node,
    user: UserId,
    ended: &[(SessionRow, EndReason)],
    by: Option<EndedBy>,
) {
    for (row, reason) in ended {
        node.sign_in.tokens.end(&row.token);
        node.push.end_session(row.id, *reason, by.clone());
    }
    node.channels.wake_user(user);
}

/// The device as the ended one is told of it.
pub(super) fn ended_by(row: &SessionRow, at: Timestamp) -> EndedBy {
    EndedBy {
        kind: row.kind,
        label: row.label.clone(),
        at,
    }
}

/// Until when the reason of an ending now is remembered.
pub(super) fn forget_at(node: &Node, now: Timestamp) -> Timestamp {
    now.after_ms(u64::from(node.config.session.remember_ended_days) * DAY_MS)
}

async fn put_disabled(node: &Node, user: UserId, disabled: bool) -> Result<()> {
    let found = node.store.users(&[user]).await?.pop().flatten();
    found.ok_or(Error::NotFound)?;
    loop {
        let row = account(node, user).await?;
        let expected_version = row.version;
        let row = UserRow {
            version: expected_version + 1,
            disabled,
            ..row
        };
        if let Written::Done = node.store.put_user(expected_version, row).await? {
            return Ok(());
        }
    }
}
