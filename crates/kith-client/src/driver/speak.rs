//! What a client says: commands of its application, the outbox, marks, heartbeats; and what the
//! pushes mean.

use super::{Closed, Done, Driver, Event, Stop};
use crate::client::Command;
use crate::error::ClientError;
use crate::event::Ending;
use crate::marks::Mark;
use crate::pace::Backoff;
use futures_util::future::BoxFuture;
use kith_protocol::entry::{SendMessage, Sent};
use kith_protocol::frame::{self, ClientFrame, ServerFrame, Skip};
use kith_protocol::presence::{Beat, State};
use kith_protocol::{ClientMsgId, ThreadId};
use std::time::Duration;

pub(super) struct Heartbeats {
    state: State,
    every: Duration,
    due_at: Duration,
    friends_version: Option<String>,
}

impl Heartbeats {
    pub(super) fn new(state: State) -> Self {
        Self {
            state,
            every: Duration::from_secs(10),
            due_at: Duration::ZERO,
            friends_version: None,
        }
    }

    /// A new socket: the first one tells at once who is here.
    pub(super) fn start(&mut self, now: Duration, every: Duration) {
        self.every = every;
        self.due_at = now;
    }

    pub(super) fn wakes_at(&self) -> Option<Duration> {
        Some(self.due_at)
    }
}

pub(super) fn heartbeat(state: State, friends_version: Option<String>) -> ClientFrame {
    ClientFrame::Beat(frame::Beat {
        state,
        friends_version,
        t: Skip,
        id: Skip,
    })
}

/// What the application wants.
impl Driver {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Queue {
                thread,
                message,
                queued,
            } => {
                let message = message.message(self.replica.have(thread));
                let id = message.client_msg_id;
                let result = self.outbox.queue(thread, message).map(|()| id);
                let _ = queued.send(result);
            }
            Command::GiveUp(id) => self.give_up(id),
            Command::Waiting(tell) => drop(tell.send(self.outbox.waiting().collect())),
            Command::Read(thread, seq) => self.marks.set(thread, Mark::Read, seq),
            Command::Delivered(thread, seq) => self.marks.set(thread, Mark::Delivered, seq),
            Command::Typing(thread_id, active) => self.tell(ClientFrame::Typing(frame::Typing {
                thread_id,
                active,
                t: Skip,
                id: Skip,
            })),
            Command::Subscribe(thread) => {
                if !self.subscribed.contains(&thread) {
                    self.subscribed.push(thread);
                    self.subscribe(thread);
                }
            }
            Command::State(state) => {
                self.options.state = state;
                self.beat.state = state;
                self.beat.due_at = self.now();
            }
            Command::Sync => self.catch_up.want(),
            Command::Settled(tell) => self.settled.push(tell),
            Command::Close(tell) => self.stop = Some(Stop::Closed(Some(tell))),
        }
    }

    pub(super) fn subscribe_again(&mut self) {
        for thread in self.subscribed.clone() {
            self.subscribe(thread);
        }
    }

    fn subscribe(&mut self, thread_id: ThreadId) {
        self.tell(ClientFrame::Subscribe(frame::Subscribe {
            thread_id,
            t: Skip,
            id: Skip,
        }));
    }

    fn give_up(&mut self, id: ClientMsgId) {
        if let Err(error) = self.outbox.done(id) {
            tracing::warn!(%error, "the outbox was not written");
        }
        self.forget(id);
    }

    /// Later sends of this connection need not wait for this one.
    fn forget(&mut self, client_msg_id: ClientMsgId) {
        self.tell(ClientFrame::Forget(frame::Forget {
            client_msg_id,
            t: Skip,
            id: Skip,
        }));
    }

    /// Says something whose answer changes nothing.
    fn tell(&mut self, frame: ClientFrame) {
        if let Some(socket) = self.link.socket() {
            match socket.begin(frame) {
                Ok(pending) => self.work.push(Box::pin(async move {
                    let _ = pending.answer().await;
                    Done::Nothing
                })),
                Err(error) => self.broken(&error),
            }
        }
    }
}

/// What goes out by itself.
impl Driver {
    pub(super) fn speak_if_due(&mut self) {
        self.beat_if_due();
        self.send_what_waits();
        self.mark_what_waits();
        if self.outbox.is_empty() && self.marks.is_settled() {
            for settled in self.settled.drain(..) {
                let _ = settled.send(());
            }
        }
    }

    fn beat_if_due(&mut self) {
        let now = self.now();
        if now < self.beat.due_at {
            return;
        }
        let Some(socket) = self.link.socket() else {
            return;
        };
        self.beat.due_at = now + self.beat.every;
        let frame = heartbeat(self.beat.state, self.beat.friends_version.clone());
        let epoch = self.epoch;
        match socket.begin(frame) {
            Ok(pending) => self.work.push(Box::pin(async move {
                let result = pending.answer().await.and_then(|answer| answer.read());
                Done::Beaten { epoch, result }
            })),
            Err(error) => self.broken(&error),
        }
    }

    pub(super) fn beaten(&mut self, epoch: u64, result: Result<Beat, ClientError>) {
        match result {
            Ok(beat) => {
                self.beat.friends_version = Some(beat.friends_version);
                if !beat.friends.is_empty() {
                    self.emit(Event::Friends(beat.friends));
                }
                for changed in beat.changed {
                    self.replica.reaches(changed.thread_id, changed.last_seq);
                }
            }
            Err(error) if self.ends(&error) => {}
            // A socket that does not answer is as good as cut.
            Err(error) if epoch == self.epoch => self.broken(&error),
            Err(_) => {}
        }
    }

    fn send_what_waits(&mut self) {
        let now = self.now();
        if !self.link.is_open() {
            return self.send_over_http(now);
        }
        while let Some((thread, message)) = self.outbox.next(now) {
            let id = message.client_msg_id;
            let epoch = self.epoch;
            let Some(socket) = self.link.socket() else {
                return;
            };
            match socket.begin(ClientFrame::Send(frame::Send::of(thread, message))) {
                Ok(pending) => self.work.push(Box::pin(async move {
                    let result = pending.answer().await.and_then(|answer| answer.read());
                    Done::Sent {
                        over_http: false,
                        epoch,
                        thread,
                        id,
                        result,
                    }
                })),
                Err(error) => return self.broken(&error),
            }
        }
    }

    /// Where sockets are blocked but calls come through, messages go one by one, which keeps
    /// their order.
    fn send_over_http(&mut self, now: Duration) {
        if self.http_sending || self.http_sends.is_none_or(|from| now < from) {
            return;
        }
        let Some((thread, message)) = self.outbox.next(now) else {
            return;
        };
        self.http_sending = true;
        let (api, epoch, id) = (self.api.clone(), self.epoch, message.client_msg_id);
        self.work.push(Box::pin(async move {
            let result = api.send(thread, message).await;
            Done::Sent {
                over_http: true,
                epoch,
                thread,
                id,
                result,
            }
        }));
    }

    pub(super) fn sent(
        &mut self,
        epoch: u64,
        thread: ThreadId,
        client_msg_id: ClientMsgId,
        result: Result<Sent, ClientError>,
    ) {
        let error = match result {
            Ok(sent) => return self.accepted(thread, client_msg_id, sent),
            Err(error) => error,
        };
        if self.ends(&error) || epoch != self.epoch {
            return;
        }
        match &error {
            ClientError::Refused(problem) if error.may_retry() => {
                let pause = problem
                    .retry_after_s
                    .map_or(Backoff::default().next(self.jitter()), Duration::from_secs);
                let not_before = self.now() + pause;
                self.outbox.later(thread, client_msg_id, not_before);
            }
            ClientError::Refused(problem) => self.refused(thread, client_msg_id, problem.clone()),
            _ if self.link.is_open() => self.broken(&error),
            // Over HTTP: the next poll that comes through opens the way again.
            _ => {
                self.outbox.all_back();
                self.http_sends = None;
            }
        }
    }

    fn accepted(&mut self, thread: ThreadId, client_msg_id: ClientMsgId, sent: Sent) {
        match self.outbox.done(client_msg_id) {
            // An answer to an earlier attempt came first.
            Ok(None) => return,
            Ok(Some(_)) => {}
            Err(error) => tracing::warn!(%error, "the outbox was not written"),
        }
        if !self.link.is_open() {
            // No push will bring it.
            self.replica.reaches(thread, sent.seq);
        }
        self.emit(Event::SendDone {
            thread,
            client_msg_id,
            sent,
        });
    }

    fn refused(&mut self, thread: ThreadId, id: ClientMsgId, problem: Box<kith_protocol::Problem>) {
        let message: Option<SendMessage> = self.outbox.done(id).unwrap_or_else(|error| {
            tracing::warn!(%error, "the outbox was not written");
            None
        });
        self.forget(id);
        if let Some(message) = message {
            self.emit(Event::SendRefused {
                thread,
                message: Box::new(message),
                problem,
            });
        }
    }

    fn mark_what_waits(&mut self) {
        let now = self.now();
        if !self.link.is_open() && self.http_sends.is_none_or(|from| now < from) {
            return;
        }
        while let Some((thread, mark, seq)) = self.marks.next(now) {
            let marked = match self.marking(thread, mark, seq) {
                Ok(marked) => marked,
                Err(error) => {
                    self.marks.answered(thread, mark, seq, true);
                    return self.broken(&error);
                }
            };
            self.work.push(Box::pin(async move {
                let result = marked.await;
                Done::Marked {
                    thread,
                    mark,
                    seq,
                    result,
                }
            }));
        }
    }

    /// Over the socket if there is one.
    fn marking(
        &self,
        thread_id: ThreadId,
        mark: Mark,
        seq: u64,
    ) -> Result<BoxFuture<'static, Result<(), ClientError>>, ClientError> {
        let Some(socket) = self.link.socket() else {
            let api = self.api.clone();
            return Ok(Box::pin(async move {
                match mark {
                    Mark::Read => api.read(thread_id, seq).await.map(drop),
                    Mark::Delivered => api.delivered(thread_id, seq).await.map(drop),
                }
            }));
        };
        let (t, id) = (Skip, Skip);
        let frame = match mark {
            Mark::Read => ClientFrame::Read(frame::Read {
                thread_id,
                seq,
                t,
                id,
            }),
            Mark::Delivered => ClientFrame::Delivered(frame::Delivered {
                thread_id,
                seq,
                t,
                id,
            }),
        };
        let pending = socket.begin(frame)?;
        Ok(Box::pin(async move { pending.answer().await.map(drop) }))
    }

    pub(super) fn marked(
        &mut self,
        thread: ThreadId,
        mark: Mark,
        seq: u64,
        result: Result<(), ClientError>,
    ) {
        let retried = match &result {
            Ok(()) => false,
            Err(error) => !self.ends(error) && error.may_retry(),
        };
        if retried && !self.link.is_open() {
            self.http_sends = None;
        }
        self.marks.answered(thread, mark, seq, retried);
    }

    fn broken(&mut self, error: &ClientError) {
        let closed = match error {
            ClientError::Closed(closed) => closed.clone(),
            error => Closed {
                code: None,
                reason: error.to_string(),
            },
        };
        self.lost(closed);
    }
}

/// What the server pushes.
impl Driver {
    pub(super) fn pushed(&mut self, push: ServerFrame) {
        match push {
            ServerFrame::Entries(pushed) => self.pushed_entries(pushed.thread_id, pushed.entries),
            ServerFrame::Thread(row) => {
                self.replica.row(&row);
                self.emit(Event::Row(row));
            }
            ServerFrame::Resync(resync) => match (resync.thread_id, resync.head) {
                (Some(thread), Some(head)) if self.replica.follows(thread) => {
                    self.replica.reaches(thread, head.last_seq);
                }
                _ => self.catch_up.want(),
            },
            ServerFrame::Receipt(receipt) => self.emit(Event::Receipt(receipt)),
            ServerFrame::Mine(mine) => self.emit(Event::Mine(Box::new(mine))),
            ServerFrame::Typing(typing) => self.emit(Event::Typing(typing)),
            ServerFrame::Contact(changed) => self.emit(Event::ContactChanged(Box::new(changed))),
            ServerFrame::Live(live) => self.emit(Event::Live(Box::new(live))),
            ServerFrame::SessionEnded(ended) => {
                self.stop = Some(Stop::Ended(Ending::from(ended)));
            }
            ServerFrame::GoingAway(away) => {
                self.link.come_back_in(Duration::from_secs(away.retry_in_s))
            }
            ServerFrame::Closing(closing) => self.lost(Closed {
                code: Some(closing.code),
                reason: closing.reason,
            }),
            ServerFrame::Welcome(_) | ServerFrame::Unknown(_) => {}
        }
    }
}
