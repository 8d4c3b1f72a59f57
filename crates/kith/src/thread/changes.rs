//! Views that a batch of entries changes, and the messages that it is about.

use kith_protocol::UserId;
use kith_protocol::entry::EntryKind;
use kith_store::log::EntryRow;
use kith_store::thread::{OverlayRow, ViewChange};
use rustc_hash::{FxHashMap, FxHashSet};

/// Characters of a preview: two lines on a phone.
const PREVIEW_CHARS: usize = 160;

/// A message that a decision is about, with what the batch made of it so far.
#[derive(Clone, Debug)]
pub struct Target {
    /// The message.
    pub entry: EntryRow,
    /// Its overlay.
    pub overlay: OverlayRow,
}

/// Messages that the decisions of one batch are about.
pub type Targets = FxHashMap<u64, Target>;

/// Views that a batch changes.
#[derive(Debug, Default)]
pub struct Changes {
    pub(super) members: FxHashSet<UserId>,
    pub(super) targets: FxHashSet<u64>,
    pub(super) others: Vec<ViewChange>,
    pub(super) participants_before: Option<Option<Vec<UserId>>>,
    /// Earlier entries whose bodies go.
    pub erase: Vec<u64>,
}

/// The beginning of a text, for lists.
pub fn preview(text: &str) -> String {
    text.chars().take(PREVIEW_CHARS).collect()
}

/// Applies a reaction to the overlay of its message.
pub fn react(overlay: &mut OverlayRow, emoji: &str, set: bool) {
    match overlay
        .reactions
        .iter()
        .position(|(other, _)| other == emoji)
    {
        Some(i) if set => overlay.reactions[i].1 += 1,
        Some(i) if overlay.reactions[i].1 <= 1 => drop(overlay.reactions.remove(i)),
        Some(i) => overlay.reactions[i].1 -= 1,
        None if set => overlay.reactions.push((emoji.to_owned(), 1)),
        None => {}
    }
}

/// Notes a reaction in the overlay of its message.
pub(super) fn fold_reaction(entry: &EntryRow, targets: &mut Targets, changes: &mut Changes) {
    let (Some(target_seq), Some(emoji)) = (entry.body.target_seq, &entry.body.emoji) else {
        return;
    };
    if let Some(target) = targets.get_mut(&target_seq) {
        let set = entry.kind == EntryKind::React;
        react(&mut target.overlay, emoji, set);
        target.overlay.changed_seq = entry.seq;
        changes.targets.insert(target_seq);
        let (user, emoji) = (entry.author, emoji.clone());
        changes.others.push(ViewChange::Reaction {
            target_seq,
            user,
            emoji,
            set,
        });
    }
}
