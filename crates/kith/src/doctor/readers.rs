//! Unread, counted anew: each entry of the log is handed to each reader, as a client would see it. Shares
//! nothing with the sums in `inbox.rs`, and uses neither their views nor their marks' figures.

use kith_protocol::UserId;
use kith_protocol::entry::EntryKind;
use kith_store::log::EntryRow;
use kith_store::thread::ReadMark;
use rustc_hash::{FxHashMap, FxHashSet};

/// Everybody who ever was a member, each with what they have not read.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// Messages so far.
    messages: u64,
    readers: FxHashMap<UserId, Reader>,
    /// Read marks that lie ahead, the nearest one last.
    ahead: Vec<(UserId, ReadMark)>,
    /// Where everybody's read mark was at the beginning.
    marks: FxHashMap<UserId, u64>,
}

#[derive(Debug, Default)]
struct Reader {
    /// What was unread when the reader left; none of who is a member.
    left: Option<Left>,
    own: u64,
    read: Read,
    /// Messages of others that were deleted before this reader got to them.
    taken_back: u64,
    named: u64,
}

#[derive(Clone, Copy, Debug)]
struct Left {
    seq: u64,
    unread: u64,
}

/// What there was when a reader had read everything.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    seq: u64,
    messages: u64,
    own: u64,
}

impl Reader {
    fn reads_all(&mut self, seq: u64, messages: u64) {
        self.read = Read {
            seq,
            messages,
            own: self.own,
        };
        self.taken_back = 0;
        self.named = 0;
    }

    fn unread(&self, messages: u64) -> u64 {
        match self.left {
            Some(left) => left.unread,
            None => messages - self.read.messages - (self.own - self.read.own) - self.taken_back,
        }
    }
}

/// What somebody has not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Messages of others.
    pub(super) unread: u64,
    /// Those of them that name the reader, or everybody.
    pub(super) mentions: u64,
}

/// A read mark that does not say what the log says at its place.
#[derive(Debug)]
pub(super) struct WrongMark {
    /// Whose.
    pub(super) user: UserId,
    /// The mark.
    pub(super) stands: ReadMark,
    /// What it should be.
    pub(super) should: ReadMark,
}

impl Readers {
    /// Nobody yet; these marks lie ahead.
    pub(super) fn with_marks(marks: Vec<(UserId, ReadMark)>) -> Self {
        let mut ahead = marks;
        ahead.sort_unstable_by_key(|(_, mark)| std::cmp::Reverse(mark.seq));
        Self {
            marks: ahead.iter().map(|(user, mark)| (*user, mark.seq)).collect(),
            ahead,
            ..Self::default()
        }
    }

    /// Hands the next entry to everybody. With a deletion comes whose message it is about.
    pub(super) fn take(&mut self, entry: &EntryRow, deleted: Option<UserId>) -> Vec<WrongMark> {
        match entry.kind {
            EntryKind::Created | EntryKind::MemberAdded => self.join(entry),
            EntryKind::MemberLeft | EntryKind::MemberRemoved => self.leave(entry),
            EntryKind::Delete => self.take_back(entry, deleted),
            kind if kind.is_countable() => self.message(entry),
            _ => {}
        }
        self.pass_marks(entry.seq)
    }

    fn join(&mut self, entry: &EntryRow) {
        for &user in &entry.body.user_ids {
            let is_new = !self.readers.contains_key(&user);
            let reader = self.readers.entry(user).or_default();
            if reader.left.take().is_some() || is_new {
                reader.reads_all(entry.seq, self.messages);
            }
        }
    }

    fn leave(&mut self, entry: &EntryRow) {
        for user in &entry.body.user_ids {
            if let Some(reader) = self.readers.get_mut(user)
                && reader.left.is_none()
            {
                let unread = reader.unread(self.messages);
                reader.left = Some(Left {
                    seq: entry.seq,
                    unread,
                });
            }
        }
    }

    fn message(&mut self, entry: &EntryRow) {
        self.messages += 1;
        if entry.body.mention_all {
            for (user, reader) in &mut self.readers {
                reader.named += u64::from(reader.left.is_none() && *user != entry.author);
            }
        } else if !entry.body.mentions.is_empty() {
            let named: FxHashSet<UserId> = entry.body.mentions.iter().copied().collect();
            for user in named.into_iter().filter(|user| *user != entry.author) {
                if let Some(reader) = self.readers.get_mut(&user) {
                    reader.named += u64::from(reader.left.is_none());
                }
            }
        }
        if let Some(author) = self.readers.get_mut(&entry.author) {
            author.own += 1;
            if entry.read_moved {
                author.reads_all(entry.seq, self.messages);
            }
        }
    }

    fn take_back(&mut self, entry: &EntryRow, author: Option<UserId>) {
        let (Some(author), Some(target_seq)) = (author, entry.body.target_seq) else {
            return;
        };
        for (user, reader) in &mut self.readers {
            if reader.left.is_none() && *user != author && reader.read.seq < target_seq {
                reader.taken_back += 1;
            }
        }
    }

    /// Whose mark lies here has read everything up to here.
    fn pass_marks(&mut self, seq: u64) -> Vec<WrongMark> {
        let mut wrong = Vec::new();
        while let Some((user, mark)) = self.ahead.pop_if(|(_, mark)| mark.seq <= seq) {
            let Some(reader) = self.readers.get_mut(&user) else {
                continue;
            };
            let should = ReadMark {
                seq: mark.seq,
                ord: self.messages,
                own: reader.own,
            };
            if mark.seq == seq && mark != should {
                wrong.push(WrongMark {
                    user,
                    stands: mark,
                    should,
                });
            }
            if reader.left.is_none() {
                reader.reads_all(seq, self.messages);
            }
        }
        wrong
    }

    /// What this reader has not read; none of who never was a member.
    pub(super) fn count(&self, user: UserId) -> Option<Count> {
        let reader = self.readers.get(&user)?;
        Some(Count {
            unread: reader.unread(self.messages),
            mentions: reader.named,
        })
    }

    /// Where this user's read mark was at the beginning; 0 if there was none.
    pub(super) fn mark(&self, user: UserId) -> u64 {
        self.marks.get(&user).copied().unwrap_or_default()
    }

    /// The last entry that this user can have read; none of who never was a member.
    pub(super) fn last_visible_seq(&self, user: UserId, last_seq: u64) -> Option<u64> {
        let reader = self.readers.get(&user)?;
        Some(reader.left.map_or(last_seq, |left| left.seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_protocol::Timestamp;
    use kith_store::log::Body;
    use uuid::Uuid;

    const ANN: UserId = UserId(Uuid::from_u128(1));
    const BO: UserId = UserId(Uuid::from_u128(2));

    fn entry(seq: u64, kind: EntryKind, author: UserId, body: Body) -> EntryRow {
        EntryRow {
            seq,
            kind,
            author,
            client_msg_id: None,
            ord: 0,
            at: Timestamp(0),
            read_moved: false,
            erased: false,
            body,
        }
    }

    fn created() -> EntryRow {
        let user_ids = vec![ANN, BO];
        entry(
            1,
            EntryKind::Created,
            ANN,
            Body {
                user_ids,
                ..Body::default()
            },
        )
    }

    fn message(seq: u64, author: UserId) -> EntryRow {
        entry(seq, EntryKind::Text, author, Body::default())
    }

    fn unread(readers: &Readers, user: UserId) -> u64 {
        readers.count(user).expect("a member").unread
    }

    #[test]
    fn what_others_write_is_unread_until_a_mark_passes_it() {
        let mark = ReadMark {
            seq: 3,
            ord: 2,
            own: 1,
        };
        let mut readers = Readers::with_marks(vec![(BO, mark)]);
        let log = [created(), message(2, BO), message(3, ANN), message(4, ANN)];
        for entry in &log {
            assert!(readers.take(entry, None).is_empty());
        }
        assert_eq!((unread(&readers, BO), unread(&readers, ANN)), (1, 1));
        assert_eq!(readers.count(UserId(Uuid::nil())), None);
    }

    #[test]
    fn a_mark_must_say_what_is_counted_at_its_place() {
        let mark = ReadMark {
            seq: 2,
            ord: 1,
            own: 1,
        };
        let mut readers = Readers::with_marks(vec![(BO, mark)]);
        readers.take(&created(), None);
        let wrong = readers.take(&message(2, ANN), None);
        assert_eq!(wrong[0].should, ReadMark { own: 0, ..mark });
    }

    #[test]
    fn a_deletion_takes_back_what_was_not_read_and_nothing_from_who_has_left() {
        let delete = |seq, target_seq| {
            let body = Body {
                target_seq: Some(target_seq),
                ..Body::default()
            };
            entry(seq, EntryKind::Delete, ANN, body)
        };
        let mut readers = Readers::default();
        for entry in [created(), message(2, ANN), message(3, ANN)] {
            readers.take(&entry, None);
        }
        readers.take(&delete(4, 2), Some(ANN));
        assert_eq!(unread(&readers, BO), 1);
        let user_ids = vec![BO];
        let body = Body {
            user_ids,
            ..Body::default()
        };
        readers.take(&entry(5, EntryKind::MemberLeft, BO, body), None);
        readers.take(&message(6, ANN), None);
        readers.take(&delete(7, 3), Some(ANN));
        assert_eq!(unread(&readers, BO), 1);
        assert_eq!(readers.last_visible_seq(BO, 7), Some(5));
    }
}
