//! Damages a closed data folder on purpose. Only the tests of doctor use it.

use super::folder::{self, FolderLock};
use super::row::{self, Row};
use super::table::{Table, Tables};
use super::{EmbeddedConfig, OpenError, failed, key};
use crate::StoreResult;
use crate::log::EntryRow;
use crate::session::TokenHash;
use crate::thread::{HeadRow, MemberRow, OverlayRow, ReadMark};
use fjall::PersistMode;
use key::view;
use kith_protocol::{SessionId, ThreadId, Timestamp, UserId};
use std::path::Path;

/// A row of the folder.
#[derive(Clone, Debug)]
pub enum Spot {
    /// An entry of a log.
    Entry(ThreadId, u64),
    /// A head.
    Head(ThreadId),
    /// A member.
    Member(ThreadId, UserId),
    /// What became of a message.
    Overlay(ThreadId, u64),
    /// Somebody's emoji on a message.
    Reaction(ThreadId, UserId, u64, &'static str),
    /// A deleted message.
    Deletion(ThreadId, u64),
    /// A message that names somebody.
    Mention(UserId, ThreadId, u64),
    /// By whom a group is found.
    Participants(Vec<UserId>, Timestamp, ThreadId),
    /// A read mark.
    Read(ThreadId, UserId),
    /// A delivered mark.
    Delivered(ThreadId, UserId, SessionId),
    /// A thread in a user's list.
    UserThread(UserId, ThreadId),
    /// An account.
    User(UserId),
    /// A handle.
    Handle(&'static str),
    /// A word of a name.
    Name(&'static str, UserId),
    /// A contact, from one side.
    Contact(UserId, UserId),
    /// A former contact, from one side.
    Former(UserId, UserId),
    /// A request, from the side of who asked.
    Asked(UserId, UserId),
    /// A request, from the side of who was asked.
    AskedBy(UserId, UserId),
    /// A session.
    Session(UserId, SessionId),
    /// A token.
    Token(TokenHash),
}

impl Spot {
    fn place(&self) -> (Table, Vec<u8>) {
        match self {
            Self::Entry(thread, seq) => (Table::Messages, key::message(*thread, *seq).to_vec()),
            Self::Head(thread) => (Table::Heads, key::head(*thread).to_vec()),
            Self::Member(thread, user) => of_thread(key::member(*thread, *user)),
            Self::Overlay(thread, seq) => of_thread(key::overlay(*thread, *seq)),
            Self::Reaction(thread, user, seq, emoji) => {
                of_thread(key::reaction(*thread, *user, *seq, emoji))
            }
            Self::Deletion(thread, seq) => of_thread(key::deletion(*thread, *seq)),
            Self::Mention(user, thread, seq) => of_thread(key::mention(*user, *thread, *seq)),
            Self::Participants(members, at, thread) => {
                of_thread(key::participants(members, *at, *thread))
            }
            Self::Read(thread, user) => of_thread(key::read_mark(*thread, *user)),
            Self::Delivered(thread, user, session) => {
                of_thread(key::delivered_mark(*thread, *user, *session))
            }
            Self::UserThread(user, thread) => of_thread(key::user_thread(*user, *thread)),
            Self::User(user) => person(key::user(*user)),
            Self::Handle(handle) => person(key::handle(handle)),
            Self::Name(word, user) => person(key::name(word, *user)),
            Self::Contact(a, b) => person(key::contact(*a, *b)),
            Self::Former(a, b) => person(key::former(*a, *b)),
            Self::Asked(from, to) => person(key::asked(*from, *to)),
            Self::AskedBy(to, from) => person(key::asked_by(*to, *from)),
            Self::Session(user, session) => person(key::session(*user, *session)),
            Self::Token(hash) => person(key::token(hash)),
        }
    }
}

fn of_thread(key: impl AsRef<[u8]>) -> (Table, Vec<u8>) {
    (Table::Views, key.as_ref().to_vec())
}

fn person(key: impl AsRef<[u8]>) -> (Table, Vec<u8>) {
    (Table::People, key.as_ref().to_vec())
}

/// A closed folder, open to be damaged.
pub struct Damage {
    tables: Tables,
    _lock: FolderLock,
}

impl Damage {
    /// Takes a folder that no store has open.
    pub fn of(folder: &Path) -> Result<Self, OpenError> {
        let lock = folder::prepare(folder)?;
        let config = EmbeddedConfig {
            folder: folder.to_owned(),
            ..EmbeddedConfig::default()
        };
        let tables = Tables::open(&config).map_err(|error| folder::explain(folder, error))?;
        Ok(Self {
            tables,
            _lock: lock,
        })
    }

    /// Takes a row away.
    pub fn remove(&self, spot: &Spot) -> StoreResult<()> {
        let (table, key) = spot.place();
        self.tables.of(table).remove(key).map_err(failed)
    }

    /// Leaves a row that nobody can read.
    pub fn garble(&self, spot: &Spot) -> StoreResult<()> {
        self.put(spot, &[99, 1, 2])
    }

    /// Puts bytes in place of a row.
    pub fn put(&self, spot: &Spot, bytes: &[u8]) -> StoreResult<()> {
        let (table, key) = spot.place();
        self.tables.of(table).insert(key, bytes).map_err(failed)
    }

    /// Puts the bytes of one row in place of another.
    pub fn copy(&self, from: &Spot, to: &Spot) -> StoreResult<()> {
        let bytes = self.bytes(from)?.unwrap_or_default();
        self.put(to, &bytes)
    }

    /// The bytes of a row.
    pub fn bytes(&self, spot: &Spot) -> StoreResult<Option<Vec<u8>>> {
        let (table, key) = spot.place();
        let bytes = self.tables.of(table).get(key).map_err(failed)?;
        Ok(bytes.map(|bytes| bytes.to_vec()))
    }

    /// Changes an entry.
    pub fn entry(&self, spot: &Spot, change: impl FnOnce(&mut EntryRow)) -> StoreResult<()> {
        self.change(spot, change)
    }

    /// Changes a head.
    pub fn head(&self, spot: &Spot, change: impl FnOnce(&mut HeadRow)) -> StoreResult<()> {
        self.change(spot, change)
    }

    /// Changes a member.
    pub fn member(&self, spot: &Spot, change: impl FnOnce(&mut MemberRow)) -> StoreResult<()> {
        self.change(spot, change)
    }

    /// Changes an overlay.
    pub fn overlay(&self, spot: &Spot, change: impl FnOnce(&mut OverlayRow)) -> StoreResult<()> {
        self.change(spot, change)
    }

    /// Changes a read mark.
    pub fn read(&self, spot: &Spot, change: impl FnOnce(&mut ReadMark)) -> StoreResult<()> {
        self.change(spot, change)
    }

    /// Changes a contact.
    pub fn since(&self, spot: &Spot, change: impl FnOnce(&mut Timestamp)) -> StoreResult<()> {
        self.change(spot, change)
    }

    fn change<R: Row>(&self, spot: &Spot, change: impl FnOnce(&mut R)) -> StoreResult<()> {
        let mut row = row::read(&self.bytes(spot)?.unwrap_or_default())?;
        change(&mut row);
        let mut bytes = Vec::new();
        row::write(&row, &mut bytes)?;
        self.put(spot, &bytes)
    }

    /// Keys and bytes of all that repairs must not touch: marks, settings and drafts, accounts.
    pub fn primary(&self) -> StoreResult<Vec<(Vec<u8>, Vec<u8>)>> {
        let reader = self.tables.reader(None);
        let of_threads = [view::MARK, view::USER_THREAD].map(|table| (Table::Views, vec![table]));
        let mut rows = Vec::new();
        for (table, prefix) in of_threads.into_iter().chain([(Table::People, vec![])]) {
            for row in reader.raw_prefix(table, prefix) {
                let (key, bytes) = row?;
                rows.push((key.to_vec(), bytes.to_vec()));
            }
        }
        Ok(rows)
    }

    /// Makes it last.
    pub fn close(self) -> StoreResult<()> {
        self.tables.db.persist(PersistMode::SyncAll).map_err(failed)
    }
}
