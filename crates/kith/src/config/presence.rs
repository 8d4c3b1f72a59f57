//! `[presence]`: who is online.

use super::section::{Wrong, section};

section! {
    /// Who is online.
    Presence {
        /// How often clients are asked to say that they are there.
        heartbeat_s: u64 = 10, in 1..=300;
        /// Who says nothing for so long is offline.
        lease_s: u64 = 60, in 3..=3_600;
    }
}

impl Presence {
    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        // One lost heartbeat must not put anybody offline.
        if self.lease_s < 2 * self.heartbeat_s {
            wrong.push(Wrong {
                key: "presence.lease_s".into(),
                why: format!(
                    "must be at least twice presence.heartbeat_s ({}), not {}",
                    self.heartbeat_s, self.lease_s
                ),
            });
        }
    }
}
