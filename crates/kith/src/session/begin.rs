//! How a session begins, and which ones end for it.

use super::{end, policy, shown, token};
use crate::error::{Error, Result};
use crate::node::Node;
use crate::user;
use kith_protocol::session::{Device, EndReason, SignedIn};
use kith_protocol::{SessionId, Timestamp};
use kith_store::session::{SessionChange, SessionRow};
use kith_store::user::UserRow;
use std::net::IpAddr;

/// Compare-and-swaps before giving up: more devices than anybody has would have to sign in at once.
pub(super) const TRIES: usize = 100;
/// A day.
pub(super) const DAY_MS: u64 = 86_400_000;

/// Begins a session of a user whose password was verified. Who changed it meanwhile, or was
/// disabled, gets none: both change the session list after the account, so that either this reads
/// the new account or the swap fails.
pub(super) async fn begin(
    node: &Node,
    verified: &UserRow,
    device: &Device,
    address: Option<IpAddr>,
    takeover: bool,
) -> Result<SignedIn> {
    for _ in 0..TRIES {
        let now = node.clock.now();
        let list = node.store.sessions(verified.id).await?;
        let user = node.store.users(&[verified.id]).await?.pop().flatten();
        let user = user.filter(|user| user.password == verified.password);
        let user = user.ok_or(Error::WrongPassword)?;
        if user.disabled {
            return Err(Error::SessionEnded(EndReason::Disabled));
        }
        let (live, expired): (Vec<_>, Vec<_>) = list
            .sessions
            .into_iter()
            .partition(|row| row.expires_at > now);
        let rule = node.config.session.rule(device.kind);
        let replaced = policy::make_room(rule, &live, device.kind, takeover).map_err(|those| {
            Error::SessionLimit(those.iter().map(|row| shown(row, None)).collect())
        })?;
        let (token, row) = new_session(node, &user, device, address, now);
        let ending: Vec<_> = (replaced
            .iter()
            .map(|row| (row.clone(), EndReason::Replaced)))
        .chain(expired.into_iter().map(|row| (row, EndReason::Expired)))
        .collect();
        let change = SessionChange {
            user: user.id,
            expected_version: list.version,
            begin: Some(row.clone()),
            end: ending
                .iter()
                .map(|(row, reason)| (row.id, *reason))
                .collect(),
            forget_at: end::forget_at(node, now),
        };
        if node.store.change_sessions(change).await? {
            end::tell(node, user.id, &ending, Some(end::ended_by(&row, now)));
            return Ok(SignedIn {
                user: user::shown(&user),
                session: shown(&row, Some(row.id)),
                token: Some(token),
                replaced: replaced.iter().map(|row| shown(row, None)).collect(),
            });
        }
    }
    Err(Error::Overloaded(
        "too many devices of this account sign in at once",
    ))
}

fn new_session(
    node: &Node,
    user: &UserRow,
    device: &Device,
    address: Option<IpAddr>,
    now: Timestamp,
) -> (String, SessionRow) {
    let (token, hash) = token::new_token();
    let row = SessionRow {
        id: SessionId(node.clock.new_id()),
        user: user.id,
        token: hash,
        kind: device.kind,
        label: device.label.clone(),
        created_at: now,
        last_seen_at: now,
        expires_at: expires_at(node, now),
        address: address
            .map(|address| address.to_string())
            .unwrap_or_default(),
    };
    (token, row)
}

/// When a session ends that was last used at this time.
pub(super) fn expires_at(node: &Node, used_at: Timestamp) -> Timestamp {
    used_at.after_ms(u64::from(node.config.session.expire_after_days) * DAY_MS)
}
