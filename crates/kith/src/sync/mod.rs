//! Sync: what changed since a cursor. The cursor is what the client was told, as hashes over groups
//! of rows; the server hashes the same rows now, and tells the rows of the groups that differ. No
//! clock and no change log, so nothing can be missed by either.

mod cursor;
mod known;
mod rows;

pub use known::Known;

use crate::error::Result;
use crate::node::{Caller, Node};
use crate::{contact, inbox, session, user};
use cursor::Cursor;
use kith_protocol::channel::Channel;
use kith_protocol::sync::{
    DigestRow, Sync, SyncContact, SyncQuery, SyncSession, SyncThread, WAIT_MAX_S, digest,
};
use kith_protocol::{BadField, UserId};
use kith_store::contact::ContactRow;
use kith_store::inbox::InboxParts;
use rows::{Row, Rows};
use std::time::Duration;

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

/// A cursor, read and written again.
pub(crate) fn reread_cursor(cursor: &str, user: UserId) -> Result<String> {
    Ok(Cursor::read(cursor, user)?.write(user))
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

async fn now(node: &Node, caller: Caller, mut cursor: Cursor, query: &SyncQuery) -> Result<Sync> {
    if let Some(answer) = node.known.answer(node, caller.user, query) {
        return Ok(answer);
    }
    let mut rows = Rows::load(node, caller).await?;
    let basis = rows.basis();
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
        answer.digest = Some(digest_of(rows.threads()));
    }
    if let Some(basis) = basis.filter(|_| !more) {
        let digest = answer.digest.clone();
        node.known.keep(caller.user, &answer.cursor, basis, digest);
    }
    Ok(answer)
}

/// An answer that tells nothing.
fn nothing() -> Sync {
    Sync {
        cursor: String::new(),
        full: false,
        more: false,
        threads: Vec::new(),
        contacts: Vec::new(),
        sessions: Vec::new(),
        me: None,
        digest: None,
    }
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
    let mut answer = nothing();
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
            Row::Me => answer.me = Some(user::own(rows.me())),
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
