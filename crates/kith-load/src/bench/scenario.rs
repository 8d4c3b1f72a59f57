//! The scenarios of the table: what each does to a server and what it measures.

use super::machine::{Cpu, Used, rss_bytes};
use super::row::{Latency, Row, histogram};
use super::setup::Target;
use super::traffic::{Pace, Traffic};
use super::wire;
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use hdrhistogram::Histogram;
use indicatif::ProgressBar;
use kith_client::Session;
use kith_protocol::ThreadId;
use kith_protocol::session::{Device, DeviceKind, Login};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

const PAIRS: usize = 50;
const WARM_UP: Duration = Duration::from_millis(1_000);
const MB: f64 = 1e6;
/// Sessions that one person of the idle scenario has.
const DEVICES_EACH: usize = 16;
/// Threads that resume at the same time.
const RESUMERS: usize = 4;
/// Requests for pages in each of the two threads.
const PAGES: usize = 4_000;

/// What can be measured on a running server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// 50 pairs, ten messages of each under way.
    Pairs,
    /// 50 pairs, one message of each under way.
    PairsOne,
    /// 5,000 messages a second on a schedule: how late do they arrive?
    Open,
    /// 10,000 messages a second on a schedule: how much memory does it take?
    #[value(name = "open-10k")]
    Open10k,
    /// A group of 200 online, one message at a time.
    Room,
    /// A group of 200 online, 32 messages under way.
    RoomBusy,
    /// 5,000 members of whom 10 are online, compared with a group of 10.
    Crowd,
    /// 10,000 authenticated sockets that say nothing.
    Idle,
    /// Connect with a token and sync, again and again.
    Resume,
    /// Pages of 50 anywhere in a long thread, compared with a short one.
    Pages,
}

/// How long and how large.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Measured time.
    pub duration: Duration,
    /// Idle sockets.
    pub sockets: usize,
    /// Entries of the long thread.
    pub entries: u64,
    /// Members of the large group.
    pub members: usize,
    /// For what is drawn.
    pub seed: u64,
}

impl Scenario {
    /// The name on the command line and in results.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Runs it.
    pub fn run(self, target: &Target, size: Size) -> Result<Row> {
        let name = self.name();
        let row = match self {
            Self::Pairs => messages(&name, target, target.pairs(PAIRS, 10)?, size),
            Self::PairsOne => messages(&name, target, target.pairs(PAIRS, 1)?, size),
            Self::Open => late(&name, target, 5_000, size),
            Self::Open10k => late(&name, target, 10_000, size),
            Self::Room => deliveries(&name, target, 1, size),
            Self::RoomBusy => deliveries(&name, target, 32, size),
            Self::Crowd => crowd(&name, target, size),
            Self::Idle => idle(&name, target, size),
            Self::Resume => resume(&name, target, size),
            Self::Pages => {
                let bar = ProgressBar::new(size.entries).with_message("filling");
                let long = fill(target, size.entries, |done| bar.set_position(done))?;
                bar.finish_and_clear();
                pages(&name, target, &long, size)
            }
        };
        row.with_context(|| name)
    }
}

fn messages(name: &str, target: &Target, mut traffic: Traffic, size: Size) -> Result<Row> {
    let row = measured(name, target, &mut traffic, Pace::Window, size.duration)?;
    let per_s = row.messages_per_s.unwrap_or_default();
    Ok(row.valued(per_s, "messages/s"))
}

fn late(name: &str, target: &Target, per_s: u64, size: Size) -> Result<Row> {
    let mut traffic = target.pairs(PAIRS, u64::MAX)?;
    let row = measured(name, target, &mut traffic, Pace::Open(per_s), size.duration)?;
    let p99 = row.latency_ms.unwrap_or_default().p99;
    Ok(row.valued(p99, "ms (p99)"))
}

fn deliveries(name: &str, target: &Target, window: u64, size: Size) -> Result<Row> {
    let (mut traffic, _) = target.room(200, 200, 1, window)?;
    let row = measured(name, target, &mut traffic, Pace::Window, size.duration)?;
    let per_s = row.deliveries_per_s.unwrap_or_default();
    Ok(row.valued(per_s, "deliveries/s"))
}

/// The same ten people send the same way in a small and in a large group.
fn crowd(name: &str, target: &Target, size: Size) -> Result<Row> {
    let half = size.duration / 2;
    let cost = |members| -> Result<Row> {
        let (mut traffic, _) = target.room(members, 10, 10, 4)?;
        measured(name, target, &mut traffic, Pace::Window, half)
    };
    let (small, large) = (cost(10)?, cost(size.members)?);
    let us = |row: &Row| row.server_us.context("the server's --pid is needed");
    let (small_us, large_us) = (us(&small)?, us(&large)?);
    let mut row = large.valued(large_us / small_us, "× the CPU of a group of 10");
    row.duration_s += small.duration_s;
    row.faults += small.faults;
    row.disturbed |= small.disturbed;
    row.note = format!(
        "{large_us:.1} µs a message with {} members, {small_us:.1} with 10 {}",
        size.members, row.note
    );
    Ok(row)
}

fn idle(name: &str, target: &Target, size: Size) -> Result<Row> {
    let pid = target.pid.context("the server's --pid is needed")?;
    let tokens = devices(target, size.sockets)?;
    let before = Cpu::now(target.pid)?;
    std::thread::sleep(Duration::from_secs(2));
    let (rss_before, _) = rss_bytes(pid)?;
    let began = Instant::now();
    let mut sockets = Vec::with_capacity(tokens.len());
    for token in &tokens {
        sockets.push(wire::dial(target.address(), token)?);
    }
    let connect_s = began.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_secs(2));
    let (rss, _) = rss_bytes(pid)?;
    let used = before.until(&Cpu::now(target.pid)?);
    let each = (rss as f64 - rss_before as f64) / tokens.len() as f64;
    let mut row = Row::new(name, used).valued(each / 1000.0, "kB each");
    row.rss_mb = Some(rss as f64 / MB);
    row.note = format!(
        "{} sockets, opened at {:.0}/s",
        tokens.len(),
        tokens.len() as f64 / connect_s
    );
    Ok(row)
}

/// Tokens of so many devices.
fn devices(target: &Target, count: usize) -> Result<Vec<String>> {
    use futures_util::StreamExt;
    let people = target.people(count.div_ceil(DEVICES_EACH))?;
    let mut tokens: Vec<String> = people.iter().map(|person| person.token.clone()).collect();
    let more: Vec<&Session> = people
        .iter()
        .flat_map(|person| std::iter::repeat_n(person, DEVICES_EACH - 1))
        .take(count - tokens.len())
        .collect();
    let signed_in: Vec<_> = target.wait(async {
        let calls = more.into_iter().map(|person| {
            let login = Login {
                handle: Some(person.user.handle.clone()),
                email: None,
                password: super::setup::PASSWORD.to_owned(),
                device: Device {
                    kind: DeviceKind::Bot,
                    label: "idle".to_owned(),
                },
                takeover: None,
                cookie: None,
            };
            async move { person.login(&login).await.map(|session| session.token) }
        });
        futures_util::stream::iter(calls)
            .buffered(16)
            .collect()
            .await
    });
    for token in signed_in {
        tokens.push(token.context("sign in")?);
    }
    Ok(tokens)
}

/// Each resumption connects, upgrades, says hello, waits for the welcome and asks sync, over a
/// connection that is kept, what changed since its cursor.
fn resume(name: &str, target: &Target, size: Size) -> Result<Row> {
    let people = target.people(RESUMERS)?;
    for two in people.windows(2) {
        target.direct(&two[0], &two[1])?;
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
    let mut http = super::request::Kept::connect(target.address(), &person.token)?;
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
        let told: crate::audit::SyncSeen = serde_json::from_slice(answer)?;
        cursor = told.cursor;
        latency_ns.saturating_record(began.elapsed().as_nanos() as u64);
        drop(socket);
    }
    Ok(latency_ns)
}

/// A thread with many entries, and somebody who may read it.
pub struct Filled {
    /// The thread.
    pub thread: ThreadId,
    /// Its entries.
    pub entries: u64,
    /// A member's token.
    pub token: String,
}

/// Fills a group of three with messages.
pub fn fill(target: &Target, entries: u64, progress: impl FnMut(u64)) -> Result<Filled> {
    let people = target.people(3)?;
    let thread = target.group(&people)?;
    let run = uuid::Uuid::new_v4();
    // At 64 unacknowledged sends the server stops reading, so a little less.
    let flows = (0..3)
        .map(|sender| super::traffic::Flow::new(sender, thread.to_string(), 60, 2, run))
        .collect();
    let all: Vec<&Session> = people.iter().collect();
    let mut traffic = Traffic::new(target.wires(&all, Some(thread))?, flows, all.len())?;
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
    let mut http = super::request::Kept::connect(target.address(), &long.token)?;
    let mut http_short = super::request::Kept::connect(target.address(), &short.token)?;
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

/// Runs traffic and reads CPU and memory around the measured time.
fn measured(
    name: &str,
    target: &Target,
    traffic: &mut Traffic,
    pace: Pace,
    duration: Duration,
) -> Result<Row> {
    let (mut first, mut last) = (None, None);
    let mut rss_max = 0;
    traffic.run(pace, WARM_UP, duration, || {
        let now = Cpu::now(target.pid)?;
        first.get_or_insert(now);
        last = Some(now);
        if let Some(pid) = target.pid {
            rss_max = rss_bytes(pid)?.0.max(rss_max);
        }
        Ok(())
    })?;
    let used = match (first, last) {
        (Some(first), Some(last)) => first.until(&last),
        _ => Used::default(),
    };
    let mut row = Row::new(name, used).with_traffic(used, traffic.counted());
    if let Some(pid) = target.pid {
        row.rss_mb = Some(rss_bytes(pid)?.0 as f64 / MB);
        row.rss_max_mb = Some(rss_max as f64 / MB);
    }
    Ok(row)
}
