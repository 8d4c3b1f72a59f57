//! How long a server with a million entries takes from its start to its first answer.

use super::machine::{Cpu, rss_bytes};
use super::request::Kept;
use super::row::Row;
use super::scenario::{self, Filled, Size};
use super::setup::Target;
use crate::server::Server;
use anyhow::Result;
use std::net::SocketAddr;
use std::path::Path;

/// Rows of the scenarios that need a filled store: pages, and starting after `kill -9`.
pub fn filled(
    binary: &Path,
    folder: &Path,
    size: Size,
    rounds: usize,
    progress: impl FnMut(u64),
) -> Result<Vec<Row>> {
    let mut server = Server::start(binary, folder)?;
    let target = Target::new(&server.url(), Some(server.pid()))?;
    let long = scenario::fill(&target, size.entries, progress)?;
    let mut rows = Vec::new();
    for round in 0..rounds {
        let seed = size.seed + round as u64;
        // Each round has another process, and connections of its own.
        let target = Target::new(&server.url(), Some(server.pid()))?;
        rows.push(scenario::pages(
            "pages",
            &target,
            &long,
            Size { seed, ..size },
        )?);
        rows.push(killed(&mut server, &long, target.address())?);
    }
    Ok(rows)
}

/// The first answer is a page of the long thread, so nothing is answered before the store is there.
fn killed(server: &mut Server, long: &Filled, address: SocketAddr) -> Result<Row> {
    let before = Cpu::now(None)?;
    let path = format!("/v1/threads/{}/messages?limit=50", long.thread);
    let took = server.kill_and_start(|| {
        let answer = Kept::connect(address, &long.token)
            .and_then(|mut http| http.get(&path).map(|page| !page.is_empty()));
        answer.unwrap_or(false)
    })?;
    let used = before.until(&Cpu::now(None)?);
    let ms = took.as_secs_f64() * 1000.0;
    let mut row = Row::new("start-after-kill", used).valued(ms, "ms");
    // The server itself is "others" here, so that it says nothing about neighbours.
    (row.others_cores, row.disturbed) = (0.0, false);
    row.rss_mb = Some(rss_bytes(server.pid())?.0 as f64 / 1e6);
    row.note = format!("{} entries", long.entries);
    Ok(row)
}
