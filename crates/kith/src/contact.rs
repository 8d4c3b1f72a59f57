//! Contacts, requests for them, and blocks; and who may write to whom directly.

use crate::error::{Error, Result};
use crate::limit::{Asker, Rate};
use crate::node::{Node, SharedNode, to_the_end};
use crate::user;
use kith_protocol::contact::{AskContact, Block, Contact, ContactRequest};
use kith_protocol::frame::{ContactChanged, ServerFrame};
use kith_protocol::text::{self, ABOUT_MAX_GRAPHEMES};
use kith_protocol::user::{DirectAudience, User};
use kith_protocol::{BadField, RequestId, Timestamp, UserId};
use kith_store::contact::{Between, ContactChange, RequestRow};
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Mutex, MutexGuard};

/// Counters of changes. People who meet in one only make each other look again.
const VERSIONS: usize = 65_536;
/// Locks of pairs: what stands between two people is read, judged and changed by one at a time.
const PAIRS: usize = 64;

/// What changed between people, so that others may remember what they have seen.
pub struct Relations {
    versions: Box<[AtomicU64]>,
    pairs: [Mutex<()>; PAIRS],
}

impl Default for Relations {
    fn default() -> Self {
        Self {
            versions: (0..VERSIONS).map(|_| AtomicU64::new(0)).collect(),
            pairs: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Relations {
    /// Grows whenever contacts, blocks or privacy of this user change, after the change is durable
    /// and before it is answered. Read it before you read what stands between people.
    pub fn version(&self, user: UserId) -> u64 {
        self.counter(user).load(Ordering::Acquire)
    }

    /// Something changed.
    pub fn bump(&self, user: UserId) {
        self.counter(user).fetch_add(1, Ordering::AcqRel);
    }

    fn counter(&self, user: UserId) -> &AtomicU64 {
        &self.versions[(FxBuildHasher.hash_one(user) >> 48) as usize % VERSIONS]
    }

    async fn pair(&self, a: UserId, b: UserId) -> MutexGuard<'_, ()> {
        let hash = FxBuildHasher.hash_one((a.min(b), a.max(b)));
        self.pairs[(hash >> 58) as usize % PAIRS].lock().await
    }
}

/// Whether `from` may write to `to` directly.
pub async fn check_direct(node: &Node, from: UserId, to: UserId) -> Result<()> {
    let between = node.store.between(from, to).await?;
    if between.blocked.is_some() || between.blocked_by.is_some() {
        return Err(Error::Blocked);
    }
    if between.contact_since.is_some() {
        return Ok(());
    }
    let row = node.store.users(&[to]).await?.pop().flatten().ok_or(Error::NotFound)?;
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
    let known = rows.iter().zip(users).filter_map(|((_, since), user)| Some((*since, user?)));
    Ok(known.map(|(since_at, user)| shown(user, since_at)).collect())
}

/// Requests that the caller made or got, oldest first.
pub async fn requests(node: &Node, caller: UserId) -> Result<Vec<ContactRequest>> {
    let rows = node.store.requests(caller).await?;
    let ids: Vec<_> = rows.iter().flat_map(|row| [row.from, row.to]).collect();
    let users = user::public(node, &ids).await?;
    let pairs = users.chunks(2).zip(rows);
    let known = pairs.filter_map(|(pair, row)| match pair {
        [Some(from), Some(to)] => Some(shown_request(row, from, to, false)),
        _ => None,
    });
    Ok(known.collect())
}

/// Whom the caller has blocked, in id order.
pub async fn blocks(node: &Node, caller: UserId) -> Result<Vec<Block>> {
    let rows = node.store.blocks(caller).await?;
    let ids: Vec<_> = rows.iter().map(|(id, _)| *id).collect();
    let users = user::public(node, &ids).await?;
    let known = rows.iter().zip(users).filter_map(|((_, since), user)| Some((*since, user?)));
    Ok(known.map(|(since_at, user)| Block { user, since_at }).collect())
}

/// Asks somebody to become a contact. Asking again is the same request; if the other has asked
/// too, or they are contacts already, the answer says so. True if it is a new request.
pub async fn ask(node: &SharedNode, asker: Asker, ask: AskContact) -> Result<(bool, ContactRequest)> {
    let me = asker.caller.ok_or(Error::Unauthorized)?.user;
    let them = ask.user_id;
    not_oneself(me, them)?;
    let note = ask.note.map(|note| text::prose("note", &note, ABOUT_MAX_GRAPHEMES)).transpose()?;
    let note = note.filter(|note| !text::is_blank(note));
    node.limits.check(Rate::RequestContact, asker, node.clock.now())?;
    let (my_profile, their_profile) = both(node, me, them).await?;
    let row = RequestRow { from: me, to: them, note, at: node.clock.now() };
    let node = node.clone();
    to_the_end(async move {
        let _pair = node.relations.pair(me, them).await;
        let between = node.store.between(me, them).await?;
        if between.blocked.is_some() || between.blocked_by.is_some() {
            return Err(Error::NotFound);
        }
        let (is_new, accepted, row) = put_request(&node, between, row).await?;
        Ok((is_new, shown_request(row, &my_profile, &their_profile, accepted)))
    })
    .await
}

async fn put_request(
    node: &Node,
    between: Between,
    row: RequestRow,
) -> Result<(bool, bool, RequestRow)> {
    if let Some(since) = between.contact_since {
        return Ok((false, true, RequestRow { at: since, ..row }));
    }
    if between.asked_by.is_some() {
        befriend(node, row.from, row.to).await?;
        return Ok((false, true, row));
    }
    if let Some(earlier) = between.asked {
        return Ok((false, false, earlier));
    }
    node.store.change_contact(ContactChange::Ask(row.clone())).await?;
    let requests = |user_id| ContactChanged { user_id, contact: None, gone: false, requests: true };
    tell(node, row.from, requests(row.to));
    tell(node, row.to, requests(row.from));
    Ok((true, false, row))
}

/// Accepts a request to the caller; accepting again is the same.
pub async fn accept(node: &SharedNode, caller: UserId, request: RequestId) -> Result<Contact> {
    let asked_by = |row: &RequestRow| row.to == caller && id_of(row) == request;
    let row = node.store.requests(caller).await?.into_iter().find(asked_by);
    let from = match row {
        Some(row) => row.from,
        None => accepted_before(node, caller, request).await?,
    };
    let node = node.clone();
    to_the_end(async move {
        let _pair = node.relations.pair(caller, from).await;
        let between = node.store.between(caller, from).await?;
        let since = match (between.contact_since, between.asked_by) {
            (Some(since), _) => since,
            (None, Some(_)) => befriend(&node, caller, from).await?,
            (None, None) => return Err(Error::NotFound),
        };
        let (user, _) = both(&node, from, caller).await?;
        Ok(shown(user, since))
    })
    .await
}

/// Declines a request to the caller. The asker is not told more than that it is gone.
pub async fn decline(node: &SharedNode, caller: UserId, request: RequestId) -> Result<()> {
    let asked_by = |row: &RequestRow| row.to == caller && id_of(row) == request;
    let row = node.store.requests(caller).await?.into_iter().find(asked_by);
    let from = row.ok_or(Error::NotFound)?.from;
    change(node, caller, from, ContactChange::Decline { from, to: caller }).await
}

/// Takes a contact away, for both. Who is none stays none.
pub async fn part(node: &SharedNode, caller: UserId, other: UserId) -> Result<()> {
    not_oneself(caller, other)?;
    both(node, caller, other).await?;
    change(node, caller, other, ContactChange::Part { a: caller, b: other }).await
}

/// Blocks somebody: contact and requests are gone, and neither writes to the other directly. The
/// blocked one is not told of the block.
pub async fn block(node: &SharedNode, caller: UserId, whom: UserId) -> Result<()> {
    not_oneself(caller, whom)?;
    both(node, caller, whom).await?;
    let at = node.clock.now();
    change(node, caller, whom, ContactChange::Block { by: caller, whom, at }).await
}

/// Takes a block away; what it ended stays ended.
pub async fn unblock(node: &SharedNode, caller: UserId, whom: UserId) -> Result<()> {
    not_oneself(caller, whom)?;
    both(node, caller, whom).await?;
    change(node, caller, whom, ContactChange::Unblock { by: caller, whom }).await
}

/// A contact as the other side sees one.
pub fn shown(user: User, since_at: Timestamp) -> Contact {
    Contact { user, since_at, status: None, last_seen_at: None }
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
            let changed = |user_id| ContactChanged { user_id, contact: None, gone, requests };
            tell(&node, caller, changed(other));
            tell(&node, other, changed(caller));
        }
        Ok(())
    })
    .await
}

/// Makes two people contacts, and tells both.
async fn befriend(node: &Node, a: UserId, b: UserId) -> Result<Timestamp> {
    let at = node.clock.now();
    node.store.change_contact(ContactChange::Befriend { a, b, at }).await?;
    node.relations.bump(a);
    node.relations.bump(b);
    let (a_profile, b_profile) = both(node, a, b).await?;
    for (whom, other) in [(a, b_profile), (b, a_profile)] {
        let user_id = other.id;
        let contact = Some(shown(other, at));
        tell(node, whom, ContactChanged { user_id, contact, gone: false, requests: true });
    }
    Ok(at)
}

fn tell(node: &Node, whom: UserId, changed: ContactChanged) {
    node.channels.tell_user(whom, &ServerFrame::Contact(changed));
    node.channels.wake_user(whom);
}

/// A contact of the caller whose request this was.
async fn accepted_before(node: &Node, caller: UserId, request: RequestId) -> Result<UserId> {
    let contacts = node.store.contacts(caller).await?;
    let made_so = |(id, _): &(UserId, Timestamp)| RequestId::between(*id, caller) == request;
    contacts.into_iter().find(made_so).map(|(id, _)| id).ok_or(Error::NotFound)
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

fn id_of(row: &RequestRow) -> RequestId {
    RequestId::between(row.from, row.to)
}

fn shown_request(row: RequestRow, from: &User, to: &User, accepted: bool) -> ContactRequest {
    let id = id_of(&row);
    ContactRequest { id, from: from.clone(), to: to.clone(), note: row.note, at: row.at, accepted }
}
