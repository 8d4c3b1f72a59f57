//! After the last start: everything that the server says about every room and every person, against the
//! record.

use super::person::Person;
use super::reader::Reader;
use super::record::{Deed, Entry, Outcome, What};
use super::stage::Stage;
use super::verdict::{Line, verdict};
use super::wrong::{Faults, Wrong};
use crate::audit::{
    Findings, Journal, ReceiptsSeen, RowSeen, Told, World, check_held, check_receipts, check_row,
};
use crate::replay::check::{get, inbox, list, pages};
use crate::replay::read_sync;
use anyhow::{Context, Result};
use clap::ValueEnum;
use futures_util::StreamExt;
use kith_client::{Session, new_msg_id};
use kith_protocol::entry::EntryKind;
use kith_protocol::{ThreadId, UserId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Lists that are read at the same time.
const AT_ONCE: usize = 8;
/// Messages of each room whose receipts are asked for.
const RECEIPTS: usize = 20;

/// A fault planted into what was recorded or read back: the audit must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Plant {
    /// A message was acknowledged that is not there.
    Lost,
    /// A message is there twice.
    Doubled,
    /// Two messages stand in each other's place.
    Reordered,
    /// An entry is missing in the middle.
    Gapped,
    /// A message is there that nobody wrote.
    Phantom,
    /// A text is another one.
    Altered,
    /// An unread count is one too high.
    Unread,
    /// Nobody has read a message, by its receipts.
    Receipt,
    /// A read mark is lower than it was.
    Mark,
    /// A draft is another one.
    Draft,
    /// A contact is gone.
    Contact,
    /// A session that lives should have ended.
    Session,
}

impl Plant {
    /// Under which name it must be found.
    pub fn wrong(self) -> Wrong {
        match self {
            Self::Lost => Wrong::Lost,
            Self::Doubled => Wrong::Doubled,
            Self::Reordered => Wrong::Reordered,
            Self::Gapped => Wrong::Gapped,
            Self::Phantom => Wrong::Phantom,
            Self::Altered => Wrong::Altered,
            Self::Unread => Wrong::Unread,
            Self::Receipt => Wrong::Receipt,
            Self::Mark => Wrong::Mark,
            Self::Draft => Wrong::Draft,
            Self::Contact => Wrong::Contact,
            Self::Session => Wrong::Session,
        }
    }
}

/// Who was on stage, when all is quiet.
pub(super) struct Company {
    pub(super) people: Vec<Person>,
    pub(super) readers: Vec<Reader>,
}

/// Examines everything, with one fault planted if asked for.
pub(super) async fn examine(
    stage: &Stage,
    company: &Company,
    seed: u64,
    plant: Option<Plant>,
) -> Result<Faults> {
    let mut examiner = Examiner {
        stage,
        sessions: stage.cast.sessions(),
        faults: Faults::default(),
        plant: Cell::new(plant),
        worlds: BTreeMap::new(),
        uncertain: BTreeSet::new(),
    };
    for room in 0..stage.cast.rooms.len() {
        examiner.room(room, seed).await?;
    }
    examiner.readers(&company.readers).await?;
    examiner.rows().await?;
    let mut faults = examiner.faults;
    let before = stage.faults();
    for person in &company.people {
        let spoilt = plant.map(Plant::wrong);
        person.own.check(stage, spoilt).await?;
    }
    let mut after = stage.faults();
    if plant.is_some() {
        after = after.since(&before);
    }
    faults.merge(after);
    Ok(faults)
}

struct Examiner<'a> {
    stage: &'a Stage,
    sessions: BTreeMap<UserId, &'a Session>,
    faults: Faults,
    /// Taken by the first place that it fits.
    plant: Cell<Option<Plant>>,
    worlds: BTreeMap<ThreadId, World>,
    /// Whose marks in which room are not certain.
    uncertain: BTreeSet<(ThreadId, UserId)>,
}

impl Examiner<'_> {
    /// The log, the lists of all members, and receipts.
    async fn room(&mut self, number: usize, seed: u64) -> Result<()> {
        let room = &self.stage.cast.rooms[number];
        let keeper = &self.stage.cast.writers[room.keeper];
        let mut lines = Vec::new();
        pages(keeper, room.thread, true, |entries| {
            lines.extend(entries.iter().map(Line::of));
        })
        .await
        .with_context(|| room.name.clone())?;
        let mut deeds = self.stage.record.deeds(number);
        self.spoil(&mut lines, &mut deeds, keeper.id());
        let found = verdict(room, keeper.id(), &lines, &deeds, &mut self.faults);
        let uncertain = found.uncertain.into_iter().map(|user| (room.thread, user));
        self.uncertain.extend(uncertain);
        let world = World::of(&found.journal);
        self.lists(&found.journal, &world).await?;
        self.receipts(keeper, &world, room.thread, seed).await?;
        self.worlds.insert(room.thread, world);
        Ok(())
    }

    /// Every member's whole list, from one end or the other.
    async fn lists(&mut self, journal: &Journal, world: &World) -> Result<()> {
        let (sessions, thread) = (&self.sessions, journal.thread);
        let members = world.members();
        let lists = members.iter().enumerate().map(|(number, user)| async move {
            let Some(session) = sessions.get(user) else {
                anyhow::bail!("{user} is a member and nobody of ours");
            };
            list(session, thread, number % 2 == 0, world, &Cell::new(None)).await
        });
        let mut lists = futures_util::stream::iter(lists).buffer_unordered(AT_ONCE);
        while let Some(found) = lists.next().await {
            self.faults.take(&found?.0);
        }
        Ok(())
    }

    async fn receipts(
        &mut self,
        keeper: &Session,
        world: &World,
        thread: ThreadId,
        seed: u64,
    ) -> Result<()> {
        let mut rng = StdRng::seed_from_u64(seed ^ world.last_seq());
        let mut findings = Findings::default();
        for _ in 0..RECEIPTS {
            let seq = rng.random_range(1..=world.last_seq());
            if world.fact(seq).kind != EntryKind::Text || world.is_deleted(seq) {
                continue;
            }
            let is_uncertain = self.uncertain.iter().any(|(room, _)| *room == thread);
            if is_uncertain {
                continue;
            }
            let path = format!("/v1/threads/{thread}/receipts?seq={seq}");
            let mut seen: ReceiptsSeen = get(keeper, &path).await?;
            if self.takes(Plant::Receipt) {
                seen.counts.read += 1;
            }
            check_receipts(world, seq, &seen, &mut findings);
        }
        self.faults.take(&findings);
        Ok(())
    }

    /// What readers were shown on the way, and what the one who polls was told.
    async fn readers(&mut self, readers: &[Reader]) -> Result<()> {
        for reader in readers {
            let user = reader.session.id();
            for (thread, memory) in &reader.memories {
                let mut findings = Findings::default();
                if let Some(world) = self.worlds.get(thread) {
                    check_held(world, user, &memory.held, &mut findings);
                }
                self.faults.take(&findings);
            }
        }
        for poller in readers.iter().filter(|reader| reader.polls) {
            let from_cursor = read_sync(&poller.session, poller.told.clone()).await?.told;
            let anew = read_sync(&poller.session, Told::default()).await?.told;
            if from_cursor.threads != anew.threads {
                self.faults.add(Wrong::Sync, || {
                    "a cursor that went through all kills did not tell all".to_owned()
                });
            }
        }
        Ok(())
    }

    /// Everybody's rows, by sync and by the inbox.
    async fn rows(&mut self) -> Result<()> {
        for (user, session) in self.sessions.clone() {
            let synced = read_sync(session, Told::default()).await?;
            let digest = synced.told.digest();
            if synced.digest.as_ref() != Some(&digest) {
                self.faults.add(Wrong::Sync, || {
                    format!("{user}: digest is {:?}, rows have {digest}", synced.digest)
                });
            }
            let mut rows = synced.rows;
            rows.extend(inbox(session).await?);
            for mut row in rows {
                self.row(user, &mut row);
            }
        }
        Ok(())
    }

    fn row(&mut self, user: UserId, row: &mut RowSeen) {
        let thread = row.thread.id;
        let Some(world) = self.worlds.get(&thread) else {
            self.faults
                .add(Wrong::Phantom, || format!("{user}: nobody made {thread}"));
            return;
        };
        let due = world.expected(user, world.last_seq());
        let mine = &mut row.mine;
        // Delivered marks are stored every few seconds: a kill may take the last ones back, of those
        // who cannot set them anew.
        let may_be = due.left_seq.is_some() && mine.delivered_seq >= mine.read_seq;
        if may_be && mine.delivered_seq <= due.delivered_seq {
            mine.delivered_seq = due.delivered_seq;
        }
        if self.uncertain.contains(&(thread, user)) {
            mine.read_seq = due.read_seq;
            mine.delivered_seq = due.delivered_seq;
            (mine.unread, mine.mentions) = (due.unread, due.mentions);
        }
        if mine.read_seq > 1 && taken(&self.plant, Plant::Mark) {
            mine.read_seq -= 1;
        }
        if taken(&self.plant, Plant::Unread) {
            mine.unread += 1;
        }
        let mut findings = Findings::default();
        check_row(world, user, world.last_seq(), row, &mut findings);
        self.faults.take(&findings);
    }

    fn takes(&self, plant: Plant) -> bool {
        taken(&self.plant, plant)
    }

    /// Plants a fault into the log or the record.
    fn spoil(&self, lines: &mut Vec<Line>, deeds: &mut Vec<Deed>, keeper: UserId) {
        let mut messages: Vec<usize> = (0..lines.len())
            .filter(|&at| lines[at].id.is_some())
            .collect();
        messages.truncate(4);
        let [first, .., last] = messages[..] else {
            return;
        };
        if self.takes(Plant::Lost) {
            deeds.push(invented(keeper, lines.len() as u64 + 1));
        }
        if self.takes(Plant::Doubled) {
            lines[last].id = lines[first].id;
        }
        if self.takes(Plant::Reordered) {
            lines.swap(first, last);
            let seq = lines[first].seq;
            lines[first].seq = lines[last].seq;
            lines[last].seq = seq;
        }
        if self.takes(Plant::Gapped) {
            lines.remove(first);
        }
        if self.takes(Plant::Phantom) {
            lines[first].id = Some(new_msg_id());
        }
        if self.takes(Plant::Altered) {
            for deed in deeds.iter_mut() {
                if let What::Entry(entry) = &mut deed.what {
                    entry.text = entry.text.as_ref().map(|text| format!("{text}!"));
                }
            }
        }
    }
}

fn taken(cell: &Cell<Option<Plant>>, plant: Plant) -> bool {
    let is_it = cell.get() == Some(plant);
    if is_it {
        cell.set(None);
    }
    is_it
}

/// A message that was acknowledged and never written.
fn invented(by: UserId, seq: u64) -> Deed {
    Deed {
        by,
        what: What::Entry(Entry {
            kind: EntryKind::Text,
            id: new_msg_id(),
            target: None,
            text: Some("invented".to_owned()),
            mentions: Vec::new(),
            seen_head: 0,
        }),
        began: u64::MAX - 1,
        ended: u64::MAX,
        outcome: Outcome::Done(Some(seq)),
    }
}
