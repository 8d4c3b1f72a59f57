//! The whole good client: connected, caught up, and with an outbox that survives a restart.

use crate::driver::Driver;
use crate::error::ClientError;
use crate::event::{Draft, Event};
use crate::http::Api;
use crate::pace::{Clock, Jitter};
use crate::session::new_msg_id;
use kith_protocol::entry::SendMessage;
use kith_protocol::presence::State;
use kith_protocol::{ClientMsgId, ThreadId};
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};

/// Events that wait for the application. Behind a full queue the client stops listening, the
/// server's pushes are dropped, and all is fetched once there is room: late, never lost.
const EVENTS_MAX: usize = 256;
/// Commands that wait; a full queue makes the caller wait.
const COMMANDS_MAX: usize = 64;

/// How a client lives.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where outbox and state are kept; nowhere: they end with the program. Two clients must not
    /// share a folder.
    pub folder: Option<PathBuf>,
    /// What the session says of itself.
    pub state: State,
    /// Show all entries that are visible at the first start, not only those from then on.
    pub from_the_beginning: bool,
    /// Tell the server by itself that shown entries have arrived.
    pub acknowledge: bool,
    /// What time it is.
    pub clock: Clock,
    /// Where jitter comes from.
    pub jitter: Jitter,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            folder: None,
            state: State::Online,
            from_the_beginning: false,
            acknowledge: true,
            clock: Clock::real(),
            jitter: Jitter::Random,
        }
    }
}

/// A client that runs until it is closed, dropped, or its session ends.
///
/// Entries come as [`Event::Entry`]: each once and in order per thread, as long as the program
/// runs. What was shown is written down at most a second later, so that a program that crashes may
/// be shown the last moment's entries again, and never misses one.
pub struct Client {
    api: Api,
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
}

/// What the application asks of its client.
pub(crate) enum Command {
    Queue {
        thread: ThreadId,
        message: Box<Queueing>,
        queued: oneshot::Sender<Result<ClientMsgId, ClientError>>,
    },
    GiveUp(ClientMsgId),
    Waiting(oneshot::Sender<Vec<(ThreadId, SendMessage)>>),
    Read(ThreadId, u64),
    Delivered(ThreadId, u64),
    Typing(ThreadId, bool),
    Subscribe(ThreadId),
    State(State),
    Sync,
    /// Answers once nothing waits to be sent.
    Settled(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

/// A new message, or one that the application numbered itself.
pub(crate) enum Queueing {
    Draft(Draft),
    Message(SendMessage),
}

impl Client {
    /// Starts a client; `api` carries the token.
    pub fn start(api: &Api, options: Options) -> Result<Self, ClientError> {
        let (commands, for_driver) = mpsc::channel(COMMANDS_MAX);
        let (tell, events) = mpsc::channel(EVENTS_MAX);
        let driver = Driver::new(api.clone(), options, for_driver, tell)?;
        tokio::spawn(driver.run());
        Ok(Self {
            api: api.clone(),
            commands,
            events,
        })
    }

    /// The calls that need no queue: history, threads, contacts.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The next event; none after the end. Safe to drop half-way.
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Queues a message: when this returns it is on the disk, and will be sent until the server
    /// has it or refuses it for good.
    pub async fn send(
        &self,
        thread: ThreadId,
        draft: impl Into<Draft>,
    ) -> Result<ClientMsgId, ClientError> {
        self.queue(thread, Queueing::Draft(draft.into())).await
    }

    /// Queues a message with an id and a seen head of the caller's own.
    pub async fn send_message(
        &self,
        thread: ThreadId,
        message: SendMessage,
    ) -> Result<ClientMsgId, ClientError> {
        self.queue(thread, Queueing::Message(message)).await
    }

    async fn queue(&self, thread: ThreadId, message: Queueing) -> Result<ClientMsgId, ClientError> {
        let (queued, answer) = oneshot::channel();
        let message = Box::new(message);
        self.command(Command::Queue {
            thread,
            message,
            queued,
        })
        .await?;
        answer.await.map_err(|_| ClientError::Stopped)?
    }

    /// Takes a message out of the outbox that the server refuses again and again.
    pub async fn give_up(&self, id: ClientMsgId) -> Result<(), ClientError> {
        self.command(Command::GiveUp(id)).await
    }

    /// What waits in the outbox, in order per thread: after a start, what an earlier run left.
    pub async fn waiting(&self) -> Result<Vec<(ThreadId, SendMessage)>, ClientError> {
        let (tell, waiting) = oneshot::channel();
        self.command(Command::Waiting(tell)).await?;
        waiting.await.map_err(|_| ClientError::Stopped)
    }

    /// Everything up to `seq` was read.
    pub async fn read(&self, thread: ThreadId, seq: u64) -> Result<(), ClientError> {
        self.command(Command::Read(thread, seq)).await
    }

    /// Everything up to `seq` has arrived; needed only without [`Options::acknowledge`].
    pub async fn delivered(&self, thread: ThreadId, seq: u64) -> Result<(), ClientError> {
        self.command(Command::Delivered(thread, seq)).await
    }

    /// The user is typing, or stopped; lost while there is no socket.
    pub async fn typing(&self, thread: ThreadId, active: bool) -> Result<(), ClientError> {
        self.command(Command::Typing(thread, active)).await
    }

    /// Push entries of a large thread too, on this socket and the following ones.
    pub async fn subscribe(&self, thread: ThreadId) -> Result<(), ClientError> {
        self.command(Command::Subscribe(thread)).await
    }

    /// What the session says of itself from now on.
    pub async fn set_state(&self, state: State) -> Result<(), ClientError> {
        self.command(Command::State(state)).await
    }

    /// Syncs now.
    pub async fn sync(&self) -> Result<(), ClientError> {
        self.command(Command::Sync).await
    }

    /// Waits until the outbox is empty and all read marks are told. Events go on coming meanwhile: an
    /// application that waits long should read them.
    pub async fn settled(&self) -> Result<(), ClientError> {
        self.settling().await?.await
    }

    /// The same in two steps, for those who read events meanwhile.
    pub async fn settling(
        &self,
    ) -> Result<impl Future<Output = Result<(), ClientError>> + use<>, ClientError> {
        let (tell, settled) = oneshot::channel();
        self.command(Command::Settled(tell)).await?;
        Ok(async move { settled.await.map_err(|_| ClientError::Stopped) })
    }

    /// Says goodbye and stops; what waits in the outbox stays on the disk.
    pub async fn close(self) {
        let (tell, closed) = oneshot::channel();
        if self.command(Command::Close(tell)).await.is_ok() {
            // An error means that it stopped by itself meanwhile.
            let _ = closed.await;
        }
    }

    async fn command(&self, command: Command) -> Result<(), ClientError> {
        self.commands
            .send(command)
            .await
            .map_err(|_| ClientError::Stopped)
    }
}

impl Queueing {
    /// The message, with `seen_head` where the application did not say.
    pub(crate) fn message(self, seen_head: u64) -> SendMessage {
        match self {
            Self::Draft(draft) => draft.message(new_msg_id(), seen_head),
            Self::Message(message) => message,
        }
    }
}
