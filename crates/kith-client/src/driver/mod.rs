//! The task behind a [`crate::Client`]: one loop over commands, pushes, answers and the clock.
//!
//! Nothing is awaited but in that loop. Calls run beside it and come back as [`Done`], so a slow
//! server never keeps a message from being written to the outbox.

mod catch_up;
mod link;
mod memory;
mod speak;

use crate::client::{Command, Options};
use crate::error::{ClientError, Closed};
use crate::event::{Ending, Event};
use crate::http::Api;
use crate::marks::{Mark, Marks};
use crate::outbox::Outbox;
use crate::pace::{Backoff, Clock, Jitter};
use crate::replica::{Gap, Replica};
use catch_up::CatchUp;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use kith_protocol::entry::{Page, Sent};
use kith_protocol::frame::ServerFrame;
use kith_protocol::presence::Beat;
use kith_protocol::sync::Sync;
use kith_protocol::{ClientMsgId, ThreadId};
use link::{Dialled, Link};
use memory::Memory;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Events that wait behind the application's queue before the client stops listening; a page of
/// entries may go beyond.
const BACKLOG_MAX: usize = 512;
/// Nothing is due for so long that the loop may as well look again.
const LONG: Duration = Duration::from_secs(3600);

pub(crate) struct Driver {
    api: Api,
    options: Options,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    backlog: VecDeque<Event>,
    link: Link,
    /// Counts the sockets: an answer of an earlier one says nothing about what is out now.
    epoch: u64,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    outbox: Outbox,
    replica: Replica,
    marks: Marks,
    catch_up: CatchUp,
    memory: Memory,
    beat: speak::Heartbeats,
    /// Threads that the application wants pushed although they are large.
    subscribed: Vec<ThreadId>,
    /// One message at a time goes over HTTP while there is no socket; not before this moment.
    http_sends: Option<Duration>,
    http_sending: bool,
    settled: Vec<oneshot::Sender<()>>,
    stop: Option<Stop>,
}

/// Why the loop ends.
enum Stop {
    Closed(Option<oneshot::Sender<()>>),
    Ended(Ending),
}

/// What came back from beside the loop.
enum Done {
    Dialled(Box<Dialled>),
    Synced(Result<Box<Sync>, ClientError>),
    Fetched(Gap, Result<Page, ClientError>),
    Sent {
        over_http: bool,
        epoch: u64,
        thread: ThreadId,
        id: ClientMsgId,
        result: Result<Sent, ClientError>,
    },
    Marked {
        thread: ThreadId,
        mark: Mark,
        seq: u64,
        result: Result<(), ClientError>,
    },
    Beaten {
        epoch: u64,
        result: Result<Beat, ClientError>,
    },
    /// Whatever it was, its answer changes nothing.
    Nothing,
}

/// What woke the loop.
enum Step {
    Command(Option<Command>),
    Done(Done),
    /// None: the socket has ended.
    Push(Option<ServerFrame>),
    Looked,
}

impl Driver {
    pub(crate) fn new(
        api: Api,
        options: Options,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, ClientError> {
        let outbox = match &options.folder {
            Some(folder) => {
                crate::disk::private_folder(folder)?;
                Outbox::open(folder)?
            }
            None => Outbox::in_memory(),
        };
        let (memory, replica, told) = Memory::open(options.folder.as_deref())?;
        Ok(Self {
            api,
            commands,
            events,
            backlog: VecDeque::new(),
            link: Link::start(),
            epoch: 0,
            work: FuturesUnordered::new(),
            outbox,
            replica,
            marks: Marks::default(),
            catch_up: CatchUp::new(told),
            memory,
            beat: speak::Heartbeats::new(options.state),
            subscribed: Vec::new(),
            http_sends: None,
            http_sending: false,
            settled: Vec::new(),
            stop: None,
            options,
        })
    }

    pub(crate) async fn run(mut self) {
        while self.stop.is_none() {
            self.start_what_is_due();
            match self.step().await {
                Step::Command(Some(command)) => self.command(command),
                Step::Command(None) => self.stop = Some(Stop::Closed(None)),
                Step::Done(done) => self.done(done),
                Step::Push(Some(push)) => self.pushed(push),
                Step::Push(None) => self.socket_ended(),
                Step::Looked => {}
            }
        }
        self.leave().await;
    }

    async fn step(&mut self) -> Step {
        let wakes_at = self.wakes_at();
        let room = self.backlog.len() < BACKLOG_MAX;
        let Self {
            commands,
            work,
            link,
            events,
            backlog,
            options,
            ..
        } = self;
        tokio::select! {
            command = commands.recv() => Step::Command(command),
            Some(done) = work.next() => Step::Done(done),
            push = link.push(), if room => Step::Push(push),
            permit = events.reserve(), if !backlog.is_empty() => {
                match permit {
                    Ok(permit) => {
                        if let Some(event) = backlog.pop_front() {
                            permit.send(event);
                        }
                    }
                    // Nobody listens any more.
                    Err(_) => backlog.clear(),
                }
                Step::Looked
            }
            () = options.clock.sleep_until(wakes_at) => Step::Looked,
        }
    }

    fn start_what_is_due(&mut self) {
        self.dial_if_due();
        if self.backlog.len() < BACKLOG_MAX {
            self.catch_up_if_due();
        }
        self.speak_if_due();
        self.remember_if_due();
    }

    fn wakes_at(&self) -> Duration {
        let now = self.now();
        let room = self.backlog.len() < BACKLOG_MAX;
        [
            self.link.wakes_at(),
            self.catch_up.wakes_at().filter(|_| room),
            self.outbox.wakes_at().filter(|at| *at > now),
            self.marks.wakes_at().filter(|at| *at > now),
            self.http_sends.filter(|at| *at > now),
            self.beat.wakes_at().filter(|_| self.link.is_open()),
            self.memory.wakes_at(),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(now + LONG)
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Dialled(dialled) => self.dialled(*dialled),
            Done::Synced(result) => self.synced(result),
            Done::Fetched(gap, result) => self.fetched(gap, result),
            Done::Sent {
                over_http,
                epoch,
                thread,
                id,
                result,
            } => {
                self.http_sending &= !over_http;
                self.sent(epoch, thread, id, result);
            }
            Done::Marked {
                thread,
                mark,
                seq,
                result,
            } => self.marked(thread, mark, seq, result),
            Done::Beaten { epoch, result } => self.beaten(epoch, result),
            Done::Nothing => {}
        }
    }

    /// An error that is the end of the session ends the client.
    fn ends(&mut self, error: &ClientError) -> bool {
        let ends = error.ends_session();
        if ends && self.stop.is_none() {
            self.stop = Some(Stop::Ended(Ending::by_error(error)));
        }
        ends
    }

    /// The last words: what was shown is written down, the application is told.
    async fn leave(mut self) {
        self.remember_now();
        match self.stop.take() {
            Some(Stop::Ended(ending)) => {
                self.emit(Event::SessionEnded(ending));
                while let Some(event) = self.backlog.pop_front() {
                    if self.events.send(event).await.is_err() {
                        return;
                    }
                }
            }
            Some(Stop::Closed(tell)) => {
                self.goodbye().await;
                if let Some(tell) = tell {
                    let _ = tell.send(());
                }
            }
            None => {}
        }
    }

    fn emit(&mut self, event: Event) {
        self.backlog.push_back(event);
    }

    fn now(&self) -> Duration {
        self.clock().now()
    }

    fn clock(&self) -> &Clock {
        &self.options.clock
    }

    fn jitter(&self) -> Jitter {
        self.options.jitter
    }
}
