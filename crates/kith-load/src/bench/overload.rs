//! Three times as much as can be done, on a schedule that waits for nobody.
//!
//! First the peak is measured, then a third of it as what is normal, then three times the peak, then
//! what is normal again until messages are as punctual as before. A sender who is refused does what
//! the protocol asks: it is silent for `retry_after_s` and a bit, and what was due meanwhile counts
//! as held back. A message that was refused is given up, so that what is late is the server's doing.

use super::flow::Flow;
use super::machine::{Cpu, Used, rss_bytes};
use super::pace::{Pace, Pacer, Schedule};
use super::row::{Latency, MB, Row, histogram};
use super::scan::{self, Kind, Mark, Scanner};
use super::scenario::{Size, messages};
use super::setup::Target;
use super::wire::{Outs, Wires};
use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use kith_client::Session;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Pairs with one message each under way, as the peak is measured: messages that come alone, as they do
/// under overload, cost several times what they cost in bunches.
const PAIRS_AT_PEAK: usize = 500;
/// Pairs under overload: so many that the bound on each connection holds nothing back, and that none
/// of them is a large part of the load.
const PAIRS_OVERLOADED: usize = 2_000;
/// Those who are refused when it begins have come back after this long; a run that is only a try does
/// not wait for them.
const ONSET_MAX: Duration = Duration::from_secs(3);
/// Of the peak.
const TIMES: f64 = 3.0;
/// Of the peak: what is normal, before and after.
const NORMAL: f64 = 1.0 / 3.0;
/// How punctual it is, is looked at this often.
const STEP: Duration = Duration::from_millis(100);
/// So many steps on time in a row mean that it is over.
const STEPS_ON_TIME: usize = 5;
/// On time is what was normal before, or a person's blink if that was less.
const ON_TIME_MS: f64 = 10.0;
/// It has recovered after so many thirds of the run, or not at all.
const RECOVERY_MAX: u32 = 20;
/// What a refusal says, in seconds, and as much again by chance.
const SILENT_S: f64 = 1.0;

/// Measures the peak, then the rest on more pairs.
pub(super) fn overload(name: &str, target: &Target, size: Size) -> Result<Row> {
    let third = Size {
        duration: size.duration / 3,
        ..size
    };
    let pairs = PAIRS_AT_PEAK.min(size.sockets / 2).max(1);
    let peak_row = messages("peak", target, target.pairs(pairs, 1)?, third)?;
    // A try may be too short to see one: then as little as possible is three times as much.
    let peak = peak_row.value.max(1.0);
    let mut crowd = Crowd::gather(target, PAIRS_OVERLOADED.min(size.sockets / 2), size.seed)?;
    let normal_per_s = (peak * NORMAL).max(1.0) as u64;
    crowd.pass(normal_per_s, size.duration / 5)?;
    crowd.look(target)?;
    crowd.pass(normal_per_s, size.duration / 5)?;
    let normal = crowd.look(target)?;
    let over_per_s = (peak * TIMES) as u64;
    crowd.pass(over_per_s, ONSET_MAX.min(size.duration))?;
    let onset = crowd.look(target)?;
    crowd.pass(over_per_s, size.duration)?;
    let over = crowd.look(target)?;
    let on_time_ms = ON_TIME_MS.max(2.0 * normal.latency().p99);
    let recovered_ms = crowd.recover(normal_per_s, on_time_ms, RECOVERY_MAX * third.duration)?;
    crowd.settle()?;
    let per_s = over.arrived as f64 / over.used.wall_s;
    let mut row = Row::new(name, over.used).valued(per_s / peak, "× of the peak");
    row.messages_per_s = Some(per_s);
    row.server_us = Some(over.used.server_s * 1e6 / over.arrived as f64).filter(|us| *us > 0.0);
    row.generator_us = Some(over.used.own_s * 1e6 / over.arrived as f64);
    row.latency_ms = Some(over.latency());
    row.recovered_ms = Some(recovered_ms);
    row.rss_max_mb = target.pid.map(|_| over.rss_max as f64 / MB);
    row.sent = over.sent;
    // What was neither refused nor delivered, and what came twice.
    row.faults = crowd.missing() + crowd.doubles;
    row.note = format!(
        "peak {peak:.0}/s; of {} due {} were held back, {} refused, {} arrived; when it began p99 {:.0} ms and {:.2} × \
         the peak, normal p99 {:.1} ms; on time again after {recovered_ms:.0} ms; {} missing",
        over.due,
        over.held,
        over.refused,
        over.arrived,
        onset.latency().p99,
        onset.arrived as f64 / onset.used.wall_s / peak,
        normal.latency().p99,
        crowd.missing(),
    );
    Ok(row)
}

/// Senders and receivers, in pairs.
struct Crowd {
    wires: Wires,
    senders: Vec<Sender>,
    scanner: Scanner,
    chance: StdRng,
    began: Instant,
    /// Which sender is the next one.
    turn: usize,
    phase: Phase,
    doubles: u64,
    /// Of the whole scenario.
    sent: u64,
    arrived: u64,
    refused: u64,
}

struct Sender {
    flow: Flow,
    silent_until: Duration,
    /// The highest number that its receiver has got; numbers may be missing, but never come again.
    arrived: Option<u64>,
}

/// What was counted since the last look.
#[derive(Clone)]
struct Phase {
    began: Cpu,
    used: Used,
    due: u64,
    held: u64,
    sent: u64,
    refused: u64,
    arrived: u64,
    latency_ns: Histogram<u64>,
    rss_max: u64,
}

impl Phase {
    fn begin(target_pid: Option<u32>) -> Result<Self> {
        Ok(Self {
            began: Cpu::now(target_pid)?,
            used: Used::default(),
            due: 0,
            held: 0,
            sent: 0,
            refused: 0,
            arrived: 0,
            latency_ns: histogram()?,
            rss_max: 0,
        })
    }

    fn latency(&self) -> Latency {
        Latency::of(&self.latency_ns)
    }
}

impl Crowd {
    fn gather(target: &Target, pairs: usize, seed: u64) -> Result<Self> {
        let people = target.people(2 * pairs.max(1))?;
        let run = Uuid::new_v4();
        let senders: Result<Vec<Sender>> = people
            .chunks(2)
            .enumerate()
            .map(|(pair, two)| {
                let thread = target.direct(&two[0], &two[1])?.to_string();
                Ok(Sender {
                    flow: Flow::new(2 * pair, thread, u64::MAX, 0, run),
                    silent_until: Duration::ZERO,
                    arrived: None,
                })
            })
            .collect();
        let people: Vec<&Session> = people.iter().collect();
        Ok(Self {
            wires: target.wires(&people, None)?,
            senders: senders?,
            scanner: Scanner::default(),
            chance: StdRng::seed_from_u64(seed),
            began: Instant::now(),
            turn: 0,
            phase: Phase::begin(target.pid)?,
            doubles: 0,
            sent: 0,
            arrived: 0,
            refused: 0,
        })
    }

    /// So many messages a second are due, for so long.
    fn pass(&mut self, per_s: u64, time: Duration) -> Result<()> {
        let _pacer = Pacer::start(self.wires.waker()?);
        let start = self.began.elapsed();
        let mut schedule = Schedule::new(Pace::Open(per_s), time);
        loop {
            let passed = self.began.elapsed() - start;
            if passed >= time {
                return Ok(());
            }
            while let Some((_, due_ns)) = schedule.due(passed) {
                self.send(start + Duration::from_nanos(due_ns));
            }
            self.turn((time - passed).min(Duration::from_millis(10)))?;
        }
    }

    fn send(&mut self, due: Duration) {
        let number = self.turn;
        self.turn = (self.turn + 1) % self.senders.len();
        self.phase.due += 1;
        let sender = &mut self.senders[number];
        if due < sender.silent_until {
            self.phase.held += 1;
            return;
        }
        let mark = sender.flow.next(number, due.as_nanos() as u64);
        let flow = &sender.flow;
        self.wires
            .outs()
            .text(flow.socket, |out| flow.write_send(out, &mark));
        self.phase.sent += 1;
        self.sent += 1;
    }

    fn turn(&mut self, wait: Duration) -> Result<()> {
        let Self {
            wires,
            senders,
            scanner,
            chance,
            began,
            phase,
            doubles,
            arrived,
            refused,
            ..
        } = self;
        let mut unexpected = None;
        wires.turn(wait, |outs: &mut Outs, socket, frame| {
            let pair = socket / 2;
            match scan::kind(frame) {
                // The sender's own copies are no deliveries.
                Kind::Entries if socket % 2 == 1 => {
                    let now_ns = began.elapsed().as_nanos() as u64;
                    scanner.entries(frame, |found| {
                        let Some(mark) = found.mark.filter(|mark| mark.flow == pair) else {
                            return;
                        };
                        if senders[pair].arrived >= Some(mark.number) {
                            *doubles += 1;
                            return;
                        }
                        senders[pair].arrived = Some(mark.number);
                        phase.arrived += 1;
                        *arrived += 1;
                        phase
                            .latency_ns
                            .saturating_record(now_ns.saturating_sub(mark.due_ns));
                    });
                }
                Kind::Ok { seq, .. } => {
                    let flow = &mut senders[pair].flow;
                    flow.head = flow.head.max(seq);
                }
                Kind::Refused => match Refusal::read(frame) {
                    Some(refusal) => {
                        phase.refused += 1;
                        *refused += 1;
                        if refusal.comes_first {
                            let silent_s = SILENT_S * (1.0 + chance.random::<f64>());
                            let now = began.elapsed();
                            senders[pair].silent_until = now + Duration::from_secs_f64(silent_s);
                            forget(outs, &senders[pair].flow, pair, refusal.number);
                        }
                    }
                    None => {
                        unexpected.get_or_insert_with(|| String::from_utf8_lossy(frame).into());
                    }
                },
                _ => {}
            }
        })?;
        let unexpected: Option<String> = unexpected;
        ensure!(
            unexpected.is_none(),
            "refused for another reason than overload: {}",
            unexpected.unwrap_or_default()
        );
        Ok(())
    }

    /// What was counted since the last look.
    fn look(&mut self, target: &Target) -> Result<Phase> {
        self.phase.used = self.phase.began.until(&Cpu::now(target.pid)?);
        if let Some(pid) = target.pid {
            self.phase.rss_max = rss_bytes(pid)?.1;
        }
        let next = Phase::begin(target.pid)?;
        Ok(std::mem::replace(&mut self.phase, next))
    }

    /// Lets what is normal come until it has been on time for a while; says how long it was not, in
    /// milliseconds, `within` at most.
    fn recover(&mut self, per_s: u64, on_time_ms: f64, within: Duration) -> Result<f64> {
        let began = Instant::now();
        let mut late_until = Duration::ZERO;
        let mut on_time = 0;
        while on_time < STEPS_ON_TIME {
            self.phase.latency_ns = histogram()?;
            (self.phase.held, self.phase.arrived) = (0, 0);
            self.pass(per_s, STEP)?;
            let Phase { held, arrived, .. } = self.phase;
            let is_late = arrived == 0 || held > 0 || self.phase.latency().p99 > on_time_ms;
            on_time = if is_late { 0 } else { on_time + 1 };
            if is_late {
                late_until = began.elapsed();
            }
            if began.elapsed() > within {
                return Ok(began.elapsed().as_secs_f64() * 1000.0);
            }
        }
        Ok(late_until.as_secs_f64() * 1000.0)
    }

    /// Waits for what is still under way.
    fn settle(&mut self) -> Result<()> {
        let began = Instant::now();
        while self.missing() > 0 && began.elapsed() < Duration::from_secs(10) {
            self.turn(Duration::from_millis(50))
                .context("the last messages")?;
        }
        Ok(())
    }

    fn missing(&self) -> u64 {
        (self.sent - self.refused).saturating_sub(self.arrived)
    }
}

/// Why a message was refused, if it was because of overload.
struct Refusal {
    number: u64,
    /// It is not refused only because an earlier one was.
    comes_first: bool,
}

impl Refusal {
    fn read(frame: &[u8]) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Told<'a> {
            re: &'a str,
            code: &'a str,
        }
        let told: Told<'_> = serde_json::from_slice(frame).ok()?;
        let comes_first = match told.code {
            "overloaded" | "store_unavailable" | "rate_limited" => true,
            "out_of_order" => false,
            _ => return None,
        };
        Some(Self {
            number: told.re.parse().ok()?,
            comes_first,
        })
    }
}

/// The refused message is given up, so that later ones need not wait for it.
fn forget(outs: &mut Outs, flow: &Flow, pair: usize, number: u64) {
    let mark = Mark {
        flow: pair,
        number,
        due_ns: 0,
    };
    outs.text(flow.socket, |out| {
        out.extend_from_slice(b"{\"t\":\"forget\",\"client_msg_id\":\"");
        flow.write_id(out, &mark);
        out.extend_from_slice(b"\"}");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_by_overload_are_expected() {
        let read = |code: &str| {
            let frame = format!(r#"{{"t":"error","re":"17","status":503,"code":"{code}"}}"#);
            Refusal::read(frame.as_bytes()).map(|refusal| (refusal.number, refusal.comes_first))
        };
        assert_eq!(read("overloaded"), Some((17, true)));
        assert_eq!(read("out_of_order"), Some((17, false)));
        assert_eq!(read("forbidden"), None);
    }

    #[test]
    fn what_is_given_up_is_named_by_the_id_that_was_sent() {
        let mut flow = Flow::new(0, "t".to_owned(), u64::MAX, 0, Uuid::new_v4());
        let mark = flow.next(3, 5);
        let (mut send, mut id) = (Vec::new(), Vec::new());
        flow.write_send(&mut send, &mark);
        flow.write_id(&mut id, &mark);
        assert!(Uuid::try_parse_ascii(&id).is_ok());
        let frame = String::from_utf8(send).expect("text");
        let id = String::from_utf8(id).expect("text");
        assert!(frame.contains(&format!(r#""client_msg_id":"{id}""#)));
    }
}
