//! Who may do what: every route and every frame, tried by every kind of person. The table below is
//! what is tested and what `docs/permissions.md` is written from. And who is told of what.

use crate::support::wire::{Heard, Outcome, Wire};
use crate::support::{PASSWORD, Server};
use kith_client::{Session, credentials, new_msg_id, new_thread_id};
use kith_protocol::contact::AskContact;
use kith_protocol::entry::{DeleteMessage, EditMessage, SendMessage};
use kith_protocol::frame::ClientFrame;
use kith_protocol::session::DeviceKind;
use kith_protocol::thread::{InboxQuery, PatchThread, Role, SettingsPatch};
use kith_protocol::user::{Audience, PatchMe, PrivacyPatch};
use kith_protocol::{RequestId, ThreadId, UserId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// Set it to write `docs/permissions.md` anew.
const WRITE: &str = "KITH_WRITE_DOCS";

/// The kinds of people, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Owner,
    Admin,
    Member,
    Muted,
    Ex,
    Stranger,
    Blocked,
    Former,
    Out,
}

use Kind::*;

const KINDS: [Kind; 9] = [
    Owner, Admin, Member, Muted, Ex, Stranger, Blocked, Former, Out,
];

/// Somebody who tries, and what there is to try on.
struct Person {
    kind: Kind,
    session: Session,
    /// The group; for who is blocked the direct thread with the owner.
    thread: ThreadId,
    /// A message of the owner in it.
    owners: u64,
    /// A message of this person in it, or the owner's.
    own: u64,
}

impl Person {
    fn id(&self) -> UserId {
        self.session.id()
    }
}

/// A group with everybody in their places.
struct World<'a> {
    server: &'a Server,
    number: usize,
    people: Vec<Person>,
    /// A member of the group, for who is an owner to act on.
    ian: Session,
    /// Another, for the others.
    joe: Session,
    /// Somebody who is not in it.
    kim: Session,
    /// Ian's request to the owner to become a contact.
    request: RequestId,
}

impl<'a> World<'a> {
    async fn new(server: &'a Server, number: usize) -> Self {
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
        let others = [&bo, &cy, &di, &ed, &ian, &joe].map(|session| session.id());
        let group = ann.group("tea", &others).await.unwrap().thread.id;
        ann.set_role(group, bo.id(), Role::Admin).await.unwrap();
        let say = async |session: &Session, thread: ThreadId| {
            let text = SendMessage::text(new_msg_id(), 0, "hello");
            session.send(thread, text).await.unwrap().seq
        };
        let owners = say(&ann, group).await;
        let mut own = vec![owners];
        for session in [&bo, &cy, &di, &ed] {
            own.push(say(session, group).await);
        }
        for session in [&ann, &bo, &cy, &di, &ed] {
            session.react(group, owners, "x").await.unwrap();
        }
        ann.set_role(group, di.id(), Role::Muted).await.unwrap();
        ann.remove_member(group, ed.id()).await.unwrap();
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
            person(Muted, &di, group, owners, own[3]),
            person(Ex, &ed, group, owners, own[4]),
            person(Stranger, &flo, group, owners, owners),
            person(Blocked, &gus, direct, in_direct.0, in_direct.1),
            person(Former, &hal, group, owners, owners),
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
        }
    }

    fn owner(&self) -> &Session {
        &self.people[0].session
    }

    /// Whom this person acts on.
    fn target(&self, person: &Person) -> UserId {
        if person.kind == Owner {
            self.ian.id()
        } else {
            self.joe.id()
        }
    }

    fn name(&self, person: &Person) -> String {
        format!("{:?}{}", person.kind, self.number).to_lowercase()
    }

    /// What the owner sees of everything: nobody who is refused may have changed it.
    async fn rows(&self) -> String {
        let owner = self.owner();
        let inbox = owner.inbox(&InboxQuery::default()).await.unwrap();
        let members = owner.members(self.people[0].thread).await.unwrap();
        let requests = owner.contact_requests().await.unwrap();
        let me = owner.me().await.unwrap();
        serde_json::to_string(&(inbox, members, requests, me)).unwrap()
    }

    /// What came of it when this person tried.
    async fn tried(&self, row: &Row, person: &Person) -> String {
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

fn shown(outcome: &Outcome) -> String {
    if outcome.is_done() {
        outcome.status.to_string()
    } else {
        outcome.code.clone()
    }
}

type Call = Box<dyn Fn(&World<'_>, &Person) -> (String, Value)>;

/// One line of the table.
struct Row {
    /// Method and path as the code has them, or `frame` and its word.
    door: &'static str,
    /// What is done with it.
    what: &'static str,
    /// What comes of it, a word for each kind.
    expected: &'static str,
    /// It changes what other lines rest on: it gets a world of its own.
    alone: bool,
    call: Call,
}

impl Row {
    fn alone(mut self) -> Self {
        self.alone = true;
        self
    }
}

fn row(
    door: &'static str,
    what: &'static str,
    expected: &'static str,
    call: impl Fn(&World<'_>, &Person) -> (String, Value) + 'static,
) -> Row {
    Row {
        door,
        what,
        expected,
        alone: false,
        call: Box::new(call),
    }
}

/// A path below the thread, without a body.
fn at(person: &Person, rest: &str) -> (String, Value) {
    with(person, rest, Value::Null)
}

/// A path below the thread, with a body.
fn with(person: &Person, rest: &str, body: Value) -> (String, Value) {
    (format!("/v1/threads/{}{rest}", person.thread), body)
}

fn plain(path: &'static str) -> impl Fn(&World<'_>, &Person) -> (String, Value) {
    move |_, _| (path.to_owned(), Value::Null)
}

fn text() -> Value {
    json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"})
}

fn key() -> String {
    format!("client_msg_id={}&seen_head=0", new_msg_id())
}

/// A frame about the thread.
fn about(person: &Person, more: Value) -> (String, Value) {
    let mut frame = more;
    frame["thread_id"] = json!(person.thread);
    (String::new(), frame)
}

fn about_text(person: &Person, seq: Option<u64>) -> (String, Value) {
    let mut frame = text();
    if let Some(seq) = seq {
        frame["seq"] = json!(seq);
    }
    about(person, frame)
}

fn device() -> Value {
    json!({"kind": "web", "label": "tests"})
}

// Columns:                    owner         admin         member        muted         ex-member     stranger      blocked       former        signed out
const ALL_200: &str = "200 200 200 200 200 200 200 session_revoked unauthorized";
const ALL_204: &str = "204 204 204 204 204 204 204 session_revoked unauthorized";
const READERS: &str = "200 200 200 200 200 not_found 200 session_revoked unauthorized";
const MEMBERS_200: &str = "200 200 200 200 not_a_member not_found 200 session_revoked unauthorized";
const MANAGERS_200: &str =
    "200 200 forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized";
const MANAGERS_204: &str =
    "204 204 forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized";
const OWNERS_204: &str = "204 forbidden forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized";
const WRITERS_204: &str =
    "204 204 204 forbidden not_a_member not_found blocked session_revoked unauthorized";

/// Routes of accounts, sessions and contacts.
fn routes_of_people() -> Vec<Row> {
    let id = |person: &Person| person.session.session.id;
    vec![
        row("POST /v1/register", "", "201 201 201 201 201 201 201 201 201", |w, p| {
            let handle = format!("new-{}", w.name(p));
            ("/v1/register".into(), json!({"handle": handle, "password": PASSWORD, "device": device()}))
        }),
        row("POST /v1/login", "", "200 200 200 200 200 200 200 200 200", |_, p| {
            let handle = &p.session.user.handle;
            ("/v1/login".into(), json!({"handle": handle, "password": PASSWORD, "device": device()}))
        }),
        row("POST /v1/logout", "", ALL_204, plain("/v1/logout")).alone(),
        row("GET /v1/sessions", "", ALL_200, plain("/v1/sessions")),
        row("DELETE /v1/sessions", "all others", ALL_204, plain("/v1/sessions?others=true")),
        row("DELETE /v1/sessions/{id}", "one's own", ALL_204, move |_, p| {
            (format!("/v1/sessions/{}", id(p)), Value::Null)
        })
        .alone(),
        row(
            "DELETE /v1/sessions/{id}",
            "somebody else's",
            "not_found not_found not_found not_found not_found not_found not_found session_revoked unauthorized",
            |w, _| (format!("/v1/sessions/{}", w.ian.session.id), Value::Null),
        ),
        row("GET /v1/me", "", ALL_200, plain("/v1/me")),
        row("PATCH /v1/me", "", ALL_200, |_, _| ("/v1/me".into(), json!({"about": "x"}))),
        row("PUT /v1/me/password", "", ALL_204, |_, _| {
            ("/v1/me/password".into(), json!({"current": PASSWORD, "new": PASSWORD}))
        })
        .alone(),
        row("GET /v1/users", "", ALL_200, plain("/v1/users?q=ann")),
        row("GET /v1/users/{id}", "the owner", ALL_200, |w, _| {
            (format!("/v1/users/{}", w.owner().id()), Value::Null)
        }),
        row("GET /v1/contacts", "", ALL_200, plain("/v1/contacts")),
        row("DELETE /v1/contacts/{user_id}", "", ALL_204, |w, _| {
            (format!("/v1/contacts/{}", w.kim.id()), Value::Null)
        }),
        row("GET /v1/contacts/requests", "", ALL_200, plain("/v1/contacts/requests")),
        row(
            "POST /v1/contacts/requests",
            "to the owner",
            "invalid_field 201 201 201 201 201 not_found session_revoked unauthorized",
            |w, _| ("/v1/contacts/requests".into(), json!({"user_id": w.owner().id()})),
        )
        .alone(),
        row(
            "POST /v1/contacts/requests/{id}/accept",
            "a request to the owner",
            "200 not_found not_found not_found not_found not_found not_found session_revoked unauthorized",
            |w, _| (format!("/v1/contacts/requests/{}/accept", w.request), Value::Null),
        )
        .alone(),
        row(
            "POST /v1/contacts/requests/{id}/decline",
            "a request to the owner",
            "204 not_found not_found not_found not_found not_found not_found session_revoked unauthorized",
            |w, _| (format!("/v1/contacts/requests/{}/decline", w.request), Value::Null),
        )
        .alone(),
        row("GET /v1/blocks", "", ALL_200, plain("/v1/blocks")),
        row("PUT /v1/blocks/{user_id}", "", ALL_204, |w, _| {
            (format!("/v1/blocks/{}", w.kim.id()), Value::Null)
        }),
        row("DELETE /v1/blocks/{user_id}", "", ALL_204, |w, _| {
            (format!("/v1/blocks/{}", w.kim.id()), Value::Null)
        }),
        row("GET /v1/sync", "", ALL_200, plain("/v1/sync")),
        row("POST /v1/heartbeat", "", ALL_200, |_, _| {
            ("/v1/heartbeat".into(), json!({"state": "online"}))
        }),
        row("GET /v1/push-address", "", ALL_200, plain("/v1/push-address")),
        row(
            "GET /v1/socket",
            "",
            "101 101 101 101 101 101 101 101 101",
            plain("/v1/socket"),
        ),
        row("GET /openapi.json", "", "200 200 200 200 200 200 200 200 200", plain("/openapi.json")),
        row("GET /healthz/live", "", "200 200 200 200 200 200 200 200 200", plain("/healthz/live")),
        row("GET /healthz/ready", "", "200 200 200 200 200 200 200 200 200", plain("/healthz/ready")),
    ]
}

/// Routes of threads, members and messages.
fn routes_of_threads() -> Vec<Row> {
    vec![
        row(
            "POST /v1/threads",
            "directly with the owner",
            "invalid_field 201 201 201 201 201 blocked session_revoked unauthorized",
            |w, _| {
                let body = json!({"kind": "direct", "participants": [w.owner().id()], "client_thread_id": new_thread_id()});
                ("/v1/threads".into(), body)
            },
        )
        .alone(),
        row(
            "POST /v1/threads",
            "a group with the owner",
            "201 201 201 201 201 201 201 session_revoked unauthorized",
            |w, _| {
                let body = json!({"kind": "group", "participants": [w.owner().id()], "client_thread_id": new_thread_id()});
                ("/v1/threads".into(), body)
            },
        )
        .alone(),
        row("GET /v1/threads", "", ALL_200, plain("/v1/threads")),
        row(
            "GET /v1/threads/by-participants",
            "exactly the members of the group",
            "200 200 200 200 not_found not_found not_found session_revoked unauthorized",
            |w, _| {
                let inside = w.people[..4].iter().map(Person::id).chain([w.ian.id(), w.joe.id()]);
                let users: Vec<String> = inside.map(|id| id.to_string()).collect();
                (format!("/v1/threads/by-participants?users={}", users.join(",")), Value::Null)
            },
        ),
        row("GET /v1/threads/{t}", "", READERS, |_, p| at(p, "")),
        row("PATCH /v1/threads/{t}", "title", MANAGERS_200, |w, p| {
            with(p, "", json!({"title": w.name(p)}))
        }),
        row("PATCH /v1/threads/{t}", "settings", MANAGERS_200, |_, p| {
            with(p, "", json!({"settings": {"open_history": p.kind == Admin}}))
        }),
        row("PATCH /v1/threads/{t}/mine", "", READERS, |_, p| with(p, "/mine", json!({"pinned": true}))),
        row("GET /v1/threads/{t}/members", "", MEMBERS_200, |_, p| at(p, "/members")),
        row("POST /v1/threads/{t}/members", "", MANAGERS_204, |w, p| {
            with(p, "/members", json!({"user_ids": [w.kim.id()]}))
        })
        .alone(),
        row("PATCH /v1/threads/{t}/members/{user}", "mute a member", MANAGERS_204, |w, p| {
            with(p, &format!("/members/{}", w.target(p)), json!({"role": "muted"}))
        })
        .alone(),
        row("PATCH /v1/threads/{t}/members/{user}", "make an admin", OWNERS_204, |w, p| {
            with(p, &format!("/members/{}", w.target(p)), json!({"role": "admin"}))
        })
        .alone(),
        row(
            "PATCH /v1/threads/{t}/members/{user}",
            "unmake the last owner",
            "forbidden forbidden forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized",
            |w, p| with(p, &format!("/members/{}", w.owner().id()), json!({"role": "member"})),
        ),
        row("DELETE /v1/threads/{t}/members/{user}", "a member", MANAGERS_204, |w, p| {
            at(p, &format!("/members/{}", w.target(p)))
        })
        .alone(),
        row(
            "DELETE /v1/threads/{t}/members/{user}",
            "an admin",
            "204 204 forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized",
            // The admin: oneself.
            |w, p| at(p, &format!("/members/{}", if p.kind == Owner { w.ian.id() } else { w.people[1].id() })),
        )
        .alone(),
        row(
            "DELETE /v1/threads/{t}/members/{user}",
            "oneself",
            "204 204 204 204 not_a_member not_found forbidden session_revoked unauthorized",
            |_, p| at(p, &format!("/members/{}", p.id())),
        )
        .alone(),
        row("GET /v1/threads/{t}/messages", "", READERS, |_, p| at(p, "/messages")),
        row(
            "POST /v1/threads/{t}/messages",
            "",
            "201 201 201 forbidden not_a_member not_found blocked session_revoked unauthorized",
            |_, p| with(p, "/messages", text()),
        ),
        row(
            "POST /v1/threads/{t}/messages",
            "naming everybody",
            "201 201 forbidden forbidden not_a_member not_found blocked session_revoked unauthorized",
            |_, p| {
                let mut body = text();
                body["mention_all"] = json!(true);
                with(p, "/messages", body)
            },
        ),
        row(
            "PATCH /v1/threads/{t}/messages/{seq}",
            "the owner's",
            "200 forbidden forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized",
            |_, p| with(p, &format!("/messages/{}", p.owners), text()),
        ),
        row(
            "PATCH /v1/threads/{t}/messages/{seq}",
            "one's own",
            "200 200 200 forbidden not_a_member not_found blocked session_revoked unauthorized",
            |_, p| with(p, &format!("/messages/{}", p.own), text()),
        ),
        row(
            "DELETE /v1/threads/{t}/messages/{seq}",
            "the owner's",
            "200 200 forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized",
            |_, p| at(p, &format!("/messages/{}?{}", p.owners, key())),
        )
        .alone(),
        row("DELETE /v1/threads/{t}/messages/{seq}", "one's own", MEMBERS_200, |_, p| {
            at(p, &format!("/messages/{}?{}", p.own, key()))
        })
        .alone(),
        row("PUT /v1/threads/{t}/messages/{seq}/reactions/{emoji}", "", WRITERS_204, |_, p| {
            at(p, &format!("/messages/{}/reactions/y", p.owners))
        }),
        row("DELETE /v1/threads/{t}/messages/{seq}/reactions/{emoji}", "one's own", WRITERS_204, |_, p| {
            at(p, &format!("/messages/{}/reactions/x", p.owners))
        })
        .alone(),
        row("PUT /v1/threads/{t}/read", "", MEMBERS_200, |_, p| {
            with(p, "/read", json!({"seq": p.owners}))
        }),
        row("PUT /v1/threads/{t}/delivered", "", MEMBERS_200, |_, p| {
            with(p, "/delivered", json!({"seq": p.owners}))
        }),
        row("GET /v1/threads/{t}/receipts", "", MEMBERS_200, |_, p| {
            at(p, &format!("/receipts?seq={}", p.owners))
        }),
        row(
            "POST /v1/threads/{t}/typing",
            "",
            "204 204 204 204 not_a_member not_found blocked session_revoked unauthorized",
            |_, p| with(p, "/typing", json!({"active": true})),
        ),
    ]
}

const OK_MEMBERS: &str = "ok ok ok ok not_a_member not_found ok closed:4101 closed:4103";
const OK_WRITERS: &str =
    "ok ok ok forbidden not_a_member not_found blocked closed:4101 closed:4103";
const OK_ALL: &str = "ok ok ok ok ok ok ok closed:4101 closed:4103";

/// Frames.
fn frames() -> Vec<Row> {
    vec![
        row(
            "frame hello",
            "",
            "welcome welcome welcome welcome welcome welcome welcome closed:4101 closed:4103",
            |_, _| (String::new(), Value::Null),
        ),
        row("frame send", "", OK_WRITERS, |_, p| about_text(p, None)),
        row(
            "frame edit",
            "the owner's",
            "ok forbidden forbidden forbidden not_a_member not_found forbidden closed:4101 closed:4103",
            |_, p| about_text(p, Some(p.owners)),
        ),
        row("frame edit", "one's own", OK_WRITERS, |_, p| {
            about_text(p, Some(p.own))
        }),
        row(
            "frame delete",
            "the owner's",
            "ok ok forbidden forbidden not_a_member not_found forbidden closed:4101 closed:4103",
            |_, p| {
                about(
                    p,
                    json!({"seq": p.owners, "client_msg_id": new_msg_id(), "seen_head": 0}),
                )
            },
        )
        .alone(),
        row("frame delete", "one's own", OK_MEMBERS, |_, p| {
            about(
                p,
                json!({"seq": p.own, "client_msg_id": new_msg_id(), "seen_head": 0}),
            )
        })
        .alone(),
        row("frame react", "", OK_WRITERS, |_, p| {
            about(p, json!({"seq": p.owners, "emoji": "z"}))
        }),
        row("frame unreact", "one's own", OK_WRITERS, |_, p| {
            about(p, json!({"seq": p.owners, "emoji": "x"}))
        })
        .alone(),
        row("frame read", "", OK_MEMBERS, |_, p| {
            about(p, json!({"seq": p.owners}))
        }),
        row("frame delivered", "", OK_MEMBERS, |_, p| {
            about(p, json!({"seq": p.owners}))
        }),
        row(
            "frame typing",
            "",
            "ok ok ok ok not_a_member not_found blocked closed:4101 closed:4103",
            |_, p| about(p, json!({"active": true})),
        ),
        row("frame forget", "", OK_ALL, |_, _| {
            (String::new(), json!({"client_msg_id": new_msg_id()}))
        }),
        row("frame subscribe", "", OK_MEMBERS, |_, p| {
            about(p, json!({}))
        }),
        row("frame unsubscribe", "", OK_ALL, |_, p| about(p, json!({}))),
        row("frame heartbeat", "", OK_ALL, |_, _| {
            (String::new(), json!({"state": "online"}))
        }),
        row(
            "frame ping",
            "",
            "pong pong pong pong pong pong pong closed:4101 closed:4103",
            |_, _| (String::new(), json!({})),
        ),
    ]
}

fn table() -> Vec<Row> {
    let mut table = routes_of_people();
    table.extend(routes_of_threads());
    table.extend(frames());
    table
}

#[test]
fn the_table_has_every_route_and_frame_and_no_other() {
    let (_, api) = kith::http::routes().split_for_parts();
    let api = serde_json::to_value(&api).unwrap();
    let mut doors: BTreeSet<String> = ClientFrame::WORDS
        .iter()
        .map(|word| format!("frame {word}"))
        .collect();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in [
            "get", "put", "post", "delete", "patch", "head", "options", "trace",
        ] {
            if item.get(method).is_some() {
                doors.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let tried: BTreeSet<String> = table().iter().map(|row| row.door.to_owned()).collect();
    let missing: Vec<_> = doors.difference(&tried).collect();
    let gone: Vec<_> = tried.difference(&doors).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not tried: {missing:?}; not there: {gone:?}"
    );
    let mut lines = BTreeSet::new();
    for row in table() {
        assert!(
            lines.insert((row.door, row.what)),
            "{} stands twice",
            row.door
        );
    }
    for row in table() {
        assert_eq!(
            row.expected.split_whitespace().count(),
            KINDS.len(),
            "{} {}",
            row.door,
            row.what
        );
    }
}

#[tokio::test]
async fn everybody_may_do_exactly_what_the_table_says() {
    let server = Server::start().await;
    let shared = World::new(&server, 0).await;
    let mut wrong = String::new();
    for (number, row) in table().iter().enumerate() {
        let own;
        let world = if row.alone {
            own = World::new(&server, number + 1).await;
            &own
        } else {
            &shared
        };
        let expected: Vec<&str> = row.expected.split_whitespace().collect();
        // Those with less rights first: what they are refused is still there for the others.
        for person in world.people.iter().rev() {
            let column = KINDS.iter().position(|kind| *kind == person.kind).unwrap();
            let is_refusal = expected[column].starts_with(|first: char| first.is_ascii_lowercase())
                && !["ok", "pong", "welcome"].contains(&expected[column]);
            let before = if is_refusal && person.kind != Owner {
                Some(world.rows().await)
            } else {
                None
            };
            let got = world.tried(row, person).await;
            if got != expected[column] {
                writeln!(
                    wrong,
                    "{} ({}), {:?}: {got}, not {}",
                    row.door, row.what, person.kind, expected[column]
                )
                .unwrap();
            } else if let Some(before) = before {
                assert_eq!(
                    world.rows().await,
                    before,
                    "{} ({}), {:?}: refused, yet done",
                    row.door,
                    row.what,
                    person.kind
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The table in Markdown.
fn document() -> String {
    let mut text = String::from(
        "<!-- Generated from the table in crates/kith/tests/all/permission.rs by its test; KITH_WRITE_DOCS=1 writes it anew. -->\n\n\
         # Who may do what\n\n\
         Each line was tried by each kind of person, and what is refused changed nothing. A number is the status of success; a word is the\n\
         `code` of the refusal (docs/protocol.md has the status of each). `closed:` is the code with which a socket is closed at `hello`.\n\n\
         The thread is a group. **Blocked** is somebody whom the owner has blocked, in the direct thread of the two; in groups blocks change\n\
         nothing. **Former** shows the token of a session that was ended, **signed out** shows none.\n\n",
    );
    let (frames, routes): (Vec<Row>, Vec<Row>) = table()
        .into_iter()
        .partition(|row| row.door.starts_with("frame "));
    for (title, rows) in [("HTTP", routes), ("Frames", frames)] {
        writeln!(text, "## {title}\n").unwrap();
        text += "| | | owner | admin | member | muted | ex-member | stranger | blocked | former | signed out |\n";
        text += "|---|---|---|---|---|---|---|---|---|---|---|\n";
        for row in rows {
            let door = row.door.trim_start_matches("frame ");
            let cells: Vec<&str> = row.expected.split_whitespace().collect();
            writeln!(text, "| `{door}` | {} | {} |", row.what, cells.join(" | ")).unwrap();
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

#[test]
fn the_document_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == document(),
        "docs/permissions.md is stale: run this test with {WRITE}=1"
    );
}

/// Somebody who listens; frames come in the order in which they were sent.
struct Listener {
    name: &'static str,
    wire: Wire,
}

impl Listener {
    async fn new(server: &Server, name: &'static str, session: &Session) -> Self {
        Self {
            name,
            wire: Wire::open(server, session).await,
        }
    }

    /// Everything that was heard since, in short: the frame, and of entries their kinds.
    async fn heard(&mut self) -> Vec<String> {
        self.wire.is_alive().await;
        let frames = std::mem::take(&mut self.wire.pushes);
        frames.iter().map(brief).collect()
    }
}

fn brief(frame: &Value) -> String {
    let word = frame["t"].as_str().unwrap();
    match word {
        "entry" => {
            let entries = frame["entries"].as_array().unwrap();
            let kinds: Vec<&str> = entries
                .iter()
                .map(|entry| entry["kind"].as_str().unwrap())
                .collect();
            kinds.join("+")
        }
        "typing" => format!("typing {}", frame["active"]),
        "contact" => {
            let is = |name: &str| {
                if frame.get(name).is_some_and(|flag| *flag != json!(false)) {
                    format!(" {name}")
                } else {
                    String::new()
                }
            };
            format!("contact{}{}{}", is("contact"), is("gone"), is("requests"))
        }
        _ => word.to_owned(),
    }
}

#[tokio::test]
async fn everything_is_told_to_those_whom_it_concerns_and_to_nobody_else() {
    let server = Server::start().await;
    let mut sessions = Vec::new();
    for name in [
        "ann", "bo-lund", "cy-moss", "di-vale", "ed-hart", "flo", "gus", "jo-shy", "kim",
    ] {
        sessions.push(server.join(name).await);
    }
    let [ann, bo, cy, di, ed, flo, gus, jo, kim] = sessions.try_into().ok().unwrap();
    let phone = server
        .api()
        .login(&credentials("ann", PASSWORD, DeviceKind::Phone))
        .await
        .unwrap();
    // Jo shows neither typing nor receipts, and so sees none.
    let shy = PrivacyPatch {
        typing: Some(Audience::Nobody),
        receipts: Some(Audience::Nobody),
        ..PrivacyPatch::default()
    };
    let patch = PatchMe {
        privacy: Some(shy),
        ..PatchMe::default()
    };
    jo.patch_me(&patch).await.unwrap();
    let others = [&bo, &cy, &di, &ed, &jo].map(|session| session.id());
    let t = ann.group("tea", &others).await.unwrap().thread.id;
    ann.set_role(t, bo.id(), Role::Admin).await.unwrap();
    ann.set_role(t, di.id(), Role::Muted).await.unwrap();
    let direct = gus.direct(ann.id()).await.unwrap().thread.id;
    ann.block(gus.id()).await.unwrap();
    let hello = SendMessage::text(new_msg_id(), 0, "hello");
    let bos = bo.send(t, hello).await.unwrap().seq;
    server.pass(Duration::from_secs(2)).await;

    let mut all = Vec::new();
    for (name, session) in [
        ("owner", &ann),
        ("owner's phone", &phone),
        ("admin", &bo),
        ("member", &cy),
        ("muted", &di),
        ("ex-member", &ed),
        ("shy", &jo),
        ("stranger", &flo),
        ("blocked", &gus),
        ("kim", &kim),
    ] {
        all.push(Listener::new(&server, name, session).await);
    }
    let owners = ["owner", "owner's phone"];
    let members = ["owner", "owner's phone", "admin", "member", "muted", "shy"];
    let with_ed = [
        "owner",
        "owner's phone",
        "admin",
        "member",
        "muted",
        "shy",
        "ex-member",
    ];
    let shown = ["admin", "member", "muted"];
    let shown_with_ed = ["admin", "member", "muted", "ex-member"];
    // What was told since the last call, each with those who must have heard it, in order.
    let mut told = async |what: &str, expected: &[(&str, &[&str])]| {
        server.pass(Duration::from_secs(2)).await;
        for listener in &mut all {
            let heard = listener.heard().await;
            let expected = expected
                .iter()
                .filter(|(_, who)| who.contains(&listener.name));
            let expected: Vec<&str> = expected.map(|(frame, _)| *frame).collect();
            assert_eq!(heard, expected, "{what}: {}", listener.name);
        }
    };
    told("nothing yet", &[]).await;

    let one = ann
        .send(t, SendMessage::text(new_msg_id(), 0, "one"))
        .await
        .unwrap()
        .seq;
    told("a message", &[("text", &with_ed)]).await;
    ann.typing(t, true).await.unwrap();
    ann.typing(t, false).await.unwrap();
    told(
        "typing",
        &[
            ("typing true", &shown_with_ed),
            ("typing false", &shown_with_ed),
        ],
    )
    .await;
    ann.remove_member(t, ed.id()).await.unwrap();
    told(
        "a removal: the last that the ex-member hears",
        &[("member_removed", &with_ed)],
    )
    .await;

    ann.send(t, SendMessage::text(new_msg_id(), 0, "two"))
        .await
        .unwrap();
    told("a message", &[("text", &members)]).await;
    let edit = EditMessage {
        client_msg_id: new_msg_id(),
        seen_head: 0,
        text: "uno".into(),
    };
    ann.edit(t, one, edit).await.unwrap();
    told("an edit", &[("edit", &members)]).await;
    ann.react(t, bos, "x").await.unwrap();
    ann.react(t, bos, "x").await.unwrap();
    ann.unreact(t, bos, "x").await.unwrap();
    told(
        "a reaction put twice and taken away",
        &[("react", &members), ("unreact", &members)],
    )
    .await;
    let delete = DeleteMessage {
        client_msg_id: new_msg_id(),
        seen_head: 0,
    };
    ann.delete(t, one, delete).await.unwrap();
    told("a deletion", &[("delete", &members)]).await;
    let title = PatchThread {
        title: Some("coffee".into()),
        settings: Some(SettingsPatch {
            open_history: Some(true),
            ..SettingsPatch::default()
        }),
    };
    ann.patch_thread(t, &title).await.unwrap();
    told(
        "title and settings",
        &[("title", &members), ("settings", &members)],
    )
    .await;
    ann.set_role(t, cy.id(), Role::Admin).await.unwrap();
    ann.set_role(t, cy.id(), Role::Member).await.unwrap();
    told("roles", &[("role", &members), ("role", &members)]).await;

    let bos = bo
        .send(t, SendMessage::text(new_msg_id(), 0, "three"))
        .await
        .unwrap()
        .seq;
    told("a message of another", &[("text", &members)]).await;
    ann.read(t, bos).await.unwrap();
    told("a read mark", &[("mine", &owners), ("receipt", &shown)]).await;
    ann.read(t, bos).await.unwrap();
    told("the same again", &[]).await;
    ann.typing(t, true).await.unwrap();
    told("typing", &[("typing true", &shown)]).await;
    jo.typing(t, true).await.unwrap();
    jo.read(t, bos).await.unwrap();
    told("what is hidden", &[("mine", &["shy"])]).await;

    let about = PatchMe {
        display_name: Some("Ann Other".into()),
        ..PatchMe::default()
    };
    ann.patch_me(&about).await.unwrap();
    told("a profile is fetched, not pushed", &[]).await;
    let both = ["owner", "owner's phone", "kim"];
    let ask = |session: &Session| AskContact {
        user_id: session.id(),
        note: None,
    };
    ann.ask_contact(&ask(&kim)).await.unwrap();
    told("a contact request", &[("contact requests", &both)]).await;
    kim.ask_contact(&ask(&ann)).await.unwrap();
    told("both asked", &[("contact contact requests", &both)]).await;
    ann.block(kim.id()).await.unwrap();
    told(
        "a block looks like the end of a contact",
        &[("contact gone", &both)],
    )
    .await;
    ann.unblock(kim.id()).await.unwrap();
    told("a block taken away", &[]).await;

    assert!(ann.typing(direct, true).await.is_err());
    assert!(gus.typing(direct, true).await.is_err());
    assert!(
        gus.send(direct, SendMessage::text(new_msg_id(), 0, "psst"))
            .await
            .is_err()
    );
    told("nothing passes a block", &[]).await;

    ann.add_members(t, &[kim.id()]).await.unwrap();
    let with_kim = [
        "owner",
        "owner's phone",
        "admin",
        "member",
        "muted",
        "shy",
        "kim",
    ];
    told("somebody comes in", &[("member_added", &with_kim)]).await;
    ann.send(t, SendMessage::text(new_msg_id(), 0, "four"))
        .await
        .unwrap();
    told("a message", &[("text", &with_kim)]).await;
    kim.remove_member(t, kim.id()).await.unwrap();
    told("somebody leaves", &[("member_left", &with_kim)]).await;
    ann.send(t, SendMessage::text(new_msg_id(), 0, "five"))
        .await
        .unwrap();
    told("a message", &[("text", &members)]).await;
    ann.remove_member(t, ann.id()).await.unwrap();
    told("the owner leaves", &[("member_left", &members)]).await;
    bo.send(t, SendMessage::text(new_msg_id(), 0, "six"))
        .await
        .unwrap();
    told(
        "a message",
        &[("text", &["admin", "member", "muted", "shy"])],
    )
    .await;
}
