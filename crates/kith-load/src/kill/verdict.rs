//! The verdict on one room: the log as it is read back, against the record of what was acknowledged.
//!
//! The log is believed in one thing only, the order of deeds that overlapped in time. It must have every
//! acknowledged entry once, at the seq that was told, and nothing else; whoever was answered before another
//! one began comes first. Unread, marks, receipts and what pages show follow from it by the arithmetic of
//! [`crate::audit`], which shares nothing with the server's.

use super::cast::Room;
use super::record::{Deed, Entry, Outcome, What};
use super::wrong::{Faults, Wrong};
use crate::audit::{Fact, Journal, Mark, Seen};
use kith_protocol::entry::EntryKind;
use kith_protocol::{ClientMsgId, UserId};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// An entry as it was read back.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) seq: u64,
    kind: EntryKind,
    author: UserId,
    pub(super) id: Option<ClientMsgId>,
    target: Option<u64>,
    users: Vec<UserId>,
    emoji: Option<String>,
}

impl Line {
    /// What is compared of an entry.
    pub(super) fn of(seen: &Seen<'_>) -> Self {
        let mut users = seen.user_ids.clone();
        users.sort_unstable();
        Self {
            seq: seen.seq,
            kind: EntryKind::from_word(&seen.kind).unwrap_or(EntryKind::Unknown),
            author: seen.author_id,
            id: seen.client_msg_id,
            target: seen.target_seq,
            users,
            emoji: seen.emoji.as_deref().map(str::to_owned),
        }
    }
}

/// What was found, and what the rest of the audit rests on.
pub(super) struct Verdict {
    /// The log with what is known of it, for the arithmetic.
    pub(super) journal: Journal,
    /// Members of whom it is not certain what they have read.
    pub(super) uncertain: BTreeSet<UserId>,
}

/// Compares.
pub(super) fn verdict(
    room: &Room,
    keeper: UserId,
    lines: &[Line],
    deeds: &[Deed],
    faults: &mut Faults,
) -> Verdict {
    let case = Case {
        room,
        keeper,
        lines,
        deeds,
        by_id: lines
            .iter()
            .filter(|line| has_client_id(line.kind))
            .filter_map(|line| Some((line.id?, line)))
            .collect(),
    };
    case.is_dense(faults);
    case.entries(faults);
    case.order(faults);
    case.toggles(faults);
    case.members(faults);
    Verdict {
        journal: case.journal(),
        uncertain: case.uncertain(),
    }
}

struct Case<'a> {
    room: &'a Room,
    keeper: UserId,
    lines: &'a [Line],
    deeds: &'a [Deed],
    by_id: FxHashMap<ClientMsgId, &'a Line>,
}

impl<'a> Case<'a> {
    fn told(&self, what: &str) -> String {
        format!("{}: {what}", self.room.name)
    }

    /// 1, 2, 3 … without holes.
    fn is_dense(&self, faults: &mut Faults) {
        for (line, due) in self.lines.iter().zip(1..) {
            if line.seq != due {
                let seq = line.seq;
                faults.add(Wrong::Gapped, || {
                    self.told(&format!("seq {seq} stands at {due}"))
                });
                return;
            }
        }
    }

    /// What has an id: all that was acknowledged, once, and nothing that was refused.
    fn entries(&self, faults: &mut Faults) {
        let mut written = FxHashMap::default();
        for deed in self.deeds {
            let What::Entry(entry) = &deed.what else {
                continue;
            };
            written.insert(entry.id, deed);
            let found = self.by_id.get(&entry.id);
            match (deed.outcome, found) {
                (Outcome::Done(seq), Some(line)) => {
                    self.is_same(deed, entry, seq, line, faults);
                }
                (Outcome::Done(seq), None) => faults.add(Wrong::Lost, || {
                    let kind = entry.kind;
                    self.told(&format!("{kind:?} acknowledged at {seq:?} is not there"))
                }),
                (_, Some(line)) => faults.add(Wrong::Phantom, || {
                    self.told(&format!("seq {} was refused", line.seq))
                }),
                (_, None) => {}
            }
        }
        let mut seen = BTreeSet::new();
        for line in self.lines.iter().filter(|line| has_client_id(line.kind)) {
            let seq = line.seq;
            let Some(id) = line.id else {
                faults.add(Wrong::Altered, || {
                    self.told(&format!("seq {seq} has lost its id"))
                });
                continue;
            };
            if !seen.insert(id) {
                faults.add(Wrong::Doubled, || {
                    self.told(&format!("seq {seq} was there before"))
                });
            }
            if !written.contains_key(&id) {
                faults.add(Wrong::Phantom, || {
                    self.told(&format!("nobody wrote seq {seq}"))
                });
            }
        }
    }

    fn is_same(
        &self,
        deed: &Deed,
        entry: &Entry,
        seq: Option<u64>,
        line: &Line,
        faults: &mut Faults,
    ) {
        if seq != Some(line.seq) {
            faults.add(Wrong::Reordered, || {
                self.told(&format!("acknowledged at {seq:?}, stands at {}", line.seq))
            });
        }
        let same = (line.kind, line.author, line.target) == (entry.kind, deed.by, entry.target);
        if !same {
            faults.add(Wrong::Altered, || {
                self.told(&format!("seq {} is {line:?}, was {entry:?}", line.seq))
            });
        }
    }

    /// Each writer's entries stand in the order of writing; and what was answered before another one
    /// began stands before it.
    fn order(&self, faults: &mut Faults) {
        let done = |deed: &&Deed| matches!(deed.outcome, Outcome::Done(Some(_)));
        let began: Vec<&Deed> = self.deeds.iter().filter(done).collect();
        let mut ended = began.clone();
        ended.sort_by_key(|deed| deed.ended);
        let mut ended = ended.into_iter().peekable();
        let (mut before, mut last_own) = (0, FxHashMap::default());
        for deed in began {
            let Outcome::Done(Some(seq)) = deed.outcome else {
                continue;
            };
            while let Some(earlier) = ended.next_if(|earlier| earlier.ended < deed.began) {
                if let Outcome::Done(Some(seq)) = earlier.outcome {
                    before = seq.max(before);
                }
            }
            let own = last_own.insert(deed.by, seq).unwrap_or(0);
            if seq <= before.max(own) {
                let before = before.max(own);
                faults.add(Wrong::Reordered, || {
                    self.told(&format!("seq {seq} was written after {before}"))
                });
            }
        }
    }

    /// Reactions have no id: those of one person with one emoji on one message are on and off in turn.
    fn toggles(&self, faults: &mut Faults) {
        type Key<'k> = (UserId, u64, &'k str);
        let mut due: BTreeMap<Key<'_>, (Vec<EntryKind>, Option<EntryKind>)> = BTreeMap::new();
        for deed in self.deeds {
            if let What::Toggle {
                kind,
                target,
                emoji,
            } = deed.what
            {
                let due = due.entry((deed.by, target, emoji)).or_default();
                match deed.outcome {
                    Outcome::Done(_) => due.0.push(kind),
                    Outcome::Unsure => due.1 = Some(kind),
                    Outcome::Refused => {}
                }
            }
        }
        let mut are: BTreeMap<Key<'_>, Vec<EntryKind>> = BTreeMap::new();
        for line in self.lines {
            if let (EntryKind::React | EntryKind::Unreact, Some(target)) = (line.kind, line.target)
            {
                let emoji = line.emoji.as_deref().unwrap_or_default();
                let are = are.entry((line.author, target, emoji)).or_default();
                are.push(line.kind);
            }
        }
        for (key, (done, unsure)) in &due {
            let is = are.remove(key).unwrap_or_default();
            let with_unsure: Vec<EntryKind> = done.iter().copied().chain(*unsure).collect();
            self.compare("reactions", &is, done, &with_unsure, faults);
        }
        for (key, kinds) in are {
            faults.add(Wrong::Phantom, || {
                self.told(&format!("{key:?}: nobody did {kinds:?}"))
            });
        }
    }

    /// People come and go as the keeper said.
    fn members(&self, faults: &mut Faults) {
        let due: Vec<(EntryKind, UserId)> = self
            .deeds
            .iter()
            .filter_map(|deed| match deed.what {
                What::Member { kind, user } => Some((kind, user)),
                _ => None,
            })
            .collect();
        let are = |kind| matches!(kind, EntryKind::MemberAdded | EntryKind::MemberRemoved);
        let are: Vec<(EntryKind, UserId)> = self
            .lines
            .iter()
            .filter(|line| are(line.kind))
            .flat_map(|line| line.users.iter().map(|&user| (line.kind, user)))
            .collect();
        self.compare("members", &are, &due, &due, faults);
    }

    fn compare<T: PartialEq + std::fmt::Debug>(
        &self,
        what: &str,
        are: &[T],
        due: &[T],
        or_due: &[T],
        faults: &mut Faults,
    ) {
        if are == due || are == or_due {
            return;
        }
        let wrong = match are.len().cmp(&due.len()) {
            std::cmp::Ordering::Less => Wrong::Lost,
            std::cmp::Ordering::Equal => Wrong::Altered,
            std::cmp::Ordering::Greater => Wrong::Doubled,
        };
        faults.add(wrong, || {
            self.told(&format!(
                "{what}: {} there, {} acknowledged",
                are.len(),
                due.len()
            ))
        });
    }

    /// The log in its order, with the texts and heads as they were written.
    fn journal(&self) -> Journal {
        let entries: FxHashMap<ClientMsgId, &Entry> = self
            .deeds
            .iter()
            .filter_map(|deed| match &deed.what {
                What::Entry(entry) => Some((entry.id, entry)),
                _ => None,
            })
            .collect();
        let fact = |line: &Line| {
            let entry = line.id.and_then(|id| entries.get(&id));
            Fact {
                kind: line.kind,
                author: line.author,
                client_msg_id: line.id.filter(|_| has_client_id(line.kind)),
                text: entry.and_then(|entry| entry.text.clone()),
                target_seq: line.target,
                // As it was made: the entry names its maker too, or not.
                users: match line.kind {
                    EntryKind::Created => self.room.others.clone(),
                    _ => line.users.clone(),
                },
                emoji: line.emoji.clone(),
                mentions: entry.map_or_else(Vec::new, |entry| entry.mentions.clone()),
                seen_head: entry.map_or(0, |entry| entry.seen_head),
            }
        };
        let marks = self.deeds.iter().filter_map(|deed| match deed.what {
            What::Mark { seq, read, after } if deed.outcome == Outcome::Done(None) => Some(Mark {
                after,
                user: deed.by,
                seq,
                read,
            }),
            _ => None,
        });
        Journal {
            room: self.room.name.clone(),
            thread: self.room.thread,
            keeper: self.keeper,
            facts: self.lines.iter().map(fact).collect(),
            marks: marks.collect(),
            kept: Vec::new(),
        }
    }

    fn uncertain(&self) -> BTreeSet<UserId> {
        let unsure = |deed: &&Deed| {
            deed.outcome == Outcome::Unsure && matches!(deed.what, What::Mark { .. })
        };
        self.deeds
            .iter()
            .filter(unsure)
            .map(|deed| deed.by)
            .collect()
    }
}

/// Whether entries of a kind have an id that their author gave them.
fn has_client_id(kind: EntryKind) -> bool {
    matches!(
        kind,
        EntryKind::Text | EntryKind::Custom | EntryKind::Edit | EntryKind::Delete
    )
}
