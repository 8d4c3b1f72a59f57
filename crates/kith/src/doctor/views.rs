//! The views that a log should have, made by the fold that the server writes with.
//!
//! What hangs on single messages can be as much as the log itself, so only a window of messages is kept; when
//! it gets too much, the window gets shorter, and the log is read again for the next one.

use crate::thread::changes::{Target, Targets};
use kith_protocol::UserId;
use kith_store::audit::{Part, PartRow, Unreadable};
use kith_store::log::EntryRow;
use kith_store::thread::{MemberRow, OverlayRow, ViewChange};
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Where a row of a part lies; sorts like the store does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// In parts by user.
    pub(super) user: Option<UserId>,
    /// In parts by message.
    pub(super) seq: Option<u64>,
    /// Of a reaction.
    pub(super) emoji: Option<String>,
}

impl Key {
    /// A message.
    pub(super) fn seq(seq: u64) -> Self {
        Self {
            user: None,
            seq: Some(seq),
            emoji: None,
        }
    }

    /// A user.
    pub(super) fn user(user: UserId) -> Self {
        Self {
            user: Some(user),
            seq: None,
            emoji: None,
        }
    }
}

/// A row of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum View {
    /// A member.
    Member(Box<MemberRow>),
    /// What became of a message.
    Overlay(OverlayRow),
    /// It is there.
    Reaction,
    /// A message was taken back.
    Deletion {
        /// Whose it was.
        author: UserId,
        /// The deletion.
        deleted_seq: u64,
    },
    /// A message names somebody.
    Mention {
        /// Whose it is.
        author: UserId,
    },
}

/// Rows by where they lie.
pub(super) type Rows = BTreeMap<Key, View>;

/// The views of a window of messages: after one seq, up to another.
#[derive(Debug)]
pub(super) struct Views {
    /// The window begins after this seq.
    pub(super) after_seq: u64,
    /// The window ends with this seq.
    pub(super) up_to_seq: u64,
    /// By which members the group is found.
    pub(super) participants: Option<Vec<UserId>>,
    /// Erased messages that no entry has deleted yet.
    pub(super) erased: BTreeSet<u64>,
    overlays: Rows,
    reactions: Rows,
    deletions: Rows,
    mentions: Rows,
}

impl Views {
    /// Nothing yet of the messages after a seq.
    pub(super) fn after(after_seq: u64) -> Self {
        Self {
            after_seq,
            up_to_seq: u64::MAX,
            participants: None,
            erased: BTreeSet::new(),
            overlays: Rows::new(),
            reactions: Rows::new(),
            deletions: Rows::new(),
            mentions: Rows::new(),
        }
    }

    /// Whether a message lies in the window.
    pub(super) fn has(&self, seq: u64) -> bool {
        seq > self.after_seq && seq <= self.up_to_seq
    }

    /// What the fold needs to know of the messages that these entries are about. `deleted` are those that are taken
    /// back, as they stand in the log.
    pub(super) fn targets(&self, page: &[EntryRow], deleted: &FxHashMap<u64, EntryRow>) -> Targets {
        let mut targets = Targets::default();
        for entry in page {
            let Some(seq) = entry.body.target_seq.filter(|seq| self.has(*seq)) else {
                continue;
            };
            targets.entry(seq).or_insert_with(|| Target {
                // Only deletions look at the message itself.
                entry: deleted.get(&seq).unwrap_or(entry).clone(),
                overlay: match self.overlays.get(&Key::seq(seq)) {
                    Some(View::Overlay(overlay)) => overlay.clone(),
                    _ => OverlayRow {
                        target_seq: seq,
                        ..OverlayRow::default()
                    },
                },
            });
        }
        targets
    }

    /// Does to these views what the store does to its own.
    pub(super) fn apply(&mut self, changes: Vec<ViewChange>) {
        for change in changes {
            match change {
                ViewChange::Overlay(overlay) => {
                    let key = Key::seq(overlay.target_seq);
                    self.overlays.insert(key, View::Overlay(*overlay));
                }
                ViewChange::Reaction {
                    target_seq,
                    user,
                    emoji,
                    set,
                } => {
                    let key = Key {
                        user: Some(user),
                        seq: Some(target_seq),
                        emoji: Some(emoji),
                    };
                    put(&mut self.reactions, key, set.then_some(View::Reaction));
                }
                ViewChange::Deleted {
                    target_seq,
                    author,
                    deleted_seq,
                } => {
                    let deletion = View::Deletion {
                        author,
                        deleted_seq,
                    };
                    self.deletions.insert(Key::seq(target_seq), deletion);
                    self.erased.remove(&target_seq);
                }
                ViewChange::Mention {
                    user,
                    seq,
                    author,
                    set,
                } if self.has(seq) => {
                    let key = Key {
                        user: Some(user),
                        seq: Some(seq),
                        emoji: None,
                    };
                    put(
                        &mut self.mentions,
                        key,
                        set.then_some(View::Mention { author }),
                    );
                }
                ViewChange::Participants { now, .. } => self.participants = now,
                // Head and members are those of the state; a pointer is for every member.
                ViewChange::Mention { .. }
                | ViewChange::Head(_)
                | ViewChange::Member(_)
                | ViewChange::Pointer(_) => {}
            }
        }
    }

    /// Makes the window shorter if it holds more rows than this.
    pub(super) fn shorten(&mut self, rows: usize) {
        if self.count() <= rows {
            return;
        }
        let all = [
            &self.overlays,
            &self.reactions,
            &self.deletions,
            &self.mentions,
        ];
        let rows = all.iter().flat_map(|rows| rows.keys());
        let mut seqs: Vec<u64> = rows.filter_map(|key| key.seq).collect();
        seqs.extend(&self.erased);
        let middle = seqs.len() / 2;
        let (_, &mut seq, _) = seqs.select_nth_unstable(middle);
        // One message is always in it, whatever hangs on it.
        self.up_to_seq = seq.max(self.after_seq + 1);
        let up_to_seq = self.up_to_seq;
        for rows in [
            &mut self.overlays,
            &mut self.reactions,
            &mut self.deletions,
            &mut self.mentions,
        ] {
            rows.retain(|key, _| key.seq <= Some(up_to_seq));
        }
        self.erased.retain(|seq| *seq <= up_to_seq);
    }

    fn count(&self) -> usize {
        let views = self.overlays.len() + self.reactions.len();
        views + self.deletions.len() + self.mentions.len() + self.erased.len()
    }

    /// The rows that a part should have between two places, those of the window.
    pub(super) fn rows(&self, part: Part, between: (Bound<Key>, Bound<Key>)) -> Rows {
        let rows = match part {
            Part::Overlays => &self.overlays,
            Part::Reactions => &self.reactions,
            Part::Deletions => &self.deletions,
            Part::Mentions(_) => &self.mentions,
            // These do not hang on messages.
            Part::Head | Part::Members | Part::Marks => return Rows::new(),
        };
        let rows = rows.range(between);
        rows.map(|(key, view)| (key.clone(), view.clone()))
            .collect()
    }
}

fn put(rows: &mut Rows, key: Key, view: Option<View>) {
    match view {
        Some(view) => drop(rows.insert(key, view)),
        None => drop(rows.remove(&key)),
    }
}

/// A stored row with where it lies.
pub(super) fn stored(part: Part, row: PartRow) -> Result<(Key, View), Unreadable> {
    match row {
        PartRow::Member(member) => Ok((Key::user(member.user), View::Member(member))),
        PartRow::Overlay(overlay) => Ok((Key::seq(overlay.target_seq), View::Overlay(overlay))),
        PartRow::Reaction {
            user,
            target_seq,
            emoji,
        } => {
            let key = Key {
                user: Some(user),
                seq: Some(target_seq),
                emoji: Some(emoji),
            };
            Ok((key, View::Reaction))
        }
        PartRow::Deletion(deletion) => {
            let view = View::Deletion {
                author: deletion.author,
                deleted_seq: deletion.deleted_seq,
            };
            Ok((Key::seq(deletion.target_seq), view))
        }
        PartRow::Mention(mention) => {
            let key = Key {
                user: named(part),
                ..Key::seq(mention.seq)
            };
            let author = mention.author;
            Ok((key, View::Mention { author }))
        }
        PartRow::Unreadable(unreadable) => Err(unreadable),
        // Not in these parts.
        PartRow::Head(_) | PartRow::Read(..) | PartRow::Delivered(..) => Err(Unreadable {
            seq: None,
            user: None,
            what: "a row of another part".to_owned(),
        }),
    }
}

/// Where a row lies that cannot be read, as far as that is known.
pub(super) fn place(part: Part, row: &Unreadable) -> Option<Key> {
    let place = Key {
        user: named(part).or(row.user),
        seq: row.seq,
        emoji: None,
    };
    (place.user.is_some() || place.seq.is_some()).then_some(place)
}

fn named(part: Part) -> Option<UserId> {
    match part {
        Part::Mentions(user) => Some(user),
        _ => None,
    }
}
