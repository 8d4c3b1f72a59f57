//! What must be so after a schedule: the log alone, folded from nothing, explains every answer, and every
//! entry was asked for and allowed where it stands.

use super::history::{Fold, History};
use super::pushes;
use super::world::{Asked, DIRECT, End, Moment, World};
use kith::clock::Clock;
use kith::error::{Error, Result};
use kith::inbox;
use kith::node::Node;
use kith::thread::act::Act;
use kith::thread::decision::{Decision, Scene};
use kith_protocol::entry::EntryKind;
use kith_store::log::EntryRow;
use kith_store::thread::MemberRow;
use std::collections::{BTreeMap, BTreeSet};

pub(super) async fn audit(world: &World) {
    let histories = [History::read(world, 0).await, History::read(world, 1).await];
    for (thread, history) in histories.iter().enumerate() {
        is_well_formed(&history.log);
        let fold = explains_everything(world, thread, &history.log);
        views_are_the_fold(world, thread, history, &fold).await;
        unread_is_what_the_log_says(world, thread, history, &fold).await;
    }
    pushes::audit(world, &histories);
}

/// Dense, each client id once, ord counts messages, time never goes back.
fn is_well_formed(log: &[EntryRow]) {
    let (mut ord, mut ids) = (0, BTreeSet::new());
    for (entry, seq) in log.iter().zip(1..) {
        assert_eq!(entry.seq, seq, "a hole");
        ord += u64::from(entry.kind.is_countable());
        assert_eq!(entry.ord, ord, "entry {seq}");
        if let Some(id) = entry.client_msg_id {
            assert!(ids.insert((entry.author, id)), "entry {seq} is there twice");
        }
    }
    assert!(log.is_sorted_by_key(|entry| entry.at), "time went back");
}

/// For every answer there must be a place in the log, between asking and answering, where it is the right
/// one; and for every entry somebody who asked for it there.
fn explains_everything(world: &World, thread: usize, log: &[EntryRow]) -> Fold {
    let mut fold = Fold::new(world.threads[thread], world);
    let mut open: Vec<&Asked> = world
        .asked
        .iter()
        .filter(|asked| asked.place.thread == thread)
        .collect();
    for seq in 0..=log.len() as u64 {
        for read in &world.reads {
            if read.thread == thread && read.last_seq == seq {
                fold.state.note_read(world.users[read.user], read.seq);
            }
        }
        let next = log.get(seq as usize);
        let mut explained = None;
        open.retain(|asked| {
            let fits = Window::of(world, asked).explains(&mut fold, asked, next);
            explained = explained.or((fits == Fits::Entry).then_some(()));
            fits == Fits::No
        });
        let Some(entry) = next else { break };
        assert!(
            explained.is_some(),
            "thread {thread}: nobody may have done {entry:?}"
        );
        fold.add(entry);
    }
    for asked in open {
        let End::Answered(at, outcome) = &asked.end else {
            assert!(matches!(asked.end, End::Lost), "{asked:?} was not answered");
            continue;
        };
        let failed = world.moments[*at].faults[thread] > world.moments[asked.from].faults[thread];
        assert!(
            failed && matches!(outcome, Err(Error::Store(_))),
            "the log does not explain {asked:?}\nasked {:?}\nanswered {:?}\n{}",
            world.moments[asked.from],
            world.moments[*at],
            in_short(log),
        );
    }
    fold
}

/// The log, a line for each entry.
fn in_short(log: &[EntryRow]) -> String {
    let lines = log.iter().map(|entry| {
        let EntryRow {
            seq,
            kind,
            author,
            body,
            ..
        } = entry;
        format!(
            "{seq} {kind} by {author} about {:?} {:?}",
            body.target_seq, body.user_ids
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Between asking and answering.
struct Window<'a> {
    world: &'a World,
    moments: &'a [Moment],
    thread: usize,
}

/// What a place in the log is to something that was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fits {
    /// Its answer is not right here.
    No,
    /// Its answer is right here, and adds nothing.
    Answer,
    /// It is the next entry.
    Entry,
}

impl<'a> Window<'a> {
    fn of(world: &'a World, asked: &Asked) -> Self {
        let to = match asked.end {
            End::Answered(at, _) => at,
            End::Open | End::Lost => world.moments.len() - 1,
        };
        Self {
            world,
            moments: &world.moments[asked.from..=to],
            thread: asked.place.thread,
        }
    }

    fn explains(&self, fold: &mut Fold, asked: &Asked, next: Option<&EntryRow>) -> Fits {
        let seq = fold.state.head.last_seq;
        let (first, last) = (&self.moments[0], &self.moments[self.moments.len() - 1]);
        if !(first.last_seq[self.thread]..=last.last_seq[self.thread]).contains(&seq) {
            return Fits::No;
        }
        let node = asked.place.node;
        // What is refused for being early is refused first, what is allowed at last is allowed last.
        for now in [first.now[node], last.now[node]] {
            for is_blocked in self.blocks() {
                if self.thread == DIRECT {
                    fold.between(&self.world.users, is_blocked);
                }
                let decision = self.decide(fold, asked, now);
                match fits(asked, decision, next) {
                    Fits::No => {}
                    Fits::Entry if !self.is_in_time(next, node, fold) => {}
                    fits => return fits,
                }
            }
        }
        Fits::No
    }

    fn blocks(&self) -> BTreeSet<bool> {
        let blocked = self.moments.iter().map(|moment| moment.blocked);
        blocked.map(|[one, other]| one || other).collect()
    }

    /// Its time is the node's, between asking and answering, or that of the entry before.
    fn is_in_time(&self, entry: Option<&EntryRow>, node: usize, fold: &Fold) -> bool {
        let last = &self.moments[self.moments.len() - 1];
        entry.is_some_and(|entry| {
            let from = self.moments[0].now[node].max(fold.state.head.last_at);
            (from..=last.now[node].max(fold.state.head.last_at)).contains(&entry.at)
        })
    }

    fn decide(
        &self,
        fold: &Fold,
        asked: &Asked,
        now: kith_protocol::Timestamp,
    ) -> Result<Decision> {
        let user = self.world.users[asked.place.user];
        let mut act = asked.act.clone();
        if let Act::React {
            target_seq,
            emoji,
            is_set,
            ..
        } = &mut act
        {
            let reaction = (*target_seq, user, emoji.clone());
            *is_set = fold.reactions.contains(&reaction);
        }
        let scene = Scene {
            config: &self.world.config,
            now,
            targets: &fold.targets,
        };
        fold.state.decide(user, &act, &scene)
    }
}

/// Whether what is right here is what was answered; who was told nothing, or that it is unknown, may have
/// done the next entry.
fn fits(asked: &Asked, decision: Result<Decision>, next: Option<&EntryRow>) -> Fits {
    let told = match &asked.end {
        End::Answered(_, Err(Error::Store(_))) | End::Open | End::Lost => None,
        End::Answered(_, outcome) => Some(outcome),
    };
    match (decision, told, next) {
        (Ok(Decision::Append(row)), None, Some(next)) if same(&row, next) => Fits::Entry,
        (Ok(Decision::Append(row)), Some(Ok(outcome)), Some(next)) => {
            let seq = outcome.entry.map(|entry| entry.seq);
            match outcome.appended && seq == Some(row.seq) && same(&row, next) {
                true => Fits::Entry,
                false => Fits::No,
            }
        }
        (Ok(Decision::Known(known)), Some(Ok(outcome)), _)
            if !outcome.appended && outcome.entry == Some(known) =>
        {
            Fits::Answer
        }
        (Ok(Decision::Nothing(seq)), Some(Ok(outcome)), _)
            if !outcome.appended && outcome.entry.map(|entry| entry.seq) == seq =>
        {
            Fits::Answer
        }
        (Err(right), Some(Err(told)), _) if right.code() == told.code() => Fits::Answer,
        _ => Fits::No,
    }
}

/// Whether this is the entry that should be written. A node may not know of a read mark that was set at
/// the other one, and then leaves the mark where it is; never the other way round.
fn same(right: &EntryRow, written: &EntryRow) -> bool {
    let mut right = right.clone();
    if written.erased {
        right.erased = true;
        right.body.text = None;
        right.body.mentions.clear();
        right.body.mention_all = false;
    }
    right.at = written.at;
    right.read_moved &= written.read_moved;
    right == *written
}

/// Every view of the store is what the log says.
async fn views_are_the_fold(world: &World, thread: usize, history: &History, fold: &Fold) {
    let (store, id) = (&world.store, world.threads[thread]);
    let head = store.heads(&[id]).await.unwrap().remove(0);
    assert_eq!(head.as_ref(), Some(&fold.state.head));
    let by_id = |rows: Vec<MemberRow>| -> BTreeMap<_, _> {
        rows.into_iter().map(|row| (row.user, row)).collect()
    };
    let members = by_id(store.members(id).await.unwrap());
    assert_eq!(
        members,
        by_id(fold.state.members.values().cloned().collect())
    );
    let last_seq = history.log.len() as u64;
    let overlays = store.overlays(id, 1, last_seq).await.unwrap();
    let mut targets: Vec<_> = fold
        .targets
        .values()
        .map(|target| &target.overlay)
        .collect();
    targets.retain(|overlay| overlay.changed_seq > 0);
    targets.sort_unstable_by_key(|overlay| overlay.target_seq);
    assert_eq!(overlays.iter().collect::<Vec<_>>(), targets);
    for user in &world.users {
        let reactions = store.reactions(id, *user, 1, last_seq).await.unwrap();
        let own = fold.reactions.iter().filter(|(_, by, _)| by == user);
        let own = own.filter(|(seq, ..)| !history.deleted.contains_key(seq));
        let own: BTreeSet<_> = own.map(|(seq, _, emoji)| (*seq, emoji.clone())).collect();
        let stands = |(seq, _): &(u64, String)| !history.deleted.contains_key(seq);
        assert_eq!(
            reactions
                .into_iter()
                .filter(stands)
                .collect::<BTreeSet<_>>(),
            own
        );
    }
    let deletions = store.deletions(id, 0, last_seq).await.unwrap();
    let deletions = deletions
        .iter()
        .map(|row| (row.target_seq, row.deleted_seq));
    assert_eq!(deletions.collect::<BTreeMap<_, _>>(), history.deleted);
}

/// Unread of everybody who is a member, by counting.
async fn unread_is_what_the_log_says(world: &World, thread: usize, history: &History, fold: &Fold) {
    let clock = Clock::Manual(world.clocks[0].clone());
    let node = Node::start(world.config.clone(), world.store.clone(), clock);
    for (number, user) in world.users.iter().enumerate() {
        let Some(member) = fold.state.present(*user) else {
            continue;
        };
        let parts = inbox::parts(&node, world.caller(number), world.threads[thread]);
        let mine = inbox::mine(&parts.await.unwrap());
        let joined = member.stays.last().unwrap().joined_seq;
        let sent = history
            .log
            .iter()
            .filter(|entry| entry.author == *user && entry.read_moved);
        let read = world
            .reads
            .iter()
            .filter(|read| read.thread == thread && read.user == number);
        let seqs = sent.map(|entry| entry.seq).chain(read.map(|read| read.seq));
        let read_seq = seqs.fold(joined, u64::max);
        assert_eq!(mine.read_seq, read_seq, "thread {thread}: person {number}");
        let unread = history.log.iter().filter(|entry| {
            entry.kind.is_countable()
                && entry.kind != EntryKind::Unknown
                && entry.author != *user
                && entry.seq > read_seq
                && !history.deleted.contains_key(&entry.seq)
        });
        assert_eq!(
            mine.unread,
            unread.count() as u64,
            "thread {thread}: person {number}"
        );
    }
}
