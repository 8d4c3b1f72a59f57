//! What can happen in a schedule. Everything is said in small numbers, so that things meet, and so that a
//! schedule that failed can be made shorter.

use super::gate::Fate;
use kith_protocol::thread::Role;
use proptest::prelude::*;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Somebody asks something of a thread, at one of the two nodes.
    Ask(Place, Wish),
    /// A client asks once more with the same client id, at any node, whatever became of it.
    Again { node: usize, which: usize },
    /// One of the calls that wait goes on.
    Turn { which: usize, fate: Fate },
    /// Somebody reads.
    Read { place: Place, seq: u64 },
    /// A device asks for the pushes of a large thread.
    Subscribe(Place),
    /// Somebody's connections write what waits for them.
    Drain { user: usize },
    /// One of the direct thread blocks the other, or no longer does.
    Block { by: usize, is_blocked: bool },
    /// The clock of one node goes on.
    Pass { node: usize, ms: u64 },
    /// A node dies and another one starts. True: the append that was under way was done.
    Restart { node: usize, is_done: bool },
}

/// Who acts where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) node: usize,
    /// 0: the group; 1: the direct thread.
    pub(super) thread: usize,
    pub(super) user: usize,
}

/// What is asked. A message is named by how far it lies back.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Create,
    Send { seen_back: u64 },
    Reply { back: u64 },
    Mention { user: usize },
    MentionAll,
    Edit { back: u64 },
    Delete { back: u64 },
    React { back: u64, emoji: usize, set: bool },
    Add { user: usize },
    Remove { user: usize },
    Leave,
    SetRole { user: usize, role: Role },
    Title { number: usize },
    Slow { slow_s: u32 },
    AdminsWrite(bool),
    OpenHistory(bool),
}

pub(super) fn schedule(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), steps)
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0..2_usize;
    prop_oneof![
        24 => (place(), wish()).prop_map(|(place, wish)| Step::Ask(place, wish)),
        5 => (node(), 0..8_usize).prop_map(|(node, which)| Step::Again { node, which }),
        30 => (0..4_usize, fate()).prop_map(|(which, fate)| Step::Turn { which, fate }),
        3 => (place(), 0..30_u64).prop_map(|(place, seq)| Step::Read { place, seq }),
        3 => place().prop_map(Step::Subscribe),
        2 => (0..4_usize).prop_map(|user| Step::Drain { user }),
        1 => (0..2_usize, any::<bool>())
            .prop_map(|(by, is_blocked)| Step::Block { by, is_blocked }),
        3 => (node(), prop_oneof![0..50_u64, Just(2_000)])
            .prop_map(|(node, ms)| Step::Pass { node, ms }),
        1 => (node(), any::<bool>())
            .prop_map(|(node, is_done)| Step::Restart { node, is_done }),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    let thread = prop_oneof![4 => Just(0_usize), 1 => Just(1)];
    (0..2_usize, thread, 0..4_usize).prop_map(|(node, thread, user)| Place { node, thread, user })
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        16 => Just(Fate::Goes),
        1 => Just(Fate::Fails),
        1 => any::<bool>().prop_map(Fate::Unknown),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    let (back, user) = (|| 0..6_u64, || 0..4_usize);
    let role = prop_oneof![
        Just(Role::Owner),
        Just(Role::Admin),
        Just(Role::Member),
        Just(Role::Muted)
    ];
    prop_oneof![
        1 => Just(Wish::Create),
        10 => back().prop_map(|seen_back| Wish::Send { seen_back }),
        2 => back().prop_map(|back| Wish::Reply { back }),
        2 => user().prop_map(|user| Wish::Mention { user }),
        1 => Just(Wish::MentionAll),
        3 => back().prop_map(|back| Wish::Edit { back }),
        3 => back().prop_map(|back| Wish::Delete { back }),
        5 => (back(), 0..2_usize, any::<bool>())
            .prop_map(|(back, emoji, set)| Wish::React { back, emoji, set }),
        5 => user().prop_map(|user| Wish::Add { user }),
        4 => user().prop_map(|user| Wish::Remove { user }),
        2 => Just(Wish::Leave),
        3 => (user(), role).prop_map(|(user, role)| Wish::SetRole { user, role }),
        1 => (0..2_usize).prop_map(|number| Wish::Title { number }),
        1 => (0..3_u32).prop_map(|slow_s| Wish::Slow { slow_s }),
        1 => any::<bool>().prop_map(Wish::AdminsWrite),
        1 => any::<bool>().prop_map(Wish::OpenHistory),
    ]
}
