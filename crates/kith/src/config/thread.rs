//! `[thread]`: conversations.

use super::section::{Wrong, section};

/// Above this, member lists no longer fit into a thread's memory in one piece.
const GROUP_MEMBERS_MAX: usize = 100_000;
/// A hundred years: a bound that only mistakes reach.
const WINDOW_MAX_S: u64 = 100 * 365 * 86_400;

section! {
    /// Conversations.
    Thread {
        /// People in one group.
        group_max_members: usize = 500, in 3..=GROUP_MEMBERS_MAX;
        /// Groups up to this size are delivered to each member's own channel, larger ones to one
        /// channel that clients subscribe.
        personal_channel_max_members: usize = 100, in 2..=1_000;
        /// A group that grew beyond goes back to personal channels below this size, so that one
        /// at the edge does not change its mind with each member.
        personal_channel_return_members: usize = 80, in 1..=1_000;
        /// How long a message may be edited; 0 for ever.
        edit_window_s: u64 = 86_400, in 0..=WINDOW_MAX_S;
        /// How long its author may delete a message; 0 for ever.
        delete_window_s: u64 = 172_800, in 0..=WINDOW_MAX_S;
        /// Tasks that the threads are spread over; each owns the state of its own.
        shards: usize = 4, in 1..=64;
    }
}

impl Thread {
    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        if self.personal_channel_return_members > self.personal_channel_max_members {
            wrong.push(Wrong {
                key: "thread.personal_channel_return_members".into(),
                why: format!(
                    "must not be above thread.personal_channel_max_members ({}), but is {}",
                    self.personal_channel_max_members, self.personal_channel_return_members
                ),
            });
        }
    }
}
