//! The scenarios of the table: what each does to a server and what it measures.

use super::limit::{self, Shape};
use super::machine::{Cpu, Used, rss_bytes};
use super::pace::Pace;
use super::row::{MB, Row};
use super::setup::Target;
use super::traffic::Traffic;
use super::{come_back, idle, overload, pages, resume};
use anyhow::{Context, Result};
use clap::ValueEnum;
use indicatif::ProgressBar;
use std::path::Path;
use std::time::Duration;

/// Of most scenarios with messages.
pub(super) const PAIRS: usize = 50;
/// People of the small and the large room; fewer if the largest group of the run is smaller.
pub(super) const ROOM: usize = 200;
pub(super) const ROOM_LARGE: usize = 1_000;
/// At most; runs that are only a try need less.
const WARM_UP_MAX: Duration = Duration::from_secs(1);

/// What can be measured on a running server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// 50 pairs, ten messages of each under way.
    Pairs,
    /// 50 pairs, one message of each under way.
    PairsOne,
    /// 5,000 messages a second on a schedule: how late do they arrive?
    Open,
    /// 10,000 messages a second on a schedule: how late, and how much memory does it take?
    #[value(name = "open-10k")]
    Open10k,
    /// A group of 200 online, one message at a time.
    Room,
    /// A group of 200 online, 32 messages under way.
    RoomBusy,
    /// A group of 1,000 online, one message at a time.
    RoomLarge,
    /// 5,000 members of whom 10 are online, compared with a group of 10.
    Crowd,
    /// 10,000 authenticated sockets: memory while they say nothing, and after some traffic.
    Idle,
    /// Connect with a token and sync 20 threads, again and again.
    Resume,
    /// 2,000 clients come back at once and fetch what they have missed.
    CatchUp,
    /// Pages of 50 anywhere in a long thread, compared with a short one.
    Pages,
    /// Three times as much as can be done: what is done, how late, and when is it over?
    Overload,
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
    /// Clients that come back after missing something.
    pub returning: usize,
    /// Messages a second of the open loop; twice as many of the faster one.
    pub open_per_s: u64,
    /// For what is drawn.
    pub seed: u64,
}

impl Default for Size {
    /// That of the targets.
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            sockets: 10_000,
            entries: 1_000_000,
            members: 5_000,
            returning: 2_000,
            open_per_s: 5_000,
            seed: 1,
        }
    }
}

impl Size {
    /// Warm-up and measured time.
    fn times(&self) -> (Duration, Duration) {
        (WARM_UP_MAX.min(self.duration), self.duration)
    }
}

impl Scenario {
    /// The name on the command line and in results.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Runs it, and measures what the disk under `folder` and bare sockets do of the same work.
    pub fn run(self, target: &Target, size: Size, folder: &Path) -> Result<Vec<Row>> {
        let name = self.name();
        let mut rows = self.measure(&name, target, size).context(name)?;
        if let (Some(shape), Some(row)) = (Shape::of(self, size), rows.first_mut()) {
            limit::beside(row, shape, folder, size.duration)?;
        }
        Ok(rows)
    }

    fn measure(self, name: &str, target: &Target, size: Size) -> Result<Vec<Row>> {
        let row = match self {
            Self::Pairs => messages(name, target, target.pairs(PAIRS, 10)?, size),
            Self::PairsOne => messages(name, target, target.pairs(PAIRS, 1)?, size),
            Self::Open => late(name, target, size.open_per_s, size),
            Self::Open10k => late(name, target, 2 * size.open_per_s, size),
            Self::Room => deliveries(name, target, ROOM, 1, size),
            Self::RoomBusy => deliveries(name, target, ROOM, 32, size),
            Self::RoomLarge => deliveries(name, target, ROOM_LARGE, 1, size),
            Self::Crowd => crowd(name, target, size),
            Self::Idle => return idle::idle(name, target, size),
            Self::Resume => resume::resume(name, target, size),
            Self::CatchUp => come_back::catch_up(name, target, size.returning),
            Self::Pages => {
                let bar = ProgressBar::new(size.entries).with_message("filling");
                let long = pages::fill(target, size.entries, |done| bar.set_position(done))?;
                bar.finish_and_clear();
                pages::pages(name, target, &long, size)
            }
            Self::Overload => overload::overload(name, target, size),
        };
        Ok(vec![row?])
    }
}

/// As many messages as the windows allow.
pub(super) fn messages(
    name: &str,
    target: &Target,
    mut traffic: Traffic,
    size: Size,
) -> Result<Row> {
    let times = size.times();
    let row = measured(name, Some(target), &mut traffic, times, Pace::Window)?;
    let per_s = row.messages_per_s.unwrap_or_default();
    Ok(row.valued(per_s, "messages/s"))
}

fn late(name: &str, target: &Target, per_s: u64, size: Size) -> Result<Row> {
    let mut traffic = target.pairs(PAIRS, u64::MAX)?;
    let times = size.times();
    let row = measured(name, Some(target), &mut traffic, times, Pace::Open(per_s))?;
    let p99 = row.latency_ms.unwrap_or_default().p99;
    Ok(row.valued(p99, "ms (p99)"))
}

fn deliveries(name: &str, target: &Target, online: usize, window: u64, size: Size) -> Result<Row> {
    let online = online.min(size.members);
    let (mut traffic, _) = target.room(online, online, 1, window)?;
    let times = size.times();
    let row = measured(name, Some(target), &mut traffic, times, Pace::Window)?;
    let per_s = row.deliveries_per_s.unwrap_or_default();
    Ok(row.valued(per_s, "deliveries/s"))
}

/// The same ten people send the same way in a small and in a large group.
fn crowd(name: &str, target: &Target, size: Size) -> Result<Row> {
    let quarter = Size {
        duration: size.duration / 4,
        ..size
    };
    let (mut small, _) = target.room(10, 10, 10, 4)?;
    let (mut large, _) = target.room(size.members, 10, 10, 4)?;
    let cost = |traffic: &mut Traffic| -> Result<(f64, Row)> {
        let row = measured(name, Some(target), traffic, quarter.times(), Pace::Window)?;
        let us = row.server_us.context("the server's --pid is needed")?;
        Ok((us, row))
    };
    // What was stored before costs merging later: both orders, so that neither pays for the other.
    let first = (cost(&mut small)?, cost(&mut large)?);
    let second = (cost(&mut large)?, cost(&mut small)?);
    let ((small_a, row_a), (large_a, row_b)) = first;
    let ((large_b, mut row), (small_b, row_c)) = second;
    let (small_us, large_us) = ((small_a + small_b) / 2.0, (large_a + large_b) / 2.0);
    for other in [row_a, row_b, row_c] {
        row.duration_s += other.duration_s;
        row.faults += other.faults;
        row.disturbed |= other.disturbed;
    }
    row.note = format!(
        "{large_us:.1} µs a message with {} members, {small_us:.1} with 10 {}",
        size.members, row.note
    );
    Ok(row.valued(large_us / small_us, "× the CPU of a group of 10"))
}

/// Runs traffic for a warm-up and a measured time, and reads CPU and memory around the latter.
pub(super) fn measured(
    name: &str,
    target: Option<&Target>,
    traffic: &mut Traffic,
    (warm_up, duration): (Duration, Duration),
    pace: Pace,
) -> Result<Row> {
    let pid = target.and_then(|target| target.pid);
    let commits = |target: Option<&Target>| target.and_then(Target::commits);
    let (mut first, mut last) = (None, None);
    let mut rss_max = 0;
    let (commits_before, sent_before) = (commits(target), traffic.sent());
    traffic.run(pace, warm_up, duration, || {
        let now = Cpu::now(pid)?;
        first.get_or_insert(now);
        last = Some(now);
        if let Some(pid) = pid {
            rss_max = rss_bytes(pid)?.0.max(rss_max);
        }
        Ok(())
    })?;
    let used = match (first, last) {
        (Some(first), Some(last)) => first.until(&last),
        _ => Used::default(),
    };
    let mut row = Row::new(name, used).with_traffic(used, traffic.counted());
    let sent = traffic.sent() - sent_before;
    row.batch = match (commits_before, commits(target)) {
        (Some(before), Some(after)) if after > before => Some(sent as f64 / (after - before)),
        _ => None,
    };
    if let Some(pid) = pid {
        row.rss_mb = Some(rss_bytes(pid)?.0 as f64 / MB);
        row.rss_max_mb = Some(rss_max as f64 / MB);
    }
    row.sent = sent;
    Ok(row)
}
