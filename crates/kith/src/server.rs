//! Starting and stopping, as a list: open the store, build the node, open the port; and backwards.

use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::http;
use crate::http::auth::Peer;
use crate::http::input::BodyWithin;
use crate::http::patient::Patient;
use crate::node::{Node, SharedNode};
use crate::{receipt, session};
use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use kith_store::SharedStore;
use kith_store::embedded::{self, EmbeddedConfig};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tower::Service;

/// What browsers and proxies send fits several times.
const HEADERS_MAX_BYTES: usize = 32 * 1024;

/// Connections that the system takes before the server does; it has a bound of its own, usually this one. With the
/// 128 of the standard library some of those who all come back at once try again only after a second, as TCP does.
const BACKLOG: u32 = 4096;

/// Dead tokens are looked for this often.
const FORGET_TOKENS_EVERY_TICKS: u64 = 3600;

/// Out of file descriptors, the next connection is taken after this long.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// While sockets close, they are counted this often.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Clients come back after this many seconds, spread by their own jitter.
const RETRY_IN_S: u64 = 1;

/// A server that runs.
pub struct Running {
    node: SharedNode,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accept: Mutex<Option<tokio::task::JoinHandle<()>>>,
    ticks: Vec<tokio::task::JoinHandle<()>>,
}

/// Starts a server on its configured store and address.
pub async fn start(config: Arc<Config>) -> anyhow::Result<Running> {
    let store = open_store(&config).await?;
    start_with(config, store, Clock::System).await
}

/// Starts a server on an open store, with its clock.
pub async fn start_with(
    config: Arc<Config>,
    store: SharedStore,
    clock: Clock,
) -> anyhow::Result<Running> {
    let listen = config.http.listen;
    let listener =
        open_port(listen).with_context(|| format!("http.listen {listen} cannot be opened"))?;
    let address = listener.local_addr()?;
    let within = Within {
        head: Duration::from_secs(config.http.header_timeout_s),
        body: BodyWithin(Duration::from_secs(config.http.body_timeout_s)),
    };
    let node = Node::start(config, store, clock);
    // Set once, before the first connection.
    let _ = node.address.set(address);
    let (stop, stopping) = watch::channel(false);
    let service = http::service(node.clone());
    let accept = tokio::spawn(accept(
        listener,
        service,
        within,
        stopping,
        node.clock.clone(),
    ));
    let ticks = vec![
        tokio::spawn(every_quarter_second(node.clone())),
        tokio::spawn(every_second(node.clone())),
    ];
    Ok(Running {
        node,
        address,
        stop,
        accept: Mutex::new(Some(accept)),
        ticks,
    })
}

fn open_port(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart does not wait for the connections of before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

pub(crate) async fn open_store(config: &Config) -> anyhow::Result<SharedStore> {
    let embedded = EmbeddedConfig {
        folder: config.store.folder.clone(),
        cache_bytes: config.store.cache_bytes,
        memtable_bytes: config.store.memtable_bytes,
        reserve_bytes: config.store.reserve_bytes,
    };
    let opened = tokio::task::spawn_blocking(move || embedded::open(embedded)).await?;
    Ok(opened?)
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it runs on.
    pub fn node(&self) -> &SharedNode {
        &self.node
    }

    /// Whether it can serve; the sentence says why not.
    pub fn health(&self) -> std::result::Result<(), String> {
        self.node.health()
    }

    /// Figures for metrics.
    pub fn figures(&self) -> Vec<(&'static str, f64)> {
        let mut figures = self.node.store.figures();
        figures.push(("connections", self.node.push.connections() as f64));
        figures.extend(self.node.sequencer.figures());
        figures
    }

    /// Stops gently: takes no more, tells sockets to move on, finishes what is on its way, closes
    /// the store.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long stopping may take is not the rules' time"
    )]
    pub async fn drain(&self) {
        self.stop.send_replace(true);
        self.node.push.drain(RETRY_IN_S);
        let accept = self.accept.lock().take();
        let finished = async {
            if let Some(accept) = accept {
                // It ends by itself; that it panicked was told when it did.
                let _ = accept.await;
            }
            while self.node.push.connections() > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let within = Duration::from_secs(self.node.config.push.drain_s);
        // After that the rest is cut off: clients send again what was not acknowledged.
        let _ = tokio::time::timeout(within, finished).await;
        self.close_store().await;
    }

    async fn close_store(&self) {
        for tick in &self.ticks {
            tick.abort();
        }
        let store = self.node.store.clone();
        if tokio::task::spawn_blocking(move || store.close())
            .await
            .is_err()
        {
            tracing::error!("the store did not close");
        }
    }

    /// Stops at once: what was acknowledged is safe.
    pub fn stop_now(&self) {
        self.stop.send_replace(true);
        if let Some(accept) = self.accept.lock().take() {
            accept.abort();
        }
        for tick in &self.ticks {
            tick.abort();
        }
        self.node.store.close();
    }
}

impl Node {
    /// Whether this node can serve; the sentence says why not.
    pub fn health(&self) -> std::result::Result<(), String> {
        self.store.health()
    }
}

async fn every_quarter_second(node: SharedNode) {
    loop {
        node.clock.sleep(Duration::from_millis(250)).await;
        receipt::flush(&node).await;
    }
}

async fn every_second(node: SharedNode) {
    for tick in 1_u64.. {
        node.clock.sleep(Duration::from_secs(1)).await;
        node.push.look_over(&node.config.push);
        node.presence.tick(&node).await;
        if tick.is_multiple_of(node.config.store.purge_every_s)
            && node.erased.swap(false, Ordering::Relaxed)
        {
            tokio::spawn(purge(node.clone()));
        }
        if tick.is_multiple_of(FORGET_TOKENS_EVERY_TICKS) {
            warn(
                "ended tokens were not forgotten",
                session::forget_ended(&node).await,
            );
        }
    }
}

/// Takes erased bodies out of the files; beside everything else, for it may take minutes.
async fn purge(node: SharedNode) {
    if let Err(error) = node.store.purge_erased().await {
        tracing::warn!(%error, "erased bodies were not purged");
        node.erased.store(true, Ordering::Relaxed);
    }
}

fn warn<T>(what: &'static str, result: Result<T>) {
    if let Err(error) = result {
        tracing::warn!(%error, "{what}");
    }
}

/// How long a client may take to send a request.
#[derive(Clone, Copy)]
struct Within {
    head: Duration,
    body: BodyWithin,
}

/// Takes connections until told to stop, then waits for those that are open.
async fn accept(
    listener: TcpListener,
    service: Router,
    within: Within,
    stopping: watch::Receiver<bool>,
    clock: Clock,
) {
    // Every connection holds a sender: once all are gone, so are the connections.
    let (open, mut all_closed) = mpsc::channel::<()>(1);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told_to_stop(stopping.clone()) => break,
        };
        match accepted {
            Ok((stream, peer)) => serve(
                stream,
                peer,
                &service,
                within,
                stopping.clone(),
                open.clone(),
                clock.clone(),
            ),
            // Out of file descriptors: others are closed meanwhile.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                clock.sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop((listener, open));
    // Nothing is ever sent: this ends with the last sender.
    let _ = all_closed.recv().await;
}

async fn told_to_stop(mut stopping: watch::Receiver<bool>) {
    // The sender is dropped only with the server.
    let _ = stopping.wait_for(|stop| *stop).await;
}

fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    service: &Router,
    within: Within,
    stopping: watch::Receiver<bool>,
    open: mpsc::Sender<()>,
    clock: Clock,
) {
    // Small frames go out at once.
    let _ = stream.set_nodelay(true);
    let service = service.clone();
    let handle = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(within.body);
        service.clone().call(request)
    });
    tokio::spawn(async move {
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(within.head)
            .max_buf_size(HEADERS_MAX_BYTES)
            .serve_connection(TokioIo::new(Patient::new(stream, clock)), handle)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        // A connection that breaks is the client's to mend.
        tokio::select! {
            _ = connection.as_mut() => {}
            () = told_to_stop(stopping) => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
        drop(open);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net;

    #[tokio::test]
    async fn hundreds_who_come_at_once_are_taken_though_the_server_is_busy() {
        let listener = open_port("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let address = listener.local_addr().expect("bound");
        // Nobody accepts. The system answers at once, or drops what comes, so that it is tried again after a second.
        let within = Duration::from_millis(900);
        let came: std::io::Result<Vec<net::TcpStream>> = (0..500)
            .map(|_| net::TcpStream::connect_timeout(&address, within))
            .collect();
        assert_eq!(came.expect("all are taken").len(), 500);
    }
}
