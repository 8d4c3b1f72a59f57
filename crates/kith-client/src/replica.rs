//! What of each thread has been shown: every entry once, in order, whatever the pushes do.
//!
//! A push is a hint. It is applied if it goes on where the thread stands; otherwise it only says
//! how far the log reaches, and the gap is fetched. Pages are the truth: between their entries is
//! nothing that this member may see, so they may step over numbers; pushes never may.

use kith_protocol::ThreadId;
use kith_protocol::entry::{Entry, Page};
use kith_protocol::thread::InboxRow;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All threads that a client follows.
#[derive(Debug, Default)]
pub struct Replica {
    threads: BTreeMap<ThreadId, Track>,
    /// Threads with entries to fetch.
    behind: BTreeSet<ThreadId>,
}

/// How far one thread was shown, and how far it reaches as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Track {
    have: u64,
    reaches: u64,
}

/// A page to fetch: the entries after `after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Of which thread.
    pub thread: ThreadId,
    /// What was shown.
    pub after: u64,
    /// How far the log was known to reach when this was asked.
    reaches: u64,
}

impl Replica {
    /// Takes up where an earlier run stopped.
    pub fn resume(have: impl IntoIterator<Item = (ThreadId, u64)>) -> Self {
        let track = |(thread, have)| {
            let reaches = have;
            (thread, Track { have, reaches })
        };
        Self {
            threads: have.into_iter().map(track).collect(),
            behind: BTreeSet::new(),
        }
    }

    /// What to keep for the next run.
    pub fn shown(&self) -> impl Iterator<Item = (ThreadId, u64)> {
        self.threads.iter().map(|(id, track)| (*id, track.have))
    }

    /// The last entry that was shown of a thread; 0 if none was.
    pub fn have(&self, thread: ThreadId) -> u64 {
        self.threads.get(&thread).map_or(0, |track| track.have)
    }

    /// Whether this thread is followed.
    pub fn follows(&self, thread: ThreadId) -> bool {
        self.threads.contains_key(&thread)
    }

    /// Follows a thread from `have` on: what is up to it is not shown by itself.
    pub fn follow(&mut self, thread: ThreadId, have: u64) {
        let reaches = have;
        self.threads
            .entry(thread)
            .or_insert(Track { have, reaches });
    }

    /// Nothing more of this thread can be fetched. What was shown stays known, so that it is not
    /// shown again if the thread comes back.
    pub fn settle(&mut self, thread: ThreadId) {
        if let Some(track) = self.threads.get_mut(&thread) {
            track.reaches = track.have;
        }
        self.behind.remove(&thread);
    }

    /// A row of the inbox says how far a thread reaches. An unknown thread is followed from just
    /// before the first entry that the member may see of the present stay.
    pub fn row(&mut self, row: &InboxRow) {
        let thread = row.thread.id;
        self.follow(thread, row.thread.joined_seq.saturating_sub(1));
        let last_seq = row.head.last_seq;
        self.reaches(
            thread,
            row.thread
                .left_seq
                .map_or(last_seq, |left| left.min(last_seq)),
        );
    }

    /// Somebody says that a thread reaches this far. Unknown threads wait for their row.
    pub fn reaches(&mut self, thread: ThreadId, seq: u64) {
        if let Some(track) = self.threads.get_mut(&thread) {
            track.reaches = track.reaches.max(seq);
            self.note(thread);
        }
    }

    /// Pushed entries; gives those to show now. None of a thread that is not followed: its row must
    /// be asked for, unless its log is seen from its first entry on.
    pub fn push(&mut self, thread: ThreadId, entries: Vec<Entry>) -> Vec<Entry> {
        let Some(track) = self.threads.get_mut(&thread) else {
            if entries.first().is_some_and(|entry| entry.seq == 1) {
                self.follow(thread, 0);
                return self.push(thread, entries);
            }
            return Vec::new();
        };
        let mut ready = Vec::new();
        for entry in entries {
            track.reaches = track.reaches.max(entry.seq);
            if entry.seq == track.have + 1 {
                track.have = entry.seq;
                ready.push(entry);
            }
        }
        self.note(thread);
        ready
    }

    /// The next thing to fetch.
    pub fn gap(&self) -> Option<Gap> {
        let thread = *self.behind.first()?;
        let track = self.threads.get(&thread)?;
        Some(Gap {
            thread,
            after: track.have,
            reaches: track.reaches,
        })
    }

    /// The page for a gap; gives the entries to show now.
    pub fn page(&mut self, gap: Gap, page: Page) -> Vec<Entry> {
        let Some(track) = self.threads.get_mut(&gap.thread) else {
            return Vec::new();
        };
        let mut ready = Vec::new();
        // A page that begins after what is shown by now would leave a hole: cannot be, since
        // what is shown only grows.
        for entry in page.items {
            if entry.seq > track.have {
                track.have = entry.seq;
                ready.push(entry);
            }
        }
        track.reaches = track.reaches.max(track.have);
        if !page.has_more_after && track.reaches <= gap.reaches.max(track.have) {
            // Nothing more is visible: what lies beyond belongs to a time without membership.
            track.reaches = track.have;
        }
        self.note(gap.thread);
        ready
    }

    fn note(&mut self, thread: ThreadId) {
        let behind = self
            .threads
            .get(&thread)
            .is_some_and(|track| track.have < track.reaches);
        if behind {
            self.behind.insert(thread);
        } else {
            self.behind.remove(&thread);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_protocol::entry::EntryKind;
    use kith_protocol::{Timestamp, UserId};
    use proptest::prelude::*;
    use uuid::Uuid;

    const ROOM: ThreadId = ThreadId::from_bytes([7; 16]);

    fn entry(seq: u64) -> Entry {
        Entry {
            seq,
            kind: EntryKind::Text,
            author_id: UserId(Uuid::from_u128(1)),
            client_msg_id: None,
            ord: seq,
            at: Timestamp(0),
            read_moved: false,
            text: None,
            ext: None,
            reply_to: None,
            mentions: Vec::new(),
            mention_all: false,
            target_seq: None,
            user_ids: Vec::new(),
            role: None,
            heir_id: None,
            thread_kind: None,
            title: None,
            settings: None,
            emoji: None,
            edited_seq: None,
            deleted_seq: None,
            reactions: Vec::new(),
        }
    }

    fn entries(seqs: impl IntoIterator<Item = u64>) -> Vec<Entry> {
        seqs.into_iter().map(entry).collect()
    }

    fn seqs(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.seq).collect()
    }

    /// A log as its member sees it: the server's half of these tests.
    struct Log {
        last_seq: u64,
        visible: Vec<(u64, u64)>,
    }

    impl Log {
        fn sees(&self, seq: u64) -> bool {
            self.visible
                .iter()
                .any(|&(from, to)| (from..=to).contains(&seq))
        }

        fn after(&self, after: u64, limit: usize) -> Page {
            let mut seen = (after + 1..=self.last_seq).filter(|&seq| self.sees(seq));
            let items = entries(seen.by_ref().take(limit));
            Page {
                items,
                has_more_before: after > 0,
                has_more_after: seen.next().is_some(),
                as_of_seq: self.last_seq,
            }
        }
    }

    fn following(have: u64) -> Replica {
        Replica::resume([(ROOM, have)])
    }

    #[test]
    fn the_next_entry_is_shown_at_once_and_only_once() {
        let mut replica = following(4);
        assert_eq!(seqs(&replica.push(ROOM, entries([5]))), [5]);
        assert_eq!(seqs(&replica.push(ROOM, entries([5]))), [0; 0]);
        assert_eq!(seqs(&replica.push(ROOM, entries([4, 5, 6]))), [6]);
        assert_eq!((replica.have(ROOM), replica.gap()), (6, None));
    }

    #[test]
    fn a_push_beyond_a_gap_waits_for_the_fetch() {
        let mut replica = following(4);
        assert_eq!(seqs(&replica.push(ROOM, entries([7]))), [0; 0]);
        let gap = replica.gap().expect("5 and 6 are missing");
        assert_eq!((gap.thread, gap.after), (ROOM, 4));
        let log = Log {
            last_seq: 7,
            visible: vec![(1, 7)],
        };
        assert_eq!(seqs(&replica.page(gap, log.after(4, 2))), [5, 6]);
        let gap = replica.gap().expect("7 is still missing");
        assert_eq!(seqs(&replica.page(gap, log.after(6, 2))), [7]);
        assert_eq!(replica.gap(), None);
    }

    #[test]
    fn entries_of_a_time_without_membership_are_stepped_over() {
        let log = Log {
            last_seq: 20,
            visible: vec![(1, 5), (15, 20)],
        };
        let mut replica = following(5);
        assert_eq!(seqs(&replica.push(ROOM, entries([15]))), [0; 0]);
        let gap = replica.gap().expect("cannot know yet");
        assert_eq!(
            seqs(&replica.page(gap, log.after(5, 50))),
            (15..=20).collect::<Vec<_>>()
        );
        assert_eq!(replica.gap(), None);
    }

    #[test]
    fn an_invisible_tail_is_not_asked_for_again_and_again() {
        let log = Log {
            last_seq: 9,
            visible: vec![(1, 5)],
        };
        let mut replica = following(5);
        replica.reaches(ROOM, 9);
        let gap = replica.gap().expect("9 is further");
        assert_eq!(seqs(&replica.page(gap, log.after(5, 50))), [0; 0]);
        assert_eq!(replica.gap(), None);
    }

    #[test]
    fn what_comes_while_a_page_is_fetched_is_fetched_next() {
        let mut replica = following(0);
        replica.reaches(ROOM, 3);
        let gap = replica.gap().expect("a gap");
        let log = Log {
            last_seq: 3,
            visible: vec![(1, 9)],
        };
        let page = log.after(0, 50);
        replica.push(ROOM, entries([5]));
        assert_eq!(seqs(&replica.page(gap, page)), [1, 2, 3]);
        assert_eq!(replica.gap().map(|gap| gap.after), Some(3));
    }

    #[test]
    fn pushes_of_an_unknown_thread_wait_unless_they_are_its_first() {
        let mut replica = Replica::default();
        assert!(replica.push(ROOM, entries([8])).is_empty());
        assert!(!replica.follows(ROOM));
        assert_eq!(seqs(&replica.push(ROOM, entries([1, 2]))), [1, 2]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Append(u64),
        Push { from: u64, len: u64 },
        Hint,
        Fetch { limit: usize, late: bool },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1..5_u64).prop_map(Step::Append),
            (1..60_u64, 1..6_u64).prop_map(|(from, len)| Step::Push { from, len }),
            Just(Step::Hint),
            (1..6_usize, any::<bool>()).prop_map(|(limit, late)| Step::Fetch { limit, late }),
        ]
    }

    proptest! {
        /// Whatever is lost, doubled or reordered on the way: each entry once, in order.
        #[test]
        fn any_order_of_pushes_and_fetches_shows_each_visible_entry_once(
            steps in prop::collection::vec(step(), 0..80),
            left in 1..30_u64,
            away in 0..20_u64,
        ) {
            let visible = vec![(1, left), (left + away + 1, u64::MAX)];
            let mut log = Log { last_seq: 1, visible };
            let mut replica = following(0);
            let mut shown = Vec::new();
            let mut on_the_way = None;
            for step in steps {
                match step {
                    Step::Append(n) => log.last_seq += n,
                    Step::Push { from, len } => {
                        let to = (from + len).min(log.last_seq + 1);
                        let pushed = (from..to).filter(|&seq| log.sees(seq));
                        shown.extend(seqs(&replica.push(ROOM, entries(pushed))));
                    }
                    Step::Hint => replica.reaches(ROOM, log.last_seq),
                    Step::Fetch { limit, late } => {
                        let fetched = replica.gap().map(|gap| (gap, log.after(gap.after, limit)));
                        let arrived = if late {
                            std::mem::replace(&mut on_the_way, fetched)
                        } else {
                            fetched
                        };
                        if let Some((gap, page)) = arrived {
                            shown.extend(seqs(&replica.page(gap, page)));
                        }
                    }
                }
            }
            replica.reaches(ROOM, log.last_seq);
            for _ in 0..=log.last_seq {
                let Some(gap) = replica.gap() else { break };
                shown.extend(seqs(&replica.page(gap, log.after(gap.after, 3))));
            }
            prop_assert_eq!(replica.gap(), None);
            let all: Vec<u64> = (1..=log.last_seq).filter(|&seq| log.sees(seq)).collect();
            prop_assert_eq!(shown, all);
        }
    }
}
