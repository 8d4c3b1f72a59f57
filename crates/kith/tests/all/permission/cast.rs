//! The people of the table, each in a place of their own in one group, and what came of it when they tried.

use super::row::Row;
use crate::support::wire::{Heard, Outcome, Wire};
use crate::support::{PASSWORD, Server};
use kith_client::{Session, credentials, new_msg_id};
use kith_protocol::contact::AskContact;
use kith_protocol::entry::SendMessage;
use kith_protocol::session::DeviceKind;
use kith_protocol::thread::{InboxQuery, Role};
use kith_protocol::{RequestId, ThreadId, UserId};
use serde_json::{Value, json};

/// The kinds of people, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Owner,
    Admin,
    Member,
    Rejoined,
    Muted,
    Ex,
    Stranger,
    Blocked,
    Former,
    Revoked,
    Out,
}

use Kind::*;

pub(super) const KINDS: [Kind; 11] = [
    Owner, Admin, Member, Rejoined, Muted, Ex, Stranger, Blocked, Former, Revoked, Out,
];

/// Somebody who tries, and what there is to try on.
pub(super) struct Person {
    pub(super) kind: Kind,
    pub(super) session: Session,
    /// The group; for who is blocked the direct thread with the owner.
    pub(super) thread: ThreadId,
    /// A message of the owner in it.
    pub(super) owners: u64,
    /// A message of this person in it, or the owner's.
    pub(super) own: u64,
}

impl Person {
    pub(super) fn id(&self) -> UserId {
        self.session.id()
    }
}

/// A group with everybody in their places.
pub(super) struct World<'a> {
    server: &'a Server,
    number: usize,
    pub(super) people: Vec<Person>,
    /// A member of the group, for who is an owner to act on.
    pub(super) ian: Session,
    /// Another, for the others.
    pub(super) joe: Session,
    /// Somebody who is not in it.
    pub(super) kim: Session,
    /// Ian's request to the owner to become a contact.
    pub(super) request: RequestId,
    /// A message that was written while the one who came back was out.
    pub(super) meanwhile: u64,
}

impl<'a> World<'a> {
    pub(super) async fn new(server: &'a Server, number: usize) -> Self {
        let join = async |name: &str| server.join(&format!("{name}{number}")).await;
        let (ann, bo, cy, di) = (
            join("ann").await,
            join("bo").await,
            join("cy").await,
            join("di").await,
        );
        let (ed, flo, gus, hal) = (
            join("ed").await,
            join("flo").await,
            join("gus").await,
            join("hal").await,
        );
        let (ian, joe, kim) = (join("ian").await, join("joe").await, join("kim").await);
        let ron = join("ron").await;
        let others = [&bo, &cy, &di, &ed, &ian, &joe, &ron].map(|session| session.id());
        let group = ann.group("tea", &others).await.unwrap().thread.id;
        ann.set_role(group, bo.id(), Role::Admin).await.unwrap();
        let say = async |session: &Session, thread: ThreadId| {
            let text = SendMessage::text(new_msg_id(), 0, "hello");
            session.send(thread, text).await.unwrap().seq
        };
        let owners = say(&ann, group).await;
        let mut own = vec![owners];
        for session in [&bo, &cy, &di, &ed, &ron] {
            own.push(say(session, group).await);
        }
        for session in [&ann, &bo, &cy, &di, &ed, &ron] {
            session.react(group, owners, "x").await.unwrap();
        }
        ann.set_role(group, di.id(), Role::Muted).await.unwrap();
        ann.remove_member(group, ed.id()).await.unwrap();
        ron.remove_member(group, ron.id()).await.unwrap();
        let meanwhile = say(&ann, group).await;
        ann.add_members(group, &[ron.id()]).await.unwrap();
        let lost = credentials(&cy.user.handle, PASSWORD, DeviceKind::Desktop);
        let lost = server.api().login(&lost).await.unwrap();
        cy.end_session(lost.session.id).await.unwrap();
        let direct = gus.direct(ann.id()).await.unwrap().thread.id;
        let in_direct = (say(&ann, direct).await, say(&gus, direct).await);
        gus.react(direct, in_direct.0, "x").await.unwrap();
        ann.block(gus.id()).await.unwrap();
        let ask = AskContact {
            user_id: ann.id(),
            note: None,
        };
        let request = ian.ask_contact(&ask).await.unwrap().id;
        hal.logout().await.unwrap();
        let person = |kind, session: &Session, thread, owners, own| Person {
            kind,
            session: session.clone(),
            thread,
            owners,
            own,
        };
        let people = vec![
            person(Owner, &ann, group, owners, own[0]),
            person(Admin, &bo, group, owners, own[1]),
            person(Member, &cy, group, owners, own[2]),
            person(Rejoined, &ron, group, owners, own[5]),
            person(Muted, &di, group, owners, own[3]),
            person(Ex, &ed, group, owners, own[4]),
            person(Stranger, &flo, group, owners, owners),
            person(Blocked, &gus, direct, in_direct.0, in_direct.1),
            person(Former, &hal, group, owners, owners),
            person(Revoked, &lost, group, owners, own[2]),
            person(Out, &flo, group, owners, owners),
        ];
        Self {
            server,
            number,
            people,
            ian,
            joe,
            kim,
            request,
            meanwhile,
        }
    }

    pub(super) fn owner(&self) -> &Session {
        &self.people[0].session
    }

    /// Whom this person acts on.
    pub(super) fn target(&self, person: &Person) -> UserId {
        if person.kind == Owner {
            self.ian.id()
        } else {
            self.joe.id()
        }
    }

    pub(super) fn name(&self, person: &Person) -> String {
        format!("{:?}{}", person.kind, self.number).to_lowercase()
    }

    /// What the owner sees of everything: nobody who is refused may have changed it.
    pub(super) async fn rows(&self) -> String {
        let owner = self.owner();
        let inbox = owner.inbox(&InboxQuery::default()).await.unwrap();
        let members = owner.members(self.people[0].thread).await.unwrap();
        let requests = owner.contact_requests().await.unwrap();
        let me = owner.me().await.unwrap();
        serde_json::to_string(&(inbox, members, requests, me)).unwrap()
    }

    /// What came of it when this person tried.
    pub(super) async fn tried(&self, row: &Row, person: &Person) -> String {
        let (path, body) = (row.call)(self, person);
        match row.door.split_once(' ').unwrap() {
            ("frame", word) => self.tried_frame(word, body, person).await,
            (method, _) => {
                let api = match person.kind {
                    Out => self.server.api(),
                    _ => person.session.api().clone(),
                };
                let upgrade: &[(&str, &str)] = if path == "/v1/socket" { &UPGRADE } else { &[] };
                let text = if body.is_null() {
                    String::new()
                } else {
                    body.to_string()
                };
                let answer = api.raw(method, &path, upgrade, text).await.unwrap();
                shown(&Outcome::of_http(&answer))
            }
        }
    }

    async fn tried_frame(&self, word: &str, body: Value, person: &Person) -> String {
        let mut wire = Wire::dial(self.server).await;
        let hello = match person.kind {
            Out => json!({"t": "hello", "state": "online"}),
            _ => json!({"t": "hello", "state": "online", "token": person.session.token}),
        };
        wire.frame(&hello).await;
        match wire.next().await {
            Heard::Frame(welcome) => assert_eq!(welcome["t"], "welcome"),
            Heard::Closed(code) => return format!("closed:{}", code.unwrap()),
        }
        if word == "hello" {
            return "welcome".into();
        }
        let mut frame = body;
        frame["t"] = json!(word);
        let answer = wire.ask(frame).await;
        let outcome = Outcome::of_frame(&answer);
        if outcome.is_done() {
            answer["t"].as_str().unwrap().to_owned()
        } else {
            outcome.code
        }
    }
}

const UPGRADE: [(&str, &str); 5] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-protocol", "kith.v1"),
];

pub(super) fn shown(outcome: &Outcome) -> String {
    if outcome.is_done() {
        outcome.status.to_string()
    } else {
        outcome.code.clone()
    }
}
