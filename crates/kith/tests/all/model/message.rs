//! Messages: sent, retried, edited, taken back, reacted to.

use super::room::Line;
use super::world::{Acknowledged, World, code};
use crate::support::talk::Door;
use futures_util::FutureExt as _;
use kith_client::new_msg_id;
use kith_protocol::entry::{DeleteMessage, EditMessage, EntryKind, SendMessage, Sent};
use kith_protocol::frame::{ClientFrame, Forget, Skip};
use kith_protocol::thread::Role;
use kith_protocol::{ClientMsgId, ErrorCode};

const EMOJI: [&str; 3] = ["👍", "🎉", "❤️"];

impl World {
    /// A message with a head that may be old, and whom it names.
    pub(super) fn message(&mut self, room: usize) -> (SendMessage, Vec<usize>) {
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

    pub(super) async fn send(&mut self, room: usize, user: usize) {
        let (message, mentions) = self.message(room);
        self.say(room, user, message, mentions).await;
    }

    pub(super) async fn reply(&mut self, room: usize, user: usize) {
        let (mut message, mentions) = self.message(room);
        message.reply_to = Some(self.any_seq(room).max(1));
        self.say(room, user, message, mentions).await;
    }

    pub(super) async fn name_everybody(&mut self, room: usize, user: usize) {
        let (mut message, mentions) = self.message(room);
        message.mention_all = true;
        self.say(room, user, message, mentions).await;
    }

    async fn say(&mut self, room: usize, user: usize, message: SendMessage, mentions: Vec<usize>) {
        let (device, door) = self.way();
        let thread = self.rooms[room].id;
        let answer = self.people[user][device]
            .say(door, thread, message.clone())
            .await;
        let refusal = self.unsaid(room, user, &message);
        assert_eq!(code(&answer), refusal);
        if refusal == Some(ErrorCode::RateLimited) && door == Door::Socket {
            let (next, _) = self.message(room);
            let person = &self.people[user][device];
            let said = person.say(Door::Socket, thread, next).await;
            assert_eq!(code(&said), Some(ErrorCode::OutOfOrder));
            self.give_up(user, device, message.client_msg_id).await;
        } else if let Ok(sent) = answer {
            self.note_sent(room, user, message, mentions, sent);
        }
    }

    /// Rule 3: what was refused for now holds up what its connection sends, until the user gives it up.
    async fn give_up(&self, user: usize, device: usize, client_msg_id: ClientMsgId) {
        let forget = ClientFrame::Forget(Forget {
            client_msg_id,
            t: Skip,
            id: Skip,
        });
        let socket = &self.people[user][device].socket;
        socket.ask(forget).await.unwrap();
    }

    /// Why a new message is refused.
    pub(super) fn unsaid(
        &self,
        room: usize,
        user: usize,
        message: &SendMessage,
    ) -> Option<ErrorCode> {
        let model = &self.rooms[room];
        model
            .closed_to(user)
            .or_else(|| model.mute(user))
            .or_else(|| {
                let reply_to = message.reply_to?;
                let unseen = model.no_target(user, reply_to);
                unseen.map(|_| ErrorCode::InvalidField)
            })
            .or_else(|| {
                let may_name = !model.direct && model.role(user) >= Role::Admin;
                (message.mention_all && !may_name).then_some(ErrorCode::Forbidden)
            })
            .or_else(|| model.slow(user, self.now()))
    }

    pub(super) fn note_sent(
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
        line.mentions_all = message.mention_all;
        line.reply_to = message.reply_to;
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
    pub(super) async fn retry(&mut self) {
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

    /// The client goes away while it asks: the message is there once, however it asks again.
    pub(super) async fn lose_the_answer(&mut self, room: usize, user: usize) {
        let ((message, mentions), (device, door)) = (self.message(room), self.way());
        let thread = self.rooms[room].id;
        let [one, other] = &self.people[user];
        let asked = one.say(Door::Socket, thread, message.clone());
        // Should it have been answered already, nobody looked.
        drop(asked.now_or_never());
        // What was sent before the ping has come when the pong has.
        one.socket.ping().await.unwrap();
        let person = [one, other][device];
        let answer = person.say(door, thread, message.clone()).await;
        assert_eq!(code(&answer), self.unsaid(room, user, &message));
        for device in 0..2 {
            self.give_up(user, device, message.client_msg_id).await;
        }
        if let Ok(sent) = answer {
            self.again.insert((room, sent.seq));
            self.note_sent(room, user, message, mentions, sent);
        }
    }

    /// Any seq, one beyond the end too; more often a message than not.
    pub(super) fn any_seq(&mut self, room: usize) -> u64 {
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

    pub(super) async fn edit(&mut self, room: usize, user: usize) {
        let ((device, door), seq) = (self.way(), self.any_seq(room));
        let edit = self.new_text();
        let person = &self.people[user][device];
        let answer = person
            .amend(door, self.rooms[room].id, seq, edit.clone())
            .await;
        assert_eq!(code(&answer), self.uneditable(room, user, seq));
        if let Ok(added) = answer {
            let line = self.note_edited(room, user, seq, edit);
            assert_eq!(added.seq, line);
        }
    }

    pub(super) fn new_text(&mut self) -> EditMessage {
        EditMessage {
            client_msg_id: new_msg_id(),
            seen_head: 0,
            text: format!("edited {}", self.chance.below(1_000_000)),
        }
    }

    /// Why somebody may not edit a message.
    pub(super) fn uneditable(&self, room: usize, user: usize, seq: u64) -> Option<ErrorCode> {
        let model = &self.rooms[room];
        model.no_target(user, seq).or_else(|| {
            if model.line(seq).author != user {
                return Some(ErrorCode::Forbidden);
            }
            let deleted = model.deleted(seq, model.head());
            deleted.map(|_| ErrorCode::Conflict).or(model.mute(user))
        })
    }

    pub(super) fn note_edited(
        &mut self,
        room: usize,
        user: usize,
        seq: u64,
        edit: EditMessage,
    ) -> u64 {
        let line = self.note(room, user, EntryKind::Edit);
        line.id = Some(edit.client_msg_id);
        line.target = Some(seq);
        line.text = Some(edit.text);
        self.rooms[room].head()
    }

    pub(super) async fn delete(&mut self, room: usize, user: usize) {
        let ((device, door), seq) = (self.way(), self.any_seq(room));
        let deletion = DeleteMessage {
            client_msg_id: new_msg_id(),
            seen_head: 0,
        };
        let person = &self.people[user][device];
        let thread = self.rooms[room].id;
        let answer = person.take_back(door, thread, seq, deletion.clone()).await;
        let model = &self.rooms[room];
        let refusal = model.no_target(user, seq).or_else(|| {
            let manages = model.role(user) >= Role::Admin;
            let may = manages || model.line(seq).author == user;
            (!may).then_some(ErrorCode::Forbidden)
        });
        assert_eq!(code(&answer), refusal);
        let Ok(added) = answer else { return };
        if let Some(first) = model.deleted(seq, model.head()) {
            assert_eq!(added.seq, first, "the first deletion");
            return;
        }
        assert_eq!(added.seq, self.note_deleted(room, user, seq, deletion));
    }

    pub(super) fn note_deleted(
        &mut self,
        room: usize,
        user: usize,
        seq: u64,
        deletion: DeleteMessage,
    ) -> u64 {
        let line = self.note(room, user, EntryKind::Delete);
        line.id = Some(deletion.client_msg_id);
        line.target = Some(seq);
        self.rooms[room].head()
    }

    pub(super) async fn react(&mut self, room: usize, user: usize) {
        let ((device, door), seq) = (self.way(), self.any_seq(room));
        let (emoji, set) = (*self.chance.pick(&EMOJI), self.chance.below(3) > 0);
        let person = &self.people[user][device];
        let thread = self.rooms[room].id;
        let answer = person.react_via(door, thread, seq, emoji, set).await;
        let model = &self.rooms[room];
        let is_set = model.reactions(seq, model.head()).contains(&(emoji, user));
        let refusal = model.no_target(user, seq).or_else(|| {
            let deleted = model.deleted(seq, model.head());
            let mute = || model.mute(user).filter(|_| is_set != set);
            deleted.map(|_| ErrorCode::Conflict).or_else(mute)
        });
        assert_eq!(code(&answer), refusal);
        if refusal.is_none() && is_set != set {
            let kind = if set {
                EntryKind::React
            } else {
                EntryKind::Unreact
            };
            let line = self.note(room, user, kind);
            line.target = Some(seq);
            line.emoji = Some(emoji);
        }
    }

    /// A new entry of now.
    pub(super) fn note(&mut self, room: usize, author: usize, kind: EntryKind) -> &mut Line {
        let now = self.now();
        self.rooms[room].append(now, author, kind)
    }
}
