//! A server of its own for each test, on a clock that the test moves, and a small known cast.

pub(crate) mod patient;
pub(crate) mod seeds;
pub(crate) mod talk;
pub(crate) mod wire;

use kith::clock::{Clock, ManualClock};
use kith::config::Config;
use kith::node::SharedNode;
use kith::server::{self, Running};
use kith_client::{Api, ClientError, Session, registration};
use kith_protocol::session::DeviceKind;
use kith_protocol::{ErrorCode, Timestamp};
use kith_store::SharedStore;
use kith_store::embedded::{self, EmbeddedConfig};
use std::sync::Arc;
use std::time::Duration;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse";

/// When tests begin.
pub(crate) const START: Timestamp = Timestamp(1_795_251_240_000);

/// A running server; it goes with its folder when it is dropped.
pub(crate) struct Server {
    /// Its time.
    pub(crate) clock: Arc<ManualClock>,
    /// What it runs on.
    pub(crate) node: SharedNode,
    running: Running,
    api: Api,
    config: Arc<Config>,
    folder: Arc<tempfile::TempDir>,
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
        Self::on(Arc::new(folder), Arc::new(config), START).await
    }

    /// A server on a folder that may hold something already.
    pub(crate) async fn on(
        folder: Arc<tempfile::TempDir>,
        config: Arc<Config>,
        now: Timestamp,
    ) -> Self {
        let embedded = EmbeddedConfig {
            folder: folder.path().into(),
            ..EmbeddedConfig::default()
        };
        let store = embedded::open(embedded).unwrap();
        Self::over(store, folder, config, ManualClock::at(now)).await
    }

    /// Another node over the same store, on the same clock.
    pub(crate) async fn beside(&self) -> Self {
        self.through(self.node.store.clone()).await
    }

    /// The same through something that stands before the store.
    pub(crate) async fn through(&self, store: SharedStore) -> Self {
        let (folder, config) = (self.folder.clone(), self.config.clone());
        Self::over(store, folder, config, self.clock.clone()).await
    }

    async fn over(
        store: SharedStore,
        folder: Arc<tempfile::TempDir>,
        config: Arc<Config>,
        clock: Arc<ManualClock>,
    ) -> Self {
        let running = server::start_with(config.clone(), store, Clock::Manual(clock.clone()));
        let running = running.await.unwrap();
        let api = Api::new(&format!("http://{}", running.address())).unwrap();
        Self {
            clock,
            node: running.node().clone(),
            running,
            api,
            config,
            folder,
        }
    }

    /// Stops, and starts again on the same folder, at another address.
    pub(crate) async fn restarted(self) -> Self {
        let now = self.now();
        let (folder, config) = self.put_away().await;
        Self::on(folder, config, now).await
    }

    /// Stops; what it leaves.
    pub(crate) async fn put_away(self) -> (Arc<tempfile::TempDir>, Arc<Config>) {
        self.drain().await;
        let Self {
            config,
            folder,
            running,
            node,
            ..
        } = self;
        drop((running, node));
        (folder, config)
    }

    /// Doctor finds nothing wrong.
    pub(crate) async fn is_sound(&self) {
        let doctor = kith::doctor::Doctor::of_node(self.node.clone(), false);
        let (findings, _) = patient::report(doctor).await;
        assert!(findings.is_empty(), "{findings:#?}");
    }

    /// The server's time.
    pub(crate) fn now(&self) -> Timestamp {
        Clock::Manual(self.clock.clone()).now()
    }

    /// Somebody new with a socket open.
    pub(crate) async fn person(&self, handle: &str) -> talk::Person {
        talk::Person::of(self.join(handle).await).await
    }

    /// Another device of somebody, with a socket open.
    pub(crate) async fn device(&self, handle: &str) -> talk::Person {
        let request = kith_client::credentials(handle, PASSWORD, DeviceKind::Desktop);
        talk::Person::of(self.api.login(&request).await.unwrap()).await
    }

    /// The same session after a restart.
    pub(crate) fn again(&self, session: &Session) -> Api {
        self.api.with_token(&session.token)
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
