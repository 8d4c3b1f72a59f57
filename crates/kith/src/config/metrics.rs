//! `[metrics]`: figures for Prometheus.

use super::section::section;

section! {
    /// Figures for Prometheus.
    Metrics {
        /// Whether they are collected and shown.
        enabled: bool = true;
    }
}
