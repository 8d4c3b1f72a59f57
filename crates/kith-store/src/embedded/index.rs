//! What fjall holds twice, looked at from both sides: accounts, people, sessions, and who is found where.

use super::row::{Row, TokenRow};
use super::scan::{self, Scanned};
use super::stuck::prefix_end;
use super::table::{Reader, Table};
use super::{key, user};
use crate::StoreResult;
use crate::audit::{Index, IndexPage, Mend, Place, Wrong};
use crate::contact::RequestRow;
use crate::session::SessionRow;
use crate::thread::{HeadRow, MemberRow, ViewChange};
use crate::user::UserRow;
use key::{people, view};
use kith_protocol::thread::ThreadKind;
use kith_protocol::{SessionId, ThreadId, Timestamp, UserId};
use std::ops::Bound;
use uuid::Uuid;

/// Tables of views and marks that begin with a thread, with what stands before it.
const OF_THREADS: [(Table, &[u8]); 6] = [
    (Table::Heads, &[]),
    (Table::Views, &[view::MEMBER]),
    (Table::Views, &[view::OVERLAY]),
    (Table::Views, &[view::REACTION]),
    (Table::Views, &[view::DELETION]),
    (Table::Views, &[view::MARK]),
];

/// Threads that have rows in one of these tables, and no log. A place is the number of a table, and what follows
/// its prefix in the last key that was looked at, up to the end of the thread.
pub(super) fn loose_threads(
    reader: &Reader<'_>,
    from: Option<Place>,
    limit: usize,
) -> StoreResult<(Vec<ThreadId>, Option<Place>)> {
    let mut loose = Vec::new();
    let (mut number, mut after) = match from.as_ref().and_then(|place| place.0.split_first()) {
        Some((&number, after)) => (usize::from(number), after.to_vec()),
        None => (0, Vec::new()),
    };
    for _ in 0..limit {
        let Some(&(table, prefix)) = OF_THREADS.get(number) else {
            return Ok((loose, None));
        };
        let begin = behind(prefix, &after);
        let key = reader.keys(table, (begin, prefix_end(prefix))).next();
        let Some(key) = key.transpose()? else {
            (number, after) = (number + 1, Vec::new());
            continue;
        };
        let Some(thread) = key::id_at(&key, prefix.len()) else {
            // Among the heads lies one row that is none, and shorter.
            after = key[prefix.len()..].to_vec();
            continue;
        };
        after = thread.to_vec();
        if !scan::has_any(reader, Table::Messages, &thread)? && is_first(reader, number, &thread)? {
            loose.push(ThreadId::from_bytes(thread));
        }
    }
    // The tables are as few as fingers.
    let place = [vec![number as u8], after].concat();
    Ok((loose, Some(Place(place))))
}

/// Where a table goes on: behind all rows of a thread, or behind a key that is shorter than a thread.
fn behind(prefix: &[u8], after: &[u8]) -> Bound<Vec<u8>> {
    let last = [prefix, after].concat();
    if after.is_empty() {
        return Bound::Included(last);
    }
    if after.len() < size_of::<ThreadId>() {
        return Bound::Excluded(last);
    }
    match prefix_end(&last) {
        Bound::Excluded(end) => Bound::Included(end),
        other => other,
    }
}

/// Whether no table before this one has rows of the thread: it was told with them.
fn is_first(reader: &Reader<'_>, number: usize, thread: &[u8]) -> StoreResult<bool> {
    for (table, prefix) in &OF_THREADS[..number] {
        if scan::has_any(reader, *table, &[*prefix, thread].concat())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Looks at a page of an index.
pub(super) fn check(
    reader: &Reader<'_>,
    index: Index,
    from: Option<&Place>,
    limit: usize,
) -> StoreResult<IndexPage> {
    let scan = Scan {
        reader,
        from,
        limit,
    };
    match index {
        Index::Accounts => scan.rows(people::USER, account),
        Index::Handles => scan.rows(people::HANDLE, handle),
        Index::Names => scan.keys(Table::People, people::NAME, name),
        Index::Contacts => scan.rows(people::CONTACT, contact),
        Index::FormerContacts => scan.keys(Table::People, people::FORMER, former),
        Index::Requests => scan.rows(people::ASKED, asked),
        Index::RequestsAsked => scan.rows(people::ASKED_BY, asked_by),
        Index::Sessions => scan.rows(people::SESSION, session),
        Index::Tokens => scan.rows(people::TOKEN, token),
        Index::Mentions => scan.keys(Table::Views, view::MENTION, mention),
        Index::Participants => scan.keys(Table::Views, view::PARTICIPANTS, participants),
    }
}

/// One page of an index.
struct Scan<'a> {
    reader: &'a Reader<'a>,
    from: Option<&'a Place>,
    limit: usize,
}

impl Scan<'_> {
    fn rows<R: Row>(
        &self,
        table: u8,
        look: impl Fn(&Reader<'_>, &[u8], R) -> StoreResult<Vec<Wrong>>,
    ) -> StoreResult<IndexPage> {
        let Self {
            reader,
            from,
            limit,
        } = *self;
        let Scanned { rows, next } = scan::rows(reader, Table::People, &[table], from, limit)?;
        let mut page = IndexPage {
            rows: rows.len() as u64,
            wrong: Vec::new(),
            next,
        };
        for (key, row) in rows {
            match row {
                Ok(row) => page.wrong.extend(look(reader, &key, row)?),
                Err(what) => {
                    // Handles and tokens begin with something else than a user.
                    let is_of_user = ![people::HANDLE, people::TOKEN].contains(&table);
                    let user = key::id_at(&key, 1).filter(|_| is_of_user);
                    let user = user.map(UserId::from_bytes);
                    page.wrong.push(wrong(user, what, "one that can be read"));
                }
            }
        }
        Ok(page)
    }

    fn keys(
        &self,
        table: Table,
        prefix: u8,
        look: impl Fn(&Reader<'_>, &[u8]) -> StoreResult<Option<Wrong>>,
    ) -> StoreResult<IndexPage> {
        let Self {
            reader,
            from,
            limit,
        } = *self;
        let Scanned { rows, next } = scan::keys(reader, table, &[prefix], from, limit)?;
        let mut page = IndexPage {
            rows: rows.len() as u64,
            wrong: Vec::new(),
            next,
        };
        for key in rows {
            page.wrong.extend(look(reader, &key)?);
        }
        Ok(page)
    }
}

/// Something about a user that nothing here may put right.
fn wrong(user: Option<UserId>, stands: impl Into<String>, should: impl Into<String>) -> Wrong {
    Wrong {
        thread: None,
        user,
        stands: stands.into(),
        should: should.into(),
        mend: None,
    }
}

fn user_at(key: &[u8], at: usize) -> UserId {
    // Keys that are too short name nobody.
    key::id_at(key, at).map_or(UserId(Uuid::nil()), UserId::from_bytes)
}

fn account(reader: &Reader<'_>, key: &[u8], row: UserRow) -> StoreResult<Vec<Wrong>> {
    let id = user_at(key, 1);
    let mut found = Vec::new();
    if row.id != id {
        let stands = format!("an account that says it is {}", row.id);
        found.push(wrong(Some(id), stands, "this one"));
    }
    let owner: Option<UserId> = scan::get(reader, Table::People, &key::handle(&row.handle))?;
    if owner != Some(id) {
        let whose = owner.map_or("nobody".to_owned(), |owner| format!("user {owner}"));
        let stands = format!("the handle {}, which leads to {whose}", row.handle);
        found.push(wrong(Some(id), stands, "one that leads here"));
    }
    for word in user::words(&row.display_name) {
        if !scan::has(reader, Table::People, &key::name(&word, id))? {
            let stands = "a word of the name by which the account is not found";
            found.push(wrong(Some(id), stands, "found by every word"));
        }
    }
    Ok(found)
}

fn handle(reader: &Reader<'_>, key: &[u8], owner: UserId) -> StoreResult<Vec<Wrong>> {
    let handle = String::from_utf8_lossy(&key[1..]).into_owned();
    let row: Option<UserRow> = scan::get(reader, Table::People, &key::user(owner))?;
    let found = match row {
        None => Some("no account that can be read"),
        Some(row) if row.handle != handle => Some("an account with another handle"),
        Some(_) => None,
    };
    Ok(found
        .map(|whom| {
            let stands = format!("the handle {handle}, which leads to {whom}");
            wrong(Some(owner), stands, "the handle of that account")
        })
        .into_iter()
        .collect())
}

fn name(reader: &Reader<'_>, key: &[u8]) -> StoreResult<Option<Wrong>> {
    let id = key::last_id(key).map_or(UserId(Uuid::nil()), UserId::from_bytes);
    let row: Option<UserRow> = scan::get(reader, Table::People, &key::user(id))?;
    let has_word = row.is_some_and(|row| {
        let words = user::words(&row.display_name);
        words.iter().any(|word| key == key::name(word, id))
    });
    let stands = "a word under which the account is found and which its name does not have";
    Ok((!has_word).then(|| wrong(Some(id), stands, "found by its own words only")))
}

fn contact(reader: &Reader<'_>, key: &[u8], since: Timestamp) -> StoreResult<Vec<Wrong>> {
    let (a, b) = (user_at(key, 1), user_at(key, 17));
    let back: Option<Timestamp> = scan::get(reader, Table::People, &key::contact(b, a))?;
    if back == Some(since) {
        return Ok(Vec::new());
    }
    let stands = match back {
        None => format!("a contact {b} who does not have this user"),
        Some(back) => format!("a contact {b} since {since}, and the other way since {back}"),
    };
    Ok(vec![wrong(Some(a), stands, "the same from both sides")])
}

fn former(reader: &Reader<'_>, key: &[u8]) -> StoreResult<Option<Wrong>> {
    let (a, b) = (user_at(key, 1), user_at(key, 17));
    let stands = if !scan::has(reader, Table::People, &key::former(b, a))? {
        format!("a former contact {b} who does not know of it")
    } else if scan::has(reader, Table::People, &key::contact(a, b))? {
        format!("a former contact {b} who is one now")
    } else {
        return Ok(None);
    };
    Ok(Some(wrong(Some(a), stands, "the same from both sides")))
}

fn asked(reader: &Reader<'_>, key: &[u8], row: RequestRow) -> StoreResult<Vec<Wrong>> {
    let (from, to) = (user_at(key, 1), user_at(key, 17));
    let other: Option<RequestRow> = scan::get(reader, Table::People, &key::asked_by(to, from))?;
    let stands = match other {
        None => format!("a request to {to} that is not there for them"),
        Some(other) if other != row => format!("a request to {to} that is another one for them"),
        Some(_) if (row.from, row.to) != (from, to) => "the request of others".to_owned(),
        Some(_) => return Ok(Vec::new()),
    };
    Ok(vec![wrong(Some(from), stands, "the same from both sides")])
}

fn asked_by(reader: &Reader<'_>, key: &[u8], _: RequestRow) -> StoreResult<Vec<Wrong>> {
    let (to, from) = (user_at(key, 1), user_at(key, 17));
    // That both are the same is looked at from the other side.
    if scan::has(reader, Table::People, &key::asked(from, to))? {
        return Ok(Vec::new());
    }
    let stands = format!("a request from {from} that is not there for them");
    Ok(vec![wrong(Some(to), stands, "the same from both sides")])
}

fn session(reader: &Reader<'_>, key: &[u8], row: SessionRow) -> StoreResult<Vec<Wrong>> {
    let (user, id) = (user_at(key, 1), user_at(key, 17).0);
    let token = scan::get(reader, Table::People, &key::token(&row.token))?;
    let leads_here = matches!(
        token,
        Some(TokenRow::Live { user: whose, session }) if whose == user && session.0 == id
    );
    if leads_here && row.user == user && row.id.0 == id {
        return Ok(Vec::new());
    }
    let stands = format!("a session {id} with a token that does not lead to it");
    Ok(vec![wrong(Some(user), stands, "a token that does")])
}

fn token(reader: &Reader<'_>, key: &[u8], row: TokenRow) -> StoreResult<Vec<Wrong>> {
    let hash = &key[1..];
    let (user, stands) = match row {
        TokenRow::Live { user, session } => {
            let key = key::session(user, session);
            let row: Option<SessionRow> = scan::get(reader, Table::People, &key)?;
            let is_its = row.is_some_and(|row| row.token == hash);
            let stands =
                format!("a token of a session {session} that is not there, or has another");
            (user, (!is_its).then_some(stands))
        }
        TokenRow::Ended {
            user,
            session,
            forget_at,
            ..
        } => (user, ended(reader, user, session, forget_at, hash)?),
    };
    let should = "a session for each token and a token for each session";
    Ok(stands
        .map(|stands| wrong(Some(user), stands, should))
        .into_iter()
        .collect())
}

/// What is wrong with the token of a session that has ended.
fn ended(
    reader: &Reader<'_>,
    user: UserId,
    session: SessionId,
    forget_at: Timestamp,
    hash: &[u8],
) -> StoreResult<Option<String>> {
    let forgotten = match hash.try_into() {
        Ok(hash) => scan::has(reader, Table::People, &key::forget(forget_at, hash))?,
        Err(_) => false,
    };
    let stands = if scan::has(reader, Table::People, &key::session(user, session))? {
        format!("a token of session {session} that says it has ended")
    } else if !scan::has(reader, Table::People, &key::ended(user, session))? || !forgotten {
        format!("a token of the ended session {session} that will not be forgotten")
    } else {
        return Ok(None);
    };
    Ok(Some(stands))
}

/// Whether those who were never members are named; all else about mentions needs the log.
fn mention(reader: &Reader<'_>, key: &[u8]) -> StoreResult<Option<Wrong>> {
    let (user, seq) = (user_at(key, 1), key::last_seq(key).unwrap_or_default());
    let Some(thread) = key::id_at(key, 17).map(ThreadId::from_bytes) else {
        return Ok(None);
    };
    let known = if user.0.is_nil() {
        scan::has_any(reader, Table::Messages, thread.bytes())?
    } else {
        scan::has(reader, Table::Views, &key::member(thread, user))?
    };
    let mend = Mend::View(ViewChange::Mention {
        user,
        seq,
        author: user,
        set: false,
    });
    Ok((!known).then(|| Wrong {
        thread: Some(thread),
        user: Some(user),
        stands: format!("a message {seq} that names this user, who never was a member"),
        should: "no such row".to_owned(),
        mend: Some(mend),
    }))
}

fn participants(reader: &Reader<'_>, key: &[u8]) -> StoreResult<Option<Wrong>> {
    let Some(thread) = key::last_id(key).map(ThreadId::from_bytes) else {
        return Ok(None);
    };
    let head: Option<HeadRow> = scan::get(reader, Table::Heads, &key::head(thread))?;
    let mut present = Vec::new();
    let all = scan::rows::<MemberRow>(
        reader,
        Table::Views,
        &key::members(thread),
        None,
        usize::MAX,
    )?;
    for member in all.rows.into_iter().filter_map(|(_, row)| row.ok()) {
        let stay = member.stays.last();
        if stay.is_some_and(|stay| stay.left_seq.is_none()) {
            present.push(member.user);
        }
    }
    // By id, as the members lie.
    let is_right = head.is_some_and(|head| {
        head.kind == ThreadKind::Group
            && key == key::participants(&present, head.created_at, thread)
    });
    Ok((!is_right).then(|| Wrong {
        thread: Some(thread),
        user: None,
        stands: "a row by which the thread is found from other members than it has".to_owned(),
        should: "no such row".to_owned(),
        mend: Some(Mend::NoParticipants(Place(key.to_vec()))),
    }))
}
