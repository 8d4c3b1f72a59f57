//! A thread filled with messages, and pages anywhere in it.

use super::flow::Flow;
use super::machine::{Cpu, rss_bytes};
use super::request::Kept;
use super::row::{Latency, MB, Row, histogram};
use super::scenario::Size;
use super::setup::Target;
use super::traffic::Traffic;
use anyhow::{Result, ensure};
use kith_client::Session;
use kith_protocol::ThreadId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::Instant;

/// Requests for pages in each of the two threads.
const PAGES: usize = 4_000;
/// Members of the thread that is filled: too many for personal channels, so that what is written is
/// pushed to its author only.
const MEMBERS: usize = 104;
/// Who writes: with [`UNDER_WAY`] as much as the server always lets in to one thread.
const WRITERS: usize = 4;
/// At 64 unacknowledged sends the server stops reading, so a little less.
const UNDER_WAY: u64 = 60;

/// A thread with many entries, and somebody who may read it.
pub struct Filled {
    /// The thread.
    pub thread: ThreadId,
    /// Its entries.
    pub entries: u64,
    /// A member's token.
    pub token: String,
}

/// Fills a group with messages, in batches as large as the server makes them.
pub fn fill(target: &Target, entries: u64, progress: impl FnMut(u64)) -> Result<Filled> {
    let people = target.people(MEMBERS)?;
    let thread = target.group(&people)?;
    let run = uuid::Uuid::new_v4();
    let flows = (0..WRITERS)
        .map(|writer| Flow::new(writer, thread.to_string(), UNDER_WAY, 0, run))
        .collect();
    let writers: Vec<&Session> = people.iter().take(WRITERS).collect();
    let mut traffic = Traffic::new(target.wires(&writers, None)?, flows, WRITERS)?;
    traffic.fill(entries, progress)?;
    Ok(Filled {
        thread,
        entries,
        token: people[0].token.clone(),
    })
}

/// Pages of 50 at places drawn at random, in turn from a long and a short thread.
pub(super) fn pages(name: &str, target: &Target, long: &Filled, size: Size) -> Result<Row> {
    let short = fill(target, 1_000, |_| {})?;
    let before = Cpu::now(target.pid)?;
    let mut rng = StdRng::seed_from_u64(size.seed);
    let mut times = [histogram()?, histogram()?];
    let mut http = Kept::connect(target.address(), &long.token)?;
    let mut http_short = Kept::connect(target.address(), &short.token)?;
    for round in 0..PAGES {
        for (which, thread) in [long, &short].into_iter().enumerate() {
            let http = if which == 0 {
                &mut http
            } else {
                &mut http_short
            };
            let place = rng.random_range(60..thread.entries);
            let path = format!(
                "/v1/threads/{}/messages?before={place}&limit=50",
                thread.thread
            );
            let began = Instant::now();
            let answer = http.get(&path)?;
            let took_ns = began.elapsed().as_nanos() as u64;
            // A check now and then; on every page it would cost more than the page.
            if round % 100 == 0 {
                let page: crate::audit::PageSeen<'_> = serde_json::from_slice(answer)?;
                let last = page.items.last().map(|entry| entry.seq);
                ensure!(
                    page.items.len() == 50 && last == Some(place - 1),
                    "the page before {place} has {} entries up to {last:?}",
                    page.items.len()
                );
            }
            times[which].saturating_record(took_ns);
        }
    }
    let used = before.until(&Cpu::now(target.pid)?);
    let [long_ns, short_ns] = times.each_ref().map(Latency::of);
    let mut row = Row::new(name, used).valued(long_ns.p99, "ms (p99)");
    row.server_us = Some(used.server_s * 1e6 / (2 * PAGES) as f64).filter(|us| *us > 0.0);
    row.latency_ms = Some(long_ns);
    row.ratio = Some(long_ns.p50 / short_ns.p50);
    row.note = format!(
        "{} entries; median {:.3} ms, {:.2} × that of 1,000 entries ({:.3} ms)",
        long.entries,
        long_ns.p50,
        long_ns.p50 / short_ns.p50,
        short_ns.p50
    );
    if let Some(pid) = target.pid {
        row.rss_mb = Some(rss_bytes(pid)?.0 as f64 / MB);
    }
    Ok(row)
}
