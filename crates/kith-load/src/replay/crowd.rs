//! The accounts of a replay: one for each author, and the keeper who opens the rooms.

use super::recorded::{Author, Person};
use super::script::KEEPER;
use anyhow::{Context, Result};
use futures_util::StreamExt;
use indicatif::ProgressBar;
use kith_client::{Api, ClientError, Session, Socket, credentials, registration};
use kith_protocol::presence::State;
use kith_protocol::session::DeviceKind;
use kith_protocol::user::check_display_name;
use kith_protocol::{ErrorCode, UserId};

/// Sign-ups at a time: each costs the server a password hash.
const SIGN_UPS_AT_ONCE: usize = 16;

/// Everybody, signed in.
pub(super) struct Crowd {
    people: Vec<Session>,
    keeper: Session,
    socket_url: String,
}

impl Crowd {
    /// Signs everybody up; who is there already signs in.
    pub(super) async fn sign_up(
        api: &Api,
        authors: &[Author],
        seed: u64,
        bar: &ProgressBar,
    ) -> Result<Self> {
        let password = format!("recorded-{seed:016x}");
        let keeper = Author {
            nick: "keeper".to_owned(),
            handle: format!("keeper-{seed:x}"),
        };
        let everybody = authors.iter().chain([&keeper]);
        let calls = everybody.map(|author| async {
            let session = enter(api, author, &password).await;
            bar.inc(1);
            session.with_context(|| format!("sign {} up", author.handle))
        });
        let mut people: Vec<Session> = futures_util::stream::iter(calls)
            .buffered(SIGN_UPS_AT_ONCE)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect::<Result<_>>()?;
        let keeper = people.pop().context("the keeper is the last one")?;
        let socket_url = format!("{}/v1/socket", api.base().replacen("http", "ws", 1));
        Ok(Self {
            people,
            keeper,
            socket_url,
        })
    }

    /// Somebody's session.
    pub(super) fn session(&self, person: Person) -> &Session {
        if person == KEEPER {
            &self.keeper
        } else {
            &self.people[person]
        }
    }

    /// Somebody's id.
    pub(super) fn id(&self, person: Person) -> UserId {
        self.session(person).id()
    }

    /// Ids of several people.
    pub(super) fn ids(&self, people: &[Person]) -> Vec<UserId> {
        people.iter().map(|&person| self.id(person)).collect()
    }

    /// Everybody's sessions, the keeper's last.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.people.iter().chain([&self.keeper])
    }

    /// Opens a socket for somebody.
    pub(super) async fn socket(&self, person: Person) -> Result<Socket, ClientError> {
        let token = self.session(person).token.clone();
        Socket::open(&self.socket_url, Some(token), State::Online).await
    }
}

async fn enter(api: &Api, author: &Author, password: &str) -> Result<Session, ClientError> {
    let mut register = registration(&author.handle, password, DeviceKind::Bot);
    // Nicknames are names of people, but not all of them are names by the server's rules.
    register.display_name = check_display_name(&author.nick).ok();
    match api.register(&register).await {
        Err(error) if error.code() == Some(ErrorCode::HandleTaken) => {
            api.login(&credentials(&author.handle, password, DeviceKind::Bot))
                .await
        }
        other => other,
    }
}
