//! What people privately have on a room: pinned, archived, muted, marked as unread, drafts.

use super::world::{World, code};
use kith_protocol::ErrorCode;
use kith_protocol::thread::{Draft, PatchMine};

impl World {
    pub(super) async fn pin(&mut self, room: usize, user: usize) {
        let pinned = self.chance.below(2) == 0;
        let patch = PatchMine {
            pinned: Some(pinned),
            ..PatchMine::default()
        };
        self.patch_mine(room, user, patch).await;
    }

    pub(super) async fn archive(&mut self, room: usize, user: usize) {
        let patch = PatchMine {
            archived: Some(self.chance.below(2) == 0),
            ..PatchMine::default()
        };
        self.patch_mine(room, user, patch).await;
    }

    pub(super) async fn mute_notifications(&mut self, room: usize, user: usize) {
        let until = self.now().after_ms(60_000);
        let patch = PatchMine {
            muted_until: Some((self.chance.below(2) == 0).then_some(until)),
            ..PatchMine::default()
        };
        self.patch_mine(room, user, patch).await;
    }

    pub(super) async fn mark_unread(&mut self, room: usize, user: usize) {
        let patch = PatchMine {
            marked_unread: Some(self.chance.below(4) > 0),
            ..PatchMine::default()
        };
        self.patch_mine(room, user, patch).await;
    }

    pub(super) async fn draft(&mut self, room: usize, user: usize, is_stale: bool) {
        let version = self.mine(room, user).draft_version;
        let draft = Draft {
            text: format!("draft {}", self.chance.below(3)),
            version: if is_stale { version + 1 } else { version },
        };
        let patch = PatchMine {
            draft: Some((is_stale || self.chance.below(3) > 0).then_some(draft)),
            ..PatchMine::default()
        };
        self.patch_mine(room, user, patch).await;
    }

    async fn patch_mine(&mut self, room: usize, user: usize, patch: PatchMine) {
        let (device, _) = self.way();
        let thread = self.rooms[room].id;
        let answer = self.people[user][device].patch_mine(thread, &patch).await;
        let was_never_in = self.rooms[room].stays(user).is_empty();
        let read_seq = self.rooms[room].read_seq(user);
        let mine = self.mine(room, user);
        let is_stale =
            matches!(&patch.draft, Some(Some(draft)) if draft.version != mine.draft_version);
        let refusal = was_never_in.then_some(ErrorCode::NotFound);
        let refusal = refusal.or(is_stale.then_some(ErrorCode::Conflict));
        assert_eq!(code(&answer), refusal);
        let Ok(answer) = answer else { return };
        mine.pinned = patch.pinned.unwrap_or(mine.pinned);
        mine.archived = patch.archived.unwrap_or(mine.archived);
        mine.muted_until = patch.muted_until.unwrap_or(mine.muted_until);
        if let Some(marked) = patch.marked_unread {
            mine.marked_at = marked.then_some(read_seq);
        }
        if let Some(draft) = patch.draft {
            let text = draft.map(|draft| draft.text);
            mine.draft_version += u64::from(text != mine.draft);
            mine.draft = text;
        }
        self.same_mine(room, user, &answer);
    }
}
