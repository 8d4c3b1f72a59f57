//! Many clients come back at once: open a socket, sync from their cursor, fetch what they have missed.

use super::machine::{Cpu, check_open_files, rss_bytes};
use super::pace::Pace;
use super::request::Kept;
use super::row::{Latency, MB, Row, histogram};
use super::setup::Target;
use super::traffic::Traffic;
use super::wire;
use crate::audit::{PageSeen, SyncRowSeen, SyncSeen};
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use kith_client::Session;
use kith_protocol::ThreadId;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Members of each group.
const GROUP: usize = 10;
/// Messages that each group gets while nobody is there.
const MISSED: u64 = 5;
/// Clients that are on their way at the same time, each a thread of this program.
const AT_ONCE: usize = 256;
/// A thread that only talks to a socket needs little.
const STACK_BYTES: usize = 256 * 1024;
/// Messages a second between others while the clients come back.
const CHAT_PER_S: u64 = 1_000;
const CHAT_PAIRS: usize = 10;
/// A server that is just starting refuses connections; a client tries again soon.
const AGAIN: Duration = Duration::from_millis(20);
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// What a client knew when it went away.
struct Away {
    token: String,
    thread: ThreadId,
    cursor: String,
    /// Up to where it has the thread.
    have: u64,
    /// Up to where it will have it.
    head: u64,
}

/// How they came back.
struct Back {
    took_s: f64,
    each_ns: Histogram<u64>,
    entries: u64,
    /// Clients that did not get what they had missed.
    short: u64,
    sockets: Vec<TcpStream>,
}

/// So many clients come back to a server that did nothing else.
pub(super) fn catch_up(name: &str, target: &Target, clients: usize) -> Result<Row> {
    let away = go_away(target, clients)?;
    let before = Cpu::now(target.pid)?;
    let back = come_back(target.address(), &away)?;
    let used = before.until(&Cpu::now(target.pid)?);
    Ok(row(name, used, &back).valued(back.took_s, "s"))
}

/// The server is killed and starts again; all its clients come back, and meanwhile others chat.
pub fn storm(kith: &Path, folder: &Path, clients: usize) -> Result<Row> {
    check_open_files(clients)?;
    let mut server = Server::start(kith, folder)?;
    let target = Target::of(&server)?;
    let away = go_away(&target, clients)?;
    drop(target);
    let address = server.address();
    let began = Instant::now();
    server.kill_and_start(|| TcpStream::connect(address).is_ok())?;
    let target = Target::of(&server)?;
    let mut chat = target.pairs(CHAT_PAIRS, u64::MAX)?;
    let up_s = began.elapsed().as_secs_f64();
    let (storm_over, rss_max) = (AtomicBool::new(false), AtomicU64::new(0));
    let before = Cpu::now(target.pid)?;
    let (back, chat_ns) = std::thread::scope(|scope| {
        let chatting = scope.spawn(|| {
            chat_until(&mut chat, &storm_over, || {
                let rss = rss_bytes(server.pid())?.0;
                rss_max.fetch_max(rss, Ordering::Relaxed);
                Ok(())
            })
        });
        let back = come_back(address, &away);
        storm_over.store(true, Ordering::Relaxed);
        let chat = chatting.join().expect("the chat does not panic");
        anyhow::Ok((back?, chat?))
    })?;
    let used = before.until(&Cpu::now(target.pid)?);
    let (rss, most) = rss_bytes(server.pid())?;
    let mut row = row("storm", used, &back).valued(back.took_s, "s");
    row.rss_mb = Some(rss as f64 / MB);
    row.rss_max_mb = Some(most.max(rss_max.into_inner()) as f64 / MB);
    let chat_ms = Latency::of(&chat_ns);
    row.chat_p99_ms = Some(chat_ms.p99);
    row.note = format!(
        "{} clients, up again after {up_s:.2} s; others chatted meanwhile with p50 {:.2}, p99 {:.1} ms; {}",
        away.len(),
        chat_ms.p50,
        chat_ms.p99,
        row.note
    );
    Ok(row)
}

/// Signs up clients in groups, notes what they know, and lets them miss something.
fn go_away(target: &Target, clients: usize) -> Result<Vec<Away>> {
    let people = target.people(clients)?;
    let groups: Vec<&[Session]> = people.chunks(GROUP).collect();
    let threads: Result<Vec<ThreadId>> = groups.iter().map(|group| target.group(group)).collect();
    let mut away = Vec::with_capacity(clients);
    for (group, thread) in groups.iter().zip(threads?) {
        for person in *group {
            let mut http = Kept::connect(target.address(), &person.token)?;
            let told: SyncSeen = serde_json::from_slice(http.get("/v1/sync")?)?;
            away.push(Away {
                token: person.token.clone(),
                thread,
                cursor: told.cursor,
                have: 1,
                head: 1 + MISSED,
            });
        }
        let mut http = Kept::connect(target.address(), &group[0].token)?;
        for _ in 0..MISSED {
            http.post(&format!("/v1/threads/{thread}/messages"), &message(1))?;
        }
    }
    Ok(away)
}

/// A message of 100 bytes as the body of a request.
pub(super) fn message(seen_head: u64) -> String {
    let (id, text) = (Uuid::new_v4(), "x".repeat(super::scan::TEXT_BYTES));
    format!(r#"{{"client_msg_id":"{id}","seen_head":{seen_head},"text":"{text}"}}"#)
}

fn come_back(address: SocketAddr, away: &[Away]) -> Result<Back> {
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let parts = std::thread::scope(|scope| {
        let starts = (0..AT_ONCE.min(away.len())).map(|_| {
            std::thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, || some_come_back(address, away, &next))
        });
        let started: std::io::Result<Vec<_>> = starts.collect();
        started?
            .into_iter()
            .map(|part| part.join().expect("a client does not panic"))
            .collect::<Result<Vec<Back>>>()
    })?;
    let mut all = Back::none()?;
    all.took_s = began.elapsed().as_secs_f64();
    for part in parts {
        all.each_ns.add(part.each_ns)?;
        all.entries += part.entries;
        all.short += part.short;
        all.sockets.extend(part.sockets);
    }
    ensure!(
        all.sockets.len() == away.len(),
        "{} of {} clients came back",
        all.sockets.len(),
        away.len()
    );
    Ok(all)
}

/// One client after the other, as long as there are any.
fn some_come_back(address: SocketAddr, away: &[Away], next: &AtomicUsize) -> Result<Back> {
    let mut back = Back::none()?;
    while let Some(client) = away.get(next.fetch_add(1, Ordering::Relaxed)) {
        let began = Instant::now();
        let socket = loop {
            match wire::dial(address, &client.token) {
                Ok(socket) => break socket,
                Err(error) if began.elapsed() > START_TIMEOUT => return Err(error),
                Err(_) => std::thread::sleep(AGAIN),
            }
        };
        let (got, up_to) = client.catch_up(address)?;
        back.each_ns
            .saturating_record(began.elapsed().as_nanos() as u64);
        back.entries += got;
        back.short += u64::from(up_to != client.head);
        back.sockets.push(socket);
    }
    Ok(back)
}

impl Away {
    /// Entries fetched without a gap, and up to where.
    fn catch_up(&self, address: SocketAddr) -> Result<(u64, u64)> {
        let mut http = Kept::connect(address, &self.token)?;
        let answer = http.get(&format!("/v1/sync?cursor={}", self.cursor))?;
        let told: SyncSeen = serde_json::from_slice(answer)?;
        let changed = told.threads.iter().any(|row| match row {
            SyncRowSeen::Row(row) => row.thread.id == self.thread,
            _ => false,
        });
        if !changed {
            return Ok((0, self.have));
        }
        let mut have = self.have;
        loop {
            let path = format!(
                "/v1/threads/{}/messages?after={have}&limit=200",
                self.thread
            );
            let page: PageSeen<'_> = serde_json::from_slice(http.get(&path)?)?;
            for entry in &page.items {
                ensure!(
                    entry.seq == have + 1,
                    "entry {} comes after {have}",
                    entry.seq
                );
                have = entry.seq;
            }
            if !page.has_more_after {
                return Ok((have - self.have, have));
            }
        }
    }
}

impl Back {
    fn none() -> Result<Self> {
        Ok(Self {
            took_s: 0.0,
            each_ns: histogram()?,
            entries: 0,
            short: 0,
            sockets: Vec::new(),
        })
    }
}

fn row(name: &str, used: super::machine::Used, back: &Back) -> Row {
    let clients = back.sockets.len() as f64;
    let mut row = Row::new(name, used);
    row.server_us = Some(used.server_s * 1e6 / clients).filter(|us| *us > 0.0);
    row.generator_us = Some(used.own_s * 1e6 / clients);
    row.latency_ms = Some(Latency::of(&back.each_ns));
    row.faults = back.short;
    row.note = format!("{clients} clients fetched {} entries", back.entries);
    if back.short > 0 {
        row.note += &format!(", {} of them not all", back.short);
    }
    row
}

/// Keeps others talking until told to stop; gives how late their messages were.
fn chat_until(
    chat: &mut Traffic,
    over: &AtomicBool,
    mut tick: impl FnMut() -> Result<()>,
) -> Result<Histogram<u64>> {
    let mut latency_ns = histogram()?;
    while !over.load(Ordering::Relaxed) {
        chat.run(
            Pace::Open(CHAT_PER_S),
            Duration::ZERO,
            Duration::from_millis(250),
            &mut tick,
        )
        .context("others chat")?;
        latency_ns.add(&chat.counted().latency_ns)?;
    }
    Ok(latency_ns)
}
