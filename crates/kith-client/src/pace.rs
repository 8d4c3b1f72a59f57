//! When to try again: a clock that is handed in, jitter that is handed in, and growing pauses.

use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What time it is, as the time since some beginning, and how to wait.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The time of this machine.
    Real(Instant),
    /// A time that only moves when told to: for tests.
    Manual(ManualClock),
}

impl Clock {
    /// The time of this machine.
    pub fn real() -> Self {
        Self::Real(Instant::now())
    }

    /// The time now.
    pub fn now(&self) -> Duration {
        match self {
            Self::Real(start) => start.elapsed(),
            Self::Manual(clock) => *clock.0.borrow(),
        }
    }

    /// Waits until then.
    pub async fn sleep_until(&self, then: Duration) {
        match self {
            Self::Real(start) => tokio::time::sleep_until((*start + then).into()).await,
            Self::Manual(clock) => {
                let mut now = clock.0.subscribe();
                // The sender lives in `self`, so there is no error to see.
                let _ = now.wait_for(|now| *now >= then).await;
            }
        }
    }
}

/// A clock that a test moves.
#[derive(Clone, Debug)]
pub struct ManualClock(watch::Sender<Duration>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(watch::channel(Duration::ZERO).0)
    }
}

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now += by);
    }
}

/// Where jitter comes from.
#[derive(Clone, Copy, Debug)]
pub enum Jitter {
    /// Chance.
    Random,
    /// Always this point between the least (0) and the most (1): for tests.
    Fixed(f64),
}

impl Jitter {
    /// A time between these two.
    pub fn between(self, least: Duration, most: Duration) -> Duration {
        let point = match self {
            Self::Random => rand::random::<f64>(),
            Self::Fixed(point) => point.clamp(0.0, 1.0),
        };
        least + most.saturating_sub(least).mul_f64(point)
    }

    /// A time within 20 % around this one.
    pub fn around(self, middle: Duration) -> Duration {
        self.between(middle.mul_f64(0.8), middle.mul_f64(1.2))
    }
}

/// The first pause after a failure lasts up to this long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// No pause is longer: a server that is back is found again within half a minute.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Pauses that grow with every failure. Half of each is chance, so that clients that lost the same
/// server do not come back in one moment.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to pause after one more failure.
    pub fn next(&mut self, jitter: Jitter) -> Duration {
        let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        let most = doubled.min(LONGEST_PAUSE);
        jitter.between(most / 2, most)
    }

    /// It worked: the next pause is short again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_anew_after_success() {
        let mut backoff = Backoff::default();
        let most = Jitter::Fixed(1.0);
        let pauses: Vec<u128> = (0..8).map(|_| backoff.next(most).as_millis()).collect();
        assert_eq!(
            pauses,
            [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
        );
        for _ in 0..100 {
            assert_eq!(backoff.next(most), LONGEST_PAUSE);
        }
        backoff.reset();
        assert_eq!(backoff.next(Jitter::Fixed(0.0)), FIRST_PAUSE / 2);
    }

    #[test]
    fn chance_stays_between_half_a_pause_and_a_whole_one() {
        for _ in 0..1000 {
            let pause = Backoff::default().next(Jitter::Random);
            assert!(
                (FIRST_PAUSE / 2..=FIRST_PAUSE).contains(&pause),
                "{pause:?}"
            );
            let poll = Jitter::Random.around(Duration::from_secs(10));
            assert!((8.0..=12.0).contains(&poll.as_secs_f64()), "{poll:?}");
        }
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_who_waits_when_it_is_moved_far_enough() {
        let manual = ManualClock::default();
        let clock = Clock::Manual(manual.clone());
        let waits = clock.clone();
        let mut sleeper = tokio::spawn(async move {
            waits.sleep_until(Duration::from_secs(10)).await;
        });
        manual.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        manual.advance(Duration::from_secs(1));
        (&mut sleeper).await.expect("wakes");
        assert_eq!(clock.now(), Duration::from_secs(10));
    }
}
