//! Time and chance, handed in: the system's, or a test's.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that asks the system"
)]

use kith_protocol::Timestamp;
use parking_lot::Mutex;
use rand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Tells the time, and waits. Clones share it.
#[derive(Clone)]
pub enum Clock {
    /// The system's.
    System,
    /// A test's: stands still until it is moved.
    Manual(Arc<ManualClock>),
}

impl Clock {
    /// Now, in milliseconds since 1970.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(clock) => Timestamp(clock.state.lock().now_ms),
        }
    }

    /// Waits this long.
    pub async fn sleep(&self, time: Duration) {
        match self {
            Self::System => tokio::time::sleep(time).await,
            Self::Manual(clock) => clock.wait(time).await,
        }
    }

    /// A UUIDv7 of now.
    pub fn new_id(&self) -> Uuid {
        let now_ms = u64::try_from(self.now().0).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(now_ms, &random_bytes()).into_uuid()
    }
}

/// Bytes that nobody can guess.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// A clock that a test moves.
pub struct ManualClock {
    state: Mutex<Waiting>,
}

struct Waiting {
    now_ms: i64,
    number: u64,
    sleepers: BTreeMap<(i64, u64), oneshot::Sender<()>>,
}

impl ManualClock {
    /// A clock that stands at this time.
    pub fn at(now: Timestamp) -> Arc<Self> {
        let state = Waiting {
            now_ms: now.0,
            number: 0,
            sleepers: BTreeMap::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
        })
    }

    /// Moves the clock on, and wakes who waited for it, in order.
    pub fn advance(&self, time: Duration) {
        let woken: Vec<_> = {
            let mut state = self.state.lock();
            state.now_ms += millis(time);
            let after_now = (state.now_ms + 1, 0);
            let later = state.sleepers.split_off(&after_now);
            std::mem::replace(&mut state.sleepers, later)
                .into_values()
                .collect()
        };
        for sleeper in woken {
            // A sleeper that was dropped meanwhile no longer cares.
            let _ = sleeper.send(());
        }
    }

    /// How many wait: a test advances once all that it expects do.
    pub fn sleepers(&self) -> usize {
        self.state.lock().sleepers.len()
    }

    async fn wait(&self, time: Duration) {
        let woken = {
            let mut state = self.state.lock();
            let (tell, woken) = oneshot::channel();
            state.number += 1;
            let key = (state.now_ms + millis(time), state.number);
            state.sleepers.insert(key, tell);
            woken
        };
        // The sender is dropped only with the clock itself.
        let _ = woken.await;
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
