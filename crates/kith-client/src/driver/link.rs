//! The socket of a client: dialling, losing it, dialling again with growing pauses.

use super::{Backoff, Closed, Done, Driver, Event, Stop};
use crate::error::ClientError;
use crate::event::Ending;
use crate::http::Api;
use crate::socket::Socket;
use kith_protocol::frame::ServerFrame;
use kith_protocol::presence::{PushAddress, PushAddressQuery, State};
use std::time::Duration;

/// How often to poll until a push address said it.
const POLL_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Link {
    way: Way,
    backoff: Backoff,
    /// What `going_away` asked for.
    retry_in: Option<Duration>,
    /// How often to sync while no socket is open.
    poll_every: Duration,
}

enum Way {
    Open(Box<Socket>),
    Dialling,
    /// Until then.
    Waiting(Duration),
}

/// How dialling went, and what the push address said.
pub(super) struct Dialled {
    address: Option<PushAddress>,
    socket: Result<Socket, ClientError>,
}

impl Link {
    pub(super) fn start() -> Self {
        Self {
            way: Way::Waiting(Duration::ZERO),
            backoff: Backoff::default(),
            retry_in: None,
            poll_every: POLL_EVERY,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.way, Way::Open(_))
    }

    pub(super) fn socket(&self) -> Option<&Socket> {
        match &self.way {
            Way::Open(socket) => Some(socket),
            _ => None,
        }
    }

    /// The next push; never without a socket.
    pub(super) async fn push(&mut self) -> Option<ServerFrame> {
        match &mut self.way {
            Way::Open(socket) => socket.push().await,
            _ => std::future::pending().await,
        }
    }

    pub(super) fn wakes_at(&self) -> Option<Duration> {
        match self.way {
            Way::Waiting(until) => Some(until),
            _ => None,
        }
    }

    pub(super) fn poll_every(&self) -> Duration {
        self.poll_every
    }

    pub(super) fn come_back_in(&mut self, retry_in: Duration) {
        self.retry_in = Some(retry_in);
    }
}

impl Driver {
    pub(super) fn dial_if_due(&mut self) {
        if self
            .link
            .wakes_at()
            .is_some_and(|until| until <= self.now())
        {
            self.link.way = Way::Dialling;
            let dialling = dial(self.api.clone(), self.options.state);
            self.work.push(Box::pin(
                async move { Done::Dialled(Box::new(dialling.await)) },
            ));
        }
    }

    pub(super) fn dialled(&mut self, dialled: Dialled) {
        if let Some(address) = &dialled.address {
            // A pause of nothing would be a busy loop.
            self.link.poll_every = Duration::from_secs(address.poll_every_s.max(1));
        }
        match dialled.socket {
            Ok(socket) => self.opened(socket),
            Err(error) if self.ends(&error) => {}
            Err(error) => {
                tracing::debug!(%error, "no socket");
                self.dial_later();
                self.catch_up.poll_from(self.options.clock.now());
            }
        }
    }

    fn opened(&mut self, socket: Socket) {
        self.epoch += 1;
        self.link.backoff.reset();
        let heartbeat_s = socket.welcome().map_or(10, |welcome| welcome.heartbeat_s);
        self.link.way = Way::Open(Box::new(socket));
        self.outbox.all_back();
        let now = self.now();
        self.beat
            .start(now, Duration::from_secs(heartbeat_s.max(1)));
        self.catch_up.go_online();
        // Joined first: what this answer does not have comes as a push.
        self.catch_up.want();
        self.subscribe_again();
        self.emit(Event::Connected);
    }

    /// The reader has ended: was it final?
    pub(super) fn socket_ended(&mut self) {
        let closed = self
            .link
            .socket()
            .and_then(Socket::closed)
            .unwrap_or_default();
        self.lost(closed);
    }

    /// The socket is of no use any more.
    pub(super) fn lost(&mut self, closed: Closed) {
        if !self.link.is_open() {
            return;
        }
        if closed.is_final() {
            let error = ClientError::Closed(closed);
            self.stop = Some(Stop::Ended(Ending::by_error(&error)));
            return;
        }
        self.dial_later();
        self.outbox.all_back();
        self.http_sends = None;
        let poll_every = self.jitter().around(self.link.poll_every);
        self.catch_up.poll_from(self.now() + poll_every);
        self.emit(Event::Disconnected(closed));
    }

    fn dial_later(&mut self) {
        let jitter = self.jitter();
        let pause = self.link.backoff.next(jitter);
        let pause = match self.link.retry_in.take() {
            Some(retry_in) => jitter.between(retry_in, retry_in * 2).max(pause),
            None => pause,
        };
        self.link.way = Way::Waiting(self.now() + pause);
    }

    /// Ends the lease at once and closes.
    pub(super) async fn goodbye(self) {
        if let Way::Open(socket) = self.link.way {
            let leaving = super::speak::heartbeat(State::Leaving, None);
            let _ = socket.tell(leaving).await;
            socket.close().await;
        }
    }
}

async fn dial(api: Api, state: State) -> Dialled {
    let address = match api.push_address(PushAddressQuery::default()).await {
        Ok(address) => address,
        Err(error) => {
            return Dialled {
                address: None,
                socket: Err(error),
            };
        }
    };
    let mut socket = Err(ClientError::Unreachable("no push address".into()));
    for url in std::iter::once(&address.url).chain(&address.fallback_urls) {
        socket = Socket::open(url, api.token().map(str::to_owned), state).await;
        match &socket {
            Ok(_) => break,
            Err(error) if error.ends_session() => break,
            Err(_) => {}
        }
    }
    Dialled {
        address: Some(address),
        socket,
    }
}
