//! Everything that sync can tell a user, read together.

use crate::StoreResult;
use crate::contact::{ContactRow, Contacts};
use crate::inbox::{Inbox, InboxParts};
use crate::session::{SessionList, Sessions};
use crate::user::{UserRow, Users};
use async_trait::async_trait;
use kith_protocol::{ThreadId, UserId};

/// What a user's clients may have to be told.
#[derive(Clone, Debug)]
pub struct SyncRows {
    /// The account.
    pub me: UserRow,
    /// Threads, left ones too, in id order.
    pub threads: Vec<InboxParts>,
    /// Contacts with their accounts, in id order.
    pub contacts: Vec<(ContactRow, Option<UserRow>)>,
    /// Who was a contact and is none now, in id order.
    pub former: Vec<UserId>,
    /// Sessions.
    pub sessions: SessionList,
    /// For [`Syncs::stands`]; none if the engine cannot tell.
    pub basis: Option<Basis>,
}

/// When rows were read, and on what they rest. Means nothing to another engine, or after a restart.
#[derive(Clone, Debug)]
pub struct Basis {
    pub(crate) read_at: u64,
    pub(crate) places: Box<[u16]>,
}

/// Reads what sync tells.
#[async_trait]
pub trait Syncs: Inbox + Contacts + Sessions + Users {
    /// What there is to tell a user; none if there is no such account. Whatever was acknowledged before
    /// the call is in it. The parts of one row are from one moment.
    ///
    /// Engines that can read a snapshot do so in one hop; this one asks one after the other.
    async fn sync_rows(&self, user: UserId) -> StoreResult<Option<SyncRows>> {
        one_after_the_other(self, user).await
    }

    /// Whether rows that rest on this would be read again just as they were: true only if no change of
    /// them was acknowledged before the call. Costs no read. False may be said at any time.
    fn stands(&self, _basis: &Basis) -> bool {
        false
    }
}

/// Reads the rows with the other calls.
pub(crate) async fn one_after_the_other<S: Syncs + ?Sized>(
    store: &S,
    user: UserId,
) -> StoreResult<Option<SyncRows>> {
    let Some(me) = store.users(&[user]).await?.pop().flatten() else {
        return Ok(None);
    };
    let threads = store.user_threads(user).await?;
    let threads: Vec<ThreadId> = threads.into_iter().map(|(thread, _)| thread).collect();
    let contacts = store.contacts(user).await?;
    let ids: Vec<UserId> = contacts.iter().map(|(contact, _)| *contact).collect();
    let accounts = store.users(&ids).await?;
    let contacts = contacts
        .into_iter()
        .map(|(user, since)| ContactRow { user, since });
    let parts = store.inbox_parts(user, &threads).await?;
    Ok(Some(SyncRows {
        me,
        threads: parts.into_iter().flatten().collect(),
        contacts: contacts.zip(accounts).collect(),
        former: store.former_contacts(user).await?,
        sessions: store.sessions(user).await?,
        basis: None,
    }))
}
