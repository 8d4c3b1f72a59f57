//! Who is told of which entries: every entry goes to those who are members with it.

use super::state::{ThreadState, is_present};
use crate::node::Node;
use bytes::Bytes;
use kith_protocol::channel::{Channel, Envelope};
use kith_protocol::entry::{Entry, EntryKind};
use kith_protocol::frame::{self, FRAME_MAX_BYTES};
use kith_protocol::{ThreadId, UserId};

/// Bytes of text after which a frame is closed; with names and escapes it stays below
/// [`FRAME_MAX_BYTES`] for all but texts that consist of escapes.
const SEGMENT_MAX_BYTES: usize = FRAME_MAX_BYTES / 8;

/// Entries of a batch, cut where the membership changes.
pub struct Segments {
    was_wide: bool,
    done: Vec<Segment>,
    entries: Vec<Entry>,
    bytes: usize,
}

/// Entries that go to the same people in one frame.
pub struct Segment {
    entries: Vec<Entry>,
    membership_seq: u64,
    last_seq: u64,
    /// To the thread's own channel.
    wide: bool,
    /// To these personal channels, in ascending order.
    users: Vec<UserId>,
    /// Whose subscriptions end with it.
    left: Vec<UserId>,
    /// Whose list of large threads is not what it was.
    rewidened: Vec<UserId>,
}

impl Segments {
    /// Begins with the state before the batch.
    pub fn new(state: &ThreadState) -> Self {
        Self {
            was_wide: state.head.wide,
            done: Vec::new(),
            entries: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds an entry that `state` has folded in.
    pub fn add(&mut self, state: &ThreadState, entry: Entry) {
        if entry.kind.is_membership() {
            self.close_before(state, &entry);
            self.entries.push(entry);
            let crossing = self.was_wide != state.head.wide;
            self.was_wide = state.head.wide;
            self.close(state, crossing);
            return;
        }
        self.bytes += entry.text.as_ref().map_or(0, String::len) + 256;
        self.entries.push(entry);
        if self.bytes > SEGMENT_MAX_BYTES {
            self.close(state, false);
        }
    }

    /// The frames of the batch.
    pub fn finish(mut self, state: &ThreadState) -> Vec<Segment> {
        self.close(state, false);
        self.done
    }

    /// Closes what came before a membership entry, which `state` has folded in already: it is not
    /// for those whom the entry brings in, and still for those whom it takes out.
    fn close_before(&mut self, state: &ThreadState, entry: &Entry) {
        let from = self.done.len();
        self.close(state, false);
        for segment in &mut self.done[from..] {
            match entry.kind {
                EntryKind::MemberLeft | EntryKind::MemberRemoved => {
                    let named = named(&segment.entries);
                    let was_told = |user: &&UserId| !segment.wide || named.contains(user);
                    segment.users.extend(entry.user_ids.iter().filter(was_told));
                }
                EntryKind::MemberAdded | EntryKind::Created => {
                    segment.users.retain(|user| !entry.user_ids.contains(user));
                }
                _ => {}
            }
        }
    }

    /// Closes a segment for the present members; one that crosses the width goes to both channels.
    fn close(&mut self, state: &ThreadState, crossing: bool) {
        self.bytes = 0;
        let entries = std::mem::take(&mut self.entries);
        let Some(last) = entries.last() else { return };
        let leaves = matches!(last.kind, EntryKind::MemberLeft | EntryKind::MemberRemoved);
        let left = if leaves {
            last.user_ids.clone()
        } else {
            Vec::new()
        };
        let everybody = !self.was_wide || crossing;
        let mut users: Vec<UserId> = if everybody {
            state
                .present_members()
                .map(|member| member.user)
                .chain(left.iter().copied())
                .collect()
        } else {
            let mut named = named(&entries);
            // Anybody can be named, who is in or not.
            named.retain(|user| state.present(*user).is_some());
            named
        };
        let rewidened = match (crossing, self.was_wide && last.kind.is_membership()) {
            (true, _) => users.clone(),
            (false, true) => last.user_ids.clone(),
            (false, false) => Vec::new(),
        };
        if last.kind.is_membership() {
            users.extend(&last.user_ids);
        }
        users.sort_unstable();
        users.dedup();
        self.done.push(Segment {
            membership_seq: state.head.membership_seq,
            last_seq: last.seq,
            wide: self.was_wide || crossing,
            entries,
            users,
            left,
            rewidened,
        });
    }
}

/// In large threads: the authors, and whom they name.
fn named(entries: &[Entry]) -> Vec<UserId> {
    let mut users: Vec<UserId> = entries
        .iter()
        .flat_map(|entry| entry.mentions.iter().copied().chain([entry.author_id]))
        .collect();
    users.sort_unstable();
    users.dedup();
    users
}

impl Segment {
    /// An earlier entry, for the members who see it.
    pub fn again(state: &ThreadState, entry: Entry) -> Self {
        let open = state.head.settings.open_history;
        let sees = |user: &UserId| {
            state
                .members
                .get(user)
                .is_some_and(|member| is_present(member) && super::sees(member, open, entry.seq))
        };
        let users = if state.head.wide {
            named(std::slice::from_ref(&entry))
                .into_iter()
                .filter(sees)
                .collect()
        } else {
            state.members.keys().copied().filter(sees).collect()
        };
        Self {
            membership_seq: state.head.membership_seq,
            last_seq: entry.seq,
            entries: vec![entry],
            wide: false,
            users,
            left: Vec::new(),
            rewidened: Vec::new(),
        }
    }

    /// Hands the frame to the channels: one encode, the same bytes to every subscriber.
    pub fn publish(self, node: &Node, thread: ThreadId) {
        let broker = node.channels.broker();
        let membership_seq = self.membership_seq;
        for frame in frames(thread, &self.entries) {
            let mut envelope = Envelope {
                thread: Some(thread),
                membership_seq,
                frame,
                except: Vec::new(),
            };
            for &user in &self.users {
                broker.publish(Channel::User(user), &envelope);
            }
            if self.wide {
                // Who has both channels is told once.
                envelope.except.clone_from(&self.users);
                broker.publish(Channel::Thread(thread), &envelope);
            }
        }
        for &user in &self.left {
            broker.leave_user(Channel::Thread(thread), user);
        }
        if self.wide {
            node.channels.wide().grown(thread, self.last_seq);
        }
        for user in self.rewidened {
            node.channels.wide().forget(user);
        }
    }
}

/// The frame for these entries, or several if one would be over the bound.
fn frames(thread: ThreadId, entries: &[Entry]) -> Vec<Bytes> {
    let json = frame::entries(thread, entries);
    if json.len() <= FRAME_MAX_BYTES {
        return vec![Bytes::from(json)];
    }
    if entries.len() == 1 {
        // One entry that no frame can hold, a text of escapes: its readers fetch it.
        return Vec::new();
    }
    let (one, other) = entries.split_at(entries.len() / 2);
    [frames(thread, one), frames(thread, other)].concat()
}
