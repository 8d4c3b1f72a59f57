//! The inbox: the user's threads, newest first, with what is unread.

use kith_protocol::entry::{Entry, EntryKind};
use kith_protocol::thread::{InboxRow, Mine, Preview, ThreadKind};
use kith_protocol::{ThreadId, Timestamp, UserId};
use std::collections::BTreeMap;

/// Messages counted here before the server is asked for its own count.
const SINCE_MAX: usize = 200;
/// Characters of a preview: what the widest list shows.
const PREVIEW_CHARS: usize = 100;

/// The user's threads, and the one that the cursor is on.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    rows: BTreeMap<ThreadId, InboxRow>,
    /// Messages of others that came after what the server told of a thread: what it tells next may
    /// be of a moment before them. They go when it tells of them, or when they are read.
    since: BTreeMap<ThreadId, Vec<Since>>,
    pub(super) chosen: Option<ThreadId>,
    pub(super) filter: Filter,
    /// A sync has told everything once.
    pub(super) is_known: bool,
}

/// A message that was counted here.
#[derive(Debug)]
struct Since {
    seq: u64,
    names_me: bool,
    at: Timestamp,
    preview: Preview,
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

    /// What the server told of a thread, and what has come since.
    pub(super) fn put(&mut self, mut row: InboxRow) {
        let thread = row.thread.id;
        let held = self.rows.get(&thread).map_or(0, |row| row.head.last_seq);
        let since = self.since.entry(thread).or_default();
        since.retain(|since| since.seq > row.head.last_seq);
        for since in since.iter() {
            row.head.at = since.at;
            row.head.preview = Some(since.preview.clone());
            if since.seq > row.mine.read_seq {
                row.mine.unread += 1;
                row.mine.mentions += u64::from(since.names_me);
            }
        }
        row.head.last_seq = row.head.last_seq.max(held);
        self.rows.insert(thread, row);
    }

    /// What the user privately has on a thread. It does not say up to which entry it has counted,
    /// so that as long as nothing was read, what was counted here goes on. False if the row has to
    /// be asked for.
    pub(super) fn mine(&mut self, thread: ThreadId, mut mine: Mine) -> bool {
        let Some(row) = self.rows.get_mut(&thread) else {
            return false;
        };
        let is_read = mine.read_seq != row.mine.read_seq;
        if !is_read {
            (mine.unread, mine.mentions) = (row.mine.unread, row.mine.mentions);
        }
        row.mine = mine;
        !is_read
    }

    pub(super) fn change(&mut self, thread: ThreadId, change: impl FnOnce(&mut InboxRow)) {
        if let Some(row) = self.rows.get_mut(&thread) {
            change(row);
        }
    }

    pub(super) fn remove(&mut self, thread: ThreadId) {
        self.rows.remove(&thread);
        self.since.remove(&thread);
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
                    let names_me = named || entry.mention_all;
                    row.mine.unread += 1;
                    row.mine.mentions += u64::from(names_me);
                    let since = self.since.entry(thread).or_default();
                    since.push(Since {
                        seq: entry.seq,
                        names_me,
                        at: entry.at,
                        preview: preview(entry),
                    });
                    // Ask, so that it is told and forgotten here.
                    return !since.len().is_multiple_of(SINCE_MAX);
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
