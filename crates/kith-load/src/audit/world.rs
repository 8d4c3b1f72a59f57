//! How things should be: membership, marks, unread, overlays and receipts, by plain counting over
//! what was acknowledged.

use super::journal::{Fact, Journal, Mark};
use super::seen::{ReactionSeen, Seen, identity};
use kith_protocol::UserId;
use kith_protocol::entry::EntryKind;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A room as the journal tells it.
#[derive(Debug)]
pub struct World {
    room: String,
    facts: Vec<Fact>,
    ords: Vec<u64>,
    identities: Vec<u64>,
    moved: Vec<bool>,
    /// By target: seqs of edits, deletions and reactions.
    later: FxHashMap<u64, Vec<u64>>,
    /// By user: [joined, left], left = `u64::MAX` for "until now".
    stays: FxHashMap<UserId, Vec<(u64, u64)>>,
    marks: FxHashMap<UserId, Vec<Mark>>,
    /// Everybody's read and delivered marks at the end, counted once.
    last_marks: OnceLock<Vec<(UserId, u64, u64)>>,
}

/// What a row should say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// When the user came in last.
    pub joined_seq: u64,
    /// The last entry that an ex-member sees.
    pub left_seq: Option<u64>,
    /// What the user may see.
    pub visible: Vec<(u64, Option<u64>)>,
    /// The last entry.
    pub last_seq: u64,
    /// Countable entries.
    pub ord: u64,
    /// Read up to here.
    pub read_seq: u64,
    /// Arrived up to here.
    pub delivered_seq: u64,
    /// Countable entries of others after `read_seq` that are not deleted.
    pub unread: u64,
    /// Those that name the user.
    pub mentions: u64,
    /// Members.
    pub member_count: u64,
}

const NOW: u64 = u64::MAX;

impl World {
    /// Folds a journal.
    pub fn of(journal: &Journal) -> Self {
        let mut world = Self {
            room: journal.room.clone(),
            facts: journal.facts.clone(),
            ords: Vec::new(),
            identities: Vec::new(),
            moved: Vec::new(),
            later: FxHashMap::default(),
            stays: FxHashMap::default(),
            marks: FxHashMap::default(),
            last_marks: OnceLock::new(),
        };
        for &mark in &journal.marks {
            world.marks.entry(mark.user).or_default().push(mark);
        }
        let mut ord = 0;
        for (seq, fact) in (1..).zip(&journal.facts) {
            ord += u64::from(fact.kind.is_countable());
            let (kind, id) = (fact.kind.as_str(), fact.client_msg_id);
            world.ords.push(ord);
            world
                .identities
                .push(identity(seq, kind, fact.author, id, ord, fact.target_seq));
            if let Some(target) = fact.target_seq {
                world.later.entry(target).or_default().push(seq);
            }
            world.seat(seq, fact);
        }
        world.moved = world.moves();
        world
    }

    /// The room's name.
    pub fn room(&self) -> &str {
        &self.room
    }

    /// The last entry.
    pub fn last_seq(&self) -> u64 {
        self.facts.len() as u64
    }

    /// An entry.
    pub fn fact(&self, seq: u64) -> &Fact {
        &self.facts[seq as usize - 1]
    }

    /// An entry, if there is one.
    pub fn facts_of(&self, seq: u64) -> Option<&Fact> {
        self.facts.get(usize::try_from(seq).ok()?.checked_sub(1)?)
    }

    /// Whether an entry was taken back.
    pub fn is_deleted(&self, seq: u64) -> bool {
        self.deletion(seq).is_some()
    }

    /// Every text that an entry has had: its own, those of its edits, none if it was deleted.
    pub fn texts(&self, seq: u64) -> impl Iterator<Item = Option<&str>> {
        let fact = self.facts_of(seq);
        let own = fact.into_iter().map(|fact| fact.text.as_deref());
        let root = match fact {
            Some(fact) if fact.kind == EntryKind::Edit => fact.target_seq.unwrap_or(seq),
            _ => seq,
        };
        let edits = self
            .later_of(seq, EntryKind::Edit)
            .map(|at| self.fact(at).text.as_deref());
        let gone = self.deletion(root).map(|_| None);
        own.chain(edits).chain(gone)
    }

    /// The hash over what never changes about an entry.
    pub fn identity(&self, seq: u64) -> u64 {
        self.identities[seq as usize - 1]
    }

    /// Whether a send moved its author's read mark.
    pub fn read_moved(&self, seq: u64) -> bool {
        self.moved[seq as usize - 1]
    }

    /// Everybody who ever was a member, sorted.
    pub fn members(&self) -> Vec<UserId> {
        let mut members: Vec<_> = self.stays.keys().copied().collect();
        members.sort_unstable();
        members
    }

    /// What a user may see of the first `upto` entries, both ends included.
    pub fn visible(&self, user: UserId, upto: u64) -> Vec<(u64, u64)> {
        let stays = self.stays.get(&user).map_or(&[][..], Vec::as_slice);
        let begun = stays.iter().filter(|(joined, _)| *joined <= upto);
        begun
            .map(|&(joined, left)| (joined, left.min(upto)))
            .collect()
    }

    /// The last entry that the user sees, if the user is out after the first `upto`.
    pub fn left(&self, user: UserId, upto: u64) -> Option<u64> {
        let stays = self.stays.get(&user)?;
        let &(_, left) = stays.iter().rfind(|(joined, _)| *joined <= upto)?;
        (left <= upto).then_some(left)
    }

    /// What the user's row should say after the first `upto` entries.
    pub fn expected(&self, user: UserId, upto: u64) -> Expected {
        let left_seq = self.left(user, upto);
        let last_seq = left_seq.unwrap_or(upto);
        let visible = self.visible(user, upto);
        let joined_seq = visible.last().map_or(0, |&(joined, _)| joined);
        let read_seq = self.read_seq(user, joined_seq, last_seq, upto);
        let (unread, mentions) = self.unread(user, read_seq, last_seq, upto);
        let open = |&(joined, left): &(u64, u64)| {
            let is_open = left_seq.is_none() && joined == joined_seq;
            (joined, (!is_open).then_some(left))
        };
        Expected {
            joined_seq,
            left_seq,
            visible: visible.iter().map(open).collect(),
            last_seq,
            ord: if last_seq == 0 {
                0
            } else {
                self.ords[last_seq as usize - 1]
            },
            read_seq,
            delivered_seq: self
                .marks_of(user, upto)
                .filter(|mark| !mark.read)
                .map(|mark| mark.seq)
                .fold(read_seq, u64::max),
            unread,
            mentions,
            member_count: self
                .stays
                .keys()
                .filter(|&&user| self.is_in(user, upto))
                .count() as u64,
        }
    }

    /// Who read an entry, who holds it (both sorted, without the author), and how many could.
    pub fn receipts(&self, seq: u64) -> (Vec<UserId>, Vec<UserId>, u64) {
        let (mut read, mut delivered, mut of) = (Vec::new(), Vec::new(), 0);
        let last = self.last_seq();
        for &(user, read_seq, delivered_seq) in self.last_marks() {
            let sees = self
                .visible(user, last)
                .iter()
                .any(|&(a, b)| a <= seq && seq <= b);
            if user == self.fact(seq).author || !sees || !self.is_in(user, last) {
                continue;
            }
            of += 1;
            if read_seq >= seq {
                read.push(user);
            }
            if delivered_seq >= seq {
                delivered.push(user);
            }
        }
        (read, delivered, of)
    }

    /// What is wrong with text, mentions, edits, deletion or reactions of an entry, as the user
    /// should see it at the end.
    pub fn overlay_differs(&self, user: UserId, seen: &Seen<'_>) -> Option<String> {
        let upto = self.left(user, self.last_seq()).unwrap_or(NOW);
        let fact = self.fact(seen.seq);
        let root = if fact.kind == EntryKind::Edit {
            fact.target_seq?
        } else {
            seen.seq
        };
        let deletion = self.deletion(root);
        let edit = self.newest_edit(seen.seq, upto);
        let text = match (deletion, edit) {
            (Some(_), _) => None,
            (None, Some(edit)) => self.fact(edit).text.as_deref(),
            (None, None) => fact.text.as_deref(),
        };
        if seen.text.as_deref() != text {
            return Some(format!("text is {:?}, should be {text:?}", seen.text));
        }
        let edited_seq = if deletion.is_some() { None } else { edit };
        if seen.edited_seq != edited_seq && deletion.is_none() {
            return Some(format!(
                "edited_seq is {:?}, not {edited_seq:?}",
                seen.edited_seq
            ));
        }
        let deleted_seq = deletion.filter(|&at| at <= upto && root == seen.seq);
        if seen.deleted_seq != deleted_seq {
            return Some(format!(
                "deleted_seq is {:?}, not {deleted_seq:?}",
                seen.deleted_seq
            ));
        }
        let mentions: &[UserId] = if deletion.is_some() {
            &[]
        } else {
            &fact.mentions
        };
        if seen.mentions != mentions {
            return Some(format!(
                "mentions are {:?}, should be {mentions:?}",
                seen.mentions
            ));
        }
        if deletion.is_none() {
            let (mut is, should) = (seen.reactions.clone(), self.reactions(seen.seq, user, upto));
            is.sort_unstable();
            if is != should {
                return Some(format!("reactions are {is:?}, should be {should:?}"));
            }
        }
        None
    }

    fn seat(&mut self, seq: u64, fact: &Fact) {
        match fact.kind {
            EntryKind::Created | EntryKind::MemberAdded => {
                let creator = (fact.kind == EntryKind::Created).then_some(fact.author);
                for &user in fact.users.iter().chain(&creator) {
                    self.stays.entry(user).or_default().push((seq, NOW));
                }
            }
            EntryKind::MemberLeft | EntryKind::MemberRemoved => {
                for user in &fact.users {
                    if let Some(stay) = self.stays.get_mut(user).and_then(|stays| stays.last_mut())
                    {
                        stay.1 = seq;
                    }
                }
            }
            _ => {}
        }
    }

    /// Which sends moved their author's read mark: those with no countable entry of somebody else
    /// between what the author had read or seen and the send.
    fn moves(&self) -> Vec<bool> {
        let mut moved = vec![false; self.facts.len()];
        let mut read: FxHashMap<UserId, u64> = FxHashMap::default();
        let mut marks: Vec<Mark> = self.marks.values().flatten().copied().collect();
        marks.sort_by_key(|mark| mark.after);
        let mut marks = marks.into_iter().peekable();
        // The last countable entries of the two people who wrote last.
        let mut last: [(Option<UserId>, u64); 2] = [(None, 0); 2];
        for (seq, fact) in (1..).zip(&self.facts) {
            while let Some(mark) = marks.next_if(|mark| mark.after < seq) {
                if mark.read {
                    let read = read.entry(mark.user).or_default();
                    *read = mark.seq.max(*read);
                }
            }
            if matches!(fact.kind, EntryKind::Created | EntryKind::MemberAdded) {
                for &user in fact.users.iter().chain([&fact.author]) {
                    if fact.kind == EntryKind::Created || fact.users.contains(&user) {
                        read.insert(user, seq);
                    }
                }
            }
            if !fact.kind.is_countable() {
                continue;
            }
            let foreign = last.iter().find(|(author, _)| *author != Some(fact.author));
            let own = read.entry(fact.author).or_default();
            if foreign.is_none_or(|&(_, at)| at <= fact.seen_head.max(*own)) {
                *own = seq;
                moved[seq as usize - 1] = true;
            }
            if last[0].0 != Some(fact.author) {
                last[1] = last[0];
            }
            last[0] = (Some(fact.author), seq);
        }
        moved
    }

    fn read_seq(&self, user: UserId, joined_seq: u64, last_seq: u64, upto: u64) -> u64 {
        let marked = self
            .marks_of(user, upto)
            .filter(|mark| mark.read)
            .map(|mark| mark.seq);
        let sent = (joined_seq..=last_seq)
            .rev()
            .find(|&seq| seq > 0 && self.read_moved(seq) && self.fact(seq).author == user);
        marked.chain(sent).fold(joined_seq, u64::max)
    }

    /// Sorted by user.
    fn last_marks(&self) -> &[(UserId, u64, u64)] {
        self.last_marks.get_or_init(|| {
            let upto = self.last_seq();
            let marks_of = |user| {
                let joined_seq = self
                    .visible(user, upto)
                    .last()
                    .map_or(0, |&(joined, _)| joined);
                let read = self.read_seq(user, joined_seq, upto, upto);
                let held = self
                    .marks_of(user, upto)
                    .map(|mark| mark.seq)
                    .fold(read, u64::max);
                (user, read, held)
            };
            self.members().into_iter().map(marks_of).collect()
        })
    }

    fn unread(&self, user: UserId, read_seq: u64, last_seq: u64, upto: u64) -> (u64, u64) {
        let (mut unread, mut mentions) = (0, 0);
        for seq in read_seq + 1..=last_seq {
            let fact = self.fact(seq);
            let is_deleted = || self.deletion(seq).is_some_and(|at| at <= upto);
            if fact.kind.is_countable() && fact.author != user && !is_deleted() {
                unread += 1;
                mentions += u64::from(fact.mentions.contains(&user));
            }
        }
        (unread, mentions)
    }

    fn marks_of(&self, user: UserId, upto: u64) -> impl Iterator<Item = &Mark> {
        let marks = self.marks.get(&user).into_iter().flatten();
        marks.filter(move |mark| mark.after <= upto)
    }

    fn is_in(&self, user: UserId, upto: u64) -> bool {
        let stays = self.stays.get(&user).into_iter().flatten();
        stays
            .into_iter()
            .any(|&(joined, left)| joined <= upto && upto < left)
    }

    fn deletion(&self, seq: u64) -> Option<u64> {
        self.later_of(seq, EntryKind::Delete).next()
    }

    fn newest_edit(&self, seq: u64, upto: u64) -> Option<u64> {
        self.later_of(seq, EntryKind::Edit)
            .filter(|&at| at <= upto)
            .last()
    }

    fn later_of(&self, seq: u64, kind: EntryKind) -> impl Iterator<Item = u64> {
        let later = self.later.get(&seq).into_iter().flatten().copied();
        later.filter(move |&at| self.fact(at).kind == kind)
    }

    fn reactions(&self, seq: u64, user: UserId, upto: u64) -> Vec<ReactionSeen<'_>> {
        let mut by_emoji: BTreeMap<&str, Vec<UserId>> = BTreeMap::new();
        for &at in self
            .later
            .get(&seq)
            .into_iter()
            .flatten()
            .filter(|&&at| at <= upto)
        {
            let fact = self.fact(at);
            let users = by_emoji
                .entry(fact.emoji.as_deref().unwrap_or_default())
                .or_default();
            match fact.kind {
                EntryKind::React => users.push(fact.author),
                EntryKind::Unreact => users.retain(|&user| user != fact.author),
                _ => {}
            }
        }
        let shown = by_emoji.into_iter().filter(|(_, users)| !users.is_empty());
        shown
            .map(|(emoji, users)| ReactionSeen {
                emoji: Cow::Borrowed(emoji),
                count: users.len() as u64,
                mine: users.contains(&user),
            })
            .collect()
    }
}
