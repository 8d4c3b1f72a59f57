//! What everybody in a round shares: the cast, the record, what has been found, and which life of the
//! server it is.

use super::cast::Cast;
use super::record::Record;
use super::wrong::{Faults, Wrong};
use kith_client::{Api, ClientError, Session, Socket};
use kith_protocol::presence::State;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A round.
pub(super) struct Stage {
    /// The server, without a session.
    pub(super) api: Api,
    /// Who and where.
    pub(super) cast: Cast,
    /// What was acknowledged.
    pub(super) record: Record,
    socket_url: String,
    life: AtomicU64,
    over: AtomicBool,
    faults: Mutex<Faults>,
}

impl Stage {
    /// Before the first word.
    pub(super) fn new(api: Api, cast: Cast) -> Self {
        let socket_url = format!("{}/v1/socket", api.base().replacen("http", "ws", 1));
        Self {
            record: Record::of(cast.rooms.len()),
            api,
            cast,
            socket_url,
            life: AtomicU64::new(0),
            over: AtomicBool::new(false),
            faults: Mutex::default(),
        }
    }

    /// How often the server was started again.
    pub(super) fn life(&self) -> u64 {
        self.life.load(Ordering::SeqCst)
    }

    /// It was started again.
    pub(super) fn next_life(&self) {
        self.life.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether everybody shall come to an end.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Everybody comes to an end after what they are doing.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Notes a fault.
    pub(super) fn wrong(&self, wrong: Wrong, what: impl FnOnce() -> String) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.add(wrong, what);
    }

    /// What was noted so far.
    pub(super) fn faults(&self) -> Faults {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.clone()
    }

    /// Opens a socket.
    pub(super) async fn socket(&self, session: &Session) -> Result<Socket, ClientError> {
        Socket::open(&self.socket_url, Some(session.token.clone()), State::Online).await
    }
}
