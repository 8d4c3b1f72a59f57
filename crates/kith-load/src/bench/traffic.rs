//! Flows of messages over sockets, with a window or on a schedule, and what became of them.

use super::row::histogram;
use super::scan::{self, Found, Kind, Mark, Scanner};
use super::wire::{Outs, Wires};
use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What is still under way after the end has this long to arrive.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// One sender and the sockets that shall receive what it sends.
pub struct Flow {
    socket: usize,
    thread: String,
    window: u64,
    /// Deliveries that each message needs.
    receivers: u32,
    id_prefix: String,
    sent: u64,
    acked: u64,
    /// The head that the sender knows: the seq of its last acknowledged message.
    head: u64,
    /// Messages from the first incomplete one on: deliveries still missing.
    missing: VecDeque<u32>,
    first_missing: u64,
}

impl Flow {
    /// A flow over a socket into a thread, every message of which reaches `receivers` sockets.
    pub fn new(socket: usize, thread: String, window: u64, receivers: u32, run: Uuid) -> Self {
        // All ids of a run share its prefix; flow and number fill the rest.
        let run = run.to_string();
        Self {
            socket,
            thread,
            window,
            receivers,
            id_prefix: run[..19].to_owned(),
            sent: 0,
            acked: 0,
            head: 0,
            missing: VecDeque::new(),
            first_missing: 0,
        }
    }

    fn under_way(&self) -> u64 {
        self.sent - self.done()
    }

    /// Messages that were acknowledged and fully delivered, all before them too.
    fn done(&self) -> u64 {
        self.acked.min(self.first_missing)
    }
}

/// How messages are started.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// As many as the windows allow.
    Window,
    /// This many a second over all flows, whether earlier ones have arrived or not.
    Open(u64),
}

/// What was counted in the measured time.
pub struct Counted {
    /// Messages acknowledged and fully delivered.
    pub messages: u64,
    /// Messages that reached a receiver's socket.
    pub deliveries: u64,
    /// From when a message was due to when it was delivered.
    pub latency_ns: Histogram<u64>,
    /// Seqs that a receiver should have got and did not.
    pub gaps: u64,
    /// Seqs that came again or late.
    pub doubles: u64,
    /// `resync` frames: the server dropped pushes.
    pub resyncs: u64,
    /// Messages that did not arrive within the time for draining.
    pub unfinished: u64,
}

/// Sockets with flows over them.
pub struct Traffic {
    wires: Wires,
    flows: Vec<Flow>,
    /// By socket: the next seq expected; 0 before the first.
    next_seq: Vec<u64>,
    /// By socket: its flow, if it sends.
    flow_of: Vec<Option<usize>>,
    counted: Counted,
    scanner: Scanner,
    began: Instant,
    refused: Option<String>,
    drain_timeout: Duration,
}

impl Traffic {
    /// Flows over sockets that have said hello.
    pub fn new(wires: Wires, flows: Vec<Flow>, sockets: usize) -> Result<Self> {
        let mut flow_of = vec![None; sockets];
        for (number, flow) in flows.iter().enumerate() {
            flow_of[flow.socket] = Some(number);
        }
        Ok(Self {
            wires,
            flows,
            next_seq: vec![0; sockets],
            flow_of,
            counted: Counted {
                messages: 0,
                deliveries: 0,
                latency_ns: histogram()?,
                gaps: 0,
                doubles: 0,
                resyncs: 0,
                unfinished: 0,
            },
            scanner: Scanner::default(),
            began: Instant::now(),
            refused: None,
            drain_timeout: DRAIN_TIMEOUT,
        })
    }

    /// Waits only so long for what is under way at the end.
    #[cfg(test)]
    pub(crate) fn drain_within(&mut self, timeout: Duration) {
        self.drain_timeout = timeout;
    }

    /// Runs for `warm_up` and then for `measured`, calling `tick` at the beginning and the end of
    /// the measured time and about every half second in it.
    pub fn run(
        &mut self,
        pace: Pace,
        warm_up: Duration,
        measured: Duration,
        mut tick: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let pacer = match pace {
            Pace::Open(_) => Some(Pacer::start(self.wires.waker()?)),
            Pace::Window => None,
        };
        self.began = Instant::now();
        let mut schedule = Schedule::new(pace, warm_up + measured);
        self.until(warm_up, &mut schedule)?;
        self.forget()?;
        tick()?;
        let end = warm_up + measured;
        while self.began.elapsed() < end {
            let next = self.began.elapsed() + Duration::from_millis(500);
            self.until(next.min(end), &mut schedule)?;
            tick()?;
        }
        let counted_messages = self.counted.messages;
        let counted_deliveries = self.counted.deliveries;
        drop(pacer);
        self.drain()?;
        // What arrived after the end was not within the measured time.
        self.counted.messages = counted_messages;
        self.counted.deliveries = counted_deliveries;
        Ok(())
    }

    /// Sends until each thread has had this many messages in all flows together; for filling.
    pub fn fill(&mut self, messages: u64, mut progress: impl FnMut(u64)) -> Result<()> {
        self.began = Instant::now();
        while self.counted.messages < messages {
            self.refill(0);
            self.turn(Duration::from_millis(100))?;
            progress(self.counted.messages);
        }
        self.drain()
    }

    /// What was counted.
    pub fn counted(&self) -> &Counted {
        &self.counted
    }

    /// Reads what comes for a while, without sending.
    pub fn listen(&mut self, for_: Duration) -> Result<()> {
        let until = Instant::now() + for_;
        while Instant::now() < until {
            self.turn(Duration::from_millis(50))?;
        }
        Ok(())
    }

    fn until(&mut self, end: Duration, schedule: &mut Schedule) -> Result<()> {
        loop {
            let now = self.began.elapsed();
            if now >= end {
                return Ok(());
            }
            match schedule.pace {
                Pace::Window => self.refill(now.as_nanos() as u64),
                Pace::Open(_) => {
                    while let Some((number, due_ns)) = schedule.due(now) {
                        let flow = number as usize % self.flows.len();
                        self.send(flow, due_ns);
                    }
                }
            }
            self.turn((end - now).min(Duration::from_millis(100)))?;
        }
    }

    fn refill(&mut self, now_ns: u64) {
        for number in 0..self.flows.len() {
            while self.flows[number].under_way() < self.flows[number].window {
                self.send(number, now_ns);
            }
        }
    }

    fn send(&mut self, number: usize, due_ns: u64) {
        let flow = &mut self.flows[number];
        let mark = Mark {
            flow: number,
            number: flow.sent,
            due_ns,
        };
        let flow_view: &Flow = flow;
        self.wires.outs().text(flow_view.socket, |out| {
            out.extend_from_slice(b"{\"t\":\"send\",\"id\":\"");
            scan::decimal(out, mark.number);
            out.extend_from_slice(b"\",\"thread_id\":\"");
            out.extend_from_slice(flow_view.thread.as_bytes());
            out.extend_from_slice(b"\",\"client_msg_id\":\"");
            out.extend_from_slice(flow_view.id_prefix.as_bytes());
            // The last group of a UUID: decimal digits are hexadecimal ones, too.
            scan::fixed(out, mark.flow as u64, 4);
            out.push(b'-');
            scan::fixed(out, mark.number, 12);
            out.extend_from_slice(b"\",\"seen_head\":");
            scan::decimal(out, flow_view.head);
            out.extend_from_slice(b",\"text\":\"");
            mark.write(out);
            out.extend_from_slice(b"\"}");
        });
        flow.sent += 1;
        flow.missing.push_back(flow.receivers);
    }

    fn turn(&mut self, wait: Duration) -> Result<()> {
        let Self {
            wires,
            flows,
            next_seq,
            flow_of,
            counted,
            scanner,
            began,
            refused,
            ..
        } = self;
        wires.turn(wait, |_: &mut Outs, socket, frame| {
            match scan::kind(frame) {
                Kind::Entries => {
                    let now_ns = began.elapsed().as_nanos() as u64;
                    scanner.entries(frame, |found| {
                        let own = flow_of[socket];
                        arrived(flows, &mut next_seq[socket], counted, own, found, now_ns);
                    });
                }
                Kind::Ok { seq, .. } => {
                    if let Some(flow) = flow_of[socket].map(|number| &mut flows[number]) {
                        let before = flow.done();
                        flow.acked += 1;
                        flow.head = flow.head.max(seq);
                        counted.messages += flow.done() - before;
                    }
                }
                Kind::Resync => counted.resyncs += 1,
                Kind::Refused => {
                    refused.get_or_insert_with(|| String::from_utf8_lossy(frame).into_owned());
                }
                Kind::Welcome | Kind::Other => {}
            }
        })?;
        match &self.refused {
            Some(refusal) => bail!("the server refused a message: {refusal}"),
            None => Ok(()),
        }
    }

    fn drain(&mut self) -> Result<()> {
        let began = Instant::now();
        while self.flows.iter().any(|flow| flow.under_way() > 0)
            && began.elapsed() < self.drain_timeout
        {
            self.turn(Duration::from_millis(50))?;
        }
        self.counted.unfinished = self.flows.iter().map(Flow::under_way).sum();
        Ok(())
    }

    /// Forgets what was counted while warming up; gaps and doubles stay.
    fn forget(&mut self) -> Result<()> {
        self.counted.messages = 0;
        self.counted.deliveries = 0;
        self.counted.latency_ns = histogram()?;
        Ok(())
    }
}

fn arrived(
    flows: &mut [Flow],
    next_seq: &mut u64,
    counted: &mut Counted,
    own: Option<usize>,
    found: Found,
    now_ns: u64,
) {
    if *next_seq == 0 || found.seq == *next_seq {
        *next_seq = found.seq + 1;
    } else if found.seq > *next_seq {
        counted.gaps += found.seq - *next_seq;
        *next_seq = found.seq + 1;
    } else {
        counted.doubles += 1;
        return;
    }
    let Some(mark) = found.mark else { return };
    // The sender's own copy is no delivery.
    if own == Some(mark.flow) {
        return;
    }
    let Some(flow) = flows.get_mut(mark.flow) else {
        return;
    };
    let Some(at) = mark.number.checked_sub(flow.first_missing) else {
        return;
    };
    let Some(missing) = flow.missing.get_mut(at as usize) else {
        return;
    };
    *missing = missing.saturating_sub(1);
    counted.deliveries += 1;
    counted
        .latency_ns
        .saturating_record(now_ns.saturating_sub(mark.due_ns));
    let before = flow.done();
    while flow.missing.front() == Some(&0) {
        flow.missing.pop_front();
        flow.first_missing += 1;
    }
    counted.messages += flow.done() - before;
}

/// When messages of an open loop are due.
struct Schedule {
    pace: Pace,
    sent: u64,
    end_ns: u64,
}

impl Schedule {
    fn new(pace: Pace, end: Duration) -> Self {
        Self {
            pace,
            sent: 0,
            end_ns: end.as_nanos() as u64,
        }
    }

    /// The next message that is due by now: its number and when it was.
    fn due(&mut self, now: Duration) -> Option<(u64, u64)> {
        let Pace::Open(per_s) = self.pace else {
            return None;
        };
        let due_ns = self.sent * 1_000_000_000 / per_s;
        if due_ns > now.as_nanos() as u64 || due_ns >= self.end_ns {
            return None;
        }
        self.sent += 1;
        Some((self.sent - 1, due_ns))
    }
}

/// Wakes the loop every 200 µs: epoll itself waits in whole milliseconds.
struct Pacer {
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Pacer {
    fn start(waker: mio::Waker) -> Self {
        use std::sync::atomic::Ordering;
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) && waker.wake().is_ok() {
                std::thread::sleep(Duration::from_micros(150));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(receivers: u32) -> Flow {
        let mut flow = Flow::new(0, "t".into(), 2, receivers, Uuid::nil());
        flow.sent = 2;
        flow.missing = [receivers; 2].into();
        flow
    }

    fn counted() -> Counted {
        Counted {
            messages: 0,
            deliveries: 0,
            latency_ns: histogram().expect("good bounds"),
            gaps: 0,
            doubles: 0,
            resyncs: 0,
            unfinished: 0,
        }
    }

    fn found(seq: u64, number: u64) -> Found {
        let mark = Mark {
            flow: 0,
            number,
            due_ns: 5,
        };
        Found {
            seq,
            mark: Some(mark),
        }
    }

    #[test]
    fn a_message_is_done_when_it_is_acknowledged_and_everybody_has_it() {
        let (mut flows, mut counted) = ([flow(2)], counted());
        let (mut one, mut two) = (10, 10);
        arrived(
            &mut flows,
            &mut one,
            &mut counted,
            None,
            found(10, 0),
            9_005,
        );
        arrived(
            &mut flows,
            &mut two,
            &mut counted,
            None,
            found(10, 0),
            9_005,
        );
        assert_eq!((counted.messages, counted.deliveries), (0, 2));
        flows[0].acked = 1;
        assert_eq!((flows[0].done(), flows[0].under_way()), (1, 1));
        assert!(counted.latency_ns.max() >= 9_000);
    }

    #[test]
    fn gaps_and_doubles_are_counted() {
        let (mut flows, mut counted) = ([flow(1)], counted());
        let mut next = 10;
        arrived(&mut flows, &mut next, &mut counted, None, found(13, 0), 6);
        arrived(&mut flows, &mut next, &mut counted, None, found(13, 0), 6);
        assert_eq!(
            (counted.gaps, counted.doubles, counted.deliveries),
            (3, 1, 1)
        );
    }

    #[test]
    fn a_schedule_is_kept_whatever_the_clock_does() {
        let mut schedule = Schedule::new(Pace::Open(1_000), Duration::from_secs(1));
        let late: Vec<_> = std::iter::from_fn(|| schedule.due(Duration::from_millis(3))).collect();
        assert_eq!(
            late,
            [(0, 0), (1, 1_000_000), (2, 2_000_000), (3, 3_000_000)]
        );
        let all = std::iter::from_fn(|| schedule.due(Duration::from_secs(9))).count();
        assert_eq!(late.len() + all, 1_000);
    }
}
