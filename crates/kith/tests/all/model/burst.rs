//! Several things at the same moment. The model learns the order from the answers, and holds everything else
//! against it.

use super::world::{World, code};
use crate::support::talk::Door;
use futures_util::future::join_all;
use kith_client::new_msg_id;
use kith_protocol::ErrorCode;
use kith_protocol::entry::{DeleteMessage, EntryKind, Sent};
use kith_protocol::thread::Role;
use std::collections::BTreeMap;

impl World {
    /// Several send, some of them the same message from both devices.
    pub(super) async fn burst(&mut self, room: usize) {
        let (mut sends, mut sent) = (Vec::new(), BTreeMap::new());
        let model = &self.rooms[room];
        let mut writers = model.members();
        writers.retain(|user| model.mute(*user).is_none());
        if writers.is_empty() || model.settings().0 > 0 {
            return;
        }
        for n in 0..6 {
            let author = *self.chance.pick(&writers);
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
                let answer = person.say(*door, thread, message.clone()).await;
                (*n, answer.unwrap())
            }
        });
        let mut order: BTreeMap<u64, (usize, Sent)> = BTreeMap::new();
        let mut first: BTreeMap<usize, Sent> = BTreeMap::new();
        for (n, answer) in join_all(answers).await {
            let known = *first.entry(n).or_insert(answer);
            assert_eq!(known, answer, "one entry for one id");
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

    /// A message of somebody who is being removed is in the log before the removal, or not at all.
    pub(super) async fn write_while_removed(&mut self, room: usize, user: usize) {
        let model = &self.rooms[room];
        let mut removers = model.members();
        removers.retain(|by| *by != user && self.irremovable(room, *by, user).is_none());
        let (message, mentions) = self.message(room);
        let Some(by) = removers.first().copied() else {
            return;
        };
        if self.unsaid(room, user, &message).is_some() {
            return;
        }
        let ((device, door), thread, id) = (self.way(), self.rooms[room].id, self.id(user));
        let writer = &self.people[user][device];
        let (said, removed) = tokio::join!(
            writer.say(door, thread, message.clone()),
            self.people[by][0].remove_member(thread, id)
        );
        removed.unwrap();
        match said {
            Ok(sent) => self.note_sent(room, user, message, mentions, sent),
            refused => assert_eq!(code(&refused), Some(ErrorCode::NotAMember)),
        }
        self.note(room, by, EntryKind::MemberRemoved).users = vec![user];
    }

    /// An edit of a message that is being deleted comes before, or not at all.
    pub(super) async fn edit_while_deleted(&mut self, room: usize, user: usize) {
        let seq = self.any_seq(room);
        if self.uneditable(room, user, seq).is_some() {
            return;
        }
        let (thread, edit) = (self.rooms[room].id, self.new_text());
        let deletion = DeleteMessage {
            client_msg_id: new_msg_id(),
            seen_head: 0,
        };
        let [one, other] = &self.people[user];
        let (edited, deleted) = tokio::join!(
            one.amend(Door::Http, thread, seq, edit.clone()),
            other.take_back(Door::Socket, thread, seq, deletion.clone())
        );
        match edited {
            Ok(added) => assert_eq!(added.seq, self.note_edited(room, user, seq, edit)),
            refused => assert_eq!(code(&refused), Some(ErrorCode::Conflict)),
        }
        let deleted = deleted.unwrap().seq;
        assert_eq!(deleted, self.note_deleted(room, user, seq, deletion));
    }

    /// Of two owners who remove each other, one is faster.
    pub(super) async fn remove_each_other(&mut self, room: usize) {
        let model = &self.rooms[room];
        let mut owners = model.members();
        owners.retain(|user| model.role(*user) == Role::Owner);
        let &[one, other, ..] = owners.as_slice() else {
            return;
        };
        if model.direct {
            return;
        }
        let (thread, ids) = (model.id, [self.id(one), self.id(other)]);
        let (first, second) = tokio::join!(
            self.people[one][0].remove_member(thread, ids[1]),
            self.people[other][0].remove_member(thread, ids[0])
        );
        let (by, whom, late) = match first.is_ok() {
            true => (one, other, second),
            false => (other, one, first),
        };
        assert_eq!(
            code(&late),
            Some(ErrorCode::NotAMember),
            "the slower one is out"
        );
        self.note(room, by, EntryKind::MemberRemoved).users = vec![whom];
    }
}
