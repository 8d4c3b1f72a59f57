//! The one writer of each thread on this node: queue → decide → append → publish → answer.
//!
//! Threads are spread over a few shards. A shard is a task that owns the states of its threads, so
//! there are no locks on them. One run per thread is in flight; what comes meanwhile is the next
//! batch. All runs of all shards meet in the store's commit loop, so encoding and waking go on
//! while the next fsync does.

use super::admission::{Admission, Entry};
use super::batch::{self, Command};
use super::state::{ThreadState, Width};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
use crate::node::{Node, SharedNode};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use kith_protocol::{ThreadId, UserId};
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::hash::BuildHasher;
use std::sync::{Arc, Weak};
use tokio::sync::{mpsc, oneshot};

/// Orders on their way to a shard: as many as it lets in. Over it they are refused as overload.
const QUEUE_MAX: usize = 16_384;

/// Too much waits already.
pub(super) const OVERLOADED: Error = Error::Overloaded("more comes than can be done in time");

/// States held in memory by all shards: those of the threads in use. Others are loaded again.
const LOADED_MAX_BYTES: usize = 24 << 20;

/// Hands commands to the shards.
pub struct Sequencer {
    clock: Clock,
    shards: Vec<Door>,
}

/// The way into a shard.
struct Door {
    orders: mpsc::Sender<Order>,
    admission: Arc<Admission>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are commands; a box would be an allocation for each message"
)]
enum Order {
    Do(ThreadId, Command),
    Read(ThreadId, UserId, u64),
    Hold(ThreadId, oneshot::Sender<Held>),
}

/// Nothing is appended to a thread here as long as this lives; what comes meanwhile waits.
pub struct Held {
    _until_dropped: oneshot::Sender<()>,
}

impl Sequencer {
    /// Starts the shards; they end when the sequencer is dropped.
    pub fn start(node: Weak<Node>, clock: Clock, shards: usize) -> Self {
        let now = clock.now();
        let start = |_| {
            let (orders, queue) = mpsc::channel(QUEUE_MAX);
            tokio::spawn(Shard::new(node.clone(), LOADED_MAX_BYTES / shards.max(1)).work(queue));
            let admission = Admission::new(now);
            Door { orders, admission }
        };
        Self {
            shards: (0..shards.max(1)).map(start).collect(),
            clock,
        }
    }

    /// Queues a command; its reply is told the outcome. Refused early when the shard is behind: at
    /// once, or if it may have been done before (rule 2) as soon as it was looked for in memory.
    pub fn submit(&self, thread: ThreadId, mut command: Command) {
        let door = self.door(thread);
        let user = command.caller.user;
        match door
            .admission
            .enter(user, command.act.weight_bytes(), self.clock.now())
        {
            Entry::In(ticket) => command.ticket = Some(ticket),
            Entry::Shed(ticket) if command.act.key().is_some() => {
                command.ticket = Some(ticket);
                command.refusal = Some(OVERLOADED);
            }
            Entry::Shed(_) | Entry::Full => return command.refuse(OVERLOADED),
        }
        if let Err(error) = door.orders.try_send(Order::Do(thread, command))
            && let Order::Do(_, command) = error.into_inner()
        {
            command.refuse(OVERLOADED);
        }
    }

    /// A user has read up to here: later sends rest on it.
    pub async fn note_read(&self, thread: ThreadId, user: UserId, seq: u64) {
        // A shard that is gone has no later sends.
        let _ = self
            .door(thread)
            .orders
            .send(Order::Read(thread, user, seq))
            .await;
    }

    /// Says who is let in to the shard of a thread.
    pub fn admission(&self, thread: ThreadId) -> &Arc<Admission> {
        &self.door(thread).admission
    }

    /// Figures for metrics.
    pub fn figures(&self) -> [(&'static str, f64); 2] {
        let each = self.shards.iter().map(|door| door.admission.figures());
        let (unanswered, refused) = each.fold((0, 0), |(sum, total), (unanswered, refused)| {
            (sum + unanswered, total + refused)
        });
        [
            ("unanswered_commands", unanswered as f64),
            ("overloaded", refused as f64),
        ]
    }

    /// Waits until nothing is being appended to a thread, and keeps it so. What the shard knew of the thread is
    /// forgotten: its views may be changed meanwhile. None when the node is stopping.
    pub async fn hold(&self, thread: ThreadId) -> Option<Held> {
        let (answer, held) = oneshot::channel();
        let order = Order::Hold(thread, answer);
        self.door(thread).orders.send(order).await.ok()?;
        held.await.ok()
    }

    fn door(&self, thread: ThreadId) -> &Door {
        let hash = FxBuildHasher.hash_one(thread) as usize;
        &self.shards[hash % self.shards.len()]
    }
}

struct Shard {
    node: Weak<Node>,
    max_bytes: usize,
    slots: FxHashMap<ThreadId, Slot>,
    /// Counts uses, so that the longest unused states can go.
    uses: u64,
    loaded_bytes: usize,
}

/// What the shard has of one thread.
#[derive(Default)]
struct Slot {
    /// None while a run has it, or before the first load.
    state: Option<Box<ThreadState>>,
    running: bool,
    waiting: Vec<Command>,
    /// Who want to hold the thread; they come before what waits.
    holds: Vec<oneshot::Sender<Held>>,
    read: Vec<(UserId, u64)>,
    used: u64,
    bytes: usize,
}

type Run = BoxFuture<'static, (ThreadId, Option<Box<ThreadState>>, Vec<Command>)>;

impl Shard {
    fn new(node: Weak<Node>, max_bytes: usize) -> Self {
        Self {
            node,
            max_bytes,
            slots: FxHashMap::default(),
            uses: 0,
            loaded_bytes: 0,
        }
    }

    async fn work(mut self, mut queue: mpsc::Receiver<Order>) {
        let mut runs: FuturesUnordered<Run> = FuturesUnordered::new();
        let mut orders = Vec::with_capacity(256);
        loop {
            tokio::select! {
                Some((thread, state, left)) = runs.next(), if !runs.is_empty() => {
                    self.put_back(thread, state, left);
                    self.run(thread, &mut runs);
                }
                taken = queue.recv_many(&mut orders, 256) => {
                    if taken == 0 {
                        return;
                    }
                    self.take(&mut orders, &mut runs);
                }
            }
        }
    }

    /// Queues orders with their threads, then starts a run for each thread that has none.
    fn take(&mut self, orders: &mut Vec<Order>, runs: &mut FuturesUnordered<Run>) {
        let mut woken = Vec::new();
        for order in orders.drain(..) {
            match order {
                Order::Do(thread, command) => {
                    self.slots.entry(thread).or_default().waiting.push(command);
                    woken.push(thread);
                }
                Order::Hold(thread, answer) => {
                    self.slots.entry(thread).or_default().holds.push(answer);
                    woken.push(thread);
                }
                Order::Read(thread, user, seq) => {
                    if let Some(slot) = self.slots.get_mut(&thread) {
                        slot.note_read(user, seq);
                    }
                }
            }
        }
        for thread in woken {
            self.run(thread, runs);
        }
    }

    fn run(&mut self, thread: ThreadId, runs: &mut FuturesUnordered<Run>) {
        let Some(node) = self.node.upgrade() else {
            return;
        };
        let Some(slot) = self.slots.get_mut(&thread) else {
            return;
        };
        if slot.running || !slot.is_wanted() {
            return;
        }
        self.uses += 1;
        slot.used = self.uses;
        slot.running = true;
        self.loaded_bytes -= std::mem::take(&mut slot.bytes);
        let mut state = slot.state.take();
        let waiting = std::mem::take(&mut slot.waiting);
        if let Some(answer) = slot.holds.pop() {
            runs.push(Box::pin(held(thread, answer, waiting)));
            return;
        }
        runs.push(Box::pin(async move {
            let left = batch::run(&node, thread, &mut state, waiting).await;
            (thread, state, left)
        }));
    }

    /// Takes a state back from its run, with the commands that are to be done next.
    fn put_back(&mut self, thread: ThreadId, state: Option<Box<ThreadState>>, left: Vec<Command>) {
        let Some(slot) = self.slots.get_mut(&thread) else {
            return;
        };
        slot.running = false;
        slot.waiting.splice(0..0, left);
        slot.state = state;
        for (user, seq) in std::mem::take(&mut slot.read) {
            slot.note_read(user, seq);
        }
        let is_wanted = slot.is_wanted();
        match &mut slot.state {
            Some(state) => {
                state.client_ids.trim();
                slot.bytes = state.weight_bytes();
                self.loaded_bytes += slot.bytes;
            }
            None if !is_wanted => drop(self.slots.remove(&thread)),
            None => {}
        }
        if self.loaded_bytes > self.max_bytes {
            self.forget_unused();
        }
    }

    /// Lets go of the longer unused half of the states.
    fn forget_unused(&mut self) {
        let mut uses: Vec<u64> = self.slots.values().map(|slot| slot.used).collect();
        let middle = uses.len() / 2;
        let (_, median, _) = uses.select_nth_unstable(middle);
        let median = *median;
        self.slots
            .retain(|_, slot| slot.running || slot.is_wanted() || slot.used > median);
        self.loaded_bytes = self.slots.values().map(|slot| slot.bytes).sum();
    }
}

/// The run of a thread that is held: it does nothing, and forgets the state.
async fn held(
    thread: ThreadId,
    answer: oneshot::Sender<Held>,
    waiting: Vec<Command>,
) -> (ThreadId, Option<Box<ThreadState>>, Vec<Command>) {
    let (held, dropped) = oneshot::channel();
    let held = Held {
        _until_dropped: held,
    };
    if answer.send(held).is_ok() {
        // Nothing is ever sent: this ends when it is let go.
        let _ = dropped.await;
    }
    (thread, None, waiting)
}

impl Slot {
    /// Whether there is something to do.
    fn is_wanted(&self) -> bool {
        !self.waiting.is_empty() || !self.holds.is_empty()
    }

    fn note_read(&mut self, user: UserId, seq: u64) {
        match &mut self.state {
            Some(state) => state.note_read(user, seq),
            None if self.running => self.read.push((user, seq)),
            None => {}
        }
    }
}

/// When pushes of a group change channels, as configured.
pub fn width(config: &Config) -> Width {
    let config = &config.thread;
    Width {
        max: config.personal_channel_max_members,
        return_at: config.personal_channel_return_members,
    }
}

/// Submits a command and waits for its outcome.
pub async fn ask(
    node: &SharedNode,
    thread: ThreadId,
    caller: crate::node::Caller,
    act: super::act::Act,
) -> crate::error::Result<batch::Outcome> {
    ask_unless(node, thread, caller, act, None).await
}

/// The same, but nothing new is done if something speaks against it.
pub async fn ask_unless(
    node: &SharedNode,
    thread: ThreadId,
    caller: crate::node::Caller,
    act: super::act::Act,
    refusal: Option<Error>,
) -> crate::error::Result<batch::Outcome> {
    let (reply, outcome) = oneshot::channel();
    let reply = batch::Reply::Once(reply);
    node.sequencer.submit(
        thread,
        Command {
            caller,
            act,
            reply,
            place: None,
            refusal,
            ticket: None,
        },
    );
    outcome
        .await
        .unwrap_or(Err(Error::Overloaded("the node is stopping")))
}
