//! The world of a schedule: two nodes over one store, four people, a group and a direct thread; and what
//! was asked, answered and held up so far.

use super::gate::{Call, Fate, Gate, Held, PASSES};
use super::step::{Place, Step, Wish};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use kith::clock::{Clock, ManualClock};
use kith::config::Config;
use kith::error::Result;
use kith::node::{Caller, Node, SharedNode};
use kith::push::queue::Queue;
use kith::thread::act::Act;
use kith::thread::batch::{Command, Outcome, Reply};
use kith::{contact, receipt, thread};
use kith_protocol::channel::Channel;
use kith_protocol::user::Privacy;
use kith_protocol::{ClientThreadId, SessionId, ThreadId, Timestamp, UserId};
use kith_store::SharedStore;
use kith_store::user::UserRow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// People; the first three are in the group at first, the first two have a direct thread.
pub(super) const PEOPLE: usize = 4;

pub(super) const GROUP: usize = 0;
pub(super) const DIRECT: usize = 1;

/// Bytes that wait for a connection: more than a schedule has; the last person reads slowly and has room for
/// a few entries.
const QUEUE_MAX_BYTES: [usize; PEOPLE] = [1 << 24, 1 << 24, 1 << 24, 2_000];

/// What was so at some time.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// Of each thread.
    pub(super) last_seq: [u64; 2],
    /// Calls on each thread that were made to fail so far.
    pub(super) faults: [usize; 2],
    /// Whom each of the first two blocks: the other.
    pub(super) blocked: [bool; 2],
    /// By the clock of each node.
    pub(super) now: [Timestamp; 2],
}

/// Something that was asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) place: Place,
    pub(super) act: Act,
    life: usize,
    /// The moment when it was.
    pub(super) from: usize,
    pub(super) end: End,
}

/// What is known of it.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing yet.
    Open,
    /// The node died: nobody will be told.
    Lost,
    /// It was answered at this moment.
    Answered(usize, Result<Outcome>),
}

/// Somebody read.
pub(super) struct Read {
    pub(super) thread: usize,
    pub(super) user: usize,
    pub(super) seq: u64,
    /// Where the log stood.
    pub(super) last_seq: u64,
}

/// A node from its start to its end.
pub(super) struct Life {
    pub(super) node: SharedNode,
    /// A connection of each person.
    pub(super) queues: Vec<Arc<Queue>>,
    /// What each has written.
    pub(super) written: Vec<Vec<Bytes>>,
    /// Entries that this node knows to have appended: thread and seq.
    pub(super) published: BTreeSet<(usize, u64)>,
}

type Answer = BoxFuture<'static, (usize, Option<Result<Outcome>>)>;

pub(super) struct World {
    pub(super) store: SharedStore,
    pub(super) threads: [ThreadId; 2],
    pub(super) users: Vec<UserId>,
    pub(super) asked: Vec<Asked>,
    pub(super) moments: Vec<Moment>,
    pub(super) reads: Vec<Read>,
    pub(super) lives: Vec<Life>,
    pub(super) config: Arc<Config>,
    pub(super) clocks: [Arc<ManualClock>; 2],
    /// Which lives the two nodes are.
    nodes: [usize; 2],
    held: Vec<Held>,
    gates: mpsc::UnboundedSender<Held>,
    calls: mpsc::UnboundedReceiver<Held>,
    answers: FuturesUnordered<Answer>,
}

impl World {
    /// The same people and threads for the same number.
    pub(super) async fn new(store: SharedStore, number: u64) -> Self {
        let id = |n: usize| Uuid::from_u128((u128::from(number) << 64) + n as u128);
        let users: Vec<UserId> = (0..PEOPLE).map(|n| UserId(id(n))).collect();
        for (n, user) in users.iter().enumerate() {
            store.create_user(account(*user, number, n)).await.unwrap();
        }
        let group = ThreadId::group(users[0], ClientThreadId(id(PEOPLE)));
        // The second node's clock is ahead.
        let start = Timestamp(1_795_251_240_000);
        let clocks = [start, start.after_ms(1_500)].map(ManualClock::at);
        let (gates, calls) = mpsc::unbounded_channel();
        let mut config = Config::default();
        config.thread.personal_channel_max_members = 3;
        config.thread.personal_channel_return_members = 3;
        let mut world = Self {
            threads: [group, ThreadId::direct(users[0], users[1])],
            moments: vec![Moment {
                last_seq: [0; 2],
                faults: [0; 2],
                blocked: [false; 2],
                now: [start, start.after_ms(1_500)],
            }],
            store,
            users,
            asked: Vec::new(),
            reads: Vec::new(),
            lives: Vec::new(),
            config: Arc::new(config),
            clocks,
            nodes: [0; 2],
            held: Vec::new(),
            gates,
            calls,
            answers: FuturesUnordered::new(),
        };
        for node in 0..2 {
            world.starts(node);
            let (thread, user) = (node, 0);
            let place = Place { node, thread, user };
            world.happens(Step::Ask(place, Wish::Create)).await;
        }
        world.comes_to_rest().await;
        world
    }

    pub(super) fn now(&self) -> &Moment {
        self.moments.last().expect("there is a first one")
    }

    pub(super) fn caller(&self, user: usize) -> Caller {
        let user = self.users[user];
        Caller {
            user,
            session: SessionId(user.0),
        }
    }

    /// Lets one thing happen, and everything go on that can.
    pub(super) async fn happens(&mut self, step: Step) {
        match step {
            Step::Ask(place, wish) => {
                let act = self.act(place, wish);
                self.ask(place, act);
            }
            Step::Again { node, which } => self.ask_again(node, which),
            Step::Turn { which, fate } => {
                if !self.held.is_empty() {
                    let held = self.held.remove(which % self.held.len());
                    self.turn(held, fate).await;
                }
            }
            Step::Read { place, seq } => self.read(place, seq).await,
            Step::Subscribe(place) => self.subscribe(place).await,
            Step::Drain { user } => self.drain(user),
            Step::Block { by, is_blocked } => self.block(by, is_blocked).await,
            Step::Pass { node, ms } => {
                self.clocks[node].advance(Duration::from_millis(ms));
                let now = Clock::Manual(self.clocks[node].clone()).now();
                self.moment(|moment| moment.now[node] = now);
            }
            Step::Restart { node, is_done } => self.dies(node, is_done).await,
        }
        self.settles().await;
    }

    /// Lets every call go on until all is answered.
    pub(super) async fn comes_to_rest(&mut self) {
        self.settles().await;
        while let Some(held) = self.held.pop() {
            self.turn(held, Fate::Goes).await;
            self.settles().await;
        }
        (0..PEOPLE).for_each(|user| self.drain(user));
    }

    /// Waits until every node has either answered all that it was asked of a thread, or waits at its
    /// gate: that is where time stands still, however fast the machine is.
    async fn settles(&mut self) {
        while self.somebody_works() {
            tokio::select! {
                Some(held) = self.calls.recv() => self.held.push(held),
                Some((number, outcome)) = self.answers.next(), if !self.answers.is_empty() => {
                    let at = self.moments.len() - 1;
                    self.asked[number].end = End::Answered(at, outcome.expect("a living node answers"));
                }
            }
        }
    }

    fn somebody_works(&self) -> bool {
        self.asked.iter().any(|asked| {
            let waits = |held: &Held| {
                held.life == asked.life && held.thread == self.threads[asked.place.thread]
            };
            matches!(asked.end, End::Open) && !self.held.iter().any(waits)
        })
    }

    fn moment(&mut self, change: impl FnOnce(&mut Moment)) {
        let mut moment = self.now().clone();
        change(&mut moment);
        self.moments.push(moment);
    }

    fn starts(&mut self, node: usize) {
        let life = self.lives.len();
        let gate = Gate {
            store: self.store.clone(),
            life,
            held: self.gates.clone(),
        };
        let clock = Clock::Manual(self.clocks[node].clone());
        let started = Node::start(self.config.clone(), Arc::new(gate), clock);
        let queues = (0..PEOPLE).map(|user| {
            let caller = self.caller(user);
            let max_bytes = QUEUE_MAX_BYTES[user];
            let queue = Queue::new(user as u64, caller, max_bytes, Timestamp(0));
            let queue = Arc::new(queue);
            let channel = Channel::User(caller.user);
            started.channels.broker().join(channel, &queue);
            queue
        });
        let queues = queues.collect();
        self.lives.push(Life {
            node: started,
            queues,
            written: vec![Vec::new(); PEOPLE],
            published: BTreeSet::new(),
        });
        self.nodes[node] = life;
    }

    /// Its calls never return, and nobody hears of what it was asked.
    async fn dies(&mut self, node: usize, is_done: bool) {
        let life = self.nodes[node];
        let (dead, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|held| held.life == life);
        self.held = held;
        for held in dead {
            self.turn(held, Fate::Dies(is_done)).await;
        }
        for asked in self.asked.iter_mut().filter(|asked| asked.life == life) {
            if matches!(asked.end, End::Open) {
                asked.end = End::Lost;
            }
        }
        self.starts(node);
    }

    async fn turn(&mut self, held: Held, fate: Fate) {
        let thread = usize::from(held.thread == self.threads[DIRECT]);
        let Held {
            life,
            call,
            go,
            ended,
            ..
        } = held;
        if !matches!(fate, Fate::Goes) {
            self.moment(|moment| moment.faults[thread] += 1);
        }
        // The gate waits for it.
        let _ = go.send(fate);
        let appended = ended.await.expect("the gate says how it ended");
        if call == Call::Append && appended {
            let last_seq = self.store.last_seq(self.threads[thread]).await.unwrap();
            let first = self.now().last_seq[thread] + 1;
            self.moment(|moment| moment.last_seq[thread] = last_seq);
            if fate == Fate::Goes {
                let published = (first..=last_seq).map(|seq| (thread, seq));
                self.lives[life].published.extend(published);
            }
        }
    }

    fn ask(&mut self, place: Place, act: Act) {
        let life = self.nodes[place.node];
        let number = self.asked.len();
        let (reply, outcome) = oneshot::channel();
        let answer = async move { (number, outcome.await.ok()) };
        self.answers.push(Box::pin(answer));
        self.asked.push(Asked {
            place,
            act: act.clone(),
            life,
            from: self.moments.len() - 1,
            end: End::Open,
        });
        let command = Command {
            caller: self.caller(place.user),
            act,
            reply: Reply::Once(reply),
            place: None,
            refusal: None,
            ticket: None,
        };
        let sequencer = &self.lives[life].node.sequencer;
        sequencer.submit(self.threads[place.thread], command);
    }

    fn ask_again(&mut self, node: usize, which: usize) {
        let keyed = self
            .asked
            .iter()
            .rev()
            .filter(|asked| asked.act.key().is_some());
        let count = keyed.clone().count().max(1);
        if let Some(first) = keyed.clone().nth(which % count) {
            let (place, act) = (
                Place {
                    node,
                    ..first.place
                },
                first.act.clone(),
            );
            self.ask(place, act);
        }
    }

    async fn read(&mut self, place: Place, seq: u64) {
        let Place { node, thread, user } = place;
        let (caller, id) = (self.caller(user), self.threads[thread]);
        let node = self.lives[self.nodes[node]].node.clone();
        let read = receipt::read(&node, caller, id, seq);
        if PASSES.scope((), read).await.is_ok() {
            let last_seq = self.now().last_seq[thread];
            self.reads.push(Read {
                thread,
                user,
                seq,
                last_seq,
            });
        }
    }

    /// As a connection does it: joins first, asks second.
    async fn subscribe(&mut self, place: Place) {
        let thread = self.threads[place.thread];
        let life = &self.lives[self.nodes[place.node]];
        let (broker, queue) = (life.node.channels.broker(), &life.queues[place.user]);
        broker.join(Channel::Thread(thread), queue);
        let view = thread::view(&life.node, self.caller(place.user), thread);
        let view = PASSES.scope((), view).await.and_then(thread::View::present);
        if view.is_err() {
            broker.leave(Channel::Thread(thread), queue);
        }
    }

    fn drain(&mut self, user: usize) {
        for life in &mut self.lives {
            let drained = life.queues[user].drain();
            let frames = drained.map_or_else(Vec::new, |drained| drained.frames);
            life.written[user].extend(frames);
        }
    }

    async fn block(&mut self, by: usize, is_blocked: bool) {
        let (caller, whom) = (self.users[by], self.users[1 - by]);
        let node = self.lives[self.nodes[by]].node.clone();
        let change = async {
            match is_blocked {
                true => contact::block(&node, caller, whom).await,
                false => contact::unblock(&node, caller, whom).await,
            }
        };
        PASSES.scope((), change).await.unwrap();
        // Nodes tell each other what changed between people.
        for life in self.nodes {
            self.lives[life].node.relations.bump(caller);
        }
        self.moment(|moment| moment.blocked[by] = is_blocked);
    }
}

fn account(id: UserId, number: u64, n: usize) -> UserRow {
    UserRow {
        id,
        handle: format!("user-{number}-{n}"),
        version: 1,
        display_name: String::new(),
        about: String::new(),
        created_at: Timestamp(0),
        disabled: false,
        password: String::new(),
        privacy: Privacy::default(),
    }
}
