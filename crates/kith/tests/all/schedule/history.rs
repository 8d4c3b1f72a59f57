//! The log of a thread, folded from nothing: what was so after each of its entries.

use super::world::World;
use kith::thread::changes::{Changes, Target, Targets};
use kith::thread::state::{DirectRelation, ThreadState, Width};
use kith_protocol::entry::EntryKind;
use kith_protocol::{ThreadId, UserId};
use kith_store::log::{EntryRow, Span};
use kith_store::thread::OverlayRow;
use std::collections::{BTreeMap, BTreeSet};

/// A thread as the first so many entries say.
pub(super) struct Fold {
    pub(super) state: ThreadState,
    /// Every message so far.
    pub(super) targets: Targets,
    /// Who has put which emoji on which message.
    pub(super) reactions: BTreeSet<(u64, UserId, String)>,
}

impl Fold {
    pub(super) fn new(thread: ThreadId, world: &World) -> Self {
        let config = &world.config.thread;
        let width = Width {
            max: config.personal_channel_max_members,
            return_at: config.personal_channel_return_members,
        };
        Self {
            state: ThreadState::empty(thread, width),
            targets: Targets::default(),
            reactions: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, entry: &EntryRow) {
        self.state
            .fold(entry, &mut self.targets, &mut Changes::default());
        if entry.kind.is_countable() {
            let overlay = OverlayRow {
                target_seq: entry.seq,
                ..OverlayRow::default()
            };
            let entry = entry.clone();
            self.targets.insert(entry.seq, Target { entry, overlay });
        }
        let (Some(target), emoji) = (entry.body.target_seq, entry.body.emoji.clone()) else {
            return;
        };
        let reaction = (target, entry.author, emoji.unwrap_or_default());
        match entry.kind {
            EntryKind::React => drop(self.reactions.insert(reaction)),
            EntryKind::Unreact => drop(self.reactions.remove(&reaction)),
            // They go with their message.
            EntryKind::Delete => self.reactions.retain(|(seq, ..)| *seq != target),
            _ => {}
        }
    }

    /// What stands between the two of a direct thread.
    pub(super) fn between(&mut self, users: &[UserId], is_blocked: bool) {
        let refusal = is_blocked.then_some(kith::error::Error::Blocked);
        self.state.direct = Some(DirectRelation {
            versions: [0; 2],
            refusals: [(users[0], refusal.clone()), (users[1], refusal)],
        });
    }
}

/// Who was a member with which entry, and where pushes went.
pub(super) struct History {
    pub(super) log: Vec<EntryRow>,
    /// With each entry, both ends of a stay included.
    pub(super) members: Vec<BTreeSet<UserId>>,
    /// Entries that personal channels alone carried.
    pub(super) narrow: BTreeSet<u64>,
    /// The history was open at some time: who came late may have seen what was before.
    pub(super) was_open: bool,
    /// Messages, and the entries that deleted them.
    pub(super) deleted: BTreeMap<u64, u64>,
}

impl History {
    pub(super) async fn read(world: &World, thread: usize) -> Self {
        let id = world.threads[thread];
        let rows = world.store.entries(id, Span::After(0), 10_000).await;
        let log = rows.unwrap();
        let mut fold = Fold::new(id, world);
        let mut members = Vec::new();
        let mut narrow = BTreeSet::new();
        let mut deleted = BTreeMap::new();
        let (mut was_open, mut was_wide) = (false, false);
        for entry in &log {
            fold.add(entry);
            let head = &fold.state.head;
            let mut present: BTreeSet<UserId> =
                fold.state.present_members().map(|row| row.user).collect();
            if matches!(entry.kind, EntryKind::MemberLeft | EntryKind::MemberRemoved) {
                present.extend(&entry.body.user_ids);
            }
            members.push(present);
            if !was_wide && !head.wide {
                narrow.insert(entry.seq);
            }
            (was_open, was_wide) = (was_open || head.settings.open_history, head.wide);
            if entry.kind == EntryKind::Delete {
                let target = entry.body.target_seq.unwrap();
                deleted.entry(target).or_insert(entry.seq);
            }
        }
        Self {
            log,
            members,
            narrow,
            was_open,
            deleted,
        }
    }
}
