//! Key layouts. Ids are 16 bytes and numbers big-endian, so that every read of the traits is one point
//! or one contiguous range; the first byte of a key names its table where a keyspace holds several.

use super::table::Table;
use kith_protocol::{SessionId, ThreadId, Timestamp, UserId};
use sha2::{Digest, Sha256};
use std::ops::Bound;

/// Tables of the keyspace `views`.
pub(super) mod view {
    pub(in crate::embedded) const MEMBER: u8 = b'm';
    pub(in crate::embedded) const OVERLAY: u8 = b'o';
    pub(in crate::embedded) const REACTION: u8 = b'r';
    pub(in crate::embedded) const DELETION: u8 = b'd';
    pub(in crate::embedded) const MENTION: u8 = b'n';
    pub(in crate::embedded) const MARK: u8 = b'w';
    pub(in crate::embedded) const USER_THREAD: u8 = b'u';
    pub(in crate::embedded) const PARTICIPANTS: u8 = b'p';
}

/// Tables of the keyspace `people`.
pub(super) mod people {
    pub(in crate::embedded) const USER: u8 = b'u';
    pub(in crate::embedded) const HANDLE: u8 = b'h';
    pub(in crate::embedded) const NAME: u8 = b'n';
    pub(in crate::embedded) const LAST_SEEN: u8 = b'l';
    pub(in crate::embedded) const CONTACT: u8 = b'c';
    pub(in crate::embedded) const FORMER: u8 = b'x';
    pub(in crate::embedded) const ASKED: u8 = b'q';
    pub(in crate::embedded) const ASKED_BY: u8 = b'r';
    pub(in crate::embedded) const BLOCK: u8 = b'b';
    pub(in crate::embedded) const SESSION: u8 = b's';
    pub(in crate::embedded) const SESSION_LIST: u8 = b'v';
    pub(in crate::embedded) const ENDED: u8 = b'e';
    pub(in crate::embedded) const TOKEN: u8 = b't';
    pub(in crate::embedded) const FORGET: u8 = b'f';
}

/// Bytes of an id.
const ID: usize = 16;

/// messages: thread | seq.
pub(super) fn message(thread: ThreadId, seq: u64) -> [u8; ID + 8] {
    fixed(&[thread.bytes(), &seq.to_be_bytes()])
}

/// heads: the one row that is no head, and shorter than any: the last batch that is in fjall.
pub(super) const APPLIED: &[u8] = b"a";

/// heads: thread.
pub(super) fn head(thread: ThreadId) -> [u8; ID] {
    *thread.bytes()
}

/// views: thread | user.
pub(super) fn member(thread: ThreadId, user: UserId) -> [u8; 1 + ID + ID] {
    fixed(&[&[view::MEMBER], thread.bytes(), user.bytes()])
}

/// Prefix of [`member`].
pub(super) fn members(thread: ThreadId) -> [u8; 1 + ID] {
    fixed(&[&[view::MEMBER], thread.bytes()])
}

/// views: thread | target_seq.
pub(super) fn overlay(thread: ThreadId, target_seq: u64) -> [u8; 1 + ID + 8] {
    fixed(&[&[view::OVERLAY], thread.bytes(), &target_seq.to_be_bytes()])
}

/// Prefix of [`overlay`].
pub(super) fn overlays(thread: ThreadId) -> [u8; 1 + ID] {
    fixed(&[&[view::OVERLAY], thread.bytes()])
}

/// views: thread | user | target_seq | emoji.
pub(super) fn reaction(thread: ThreadId, user: UserId, target_seq: u64, emoji: &str) -> Vec<u8> {
    let mut key = reactions(thread, user, target_seq).to_vec();
    key.extend_from_slice(emoji.as_bytes());
    key
}

/// Prefix of [`reaction`], and bound of its ranges.
pub(super) fn reactions(thread: ThreadId, user: UserId, target_seq: u64) -> [u8; 1 + ID + ID + 8] {
    fixed(&[
        &[view::REACTION],
        thread.bytes(),
        user.bytes(),
        &target_seq.to_be_bytes(),
    ])
}

/// Prefix of [`reaction`] for everybody.
pub(super) fn all_reactions(thread: ThreadId) -> [u8; 1 + ID] {
    fixed(&[&[view::REACTION], thread.bytes()])
}

/// The seq and the emoji of a key of [`reaction`].
pub(super) fn read_reaction(key: &[u8]) -> Option<(u64, String)> {
    let (seq, emoji) = key.get(1 + ID + ID..)?.split_first_chunk::<8>()?;
    Some((
        u64::from_be_bytes(*seq),
        String::from_utf8(emoji.to_vec()).ok()?,
    ))
}

/// views: thread | target_seq.
pub(super) fn deletion(thread: ThreadId, target_seq: u64) -> [u8; 1 + ID + 8] {
    fixed(&[&[view::DELETION], thread.bytes(), &target_seq.to_be_bytes()])
}

/// Prefix of [`deletion`].
pub(super) fn deletions(thread: ThreadId) -> [u8; 1 + ID] {
    fixed(&[&[view::DELETION], thread.bytes()])
}

/// views: user | thread | seq.
pub(super) fn mention(user: UserId, thread: ThreadId, seq: u64) -> [u8; 1 + ID + ID + 8] {
    fixed(&[
        &[view::MENTION],
        user.bytes(),
        thread.bytes(),
        &seq.to_be_bytes(),
    ])
}

/// Prefix of [`mention`].
pub(super) fn mentions(user: UserId, thread: ThreadId) -> [u8; 1 + ID + ID] {
    fixed(&[&[view::MENTION], user.bytes(), thread.bytes()])
}

/// views: thread | user | 0. The read mark stands before the delivered ones of the same user.
pub(super) fn read_mark(thread: ThreadId, user: UserId) -> [u8; 1 + ID + ID + 1] {
    fixed(&[&[view::MARK], thread.bytes(), user.bytes(), &[0]])
}

/// views: thread | user | 1 | session.
pub(super) fn delivered_mark(
    thread: ThreadId,
    user: UserId,
    session: SessionId,
) -> [u8; 1 + ID + ID + 1 + ID] {
    fixed(&[
        &[view::MARK],
        thread.bytes(),
        user.bytes(),
        &[1],
        session.bytes(),
    ])
}

/// Prefix of the marks of one user.
pub(super) fn marks_of(thread: ThreadId, user: UserId) -> [u8; 1 + ID + ID] {
    fixed(&[&[view::MARK], thread.bytes(), user.bytes()])
}

/// Prefix of the marks of everybody.
pub(super) fn marks(thread: ThreadId) -> [u8; 1 + ID] {
    fixed(&[&[view::MARK], thread.bytes()])
}

/// The user of a key of [`read_mark`] or [`delivered_mark`], and whether it is a delivered one.
pub(super) fn read_marks_key(key: &[u8]) -> Option<(UserId, bool)> {
    let (user, rest) = key.get(1 + ID..)?.split_first_chunk::<ID>()?;
    Some((UserId::from_bytes(*user), *rest.first()? == 1))
}

/// views: user | thread.
pub(super) fn user_thread(user: UserId, thread: ThreadId) -> [u8; 1 + ID + ID] {
    fixed(&[&[view::USER_THREAD], user.bytes(), thread.bytes()])
}

/// Prefix of [`user_thread`].
pub(super) fn user_threads(user: UserId) -> [u8; 1 + ID] {
    fixed(&[&[view::USER_THREAD], user.bytes()])
}

/// views: hash of the members | created_at, newest first | thread.
pub(super) fn participants(
    members: &[UserId],
    created_at: Timestamp,
    thread: ThreadId,
) -> [u8; 1 + ID + 8 + ID] {
    let newest_first = !ordered(created_at);
    fixed(&[
        &participants_of(members),
        &newest_first.to_be_bytes(),
        thread.bytes(),
    ])
}

/// Prefix of [`participants`]: half a SHA-256 of the sorted ids, which no two sets share.
pub(super) fn participants_of(members: &[UserId]) -> [u8; 1 + ID] {
    let mut hash = Sha256::new();
    for member in members {
        hash.update(member.bytes());
    }
    fixed(&[&[view::PARTICIPANTS], &hash.finalize()[..ID]])
}

/// Whether a key is one of [`participants`].
pub(super) fn is_participants(key: &[u8]) -> bool {
    key.len() == 1 + ID + 8 + ID && key[0] == view::PARTICIPANTS
}

/// people: user.
pub(super) fn user(id: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::USER], id.bytes()])
}

/// people: handle, also a prefix of handles.
pub(super) fn handle(handle: &str) -> Vec<u8> {
    [&[people::HANDLE], handle.as_bytes()].concat()
}

/// Of whom the row tells: the user or thread whose lists it may change. None for rows that are on no
/// list, and for entries, which come with a head.
pub(super) fn owner(table: Table, key: &[u8]) -> Option<&[u8; ID]> {
    use people::{CONTACT, ENDED, FORMER, SESSION, SESSION_LIST, USER};
    use view::{DELETION, MARK, MEMBER, MENTION, USER_THREAD};
    let (&kind, rest) = key.split_first()?;
    match (table, kind) {
        (Table::Heads, _) => key.first_chunk(),
        (Table::Views, DELETION | MARK | MEMBER | MENTION | USER_THREAD)
        | (Table::People, CONTACT | ENDED | FORMER | SESSION | SESSION_LIST | USER) => {
            rest.first_chunk()
        }
        (Table::Messages | Table::Views | Table::People, _) => None,
    }
}

/// Keys of handles above one.
pub(super) fn handles_above(after: &str) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let end = vec![people::HANDLE + 1];
    (Bound::Excluded(handle(after)), Bound::Excluded(end))
}

/// The handle of a key.
pub(super) fn read_handle(key: &[u8]) -> Option<String> {
    let (&table, handle) = key.split_first()?;
    let handle = std::str::from_utf8(handle).ok()?;
    (table == people::HANDLE).then(|| handle.to_owned())
}

/// people: word | 0 | user.
pub(super) fn name(word: &str, id: UserId) -> Vec<u8> {
    [&[people::NAME], word.as_bytes(), &[0], id.bytes()].concat()
}

/// Prefix of [`name`].
pub(super) fn names(prefix: &str) -> Vec<u8> {
    [&[people::NAME], prefix.as_bytes()].concat()
}

/// people: user.
pub(super) fn last_seen(id: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::LAST_SEEN], id.bytes()])
}

/// people: user | other, both ways.
pub(super) fn contact(user: UserId, other: UserId) -> [u8; 1 + ID + ID] {
    fixed(&[&[people::CONTACT], user.bytes(), other.bytes()])
}

/// Prefix of [`contact`].
pub(super) fn contacts(user: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::CONTACT], user.bytes()])
}

/// people: user | other, both ways: they were contacts.
pub(super) fn former(user: UserId, other: UserId) -> [u8; 1 + ID + ID] {
    fixed(&[&[people::FORMER], user.bytes(), other.bytes()])
}

/// Prefix of [`former`].
pub(super) fn formers(user: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::FORMER], user.bytes()])
}

/// people: from | to.
pub(super) fn asked(from: UserId, to: UserId) -> [u8; 1 + ID + ID] {
    fixed(&[&[people::ASKED], from.bytes(), to.bytes()])
}

/// Prefix of [`asked`].
pub(super) fn asked_from(from: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::ASKED], from.bytes()])
}

/// people: to | from, the same request found from the other side.
pub(super) fn asked_by(to: UserId, from: UserId) -> [u8; 1 + ID + ID] {
    fixed(&[&[people::ASKED_BY], to.bytes(), from.bytes()])
}

/// Prefix of [`asked_by`].
pub(super) fn asked_to(to: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::ASKED_BY], to.bytes()])
}

/// people: by | whom.
pub(super) fn block(by: UserId, whom: UserId) -> [u8; 1 + ID + ID] {
    fixed(&[&[people::BLOCK], by.bytes(), whom.bytes()])
}

/// Prefix of [`block`].
pub(super) fn blocks(by: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::BLOCK], by.bytes()])
}

/// people: user | session.
pub(super) fn session(user: UserId, session: SessionId) -> [u8; 1 + ID + ID] {
    fixed(&[&[people::SESSION], user.bytes(), session.bytes()])
}

/// Prefix of [`session`].
pub(super) fn sessions(user: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::SESSION], user.bytes()])
}

/// people: user | session, of a session that has ended.
pub(super) fn ended(user: UserId, session: SessionId) -> [u8; 1 + ID + ID] {
    fixed(&[&[people::ENDED], user.bytes(), session.bytes()])
}

/// Prefix of [`ended`].
pub(super) fn all_ended(user: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::ENDED], user.bytes()])
}

/// people: user; holds the version of the list.
pub(super) fn session_list(user: UserId) -> [u8; 1 + ID] {
    fixed(&[&[people::SESSION_LIST], user.bytes()])
}

/// people: hash of a token.
pub(super) fn token(hash: &[u8; 32]) -> [u8; 1 + 32] {
    fixed(&[&[people::TOKEN], hash])
}

/// people: forget_at | hash of a token: tokens in the order in which they are forgotten.
pub(super) fn forget(at: Timestamp, hash: &[u8; 32]) -> [u8; 1 + 8 + 32] {
    fixed(&[&[people::FORGET], &ordered(at).to_be_bytes(), hash])
}

/// The range of [`forget`] from the beginning up to and including `now`.
pub(super) fn forget_until(now: Timestamp) -> std::ops::RangeInclusive<[u8; 1 + 8 + 32]> {
    let first = fixed(&[&[people::FORGET], &[0; 8 + 32]]);
    let last = fixed(&[&[people::FORGET], &ordered(now).to_be_bytes(), &[255; 32]]);
    first..=last
}

/// The time and the token hash of a key of [`forget`].
pub(super) fn read_forget(key: &[u8]) -> Option<(Timestamp, [u8; 32])> {
    let (at, hash) = key.get(1..)?.split_first_chunk::<8>()?;
    let at = (u64::from_be_bytes(*at) ^ (1 << 63)).cast_signed();
    Some((Timestamp(at), hash.try_into().ok()?))
}

/// The id that begins after `at` bytes of a key.
pub(super) fn id_at(key: &[u8], at: usize) -> Option<[u8; ID]> {
    key.get(at..)?.first_chunk::<ID>().copied()
}

/// The last 16 bytes of a key, which are an id in every layout that ends in one.
pub(super) fn last_id(key: &[u8]) -> Option<[u8; ID]> {
    key.last_chunk::<ID>().copied()
}

/// The last 8 bytes of a key as a seq.
pub(super) fn last_seq(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|seq| u64::from_be_bytes(*seq))
}

/// Signed time as a number that sorts alike.
fn ordered(at: Timestamp) -> u64 {
    at.0.cast_unsigned() ^ (1 << 63)
}

fn fixed<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut key = [0; N];
    let mut at = 0;
    for part in parts {
        key[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    debug_assert_eq!(at, N, "a key layout has a wrong length");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_like_what_they_stand_for() {
        let thread = ThreadId::from_bytes([7; 16]);
        assert!(message(thread, 255) < message(thread, 256));
        let ann = UserId::from_bytes([1; 16]);
        assert!(
            participants(&[ann], Timestamp(2), thread) < participants(&[ann], Timestamp(1), thread)
        );
        assert!(forget(Timestamp(-1), &[9; 32]) < forget(Timestamp(0), &[0; 32]));
        assert!(forget_until(Timestamp(5)).contains(&forget(Timestamp(5), &[255; 32])));
        assert!(!forget_until(Timestamp(5)).contains(&forget(Timestamp(6), &[0; 32])));
    }

    #[test]
    fn keys_give_back_what_went_in() {
        let (thread, ann) = (ThreadId::from_bytes([7; 16]), UserId::from_bytes([1; 16]));
        assert_eq!(
            read_reaction(&reaction(thread, ann, 12, "👍")),
            Some((12, "👍".to_owned()))
        );
        let session = SessionId::from_bytes([3; 16]);
        assert_eq!(
            read_marks_key(&delivered_mark(thread, ann, session)),
            Some((ann, true))
        );
        assert_eq!(read_marks_key(&read_mark(thread, ann)), Some((ann, false)));
        assert_eq!(
            read_forget(&forget(Timestamp(-1), &[4; 32])),
            Some((Timestamp(-1), [4; 32]))
        );
    }
}
