//! Compares what a server says with arithmetic over what was acknowledged. Naive on purpose, and
//! no code of the server is in it: an error there must not excuse itself here.

mod held;
mod journal;
mod seen;
mod sync;
mod world;

pub use held::Held;
pub use journal::{Fact, Journal, Kept, Mark};
pub use seen::{
    HeadSeen, MineSeen, PageSeen, ReactionSeen, ReceiptsSeen, RowSeen, Seen, ThreadSeen,
};
pub use sync::{SyncRowSeen, SyncSeen, Told, ToldThread, digest};
pub use world::{Expected, World};

use kith_protocol::UserId;
use serde::Serialize;
use std::collections::BTreeMap;

/// Differences that are told in words; the rest is counted.
const TOLD_MAX: usize = 40;

/// What kind of promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    /// An entry is missing.
    Hole,
    /// An entry came twice.
    Double,
    /// Entries came in another order.
    Order,
    /// Somebody holds what they may not see.
    Leak,
    /// An entry is not what was acknowledged.
    Entry,
    /// Edits, deletions or reactions are not shown as they should be.
    Overlay,
    /// Unread or mentions.
    Unread,
    /// Read or delivered marks.
    Marks,
    /// Another part of an inbox row.
    Row,
    /// Who read or holds a message.
    Receipts,
    /// Pages from the two ends differ.
    Paging,
    /// A cursor did not tell a change.
    Sync,
    /// The digest is another.
    Digest,
    /// A call was refused that should not be, or the other way round.
    Answer,
}

/// What was found, counted by kind.
#[derive(Debug, Default)]
pub struct Findings {
    counts: BTreeMap<Broken, u64>,
    told: Vec<String>,
}

impl Findings {
    /// Notes a difference.
    pub fn add(&mut self, broken: Broken, what: impl FnOnce() -> String) {
        *self.counts.entry(broken).or_default() += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(what());
        }
    }

    /// Adds those of another part.
    pub fn merge(&mut self, other: Self) {
        for (broken, count) in other.counts {
            *self.counts.entry(broken).or_default() += count;
        }
        let room = TOLD_MAX.saturating_sub(self.told.len());
        self.told.extend(other.told.into_iter().take(room));
    }

    /// How many of each kind.
    pub fn counts(&self) -> &BTreeMap<Broken, u64> {
        &self.counts
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The first of them, in words.
    pub fn told(&self) -> &[String] {
        &self.told
    }
}

/// A member's client holds every visible entry exactly once, in order, and nothing else.
pub fn check_held(world: &World, user: UserId, held: &Held, findings: &mut Findings) {
    let who = |what: &str| format!("{}: {user}: {what}", world.room());
    for seq in &held.doubles {
        findings.add(Broken::Double, || who(&format!("seq {seq} came twice")));
    }
    for seq in &held.late {
        findings.add(Broken::Order, || who(&format!("seq {seq} came late")));
    }
    let mut due = Held::default();
    for (from, to) in world.visible(user, world.last_seq()) {
        for seq in from..=to {
            due.take(seq, world.identity(seq));
            if !held.has(seq) {
                findings.add(Broken::Hole, || who(&format!("seq {seq} is missing")));
            }
        }
    }
    for seq in held.seqs().filter(|&seq| !due.has(seq)) {
        findings.add(Broken::Leak, || who(&format!("holds seq {seq}")));
    }
    let same = held.count() == due.count() && held.doubles.is_empty() && held.late.is_empty();
    if same && held.rolling() != due.rolling() {
        findings.add(Broken::Entry, || {
            who("holds other entries than were acknowledged")
        });
    }
}

/// A row of an inbox or of sync, as of the entry `upto`.
pub fn check_row(world: &World, user: UserId, upto: u64, row: &RowSeen, findings: &mut Findings) {
    let due = world.expected(user, upto);
    let mut differ = |broken, what: &str, is: String, should: String| {
        if is != should {
            findings.add(broken, || {
                let room = world.room();
                format!("{room}: {user} at {upto}: {what} is {is}, should be {should}")
            });
        }
    };
    let (mine, head, thread) = (&row.mine, &row.head, &row.thread);
    let unread = (mine.unread, mine.mentions);
    differ(
        Broken::Unread,
        "unread, mentions",
        format!("{unread:?}"),
        format!("{:?}", (due.unread, due.mentions)),
    );
    let marks = (mine.read_seq, mine.delivered_seq);
    differ(
        Broken::Marks,
        "read, delivered",
        format!("{marks:?}"),
        format!("{:?}", (due.read_seq, due.delivered_seq)),
    );
    differ(
        Broken::Row,
        "last seq, ord, joined, gone",
        format!(
            "{:?}",
            (head.last_seq, head.ord, thread.joined_seq, thread.left_seq)
        ),
        format!(
            "{:?}",
            (due.last_seq, due.ord, due.joined_seq, due.left_seq)
        ),
    );
    differ(
        Broken::Row,
        "visible",
        format!("{:?}", thread.visible),
        format!("{:?}", due.visible),
    );
    if due.left_seq.is_none() {
        let (is, should) = (thread.member_count, due.member_count);
        differ(
            Broken::Row,
            "member count",
            is.to_string(),
            should.to_string(),
        );
    }
}

/// An entry of a page, with what later entries made of it, as `user` may see it at the end.
pub fn check_entry(world: &World, user: UserId, seen: &Seen<'_>, findings: &mut Findings) {
    let who = || format!("{}: {user}: seq {}", world.room(), seen.seq);
    if seen.seq == 0 || seen.seq > world.last_seq() {
        findings.add(Broken::Leak, || {
            format!("{}: was never acknowledged", who())
        });
        return;
    }
    if seen.identity() != world.identity(seen.seq) {
        findings.add(Broken::Entry, || {
            format!("{}: is another entry: {seen:?}", who())
        });
        return;
    }
    if seen.read_moved != world.read_moved(seen.seq) {
        findings.add(Broken::Marks, || {
            format!("{}: read_moved {}", who(), seen.read_moved)
        });
    }
    if let Some(why) = world.overlay_differs(user, seen) {
        findings.add(Broken::Overlay, || format!("{}: {why}", who()));
    }
}

/// Who read and who holds an entry.
pub fn check_receipts(world: &World, seq: u64, seen: &ReceiptsSeen, findings: &mut Findings) {
    let (read, delivered, of) = world.receipts(seq);
    let sorted = |users: &[UserId]| {
        let mut users = users.to_vec();
        users.sort_unstable();
        users
    };
    let counts = (read.len() as u64, delivered.len() as u64, of);
    let seen_counts = (seen.counts.read, seen.counts.delivered, seen.counts.of);
    if seen_counts != counts || sorted(&seen.read) != read || sorted(&seen.delivered) != delivered {
        findings.add(Broken::Receipts, || {
            let room = world.room();
            format!("{room}: receipts of {seq} are {seen_counts:?}, should be {counts:?}")
        });
    }
}

#[cfg(test)]
mod tests;
