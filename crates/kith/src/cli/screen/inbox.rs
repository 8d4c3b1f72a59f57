//! The inbox: the user's threads, newest first, with what is unread.

use kith_protocol::entry::{Entry, EntryKind};
use kith_protocol::thread::{InboxRow, Preview, ThreadKind};
use kith_protocol::{ThreadId, UserId};
use std::collections::BTreeMap;

/// Characters of a preview: what the widest list shows.
const PREVIEW_CHARS: usize = 100;

/// The user's threads, and the one that the cursor is on.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    rows: BTreeMap<ThreadId, InboxRow>,
    pub(super) chosen: Option<ThreadId>,
    pub(super) filter: Filter,
    /// A sync has told everything once.
    pub(super) is_known: bool,
}

/// Which threads are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Filter {
    #[default]
    All,
    Unread,
    Archived,
}

impl Filter {
    pub(super) fn next(self) -> Self {
        match self {
            Self::All => Self::Unread,
            Self::Unread => Self::Archived,
            Self::Archived => Self::All,
        }
    }
}

impl Inbox {
    pub(super) fn row(&self, thread: ThreadId) -> Option<&InboxRow> {
        self.rows.get(&thread)
    }

    pub(super) fn put(&mut self, row: InboxRow) {
        self.rows.insert(row.thread.id, row);
    }

    pub(super) fn change(&mut self, thread: ThreadId, change: impl FnOnce(&mut InboxRow)) {
        if let Some(row) = self.rows.get_mut(&thread) {
            change(row);
        }
    }

    pub(super) fn remove(&mut self, thread: ThreadId) {
        self.rows.remove(&thread);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &InboxRow> {
        self.rows.values()
    }

    /// The threads that are listed: pinned ones first, then the newest.
    pub(super) fn listed(&self) -> Vec<&InboxRow> {
        let mut rows: Vec<&InboxRow> = self
            .rows
            .values()
            .filter(|row| row.thread.gone != Some(true))
            .filter(|row| match self.filter {
                Filter::All => !row.mine.archived,
                Filter::Unread => is_unread(row),
                Filter::Archived => row.mine.archived,
            })
            .collect();
        rows.sort_by_key(|row| {
            let newest = std::cmp::Reverse(row.head.at);
            (!row.mine.pinned, newest, row.thread.id)
        });
        rows
    }

    /// Messages that nobody has read, those of archived threads aside.
    pub(super) fn unread(&self) -> u64 {
        let rows = self.rows.values();
        rows.filter(|row| !row.mine.archived && row.thread.gone != Some(true))
            .map(|row| row.mine.unread)
            .sum()
    }

    /// The thread this many places below (or above) the chosen one.
    pub(super) fn step(&mut self, places: isize) {
        let listed: Vec<ThreadId> = self.listed().iter().map(|row| row.thread.id).collect();
        let at = |thread| listed.iter().position(|listed| *listed == thread);
        let now = self.chosen.and_then(at);
        let wanted = now.map_or(0, |now| now.saturating_add_signed(places));
        self.chosen = listed.get(wanted).or(listed.last()).copied();
    }

    /// An entry that came: what the row says of the thread's head and of what is unread goes on
    /// from what the server told last. False if that cannot be reckoned here: ask for it.
    pub(super) fn entry(&mut self, thread: ThreadId, entry: &Entry, me: Option<UserId>) -> bool {
        let Some(row) = self.rows.get_mut(&thread) else {
            return false;
        };
        if entry.seq <= row.head.last_seq {
            return true;
        }
        row.head.last_seq = entry.seq;
        let own = Some(entry.author_id) == me;
        if own && entry.read_moved {
            row.mine.read_seq = entry.seq;
            (row.mine.unread, row.mine.mentions) = (0, 0);
        }
        match entry.kind {
            EntryKind::Title => row.thread.title = entry.title.clone(),
            EntryKind::MemberAdded => row.thread.member_count += entry.user_ids.len() as u64,
            EntryKind::MemberLeft | EntryKind::MemberRemoved => {
                row.thread.member_count = row.thread.member_count.saturating_sub(1);
            }
            EntryKind::Role if me.is_some_and(|me| entry.user_ids.contains(&me)) => {
                row.thread.role = entry.role.unwrap_or(row.thread.role);
            }
            // Was it unread? Only the server has counted.
            EntryKind::Delete | EntryKind::Edit => return false,
            kind if kind.is_countable() => {
                row.head.ord = entry.ord;
                row.head.at = entry.at;
                row.head.preview = Some(preview(entry));
                if !own {
                    let named = me.is_some_and(|me| entry.mentions.contains(&me));
                    row.mine.unread += 1;
                    row.mine.mentions += u64::from(named || entry.mention_all);
                }
            }
            _ => {}
        }
        true
    }
}

/// What a row is shown as: unread, whether counted or marked so.
pub(super) fn is_unread(row: &InboxRow) -> bool {
    row.mine.unread > 0 || row.mine.marked_unread
}

/// The other one of a direct thread.
pub(super) fn peer(row: &InboxRow) -> Option<UserId> {
    match row.thread.kind {
        ThreadKind::Direct => row.thread.peer_id,
        _ => None,
    }
}

fn preview(entry: &Entry) -> Preview {
    let cut = |text: &String| text.chars().take(PREVIEW_CHARS).collect();
    Preview {
        seq: entry.seq,
        author_id: entry.author_id,
        kind: entry.kind,
        text: entry.text.as_ref().map(cut),
    }
}
