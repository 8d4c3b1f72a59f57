//! A server of its own for each test, on a clock that the test moves, and a small known cast.

pub(crate) mod wire;

use kith::clock::{Clock, ManualClock};
use kith::config::Config;
use kith::node::SharedNode;
use kith::server::{self, Running};
use kith_client::{Api, ClientError, Session, registration};
use kith_protocol::session::DeviceKind;
use kith_protocol::{ErrorCode, Timestamp};
use kith_store::embedded::{self, EmbeddedConfig};
use std::sync::Arc;
use std::time::Duration;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse";

/// When tests begin.
const START: Timestamp = Timestamp(1_795_251_240_000);

/// A running server; it goes with its folder when it is dropped.
pub(crate) struct Server {
    /// Its time.
    pub(crate) clock: Arc<ManualClock>,
    /// What it runs on.
    pub(crate) node: SharedNode,
    running: Running,
    api: Api,
    _folder: tempfile::TempDir,
}

impl Server {
    /// A server with cheap passwords and without limits.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.http.listen = "127.0.0.1:0".parse().unwrap();
        config.limits.enabled = false;
        config.password.memory_kib = 8;
        config.password.iterations = 1;
        change(&mut config);
        let embedded = EmbeddedConfig {
            folder: folder.path().into(),
            ..EmbeddedConfig::default()
        };
        let store = embedded::open(embedded).unwrap();
        let clock = ManualClock::at(START);
        let running = server::start_with(Arc::new(config), store, Clock::Manual(clock.clone()));
        let running = running.await.unwrap();
        let api = Api::new(&format!("http://{}", running.address())).unwrap();
        Self {
            clock,
            node: running.node().clone(),
            running,
            api,
            _folder: folder,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.running.address()
    }

    /// Calls without a session.
    pub(crate) fn api(&self) -> Api {
        self.api.clone()
    }

    /// Somebody new, on a desktop: several of them stay signed in side by side.
    pub(crate) async fn join(&self, handle: &str) -> Session {
        let request = registration(handle, PASSWORD, DeviceKind::Desktop);
        self.api.register(&request).await.unwrap()
    }

    /// Stops gently.
    pub(crate) async fn drain(&self) {
        self.running.drain().await;
    }

    /// Lets time pass, a second at a time, so that everything that waits for it has its turn.
    pub(crate) async fn pass(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(Duration::from_secs(1));
            let waiting = self.clock.sleepers();
            self.clock.advance(step);
            self.settle(waiting).await;
            left -= step;
        }
    }

    /// Waits until those who slept sleep again, or have gone.
    async fn settle(&self, sleepers: usize) {
        for _ in 0..200 {
            if self.clock.sleepers() >= sleepers {
                return;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
}

/// The code of a refusal.
pub(crate) fn code(error: &ClientError) -> ErrorCode {
    match error {
        ClientError::Refused(problem) => problem.code,
        other => panic!("{other}"),
    }
}

/// The code with which a call was refused.
pub(crate) fn refused<T>(result: Result<T, ClientError>) -> ErrorCode {
    match result {
        Err(error) => code(&error),
        Ok(_) => panic!("was accepted"),
    }
}
