//! Who is in a room, with which role, and how the room is set.

use super::world::{World, code};
use kith_protocol::ErrorCode;
use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{PatchThread, Role, SettingsPatch, WhoWrites};

const ROLES: [Role; 4] = [Role::Owner, Role::Admin, Role::Member, Role::Muted];

impl World {
    /// Mostly somebody tries who may.
    fn mostly_manager(&mut self, room: usize, user: usize) -> usize {
        let model = &self.rooms[room];
        let mut managers = model.members();
        managers.retain(|other| model.unmanaged(*other).is_none());
        match managers.is_empty() || self.chance.below(4) == 0 {
            true => user,
            false => *self.chance.pick(&managers),
        }
    }

    pub(super) async fn add(&mut self, room: usize, user: usize) {
        let user = self.mostly_manager(room, user);
        let whom = self.chance.below(self.people.len());
        let thread = self.rooms[room].id;
        let whom_id = self.id(whom);
        let answer = self.people[user][0].add_members(thread, &[whom_id]).await;
        let refusal = self.rooms[room].unmanaged(user);
        assert_eq!(code(&answer), refusal);
        if refusal.is_none() && !self.rooms[room].present(whom) {
            self.note(room, user, EntryKind::MemberAdded).users = vec![whom];
        }
    }

    pub(super) async fn remove(&mut self, room: usize, user: usize) {
        let user = self.mostly_manager(room, user);
        let whom = self.chance.below(self.people.len());
        if whom == user {
            return;
        }
        let (thread, whom_id) = (self.rooms[room].id, self.id(whom));
        let answer = self.people[user][1].remove_member(thread, whom_id).await;
        let refusal = self.irremovable(room, user, whom);
        assert_eq!(code(&answer), refusal);
        if refusal.is_none() {
            self.note(room, user, EntryKind::MemberRemoved).users = vec![whom];
        }
    }

    /// Why somebody may not take out another one.
    pub(super) fn irremovable(&self, room: usize, user: usize, whom: usize) -> Option<ErrorCode> {
        let model = &self.rooms[room];
        model
            .unmanaged(user)
            .or((!model.present(whom)).then_some(ErrorCode::NotFound))
            .or_else(|| {
                let above = model.role(whom) >= Role::Admin && model.role(user) != Role::Owner;
                above.then_some(ErrorCode::Forbidden)
            })
    }

    pub(super) async fn leave(&mut self, room: usize, user: usize) {
        let (thread, own_id) = (self.rooms[room].id, self.id(user));
        let answer = self.people[user][1].remove_member(thread, own_id).await;
        let model = &self.rooms[room];
        let direct = model.direct.then_some(ErrorCode::Forbidden);
        let refusal = model.closed_to(user).or(direct);
        assert_eq!(code(&answer), refusal);
        if refusal.is_none() {
            let heir = model.heir(user, |user| self.id(user));
            let line = self.note(room, user, EntryKind::MemberLeft);
            line.users = vec![user];
            line.heir = heir;
        }
    }

    pub(super) async fn set_role(&mut self, room: usize, user: usize) {
        let user = self.mostly_manager(room, user);
        let whom = self.chance.below(self.people.len());
        let role = *self.chance.pick(&ROLES);
        let (thread, whom_id) = (self.rooms[room].id, self.id(whom));
        let answer = self.people[user][0].set_role(thread, whom_id, role).await;
        let refusal = self.unpromotable(room, user, whom, role);
        assert_eq!(code(&answer), refusal);
        if refusal.is_none() && self.rooms[room].role(whom) != role {
            let line = self.note(room, user, EntryKind::Role);
            line.users = vec![whom];
            line.role = Some(role);
        }
    }

    fn unpromotable(&self, room: usize, user: usize, whom: usize, role: Role) -> Option<ErrorCode> {
        let model = &self.rooms[room];
        let absent = (!model.present(whom)).then_some(ErrorCode::NotFound);
        model.unmanaged(user).or(absent).or_else(|| {
            let now = model.role(whom);
            let is_high = role >= Role::Admin || now >= Role::Admin;
            let owners = model.members().into_iter();
            let owners = owners.filter(|other| model.role(*other) == Role::Owner);
            let is_last = now == Role::Owner && role != now && owners.count() == 1;
            let forbidden = (is_high && model.role(user) != Role::Owner) || is_last;
            forbidden.then_some(ErrorCode::Forbidden)
        })
    }

    pub(super) async fn set_title(&mut self, room: usize, user: usize) {
        let user = self.mostly_manager(room, user);
        let title = format!("title {}", self.chance.below(2));
        let patch = PatchThread {
            title: Some(title.clone()),
            settings: None,
        };
        let is_done = self.patched(room, user, &patch).await;
        if is_done && self.rooms[room].title() != Some(&*title) {
            self.note(room, user, EntryKind::Title).title = Some(title);
        }
    }

    pub(super) async fn set_slow_mode(&mut self, room: usize, user: usize) {
        // Mostly off, so that people come to write.
        let slow_s = [0, 0, 1, 1800][self.chance.below(4)];
        let (_, admins_write) = self.rooms[room].settings();
        self.set(room, user, (slow_s, admins_write)).await;
    }

    pub(super) async fn set_admins_write(&mut self, room: usize, user: usize) {
        let admins_write = self.chance.below(3) == 0;
        let (slow_s, _) = self.rooms[room].settings();
        self.set(room, user, (slow_s, admins_write)).await;
    }

    async fn set(&mut self, room: usize, user: usize, settings: (u32, bool)) {
        let user = self.mostly_manager(room, user);
        let who_writes = match settings.1 {
            true => WhoWrites::Admins,
            false => WhoWrites::Everyone,
        };
        let patch = PatchThread {
            title: None,
            settings: Some(SettingsPatch {
                slow_s: Some(settings.0),
                who_writes: Some(who_writes),
                ..SettingsPatch::default()
            }),
        };
        let is_done = self.patched(room, user, &patch).await;
        if is_done && self.rooms[room].settings() != settings {
            self.note(room, user, EntryKind::Settings).settings = Some(settings);
        }
    }

    /// Whether it was done.
    async fn patched(&self, room: usize, user: usize, patch: &PatchThread) -> bool {
        let model = &self.rooms[room];
        let answer = self.people[user][0].patch_thread(model.id, patch).await;
        assert_eq!(code(&answer), model.unmanaged(user));
        answer.is_ok()
    }

    /// A client that has lost the answer makes its thread again: it is the same one.
    pub(super) async fn make_again(&mut self, room: usize) {
        let model = &self.rooms[room];
        let made = self.people[0][1].create_thread(&model.made).await;
        let refusal = (!model.blocked.is_empty()).then_some(ErrorCode::Blocked);
        assert_eq!(code(&made), refusal);
        if let Ok(made) = made {
            assert_eq!(made.thread.id, model.id);
        }
    }

    /// One of the first two blocks the other, or no longer does.
    pub(super) async fn block(&mut self, by: usize, is_blocked: bool) {
        let (device, whom) = (self.chance.below(2), self.id(1 - by));
        let person = &self.people[by][device];
        let blocked = &mut self.rooms[0].blocked;
        if is_blocked {
            blocked.insert(by);
            person.block(whom).await.unwrap();
        } else {
            blocked.remove(&by);
            person.unblock(whom).await.unwrap();
        }
    }
}
