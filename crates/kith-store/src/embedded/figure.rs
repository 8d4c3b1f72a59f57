//! Figures of the engine, for metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters that only grow, but for the largest values.
#[derive(Default)]
pub(super) struct Figures {
    commits: AtomicU64,
    requests: AtomicU64,
    rows: AtomicU64,
    largest_batch: AtomicU64,
    commit_us: AtomicU64,
    slowest_commit_us: AtomicU64,
    slowest_apply_us: AtomicU64,
}

impl Figures {
    /// A commit took so long.
    pub(super) fn committed(&self, requests: usize, rows: usize, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Relaxed);
        self.requests.fetch_add(requests as u64, Relaxed);
        self.rows.fetch_add(rows as u64, Relaxed);
        self.largest_batch.fetch_max(requests as u64, Relaxed);
        self.commit_us.fetch_add(took_us, Relaxed);
        self.slowest_commit_us.fetch_max(took_us, Relaxed);
    }

    /// A write to fjall took so long.
    pub(super) fn applied(&self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.slowest_apply_us.fetch_max(took_us, Relaxed);
    }

    /// Name and value of each.
    pub(super) fn all(&self) -> Vec<(&'static str, f64)> {
        let of = |figure: &AtomicU64| figure.load(Relaxed) as f64;
        vec![
            ("commits", of(&self.commits)),
            ("committed_requests", of(&self.requests)),
            ("committed_rows", of(&self.rows)),
            ("largest_batch_requests", of(&self.largest_batch)),
            ("commit_seconds", of(&self.commit_us) / 1e6),
            ("slowest_commit_seconds", of(&self.slowest_commit_us) / 1e6),
            ("slowest_apply_seconds", of(&self.slowest_apply_us) / 1e6),
        ]
    }
}
