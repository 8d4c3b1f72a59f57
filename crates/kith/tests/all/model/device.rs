//! Devices: signed out by another one, cut off, and with a cursor of long ago.

use super::world::World;
use crate::support::refused;
use kith_protocol::ErrorCode;

impl World {
    /// One device signs the other out; it comes back as a new one.
    pub(super) async fn revoke(&mut self, user: usize) {
        let device = self.chance.below(2);
        let [one, other] = &self.people[user];
        let (stays, goes) = if device == 0 {
            (other, one)
        } else {
            (one, other)
        };
        stays.end_session(goes.session.session.id).await.unwrap();
        assert_eq!(refused(goes.me().await), ErrorCode::SessionRevoked);
        self.new_device(user, device).await;
    }

    /// A socket is cut, and opened again: what is pushed from now on comes.
    pub(super) async fn cut_socket(&mut self, user: usize) {
        let device = self.chance.below(2);
        self.reopen_socket(user, device).await;
    }

    pub(super) async fn reopen_socket(&mut self, user: usize, device: usize) {
        let socket = self.people[user][device].session.socket().await.unwrap();
        self.people[user][device].socket = socket;
        self.socket_was_opened(user, device);
    }

    /// A client that was away for long, or came from a backup: its old cursor leads to the same.
    pub(super) async fn use_old_cursor(&mut self, user: usize) {
        let newer = self.synced[user].clone();
        let kept = std::mem::replace(&mut self.kept[user], newer);
        self.synced[user] = kept;
        self.look_at_sync(user).await;
    }
}
