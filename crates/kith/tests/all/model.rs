//! A real server against a naive model: what the log says is all there is. Random acts of several
//! people with two devices each, over both doors; after every few the model predicts log, inbox,
//! sync, marks, members and pushes.
//!
//! `KITH_MODEL_RUNS`, `KITH_MODEL_STEPS` and `KITH_MODEL_SEED` make it longer, or repeat a run.

use crate::support::Server;
use crate::support::talk::{Chance, DOORS, Door, Person, inbox, log};
use futures_util::future::join_all;
use kith_client::{ClientError, new_msg_id};
use kith_protocol::entry::{DeleteMessage, EditMessage, Entry, EntryKind, SendMessage, Sent};
use kith_protocol::sync::{SyncQuery, SyncThread};
use kith_protocol::{ClientMsgId, ErrorCode, ThreadId, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Acts between two looks at everything.
const LOOK_EVERY: usize = 12;

/// Acts between two starts of the server.
const RESTART_EVERY: usize = 100;

const EMOJI: [&str; 3] = ["👍", "🎉", "❤️"];

/// One entry of the log, as the model has it; its seq is its place.
#[derive(Clone, Debug)]
struct Line {
    kind: EntryKind,
    author: usize,
    id: Option<ClientMsgId>,
    ord: u64,
    at: Timestamp,
    read_moved: bool,
    text: Option<String>,
    target: Option<u64>,
    emoji: Option<&'static str>,
    users: Vec<usize>,
    mentions: Vec<usize>,
}

/// A thread: its log, and the marks, which are no entries.
struct Room {
    id: ThreadId,
    direct: bool,
    log: Vec<Line>,
    read: BTreeMap<usize, u64>,
    delivered: BTreeMap<usize, u64>,
}

impl Room {
    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    fn line(&self, seq: u64) -> &Line {
        &self.log[seq as usize - 1]
    }

    /// Lines with their seqs.
    fn lines(&self) -> impl DoubleEndedIterator<Item = (u64, &Line)> {
        (1..).zip(&self.log).collect::<Vec<_>>().into_iter()
    }

    /// When somebody was a member: both ends included.
    fn stays(&self, user: usize) -> Vec<(u64, Option<u64>)> {
        let mut stays: Vec<(u64, Option<u64>)> = Vec::new();
        for (seq, line) in self.lines().filter(|(_, line)| line.users.contains(&user)) {
            match line.kind {
                EntryKind::Created | EntryKind::MemberAdded => stays.push((seq, None)),
                EntryKind::MemberLeft | EntryKind::MemberRemoved => {
                    stays.last_mut().unwrap().1 = Some(seq);
                }
                _ => {}
            }
        }
        stays
    }

    fn present(&self, user: usize) -> bool {
        matches!(self.stays(user).last(), Some((_, None)))
    }

    /// Why somebody may not do anything here.
    fn closed_to(&self, user: usize) -> Option<ErrorCode> {
        match self.stays(user).last() {
            None => Some(ErrorCode::NotFound),
            Some((_, Some(_))) => Some(ErrorCode::NotAMember),
            Some((_, None)) => None,
        }
    }

    /// The last entry that somebody sees.
    fn last_visible(&self, user: usize) -> u64 {
        let last = self.stays(user).last().and_then(|(_, left)| *left);
        last.unwrap_or(self.head())
    }

    fn sees(&self, user: usize, seq: u64) -> bool {
        let stays = self.stays(user);
        let in_stay =
            |(from, to): &(u64, Option<u64>)| *from <= seq && to.is_none_or(|to| seq <= to);
        seq <= self.head() && stays.iter().any(in_stay)
    }

    /// The deletion of a message, among the first entries of the log.
    fn deleted(&self, seq: u64, up_to: u64) -> Option<u64> {
        self.lines()
            .find(|(at, line)| {
                *at <= up_to && line.kind == EntryKind::Delete && line.target == Some(seq)
            })
            .map(|(at, _)| at)
    }

    /// The last edit of a message, among the first entries of the log.
    fn edited(&self, seq: u64, up_to: u64) -> Option<u64> {
        self.lines()
            .rfind(|(at, line)| {
                *at <= up_to && line.kind == EntryKind::Edit && line.target == Some(seq)
            })
            .map(|(at, _)| at)
    }

    /// Who has put which emoji on a message.
    fn reactions(&self, seq: u64, up_to: u64) -> BTreeSet<(&'static str, usize)> {
        let mut set = BTreeSet::new();
        for (at, line) in self.lines().filter(|(_, line)| line.target == Some(seq)) {
            let reaction = (line.emoji.unwrap_or_default(), line.author);
            match line.kind {
                _ if at > up_to => {}
                EntryKind::React => drop(set.insert(reaction)),
                EntryKind::Unreact => drop(set.remove(&reaction)),
                _ => {}
            }
        }
        set
    }

    /// The read mark: the newest of joining, own sends that moved it, and reading.
    fn read_seq(&self, user: usize) -> u64 {
        let own = self
            .lines()
            .filter(|(_, line)| line.author == user && line.read_moved);
        let joined = self.stays(user).last().map_or(0, |(from, _)| *from);
        let sent = own.map(|(seq, _)| seq).max().unwrap_or_default();
        let read = self.read.get(&user).copied().unwrap_or_default();
        joined.max(sent).max(read)
    }

    fn delivered_seq(&self, user: usize) -> u64 {
        let delivered = self.delivered.get(&user).copied().unwrap_or_default();
        self.read_seq(user).max(delivered)
    }

    /// Messages of others after the mark that were not taken back.
    fn unread(&self, user: usize) -> Vec<u64> {
        let (read, last) = (self.read_seq(user), self.last_visible(user));
        let unread = self.lines().filter(|(seq, line)| {
            line.kind.is_countable()
                && line.author != user
                && (read + 1..=last).contains(seq)
                && self.deleted(*seq, last).is_none()
        });
        unread.map(|(seq, _)| seq).collect()
    }

    fn mentions(&self, user: usize) -> usize {
        let unread = self.unread(user).into_iter();
        unread
            .filter(|seq| self.line(*seq).mentions.contains(&user))
            .count()
    }

    /// Rule 5.
    fn read_moves(&self, user: usize, seen_head: u64) -> bool {
        let foreign = self
            .lines()
            .rfind(|(_, line)| line.kind.is_countable() && line.author != user);
        let last_foreign = foreign.map_or(0, |(seq, _)| seq);
        last_foreign <= self.read_seq(user).max(seen_head)
    }

    /// When the thread came to its place in somebody's inbox.
    fn at(&self, user: usize) -> Timestamp {
        let message = self
            .lines()
            .rfind(|(_, line)| line.kind.is_countable())
            .filter(|(seq, _)| self.sees(user, *seq));
        match message {
            Some((_, line)) => line.at,
            None => self.line(self.stays(user).last().unwrap().0).at,
        }
    }

    fn ord(&self, up_to: u64) -> u64 {
        let messages = self
            .lines()
            .filter(|(seq, line)| *seq <= up_to && line.kind.is_countable());
        messages.count() as u64
    }

    /// Why somebody may not act on a message.
    fn no_target(&self, user: usize, seq: u64) -> Option<ErrorCode> {
        self.closed_to(user).or_else(|| {
            let is_there = seq >= 1 && self.sees(user, seq) && self.line(seq).kind.is_countable();
            (!is_there).then_some(ErrorCode::NotFound)
        })
    }

    fn append(&mut self, now: Timestamp, author: usize, kind: EntryKind) -> &mut Line {
        let ord = self.ord(self.head()) + u64::from(kind.is_countable());
        self.log.push(Line {
            kind,
            author,
            id: None,
            ord,
            at: now,
            read_moved: false,
            text: None,
            target: None,
            emoji: None,
            users: Vec::new(),
            mentions: Vec::new(),
        });
        self.log.last_mut().unwrap()
    }
}

/// A message that was acknowledged, to be tried again.
struct Acknowledged {
    room: usize,
    author: usize,
    message: SendMessage,
    sent: Sent,
}

/// What a client knows that only syncs: its cursor, and last seq, read mark, unread and mentions of
/// its threads.
type Synced = (Option<String>, BTreeMap<ThreadId, (u64, u64, u64, u64)>);

/// The server, its people, and the model of it.
struct World {
    /// Absent only while it starts again.
    server: Option<Server>,
    handles: Vec<&'static str>,
    /// Two devices of each.
    people: Vec<[Person; 2]>,
    rooms: Vec<Room>,
    acknowledged: Vec<Acknowledged>,
    /// Entries that retries have published again, by room.
    again: BTreeSet<(usize, u64)>,
    /// What each device was pushed, by room.
    pushed: BTreeMap<(usize, usize, usize), Vec<u64>>,
    /// Cursor and rows of somebody who only syncs.
    synced: Vec<Synced>,
    chance: Chance,
}

/// Says how a run that failed comes again.
struct SaySeed(u64);

impl Drop for SaySeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "it comes again with KITH_MODEL_SEED={} KITH_MODEL_RUNS=1",
                self.0
            );
        }
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(number) => number.parse().expect("a number"),
        Err(_) => otherwise,
    }
}

fn code<T: std::fmt::Debug>(result: &Result<T, ClientError>) -> Option<ErrorCode> {
    result
        .as_ref()
        .err()
        .map(|error| error.code().expect("is a refusal"))
}

#[tokio::test]
async fn whatever_people_do_the_server_says_what_the_log_says() {
    let (runs, steps) = (
        setting("KITH_MODEL_RUNS", 3),
        setting("KITH_MODEL_STEPS", 150),
    );
    let first = setting("KITH_MODEL_SEED", 20_261_121);
    for seed in first..first + runs {
        let _seed = SaySeed(seed);
        let mut world = World::new(seed).await;
        for step in 1..=steps as usize {
            world.server().clock.advance(Duration::from_millis(7));
            world.step().await;
            if step % LOOK_EVERY == 0 {
                world.look().await;
            }
            if step % RESTART_EVERY == 0 {
                world.look().await;
                world.server().is_sound().await;
                world.restart().await;
            }
        }
        world.look().await;
        world.server().is_sound().await;
    }
}

impl World {
    async fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let server = Server::start().await;
        let mut people = Vec::new();
        let mut handles = vec!["ann", "boris", "cyril", "dilara", "evelyn"];
        handles.truncate(3 + chance.below(3));
        for handle in &handles {
            people.push([server.person(handle).await, server.device(handle).await]);
        }
        let mut world = Self {
            synced: people.iter().map(|_| (None, BTreeMap::new())).collect(),
            server: Some(server),
            handles,
            people,
            rooms: Vec::new(),
            acknowledged: Vec::new(),
            again: BTreeSet::new(),
            pushed: BTreeMap::new(),
            chance,
        };
        world.make_room(vec![0, 1], true).await;
        world.make_room(vec![0, 1, 2], false).await;
        world.make_room(vec![0, 2], false).await;
        world
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn now(&self) -> Timestamp {
        self.server().now()
    }

    /// Starts the server again on what it has stored; everybody has new devices then.
    async fn restart(&mut self) {
        self.people.clear();
        let server = self.server.take().expect("it runs").restarted().await;
        for handle in &self.handles {
            let devices = [server.device(handle).await, server.device(handle).await];
            self.people.push(devices);
        }
        self.server = Some(server);
    }

    fn id(&self, user: usize) -> UserId {
        self.people[user][0].id()
    }

    async fn make_room(&mut self, users: Vec<usize>, direct: bool) {
        self.server().clock.advance(Duration::from_millis(7));
        let others: Vec<UserId> = users[1..].iter().map(|user| self.id(*user)).collect();
        let maker = &self.people[0][0];
        let id = if direct {
            maker.direct(others[0]).await.unwrap().thread.id
        } else {
            maker.group("room", &others).await.unwrap().thread.id
        };
        let mut room = Room {
            id,
            direct,
            log: Vec::new(),
            read: BTreeMap::new(),
            delivered: BTreeMap::new(),
        };
        room.append(self.now(), 0, EntryKind::Created).users = users;
        self.rooms.push(room);
    }

    async fn step(&mut self) {
        let room = self.chance.below(self.rooms.len());
        let user = self.chance.below(self.people.len());
        match self.chance.below(20) {
            0..=5 => self.send(room, user).await,
            6 | 7 => self.retry().await,
            8 | 9 => self.edit(room, user).await,
            10 => self.delete(room, user).await,
            11 | 12 => self.react(room, user).await,
            13 | 14 => self.read(room, user).await,
            15 => self.delivered(room, user).await,
            16 => self.add(room, user).await,
            17 => self.remove(room, user).await,
            18 => self.leave(room, user).await,
            _ => self.burst(room).await,
        }
    }

    /// A device of somebody, and a way in.
    fn way(&mut self) -> (usize, Door) {
        (self.chance.below(2), *self.chance.pick(&DOORS))
    }

    fn message(&mut self, room: usize) -> (SendMessage, Vec<usize>) {
        let head = self.rooms[room].head();
        let seen_head = match self.chance.below(3) {
            0 => 0,
            1 => head,
            _ => self.chance.below(head as usize + 1) as u64,
        };
        let words = format!("words {}", self.chance.below(1_000_000));
        let mut message = SendMessage::text(new_msg_id(), seen_head, words);
        let mut mentions = Vec::new();
        if self.chance.below(3) == 0 {
            mentions.push(self.chance.below(self.people.len()));
        }
        message.mentions = mentions.iter().map(|user| self.id(*user)).collect();
        (message, mentions)
    }

    async fn send(&mut self, room: usize, user: usize) {
        let ((device, door), (message, mentions)) = (self.way(), self.message(room));
        let thread = self.rooms[room].id;
        let answer = self.people[user][device]
            .say(door, thread, message.clone())
            .await;
        assert_eq!(code(&answer), self.rooms[room].closed_to(user));
        if let Ok(sent) = answer {
            self.note_sent(room, user, message, mentions, sent);
        }
    }

    fn note_sent(
        &mut self,
        room: usize,
        author: usize,
        message: SendMessage,
        mentions: Vec<usize>,
        sent: Sent,
    ) {
        let now = self.now();
        let model = &mut self.rooms[room];
        let read_moved = model.read_moves(author, message.seen_head);
        let line = model.append(now, author, EntryKind::Text);
        line.id = Some(message.client_msg_id);
        line.text.clone_from(&message.text);
        line.read_moved = read_moved;
        line.mentions = mentions;
        assert_eq!((sent.ord, sent.at), (line.ord, line.at));
        assert_eq!(sent.seq, model.head(), "the next one, without a hole");
        self.acknowledged.push(Acknowledged {
            room,
            author,
            message,
            sent,
        });
    }

    /// Whatever became of membership meanwhile, the first answer comes again.
    async fn retry(&mut self) {
        if self.acknowledged.is_empty() {
            return;
        }
        let (device, door) = self.way();
        let earlier = &self.acknowledged[self.chance.below(self.acknowledged.len())];
        let person = &self.people[earlier.author][device];
        let thread = self.rooms[earlier.room].id;
        let answer = person.say(door, thread, earlier.message.clone()).await;
        assert_eq!(answer.unwrap(), earlier.sent);
        self.again.insert((earlier.room, earlier.sent.seq));
    }

    /// Any seq, one beyond the end too; more often a message than not.
    fn any_seq(&mut self, room: usize) -> u64 {
        let model = &self.rooms[room];
        let messages: Vec<u64> = model
            .lines()
            .filter(|(_, line)| line.kind.is_countable())
            .map(|(seq, _)| seq)
            .collect();
        if messages.is_empty() || self.chance.below(5) == 0 {
            self.chance.below(model.log.len() + 2) as u64
        } else {
            *self.chance.pick(&messages)
        }
    }

    async fn edit(&mut self, room: usize, user: usize) {
        let ((device, door), seq) = (self.way(), self.any_seq(room));
        let edit = EditMessage {
            client_msg_id: new_msg_id(),
            seen_head: 0,
            text: format!("edited {}", self.chance.below(1_000_000)),
        };
        let person = &self.people[user][device];
        let answer = person
            .amend(door, self.rooms[room].id, seq, edit.clone())
            .await;
        let (now, model) = (self.now(), &mut self.rooms[room]);
        let refusal = model.no_target(user, seq).or_else(|| {
            if model.line(seq).author != user {
                return Some(ErrorCode::Forbidden);
            }
            let deleted = model.deleted(seq, model.head());
            deleted.map(|_| ErrorCode::Conflict)
        });
        assert_eq!(code(&answer), refusal);
        if let Ok(added) = answer {
            let line = model.append(now, user, EntryKind::Edit);
            line.id = Some(edit.client_msg_id);
            line.target = Some(seq);
            line.text = Some(edit.text);
            assert_eq!(added.seq, model.head());
        }
    }

    async fn delete(&mut self, room: usize, user: usize) {
        let ((device, door), seq) = (self.way(), self.any_seq(room));
        let deletion = DeleteMessage {
            client_msg_id: new_msg_id(),
            seen_head: 0,
        };
        let person = &self.people[user][device];
        let thread = self.rooms[room].id;
        let answer = person.take_back(door, thread, seq, deletion.clone()).await;
        let (now, model) = (self.now(), &mut self.rooms[room]);
        let refusal = model.no_target(user, seq).or_else(|| {
            let owner = user == 0 && !model.direct;
            let may = owner || model.line(seq).author == user;
            (!may).then_some(ErrorCode::Forbidden)
        });
        assert_eq!(code(&answer), refusal);
        let Ok(added) = answer else { return };
        if let Some(first) = model.deleted(seq, model.head()) {
            assert_eq!(added.seq, first, "the first deletion");
            return;
        }
        let line = model.append(now, user, EntryKind::Delete);
        line.id = Some(deletion.client_msg_id);
        line.target = Some(seq);
        assert_eq!(added.seq, model.head());
    }

    async fn react(&mut self, room: usize, user: usize) {
        let ((device, door), seq) = (self.way(), self.any_seq(room));
        let (emoji, set) = (*self.chance.pick(&EMOJI), self.chance.below(3) > 0);
        let person = &self.people[user][device];
        let thread = self.rooms[room].id;
        let answer = person.react_via(door, thread, seq, emoji, set).await;
        let (now, model) = (self.now(), &mut self.rooms[room]);
        let refusal = model.no_target(user, seq).or_else(|| {
            let deleted = model.deleted(seq, model.head());
            deleted.map(|_| ErrorCode::Conflict)
        });
        assert_eq!(code(&answer), refusal);
        let is_set = model.reactions(seq, model.head()).contains(&(emoji, user));
        if refusal.is_none() && is_set != set {
            let kind = if set {
                EntryKind::React
            } else {
                EntryKind::Unreact
            };
            let line = model.append(now, user, kind);
            line.target = Some(seq);
            line.emoji = Some(emoji);
        }
    }

    async fn read(&mut self, room: usize, user: usize) {
        let (device, door) = self.way();
        let seq = self.chance.below(self.rooms[room].log.len() + 2) as u64;
        let person = &self.people[user][device];
        let answer = person.read_via(door, self.rooms[room].id, seq).await;
        let model = &mut self.rooms[room];
        let beyond = (seq > model.head()).then_some(ErrorCode::InvalidField);
        assert_eq!(code(&answer), model.closed_to(user).or(beyond));
        if let Ok(marks) = answer {
            let before = (model.read_seq(user), model.delivered_seq(user));
            let read = model.read.entry(user).or_default();
            *read = seq.max(*read);
            let after = (model.read_seq(user), model.delivered_seq(user));
            assert_eq!((marks.read_seq, marks.delivered_seq), after);
            assert!(
                after.0 >= before.0 && after.1 >= before.1,
                "marks only grow"
            );
        }
    }

    async fn delivered(&mut self, room: usize, user: usize) {
        let (device, door) = self.way();
        let seq = self.chance.below(self.rooms[room].log.len() + 2) as u64;
        let person = &self.people[user][device];
        let answer = person.delivered_via(door, self.rooms[room].id, seq).await;
        let model = &mut self.rooms[room];
        let beyond = (seq > model.head()).then_some(ErrorCode::InvalidField);
        assert_eq!(code(&answer), model.closed_to(user).or(beyond));
        if let Ok(marks) = answer {
            let delivered = model.delivered.entry(user).or_default();
            *delivered = seq.max(*delivered);
            let expected = (model.read_seq(user), model.delivered_seq(user));
            assert_eq!((marks.read_seq, marks.delivered_seq), expected);
        }
    }

    /// Why somebody may not add or remove people: only the owner may, and only in a group.
    fn not_managed_by(&self, room: usize, user: usize) -> Option<ErrorCode> {
        let model = &self.rooms[room];
        let may = user == 0 && !model.direct;
        model
            .closed_to(user)
            .or((!may).then_some(ErrorCode::Forbidden))
    }

    /// Mostly the owner tries.
    fn mostly_owner(&mut self, user: usize) -> usize {
        if self.chance.below(4) == 0 { user } else { 0 }
    }

    async fn add(&mut self, room: usize, user: usize) {
        let user = self.mostly_owner(user);
        let whom = self.chance.below(self.people.len());
        let thread = self.rooms[room].id;
        let whom_id = self.id(whom);
        let answer = self.people[user][0].add_members(thread, &[whom_id]).await;
        let refusal = self.not_managed_by(room, user);
        assert_eq!(code(&answer), refusal);
        let (now, model) = (self.now(), &mut self.rooms[room]);
        if refusal.is_none() && !model.present(whom) {
            model.append(now, user, EntryKind::MemberAdded).users = vec![whom];
        }
    }

    async fn remove(&mut self, room: usize, user: usize) {
        let user = self.mostly_owner(user);
        let whom = self.chance.below(self.people.len());
        if whom == user {
            return;
        }
        let (thread, whom_id) = (self.rooms[room].id, self.id(whom));
        let answer = self.people[user][1].remove_member(thread, whom_id).await;
        let absent = (!self.rooms[room].present(whom)).then_some(ErrorCode::NotFound);
        let refusal = self.not_managed_by(room, user).or(absent);
        assert_eq!(code(&answer), refusal);
        if refusal.is_none() {
            let now = self.now();
            let line = self.rooms[room].append(now, user, EntryKind::MemberRemoved);
            line.users = vec![whom];
        }
    }

    /// The owner stays: who inherits is told elsewhere.
    async fn leave(&mut self, room: usize, user: usize) {
        if user == 0 {
            return;
        }
        let (thread, own_id) = (self.rooms[room].id, self.id(user));
        let answer = self.people[user][1].remove_member(thread, own_id).await;
        let (now, model) = (self.now(), &mut self.rooms[room]);
        let direct = model.direct.then_some(ErrorCode::Forbidden);
        let refusal = model.closed_to(user).or(direct);
        assert_eq!(code(&answer), refusal);
        if refusal.is_none() {
            model.append(now, user, EntryKind::MemberLeft).users = vec![user];
        }
    }

    /// Several send at the same moment, some of them the same message from both devices. The model
    /// learns the order from the answers, and holds everything else against it.
    async fn burst(&mut self, room: usize) {
        let (mut sends, mut sent) = (Vec::new(), BTreeMap::new());
        let present: Vec<usize> = (0..self.people.len())
            .filter(|user| self.rooms[room].present(*user))
            .collect();
        for n in 0..6 {
            let author = *self.chance.pick(&present);
            let (message, mentions) = self.message(room);
            for _ in 0..=self.chance.below(2) {
                sends.push((n, author, self.way(), message.clone()));
            }
            sent.insert(n, (author, message, mentions));
        }
        let thread = self.rooms[room].id;
        let answers = sends.iter().map(|(n, author, (device, door), message)| {
            let person = &self.people[*author][*device];
            async move {
                (
                    *n,
                    person.say(*door, thread, message.clone()).await.unwrap(),
                )
            }
        });
        let mut order: BTreeMap<u64, (usize, Sent)> = BTreeMap::new();
        let mut first: BTreeMap<usize, Sent> = BTreeMap::new();
        for (n, answer) in join_all(answers).await {
            assert_eq!(
                *first.entry(n).or_insert(answer),
                answer,
                "one entry for one id"
            );
            if let Some((other, _)) = order.insert(answer.seq, (n, answer)) {
                assert_eq!(other, n, "one id for one entry");
                self.again.insert((room, answer.seq));
            }
        }
        assert_eq!(order.len(), 6);
        for (_, (n, answer)) in order {
            let (author, message, mentions) = sent.remove(&n).unwrap();
            self.note_sent(room, author, message, mentions, answer);
        }
    }

    // Looking.

    async fn look(&mut self) {
        for user in 0..self.people.len() {
            self.look_at_logs(user).await;
            self.look_at_inbox(user).await;
            self.look_at_sync(user).await;
            self.look_at_members(user).await;
            self.look_at_pushes(user).await;
        }
    }

    async fn look_at_logs(&self, user: usize) {
        for model in &self.rooms {
            let api = &self.people[user][0];
            if model.stays(user).is_empty() {
                assert_eq!(
                    code(&api.page(model.id, Default::default()).await),
                    Some(ErrorCode::NotFound)
                );
                continue;
            }
            let entries = log(api, model.id).await;
            let seqs: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
            let visible = (1..=model.head()).filter(|seq| model.sees(user, *seq));
            assert_eq!(seqs, visible.collect::<Vec<_>>());
            for entry in entries {
                self.same(model, user, &entry);
            }
        }
    }

    /// One entry as this user must see it.
    fn same(&self, model: &Room, user: usize, entry: &Entry) {
        let (seq, line) = (entry.seq, model.line(entry.seq));
        assert_eq!(
            (
                entry.kind,
                entry.author_id,
                entry.client_msg_id,
                entry.ord,
                entry.at
            ),
            (line.kind, self.id(line.author), line.id, line.ord, line.at)
        );
        assert_eq!(entry.read_moved, line.read_moved, "entry {seq}");
        assert_eq!(entry.target_seq, line.target);
        let users: Vec<UserId> = line.users.iter().map(|user| self.id(*user)).collect();
        assert_eq!(entry.user_ids, users);
        // Later deletions empty the body for everybody; all else is as of the last visible entry.
        let up_to = model.last_visible(user);
        let message = match line.kind {
            EntryKind::Edit => line.target.unwrap(),
            _ => seq,
        };
        let erased = model.deleted(message, model.head()).is_some();
        let deleted = model.deleted(seq, up_to);
        assert_eq!(entry.deleted_seq, deleted, "entry {seq}");
        let edited = model.edited(seq, up_to);
        let words = match edited {
            _ if erased => None,
            Some(edit) => model.line(edit).text.as_deref(),
            None => line.text.as_deref(),
        };
        assert_eq!(entry.text.as_deref(), words, "entry {seq}");
        if !erased {
            assert_eq!(entry.edited_seq, edited, "entry {seq}");
            let mentions: Vec<UserId> = line.mentions.iter().map(|user| self.id(*user)).collect();
            assert_eq!(entry.mentions, mentions);
        }
        let mut counts: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
        if deleted.is_none() {
            for (emoji, by) in model.reactions(seq, up_to) {
                let count = counts.entry(emoji).or_default();
                *count = (count.0 + 1, count.1 || by == user);
            }
        }
        let shown = entry.reactions.iter();
        let shown: BTreeMap<&str, (u64, bool)> = shown
            .map(|reaction| (&*reaction.emoji, (reaction.count, reaction.mine)))
            .collect();
        assert_eq!(shown, counts, "entry {seq}");
    }

    async fn look_at_inbox(&self, user: usize) {
        let mut expected: Vec<&Room> = self
            .rooms
            .iter()
            .filter(|room| room.present(user))
            .collect();
        expected.sort_by_key(|room| (std::cmp::Reverse(room.at(user)), room.id));
        for device in &self.people[user] {
            let rows = inbox(device).await;
            let ids: Vec<ThreadId> = rows.iter().map(|row| row.thread.id).collect();
            assert_eq!(ids, expected.iter().map(|room| room.id).collect::<Vec<_>>());
            for (row, model) in rows.iter().zip(&expected) {
                let stays = model.stays(user);
                assert_eq!(row.thread.visible, stays);
                assert_eq!(
                    (row.head.last_seq, row.head.ord, row.head.at),
                    (model.head(), model.ord(model.head()), model.at(user))
                );
                assert_eq!(row.mine.read_seq, model.read_seq(user));
                assert_eq!(row.mine.delivered_seq, model.delivered_seq(user));
                assert_eq!(row.mine.unread, model.unread(user).len() as u64);
                assert_eq!(row.mine.mentions, model.mentions(user) as u64);
                let present = (0..self.people.len()).filter(|other| model.present(*other));
                assert_eq!(row.thread.member_count, present.count() as u64);
            }
        }
    }

    /// A client that only ever asks for what changed knows the same as the inbox.
    async fn look_at_sync(&mut self, user: usize) {
        let (cursor, known) = &mut self.synced[user];
        let query = SyncQuery {
            cursor: cursor.take(),
            ..SyncQuery::default()
        };
        let answer = self.people[user][1].sync(query).await.unwrap();
        assert!(!answer.more, "there are few rows");
        *cursor = Some(answer.cursor);
        for row in answer.threads {
            match row {
                SyncThread::Row(row) => {
                    let (id, mine) = (row.thread.id, &row.mine);
                    let row = (row.head.last_seq, mine.read_seq, mine.unread, mine.mentions);
                    known.insert(id, row);
                }
                SyncThread::Gone { id, left_seq, .. } => {
                    known.remove(&id);
                    let model = self.rooms.iter().find(|room| room.id == id).unwrap();
                    assert_eq!(left_seq, model.last_visible(user));
                }
            }
        }
        let present = self.rooms.iter().filter(|room| room.present(user));
        let expected: BTreeMap<ThreadId, (u64, u64, u64, u64)> = present
            .map(|room| {
                let (unread, mentions) = (room.unread(user).len() as u64, room.mentions(user));
                let row = (room.head(), room.read_seq(user), unread, mentions as u64);
                (room.id, row)
            })
            .collect();
        assert_eq!(*known, expected);
    }

    async fn look_at_members(&self, user: usize) {
        for model in &self.rooms {
            let answer = self.people[user][0].members(model.id).await;
            assert_eq!(code(&answer), model.closed_to(user));
            let Ok(members) = answer else { continue };
            let shown: BTreeMap<UserId, (Option<u64>, Option<u64>)> = members
                .items
                .into_iter()
                .map(|member| (member.user.id, (member.read_seq, member.delivered_seq)))
                .collect();
            let present = (0..self.people.len()).filter(|other| model.present(*other));
            let expected = present.map(|other| {
                let marks = (model.read_seq(other), model.delivered_seq(other));
                (self.id(other), (Some(marks.0), Some(marks.1)))
            });
            assert_eq!(shown, expected.collect());
        }
    }

    /// Both devices were pushed every entry that their user sees, in order, and twice only what was
    /// sent again.
    async fn look_at_pushes(&mut self, user: usize) {
        for device in 0..2 {
            for (thread, entry) in self.people[user][device].entries().await {
                let room = self
                    .rooms
                    .iter()
                    .position(|room| room.id == thread)
                    .unwrap();
                let pushed = self.pushed.entry((user, device, room)).or_default();
                if !pushed.contains(&entry.seq) {
                    pushed.push(entry.seq);
                } else {
                    assert!(
                        self.again.contains(&(room, entry.seq)),
                        "{} twice",
                        entry.seq
                    );
                }
            }
            for (number, model) in self.rooms.iter().enumerate() {
                let pushed = self.pushed.get(&(user, device, number));
                let visible = (1..=model.head()).filter(|seq| model.sees(user, *seq));
                assert_eq!(
                    pushed.cloned().unwrap_or_default(),
                    visible.collect::<Vec<_>>(),
                    "room {number}, person {user}, device {device}"
                );
            }
        }
    }
}
