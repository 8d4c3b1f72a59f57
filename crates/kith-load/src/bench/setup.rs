//! People, groups and sockets for a measured run.

use super::flow::Flow;
use super::traffic::Traffic;
use super::wire::{self, Wires};
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use kith_client::{Api, Session, registration};
use kith_protocol::session::DeviceKind;
use kith_protocol::thread::USER_IDS_MAX;
use kith_protocol::{ThreadId, UserId};
use std::io::{Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Calls at a time while people sign up.
const CALLS_AT_ONCE: usize = 16;
const PASSWORD: &str = "measured load";

/// A server to measure.
pub struct Target {
    /// `http://host:port`.
    pub url: String,
    /// Its process, for CPU and memory.
    pub pid: Option<u32>,
    /// Its admin socket, for its own figures.
    admin: Option<PathBuf>,
    runtime: Runtime,
    address: SocketAddr,
}

impl Target {
    /// A server of our own.
    pub fn of(server: &Server) -> Result<Self> {
        let mut target = Self::new(&server.url(), Some(server.pid()))?;
        target.admin = Some(server.admin());
        Ok(target)
    }

    /// A running server.
    pub fn new(url: &str, pid: Option<u32>) -> Result<Self> {
        let place = url.trim_start_matches("http://").trim_end_matches('/');
        let address = place
            .to_socket_addrs()?
            .next()
            .with_context(|| format!("{url}: no address"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            url: url.to_owned(),
            pid,
            admin: None,
            runtime,
            address,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Batches that it has made durable so far, if it tells.
    pub(super) fn commits(&self) -> Option<f64> {
        let page = self.metrics().ok()?;
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix("kith_store_commits_total "));
        line?.trim().parse().ok()
    }

    fn metrics(&self) -> Result<String> {
        let path = self.admin.as_ref().context("no admin socket")?;
        let mut socket = UnixStream::connect(path)?;
        socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: kith\r\nconnection: close\r\n\r\n")?;
        let mut page = String::new();
        socket.read_to_string(&mut page)?;
        Ok(page)
    }

    /// Runs calls to the end.
    pub fn wait<T>(&self, calls: impl Future<Output = T>) -> T {
        self.runtime.block_on(calls)
    }

    /// Signs up so many people with new handles.
    pub fn people(&self, count: usize) -> Result<Vec<Session>> {
        let run = Uuid::new_v4().simple().to_string();
        // Connections of its own: the server may have closed those that lay idle during a measured run.
        let api = Api::new(&self.url)?;
        self.wait(async {
            let calls = (0..count).map(|number| {
                let handle = format!("l{}-{number}", &run[..12]);
                let api = api.clone();
                async move {
                    api.register(&registration(&handle, PASSWORD, DeviceKind::Bot))
                        .await
                }
            });
            let people: Vec<_> = futures_util::stream::iter(calls)
                .buffered(CALLS_AT_ONCE)
                .collect()
                .await;
            people
                .into_iter()
                .map(|person| person.context("sign up"))
                .collect()
        })
    }

    /// The direct thread of two people.
    pub fn direct(&self, one: &Session, other: &Session) -> Result<ThreadId> {
        let row = self.wait(one.direct(other.id())).context("direct thread")?;
        Ok(row.thread.id)
    }

    /// A group of these people; the first opens it.
    pub fn group(&self, people: &[Session]) -> Result<ThreadId> {
        let (first, others) = people.split_first().context("an empty group")?;
        let others: Vec<UserId> = others.iter().map(Session::id).collect();
        let (at_once, later) = others.split_at(others.len().min(USER_IDS_MAX));
        self.wait(async {
            let thread = first
                .group("load", at_once)
                .await
                .context("group")?
                .thread
                .id;
            for some in later.chunks(USER_IDS_MAX) {
                first.add_members(thread, some).await.context("members")?;
            }
            Ok(thread)
        })
    }

    /// Opens a socket for each of these, which subscribe `thread` if it is given.
    pub fn wires(&self, people: &[&Session], thread: Option<ThreadId>) -> Result<Wires> {
        let mut wires = Wires::new()?;
        for person in people {
            let mut stream = wire::dial(self.address, &person.token)?;
            if let Some(thread) = thread {
                let ask = format!(r#"{{"t":"subscribe","id":"s","thread_id":"{thread}"}}"#);
                wire::ask(&mut stream, &ask).context("subscribe")?;
            }
            wires.add(stream)?;
        }
        Ok(wires)
    }

    /// Pairs: each first one sends to its second one.
    pub fn pairs(&self, pairs: usize, window: u64) -> Result<Traffic> {
        let people = self.people(2 * pairs)?;
        let run = Uuid::new_v4();
        let flows: Result<Vec<Flow>> = people
            .chunks(2)
            .enumerate()
            .map(|(pair, two)| {
                let thread = self.direct(&two[0], &two[1])?.to_string();
                Ok(Flow::new(2 * pair, thread, window, 1, run))
            })
            .collect();
        let people: Vec<&Session> = people.iter().collect();
        Traffic::new(self.wires(&people, None)?, flows?, people.len())
    }

    /// A group of `members`, of whom `online` have sockets and `senders` of these send.
    pub fn room(
        &self,
        members: usize,
        online: usize,
        senders: usize,
        window: u64,
    ) -> Result<(Traffic, ThreadId)> {
        ensure!(
            senders <= online && online <= members,
            "more senders than members"
        );
        let people = self.people(members)?;
        let thread = self.group(&people)?;
        let run = Uuid::new_v4();
        let receivers = online as u32 - 1;
        let flows = (0..senders)
            .map(|sender| Flow::new(sender, thread.to_string(), window, receivers, run))
            .collect();
        let online: Vec<&Session> = people.iter().take(online).collect();
        let wires = self.wires(&online, Some(thread))?;
        Ok((Traffic::new(wires, flows, online.len())?, thread))
    }
}
