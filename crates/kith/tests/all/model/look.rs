//! Looking at everything: what each device is told must be what the model says.

use super::room::Room;
use super::world::{World, code};
use crate::support::talk::{inbox, log};
use kith_protocol::entry::{Entry, EntryKind};
use kith_protocol::sync::{SyncQuery, SyncThread};
use kith_protocol::thread::{Draft, Mine, Role};
use kith_protocol::{ErrorCode, ThreadId, UserId};
use std::cmp::Reverse;
use std::collections::BTreeMap;

impl World {
    pub(super) async fn look(&mut self) {
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
        let heir = line.heir.map(|user| self.id(user));
        assert_eq!((entry.role, entry.heir_id), (line.role, heir));
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
            assert_eq!(entry.mention_all, line.mentions_all);
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
        let archived = |room: &Room| room.mine.get(&user).is_some_and(|mine| mine.archived);
        expected.sort_by_key(|room| (archived(room), Reverse(room.at(user)), room.id));
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
                same_mine(model, user, &row.mine);
                let present = (0..self.people.len()).filter(|other| model.present(*other));
                assert_eq!(row.thread.member_count, present.count() as u64);
            }
        }
    }

    /// A client that only ever asks for what changed knows the same as the inbox.
    pub(super) async fn look_at_sync(&mut self, user: usize) {
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
            let shown: BTreeMap<UserId, (Role, Option<u64>, Option<u64>)> = members
                .items
                .into_iter()
                .map(|member| {
                    let shown = (member.role, member.read_seq, member.delivered_seq);
                    (member.user.id, shown)
                })
                .collect();
            let present = (0..self.people.len()).filter(|other| model.present(*other));
            let expected = present.map(|other| {
                let marks = (model.read_seq(other), model.delivered_seq(other));
                let shown = (model.role(other), Some(marks.0), Some(marks.1));
                (self.id(other), shown)
            });
            assert_eq!(shown, expected.collect());
        }
    }

    /// Both devices were pushed every entry that came since they listen and that their user sees, in order,
    /// and twice only what was sent again.
    async fn look_at_pushes(&mut self, user: usize) {
        for device in 0..2 {
            for (thread, entry) in self.people[user][device].entries().await {
                let room = self.rooms.iter().position(|room| room.id == thread);
                let (room, seq) = (room.unwrap(), entry.seq);
                let key = (user, device, room);
                let opened_at = self.opened_at.get(&key).copied().unwrap_or_default();
                let pushed = self.pushed.entry(key).or_default();
                if seq > opened_at && !pushed.contains(&seq) {
                    pushed.push(seq);
                } else {
                    let again = self.again.contains(&(room, seq));
                    assert!(again, "{seq} came twice, or from before");
                }
            }
            for (number, model) in self.rooms.iter().enumerate() {
                let key = (user, device, number);
                let opened_at = self.opened_at.get(&key).copied().unwrap_or_default();
                let visible = (opened_at + 1..=model.head()).filter(|seq| model.sees(user, *seq));
                assert_eq!(
                    self.pushed.get(&key).cloned().unwrap_or_default(),
                    visible.collect::<Vec<_>>(),
                    "room {number}, person {user}, device {device}"
                );
            }
        }
    }

    pub(super) fn same_mine(&self, room: usize, user: usize, mine: &Mine) {
        same_mine(&self.rooms[room], user, mine);
    }
}

fn same_mine(model: &Room, user: usize, mine: &Mine) {
    let read_seq = model.read_seq(user);
    assert_eq!(mine.read_seq, read_seq);
    assert_eq!(mine.delivered_seq, model.delivered_seq(user));
    assert_eq!(mine.unread, model.unread(user).len() as u64);
    assert_eq!(mine.mentions, model.mentions(user) as u64);
    let private = model.mine.get(&user).cloned().unwrap_or_default();
    assert_eq!(
        (mine.pinned, mine.archived),
        (private.pinned, private.archived)
    );
    assert_eq!(mine.muted_until, private.muted_until);
    let marked = private.marked_at.is_some_and(|at| read_seq <= at);
    assert_eq!(mine.marked_unread, marked);
    let version = private.draft_version;
    let draft = private.draft.map(|text| Draft { text, version });
    assert_eq!(mine.draft, draft);
}
