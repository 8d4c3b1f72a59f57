//! Overload: who is let in while more comes than can be done.
//!
//! The commands that wait, divided by the rate at which they are answered, are the time that the next one will
//! wait (Little's law). A burst or a stalled disk makes a queue that gets short again by itself; a queue that
//! stays long through a whole window only makes everybody wait. Then as many are let in as are answered in
//! time, and the rest is told at once to come back. Whom it meets is drawn anew each hour, so that most people
//! notice nothing instead of everybody a little: an order once refused holds up its thread.

use kith_protocol::{Timestamp, UserId};
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use std::sync::Arc;

/// Commands that one shard takes at all.
const UNANSWERED_MAX: usize = 16_384;

/// A burst of so many is always let in: with four shards some 80 ms of work for two cores.
const BURST: usize = 512;

/// Bytes of them: half of what waits for a commit at most, so that one shard does not fill it.
const BYTES_MAX: usize = 8 << 20;

/// Refused commands that may wait until it was looked whether they were done before.
const SHED_MAX: usize = 1_024;

/// A queue is too long if it never gets short for this long: a disk may stall for half of it, and what
/// came meanwhile be done in the other half.
const WINDOW_MS: i64 = 200;

/// How long a command may wait under overload: it leaves room for a commit within the 50 ms that a person
/// does not notice.
const WAIT_MS: usize = 20;

/// Always let in, however slowly they are answered: enough that every commit is full.
const ALWAYS: usize = 128;

/// Who is refused comes back after a second and, by chance, up to another one. Until they had their turn
/// it is not known that the load has ended: let in all at once, they would be the next overload.
const STAYS_MS: i64 = 3_000;

/// It meets others each hour.
const DRAWN_EVERY_MS: i64 = 3_600_000;

/// Counts what one shard has not answered, and says who is let in.
pub struct Admission {
    state: Mutex<State>,
}

/// What becomes of a command.
pub enum Entry {
    /// It is done in its turn.
    In(Ticket),
    /// Nothing new is done for it; but if it was done before, it is to be answered so.
    Shed(Ticket),
    /// It is refused at once.
    Full,
}

/// Stands for a command until that is answered.
pub struct Ticket {
    admission: Arc<Admission>,
    bytes: usize,
    is_shed: bool,
}

struct State {
    unanswered: usize,
    bytes: usize,
    shed: usize,
    refused: u64,
    /// How many are let in now.
    most: usize,
    is_limited: bool,
    limited_until: Timestamp,
    window: Window,
    answered_before: usize,
}

struct Window {
    began_at: Timestamp,
    answered: usize,
    /// The fewest that were unanswered at any moment of it.
    least: usize,
}

impl Admission {
    /// Nothing waits.
    pub fn new(now: Timestamp) -> Arc<Self> {
        let state = State {
            unanswered: 0,
            bytes: 0,
            shed: 0,
            refused: 0,
            most: BURST,
            is_limited: false,
            limited_until: now,
            window: Window {
                began_at: now,
                answered: 0,
                least: 0,
            },
            answered_before: 0,
        };
        Arc::new(Self {
            state: Mutex::new(state),
        })
    }

    /// Lets a command of this size in, or not. The same user is let in or not for an hour, as far as it goes.
    pub fn enter(self: &Arc<Self>, user: UserId, bytes: usize, now: Timestamp) -> Entry {
        let mut state = self.state.lock();
        state.look(now);
        let ticket = |is_shed| Ticket {
            admission: Arc::clone(self),
            bytes,
            is_shed,
        };
        if state.has_room(user, bytes, now) {
            state.unanswered += 1;
            state.bytes += bytes;
            return Entry::In(ticket(false));
        }
        state.refused += 1;
        if state.is_limited {
            state.limited_until = Timestamp(now.0 + STAYS_MS);
        }
        if state.shed >= SHED_MAX {
            return Entry::Full;
        }
        state.shed += 1;
        Entry::Shed(ticket(true))
    }

    /// Commands that are not answered yet, and how many were refused so far.
    pub fn figures(&self) -> (usize, u64) {
        let state = self.state.lock();
        (state.unanswered, state.refused)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.admission.state.lock();
        if self.is_shed {
            state.shed -= 1;
            return;
        }
        state.unanswered -= 1;
        state.bytes -= self.bytes;
        state.window.answered += 1;
        state.window.least = state.window.least.min(state.unanswered);
    }
}

impl State {
    fn has_room(&self, user: UserId, bytes: usize, now: Timestamp) -> bool {
        // What is larger than the bound is taken when it would be alone.
        if self.bytes > 0 && self.bytes + bytes > BYTES_MAX {
            return false;
        }
        // The first are refused when half of the places are taken, the last when all are: how many are
        // refused settles by itself where the load meets what can be done.
        let places = match self.is_limited {
            true => self.most / 2 + self.most.div_ceil(2) * drawn(user, now) / DRAWN_MAX,
            false => self.most,
        };
        self.unanswered < places
    }

    /// At the end of a window: was there a moment at which the queue was short?
    fn look(&mut self, now: Timestamp) {
        let elapsed_ms = now.0 - self.window.began_at.0;
        // Below zero: the clock was set back.
        if (0..WINDOW_MS).contains(&elapsed_ms) {
            return;
        }
        let windows = (elapsed_ms / WINDOW_MS).max(1) as usize;
        let answered = self.window.answered / windows;
        // In the better one of two windows, so that one stall does not count as slowness.
        let rate = answered.max(self.answered_before);
        let in_time = (rate * WAIT_MS / WINDOW_MS as usize).clamp(ALWAYS, UNANSWERED_MAX);
        if self.window.least > in_time {
            self.limited_until = Timestamp(now.0 + STAYS_MS);
        }
        self.is_limited = (1..=STAYS_MS).contains(&(self.limited_until.0 - now.0));
        self.most = match self.is_limited {
            true => in_time,
            // What is done in a window is the longest queue that can get short within it.
            false => rate.clamp(BURST, UNANSWERED_MAX),
        };
        self.answered_before = answered;
        self.window = Window {
            began_at: now,
            answered: 0,
            least: self.unanswered,
        };
    }
}

const DRAWN_MAX: usize = 1 << 16;

/// From 0 to [`DRAWN_MAX`]: who has the least is refused first.
fn drawn(user: UserId, now: Timestamp) -> usize {
    let hash = FxBuildHasher.hash_one((user, now.0 / DRAWN_EVERY_MS));
    (hash >> 40) as usize % DRAWN_MAX + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, VecDeque};
    use uuid::Uuid;

    /// A shard that answers in turn, on a clock of whole milliseconds.
    struct Shard {
        admission: Arc<Admission>,
        waiting: VecDeque<(Ticket, i64)>,
        now_ms: i64,
        refused: BTreeSet<u128>,
        refusals: usize,
        done: usize,
        slowest_ms: i64,
    }

    impl Shard {
        fn new() -> Self {
            Self {
                admission: Admission::new(Timestamp(0)),
                waiting: VecDeque::new(),
                now_ms: 0,
                refused: BTreeSet::new(),
                refusals: 0,
                done: 0,
                slowest_ms: 0,
            }
        }

        /// For so long, `comes` a millisecond come, of users in turn, and up to `answers` are answered.
        fn pass(&mut self, time_ms: i64, comes: usize, answers: usize) {
            (self.refusals, self.done, self.slowest_ms) = (0, 0, 0);
            self.refused.clear();
            for _ in 0..time_ms {
                for n in 0..comes {
                    let user = (self.now_ms as u128 * comes as u128 + n as u128) % 97;
                    self.one(user);
                }
                self.now_ms += 1;
                for (ticket, since_ms) in self.waiting.drain(..answers.min(self.waiting.len())) {
                    self.slowest_ms = self.slowest_ms.max(self.now_ms - since_ms);
                    self.done += 1;
                    drop(ticket);
                }
            }
        }

        fn one(&mut self, user: u128) {
            let now = Timestamp(self.now_ms);
            match self
                .admission
                .enter(UserId(Uuid::from_u128(user)), 300, now)
            {
                Entry::In(ticket) => self.waiting.push_back((ticket, self.now_ms)),
                Entry::Shed(_) | Entry::Full => {
                    self.refused.insert(user);
                    self.refusals += 1;
                }
            }
        }
    }

    #[test]
    fn what_can_be_done_is_let_in() {
        let mut shard = Shard::new();
        shard.pass(5_000, 25, 25);
        assert_eq!((shard.refusals, shard.done), (0, 125_000));
    }

    #[test]
    fn a_stall_of_the_disk_refuses_nobody() {
        let mut shard = Shard::new();
        for _ in 0..10 {
            shard.pass(700, 15, 30);
            assert_eq!(shard.refusals, 0);
            shard.pass(90, 15, 0);
            assert_eq!(shard.refusals, 0);
        }
    }

    #[test]
    fn a_slow_disk_refuses_nobody_while_few_wait() {
        let mut shard = Shard::new();
        for _ in 0..50 {
            shard.pass(100, 2, 0);
            shard.pass(1, 0, 1_000);
            assert_eq!(shard.refusals, 0);
        }
    }

    #[test]
    fn three_times_what_can_be_done_is_refused_early_and_the_rest_is_done_in_time() {
        let mut shard = Shard::new();
        shard.pass(1_000, 75, 25);
        assert!(shard.slowest_ms <= 2 * WINDOW_MS, "{}", shard.slowest_ms);
        shard.pass(5_000, 75, 25);
        assert_eq!(shard.done, 125_000, "never idle");
        assert!(
            shard.slowest_ms <= WAIT_MS as i64 + 5,
            "{}",
            shard.slowest_ms
        );
        assert!(shard.admission.figures().0 <= 25 * (WAIT_MS + 1));
    }

    #[test]
    fn refusals_meet_the_same_people_and_most_of_the_others_notice_nothing() {
        let mut shard = Shard::new();
        shard.pass(1_000, 36, 24);
        shard.pass(5_000, 36, 24);
        assert!(shard.refused.len() < 97 / 2, "{}", shard.refused.len());
        // An hour later it meets others.
        let before = shard.refused.clone();
        shard.now_ms += DRAWN_EVERY_MS;
        shard.waiting.clear();
        shard.pass(1_000, 36, 24);
        shard.pass(5_000, 36, 24);
        assert_ne!(shard.refused, before);
    }

    #[test]
    fn when_the_load_has_ended_everybody_is_let_in_at_once() {
        let mut shard = Shard::new();
        shard.pass(3_000, 75, 25);
        assert!(shard.refusals > 0);
        shard.pass(50, 0, 25);
        shard.pass(5_000, 8, 25);
        assert_eq!(shard.refusals, 0);
        // Burst and stall are allowed again.
        shard.pass(90, 15, 0);
        assert_eq!(shard.refusals, 0);
    }

    #[test]
    fn what_waits_has_a_bound_in_number_and_bytes() {
        let admission = Admission::new(Timestamp(0));
        let enter = |bytes| admission.enter(UserId(Uuid::nil()), bytes, Timestamp(0));
        let first = enter(BYTES_MAX + 1);
        assert!(matches!(first, Entry::In(_)), "too large, but alone");
        let shed: Vec<Entry> = (0..SHED_MAX).map(|_| enter(1)).collect();
        assert!(shed.iter().all(|entry| matches!(entry, Entry::Shed(_))));
        assert!(matches!(enter(1), Entry::Full));
        drop((first, shed));
        let all: Vec<Entry> = (0..BURST).map(|_| enter(1)).collect();
        assert!(all.iter().all(|entry| matches!(entry, Entry::In(_))));
        assert!(!matches!(enter(1), Entry::In(_)));
        drop(all);
        assert!(matches!(enter(1), Entry::In(_)));
    }

    #[test]
    fn a_clock_that_is_set_back_limits_nobody_for_ever() {
        let mut shard = Shard::new();
        shard.now_ms = 1_000_000_000;
        shard.pass(3_000, 75, 25);
        shard.waiting.clear();
        shard.now_ms = 0;
        shard.pass(500, 8, 25);
        shard.pass(90, 15, 0);
        assert_eq!(shard.refusals, 0);
    }
}
