//! Watermarks of reading and arriving.

use super::world::{World, code};
use crate::support::talk::Door;
use kith_client::ClientError;
use kith_protocol::ErrorCode;
use kith_protocol::entry::Marks;

impl World {
    pub(super) async fn read(&mut self, room: usize, user: usize) {
        let (device, door) = self.way();
        let seq = self.chance.below(self.rooms[room].log.len() + 2) as u64;
        let person = &self.people[user][device];
        let answer = person.read_via(door, self.rooms[room].id, seq).await;
        self.note_read(room, user, seq, answer);
    }

    /// Both devices read at the same moment, each another entry.
    pub(super) async fn read_on_both(&mut self, room: usize, user: usize) {
        let model = &self.rooms[room];
        let (id, last) = (model.id, model.last_visible(user));
        if model.closed_to(user).is_some() {
            return;
        }
        let seqs = [(); 2].map(|()| self.chance.below(last as usize + 1) as u64);
        let [one, other] = &self.people[user];
        let (first, second) = tokio::join!(
            one.read_via(Door::Http, id, seqs[0]),
            other.read_via(Door::Socket, id, seqs[1])
        );
        let highest = seqs[0].max(seqs[1]);
        let read = self.rooms[room].read.entry(user).or_default();
        *read = highest.max(*read);
        self.mine(room, user).marked_at = None;
        let read_seq = self.rooms[room].read_seq(user);
        let best = first.unwrap().read_seq.max(second.unwrap().read_seq);
        assert_eq!(best, read_seq, "one of the two saw both");
    }

    fn note_read(
        &mut self,
        room: usize,
        user: usize,
        seq: u64,
        answer: Result<Marks, ClientError>,
    ) {
        assert_eq!(code(&answer), self.unmarked(room, user, seq));
        let Ok(marks) = answer else { return };
        let model = &mut self.rooms[room];
        let before = (model.read_seq(user), model.delivered_seq(user));
        let read = model.read.entry(user).or_default();
        *read = seq.max(*read);
        let after = (model.read_seq(user), model.delivered_seq(user));
        assert_eq!((marks.read_seq, marks.delivered_seq), after);
        let grows = after.0 >= before.0 && after.1 >= before.1;
        assert!(grows, "marks only grow");
        self.mine(room, user).marked_at = None;
    }

    pub(super) async fn deliver(&mut self, room: usize, user: usize) {
        let (device, door) = self.way();
        let seq = self.chance.below(self.rooms[room].log.len() + 2) as u64;
        let person = &self.people[user][device];
        let answer = person.delivered_via(door, self.rooms[room].id, seq).await;
        assert_eq!(code(&answer), self.unmarked(room, user, seq));
        if let Ok(marks) = answer {
            let model = &mut self.rooms[room];
            let delivered = model.delivered.entry(user).or_default();
            *delivered = seq.max(*delivered);
            let expected = (model.read_seq(user), model.delivered_seq(user));
            assert_eq!((marks.read_seq, marks.delivered_seq), expected);
        }
    }

    /// Why a mark is refused.
    fn unmarked(&self, room: usize, user: usize, seq: u64) -> Option<ErrorCode> {
        let model = &self.rooms[room];
        let beyond = (seq > model.head()).then_some(ErrorCode::InvalidField);
        model.closed_to(user).or(beyond)
    }
}
