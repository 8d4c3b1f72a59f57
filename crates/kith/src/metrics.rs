//! Figures for Prometheus: every name with its meaning, and the page that shows them.
//!
//! Most are kept by the part that they are about and read when the page is asked for, so that they
//! cost nothing on the way of a message. Requests over HTTP are counted here.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::Instant;

/// Bounds of the buckets for durations: from one fsync to what a person finds long.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// What a figure is.
#[derive(Clone, Copy)]
enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}
use Kind::{Counter, Gauge};

/// Figures that are kept elsewhere: name there, name on the page, what it is, what it means.
const KEPT: &[(&str, &str, Kind, &str)] = &[
    ("connections", "kith_connections", Gauge, "open sockets"),
    (
        "unanswered_commands",
        "kith_unanswered_commands",
        Gauge,
        "sends and other acts on threads that are not answered yet",
    ),
    (
        "overloaded",
        "kith_overloaded_total",
        Counter,
        "acts on threads that were refused because more came than could be done in time",
    ),
    (
        "commits",
        "kith_store_commits_total",
        Counter,
        "batches made durable, one fdatasync each",
    ),
    (
        "committed_requests",
        "kith_store_committed_requests_total",
        Counter,
        "writes in these batches",
    ),
    (
        "committed_rows",
        "kith_store_committed_rows_total",
        Counter,
        "rows in these batches",
    ),
    (
        "largest_batch_requests",
        "kith_store_largest_batch_requests",
        Gauge,
        "writes in the largest batch",
    ),
    (
        "commit_seconds",
        "kith_store_commit_seconds",
        Gauge,
        "time spent in commits since the start",
    ),
    (
        "slowest_commit_seconds",
        "kith_store_slowest_commit_seconds",
        Gauge,
        "the slowest commit since the start",
    ),
    (
        "waiting_requests",
        "kith_store_waiting_requests",
        Gauge,
        "writes that wait for the next batch",
    ),
    (
        "waiting_delivered_marks",
        "kith_store_waiting_delivered_marks",
        Gauge,
        "delivered marks not stored yet",
    ),
    (
        "disk_bytes",
        "kith_store_disk_bytes",
        Gauge,
        "size of the data on disk",
    ),
    (
        "journals",
        "kith_store_journals",
        Gauge,
        "journals not yet written into tables",
    ),
    (
        "memtable_bytes",
        "kith_store_memtable_bytes",
        Gauge,
        "rows in memory, not in tables yet",
    ),
    (
        "cache_bytes",
        "kith_store_cache_bytes",
        Gauge,
        "blocks kept in memory",
    ),
    (
        "compactions",
        "kith_store_compactions_total",
        Counter,
        "merges of tables",
    ),
];

const RESIDENT: &str = "process_resident_memory_bytes";
const BUILD: &str = "kith_build_info";
const REQUESTS: &str = "kith_http_requests_total";
const REQUEST_SECONDS: &str = "kith_http_request_seconds";

/// What has been counted so far.
#[derive(Clone)]
pub struct Figures {
    page: PrometheusHandle,
}

impl Figures {
    /// Starts counting. Once per process; a second call is refused.
    pub fn start() -> anyhow::Result<Self> {
        let page = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.into()), SECONDS)?
            .install_recorder()?;
        for (_, name, kind, meaning) in KEPT {
            match kind {
                Counter => metrics::describe_counter!(*name, *meaning),
                Gauge => metrics::describe_gauge!(*name, *meaning),
            }
        }
        metrics::describe_gauge!(RESIDENT, "memory of the process");
        metrics::describe_gauge!(BUILD, "the running version, as a label");
        metrics::describe_counter!(REQUESTS, "requests by route and status");
        metrics::describe_histogram!(
            REQUEST_SECONDS,
            "time to answer, by route; long polls wait on purpose"
        );
        metrics::gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Ok(Self { page })
    }

    /// The page in Prometheus's text format, with figures that are kept elsewhere.
    pub fn render(&self, kept: &[(&'static str, f64)]) -> String {
        for (name, value) in kept {
            match KEPT.iter().find(|(there, ..)| there == name) {
                Some((_, shown, Counter, _)) => metrics::counter!(*shown).absolute(*value as u64),
                Some((_, shown, Gauge, _)) => metrics::gauge!(*shown).set(*value),
                None => metrics::gauge!(format!("kith_{name}")).set(*value),
            }
        }
        if let Some(bytes) = resident_bytes() {
            metrics::gauge!(RESIDENT).set(bytes);
        }
        self.page.run_upkeep();
        self.page.render()
    }
}

/// A layer that counts requests by the route that they took, never by the address in them.
#[expect(
    clippy::disallowed_methods,
    reason = "how long an answer took is not the rules' time"
)]
pub async fn count_requests(request: Request, next: Next) -> Response {
    let route = match request.extensions().get::<MatchedPath>() {
        Some(path) => path.as_str().to_owned(),
        None => "other".to_owned(),
    };
    let began = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!(REQUESTS, "route" => route.clone(), "status" => status).increment(1);
    metrics::histogram!(REQUEST_SECONDS, "route" => route).record(began.elapsed());
    response
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
