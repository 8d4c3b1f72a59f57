//! Threads: making and finding them, members and roles.
//!
//! `state` folds the log, `decision` says who may do what, `sequencer` and `batch` append,
//! `audience` says who is told.

pub mod act;
pub mod admission;
pub mod audience;
pub mod batch;
pub mod changes;
pub mod decision;
pub mod recent;
pub mod sequencer;
pub mod state;

use crate::error::{Error, Result};
use crate::node::{Caller, Node, SharedNode};
use crate::{contact, inbox, receipt, user};
use act::Act;
use kith_protocol::list::List;
use kith_protocol::thread::{
    AddMembers, CreateThread, InboxRow, Member, PatchThread, Role, Settings, ThreadKind,
    USER_IDS_MAX, check_history, check_title,
};
use kith_protocol::{BadField, ThreadId, UserId};
use kith_store::thread::{HeadRow, MemberRow};
use std::collections::HashSet;

/// A member's view of a thread: what every read of it rests on.
#[derive(Clone, Debug)]
pub struct View {
    /// Which thread.
    pub thread: ThreadId,
    /// Where it stands.
    pub head: HeadRow,
    /// The caller in it, present or past.
    pub member: MemberRow,
}

impl View {
    /// The last entry that the caller sees.
    pub fn last_seq(&self) -> u64 {
        self.left_seq().unwrap_or(self.head.last_seq)
    }

    /// For an ex-member: when the caller left.
    pub fn left_seq(&self) -> Option<u64> {
        self.member.stays.last().and_then(|stay| stay.left_seq)
    }

    /// Whether earlier entries than the caller's own stays are visible.
    pub fn is_open(&self) -> bool {
        match &self.member.left {
            Some(left) => left.settings.open_history,
            None => self.head.settings.open_history,
        }
    }

    /// The ranges of the log that the caller sees, ascending, both ends included.
    pub fn visible(&self) -> Vec<(u64, u64)> {
        visible(&self.member, self.is_open(), self.last_seq())
    }

    /// Whether the caller sees this entry.
    pub fn sees(&self, seq: u64) -> bool {
        seq >= 1 && seq <= self.last_seq() && sees(&self.member, self.is_open(), seq)
    }

    /// Refuses ex-members.
    pub fn present(self) -> Result<Self> {
        if self.left_seq().is_some() {
            Err(Error::NotAMember)
        } else {
            Ok(self)
        }
    }
}

/// Rule 8: a member sees own stays, both ends included, plus earlier entries if the history is open.
pub fn sees(member: &MemberRow, open_history: bool, seq: u64) -> bool {
    let last = member
        .stays
        .last()
        .and_then(|stay| stay.left_seq)
        .unwrap_or(u64::MAX);
    (open_history && seq <= last)
        || member
            .stays
            .iter()
            .any(|stay| stay.joined_seq <= seq && seq <= stay.left_seq.unwrap_or(u64::MAX))
}

fn visible(member: &MemberRow, open_history: bool, last_seq: u64) -> Vec<(u64, u64)> {
    if open_history {
        return vec![(1, last_seq)];
    }
    let stays = member.stays.iter();
    stays
        .map(|stay| (stay.joined_seq, stay.left_seq.unwrap_or(last_seq)))
        .collect()
}

/// The caller's view of a thread; strangers get 404.
pub async fn view(node: &Node, caller: Caller, thread: ThreadId) -> Result<View> {
    view_of(node, caller.user, thread)
        .await?
        .ok_or(Error::NotFound)
}

/// A user's view of a thread, if the user ever was a member.
pub async fn view_of(node: &Node, user: UserId, thread: ThreadId) -> Result<Option<View>> {
    let found = node.store.view(thread, user).await?;
    Ok(found.map(|(head, member)| View {
        thread,
        head,
        member,
    }))
}

/// Makes a thread, or finds the one that was made with the same ids. True: made now.
pub async fn create(
    node: &SharedNode,
    caller: Caller,
    request: CreateThread,
) -> Result<(InboxRow, bool)> {
    let mut seen = HashSet::from([caller.user]);
    if request.participants.len() > node.config.thread.group_max_members {
        return Err(BadField::invalid("participants", "more than a group may have").into());
    }
    let others: Vec<UserId> = request
        .participants
        .iter()
        .copied()
        .filter(|&user| seen.insert(user))
        .collect();
    check_history("history", request.history)?;
    let title = request.title.as_deref().map(check_title).transpose()?;
    let thread = match request.kind {
        ThreadKind::Direct => direct_id(node, caller, &request, &others).await?,
        ThreadKind::Group => {
            if others.len() >= node.config.thread.group_max_members {
                return Err(Error::GroupFull(node.config.thread.group_max_members));
            }
            ThreadId::group(caller.user, request.client_thread_id)
        }
        ThreadKind::Live => {
            return Err(BadField::invalid("kind", "direct or group").into());
        }
    };
    if let Some(view) = view_of(node, caller.user, thread).await? {
        return Ok((inbox::row_of_view(node, caller, view).await?, false));
    }
    all_exist(node, "participants", &others).await?;
    let members = [vec![caller.user], others].concat();
    let settings = Settings {
        history: request.history.unwrap_or_default(),
        ..Settings::default()
    };
    let act = Act::Create {
        kind: request.kind,
        members,
        title,
        settings,
    };
    let outcome = sequencer::ask(node, thread, caller, act).await?;
    Ok((inbox::row(node, caller, thread).await?, outcome.appended))
}

async fn direct_id(
    node: &Node,
    caller: Caller,
    request: &CreateThread,
    others: &[UserId],
) -> Result<ThreadId> {
    let &[other] = others else {
        return Err(BadField::invalid("participants", "exactly one other user").into());
    };
    if request.title.is_some() {
        return Err(BadField::invalid("title", "a direct thread has none").into());
    }
    all_exist(node, "participants", others).await?;
    contact::check_direct(node, caller.user, other).await?;
    Ok(ThreadId::direct(caller.user, other))
}

async fn all_exist(node: &Node, field: &'static str, users: &[UserId]) -> Result<()> {
    let rows = node.store.users(users).await?;
    match users.iter().zip(rows).find(|(_, row)| row.is_none()) {
        Some((user, _)) => Err(BadField::invalid(field, format!("there is no user {user}")).into()),
        None => Ok(()),
    }
}

/// Changes title and settings: an entry each.
pub async fn patch(
    node: &SharedNode,
    caller: Caller,
    thread: ThreadId,
    patch: PatchThread,
) -> Result<()> {
    view(node, caller, thread).await?.present()?;
    if let Some(title) = patch.check()? {
        sequencer::ask(node, thread, caller, Act::Title(title)).await?;
    }
    if let Some(settings) = patch.settings {
        sequencer::ask(node, thread, caller, Act::Settings(settings)).await?;
    }
    Ok(())
}

/// Brings people in; those who are in already stay as they are.
pub async fn add(
    node: &SharedNode,
    caller: Caller,
    thread: ThreadId,
    request: AddMembers,
) -> Result<()> {
    if !(1..=USER_IDS_MAX).contains(&request.user_ids.len()) {
        return Err(BadField::invalid("user_ids", "from 1 to 200").into());
    }
    view(node, caller, thread).await?.present()?;
    all_exist(node, "user_ids", &request.user_ids).await?;
    sequencer::ask(node, thread, caller, Act::Add(request.user_ids)).await?;
    Ok(())
}

/// Takes somebody out; oneself: leaves.
pub async fn remove(
    node: &SharedNode,
    caller: Caller,
    thread: ThreadId,
    user: UserId,
) -> Result<()> {
    sequencer::ask(node, thread, caller, Act::Remove(user))
        .await
        .map(drop)
}

/// Gives somebody a role.
pub async fn set_role(
    node: &SharedNode,
    caller: Caller,
    thread: ThreadId,
    user: UserId,
    role: Role,
) -> Result<()> {
    sequencer::ask(node, thread, caller, Act::SetRole(user, role))
        .await
        .map(drop)
}

/// The present members, by id.
pub async fn members(node: &Node, caller: Caller, thread: ThreadId) -> Result<List<Member>> {
    let view = view(node, caller, thread).await?.present()?;
    let rows: Vec<MemberRow> = node
        .store
        .members(thread)
        .await?
        .into_iter()
        .filter(state::is_present)
        .collect();
    let ids: Vec<UserId> = rows.iter().map(|row| row.user).collect();
    let users = user::public(node, &ids).await?;
    let shown = receipt::shown_marks(node, caller.user, &view, &rows).await?;
    let items = rows
        .into_iter()
        .zip(users)
        .zip(shown)
        .filter_map(|((row, user), marks)| {
            Some(Member {
                user: user?,
                role: row.role,
                joined_at: row.joined_at,
                read_seq: marks.map(|marks| marks.read_seq),
                delivered_seq: marks.map(|marks| marks.delivered_seq),
            })
        });
    Ok(List::whole(items.collect()))
}

/// The thread of exactly these people: the direct one, or the newest group.
pub async fn by_participants(node: &Node, caller: Caller, users: &str) -> Result<InboxRow> {
    let mut members = users
        .split(',')
        .map(|id| {
            UserId::parse(id)
                .ok_or_else(|| BadField::invalid("users", "user ids, separated by commas"))
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    members.sort_unstable();
    members.dedup();
    if !members.contains(&caller.user) {
        return Err(Error::NotFound);
    }
    if let &[a, b] = members.as_slice()
        && let Some(view) = view_of(node, caller.user, ThreadId::direct(a, b)).await?
    {
        return inbox::row_of_view(node, caller, view).await;
    }
    let newest = node
        .store
        .threads_of(&members)
        .await?
        .into_iter()
        .next()
        .ok_or(Error::NotFound)?;
    inbox::row(node, caller, newest).await
}
