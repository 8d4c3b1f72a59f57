//! What can happen. What exactly it is (who, where, by which door) is drawn from the event's own luck, so
//! that a run that failed can lose other events and stay what it is.

use proptest::prelude::*;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) what: What,
    pub(super) luck: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// With mentions or without, with a fresh head or an old one.
    Send,
    Reply,
    NameEverybody,
    /// The same again, over any door, from any device, whatever became of membership.
    Retry,
    /// The answer never arrives; the client asks again elsewhere.
    LoseTheAnswer,
    Edit,
    Delete,
    React,
    /// Several at the same moment, some of them twice.
    Burst,
    /// Somebody writes while being removed.
    WriteWhileRemoved,
    /// One edits while another deletes.
    EditWhileDeleted,
    /// Two owners remove each other.
    RemoveEachOther,
    Read,
    ReadOnBoth,
    Deliver,
    Add,
    Remove,
    Leave,
    SetRole,
    Title,
    SlowMode,
    AdminsWrite,
    MakeAgain,
    Block,
    Unblock,
    Pin,
    Archive,
    MuteNotifications,
    MarkUnread,
    Draft,
    /// With the version of an earlier one.
    StaleDraft,
    /// One device signs the other out.
    Revoke,
    /// A socket is cut, and opened again later.
    CutSocket,
    /// A client that kept an old cursor.
    OldCursor,
    /// An hour goes by.
    Wait,
    Restart,
}

use What::*;

/// How often each happens, of 100 or so.
const WEIGHTS: [(u32, What); 36] = [
    (18, Send),
    (4, Reply),
    (2, NameEverybody),
    (8, Retry),
    (3, LoseTheAnswer),
    (7, Edit),
    (4, Delete),
    (9, React),
    (4, Burst),
    (3, WriteWhileRemoved),
    (2, EditWhileDeleted),
    (1, RemoveEachOther),
    (6, Read),
    (2, ReadOnBoth),
    (4, Deliver),
    (6, Add),
    (3, Remove),
    (3, Leave),
    (4, SetRole),
    (2, Title),
    (2, SlowMode),
    (1, AdminsWrite),
    (1, MakeAgain),
    (2, Block),
    (2, Unblock),
    (1, Pin),
    (2, Archive),
    (1, MuteNotifications),
    (2, MarkUnread),
    (2, Draft),
    (1, StaleDraft),
    (2, Revoke),
    (2, CutSocket),
    (2, OldCursor),
    (2, Wait),
    (1, Restart),
];

pub(super) fn events(count: usize) -> impl Strategy<Value = Vec<Event>> {
    let what = WEIGHTS.map(|(weight, what)| (weight, Just(what).boxed()));
    let what = proptest::strategy::Union::new_weighted(what.to_vec());
    let event = (what, any::<u64>()).prop_map(|(what, luck)| Event { what, luck });
    prop::collection::vec(event, count / 2..=count)
}
