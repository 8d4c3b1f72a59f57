//! One batch of commands on one thread: read what is needed, decide, append once, publish, answer.

use super::act::Act;
use super::admission::Ticket;
use super::audience::{Segment, Segments};
use super::changes::{Changes, Target, Targets};
use super::decision::{Decision, Scene};
use super::recent::Known;
use super::sequencer::{OVERLOADED, width};
use super::state::{DirectRelation, ThreadState};
use crate::contact;
use crate::error::{Error, Result};
use crate::message;
use crate::node::{Caller, Node};
use crate::push::order::Place;
use crate::push::queue::Queue;
use kith_protocol::channel::Channel;
use kith_protocol::entry::{Added, EntryKind, Sent};
use kith_protocol::frame;
use kith_protocol::thread::ThreadKind;
use kith_protocol::{ThreadId, UserId};
use kith_store::StoreResult;
use kith_store::log::{Append, Appended, EntryRow, Span};
use kith_store::thread::OverlayRow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// Entries of one append: more would hold up the first of them.
const BATCH_MAX: usize = 256;

/// Bytes of one append: what the cluster engine accepts with room to spare.
const BATCH_MAX_BYTES: usize = 1 << 20;

/// Rows read at once when looking for client ids far back.
const SCAN_ROWS: usize = 1000;

/// Something that somebody wants of a thread.
pub struct Command {
    /// Who.
    pub caller: Caller,
    /// What.
    pub act: Act,
    /// Whom to tell what became of it.
    pub reply: Reply,
    /// Its place among the sends of its connection.
    pub place: Option<Place>,
    /// What speaks against doing it now, such as a rate. Rule 2: what was done before is answered
    /// all the same.
    pub refusal: Option<Error>,
    /// Given back when it is answered; the sequencer puts it here.
    pub ticket: Option<Ticket>,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The entry that it added, now or at its first attempt; none if it was so already.
    pub entry: Option<Known>,
    /// Whether it was added now.
    pub appended: bool,
}

/// Whom to tell what became of a command.
pub enum Reply {
    /// The connection that sent frame `re`.
    Socket {
        /// The connection's queue.
        queue: Arc<Queue>,
        /// The frame's id.
        re: String,
    },
    /// Whoever waits.
    Once(oneshot::Sender<Result<Outcome>>),
}

impl Command {
    /// Answers that nothing was done.
    pub fn refuse(self, error: Error) {
        self.finish(Err(error));
    }

    /// Under overload nothing is read for it: it is answered if it is known in memory, else refused.
    fn is_shed(&self) -> bool {
        matches!(self.refusal, Some(Error::Overloaded(_)))
    }

    fn finish(self, outcome: Result<Outcome>) {
        if let (Some(place), Act::Send { client_msg_id, .. }) = (&self.place, &self.act) {
            place.settle(*client_msg_id, outcome.as_ref().err());
        }
        match self.reply {
            Reply::Once(reply) => drop(reply.send(outcome)),
            Reply::Socket { queue, re } => queue.answer(answer(&re, &self.act, outcome)),
        }
    }
}

fn answer(re: &str, act: &Act, outcome: Result<Outcome>) -> String {
    let entry = match outcome {
        Err(error) => return frame::error(Some(re), &error.problem()),
        Ok(outcome) => outcome.entry,
    };
    match (act, entry) {
        (Act::Send { .. }, Some(Known { seq, ord, at, .. })) => {
            frame::sent(re, &Sent { seq, ord, at })
        }
        (Act::Edit { .. } | Act::Delete { .. }, Some(Known { seq, .. })) => {
            frame::ok(re, &Added { seq })
        }
        _ => frame::ok(re, &serde_json::Map::new()),
    }
}

/// What was decided about each command of a batch.
struct Plan {
    decided: Vec<(Command, Result<Decided>)>,
    rows: Vec<EntryRow>,
    segments: Segments,
    changes: Changes,
}

impl Plan {
    /// Takes back the commands, with nothing done about them.
    fn commands(self) -> impl Iterator<Item = Command> {
        self.decided.into_iter().map(|(command, _)| command)
    }
}

enum Decided {
    Appended(Known),
    Known(Known),
    Nothing(Option<Known>),
}

/// Does as many commands as fit in one append; gives back those that are still to be done.
pub async fn run(
    node: &Node,
    thread: ThreadId,
    slot: &mut Option<Box<ThreadState>>,
    mut waiting: Vec<Command>,
) -> Vec<Command> {
    let mut left = waiting.split_off(waiting.len().min(BATCH_MAX));
    if slot.is_none() && waiting.iter().all(Command::is_shed) {
        refuse_all(waiting, &OVERLOADED);
        return left;
    }
    let (mut state, mut targets) = match prepare(node, thread, slot.take(), &mut waiting).await {
        Ok(prepared) => prepared,
        Err(error) => {
            refuse_all(waiting, &error);
            return left;
        }
    };
    let (mut plan, later) = decide(node, &mut state, &mut targets, waiting);
    left.splice(0..0, later);
    if plan.rows.is_empty() {
        match is_behind(node, &state, &plan).await {
            Ok(false) => {
                *slot = state.exists().then_some(state);
                conclude(node, thread, slot.as_deref(), plan).await;
            }
            Ok(true) => left.splice(0..0, plan.commands()).for_each(drop),
            Err(error) => refuse_all(plan.commands(), &Error::Store(error)),
        }
        return left;
    }
    let append = Append {
        thread,
        expected_last_seq: plan.rows[0].seq - 1,
        views: state.views(&mut plan.changes, &targets),
        erase: std::mem::take(&mut plan.changes.erase),
        entries: std::mem::take(&mut plan.rows),
    };
    let erases = !append.erase.is_empty();
    match node.store.append(append).await {
        Ok(Appended::Done) => {
            if erases {
                node.erased.store(true, Ordering::Relaxed);
            }
            *slot = Some(state);
            conclude(node, thread, slot.as_deref(), plan).await;
        }
        // Another node was first: decide again on what it wrote. What was folded in is forgotten.
        Ok(Appended::Conflict { .. }) => left.splice(0..0, plan.commands()).for_each(drop),
        Err(error) => refuse_all(plan.commands(), &Error::Store(error)),
    }
    left
}

/// Whether something was refused, or found done, on a fold that another node has left behind: no append
/// holds that against the log, so the log is asked. It is decided again then.
async fn is_behind(node: &Node, state: &ThreadState, plan: &Plan) -> StoreResult<bool> {
    let rests_on_fold = |(command, decided): &(Command, Result<Decided>)| match decided {
        Ok(Decided::Known(_)) | Err(Error::OutOfOrder) => false,
        // A rate speaks against it whatever the log says.
        Err(Error::RateLimited { .. }) => command.refusal.is_none(),
        // What is refused for overload is not worth a read.
        _ => !command.is_shed(),
    };
    if !plan.decided.iter().any(rests_on_fold) {
        return Ok(false);
    }
    Ok(node.store.last_seq(state.thread).await? != state.head.last_seq)
}

fn refuse_all(commands: impl IntoIterator<Item = Command>, error: &Error) {
    for command in commands {
        command.refuse(error.clone());
    }
}

/// Loads what decisions rest on: the state, messages that are acted on, client ids far back, and
/// what stands between two people.
async fn prepare(
    node: &Node,
    thread: ThreadId,
    state: Option<Box<ThreadState>>,
    commands: &mut [Command],
) -> Result<(Box<ThreadState>, Targets)> {
    let mut state = match state {
        Some(state) => state,
        None => load(node, thread).await?,
    };
    let mut targets = Targets::default();
    for command in commands.iter_mut().filter(|command| !command.is_shed()) {
        let user = command.caller.user;
        let Some(member) = state.members.get(&user) else {
            continue;
        };
        if let Some((client_msg_id, seen_head)) = command.act.key()
            && state.client_ids.find(user, client_msg_id).is_none()
            && let Some(range) = state
                .client_ids
                .unread_range(user, seen_head, member.last_own_seq)
        {
            learn_ids(node, &mut state, user, range).await?;
        }
        if let Some(seq) = command.act.target_seq()
            && (1..=state.head.last_seq).contains(&seq)
            && !targets.contains_key(&seq)
            && let Some(target) = target(node, thread, seq).await?
        {
            targets.insert(seq, target);
        }
        if let Act::React {
            target_seq,
            emoji,
            is_set,
            ..
        } = &mut command.act
        {
            let set = node
                .store
                .reactions(thread, user, *target_seq, *target_seq)
                .await?;
            *is_set = set.iter().any(|(_, other)| other == emoji);
        }
    }
    if state.head.kind == ThreadKind::Direct {
        refresh_relation(node, &mut state).await?;
    }
    Ok((state, targets))
}

/// The state as it is stored. Another node may have taken people out since they subscribed here: what
/// is published from now on is no longer for them.
async fn load(node: &Node, thread: ThreadId) -> StoreResult<Box<ThreadState>> {
    let state = Box::new(ThreadState::load(&*node.store, thread, width(&node.config)).await?);
    if state.exists() && state.head.kind != ThreadKind::Live {
        let is_present = |user| state.present(user).is_some();
        let channel = Channel::Thread(thread);
        node.channels.broker().keep_users(channel, &is_present);
    }
    Ok(state)
}

async fn learn_ids(
    node: &Node,
    state: &mut ThreadState,
    author: UserId,
    (after, up_to): (u64, u64),
) -> Result<()> {
    let mut found = Vec::new();
    let mut from = after;
    while from < up_to {
        let rows = node
            .store
            .entries(state.thread, Span::After(from), SCAN_ROWS)
            .await?;
        let Some(last) = rows.last() else { break };
        from = last.seq;
        let own = rows
            .iter()
            .filter(|row| row.author == author && row.seq <= up_to);
        found.extend(own.filter_map(|row| Some((row.client_msg_id?, Known::from(row)))));
    }
    state.client_ids.learn(author, after, found.into_iter());
    Ok(())
}

async fn target(node: &Node, thread: ThreadId, seq: u64) -> Result<Option<Target>> {
    let entry = node
        .store
        .entries(thread, Span::After(seq - 1), 1)
        .await?
        .pop();
    let overlay = node.store.overlays(thread, seq, seq).await?.pop();
    let overlay = overlay.unwrap_or_else(|| OverlayRow {
        target_seq: seq,
        ..OverlayRow::default()
    });
    Ok(entry
        .filter(|entry| entry.seq == seq)
        .map(|entry| Target { entry, overlay }))
}

/// Reads blocks and privacy again if either of the two has changed something since.
async fn refresh_relation(node: &Node, state: &mut ThreadState) -> Result<()> {
    let mut pair: Vec<UserId> = state.members.keys().copied().collect();
    pair.sort_unstable();
    let &[a, b] = pair.as_slice() else {
        return Ok(());
    };
    let versions = [node.relations.version(a), node.relations.version(b)];
    if state
        .direct
        .as_ref()
        .is_some_and(|relation| relation.versions == versions)
    {
        return Ok(());
    }
    let refusals = [
        (a, why_not(node, a, b).await?),
        (b, why_not(node, b, a).await?),
    ];
    state.direct = Some(DirectRelation { versions, refusals });
    Ok(())
}

async fn why_not(node: &Node, from: UserId, to: UserId) -> Result<Option<Error>> {
    match contact::check_direct(node, from, to).await {
        Ok(()) => Ok(None),
        Err(error @ (Error::Blocked | Error::ContactsOnly)) => Ok(Some(error)),
        Err(other) => Err(other),
    }
}

/// Decides about each command in turn, each on what the ones before it will have made true.
fn decide(
    node: &Node,
    state: &mut ThreadState,
    targets: &mut Targets,
    commands: Vec<Command>,
) -> (Plan, Vec<Command>) {
    let stored_seq = state.head.last_seq;
    let mut plan = Plan {
        decided: Vec::with_capacity(commands.len()),
        rows: Vec::with_capacity(commands.len()),
        segments: Segments::new(state),
        changes: Changes::default(),
    };
    let mut reactions: HashMap<(u64, UserId, String), bool> = HashMap::new();
    let mut bytes = 0;
    let now = node.clock.now();
    let mut commands = commands.into_iter();
    let mut later = Vec::new();
    for mut command in commands.by_ref() {
        let acts_on_batch = command.act.target_seq().is_some_and(|seq| seq > stored_seq);
        if bytes > BATCH_MAX_BYTES || (acts_on_batch && state.head.last_seq > stored_seq) {
            later.push(command);
            break;
        }
        let user = command.caller.user;
        if let Act::React {
            target_seq,
            emoji,
            is_set,
            ..
        } = &mut command.act
            && let Some(&set) = reactions.get(&(*target_seq, user, emoji.clone()))
        {
            *is_set = set;
        }
        let scene = Scene {
            config: &node.config,
            now,
            targets,
        };
        let decision = state.decide(user, &command.act, &scene);
        let decision = unless_refused(decision, &command);
        let decided = in_order(&command, state.thread, decision).map(|decision| match decision {
            Decision::Known(known) => Decided::Known(known),
            Decision::Nothing(seq) => Decided::Nothing(seq.map(|seq| Known {
                seq,
                kind: EntryKind::Unknown,
                ord: 0,
                at: now,
            })),
            Decision::Append(row) => {
                if let Act::React {
                    target_seq,
                    emoji,
                    set,
                    ..
                } = &command.act
                {
                    reactions.insert((*target_seq, user, emoji.clone()), *set);
                }
                bytes += row_bytes(&row);
                state.fold(&row, targets, &mut plan.changes);
                plan.segments.add(state, message::shown(&row));
                let known = Known::from(&*row);
                plan.rows.push(*row);
                Decided::Appended(known)
            }
        });
        plan.decided.push((command, decided));
    }
    later.extend(commands);
    (plan, later)
}

/// Rule 2: a known id is answered whatever speaks against something new.
fn unless_refused(decision: Result<Decision>, command: &Command) -> Result<Decision> {
    match (decision, &command.refusal) {
        (Ok(Decision::Known(known)), _) => Ok(Decision::Known(known)),
        // Without what it rests on, another refusal would be a guess.
        (_, Some(refusal)) if command.is_shed() => Err(refusal.clone()),
        (Ok(_), Some(refusal)) => Err(refusal.clone()),
        (decision, _) => decision,
    }
}

/// Rule 3: known ids are answered first; else a send waits for an earlier refused one of its connection.
fn in_order(command: &Command, thread: ThreadId, decision: Result<Decision>) -> Result<Decision> {
    match (&command.place, &command.act, &decision) {
        (_, _, Ok(Decision::Known(_))) => decision,
        (Some(place), Act::Send { client_msg_id, .. }, _) => {
            place.check(thread, *client_msg_id)?;
            // Refused now, so that what follows in this batch is refused too.
            place.settle(*client_msg_id, decision.as_ref().err());
            decision
        }
        _ => decision,
    }
}

fn row_bytes(row: &EntryRow) -> usize {
    let text = row.body.text.as_ref().map_or(0, String::len);
    let ext = row.body.ext.as_ref().map_or(0, String::len);
    128 + text + ext + 16 * (row.body.mentions.len() + row.body.user_ids.len())
}

/// Publishes what is durable now, then answers.
async fn conclude(node: &Node, thread: ThreadId, state: Option<&ThreadState>, plan: Plan) {
    if let Some(state) = state {
        for segment in plan.segments.finish(state) {
            segment.publish(node, thread);
        }
    }
    for (command, decided) in plan.decided {
        let outcome = match decided {
            Err(error) => Err(error),
            Ok(Decided::Appended(known)) => Ok(Outcome {
                entry: Some(known),
                appended: true,
            }),
            Ok(Decided::Nothing(known)) => Ok(Outcome {
                entry: known,
                appended: false,
            }),
            Ok(Decided::Known(known)) => {
                if let Some(state) = state {
                    publish_again(node, state, known.seq).await;
                }
                Ok(Outcome {
                    entry: Some(known),
                    appended: false,
                })
            }
        };
        command.finish(outcome);
    }
}

/// Rule 2: a retry publishes the first entry once more, to those who see it.
async fn publish_again(node: &Node, state: &ThreadState, seq: u64) {
    match message::one(node, state.thread, seq, state.head.last_seq).await {
        Ok(Some(entry)) => Segment::again(state, entry).publish(node, state.thread),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "a retried entry could not be published again"),
    }
}
