//! Figures for Prometheus: what is counted across the server, and the page that shows it.
//!
//! Parts count with the macros of the `metrics` crate under names that begin with `kith_`; figures
//! that somebody else keeps (the store's, the process's) are read when the page is asked for.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the buckets of every `..._seconds` histogram: from one fsync to what a person notices.
const SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0,
];

/// What has been counted so far.
#[derive(Clone)]
pub struct Figures {
    page: PrometheusHandle,
}

impl Figures {
    /// Starts counting. Once per process; a second call is refused.
    pub fn start() -> anyhow::Result<Self> {
        let page = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
            .install_recorder()?;
        metrics::gauge!("kith_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Ok(Self { page })
    }

    /// The page in Prometheus's text format. `read` are figures that are kept elsewhere: name
    /// without `kith_`, value.
    pub fn render(&self, read: &[(&'static str, f64)]) -> String {
        for (name, value) in read {
            metrics::gauge!(format!("kith_{name}")).set(*value);
        }
        if let Some(bytes) = resident_bytes() {
            metrics::gauge!("process_resident_memory_bytes").set(bytes);
        }
        self.page.run_upkeep();
        self.page.render()
    }
}

/// Memory of this process, where the system tells.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024.0)
}
