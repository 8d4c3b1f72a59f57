//! Somebody who writes: draws what to do, does it over HTTP or over a socket until it is answered, and
//! keeps the record. One thing at a time, so that what belongs to one person has an order.

use super::ask::{Added, Ask, Door};
use super::call::{AGAIN_AFTER, Answered, PATIENCE, surely, until_answered};
use super::own::Own;
use super::place::Place;
use super::record::{Entry, Outcome, What};
use super::stage::Stage;
use super::wrong::Wrong;
use anyhow::{Result, ensure};
use kith_client::{Answer, ClientError, Socket, new_msg_id};
use kith_protocol::entry::{DeleteMessage, EditMessage, EntryKind, PageQuery, SendMessage};
use kith_protocol::error::Retry;
use kith_protocol::frame::{ClientFrame, Send};
use kith_protocol::{ErrorCode, Problem, ThreadId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// Emoji that people react with.
const EMOJI: [&str; 4] = ["👍", "❤", "😂", "🎉"];
/// Messages sent at once over a socket.
const BURST_MAX: usize = 16;
/// Messages of others that are remembered to react to.
const TARGETS_MAX: usize = 30;
/// A long text, now and then: it fills memtables, so that they are written out.
const LONG_TEXT_BYTES: usize = 30_000;

/// A writer at work.
pub(super) struct Person {
    stage: Arc<Stage>,
    door: Door,
    name: String,
    rng: StdRng,
    places: Vec<Place>,
    life: u64,
    said: u64,
    /// What is private.
    pub(super) own: Own,
}

impl Person {
    /// The writer with this number.
    pub(super) fn new(stage: Arc<Stage>, number: usize, seed: u64) -> Self {
        let session = stage.cast.writers[number].clone();
        let friend = stage.cast.friends[number].clone();
        let rooms = stage.cast.rooms.iter().enumerate();
        let places = rooms
            .filter(|(_, room)| room.writers.contains(&number))
            .map(|(index, room)| {
                let guests = room
                    .writers
                    .iter()
                    .filter(|_| room.is_group && room.keeper == number);
                let guests = guests.filter(|&&guest| guest != number);
                let id = |&guest: &usize| (stage.cast.writers[guest].id(), true);
                Place::new(index, room.thread, guests.map(id).collect())
            })
            .collect();
        Self {
            door: Door::new(session.clone()),
            name: session.user.handle.clone(),
            own: Own::of(session, friend),
            rng: StdRng::seed_from_u64(seed ^ (number as u64) << 40),
            places,
            life: 0,
            said: 0,
            stage,
        }
    }

    /// Works until the round is over.
    pub(super) async fn run(mut self) -> Result<Self> {
        while !self.stage.is_over() {
            if self.life != self.stage.life() {
                self.life = self.stage.life();
                let stage = self.stage.clone();
                self.own.check(&stage, None).await?;
            }
            self.act().await?;
        }
        Ok(self)
    }

    /// All marks are set to the last entry of every room: nothing is uncertain about them then.
    pub(super) async fn catch_up(&mut self) -> Result<()> {
        for at in 0..self.places.len() {
            self.look(at).await?;
            let seq = self.places[at].seen;
            self.mark(at, seq, false).await?;
        }
        Ok(())
    }

    async fn act(&mut self) -> Result<()> {
        let at = self.rng.random_range(0..self.places.len());
        let stage = self.stage.clone();
        match self.rng.random_range(0..100) {
            0..25 => self.say(at).await,
            25..45 => self.burst(at).await,
            45..53 => self.edit(at).await,
            53..60 => self.delete(at).await,
            60..72 => self.react(at).await,
            72..80 => self.read(at).await,
            80..83 => {
                let seq = self.places[at].seen;
                self.mark(at, seq, false).await
            }
            83..89 => self.look(at).await,
            89..92 => self.change_members(at).await,
            92..95 => {
                let (thread, text) = (self.places[at].thread, format!("draft {}", self.said));
                self.own.write_draft(&stage, thread, text).await
            }
            95..97 => self.own.change_contact().await,
            _ => self.own.change_devices(&stage).await,
        }
    }

    fn text(&mut self) -> String {
        self.said += 1;
        let text = format!("{} says {}", self.name, self.said);
        match self.rng.random_range(0..50) {
            0 => format!("{text} {}", "long ".repeat(LONG_TEXT_BYTES / 5)),
            _ => text,
        }
    }

    /// A message, with one of the heads that a client may have seen.
    fn message(&mut self, at: usize) -> SendMessage {
        let seen_head = match self.rng.random_range(0..4) {
            0 => 0,
            1 => self.places[at].last_own,
            _ => self.places[at].seen,
        };
        let mut message = SendMessage::text(new_msg_id(), seen_head, self.text());
        if self.rng.random_ratio(1, 10) {
            let keeper = self.stage.cast.rooms[self.places[at].room].keeper;
            message.mentions = vec![self.stage.cast.writers[keeper].id()];
        }
        message
    }

    async fn say(&mut self, at: usize) -> Result<()> {
        let message = self.message(at);
        let entry = entry_of(&message);
        self.append(at, entry, Ask::Send(message)).await
    }

    async fn edit(&mut self, at: usize) -> Result<()> {
        let Some((_, seq)) = self.own_message(at) else {
            return Ok(());
        };
        let edit = EditMessage {
            client_msg_id: new_msg_id(),
            seen_head: self.places[at].seen,
            text: self.text(),
        };
        let entry = Entry {
            kind: EntryKind::Edit,
            id: edit.client_msg_id,
            target: Some(seq),
            text: Some(edit.text.clone()),
            mentions: Vec::new(),
            seen_head: edit.seen_head,
        };
        self.append(at, entry, Ask::Edit(seq, edit)).await
    }

    async fn delete(&mut self, at: usize) -> Result<()> {
        let Some((index, seq)) = self.own_message(at) else {
            return Ok(());
        };
        self.places[at].messages.swap_remove(index);
        let delete = DeleteMessage {
            client_msg_id: new_msg_id(),
            seen_head: self.places[at].seen,
        };
        let entry = Entry {
            kind: EntryKind::Delete,
            id: delete.client_msg_id,
            target: Some(seq),
            text: None,
            mentions: Vec::new(),
            seen_head: delete.seen_head,
        };
        self.append(at, entry, Ask::Delete(seq, delete)).await
    }

    /// Everything that has an id: what is refused for good was never carried out, whatever happened to
    /// earlier attempts, since the server looks for the id first.
    async fn append(&mut self, at: usize, entry: Entry, ask: Ask) -> Result<()> {
        let (answered, began) = self.ask(at, &ask).await?;
        let outcome = match answered {
            Answered::Yes(seq) => Outcome::Done(seq),
            Answered::No { problem, .. } => self.refused(&problem),
        };
        self.keep_entry(at, entry, began, outcome);
        Ok(())
    }

    /// Only who is out is refused: anything else means that something is not there that was.
    fn refused(&self, problem: &Problem) -> Outcome {
        if problem.code != ErrorCode::NotAMember {
            self.stage
                .wrong(Wrong::Lost, || format!("{}: refused: {problem}", self.name));
        }
        Outcome::Refused
    }

    fn keep_entry(&mut self, at: usize, entry: Entry, began: u64, outcome: Outcome) {
        let place = &mut self.places[at];
        place.is_out = outcome == Outcome::Refused;
        if let Outcome::Done(Some(seq)) = outcome {
            place.last_own = place.last_own.max(seq);
            place.seen = place.seen.max(seq);
            if entry.kind == EntryKind::Text {
                place.messages.push(seq);
            }
        }
        let (room, by) = (place.room, self.door.session.id());
        self.stage
            .record
            .keep(room, by, What::Entry(entry), began, outcome);
    }

    /// Many messages at once over one socket; those without an answer are sent again, in their order.
    async fn burst(&mut self, at: usize) -> Result<()> {
        let count = self.rng.random_range(2..=BURST_MAX);
        let thread = self.places[at].thread;
        let mut waiting: VecDeque<(SendMessage, u64)> = (0..count)
            .map(|_| (self.message(at), self.stage.record.moment()))
            .collect();
        let began = Instant::now();
        while !waiting.is_empty() {
            ensure!(
                began.elapsed() < PATIENCE,
                "{} sends without an answer",
                waiting.len()
            );
            let socket = match self.door.socket(&self.stage).await {
                Ok(socket) => socket,
                Err(error) if error.may_retry() => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let answers = sent_at_once(socket, thread, &waiting).await;
            let mut is_cut = answers.is_empty();
            for answer in answers {
                let outcome = match answer {
                    Ok(answer) => Outcome::Done(Some(answer.read::<Added>()?.seq)),
                    Err(ClientError::Refused(problem)) if problem.retry != Retry::Later => {
                        self.refused(&problem)
                    }
                    Err(error) if error.may_retry() => {
                        is_cut = true;
                        break;
                    }
                    Err(error) => return Err(error.into()),
                };
                if let Some((message, began)) = waiting.pop_front() {
                    self.keep_entry(at, entry_of(&message), began, outcome);
                }
            }
            if is_cut {
                // A new connection: the server keeps the order of each by itself.
                self.door.hang_up();
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
        Ok(())
    }

    async fn react(&mut self, at: usize) -> Result<()> {
        let place = &self.places[at];
        let on = place.reactions.is_empty() || self.rng.random_ratio(2, 3);
        let (target, emoji) = if on {
            let Some(&target) = pick(&mut self.rng, place.targets.len(), |n| &place.targets[n])
            else {
                return Ok(());
            };
            (target, EMOJI[self.rng.random_range(0..EMOJI.len())])
        } else {
            let index = self.rng.random_range(0..place.reactions.len());
            let Some(&it) = place.reactions.iter().nth(index) else {
                return Ok(());
            };
            it
        };
        let is_on = place.reactions.contains(&(target, emoji));
        if is_on == on || place.unsure.contains(&target) {
            return Ok(());
        }
        let (answered, began) = self.ask(at, &Ask::React(target, emoji, on)).await?;
        let place = &mut self.places[at];
        let outcome = match answered {
            Answered::Yes(_) if on => {
                place.reactions.insert((target, emoji));
                Outcome::Done(None)
            }
            Answered::Yes(_) => {
                place.reactions.remove(&(target, emoji));
                Outcome::Done(None)
            }
            Answered::No { unsure, .. } => {
                // Deleted meanwhile, or out: it is left alone from now on.
                place.unsure.insert(target);
                place.reactions.retain(|(seq, _)| *seq != target);
                if unsure {
                    Outcome::Unsure
                } else {
                    Outcome::Refused
                }
            }
        };
        let kind = if on {
            EntryKind::React
        } else {
            EntryKind::Unreact
        };
        let what = What::Toggle {
            kind,
            target,
            emoji,
        };
        self.keep(at, what, began, outcome);
        Ok(())
    }

    async fn read(&mut self, at: usize) -> Result<()> {
        let place = &self.places[at];
        let from = self.own.read.get(&place.thread).copied().unwrap_or(0);
        if place.seen == 0 || from >= place.seen {
            return Ok(());
        }
        let seq = self.rng.random_range(from + 1..=place.seen);
        self.mark(at, seq, true).await
    }

    async fn mark(&mut self, at: usize, seq: u64, read: bool) -> Result<()> {
        if seq == 0 {
            return Ok(());
        }
        let ask = if read {
            Ask::Read(seq)
        } else {
            Ask::Delivered(seq)
        };
        let (answered, began) = self.ask(at, &ask).await?;
        let place = &mut self.places[at];
        let outcome = match answered {
            Answered::Yes(_) => {
                if read {
                    self.own.read.insert(place.thread, seq);
                }
                Outcome::Done(None)
            }
            Answered::No { problem, unsure } => {
                place.is_out = true;
                match self.refused(&problem) {
                    _ if unsure => Outcome::Unsure,
                    outcome => outcome,
                }
            }
        };
        let after = self.places[at].last_own.max(seq);
        self.keep(at, What::Mark { seq, read, after }, began, outcome);
        Ok(())
    }

    /// Reads the newest page: what there is to react to, and how far one has seen.
    async fn look(&mut self, at: usize) -> Result<()> {
        let (thread, me) = (self.places[at].thread, self.door.session.id());
        let session = &self.door.session;
        let query = PageQuery {
            limit: Some(20),
            ..PageQuery::default()
        };
        let page = surely("a page", async || session.page(thread, query.clone()).await).await?;
        let place = &mut self.places[at];
        let last = page.items.last().map_or(0, |entry| entry.seq);
        if last < place.seen && !place.is_out {
            // Whoever is out sees no further than to the end of the stay.
            let (name, seen) = (&self.name, place.seen);
            let is_there = page.as_of_seq >= seen;
            if !is_there {
                let as_of = page.as_of_seq;
                self.stage.wrong(Wrong::Lost, || {
                    format!("{name}: {thread}: ends at {as_of}, {seen} was seen")
                });
            }
        }
        place.seen = place.seen.max(last);
        for entry in &page.items {
            let is_message = entry.kind == EntryKind::Text && entry.deleted_seq.is_none();
            if is_message && entry.author_id != me && !place.targets.contains(&entry.seq) {
                place.targets.push_back(entry.seq);
            }
        }
        let surplus = place.targets.len().saturating_sub(TARGETS_MAX);
        place.targets.drain(..surplus);
        Ok(())
    }

    /// The keeper of a group removes somebody, or takes somebody in again.
    async fn change_members(&mut self, at: usize) -> Result<()> {
        let guests = self.places[at].guests.len();
        if guests == 0 {
            return Ok(());
        }
        let index = self.rng.random_range(0..guests);
        let (user, is_in) = self.places[at].guests[index];
        let (kind, ask) = match is_in {
            true => (EntryKind::MemberRemoved, Ask::Remove(user)),
            false => (EntryKind::MemberAdded, Ask::Add(user)),
        };
        let (answered, began) = self.ask(at, &ask).await?;
        match answered {
            Answered::Yes(_) => {}
            // Nobody else removes here: the first attempt did.
            Answered::No { problem, unsure } if is_in && unsure && problem.status == 404 => {}
            Answered::No { problem, .. } => anyhow::bail!("{ask:?}: {problem}"),
        }
        self.places[at].guests[index].1 = !is_in;
        self.keep(at, What::Member { kind, user }, began, Outcome::Done(None));
        Ok(())
    }

    /// Asks until there is an answer, through either door at each attempt; says when it began.
    async fn ask(&mut self, at: usize, ask: &Ask) -> Result<(Answered<Option<u64>>, u64)> {
        let (began, thread) = (self.stage.record.moment(), self.places[at].thread);
        let (stage, door, rng) = (&self.stage, &mut self.door, &mut self.rng);
        let call = async || door.ask(stage, thread, ask, rng.random()).await;
        Ok((until_answered(call).await?, began))
    }

    fn keep(&self, at: usize, what: What, began: u64, outcome: Outcome) {
        let (room, by) = (self.places[at].room, self.door.session.id());
        self.stage.record.keep(room, by, what, began, outcome);
    }

    fn own_message(&mut self, at: usize) -> Option<(usize, u64)> {
        let messages = &self.places[at].messages;
        if messages.is_empty() {
            return None;
        }
        // The newer ones: old ones would reach their bound of edits.
        let from = messages.len().saturating_sub(20);
        let index = self.rng.random_range(from..messages.len());
        Some((index, messages[index]))
    }
}

fn pick<'a, T>(rng: &mut StdRng, count: usize, at: impl Fn(usize) -> &'a T) -> Option<&'a T> {
    (count > 0).then(|| at(rng.random_range(0..count)))
}

fn entry_of(message: &SendMessage) -> Entry {
    Entry {
        kind: EntryKind::Text,
        id: message.client_msg_id,
        target: None,
        text: message.text.clone(),
        mentions: message.mentions.clone(),
        seen_head: message.seen_head,
    }
}

/// Sends all and takes the answers, up to the first that is none or may be another one later.
async fn sent_at_once(
    socket: &Socket,
    thread: ThreadId,
    messages: &VecDeque<(SendMessage, u64)>,
) -> Vec<Result<Answer, ClientError>> {
    let begin = |(message, _): &(SendMessage, u64)| {
        socket.begin(ClientFrame::Send(Send::of(thread, message.clone())))
    };
    let pending: Vec<_> = messages.iter().map_while(|one| begin(one).ok()).collect();
    let mut answers = Vec::new();
    for one in pending {
        let answer = one.answer().await;
        let goes_on = !matches!(&answer, Err(error) if error.may_retry());
        answers.push(answer);
        if !goes_on {
            break;
        }
    }
    answers
}
