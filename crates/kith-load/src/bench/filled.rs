//! What a large store costs: pages of it, messages beside it, starting with it, its room on the disk.

use super::machine::{Cpu, Used, rss_bytes};
use super::pages::{Filled, fill, pages};
use super::request::Kept;
use super::row::{MB, Row};
use super::scenario::{PAIRS, Size, messages};
use super::setup::Target;
use super::{come_back, doctor};
use crate::server::Server;
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a large store is compared with.
const FEW_ENTRIES: u64 = 10_000;

/// Rows of the scenarios that need a filled store, of so many rounds.
pub fn filled(
    binary: &Path,
    folder: &Path,
    size: Size,
    rounds: usize,
    progress: impl FnMut(u64),
) -> Result<Vec<Row>> {
    let mut server = Server::start(binary, folder)?;
    let long = fill(&Target::of(&server)?, size.entries, progress)?;
    let mut rows = vec![room_on_disk(&server, long.entries)?];
    for round in 0..rounds {
        let seed = size.seed + round as u64;
        // Each round has another process, and connections of its own.
        let target = Target::of(&server)?;
        let mut of_round = vec![pages("pages", &target, &long, Size { seed, ..size })?];
        of_round.push(beside(binary, folder, &target, &long, size)?);
        of_round.extend(killed(&mut server, &long, target.address())?);
        for row in &mut of_round {
            row.run = round;
        }
        rows.extend(of_round);
    }
    server.kill()?;
    rows.extend(doctor::doctor(binary, &server.data(), long.entries)?);
    Ok(rows)
}

/// What an entry takes on the disk, with everything that lies beside it.
fn room_on_disk(server: &Server, entries: u64) -> Result<Row> {
    let bytes = server.disk_bytes()?;
    let each = bytes as f64 / entries as f64;
    let mut row = Row::new("disk-bytes", Used::default()).valued(each, "bytes a message");
    row.note = format!(
        "{entries} entries, {:.0} MB with journals",
        bytes as f64 / MB
    );
    Ok(row)
}

/// What a message costs on this server and on one that holds little.
fn beside(binary: &Path, folder: &Path, target: &Target, long: &Filled, size: Size) -> Result<Row> {
    let third = Size {
        duration: size.duration / 3,
        ..size
    };
    let cost = |target: &Target| -> Result<Row> {
        messages("stored", target, target.pairs(PAIRS, 10)?, third)
    };
    let small_server = Server::start(binary, folder)?;
    let small_target = Target::of(&small_server)?;
    fill(&small_target, FEW_ENTRIES.min(long.entries), |_| {})?;
    let (small, large) = (cost(&small_target)?, cost(target)?);
    let us = |row: &Row| row.server_us.context("no CPU was counted");
    let (small_us, large_us) = (us(&small)?, us(&large)?);
    let mut row = large.valued(large_us / small_us, "× the CPU with 10,000 stored");
    row.duration_s += small.duration_s;
    row.faults += small.faults;
    row.disturbed |= small.disturbed;
    row.note = format!(
        "{large_us:.1} µs a message beside {} entries, {small_us:.1} beside {} {}",
        long.entries,
        FEW_ENTRIES.min(long.entries),
        row.note
    );
    Ok(row)
}

/// Where the thread stood that a page is of.
fn as_of_seq(page: &[u8]) -> Result<u64> {
    let page: serde_json::Value = serde_json::from_slice(page)?;
    page["as_of_seq"].as_u64().context("this is no page")
}

/// The first answer is a page of the long thread, so nothing is answered before the store is there;
/// then a message is sent until it is accepted.
fn killed(server: &mut Server, long: &Filled, address: SocketAddr) -> Result<[Row; 2]> {
    let before = Cpu::now(None)?;
    let page = format!("/v1/threads/{}/messages?limit=50", long.thread);
    let messages = format!("/v1/threads/{}/messages", long.thread);
    let mut http = None;
    let answered = server.kill_and_start(|| {
        let answer = Kept::connect(address, &long.token).and_then(|mut kept| {
            let head = as_of_seq(kept.get(&page)?)?;
            http = Some((kept, head));
            Ok(())
        });
        answer.is_ok()
    })?;
    let sending = Instant::now();
    // A client knows the head from the page. One that knew nothing would have its first message looked for
    // in the whole thread: it may be a retry.
    let (mut http, head) = http.context("no connection answered")?;
    while let Err(error) = http.post(&messages, &come_back::message(head)) {
        if sending.elapsed() > Duration::from_secs(10) {
            return Err(error.context("no message was accepted after the start"));
        }
    }
    let accepted = answered + sending.elapsed();
    let used = before.until(&Cpu::now(None)?);
    let row = |name: &str, took: Duration| -> Result<Row> {
        let mut row = Row::new(name, used).valued(took.as_secs_f64() * 1000.0, "ms");
        // The server itself is "others" here, so that it says nothing about neighbours.
        (row.others_cores, row.disturbed) = (0.0, false);
        row.rss_mb = Some(rss_bytes(server.pid())?.0 as f64 / MB);
        row.note = format!("{} entries", long.entries);
        Ok(row)
    };
    Ok([
        row("start-after-kill", answered)?,
        row("first-send", accepted)?,
    ])
}
