//! Contacts, requests for them, and blocks; and who may write to whom directly.

mod relation;
mod request;

pub use relation::Relations;
pub use request::{accept, ask, decline, requests};

use crate::error::{Error, Result};
use crate::node::{Node, SharedNode, to_the_end};
use crate::user;
use kith_protocol::contact::{Block, Contact};
use kith_protocol::frame::{ContactChanged, ServerFrame};
use kith_protocol::user::{DirectAudience, User};
use kith_protocol::{BadField, Timestamp, UserId};
use kith_store::contact::ContactChange;

/// Whether `from` may write to `to` directly.
pub async fn check_direct(node: &Node, from: UserId, to: UserId) -> Result<()> {
    let between = node.store.between(from, to).await?;
    if between.blocked.is_some() || between.blocked_by.is_some() {
        return Err(Error::Blocked);
    }
    if between.contact_since.is_some() {
        return Ok(());
    }
    let row = node
        .store
        .users(&[to])
        .await?
        .pop()
        .flatten()
        .ok_or(Error::NotFound)?;
    match row.privacy.direct {
        DirectAudience::Everyone => Ok(()),
        DirectAudience::Contacts => Err(Error::ContactsOnly),
    }
}

/// Contacts of the caller, in id order. Whether they are here is told by heartbeats.
pub async fn list(node: &Node, caller: UserId) -> Result<Vec<Contact>> {
    let rows = node.store.contacts(caller).await?;
    let ids: Vec<_> = rows.iter().map(|(id, _)| *id).collect();
    let users = user::public(node, &ids).await?;
    let known = rows
        .iter()
        .zip(users)
        .filter_map(|((_, since), user)| Some((*since, user?)));
    Ok(known
        .map(|(since_at, user)| shown(user, since_at))
        .collect())
}

/// Whom the caller has blocked, in id order.
pub async fn blocks(node: &Node, caller: UserId) -> Result<Vec<Block>> {
    let rows = node.store.blocks(caller).await?;
    let ids: Vec<_> = rows.iter().map(|(id, _)| *id).collect();
    let users = user::public(node, &ids).await?;
    let known = rows
        .iter()
        .zip(users)
        .filter_map(|((_, since), user)| Some((*since, user?)));
    Ok(known
        .map(|(since_at, user)| Block { user, since_at })
        .collect())
}

/// Takes a contact away, for both. Who is none stays none.
pub async fn part(node: &SharedNode, caller: UserId, other: UserId) -> Result<()> {
    not_oneself(caller, other)?;
    both(node, caller, other).await?;
    change(
        node,
        caller,
        other,
        ContactChange::Part {
            a: caller,
            b: other,
        },
    )
    .await
}

/// Blocks somebody: contact and requests are gone, and neither writes to the other directly. The
/// blocked one is not told of the block.
pub async fn block(node: &SharedNode, caller: UserId, whom: UserId) -> Result<()> {
    not_oneself(caller, whom)?;
    both(node, caller, whom).await?;
    let at = node.clock.now();
    change(
        node,
        caller,
        whom,
        ContactChange::Block {
            by: caller,
            whom,
            at,
        },
    )
    .await
}

/// Takes a block away; what it ended stays ended.
pub async fn unblock(node: &SharedNode, caller: UserId, whom: UserId) -> Result<()> {
    not_oneself(caller, whom)?;
    both(node, caller, whom).await?;
    change(
        node,
        caller,
        whom,
        ContactChange::Unblock { by: caller, whom },
    )
    .await
}

/// A contact as the other side sees one.
pub fn shown(user: User, since_at: Timestamp) -> Contact {
    Contact {
        user,
        since_at,
        status: None,
        last_seen_at: None,
    }
}

/// Makes a change, and tells both what they see of it.
async fn change(
    node: &SharedNode,
    caller: UserId,
    other: UserId,
    change: ContactChange,
) -> Result<()> {
    let node = node.clone();
    to_the_end(async move {
        let _pair = node.relations.pair(caller, other).await;
        let before = node.store.between(caller, other).await?;
        node.store.change_contact(change).await?;
        let after = node.store.between(caller, other).await?;
        node.relations.bump(caller);
        node.relations.bump(other);
        let gone = before.contact_since.is_some() && after.contact_since.is_none();
        let requests = before.asked != after.asked || before.asked_by != after.asked_by;
        if gone || requests {
            let changed = |user_id| ContactChanged {
                user_id,
                contact: None,
                gone,
                requests,
            };
            tell(&node, caller, changed(other));
            tell(&node, other, changed(caller));
        }
        Ok(())
    })
    .await
}

fn tell(node: &Node, whom: UserId, changed: ContactChanged) {
    node.channels
        .tell_user(whom, &ServerFrame::Contact(changed));
    node.channels.wake_user(whom);
}

async fn both(node: &Node, a: UserId, b: UserId) -> Result<(User, User)> {
    let mut users = user::public(node, &[a, b]).await?;
    match (users.pop().flatten(), users.pop().flatten()) {
        (Some(b), Some(a)) => Ok((a, b)),
        _ => Err(Error::NotFound),
    }
}

fn not_oneself(caller: UserId, other: UserId) -> Result<()> {
    if caller == other {
        return Err(BadField::invalid("user_id", "must be somebody else").into());
    }
    Ok(())
}
