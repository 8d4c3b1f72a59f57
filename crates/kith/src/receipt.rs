//! Receipts: watermarks of reading and arriving, who may see them, and their pushes.

use crate::error::{Error, Result};
use crate::inbox;
use crate::node::{Caller, Node};
use crate::thread::{self, View, state::is_present};
use crate::user;
use kith_protocol::entry::{Marks, ReceiptCounts, Receipts, check_seq};
use kith_protocol::frame::{MineChanged, Receipt, ServerFrame, TypingNow};
use kith_protocol::thread::{Mine, Others, RECEIPT_MEMBERS_MAX, ThreadKind};
use kith_protocol::user::{Audience, Privacy};
use kith_protocol::{BadField, ThreadId, Timestamp, UserId};
use kith_store::inbox::InboxParts;
use kith_store::log::Span;
use kith_store::mark::MarkRow;
use kith_store::thread::{MemberRow, ReadMark};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};

/// Rows read at once when own messages have to be counted.
const SCAN_ROWS: usize = 1000;

/// A receipt of one user on one thread is pushed at most this often.
const PACE_MS: i64 = 1000;

/// Receipts that wait for their second to pass.
#[derive(Default)]
pub struct Delivered {
    paced: Mutex<FxHashMap<(ThreadId, UserId), Paced>>,
}

struct Paced {
    sent_at: Timestamp,
    waits: bool,
}

/// Everything up to `seq` was read on any device of the caller.
pub async fn read(node: &Node, caller: Caller, thread: ThreadId, seq: u64) -> Result<Marks> {
    let view = thread::view(node, caller, thread).await?.present()?;
    check_mark(&view, seq)?;
    let before = node.store.mark(thread, caller.user).await?;
    let mark = view.member.floor.max(before.read);
    if seq > mark.seq {
        let read = read_mark(node, &view, mark, seq).await?;
        node.store.put_read(thread, caller.user, read).await?;
        node.sequencer.note_read(thread, caller.user, seq).await;
        push_receipt(node, thread, caller.user);
    }
    let parts = unmark(node, caller, inbox::parts(node, caller, thread).await?).await?;
    let mine = inbox::mine(&parts);
    let marks = Marks {
        read_seq: mine.read_seq,
        delivered_seq: mine.delivered_seq,
    };
    if seq > mark.seq {
        tell_mine(node, caller, thread, mine);
    }
    Ok(marks)
}

/// Reading takes "marked as unread" away, also when nothing new was read.
async fn unmark(node: &Node, caller: Caller, mut parts: InboxParts) -> Result<InboxParts> {
    if parts.mine.marked_unread_at.is_some() {
        let expected = parts.mine.version;
        parts.mine.marked_unread_at = None;
        parts.mine.version += 1;
        let row = parts.mine.clone();
        // Somebody changed the row meanwhile: what that change says stands.
        let _ = node
            .store
            .put_user_thread(caller.user, parts.thread, expected, row)
            .await?;
    }
    Ok(parts)
}

/// Everything up to `seq` has arrived on the calling session.
pub async fn delivered(node: &Node, caller: Caller, thread: ThreadId, seq: u64) -> Result<Marks> {
    let view = thread::view(node, caller, thread).await?.present()?;
    check_mark(&view, seq)?;
    let before = node.store.mark(thread, caller.user).await?;
    node.store
        .put_delivered(&[(thread, caller.user, caller.session, seq)])
        .await?;
    let marks = effective(&view.member, before);
    if seq > marks.delivered_seq {
        push_receipt(node, thread, caller.user);
    }
    Ok(Marks {
        delivered_seq: marks.delivered_seq.max(seq),
        ..marks
    })
}

fn check_mark(view: &View, seq: u64) -> Result<()> {
    check_seq("seq", seq)?;
    if seq > view.last_seq() {
        return Err(BadField::invalid("seq", "is above the last entry").into());
    }
    Ok(())
}

/// The mark at `seq`, with what makes unread a subtraction. Own messages after it are counted
/// over the shorter way: from the mark before, or back from the last own one.
async fn read_mark(node: &Node, view: &View, before: ReadMark, seq: u64) -> Result<ReadMark> {
    let entry = node
        .store
        .entries(view.thread, Span::After(seq - 1), 1)
        .await?
        .pop();
    let ord = entry
        .filter(|entry| entry.seq == seq)
        .map(|entry| entry.ord);
    let ord = ord.ok_or(Error::Internal("an entry is missing"))?;
    let member = &view.member;
    let own = if member.last_own_seq <= seq {
        member.own_count
    } else if seq - before.seq < member.last_own_seq - seq {
        before.own + own_messages(node, view, before.seq, seq).await?
    } else {
        member.own_count - own_messages(node, view, seq, member.last_own_seq).await?
    };
    Ok(ReadMark { seq, ord, own })
}

async fn own_messages(node: &Node, view: &View, after: u64, up_to: u64) -> Result<u64> {
    let (mut from, mut count) = (after, 0);
    while from < up_to {
        let limit = SCAN_ROWS.min((up_to - from) as usize);
        let rows = node
            .store
            .entries(view.thread, Span::After(from), limit)
            .await?;
        let Some(last) = rows.last() else { break };
        from = last.seq;
        let own = rows
            .iter()
            .filter(|row| row.author == view.member.user && row.kind.is_countable());
        count += own.count() as u64;
    }
    Ok(count)
}

/// The marks of a member: reading implies arriving.
pub fn effective(member: &MemberRow, mark: MarkRow) -> Marks {
    let read_seq = member.floor.max(mark.read).seq;
    Marks {
        read_seq,
        delivered_seq: read_seq.max(mark.delivered_seq),
    }
}

/// Tells the caller's devices what the caller privately has on a thread.
pub fn tell_mine(node: &Node, caller: Caller, thread_id: ThreadId, mine: Mine) {
    node.channels.tell_user(
        caller.user,
        &ServerFrame::Mine(MineChanged { thread_id, mine }),
    );
}

/// Pushes the marks of a user to those who may see them, at most once a second.
fn push_receipt(node: &Node, thread: ThreadId, user: UserId) {
    let mut paced = node.delivered.paced.lock();
    // Sent by the next round of `flush`, which is at most a quarter of a second away.
    paced
        .entry((thread, user))
        .or_insert(Paced {
            sent_at: Timestamp(0),
            waits: true,
        })
        .waits = true;
}

/// Sends the receipts whose second has passed; called several times a second.
pub async fn flush(node: &Node) {
    let now = node.clock.now();
    let due: Vec<_> = {
        let mut paced = node.delivered.paced.lock();
        paced.retain(|_, paced| paced.waits || now.0 - paced.sent_at.0 < PACE_MS);
        let due = paced
            .iter_mut()
            .filter(|(_, paced)| paced.waits && now.0 - paced.sent_at.0 >= PACE_MS);
        due.map(|(key, paced)| {
            *paced = Paced {
                sent_at: now,
                waits: false,
            };
            *key
        })
        .collect()
    };
    for (thread, user) in due {
        if let Err(error) = send_receipt(node, thread, user).await {
            tracing::warn!(%error, "a receipt was not pushed");
        }
    }
}

async fn send_receipt(node: &Node, thread_id: ThreadId, user_id: UserId) -> Result<()> {
    let Some(view) = thread::view_of(node, user_id, thread_id).await? else {
        return Ok(());
    };
    if view.head.member_count > RECEIPT_MEMBERS_MAX as u64 || view.left_seq().is_some() {
        return Ok(());
    }
    let marks = effective(&view.member, node.store.mark(thread_id, user_id).await?);
    let frame = ServerFrame::Receipt(Receipt {
        thread_id,
        user_id,
        delivered_seq: Some(marks.delivered_seq),
        read_seq: Some(marks.read_seq),
    });
    let members = node.store.members(thread_id).await?;
    let others: Vec<UserId> = members
        .iter()
        .filter(|member| is_present(member) && member.user != user_id)
        .map(|member| member.user)
        .collect();
    for viewer in Shown::load(node, user_id, &others, |privacy| privacy.receipts)
        .await?
        .to_each()
    {
        node.channels.tell_user(viewer, &frame);
    }
    Ok(())
}

/// Between whom something is shown: mutual, so who hides it does not see it.
pub struct Shown {
    pairs: Vec<(UserId, bool)>,
}

impl Shown {
    /// What `aspect` of their privacy says between `one` and each of the others.
    pub async fn load(
        node: &Node,
        one: UserId,
        others: &[UserId],
        aspect: fn(&Privacy) -> Audience,
    ) -> Result<Self> {
        let rows = node.store.users(&[&[one], others].concat()).await?;
        let of = |i: usize| {
            rows[i]
                .as_ref()
                .map_or(Audience::Nobody, |row| aspect(&row.privacy))
        };
        let own = of(0);
        let theirs: Vec<Audience> = (1..rows.len()).map(of).collect();
        let contacts: FxHashSet<UserId> =
            if own == Audience::Contacts || theirs.contains(&Audience::Contacts) {
                node.store
                    .contacts(one)
                    .await?
                    .into_iter()
                    .map(|(user, _)| user)
                    .collect()
            } else {
                FxHashSet::default()
            };
        let shows = |audience: Audience, contact: bool| match audience {
            Audience::Everyone => true,
            Audience::Contacts => contact,
            Audience::Nobody => false,
        };
        let pairs = others.iter().zip(theirs).map(|(&other, audience)| {
            let contact = contacts.contains(&other);
            (other, shows(own, contact) && shows(audience, contact))
        });
        Ok(Self {
            pairs: pairs.collect(),
        })
    }

    /// Those between whom and `one` it is shown.
    pub fn to_each(&self) -> impl Iterator<Item = UserId> + '_ {
        self.pairs
            .iter()
            .filter(|(_, shown)| *shown)
            .map(|(user, _)| *user)
    }

    /// Whether it is shown between `one` and this user; one's own is.
    pub fn to(&self, user: UserId) -> bool {
        self.pairs
            .iter()
            .find(|(other, _)| *other == user)
            .is_none_or(|(_, shown)| *shown)
    }
}

/// The marks of members that a viewer may see, in their order.
pub async fn shown_marks(
    node: &Node,
    viewer: UserId,
    view: &View,
    members: &[MemberRow],
) -> Result<Vec<Option<Marks>>> {
    let others: Vec<UserId> = members
        .iter()
        .map(|member| member.user)
        .filter(|&user| user != viewer)
        .collect();
    let shown = Shown::load(node, viewer, &others, |privacy| privacy.receipts).await?;
    let shown: FxHashSet<UserId> = shown.to_each().chain([viewer]).collect();
    let marks: FxHashMap<UserId, MarkRow> =
        node.store.marks(view.thread).await?.into_iter().collect();
    let of = |member: &MemberRow| {
        let mark = marks.get(&member.user).copied().unwrap_or_default();
        shown
            .contains(&member.user)
            .then(|| effective(member, mark))
    };
    Ok(members.iter().map(of).collect())
}

/// For each row: the least marks over the others, if all of them show theirs.
pub async fn least_marks(
    node: &Node,
    viewer: UserId,
    rows: &[InboxParts],
) -> Result<Vec<Option<Others>>> {
    let mut users: Vec<UserId> = rows
        .iter()
        .flat_map(|parts| parts.others.iter().map(|(other, _)| other.user))
        .collect();
    users.sort_unstable();
    users.dedup();
    if users.is_empty() {
        return Ok(vec![None; rows.len()]);
    }
    let shown: FxHashSet<UserId> = Shown::load(node, viewer, &users, |privacy| privacy.receipts)
        .await?
        .to_each()
        .collect();
    let least = |parts: &InboxParts| {
        let visible = parts
            .others
            .iter()
            .filter(|(other, _)| shown.contains(&other.user));
        let marks: Vec<Marks> = visible
            .map(|(other, mark)| effective(other, *mark))
            .collect();
        Some(Others {
            delivered_seq: marks.iter().map(|marks| marks.delivered_seq).min()?,
            read_seq: marks.iter().map(|marks| marks.read_seq).min()?,
        })
    };
    Ok(rows.iter().map(least).collect())
}

/// Who has read and who holds an entry: its author left out, those who cannot see it not counted,
/// those who hide it counted only.
pub async fn receipts(node: &Node, caller: Caller, thread: ThreadId, seq: u64) -> Result<Receipts> {
    let view = thread::view(node, caller, thread).await?.present()?;
    if !view.sees(seq) {
        return Err(Error::NotFound);
    }
    let entry = node
        .store
        .entries(thread, Span::After(seq - 1), 1)
        .await?
        .pop()
        .ok_or(Error::NotFound)?;
    let open = view.is_open();
    let mut members = node.store.members(thread).await?;
    members.retain(|member| {
        is_present(member) && member.user != entry.author && thread::sees(member, open, seq)
    });
    let marks: FxHashMap<UserId, MarkRow> = node.store.marks(thread).await?.into_iter().collect();
    let users: Vec<UserId> = members.iter().map(|member| member.user).collect();
    let shown: FxHashSet<UserId> =
        Shown::load(node, caller.user, &users, |privacy| privacy.receipts)
            .await?
            .to_each()
            .collect();
    let mut receipts = Receipts {
        counts: ReceiptCounts {
            of: members.len() as u64,
            ..ReceiptCounts::default()
        },
        ..Receipts::default()
    };
    for member in members {
        let marks = effective(
            &member,
            marks.get(&member.user).copied().unwrap_or_default(),
        );
        let named = shown.contains(&member.user);
        if marks.read_seq >= seq {
            receipts.counts.read += 1;
            receipts.read.extend(named.then_some(member.user));
        }
        if marks.delivered_seq >= seq {
            receipts.counts.delivered += 1;
            receipts.delivered.extend(named.then_some(member.user));
        }
    }
    Ok(receipts)
}

/// Relays that the caller is typing, to those to whom it is shown. Never stored.
pub async fn typing(node: &Node, caller: Caller, thread_id: ThreadId, active: bool) -> Result<()> {
    let view = thread::view(node, caller, thread_id).await?.present()?;
    let user_id = caller.user;
    let frame = ServerFrame::Typing(TypingNow {
        thread_id,
        user_id,
        active,
    });
    if view.head.wide {
        let me = user::row(node, user_id).await?;
        if me.privacy.typing == Audience::Everyone {
            node.channels.tell_thread(thread_id, &frame);
        }
        return Ok(());
    }
    let members = node.store.members(thread_id).await?;
    let others: Vec<UserId> = members
        .iter()
        .filter(|member| is_present(member) && member.user != user_id)
        .map(|member| member.user)
        .collect();
    if let (ThreadKind::Direct, Some(&other)) = (view.head.kind, others.first()) {
        crate::contact::check_direct(node, user_id, other).await?;
    }
    for viewer in Shown::load(node, user_id, &others, |privacy| privacy.typing)
        .await?
        .to_each()
    {
        node.channels.tell_user(viewer, &frame);
    }
    Ok(())
}
