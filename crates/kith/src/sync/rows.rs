//! Everything that sync can tell, in groups, with a hash of each row.

use crate::error::{Error, Result};
use crate::inbox;
use crate::node::{Caller, Node};
use kith_protocol::UserId;
use kith_store::contact::ContactRow;
use kith_store::inbox::InboxParts;
use kith_store::sync::{Basis, SyncRows};
use kith_store::user::UserRow;
use sha2::{Digest as _, Sha256};

/// Groups of threads: a change tells the rows of one group, a fortieth of the list.
pub(super) const THREAD_GROUPS: usize = 40;
pub(super) const CONTACTS: usize = THREAD_GROUPS;
pub(super) const SESSIONS: usize = THREAD_GROUPS + 1;
pub(super) const ME: usize = THREAD_GROUPS + 2;
pub(super) const GROUPS: usize = THREAD_GROUPS + 3;

/// Everything that can be told, from now.
pub(super) struct Rows(SyncRows);

impl Rows {
    pub(super) async fn load(node: &Node, caller: Caller) -> Result<Self> {
        let rows = node.store.sync_rows(caller.user).await?;
        rows.map(Self).ok_or(Error::NotFound)
    }

    pub(super) fn me(&self) -> &UserRow {
        &self.0.me
    }

    pub(super) fn threads(&self) -> &[InboxParts] {
        &self.0.threads
    }

    /// What they rest on, to be kept.
    pub(super) fn basis(&mut self) -> Option<Basis> {
        self.0.basis.take()
    }

    /// The items of every group, each sorted by id.
    pub(super) fn groups(&self) -> Vec<Vec<Item<'_>>> {
        let mut groups: Vec<Vec<Item<'_>>> = (0..GROUPS).map(|_| Vec::new()).collect();
        for parts in &self.0.threads {
            let id = parts.thread.bytes();
            groups[usize::from(id[0]) % THREAD_GROUPS].push(Item::thread(parts));
        }
        for (row, user) in &self.0.contacts {
            groups[CONTACTS].push(Item::contact(row, user.as_ref()));
        }
        groups[CONTACTS].extend(self.0.former.iter().map(|&user| Item::former(user)));
        let sessions = &self.0.sessions;
        groups[SESSIONS].extend(sessions.sessions.iter().map(Item::session));
        groups[SESSIONS].extend(sessions.ended.iter().map(|&id| Item::ended(id)));
        groups[ME].push(Item::me(self.me()));
        for group in &mut groups {
            group.sort_unstable_by_key(|item| item.id);
        }
        groups
    }
}

/// One row that can be told.
pub(super) struct Item<'a> {
    pub(super) id: [u8; 16],
    pub(super) hash: u64,
    pub(super) row: Row<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    Thread(&'a InboxParts),
    Contact(&'a ContactRow, Option<&'a UserRow>),
    FormerContact(UserId),
    Session(&'a kith_store::session::SessionRow),
    EndedSession(kith_protocol::SessionId),
    Me,
}

impl<'a> Item<'a> {
    pub(super) fn thread(parts: &'a InboxParts) -> Self {
        let left_seq = inbox::left_seq(&parts.member).unwrap_or_default();
        let mut numbers = vec![
            inbox::last_visible_seq(parts),
            parts.read().seq,
            parts.mine.version,
            left_seq,
            parts.mark.delivered_seq,
        ];
        if left_seq == 0 {
            for (other, mark) in &parts.others {
                let marks = crate::receipt::effective(other, *mark);
                numbers.extend([marks.read_seq, marks.delivered_seq]);
            }
        }
        let id = *parts.thread.bytes();
        Self {
            id,
            hash: hash(&id, &numbers),
            row: Row::Thread(parts),
        }
    }

    pub(super) fn contact(row: &'a ContactRow, user: Option<&'a UserRow>) -> Self {
        let id = *row.user.bytes();
        let version = user.map_or(0, |user| user.version);
        Self {
            id,
            hash: hash(&id, &[row.since.0 as u64, version]),
            row: Row::Contact(row, user),
        }
    }

    pub(super) fn former(user: UserId) -> Self {
        let id = *user.bytes();
        Self {
            id,
            hash: hash(&id, &[]),
            row: Row::FormerContact(user),
        }
    }

    pub(super) fn session(row: &'a kith_store::session::SessionRow) -> Self {
        let id = *row.id.bytes();
        Self {
            id,
            hash: hash(&id, &[1]),
            row: Row::Session(row),
        }
    }

    pub(super) fn ended(session: kith_protocol::SessionId) -> Self {
        let id = *session.bytes();
        Self {
            id,
            hash: hash(&id, &[]),
            row: Row::EndedSession(session),
        }
    }

    pub(super) fn me(row: &'a UserRow) -> Self {
        let id = *row.id.bytes();
        Self {
            id,
            hash: hash(&id, &[row.version]),
            row: Row::Me,
        }
    }

    /// Whether there is anything to tell about it to who knows nothing.
    pub(super) fn is_gone(&self) -> bool {
        match self.row {
            Row::Thread(parts) => inbox::left_seq(&parts.member).is_some(),
            Row::FormerContact(_) | Row::EndedSession(_) => true,
            Row::Contact(..) | Row::Session(_) | Row::Me => false,
        }
    }
}

pub(super) fn hash(id: &[u8; 16], numbers: &[u64]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(id);
    for number in numbers {
        hash.update(number.to_be_bytes());
    }
    let digest = hash.finalize();
    u64::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
    ])
}

/// A text, to be recognised.
pub(super) fn hash_of(text: &str) -> u128 {
    let digest = Sha256::digest(text.as_bytes());
    let half = digest.first_chunk().copied().unwrap_or_default();
    u128::from_be_bytes(half)
}

pub(super) fn sum(items: &[Item<'_>]) -> u64 {
    items
        .iter()
        .fold(0, |sum, item| sum.wrapping_add(item.hash))
}
