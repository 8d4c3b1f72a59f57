//! When messages are due: as windows allow, or on a schedule that waits for nobody.

use std::time::Duration;

/// How messages are started.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// As many as the windows allow.
    Window,
    /// This many a second over all flows, whether earlier ones have arrived or not.
    Open(u64),
}

/// When messages of an open loop are due.
pub(super) struct Schedule {
    pub(super) pace: Pace,
    sent: u64,
    end_ns: u64,
}

impl Schedule {
    pub(super) fn new(pace: Pace, end: Duration) -> Self {
        Self {
            pace,
            sent: 0,
            end_ns: end.as_nanos() as u64,
        }
    }

    /// The next message that is due by now: its number and when it was.
    pub(super) fn due(&mut self, now: Duration) -> Option<(u64, u64)> {
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
pub(super) struct Pacer {
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Pacer {
    pub(super) fn start(waker: mio::Waker) -> Self {
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
