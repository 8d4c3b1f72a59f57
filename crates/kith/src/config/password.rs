//! `[password]`: what checking a password costs.

use super::section::{Wrong, section};

section! {
    /// What checking a password (Argon2id) costs.
    Password {
        /// Memory of one check.
        memory_kib: u32 = 19_456, in 8..=1_048_576;
        /// Passes over that memory.
        iterations: u32 = 2, in 1..=100;
        /// Lanes of that memory.
        parallelism: u32 = 1, in 1..=16;
        /// Checks at the same time; each keeps one core busy.
        workers: usize = 1, in 1..=64;
        /// Checks that may wait; more are answered "try later".
        queue: usize = 64, in 1..=10_000;
    }
}

impl Password {
    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        // Argon2 needs eight blocks of 1 KiB for each lane.
        let least_kib = 8 * self.parallelism;
        if self.memory_kib < least_kib {
            wrong.push(Wrong {
                key: "password.memory_kib".into(),
                why: format!(
                    "must be at least {least_kib} (8 for each of password.parallelism = {}), not {}",
                    self.parallelism, self.memory_kib
                ),
            });
        }
    }
}
