//! The server, its people, and the model of it.

use super::event::{Event, What};
use super::room::{Private, Room};
use crate::support::Server;
use crate::support::talk::{Chance, DOORS, Door, Person};
use kith_client::{ClientError, new_thread_id};
use kith_protocol::entry::{EntryKind, SendMessage, Sent};
use kith_protocol::thread::{CreateThread, ThreadKind};
use kith_protocol::{ErrorCode, ThreadId, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A message that was acknowledged, to be tried again.
pub(super) struct Acknowledged {
    pub(super) room: usize,
    pub(super) author: usize,
    pub(super) message: SendMessage,
    pub(super) sent: Sent,
}

/// What a client knows that only syncs: its cursor, and last seq, read mark, unread and mentions of
/// its threads.
pub(super) type Synced = (Option<String>, BTreeMap<ThreadId, (u64, u64, u64, u64)>);

pub(super) struct World {
    /// Absent only while it starts again.
    pub(super) server: Option<Server>,
    handles: Vec<&'static str>,
    /// Two devices of each.
    pub(super) people: Vec<[Person; 2]>,
    pub(super) rooms: Vec<Room>,
    pub(super) acknowledged: Vec<Acknowledged>,
    /// Entries that retries have published again, by room.
    pub(super) again: BTreeSet<(usize, u64)>,
    /// What each device was pushed, by room.
    pub(super) pushed: BTreeMap<(usize, usize, usize), Vec<u64>>,
    /// Where each room stood when a device opened its socket; what came before is not pushed.
    pub(super) opened_at: BTreeMap<(usize, usize, usize), u64>,
    /// Cursor and rows of somebody who only syncs.
    pub(super) synced: Vec<Synced>,
    /// The same, kept from some time ago.
    pub(super) kept: Vec<Synced>,
    pub(super) chance: Chance,
}

/// The code of a refusal; none if it was done.
pub(super) fn code<T: std::fmt::Debug>(result: &Result<T, ClientError>) -> Option<ErrorCode> {
    result
        .as_ref()
        .err()
        .map(|error| error.code().expect("is a refusal"))
}

impl World {
    pub(super) async fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let server = Server::start().await;
        let mut people = Vec::new();
        let mut handles = vec!["ann", "boris", "cyril", "dilara", "evelyn"];
        handles.truncate(3 + chance.below(3));
        for handle in &handles {
            people.push([server.person(handle).await, server.device(handle).await]);
        }
        let nothing: Vec<Synced> = people.iter().map(|_| (None, BTreeMap::new())).collect();
        let mut world = Self {
            kept: nothing.clone(),
            synced: nothing,
            server: Some(server),
            handles,
            people,
            rooms: Vec::new(),
            acknowledged: Vec::new(),
            again: BTreeSet::new(),
            pushed: BTreeMap::new(),
            opened_at: BTreeMap::new(),
            chance,
        };
        world.make_room(vec![0, 1], true).await;
        world.make_room(vec![0, 1, 2], false).await;
        world.make_room(vec![0, 2], false).await;
        world
    }

    pub(super) fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    pub(super) fn now(&self) -> Timestamp {
        self.server().now()
    }

    pub(super) fn id(&self, user: usize) -> UserId {
        self.people[user][0].id()
    }

    /// A device of somebody, and a way in.
    pub(super) fn way(&mut self) -> (usize, Door) {
        (self.chance.below(2), *self.chance.pick(&DOORS))
    }

    async fn make_room(&mut self, users: Vec<usize>, direct: bool) {
        self.server().clock.advance(Duration::from_millis(7));
        let made = CreateThread {
            kind: if direct {
                ThreadKind::Direct
            } else {
                ThreadKind::Group
            },
            participants: users[1..].iter().map(|user| self.id(*user)).collect(),
            title: (!direct).then(|| "room".to_owned()),
            history: None,
            client_thread_id: new_thread_id(),
        };
        let id = self.people[0][0].create_thread(&made).await;
        let title = made.title.clone();
        let mut room = Room {
            id: id.unwrap().thread.id,
            direct,
            log: Vec::new(),
            read: BTreeMap::new(),
            delivered: BTreeMap::new(),
            mine: BTreeMap::new(),
            blocked: BTreeSet::new(),
            made,
        };
        let line = room.append(self.now(), 0, EntryKind::Created);
        line.users = users;
        line.title = title;
        self.rooms.push(room);
    }

    pub(super) async fn happens(&mut self, event: Event) {
        self.chance = Chance(event.luck);
        let room = self.chance.below(self.rooms.len());
        let user = self.chance.below(self.people.len());
        match event.what {
            What::Send => self.send(room, user).await,
            What::Reply => self.reply(room, user).await,
            What::NameEverybody => self.name_everybody(room, user).await,
            What::Retry => self.retry().await,
            What::LoseTheAnswer => self.lose_the_answer(room, user).await,
            What::Edit => self.edit(room, user).await,
            What::Delete => self.delete(room, user).await,
            What::React => self.react(room, user).await,
            What::Burst => self.burst(room).await,
            What::WriteWhileRemoved => self.write_while_removed(room, user).await,
            What::EditWhileDeleted => self.edit_while_deleted(room, user).await,
            What::RemoveEachOther => self.remove_each_other(room).await,
            What::Read => self.read(room, user).await,
            What::ReadOnBoth => self.read_on_both(room, user).await,
            What::Deliver => self.deliver(room, user).await,
            What::Add => self.add(room, user).await,
            What::Remove => self.remove(room, user).await,
            What::Leave => self.leave(room, user).await,
            What::SetRole => self.set_role(room, user).await,
            What::Title => self.set_title(room, user).await,
            What::SlowMode => self.set_slow_mode(room, user).await,
            What::AdminsWrite => self.set_admins_write(room, user).await,
            What::MakeAgain => self.make_again(room).await,
            What::Block => self.block(user % 2, true).await,
            What::Unblock => self.block(user % 2, false).await,
            What::Pin => self.pin(room, user).await,
            What::Archive => self.archive(room, user).await,
            What::MuteNotifications => self.mute_notifications(room, user).await,
            What::MarkUnread => self.mark_unread(room, user).await,
            What::Draft => self.draft(room, user, false).await,
            What::StaleDraft => self.draft(room, user, true).await,
            What::Revoke => self.revoke(user).await,
            What::CutSocket => self.cut_socket(user).await,
            What::OldCursor => self.use_old_cursor(user).await,
            What::Wait => {
                self.look().await;
                self.wait().await;
            }
            What::Restart => {
                self.look().await;
                self.server().is_sound().await;
                self.restart().await;
            }
        }
    }

    /// An hour goes by; sockets that were silent for so long are closed, and opened again.
    async fn wait(&mut self) {
        self.server().clock.advance(Duration::from_secs(3600));
        for user in 0..self.people.len() {
            for device in 0..2 {
                self.reopen_socket(user, device).await;
            }
        }
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

    /// Another device in the place of one.
    pub(super) async fn new_device(&mut self, user: usize, device: usize) {
        self.people[user][device] = self.server().device(self.handles[user]).await;
        self.socket_was_opened(user, device);
    }

    /// What comes from now on is pushed to it.
    pub(super) fn socket_was_opened(&mut self, user: usize, device: usize) {
        for (number, room) in self.rooms.iter().enumerate() {
            let key = (user, device, number);
            self.pushed.remove(&key);
            self.opened_at.insert(key, room.head());
        }
    }

    pub(super) fn mine(&mut self, room: usize, user: usize) -> &mut Private {
        self.rooms[room].mine.entry(user).or_default()
    }
}
