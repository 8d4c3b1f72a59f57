//! Accounts: one's own, and those of others.

use crate::error::{Error, Result};
use crate::limit::{Asker, Rate};
use crate::node::{Caller, Node, SharedNode, to_the_end};
use kith_protocol::text::{self, BYTES_PER_GRAPHEME, QUERY_GRAPHEMES};
use kith_protocol::user::{self, Me, PatchMe, User};
use kith_protocol::{BadField, UserId};
use kith_store::user::UserRow;
use kith_store::user_thread::Written;

/// People in the answer to a search: a screen full; who is not among them needs a longer word.
const FOUND_MAX: usize = 20;

/// The row of a user who is known to exist.
pub async fn row(node: &Node, user: UserId) -> Result<UserRow> {
    node.store
        .users(&[user])
        .await?
        .pop()
        .flatten()
        .ok_or(Error::NotFound)
}

/// The caller's account.
pub async fn me(node: &Node, caller: Caller) -> Result<Me> {
    account(node, caller).await.map(|row| own(&row))
}

/// Changes the caller's account.
pub async fn patch_me(node: &SharedNode, caller: Caller, patch: PatchMe) -> Result<Me> {
    let patch = PatchMe {
        display_name: patch
            .display_name
            .as_deref()
            .map(user::check_display_name)
            .transpose()?,
        about: patch.about.as_deref().map(user::check_about).transpose()?,
        privacy: patch.privacy,
    };
    let node = node.clone();
    to_the_end(async move {
        let row = put_patch(&node, caller, &patch).await?;
        node.relations.bump(caller.user);
        node.channels.wake_user(caller.user);
        Ok(own(&row))
    })
    .await
}

/// Somebody's public profile, by id or by @handle. Blocks do not hide it: groups show it anyway,
/// and hiding it would tell who has blocked whom.
pub async fn show(node: &Node, asker: Asker, id_or_handle: &str) -> Result<User> {
    node.limits.check(Rate::Search, asker, node.clock.now())?;
    let id = match id_or_handle.strip_prefix('@') {
        Some(handle) if text::check_handle("handle", handle).is_err() => None,
        Some(handle) => node.store.user_of_handle(handle).await?,
        None => UserId::parse(id_or_handle),
    };
    let id = id.ok_or(Error::NotFound)?;
    public(node, &[id])
        .await?
        .pop()
        .flatten()
        .ok_or(Error::NotFound)
}

/// People of whom the handle or a word of the name begins so, without those who are disabled.
pub async fn find(node: &Node, asker: Asker, q: &str) -> Result<Vec<User>> {
    let max = *QUERY_GRAPHEMES.end();
    let q = text::name("q", q, max, max * BYTES_PER_GRAPHEME)?;
    let q = q.trim();
    let prefix = q.strip_prefix('@').unwrap_or(q);
    if prefix.is_empty() {
        return Err(BadField::invalid("q", "a letter at least").into());
    }
    node.limits.check(Rate::Search, asker, node.clock.now())?;
    let ids = node.store.find_users(prefix, FOUND_MAX).await?;
    let rows = node.store.users(&ids).await?;
    let active = rows.iter().flatten().filter(|row| !row.disabled);
    Ok(active.map(shown).collect())
}

/// Public profiles, in the order asked.
pub async fn public(node: &Node, ids: &[UserId]) -> Result<Vec<Option<User>>> {
    let rows = node.store.users(ids).await?;
    Ok(rows.iter().map(|row| row.as_ref().map(shown)).collect())
}

/// An account as everybody sees it.
pub fn shown(row: &UserRow) -> User {
    User {
        id: row.id,
        handle: row.handle.clone(),
        display_name: row.display_name.clone(),
        about: row.about.clone(),
        avatar: None,
        created_at: row.created_at,
    }
}

/// An account as its owner sees it.
pub fn own(row: &UserRow) -> Me {
    Me {
        user: shown(row),
        privacy: row.privacy,
    }
}

async fn account(node: &Node, caller: Caller) -> Result<UserRow> {
    let row = node.store.users(&[caller.user]).await?.pop().flatten();
    row.ok_or(Error::Internal("a session has no account"))
}

async fn put_patch(node: &Node, caller: Caller, patch: &PatchMe) -> Result<UserRow> {
    loop {
        let mut row = account(node, caller).await?;
        let expected_version = row.version;
        row.version += 1;
        if let Some(display_name) = &patch.display_name {
            row.display_name.clone_from(display_name);
        }
        if let Some(about) = &patch.about {
            row.about.clone_from(about);
        }
        if let Some(privacy) = patch.privacy {
            row.privacy = privacy.on(row.privacy);
        }
        if let Written::Done = node.store.put_user(expected_version, row.clone()).await? {
            return Ok(row);
        }
    }
}
