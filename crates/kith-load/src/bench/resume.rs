//! Connect with a token and sync, again and again.

use super::machine::Cpu;
use super::request::Kept;
use super::row::{Latency, Row, histogram};
use super::scenario::Size;
use super::setup::Target;
use super::wire;
use crate::audit::SyncSeen;
use anyhow::Result;
use hdrhistogram::Histogram;
use kith_client::Session;
use std::time::Instant;

/// Threads of this program that resume at the same time.
const RESUMERS: usize = 4;
/// Conversations that each of them has.
const THREADS: usize = 20;

/// Each resumption connects, upgrades, says hello, waits for the welcome and asks sync, over a
/// connection that is kept, what changed since its cursor.
pub(super) fn resume(name: &str, target: &Target, size: Size) -> Result<Row> {
    let people = target.people(RESUMERS)?;
    for other in target.people(THREADS)? {
        for person in &people {
            target.direct(person, &other)?;
        }
    }
    let before = Cpu::now(target.pid)?;
    let end = Instant::now() + size.duration;
    let counts: Result<Vec<Histogram<u64>>> = std::thread::scope(|scope| {
        let resumers: Vec<_> = people
            .iter()
            .map(|person| scope.spawn(|| resume_until(target, person, end)))
            .collect();
        resumers
            .into_iter()
            .map(|resumer| resumer.join().expect("a resumer does not panic"))
            .collect()
    });
    let used = before.until(&Cpu::now(target.pid)?);
    let mut all = histogram()?;
    for one in counts? {
        all.add(one)?;
    }
    let count = all.len() as f64;
    let mut row = Row::new(name, used).valued(count / used.wall_s, "resumptions/s");
    row.server_us = Some(used.server_s * 1e6 / count);
    row.generator_us = Some(used.own_s * 1e6 / count);
    row.latency_ms = Some(Latency::of(&all));
    Ok(row)
}

fn resume_until(target: &Target, person: &Session, end: Instant) -> Result<Histogram<u64>> {
    let mut http = Kept::connect(target.address(), &person.token)?;
    let mut cursor = String::new();
    let mut latency_ns = histogram()?;
    while Instant::now() < end {
        let began = Instant::now();
        let socket = wire::dial(target.address(), &person.token)?;
        let path = if cursor.is_empty() {
            "/v1/sync".to_owned()
        } else {
            format!("/v1/sync?cursor={cursor}")
        };
        let answer = http.get(&path)?;
        let told: SyncSeen = serde_json::from_slice(answer)?;
        cursor = told.cursor;
        latency_ns.saturating_record(began.elapsed().as_nanos() as u64);
        drop(socket);
    }
    Ok(latency_ns)
}
