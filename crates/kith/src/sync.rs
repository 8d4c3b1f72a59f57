//! Sync: what changed since a cursor. The cursor is what the client was told, as hashes over groups
//! of rows; the server hashes the same rows now, and tells the rows of the groups that differ. No
//! clock and no change log, so nothing can be missed by either.

use crate::error::Result;
use crate::node::{Caller, Node};
use crate::{contact, inbox, session, user};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kith_protocol::channel::Channel;
use kith_protocol::sync::{
    DigestRow, SYNC_ROWS_MAX, Sync, SyncContact, SyncQuery, SyncSession, SyncThread, WAIT_MAX_S,
    digest,
};
use kith_protocol::thread::CURSOR_MAX_BYTES;
use kith_protocol::{BadField, UserId};
use kith_store::contact::ContactRow;
use kith_store::inbox::InboxParts;
use kith_store::session::SessionList;
use kith_store::user::UserRow;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// Groups of threads: a change tells the rows of one group, a fortieth of the list.
const THREAD_GROUPS: usize = 40;
const CONTACTS: usize = THREAD_GROUPS;
const SESSIONS: usize = THREAD_GROUPS + 1;
const ME: usize = THREAD_GROUPS + 2;
const GROUPS: usize = THREAD_GROUPS + 3;

/// Large threads do not wake a waiting call: it looks again this often.
const LOOK_AGAIN_S: u64 = 5;

/// What changed since the cursor; waits for a change if asked to.
pub async fn sync(node: &Node, caller: Caller, query: SyncQuery) -> Result<Sync> {
    let wait_s = query.wait_s.unwrap_or_default();
    if wait_s > WAIT_MAX_S {
        return Err(BadField::invalid("wait_s", "from 0 to 30").into());
    }
    if query.digest.is_some_and(|digest| digest > 1) {
        return Err(BadField::invalid("digest", "0 or 1").into());
    }
    let cursor = match &query.cursor {
        Some(text) => Cursor::read(text, caller.user)?,
        None => Cursor::nothing_told(),
    };
    if wait_s == 0 {
        return now(node, caller, cursor, &query).await;
    }
    // Join first, read second: what comes in between wakes the wait.
    let queue = node.push.attach(caller);
    node.channels
        .broker()
        .join(Channel::User(caller.user), &queue);
    let answer = wait(node, caller, cursor, &query, wait_s, &queue).await;
    node.channels
        .broker()
        .leave(Channel::User(caller.user), &queue);
    node.push.detach(&queue);
    answer
}

async fn wait(
    node: &Node,
    caller: Caller,
    cursor: Cursor,
    query: &SyncQuery,
    wait_s: u64,
    queue: &crate::push::queue::Queue,
) -> Result<Sync> {
    let until = node.clock.now().after_ms(wait_s * 1000);
    loop {
        let answer = now(node, caller, cursor.clone(), query).await?;
        let left_ms = until.0 - node.clock.now().0;
        if !is_empty(&answer) || left_ms <= 0 || queue.closing().is_some() {
            return Ok(answer);
        }
        let look_again =
            Duration::from_secs(LOOK_AGAIN_S).min(Duration::from_millis(left_ms as u64));
        tokio::select! {
            () = queue.woken() => drop(queue.drain()),
            () = node.clock.sleep(look_again) => {}
        }
    }
}

fn is_empty(answer: &Sync) -> bool {
    let rows = answer.threads.len() + answer.contacts.len() + answer.sessions.len();
    rows == 0 && answer.me.is_none() && !answer.full
}

/// Everything that can be told, from now.
struct Rows {
    threads: Vec<InboxParts>,
    contacts: Vec<(ContactRow, Option<UserRow>)>,
    former: Vec<UserId>,
    sessions: SessionList,
    me: UserRow,
}

impl Rows {
    async fn load(node: &Node, caller: Caller) -> Result<Self> {
        let contacts = node.store.contacts(caller.user).await?;
        let ids: Vec<UserId> = contacts.iter().map(|(user, _)| *user).collect();
        let users = node.store.users(&ids).await?;
        let contacts = contacts
            .into_iter()
            .map(|(user, since)| ContactRow { user, since });
        Ok(Self {
            threads: inbox::all_parts(node, caller).await?,
            contacts: contacts.zip(users).collect(),
            former: node.store.former_contacts(caller.user).await?,
            sessions: node.store.sessions(caller.user).await?,
            me: user::row(node, caller.user).await?,
        })
    }

    /// The items of every group, each sorted by id.
    fn groups(&self) -> Vec<Vec<Item<'_>>> {
        let mut groups: Vec<Vec<Item<'_>>> = (0..GROUPS).map(|_| Vec::new()).collect();
        for parts in &self.threads {
            let id = parts.thread.bytes();
            groups[usize::from(id[0]) % THREAD_GROUPS].push(Item::thread(parts));
        }
        for (row, user) in &self.contacts {
            groups[CONTACTS].push(Item::contact(row, user.as_ref()));
        }
        groups[CONTACTS].extend(self.former.iter().map(|&user| Item::former(user)));
        groups[SESSIONS].extend(self.sessions.sessions.iter().map(Item::session));
        groups[SESSIONS].extend(self.sessions.ended.iter().map(|&id| Item::ended(id)));
        groups[ME].push(Item::me(&self.me));
        for group in &mut groups {
            group.sort_unstable_by_key(|item| item.id);
        }
        groups
    }
}

/// One row that can be told.
struct Item<'a> {
    id: [u8; 16],
    hash: u64,
    row: Row<'a>,
}

#[derive(Clone, Copy)]
enum Row<'a> {
    Thread(&'a InboxParts),
    Contact(&'a ContactRow, Option<&'a UserRow>),
    FormerContact(UserId),
    Session(&'a kith_store::session::SessionRow),
    EndedSession(kith_protocol::SessionId),
    Me,
}

impl<'a> Item<'a> {
    fn thread(parts: &'a InboxParts) -> Self {
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

    fn contact(row: &'a ContactRow, user: Option<&'a UserRow>) -> Self {
        let id = *row.user.bytes();
        let version = user.map_or(0, |user| user.version);
        Self {
            id,
            hash: hash(&id, &[row.since.0 as u64, version]),
            row: Row::Contact(row, user),
        }
    }

    fn former(user: UserId) -> Self {
        let id = *user.bytes();
        Self {
            id,
            hash: hash(&id, &[]),
            row: Row::FormerContact(user),
        }
    }

    fn session(row: &'a kith_store::session::SessionRow) -> Self {
        let id = *row.id.bytes();
        Self {
            id,
            hash: hash(&id, &[1]),
            row: Row::Session(row),
        }
    }

    fn ended(session: kith_protocol::SessionId) -> Self {
        let id = *session.bytes();
        Self {
            id,
            hash: hash(&id, &[]),
            row: Row::EndedSession(session),
        }
    }

    fn me(row: &'a UserRow) -> Self {
        let id = *row.id.bytes();
        Self {
            id,
            hash: hash(&id, &[row.version]),
            row: Row::Me,
        }
    }

    /// Whether there is anything to tell about it to who knows nothing.
    fn is_gone(&self) -> bool {
        match self.row {
            Row::Thread(parts) => inbox::left_seq(&parts.member).is_some(),
            Row::FormerContact(_) | Row::EndedSession(_) => true,
            Row::Contact(..) | Row::Session(_) | Row::Me => false,
        }
    }
}

fn hash(id: &[u8; 16], numbers: &[u64]) -> u64 {
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

fn sum(items: &[Item<'_>]) -> u64 {
    items
        .iter()
        .fold(0, |sum, item| sum.wrapping_add(item.hash))
}

async fn now(node: &Node, caller: Caller, mut cursor: Cursor, query: &SyncQuery) -> Result<Sync> {
    let rows = Rows::load(node, caller).await?;
    let groups = rows.groups();
    let full = cursor.full;
    let knows_nothing = cursor.is_blank();
    let mut told: Vec<Row<'_>> = Vec::new();
    for (number, items) in groups.iter().enumerate() {
        cursor.tell(number, items, knows_nothing, &mut told);
    }
    let more = groups
        .iter()
        .enumerate()
        .any(|(number, items)| cursor.differs(number, items));
    cursor.full = full && more;
    let mut answer = shown(node, caller, &rows, told).await?;
    answer.full = full;
    answer.more = more;
    answer.cursor = cursor.write(caller.user);
    if query.digest == Some(1) && !more {
        answer.digest = Some(digest_of(&rows.threads));
    }
    Ok(answer)
}

fn digest_of(threads: &[InboxParts]) -> String {
    let present = threads
        .iter()
        .filter(|parts| inbox::left_seq(&parts.member).is_none());
    let mut rows: Vec<DigestRow> = present
        .map(|parts| DigestRow {
            thread: parts.thread,
            last_seq: parts.head.last_seq,
            read_seq: parts.read().seq,
            version: parts.mine.version,
        })
        .collect();
    digest(&mut rows)
}

async fn shown(node: &Node, caller: Caller, rows: &Rows, told: Vec<Row<'_>>) -> Result<Sync> {
    let mut answer = Sync {
        cursor: String::new(),
        full: false,
        more: false,
        threads: Vec::new(),
        contacts: Vec::new(),
        sessions: Vec::new(),
        me: None,
        digest: None,
    };
    let mut present = Vec::new();
    for row in told {
        match row {
            Row::Thread(parts) => match inbox::left_seq(&parts.member) {
                Some(left_seq) => {
                    answer.threads.push(SyncThread::Gone {
                        id: parts.thread,
                        gone: true,
                        left_seq,
                    });
                }
                None => present.push(parts.clone()),
            },
            Row::Contact(row, Some(user)) => {
                let contact = contact::shown(user::shown(user), row.since);
                answer.contacts.push(SyncContact::Row(Box::new(contact)));
            }
            Row::Contact(&ContactRow { user: user_id, .. }, None) | Row::FormerContact(user_id) => {
                answer.contacts.push(SyncContact::Gone {
                    user_id,
                    gone: true,
                });
            }
            Row::Session(row) => {
                answer
                    .sessions
                    .push(SyncSession::Row(session::shown(row, Some(caller.session))));
            }
            Row::EndedSession(session_id) => {
                answer.sessions.push(SyncSession::Gone {
                    session_id,
                    gone: true,
                });
            }
            Row::Me => answer.me = Some(user::own(&rows.me)),
        }
    }
    let present = inbox::rows(node, caller, present).await?;
    answer.threads.extend(
        present
            .into_iter()
            .map(|row| SyncThread::Row(Box::new(row))),
    );
    Ok(answer)
}

/// What a client was told.
#[derive(Clone)]
struct Cursor {
    /// It was told nothing before, and is not through yet.
    full: bool,
    groups: [u64; GROUPS],
    /// The group that did not fit in one answer.
    partial: Option<Partial>,
}

#[derive(Clone, Copy)]
struct Partial {
    group: u8,
    /// The last id that was told.
    up_to: [u8; 16],
    /// The sum over what was told of it.
    sum: u64,
}

/// Another layout of the cursor is another number; old cursors then mean "full".
const CURSOR_VERSION: u8 = 1;
const CURSOR_BYTES: usize = 1 + 8 + 1 + GROUPS * 8 + 1 + 16 + 8;
const NO_GROUP: u8 = u8::MAX;

impl Cursor {
    fn nothing_told() -> Self {
        Self {
            full: true,
            groups: [0; GROUPS],
            partial: None,
        }
    }

    /// What is no cursor at all is refused; a foreign or an old one means that nothing was told.
    fn read(text: &str, user: UserId) -> Result<Self> {
        let bad = || BadField::invalid("cursor", "is not one that this server gave");
        if text.len() > CURSOR_MAX_BYTES {
            return Err(bad().into());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
        Ok(Self::decode(&bytes, user).unwrap_or_else(Self::nothing_told))
    }

    fn decode(bytes: &[u8], user: UserId) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let known = bytes.0.len() == CURSOR_BYTES
            && bytes.take::<1>()? == [CURSOR_VERSION]
            && bytes.take::<8>()? == tag(user);
        if !known {
            return None;
        }
        let full = bytes.take::<1>()? == [1];
        let mut groups = [0; GROUPS];
        for group in &mut groups {
            *group = u64::from_be_bytes(bytes.take()?);
        }
        let [group] = bytes.take::<1>()?;
        let partial = Partial {
            group,
            up_to: bytes.take()?,
            sum: u64::from_be_bytes(bytes.take()?),
        };
        Some(Self {
            full,
            groups,
            partial: (group != NO_GROUP).then_some(partial),
        })
    }

    fn write(&self, user: UserId) -> String {
        let mut bytes = Vec::with_capacity(CURSOR_BYTES);
        bytes.push(CURSOR_VERSION);
        bytes.extend(tag(user));
        bytes.push(u8::from(self.full));
        for group in self.groups {
            bytes.extend(group.to_be_bytes());
        }
        let none = Partial {
            group: NO_GROUP,
            up_to: [0; 16],
            sum: 0,
        };
        let partial = self.partial.unwrap_or(none);
        bytes.push(partial.group);
        bytes.extend(partial.up_to);
        bytes.extend(partial.sum.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn differs(&self, group: usize, items: &[Item<'_>]) -> bool {
        self.groups[group] != sum(items)
    }

    /// Whether nothing at all was told yet: not even the first pages of a full answer.
    fn is_blank(&self) -> bool {
        self.full && self.partial.is_none() && self.groups == [0; GROUPS]
    }

    /// Tells the items of a group that differs, as far as the answer has room. Who knows nothing
    /// has no need to hear what is gone; who has the first pages may have it from those.
    fn tell<'a>(
        &mut self,
        group: usize,
        items: &[Item<'a>],
        knows_nothing: bool,
        told: &mut Vec<Row<'a>>,
    ) {
        if !self.differs(group, items) {
            return;
        }
        let mut from = self.told_already(group, items);
        while let Some(item) = items.get(from) {
            if told.len() >= SYNC_ROWS_MAX {
                break;
            }
            if !(knows_nothing && item.is_gone()) {
                told.push(item.row);
            }
            from += 1;
        }
        if from == items.len() {
            self.groups[group] = sum(items);
            if self
                .partial
                .is_some_and(|partial| usize::from(partial.group) == group)
            {
                self.partial = None;
            }
        } else if from > 0
            && self
                .partial
                .is_none_or(|partial| usize::from(partial.group) == group)
        {
            let partial = Partial {
                group: group as u8,
                up_to: items[from - 1].id,
                sum: sum(&items[..from]),
            };
            self.partial = Some(partial);
        }
    }

    /// How many items of the group were told by the answer before, unless they changed since.
    fn told_already(&self, group: usize, items: &[Item<'_>]) -> usize {
        let Some(partial) = self
            .partial
            .filter(|partial| usize::from(partial.group) == group)
        else {
            return 0;
        };
        let count = items.partition_point(|item| item.id <= partial.up_to);
        if sum(&items[..count]) == partial.sum {
            count
        } else {
            0
        }
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}

fn tag(user: UserId) -> [u8; 8] {
    hash(user.bytes(), &[u64::from(CURSOR_VERSION)]).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_cursor_belongs_to_its_user_and_fits_its_bound() {
        let (ann, bo) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let mut cursor = Cursor::nothing_told();
        cursor.full = false;
        cursor.groups[7] = 99;
        cursor.partial = Some(Partial {
            group: 3,
            up_to: [9; 16],
            sum: 5,
        });
        let text = cursor.write(ann);
        assert!(text.len() <= CURSOR_MAX_BYTES, "{}", text.len());
        let again = Cursor::read(&text, ann).expect("a cursor");
        assert_eq!(
            (again.full, again.groups[7], again.write(ann)),
            (false, 99, text.clone())
        );
        assert!(Cursor::read(&text, bo).expect("foreign").full);
        assert!(Cursor::read("AAAA", ann).expect("unknown").full);
        assert!(Cursor::read("\u{2603}", ann).is_err());
    }

    #[test]
    fn a_group_that_does_not_fit_is_told_in_parts_and_again_if_it_changed() {
        let users: Vec<UserId> = (0..450).map(|n| UserId(Uuid::from_u128(n))).collect();
        let rows: Vec<ContactRow> = users
            .iter()
            .map(|&user| ContactRow {
                user,
                since: kith_protocol::Timestamp(1),
            })
            .collect();
        let mut items: Vec<Item<'_>> = rows.iter().map(|row| Item::contact(row, None)).collect();
        let mut cursor = Cursor::nothing_told();
        let counts: Vec<usize> = (0..3)
            .map(|_| {
                let mut told = Vec::new();
                cursor.tell(CONTACTS, &items, true, &mut told);
                told.len()
            })
            .collect();
        assert_eq!(counts, [200, 200, 50]);
        assert!(!cursor.differs(CONTACTS, &items));
        let mut cursor = Cursor::nothing_told();
        cursor.tell(CONTACTS, &items, true, &mut Vec::new());
        items[3].hash ^= 1;
        let mut told = Vec::new();
        cursor.tell(CONTACTS, &items, false, &mut told);
        assert!(
            matches!(told[3], Row::Contact(row, _) if row.user == users[3]),
            "told from the start"
        );
    }
}
