//! The inbox: a user's threads, newest first, and how unread is counted.

use crate::error::{Error, Result};
use crate::node::{Caller, Node};
use crate::receipt;
use crate::thread::{View, changes};
use kith_protocol::list::List;
use kith_protocol::thread::{
    CURSOR_MAX_BYTES, Draft, Head, INBOX_DEFAULT, INBOX_LIMIT, InboxFilter, InboxQuery, InboxRow,
    Mine, PatchMine, Preview, Thread, ThreadKind,
};
use kith_protocol::{BadField, ThreadId, Timestamp, text};
use kith_store::inbox::InboxParts;
use kith_store::thread::{HeadRow, LastMessage, MemberRow};
use kith_store::user_thread::{UserThreadRow, Written};
use std::cmp::Reverse;

/// Countable entries of others after the read mark that are not deleted. No counter is stored:
/// all of it is a difference of what the log says at two places.
pub fn unread(parts: &InboxParts) -> u64 {
    let read = parts.read();
    let (ord, last_seq) = match &parts.member.left {
        Some(left) => (left.ord, last_visible_seq(parts)),
        None => (parts.head.ord, parts.head.last_seq),
    };
    let all = ord.saturating_sub(read.ord);
    let own = parts.member.own_count.saturating_sub(read.own);
    let foreign = |deletion: &&kith_store::thread::Deletion| {
        deletion.author != parts.member.user
            && deletion.target_seq > read.seq
            && deletion.deleted_seq <= last_seq
    };
    let deleted = parts.deletions.iter().filter(foreign).count() as u64;
    all.saturating_sub(own).saturating_sub(deleted)
}

/// Messages after the read mark that name the user.
fn mentions(parts: &InboxParts) -> u64 {
    let (read_seq, last_seq) = (parts.read().seq, last_visible_seq(parts));
    let counts = |mention: &&kith_store::thread::Mention| {
        mention.author != parts.member.user && mention.seq > read_seq && mention.seq <= last_seq
    };
    parts.mentions.iter().filter(counts).count() as u64
}

/// The last entry that the user sees.
pub fn last_visible_seq(parts: &InboxParts) -> u64 {
    left_seq(&parts.member).unwrap_or(parts.head.last_seq)
}

/// When an ex-member left.
pub fn left_seq(member: &MemberRow) -> Option<u64> {
    member.stays.last().and_then(|stay| stay.left_seq)
}

/// The row of one thread; strangers get 404.
pub async fn row(node: &Node, caller: Caller, thread: ThreadId) -> Result<InboxRow> {
    let parts = parts(node, caller, thread).await?;
    Ok(rows(node, caller, vec![parts]).await?.remove(0))
}

/// The row of a thread that the caller is known to have.
pub async fn row_of_view(node: &Node, caller: Caller, view: View) -> Result<InboxRow> {
    row(node, caller, view.thread).await
}

/// The parts of one row; strangers get 404.
pub async fn parts(node: &Node, caller: Caller, thread: ThreadId) -> Result<InboxParts> {
    let parts = node
        .store
        .inbox_parts(caller.user, &[thread])
        .await?
        .pop()
        .flatten();
    parts.ok_or(Error::NotFound)
}

/// The parts of all rows of a user, left threads too.
pub async fn all_parts(node: &Node, caller: Caller) -> Result<Vec<InboxParts>> {
    let threads: Vec<ThreadId> = node
        .store
        .user_threads(caller.user)
        .await?
        .into_iter()
        .map(|(thread, _)| thread)
        .collect();
    let parts = node.store.inbox_parts(caller.user, &threads).await?;
    Ok(parts.into_iter().flatten().collect())
}

/// One page of the inbox.
pub async fn page(node: &Node, caller: Caller, query: InboxQuery) -> Result<List<InboxRow>> {
    let limit = query.limit.unwrap_or(INBOX_DEFAULT);
    if !INBOX_LIMIT.contains(&limit) {
        return Err(BadField::invalid("limit", "from 1 to 100").into());
    }
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let mut all = all_parts(node, caller).await?;
    all.retain(|parts| left_seq(&parts.member).is_none());
    all.retain(|parts| match query.filter {
        None => !parts.mine.archived,
        Some(InboxFilter::Archived) => parts.mine.archived,
        Some(InboxFilter::Unread) => unread(parts) > 0 || is_marked_unread(parts),
    });
    all.sort_unstable_by_key(place);
    if let Some(after) = after {
        all.retain(|parts| place(parts) > after);
    }
    let next = (all.len() > limit).then(|| write_cursor(place(&all[limit - 1])));
    all.truncate(limit);
    Ok(List {
        items: rows(node, caller, all).await?,
        next,
    })
}

/// Where a row stands in the inbox: newest first, then by id.
type Place = (Reverse<Timestamp>, ThreadId);

fn place(parts: &InboxParts) -> Place {
    (Reverse(sorted_at(parts)), parts.thread)
}

/// When the last countable visible entry came, or the user.
fn sorted_at(parts: &InboxParts) -> Timestamp {
    last_message(parts).map_or(parts.member.joined_at, |last| last.at)
}

/// The last countable entry that the user sees.
fn last_message(parts: &InboxParts) -> Option<&LastMessage> {
    let member = &parts.member;
    let (last, open) = match &member.left {
        Some(left) => (left.last_message.as_ref(), left.settings.open_history),
        None => (
            parts.head.last_message.as_ref(),
            parts.head.settings.open_history,
        ),
    };
    last.filter(|last| crate::thread::sees(member, open, last.seq))
}

fn write_cursor((Reverse(at), thread): Place) -> String {
    format!("{:x}.{thread}", at.0.cast_unsigned())
}

fn read_cursor(cursor: &str) -> Result<Place> {
    let read = || {
        let (at, thread) = cursor.split_once('.')?;
        Some((
            Reverse(Timestamp(u64::from_str_radix(at, 16).ok()?.cast_signed())),
            ThreadId::parse(thread)?,
        ))
    };
    let bad = || BadField::invalid("cursor", "is not one that this server gave").into();
    if cursor.len() > CURSOR_MAX_BYTES {
        Err(bad())
    } else {
        read().ok_or_else(bad)
    }
}

/// A cursor, read and written again.
pub(crate) fn reread_cursor(cursor: &str) -> Result<String> {
    read_cursor(cursor).map(write_cursor)
}

/// Rows from their parts.
pub async fn rows(node: &Node, caller: Caller, parts: Vec<InboxParts>) -> Result<Vec<InboxRow>> {
    let others = receipt::least_marks(node, caller.user, &parts).await?;
    let rows = parts.iter().zip(others).map(|(parts, others)| InboxRow {
        thread: thread(parts),
        head: Head {
            others,
            ..head(parts)
        },
        mine: mine(parts),
    });
    Ok(rows.collect())
}

fn thread(parts: &InboxParts) -> Thread {
    let (member, head): (&MemberRow, &HeadRow) = (&parts.member, &parts.head);
    let left_seq = left_seq(member);
    let (title, settings, member_count) = match &member.left {
        Some(left) => (&left.title, &left.settings, left.member_count),
        None => (&head.title, &head.settings, head.member_count),
    };
    let stays = member.stays.iter();
    let visible = if settings.open_history {
        vec![(1, left_seq)]
    } else {
        stays.map(|stay| (stay.joined_seq, stay.left_seq)).collect()
    };
    let peer_id = parts.others.first().map(|(other, _)| other.user);
    Thread {
        id: parts.thread,
        kind: head.kind,
        title: title.clone(),
        avatar: None,
        created_at: head.created_at,
        member_count,
        peer_id: peer_id.filter(|_| head.kind == ThreadKind::Direct),
        settings: settings.clone(),
        role: member.role,
        joined_seq: member.stays.last().map_or(0, |stay| stay.joined_seq),
        visible,
        gone: left_seq.map(|_| true),
        left_seq,
    }
}

fn head(parts: &InboxParts) -> Head {
    Head {
        last_seq: last_visible_seq(parts),
        ord: parts
            .member
            .left
            .as_ref()
            .map_or(parts.head.ord, |left| left.ord),
        at: sorted_at(parts),
        preview: last_message(parts).map(|last| Preview {
            seq: last.seq,
            author_id: last.author,
            kind: last.kind,
            text: last.text.as_deref().map(changes::preview),
        }),
        others: None,
    }
}

/// What the user privately has on a thread.
pub fn mine(parts: &InboxParts) -> Mine {
    let row = &parts.mine;
    let read_seq = parts.read().seq;
    Mine {
        version: row.version,
        read_seq,
        delivered_seq: read_seq.max(parts.mark.delivered_seq),
        unread: unread(parts),
        mentions: mentions(parts),
        muted_until: row.muted_until,
        pinned: row.pinned,
        archived: row.archived,
        marked_unread: is_marked_unread(parts),
        draft: draft(row),
    }
}

fn is_marked_unread(parts: &InboxParts) -> bool {
    parts
        .mine
        .marked_unread_at
        .is_some_and(|seq| parts.read().seq <= seq)
}

fn draft(row: &UserThreadRow) -> Option<Draft> {
    row.draft.clone().map(|text| Draft {
        text,
        version: row.draft_version,
    })
}

/// Tries before a row that changes under every write is given up.
const TRIES_MAX: usize = 16;

/// Changes what the caller privately has on a thread; ex-members may too.
pub async fn patch_mine(
    node: &Node,
    caller: Caller,
    thread: ThreadId,
    patch: PatchMine,
) -> Result<Mine> {
    if let Some(Some(draft)) = &patch.draft {
        check_draft(&draft.text)?;
    }
    for _ in 0..TRIES_MAX {
        let mut parts = parts(node, caller, thread).await?;
        let row = patched(&parts, &patch)?;
        if row == parts.mine {
            return Ok(mine(&parts));
        }
        let written =
            node.store
                .put_user_thread(caller.user, thread, parts.mine.version, row.clone());
        if written.await? == Written::Done {
            parts.mine = row;
            let mine = mine(&parts);
            receipt::tell_mine(node, caller, thread, mine.clone());
            return Ok(mine);
        }
    }
    Err(Error::Overloaded("the row changes all the time"))
}

fn patched(parts: &InboxParts, patch: &PatchMine) -> Result<UserThreadRow> {
    let mut row = parts.mine.clone();
    if let Some(muted_until) = patch.muted_until {
        row.muted_until = muted_until;
    }
    row.pinned = patch.pinned.unwrap_or(row.pinned);
    row.archived = patch.archived.unwrap_or(row.archived);
    match patch.marked_unread {
        Some(true) => row.marked_unread_at = Some(parts.read().seq),
        Some(false) => row.marked_unread_at = None,
        None => {}
    }
    match &patch.draft {
        Some(Some(draft)) if draft.version != row.draft_version => {
            return Err(Error::DraftConflict(draft_now(&row)));
        }
        Some(Some(draft)) if row.draft.as_ref() != Some(&draft.text) => {
            row.draft = Some(draft.text.clone());
            row.draft_version += 1;
        }
        Some(None) if row.draft.take().is_some() => row.draft_version += 1,
        _ => {}
    }
    if row != parts.mine {
        row.version += 1;
    }
    Ok(row)
}

/// The draft that is there, or the version to give for a first one.
fn draft_now(row: &UserThreadRow) -> Option<Draft> {
    Some(Draft {
        text: row.draft.clone().unwrap_or_default(),
        version: row.draft_version,
    })
}

/// Drafts have the bounds of messages, but may be blank.
fn check_draft(draft: &str) -> Result<()> {
    if text::is_blank(draft) && draft.len() <= text::TEXT_MAX_BYTES {
        return Ok(());
    }
    Ok(text::check_text("draft.text", draft)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_protocol::UserId;
    use kith_protocol::thread::{Role, Settings};
    use kith_store::mark::MarkRow;
    use kith_store::thread::{Deletion, ReadMark, Stay};
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn parts(ord: u64, own: u64, read: ReadMark) -> InboxParts {
        let head = HeadRow {
            kind: ThreadKind::Group,
            creator: user(1),
            created_at: Timestamp(0),
            title: None,
            settings: Settings::default(),
            last_seq: 100,
            ord,
            last_at: Timestamp(0),
            member_count: 2,
            membership_seq: 1,
            wide: false,
            last_message: None,
            last_other_seq: 0,
        };
        let member = MemberRow {
            user: user(1),
            role: Role::Member,
            stays: vec![Stay {
                joined_seq: 1,
                left_seq: None,
            }],
            joined_at: Timestamp(0),
            own_count: own,
            last_own_seq: 0,
            last_own_at: Timestamp(0),
            floor: ReadMark {
                seq: 1,
                ord: 0,
                own: 0,
            },
            left: None,
        };
        InboxParts {
            thread: ThreadId(Uuid::nil()),
            head,
            member,
            mine: UserThreadRow::default(),
            mark: MarkRow {
                read,
                delivered_seq: 0,
            },
            deletions: Vec::new(),
            mentions: Vec::new(),
            others: Vec::new(),
        }
    }

    #[test]
    fn unread_is_what_others_wrote_after_the_mark_and_did_not_take_back() {
        let mut parts = parts(
            10,
            3,
            ReadMark {
                seq: 4,
                ord: 2,
                own: 1,
            },
        );
        assert_eq!(unread(&parts), (10 - 2) - (3 - 1));
        let deletion = |target_seq, author| Deletion {
            target_seq,
            author,
            deleted_seq: 90,
        };
        parts.deletions = vec![
            deletion(3, user(2)),
            deletion(5, user(1)),
            deletion(6, user(2)),
        ];
        assert_eq!(
            unread(&parts),
            6 - 1,
            "own ones and those before the mark do not count"
        );
    }
}
