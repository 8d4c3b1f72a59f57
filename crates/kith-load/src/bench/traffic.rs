//! Flows of messages over sockets, with a window or on a schedule, and what became of them.

use super::flow::{Counted, Flow, arrived};
use super::pace::{Pace, Pacer, Schedule};
use super::row::histogram;
use super::scan::{self, Kind, Scanner};
use super::wire::{Outs, Wires};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// What is still under way after the end has this long to arrive.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

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

    /// Messages sent so far, those of the warm-up too.
    pub fn sent(&self) -> u64 {
        self.flows.iter().map(|flow| flow.sent).sum()
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
        let mark = self.flows[number].next(number, due_ns);
        let flow = &self.flows[number];
        self.wires
            .outs()
            .text(flow.socket, |out| flow.write_send(out, &mark));
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
