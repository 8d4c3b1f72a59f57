//! Read and delivered marks on their way: the highest wins, at most one of each a second per
//! thread. They only grow on the server, so a lost one is made good by the next.

use kith_protocol::ThreadId;
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two marks of one kind in one thread.
const PAUSE: Duration = Duration::from_secs(1);
/// Marks that are out without an answer.
const IN_FLIGHT_MAX: usize = 16;

/// Which mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    Read,
    Delivered,
}

/// Marks that the server does not have yet.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    wanted: BTreeMap<(ThreadId, Mark), u64>,
    /// When the last one went out; forgotten after the pause.
    sent_at: BTreeMap<(ThreadId, Mark), Duration>,
    in_flight: usize,
}

impl Marks {
    /// Everything up to `seq` was read, or has arrived.
    pub(crate) fn set(&mut self, thread: ThreadId, mark: Mark, seq: u64) {
        let wanted = self.wanted.entry((thread, mark)).or_default();
        *wanted = (*wanted).max(seq);
    }

    /// A mark to send now.
    pub(crate) fn next(&mut self, now: Duration) -> Option<(ThreadId, Mark, u64)> {
        if self.in_flight >= IN_FLIGHT_MAX {
            return None;
        }
        self.sent_at.retain(|_, sent_at| *sent_at + PAUSE > now);
        let (&key, &seq) = self
            .wanted
            .iter()
            .find(|(key, _)| !self.sent_at.contains_key(key))?;
        self.wanted.remove(&key);
        self.sent_at.insert(key, now);
        self.in_flight += 1;
        Some((key.0, key.1, seq))
    }

    /// One is answered; it is wanted again if it may be `retried`.
    pub(crate) fn answered(&mut self, thread: ThreadId, mark: Mark, seq: u64, retried: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if retried {
            self.set(thread, mark, seq);
        }
    }

    /// When the next one may go out, if any waits for the pause to pass.
    pub(crate) fn wakes_at(&self) -> Option<Duration> {
        let pauses = |key| self.sent_at.get(key).map(|sent_at| *sent_at + PAUSE);
        self.wanted.keys().filter_map(pauses).min()
    }

    /// Whether no read mark waits and none of any kind is out. Delivered marks that wait for their
    /// pause are not worth waiting for: the next run tells them.
    pub(crate) fn is_settled(&self) -> bool {
        let read = |(_, mark): &(ThreadId, Mark)| *mark == Mark::Read;
        self.in_flight == 0 && !self.wanted.keys().any(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: ThreadId = ThreadId::from_bytes([1; 16]);
    const OTHER: ThreadId = ThreadId::from_bytes([2; 16]);

    #[test]
    fn the_highest_mark_goes_out_at_most_once_a_second_per_thread() {
        let mut marks = Marks::default();
        let start = Duration::from_secs(5);
        marks.set(ROOM, Mark::Read, 3);
        assert_eq!(marks.next(start), Some((ROOM, Mark::Read, 3)));
        marks.set(ROOM, Mark::Read, 5);
        marks.set(ROOM, Mark::Read, 4);
        marks.set(ROOM, Mark::Delivered, 9);
        marks.set(OTHER, Mark::Read, 1);
        assert_eq!(marks.next(start), Some((ROOM, Mark::Delivered, 9)));
        assert_eq!(marks.next(start), Some((OTHER, Mark::Read, 1)));
        assert_eq!(marks.next(start), None);
        assert_eq!(marks.wakes_at(), Some(start + PAUSE));
        assert_eq!(marks.next(start + PAUSE), Some((ROOM, Mark::Read, 5)));
    }

    #[test]
    fn a_mark_that_was_not_taken_is_wanted_again_unless_a_higher_one_is() {
        let mut marks = Marks::default();
        marks.set(ROOM, Mark::Read, 3);
        marks.next(Duration::ZERO).expect("goes out");
        marks.set(ROOM, Mark::Read, 7);
        marks.answered(ROOM, Mark::Read, 3, true);
        assert_eq!(marks.next(PAUSE), Some((ROOM, Mark::Read, 7)));
        marks.answered(ROOM, Mark::Read, 7, false);
        assert!(marks.is_settled());
    }
}
