//! Who is who: names, who is here, contacts, requests and blocks.

use super::text;
use kith_protocol::contact::{Block, Contact, ContactRequest};
use kith_protocol::frame::ContactChanged;
use kith_protocol::presence::{Friend, Status};
use kith_protocol::sync::SyncContact;
use kith_protocol::user::User;
use kith_protocol::{Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of people.
#[derive(Debug, Default)]
pub(super) struct People {
    users: BTreeMap<UserId, User>,
    /// Asked for, and not answered yet.
    asked: BTreeSet<UserId>,
    /// Asked for in vain.
    missed: BTreeSet<UserId>,
    here: BTreeMap<UserId, Here>,
    pub(super) contacts: BTreeMap<UserId, Contact>,
    pub(super) requests: Vec<ContactRequest>,
    pub(super) blocks: Vec<Block>,
}

/// Whether somebody is here, as far as that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here {
    pub(super) status: Status,
    pub(super) last_seen_at: Option<Timestamp>,
}

/// One line of the page of people.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known<'a> {
    /// Asks the user.
    Asks(&'a ContactRequest),
    /// Was asked by the user.
    Asked(&'a ContactRequest),
    Contact(&'a Contact),
    Blocked(&'a Block),
}

impl People {
    pub(super) fn meet(&mut self, user: User) {
        self.asked.remove(&user.id);
        self.users.insert(user.id, user);
    }

    /// Somebody could not be asked for.
    pub(super) fn miss(&mut self, user: UserId) {
        self.asked.remove(&user);
        self.missed.insert(user);
    }

    /// A new connection: who was asked for in vain may be asked for again.
    pub(super) fn ask_again(&mut self) {
        self.missed.clear();
    }

    /// Those of whom nothing is known and nobody has asked yet; they count as asked for now.
    /// At most so many are asked for at once.
    pub(super) fn unknown(&mut self, users: Vec<UserId>, at_once: usize) -> Vec<UserId> {
        let room = at_once.saturating_sub(self.asked.len());
        users
            .into_iter()
            .filter(|user| !self.users.contains_key(user) && !self.missed.contains(user))
            .filter(|user| self.asked.insert(*user))
            .take(room)
            .collect()
    }

    /// The name to show; dots until it is known.
    pub(super) fn name(&self, user: UserId) -> String {
        self.users
            .get(&user)
            .map_or_else(|| "…".to_owned(), |user| text::line(&user.display_name))
    }

    /// `@handle`; nothing until it is known.
    pub(super) fn handle(&self, user: UserId) -> String {
        let user = self.users.get(&user);
        user.map_or_else(String::new, |user| format!("@{}", user.handle))
    }

    pub(super) fn here(&self, user: UserId) -> Option<Here> {
        self.here.get(&user).copied()
    }

    pub(super) fn friends(&mut self, friends: Vec<Friend>) {
        for friend in friends {
            let (status, last_seen_at) = (friend.status, friend.last_seen_at);
            let here = Here {
                status,
                last_seen_at,
            };
            self.here.insert(friend.user_id, here);
        }
    }

    pub(super) fn synced(&mut self, contact: SyncContact) {
        match contact {
            SyncContact::Row(contact) => self.befriend(*contact),
            SyncContact::Gone { user_id, .. } => self.part(user_id),
        }
    }

    /// What was pushed; true if the list of requests has to be asked for.
    pub(super) fn changed(&mut self, changed: ContactChanged) -> bool {
        if let Some(contact) = changed.contact {
            self.befriend(contact);
        }
        if changed.gone {
            self.part(changed.user_id);
        }
        changed.requests
    }

    pub(super) fn befriend(&mut self, contact: Contact) {
        let user = contact.user.id;
        self.meet(contact.user.clone());
        if let Some(status) = contact.status {
            let last_seen_at = contact.last_seen_at;
            let here = Here {
                status,
                last_seen_at,
            };
            self.here.insert(user, here);
        }
        self.requests
            .retain(|request| request.from.id != user && request.to.id != user);
        self.contacts.insert(user, contact);
    }

    fn part(&mut self, user: UserId) {
        self.contacts.remove(&user);
        self.here.remove(&user);
    }

    /// How many wait for an answer of the user.
    pub(super) fn asking(&self, me: Option<UserId>) -> usize {
        let asks = |request: &&ContactRequest| Some(request.to.id) == me;
        self.requests.iter().filter(asks).count()
    }

    /// Everybody on the page of people, in its order: who asks, contacts by name, who was asked,
    /// who is blocked.
    pub(super) fn known(&self, me: Option<UserId>) -> Vec<Known<'_>> {
        let (asks, asked): (Vec<_>, Vec<_>) = self
            .requests
            .iter()
            .partition(|request| Some(request.to.id) == me);
        let mut contacts: Vec<&Contact> = self.contacts.values().collect();
        contacts.sort_by_cached_key(|contact| contact.user.display_name.to_lowercase());
        asks.into_iter()
            .map(Known::Asks)
            .chain(contacts.into_iter().map(Known::Contact))
            .chain(asked.into_iter().map(Known::Asked))
            .chain(self.blocks.iter().map(Known::Blocked))
            .collect()
    }
}

impl Known<'_> {
    pub(super) fn user(&self) -> &User {
        match self {
            Self::Asks(request) => &request.from,
            Self::Asked(request) => &request.to,
            Self::Contact(contact) => &contact.user,
            Self::Blocked(block) => &block.user,
        }
    }
}
