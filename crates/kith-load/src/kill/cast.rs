//! Who takes part: people who write, their friends, two who only read, and the rooms between them.

use super::call::surely;
use anyhow::Result;
use futures_util::StreamExt;
use kith_client::{Api, ClientError, Session, credentials, new_thread_id, registration};
use kith_protocol::session::DeviceKind;
use kith_protocol::thread::{CreateThread, ThreadKind};
use kith_protocol::{ErrorCode, ThreadId, UserId};
use std::collections::BTreeMap;

/// The password of everybody.
pub(super) const PASSWORD: &str = "pull the plug";
/// People who write.
const WRITERS: usize = 8;
/// Groups; each has a keeper who is never removed.
const GROUPS: usize = 4;
/// Other writers in a group.
const MEMBERS: usize = 4;
/// Sign-ups at a time: each costs the server a password hash.
const SIGN_UPS_AT_ONCE: usize = 8;

/// Everybody and every room.
pub(super) struct Cast {
    /// People who write.
    pub(super) writers: Vec<Session>,
    /// A friend of each writer, whose contact comes and goes.
    pub(super) friends: Vec<Session>,
    /// Reads over a socket.
    pub(super) listener: Session,
    /// Reads by asking, and waiting for an answer.
    pub(super) poller: Session,
    /// Where they talk.
    pub(super) rooms: Vec<Room>,
}

/// A thread.
pub(super) struct Room {
    /// Its name in reports.
    pub(super) name: String,
    /// Its thread.
    pub(super) thread: ThreadId,
    /// The writer who made it and stays in it.
    pub(super) keeper: usize,
    /// All writers in it at the beginning, the keeper included.
    pub(super) writers: Vec<usize>,
    /// Everybody in it at the beginning but the keeper, as it was made.
    pub(super) others: Vec<UserId>,
    /// Whether people come and go.
    pub(super) is_group: bool,
}

impl Cast {
    /// Signs everybody up and makes the rooms; kills may fall into it.
    pub(super) async fn assemble(api: &Api) -> Result<Self> {
        let names = (0..WRITERS).map(|n| format!("writer-{n}"));
        let names = names.chain((0..WRITERS).map(|n| format!("friend-{n}")));
        let names = names.chain(["listener".to_owned(), "poller".to_owned()]);
        let sessions = names.map(|name| async move { enter(api, &name).await });
        let mut sessions: Vec<Session> = futures_util::stream::iter(sessions)
            .buffered(SIGN_UPS_AT_ONCE)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect::<Result<_>>()?;
        let mut last = sessions.split_off(2 * WRITERS).into_iter();
        let (Some(listener), Some(poller)) = (last.next(), last.next()) else {
            anyhow::bail!("the readers are the last ones");
        };
        let friends = sessions.split_off(WRITERS);
        let mut cast = Self {
            writers: sessions,
            friends,
            listener,
            poller,
            rooms: Vec::new(),
        };
        for number in 0..GROUPS {
            let writers = (0..=MEMBERS).map(|n| (2 * number + n) % WRITERS).collect();
            cast.open(format!("group {number}"), writers, true).await?;
        }
        for pair in [[0, 1], [2, 5]] {
            cast.open(format!("direct {pair:?}"), pair.into(), false)
                .await?;
        }
        Ok(cast)
    }

    /// Everybody's first session, by user.
    pub(super) fn sessions(&self) -> BTreeMap<UserId, &Session> {
        let readers = [&self.listener, &self.poller];
        let everybody = self.writers.iter().chain(&self.friends).chain(readers);
        everybody.map(|session| (session.id(), session)).collect()
    }

    async fn open(&mut self, name: String, writers: Vec<usize>, is_group: bool) -> Result<()> {
        let keeper = writers[0];
        let ids = writers[1..].iter().map(|&n| self.writers[n].id());
        let readers = [self.listener.id(), self.poller.id()];
        let others: Vec<UserId> = match is_group {
            true => ids.chain(readers).collect(),
            false => ids.collect(),
        };
        let create = CreateThread {
            kind: if is_group {
                ThreadKind::Group
            } else {
                ThreadKind::Direct
            },
            participants: others.clone(),
            title: is_group.then(|| name.clone()),
            history: None,
            client_thread_id: new_thread_id(),
        };
        let session = &self.writers[keeper];
        let row = surely("open a room", async || session.create_thread(&create).await).await?;
        self.rooms.push(Room {
            name,
            thread: row.thread.id,
            keeper,
            writers,
            others,
            is_group,
        });
        Ok(())
    }
}

/// Signs somebody up; who is there already, because an answer was lost, signs in.
async fn enter(api: &Api, name: &str) -> Result<Session> {
    let register = registration(name, PASSWORD, DeviceKind::Bot);
    surely("sign up", async || match api.register(&register).await {
        Err(error) if error.code() == Some(ErrorCode::HandleTaken) => login(api, name).await,
        other => other,
    })
    .await
}

/// Another device of somebody.
pub(super) async fn login(api: &Api, name: &str) -> Result<Session, ClientError> {
    api.login(&credentials(name, PASSWORD, DeviceKind::Desktop))
        .await
}
