//! Pushes of a schedule: in order, to members only, and none missing of what a node appended.

use super::history::History;
use super::world::{Life, PEOPLE, World};
use kith_protocol::ThreadId;
use kith_protocol::entry::Entry;
use kith_protocol::frame::{Incoming, ServerFrame};

pub(super) fn audit(world: &World, histories: &[History; 2]) {
    for life in &world.lives {
        for user in 0..PEOPLE {
            let (pushed, was_resynced) = pushed_to(life, user, world.threads);
            for (thread, history) in histories.iter().enumerate() {
                let pushed = pushed.iter().filter(|(of, _)| *of == thread);
                let pushed: Vec<&Entry> = pushed.map(|(_, entry)| entry).collect();
                let firsts = come_in_order(world, thread, history, life, user, &pushed);
                if !was_resynced {
                    are_complete(world, thread, history, life, user, &firsts);
                }
            }
        }
    }
}

/// Gives the seqs, each at its first time.
fn come_in_order(
    world: &World,
    thread: usize,
    history: &History,
    life: &Life,
    user: usize,
    pushed: &[&Entry],
) -> Vec<u64> {
    let id = world.users[user];
    let mut firsts: Vec<u64> = Vec::new();
    for entry in pushed {
        let (seq, at) = (entry.seq, entry.seq as usize - 1);
        let row = &history.log[at];
        assert_eq!((entry.kind, entry.author_id), (row.kind, row.author));
        assert!(
            history.was_open || history.members[at].contains(&id),
            "thread {thread}: person {user} was pushed entry {seq}, without being a member"
        );
        if !firsts.contains(&seq) {
            // A retry may bring an entry of another node late; one's own come in order.
            if life.published.contains(&(thread, seq)) {
                let own = firsts
                    .iter()
                    .filter(|seq| life.published.contains(&(thread, **seq)));
                assert!(
                    own.max() < Some(&seq),
                    "thread {thread}: entry {seq} came late"
                );
            }
            firsts.push(seq);
        }
    }
    firsts
}

/// Unless it was told to resync, a connection hears all that its node appends.
fn are_complete(
    world: &World,
    thread: usize,
    history: &History,
    life: &Life,
    user: usize,
    firsts: &[u64],
) {
    let id = world.users[user];
    let expected = life.published.iter().filter(|(of, seq)| {
        *of == thread
            && history.narrow.contains(seq)
            && history.members[*seq as usize - 1].contains(&id)
    });
    for (_, seq) in expected {
        assert!(
            firsts.contains(seq),
            "thread {thread}: person {user} was not pushed entry {seq}"
        );
    }
}

/// Entries that somebody was pushed by a node, with their threads; and whether some were dropped.
fn pushed_to(life: &Life, user: usize, threads: [ThreadId; 2]) -> (Vec<(usize, Entry)>, bool) {
    let (mut entries, mut was_resynced) = (Vec::new(), false);
    for frame in &life.written[user] {
        let frame = std::str::from_utf8(frame).unwrap();
        match Incoming::parse(frame).unwrap() {
            Incoming::Push(ServerFrame::Entries(pushed)) => {
                let thread = threads.iter().position(|id| *id == pushed.thread_id);
                let thread = thread.unwrap();
                entries.extend(pushed.entries.into_iter().map(|entry| (thread, entry)));
            }
            Incoming::Push(ServerFrame::Resync(_)) => was_resynced = true,
            _ => {}
        }
    }
    (entries, was_resynced)
}
