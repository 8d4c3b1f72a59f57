//! What one writer knows of a room.

use kith_protocol::{ThreadId, UserId};
use std::collections::{BTreeSet, VecDeque};

/// A room as one writer knows it.
pub(super) struct Place {
    pub(super) room: usize,
    pub(super) thread: ThreadId,
    /// The last entry that is certainly there.
    pub(super) seen: u64,
    /// The last entry of one's own.
    pub(super) last_own: u64,
    /// Own messages that were not deleted.
    pub(super) messages: Vec<u64>,
    /// Messages of others.
    pub(super) targets: VecDeque<u64>,
    /// Own reactions that are on.
    pub(super) reactions: BTreeSet<(u64, &'static str)>,
    /// Messages on which it is not known whether a reaction is.
    pub(super) unsure: BTreeSet<u64>,
    pub(super) is_out: bool,
    /// Others who may be removed, and whether they are; for the keeper of a group.
    pub(super) guests: Vec<(UserId, bool)>,
}

impl Place {
    /// Nothing has happened yet but that it was made.
    pub(super) fn new(room: usize, thread: ThreadId, guests: Vec<(UserId, bool)>) -> Self {
        Self {
            room,
            thread,
            seen: 1,
            last_own: 0,
            messages: Vec::new(),
            targets: VecDeque::new(),
            reactions: BTreeSet::new(),
            unsure: BTreeSet::new(),
            is_out: false,
            guests,
        }
    }
}
