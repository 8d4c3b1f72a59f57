//! Requests to become contacts.

use super::{both, change, not_oneself, shown, tell};
use crate::error::{Error, Result};
use crate::limit::{Asker, Rate};
use crate::node::{Node, SharedNode, to_the_end};
use crate::user;
use kith_protocol::contact::{AskContact, Contact, ContactRequest};
use kith_protocol::frame::ContactChanged;
use kith_protocol::text::{self, ABOUT_MAX_GRAPHEMES};
use kith_protocol::user::User;
use kith_protocol::{RequestId, Timestamp, UserId};
use kith_store::contact::{Between, ContactChange, RequestRow};

/// Contacts of one user: everything that lists or greets them reads all. Ten thousand is what the
/// largest messengers allow.
const CONTACTS_MAX: usize = 10_000;
/// Requests of one user that wait for an answer, and those shown to who was asked: more than a
/// person makes, or looks through.
const REQUESTS_MAX: usize = 1_000;

/// Requests that the caller made or got, oldest first; of very many the newest.
pub async fn requests(node: &Node, caller: UserId) -> Result<Vec<ContactRequest>> {
    let mut rows = node.store.requests(caller).await?;
    rows.drain(..rows.len().saturating_sub(2 * REQUESTS_MAX));
    let ids: Vec<_> = rows.iter().flat_map(|row| [row.from, row.to]).collect();
    let users = user::public(node, &ids).await?;
    let pairs = users.chunks(2).zip(rows);
    let known = pairs.filter_map(|(pair, row)| match pair {
        [Some(from), Some(to)] => Some(shown_request(row, from, to, false)),
        _ => None,
    });
    Ok(known.collect())
}

/// Asks somebody to become a contact. Asking again is the same request; if the other has asked
/// too, or they are contacts already, the answer says so. True if it is a new request.
pub async fn ask(
    node: &SharedNode,
    asker: Asker,
    ask: AskContact,
) -> Result<(bool, ContactRequest)> {
    let me = asker.caller.ok_or(Error::Unauthorized)?.user;
    let them = ask.user_id;
    not_oneself(me, them)?;
    let note = ask
        .note
        .map(|note| text::prose("note", &note, ABOUT_MAX_GRAPHEMES))
        .transpose()?;
    let note = note.filter(|note| !text::is_blank(note));
    node.limits
        .check(Rate::RequestContact, asker, node.clock.now())?;
    let (my_profile, their_profile) = both(node, me, them).await?;
    let row = RequestRow {
        from: me,
        to: them,
        note,
        at: node.clock.now(),
    };
    let node = node.clone();
    to_the_end(async move {
        let _pair = node.relations.pair(me, them).await;
        let between = node.store.between(me, them).await?;
        if between.blocked.is_some() || between.blocked_by.is_some() {
            return Err(Error::NotFound);
        }
        let (is_new, accepted, row) = put_request(&node, between, row).await?;
        Ok((
            is_new,
            shown_request(row, &my_profile, &their_profile, accepted),
        ))
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
    let waiting = node.store.requests(row.from).await?;
    if waiting
        .iter()
        .filter(|other| other.from == row.from)
        .count()
        >= REQUESTS_MAX
    {
        return Err(Error::Conflict("too many requests wait for an answer"));
    }
    node.store
        .change_contact(ContactChange::Ask(row.clone()))
        .await?;
    let requests = |user_id| ContactChanged {
        user_id,
        contact: None,
        gone: false,
        requests: true,
    };
    tell(node, row.from, requests(row.to));
    tell(node, row.to, requests(row.from));
    Ok((true, false, row))
}

/// Accepts a request to the caller; accepting again is the same.
pub async fn accept(node: &SharedNode, caller: UserId, request: RequestId) -> Result<Contact> {
    let asked_by = |row: &RequestRow| row.to == caller && id_of(row) == request;
    let row = node
        .store
        .requests(caller)
        .await?
        .into_iter()
        .find(asked_by);
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
    let row = node
        .store
        .requests(caller)
        .await?
        .into_iter()
        .find(asked_by);
    let from = row.ok_or(Error::NotFound)?.from;
    change(
        node,
        caller,
        from,
        ContactChange::Decline { from, to: caller },
    )
    .await
}

/// Makes two people contacts, and tells both.
async fn befriend(node: &Node, a: UserId, b: UserId) -> Result<Timestamp> {
    for one in [a, b] {
        if node.store.contacts(one).await?.len() >= CONTACTS_MAX {
            return Err(Error::Conflict("one of the two has too many contacts"));
        }
    }
    let at = node.clock.now();
    node.store
        .change_contact(ContactChange::Befriend { a, b, at })
        .await?;
    node.relations.bump(a);
    node.relations.bump(b);
    let (a_profile, b_profile) = both(node, a, b).await?;
    for (whom, other) in [(a, b_profile), (b, a_profile)] {
        let user_id = other.id;
        let contact = Some(shown(other, at));
        tell(
            node,
            whom,
            ContactChanged {
                user_id,
                contact,
                gone: false,
                requests: true,
            },
        );
    }
    Ok(at)
}

/// A contact of the caller whose request this was.
async fn accepted_before(node: &Node, caller: UserId, request: RequestId) -> Result<UserId> {
    let contacts = node.store.contacts(caller).await?;
    let made_so = |(id, _): &(UserId, Timestamp)| RequestId::between(*id, caller) == request;
    contacts
        .into_iter()
        .find(made_so)
        .map(|(id, _)| id)
        .ok_or(Error::NotFound)
}

fn id_of(row: &RequestRow) -> RequestId {
    RequestId::between(row.from, row.to)
}

fn shown_request(row: RequestRow, from: &User, to: &User, accepted: bool) -> ContactRequest {
    let id = id_of(&row);
    ContactRequest {
        id,
        from: from.clone(),
        to: to.clone(),
        note: row.note,
        at: row.at,
        accepted,
    }
}
