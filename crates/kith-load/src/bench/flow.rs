//! One sender and the messages that it has under way, and what was counted about them.

use super::scan::{self, Found, Mark};
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use uuid::Uuid;

/// One sender and the sockets that shall receive what it sends.
pub struct Flow {
    pub(super) socket: usize,
    pub(super) thread: String,
    pub(super) window: u64,
    /// Deliveries that each message needs.
    pub(super) receivers: u32,
    pub(super) id_prefix: String,
    pub(super) sent: u64,
    pub(super) acked: u64,
    /// The head that the sender knows: the seq of its last acknowledged message.
    pub(super) head: u64,
    /// Messages from the first incomplete one on: deliveries still missing.
    pub(super) missing: VecDeque<u32>,
    pub(super) first_missing: u64,
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

    pub(super) fn under_way(&self) -> u64 {
        self.sent - self.done()
    }

    /// Messages that were acknowledged and fully delivered, all before them too.
    pub(super) fn done(&self) -> u64 {
        match self.receivers {
            0 => self.acked,
            _ => self.acked.min(self.first_missing),
        }
    }

    /// Notes a message that goes out now; its mark goes into the text.
    pub(super) fn next(&mut self, flow: usize, due_ns: u64) -> Mark {
        let number = self.sent;
        self.sent += 1;
        if self.receivers > 0 {
            self.missing.push_back(self.receivers);
        }
        Mark {
            flow,
            number,
            due_ns,
        }
    }

    /// Appends the frame that sends a message.
    pub(super) fn write_send(&self, out: &mut Vec<u8>, mark: &Mark) {
        out.extend_from_slice(b"{\"t\":\"send\",\"id\":\"");
        scan::decimal(out, mark.number);
        out.extend_from_slice(b"\",\"thread_id\":\"");
        out.extend_from_slice(self.thread.as_bytes());
        out.extend_from_slice(b"\",\"client_msg_id\":\"");
        self.write_id(out, mark);
        out.extend_from_slice(b"\",\"seen_head\":");
        scan::decimal(out, self.head);
        out.extend_from_slice(b",\"text\":\"");
        mark.write(out);
        out.extend_from_slice(b"\"}");
    }

    /// Appends the `client_msg_id` of a message.
    pub(super) fn write_id(&self, out: &mut Vec<u8>, mark: &Mark) {
        out.extend_from_slice(self.id_prefix.as_bytes());
        // The last group of a UUID: decimal digits are hexadecimal ones, too.
        scan::fixed(out, mark.flow as u64, 4);
        out.push(b'-');
        scan::fixed(out, mark.number, 12);
    }
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

/// Counts an entry that came over a socket.
pub(super) fn arrived(
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

#[cfg(test)]
mod tests {
    use super::super::row::histogram;
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
}
