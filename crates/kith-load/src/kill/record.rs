//! What was asked for and what was answered: the only thing that the verdict believes.

use kith_protocol::entry::EntryKind;
use kith_protocol::{ClientMsgId, UserId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Something that one person did in one room.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    /// Who.
    pub(super) by: UserId,
    /// What.
    pub(super) what: What,
    /// Moment before the first attempt.
    pub(super) began: u64,
    /// Moment after the answer.
    pub(super) ended: u64,
    /// What was answered in the end.
    pub(super) outcome: Outcome,
}

/// What was done.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A message, an edit or a deletion: entries with an id.
    Entry(Entry),
    /// A reaction, put on or taken away.
    Toggle {
        kind: EntryKind,
        target: u64,
        emoji: &'static str,
    },
    /// Somebody was added or removed.
    Member { kind: EntryKind, user: UserId },
    /// A mark; `after` is the last entry that was certainly there before it.
    Mark { seq: u64, read: bool, after: u64 },
}

/// An entry with an id.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) kind: EntryKind,
    pub(super) id: ClientMsgId,
    pub(super) target: Option<u64>,
    pub(super) text: Option<String>,
    pub(super) mentions: Vec<UserId>,
    pub(super) seen_head: u64,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Acknowledged; the seq if one was told.
    Done(Option<u64>),
    /// Refused, and it was never possible that it had been carried out.
    Refused,
    /// Refused after an attempt without an answer: it may have been carried out once.
    Unsure,
}

/// All deeds in all rooms.
#[derive(Debug, Default)]
pub(super) struct Record {
    moments: AtomicU64,
    rooms: Vec<Mutex<Vec<Deed>>>,
}

impl Record {
    /// Of so many rooms.
    pub(super) fn of(rooms: usize) -> Self {
        Self {
            moments: AtomicU64::new(0),
            rooms: (0..rooms).map(|_| Mutex::default()).collect(),
        }
    }

    /// A moment: what ended before one began has come first.
    pub(super) fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    /// Keeps a deed whose answer has just come.
    pub(super) fn keep(&self, room: usize, by: UserId, what: What, began: u64, outcome: Outcome) {
        let deed = Deed {
            by,
            what,
            began,
            ended: self.moment(),
            outcome,
        };
        self.lock(room).push(deed);
    }

    /// What was done in a room, in the order of the first attempts.
    pub(super) fn deeds(&self, room: usize) -> Vec<Deed> {
        let mut deeds = self.lock(room).clone();
        deeds.sort_by_key(|deed| deed.began);
        deeds
    }

    /// How many were answered.
    pub(super) fn count(&self) -> u64 {
        (0..self.rooms.len())
            .map(|room| self.lock(room).len() as u64)
            .sum()
    }

    fn lock(&self, room: usize) -> std::sync::MutexGuard<'_, Vec<Deed>> {
        self.rooms[room]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
