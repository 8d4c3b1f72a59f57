//! After the play: everybody's lists, rows, receipts and cursors against the auditor's arithmetic.

use super::crowd::Crowd;
use super::drive::Played;
use super::reader::{Memory, PAGE_ENTRIES, text_hash};
use super::report::Counts;
use super::{Options, Synced, read_sync};
use crate::audit::{
    Broken, Findings, Held, PageSeen, ReceiptsSeen, RowSeen, Seen, Told, World, check_entry,
    check_held, check_receipts, check_row,
};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use futures_util::StreamExt;
use indicatif::ProgressBar;
use kith_client::Session;
use kith_protocol::entry::EntryKind;
use kith_protocol::{ThreadId, UserId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::cell::Cell;

/// A fault to plant into what was read: the audit must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Plant {
    /// An entry is left out.
    Hole,
    /// An entry comes twice.
    Double,
    /// Two entries change places.
    Swap,
    /// An unread count is one too high.
    Unread,
    /// Somebody gets an entry from a time outside the room.
    Leak,
}

/// Members whose lists are read at the same time.
const AT_ONCE: usize = 8;
/// Messages of each room whose receipts are asked for.
const RECEIPTS: usize = 20;

/// Audits all rooms.
pub(super) async fn check(
    crowd: &Crowd,
    rooms: &[Played],
    options: Options,
    bar: &ProgressBar,
) -> Result<(Findings, Counts)> {
    let worlds: Vec<World> = rooms.iter().map(|room| World::of(&room.journal)).collect();
    let by_id: FxHashMap<UserId, &Session> = crowd
        .sessions()
        .map(|session| (session.id(), session))
        .collect();
    let mut audit = Audit {
        findings: Findings::default(),
        counts: Counts::default(),
        plant: Cell::new(options.plant),
    };
    for (room, world) in rooms.iter().zip(&worlds) {
        let keeper = by_id[&room.journal.keeper];
        audit.log(keeper, room, world).await.context("the log")?;
        audit.receipts(keeper, room, world, options.seed).await?;
        for (&person, memory) in &room.memories {
            audit.memory(world, crowd.id(person), memory);
        }
        audit.lists(&by_id, room, world, bar).await?;
    }
    audit.inboxes(crowd, rooms, &worlds, bar).await?;
    audit.cursors(&by_id, rooms, &worlds).await?;
    Ok((audit.findings, audit.counts))
}

struct Audit {
    findings: Findings,
    counts: Counts,
    /// Taken by the first answer that it fits.
    plant: Cell<Option<Plant>>,
}

impl Audit {
    /// The keeper sees everything: pages from both ends are the same list, and that is what was
    /// acknowledged.
    async fn log(&mut self, keeper: &Session, room: &Played, world: &World) -> Result<()> {
        let thread = room.journal.thread;
        let mut lists = [Vec::new(), Vec::new()];
        for (list, forward) in lists.iter_mut().zip([true, false]) {
            pages(keeper, thread, forward, |entries| {
                list.extend(entries.iter().map(|entry| {
                    let same_people = match world.facts_of(entry.seq) {
                        Some(fact) => same_detail(fact, entry),
                        None => true,
                    };
                    (entry.seq, entry.identity(), same_people)
                }));
            })
            .await?;
        }
        lists[1].reverse();
        if lists[0] != lists[1] {
            let lengths = (lists[0].len(), lists[1].len());
            self.findings.add(Broken::Paging, || {
                format!("{}: lists from both ends differ: {lengths:?}", world.room())
            });
        }
        if lists[0].len() as u64 != world.last_seq() {
            let read = lists[0].len();
            self.findings.add(Broken::Entry, || {
                let written = world.last_seq();
                format!("{}: {read} entries, {written} acknowledged", world.room())
            });
        }
        for (seq, _, same) in &lists[0] {
            if !same {
                self.findings.add(Broken::Entry, || {
                    format!(
                        "{}: seq {seq} has other people or another emoji",
                        world.room()
                    )
                });
            }
        }
        Ok(())
    }

    async fn receipts(
        &mut self,
        keeper: &Session,
        room: &Played,
        world: &World,
        seed: u64,
    ) -> Result<()> {
        let mut rng = StdRng::seed_from_u64(seed ^ world.last_seq());
        for _ in 0..RECEIPTS {
            let seq = rng.random_range(1..=world.last_seq());
            if world.fact(seq).kind != EntryKind::Text || world.is_deleted(seq) {
                continue;
            }
            let path = format!("/v1/threads/{}/receipts?seq={seq}", room.journal.thread);
            let seen: ReceiptsSeen = get(keeper, &path).await?;
            check_receipts(world, seq, &seen, &mut self.findings);
        }
        Ok(())
    }

    /// What a live reader got: the right entries in the right order, with a text that they had at
    /// some time.
    fn memory(&mut self, world: &World, user: UserId, memory: &Memory) {
        check_held(world, user, &memory.held, &mut self.findings);
        for &(seq, hash) in &memory.texts {
            let had = |text: Option<&str>| text_hash(text) == hash;
            if !world.texts(seq).any(had) {
                self.findings.add(Broken::Overlay, || {
                    format!(
                        "{}: {user} was told a text that {seq} never had",
                        world.room()
                    )
                });
            }
        }
    }

    /// Every member's whole list, from one end or the other.
    async fn lists(
        &mut self,
        by_id: &FxHashMap<UserId, &Session>,
        room: &Played,
        world: &World,
        bar: &ProgressBar,
    ) -> Result<()> {
        let thread = room.journal.thread;
        let members = world.members();
        let plant = &self.plant;
        let lists = members.iter().enumerate().map(|(number, &user)| {
            let session = by_id[&user];
            async move {
                let found = list(session, thread, number % 2 == 0, world, plant).await;
                bar.inc(1);
                found.with_context(|| format!("{}: pages of {user}", world.room()))
            }
        });
        let mut lists = futures_util::stream::iter(lists).buffer_unordered(AT_ONCE);
        while let Some(found) = lists.next().await {
            let (findings, compared) = found?;
            self.findings.merge(findings);
            self.counts.compared += compared;
            self.counts.audited += 1;
        }
        Ok(())
    }

    /// Everybody's whole sync with its digest, and everybody's inbox.
    async fn inboxes(
        &mut self,
        crowd: &Crowd,
        rooms: &[Played],
        worlds: &[World],
        bar: &ProgressBar,
    ) -> Result<()> {
        let worlds: FxHashMap<ThreadId, &World> = rooms
            .iter()
            .zip(worlds)
            .map(|(room, world)| (room.journal.thread, world))
            .collect();
        let reads = crowd.sessions().map(|session| async {
            let synced = read_sync(session, Told::default()).await?;
            let inbox = inbox(session).await?;
            bar.inc(1);
            anyhow::Ok((session.id(), synced, inbox))
        });
        let mut reads = futures_util::stream::iter(reads).buffer_unordered(AT_ONCE);
        while let Some(read) = reads.next().await {
            let (user, synced, mut inbox) = read?;
            if let (Some(Plant::Unread), Some(row)) = (self.plant.get(), inbox.first_mut()) {
                row.mine.unread += 1;
                self.plant.set(None);
            }
            self.synced(user, &synced, &worlds);
            for row in synced.rows.iter().chain(&inbox) {
                if let Some(world) = worlds.get(&row.thread.id) {
                    check_row(world, user, world.last_seq(), row, &mut self.findings);
                    self.counts.rows += 1;
                }
            }
            if inbox.len() != synced.told.threads.len() {
                let (inbox, told) = (inbox.len(), synced.told.threads.len());
                self.findings.add(Broken::Row, || {
                    format!("{user}: {inbox} threads in the inbox, {told} told by sync")
                });
            }
        }
        Ok(())
    }

    fn synced(&mut self, user: UserId, synced: &Synced, worlds: &FxHashMap<ThreadId, &World>) {
        let digest = synced.told.digest();
        if synced.digest.as_ref() != Some(&digest) {
            self.findings.add(Broken::Digest, || {
                format!("{user}: digest is {:?}, rows have {digest}", synced.digest)
            });
        }
        for (thread, world) in worlds {
            let left = world.left(user, world.last_seq());
            let is_in = left.is_none() && !world.visible(user, world.last_seq()).is_empty();
            if is_in != synced.told.threads.contains_key(thread) {
                self.findings.add(Broken::Sync, || {
                    format!(
                        "{}: {user}: member: {is_in}, sync says otherwise",
                        world.room()
                    )
                });
            }
            if let (Some(left), Some(told)) = (left, synced.told.gone.get(thread))
                && left != *told
            {
                self.findings.add(Broken::Sync, || {
                    format!("{}: {user}: left at {left}, told {told}", world.room())
                });
            }
        }
    }

    /// From every cursor that was kept, sync leads to what it tells without one.
    async fn cursors(
        &mut self,
        by_id: &FxHashMap<UserId, &Session>,
        rooms: &[Played],
        worlds: &[World],
    ) -> Result<()> {
        for (room, world) in rooms.iter().zip(worlds) {
            for kept in &room.journal.kept {
                let session = by_id[&kept.user];
                if let Some(row) = &kept.row {
                    check_row(world, kept.user, kept.after, row, &mut self.findings);
                    self.counts.rows += 1;
                } else {
                    self.findings.add(Broken::Sync, || {
                        format!("{}: {} at {}: no row", world.room(), kept.user, kept.after)
                    });
                }
                let now = read_sync(session, Told::default()).await?.told;
                let told = read_sync(session, kept.told.clone()).await?.told;
                if told.threads != now.threads {
                    self.findings.add(Broken::Sync, || {
                        let (room, user, after) = (world.room(), kept.user, kept.after);
                        format!("{room}: {user}: the cursor kept at {after} did not tell all")
                    });
                }
            }
        }
        Ok(())
    }
}

/// Reads a member's whole list and compares it.
pub(crate) async fn list(
    session: &Session,
    thread: ThreadId,
    forward: bool,
    world: &World,
    plant: &Cell<Option<Plant>>,
) -> Result<(Findings, u64)> {
    let (user, mut findings) = (session.id(), Findings::default());
    let mut got: Vec<(u64, u64)> = Vec::new();
    pages(session, thread, forward, |entries| {
        for entry in entries {
            check_entry(world, user, entry, &mut findings);
            got.push((entry.seq, entry.identity()));
        }
    })
    .await?;
    if !forward {
        got.reverse();
    }
    if plant
        .get()
        .is_some_and(|fault| spoil(fault, &mut got, world))
    {
        plant.set(None);
    }
    let mut held = Held::default();
    for &(seq, identity) in &got {
        held.take(seq, identity);
    }
    check_held(world, user, &held, &mut findings);
    Ok((findings, got.len() as u64))
}

/// Plants a fault into a list; false if it does not fit there.
fn spoil(fault: Plant, got: &mut Vec<(u64, u64)>, world: &World) -> bool {
    let middle = got.len() / 2;
    let has = |seq: u64| got.iter().any(|&(other, _)| other == seq);
    let outside = (1..=world.last_seq()).find(|&seq| !has(seq));
    match (fault, outside) {
        (Plant::Unread, _) | (Plant::Leak, None) => return false,
        _ if got.len() < 2 => return false,
        (Plant::Hole, _) => drop(got.remove(middle)),
        (Plant::Double, _) => got.insert(middle, got[middle]),
        (Plant::Swap, _) => got.swap(middle, middle - 1),
        (Plant::Leak, Some(seq)) => {
            got.push((seq, world.identity(seq)));
            got.sort_unstable();
        }
    }
    true
}

/// Reads all pages from one end; backwards, entries come in descending order.
pub(crate) async fn pages(
    session: &Session,
    thread: ThreadId,
    forward: bool,
    mut each: impl FnMut(&[Seen<'_>]),
) -> Result<()> {
    let mut at = 0;
    loop {
        let place = match (forward, at) {
            (true, _) => format!("after={at}&"),
            (false, 0) => String::new(),
            (false, _) => format!("before={at}&"),
        };
        let path = format!("/v1/threads/{thread}/messages?{place}limit={PAGE_ENTRIES}");
        let answer = session.raw("GET", &path, &[], "").await?;
        ensure!(
            answer.status == 200,
            "{path}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        let mut page: PageSeen<'_> = serde_json::from_slice(&answer.body)?;
        let ends = page.items.first().zip(page.items.last());
        let Some((first, last)) = ends.map(|(first, last)| (first.seq, last.seq)) else {
            return Ok(());
        };
        let more = if forward {
            page.has_more_after
        } else {
            page.has_more_before
        };
        if !forward {
            page.items.reverse();
        }
        each(&page.items);
        let next = if forward { last } else { first };
        ensure!(next != at, "{path}: a page that leads nowhere");
        at = next;
        if !more {
            return Ok(());
        }
    }
}

pub(crate) async fn inbox(session: &Session) -> Result<Vec<RowSeen>> {
    #[derive(Deserialize)]
    struct Page {
        items: Vec<RowSeen>,
        next: Option<String>,
    }
    let mut rows = Vec::new();
    let mut path = "/v1/threads?limit=100".to_owned();
    loop {
        let page: Page = get(session, &path).await?;
        rows.extend(page.items);
        match page.next {
            Some(next) => path = format!("/v1/threads?limit=100&cursor={next}"),
            None => return Ok(rows),
        }
    }
}

pub(crate) async fn get<T: for<'de> Deserialize<'de>>(session: &Session, path: &str) -> Result<T> {
    let answer = session.raw("GET", path, &[], "").await?;
    let body = String::from_utf8_lossy(&answer.body);
    ensure!(answer.status == 200, "{path}: {body}");
    serde_json::from_str(&body).with_context(|| path.to_owned())
}

fn same_detail(fact: &crate::audit::Fact, entry: &Seen<'_>) -> bool {
    let sorted = |users: &[UserId]| {
        let mut users = users.to_vec();
        users.sort_unstable();
        users
    };
    let names_people = matches!(
        fact.kind,
        EntryKind::MemberAdded | EntryKind::MemberRemoved | EntryKind::MemberLeft
    );
    fact.emoji.as_deref() == entry.emoji.as_deref()
        && (!names_people || sorted(&fact.users) == sorted(&entry.user_ids))
}
