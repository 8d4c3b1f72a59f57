//! CPU and memory as the kernel counts them: of the server, of ourselves, of everybody else.

use anyhow::{Context, Result, bail};
use std::fs;
use std::time::Instant;

/// The kernel tells CPU time in hundredths of a second on every Linux that runs here (`USER_HZ`).
const TICKS_PER_S: f64 = 100.0;

/// Files, and connections for a moment, beside the sockets that stay open.
const OTHER_FILES: usize = 1_000;

/// CPU seconds used up to a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cpu {
    at: Instant,
    server_s: f64,
    own_s: f64,
    all_s: f64,
}

/// CPU used between two moments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// Time on the wall.
    pub wall_s: f64,
    /// By the server.
    pub server_s: f64,
    /// By this program.
    pub own_s: f64,
    /// By everything else, in cores.
    pub others_cores: f64,
}

impl Cpu {
    /// Reads the counters; without a pid the server counts as "others".
    pub(super) fn now(pid: Option<u32>) -> Result<Self> {
        let server_s = pid.map_or(Ok(0.0), |pid| process_s(&pid.to_string()))?;
        Ok(Self {
            at: Instant::now(),
            server_s,
            own_s: process_s("self")?,
            all_s: all_s()?,
        })
    }

    /// What was used since `self`.
    pub(super) fn until(&self, later: &Self) -> Used {
        let wall_s = later.at.duration_since(self.at).as_secs_f64();
        let server_s = later.server_s - self.server_s;
        let own_s = later.own_s - self.own_s;
        let others_s = later.all_s - self.all_s - server_s - own_s;
        Used {
            wall_s,
            server_s,
            own_s,
            others_cores: (others_s / wall_s).max(0.0),
        }
    }
}

/// Resident memory of a process: now, and the most it ever was.
pub(super) fn rss_bytes(pid: u32) -> Result<(u64, u64)> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).context(path)?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    };
    let now = field("VmRSS:").context("no VmRSS")?;
    Ok((now, field("VmHWM:").unwrap_or(now)))
}

/// The machine in words: cores, processor, memory, kernel.
pub(super) fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let line = |path: &str, name: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = line("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory_gib = line("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(0.0, |kib| kib / f64::from(1 << 20));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores ({processor}), {memory_gib:.0} GiB of memory, Linux {}",
        kernel.trim()
    )
}

/// Refuses to begin what would run out of open files; servers that are started inherit the bound.
pub(super) fn check_open_files(sockets: usize) -> Result<()> {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let most = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    check_within(most, sockets)
}

fn check_within(most: Option<usize>, sockets: usize) -> Result<()> {
    let needed = sockets + OTHER_FILES;
    match most {
        Some(most) if most < needed => bail!(
            "{sockets} sockets need {needed} open files, but the limit is {most}: raise it \
             with `ulimit -n {needed}`, or ask for fewer with --sockets"
        ),
        _ => Ok(()),
    }
}

/// User and system time of a process with all its threads.
fn process_s(pid: &str) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("{path}: is it running?"))?;
    // The name stands in brackets and may hold spaces; the fields after it do not.
    let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok());
    let (user, system) = (ticks().context("utime")?, ticks().context("stime")?);
    Ok((user + system) / TICKS_PER_S)
}

/// Time that all processes took. Interrupts are left out: on loopback they are our own packets.
fn all_s() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("empty /proc/stat")?;
    let ticks: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    let field = |at: usize| ticks.get(at).copied().unwrap_or_default();
    let (user, nice, system, steal) = (field(0), field(1), field(2), field(7));
    Ok((user + nice + system + steal) / TICKS_PER_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_our_own_has_memory_and_time() {
        let me = std::process::id();
        let (now, most) = rss_bytes(me).expect("a running process");
        assert!(now > 0 && most >= now);
        let cpu = Cpu::now(Some(me)).expect("counters");
        let used = cpu.until(&Cpu::now(Some(me)).expect("counters"));
        assert!(used.server_s >= 0.0 && used.own_s >= 0.0 && used.others_cores >= 0.0);
        assert!(process_s("0").is_err());
    }

    #[test]
    fn too_many_sockets_are_refused_before_anything_is_measured() {
        assert!(check_within(Some(1024), 20).is_ok());
        assert!(check_within(None, 10_000).is_ok(), "unlimited");
        let refusal = check_within(Some(1024), 10_000).expect_err("too many");
        assert!(refusal.to_string().contains("ulimit -n"), "{refusal}");
    }
}
