//! What a service manager is told: that the server is up, and that it stops.
//!
//! Without one (`NOTIFY_SOCKET` is not set) nobody is told.

use sd_notify::NotifyState;

/// Clients are served at this address.
pub(super) fn ready(url: &str) {
    let status = format!("listening on {url}");
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// It takes no more, and ends soon.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        // The server works without; the service manager ends it in its own time.
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
