//! Direct threads: who may write to somebody who takes messages of contacts only, what a block does to
//! either side, and what the other one hears of it.

use super::cast::shown;
use crate::support::Server;
use crate::support::wire::{Outcome, Wire};
use kith_client::{Session, new_msg_id, new_thread_id};
use kith_protocol::ThreadId;
use kith_protocol::contact::AskContact;
use kith_protocol::entry::SendMessage;
use kith_protocol::user::{DirectAudience, PatchMe, PrivacyPatch};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// The kinds of pairs, in the order of the columns: what the one who tries is to ann, who takes messages of
/// contacts only.
pub(super) const KINDS: [&str; 7] = [
    "contact",
    "former contact",
    "written to by ann",
    "no contact",
    "blocked by ann",
    "blocks ann",
    "blocked both ways",
];

/// One line of the table.
pub(super) struct Row {
    pub(super) door: &'static str,
    pub(super) what: &'static str,
    expected: &'static str,
    /// What ann hears if it is done.
    pub(super) heard: &'static str,
    body: fn(&Pair) -> Value,
}

impl Row {
    /// What comes of it, a word for each kind.
    pub(super) fn cells(&self) -> Vec<&'static str> {
        let cells: Vec<&str> = self.expected.split_whitespace().collect();
        assert_eq!(cells.len(), KINDS.len(), "{} ({})", self.door, self.what);
        cells
    }
}

/// Somebody who tries, with ann on the other side.
struct Pair {
    session: Session,
    ann: Session,
    hears: Wire,
    thread: ThreadId,
    /// A message of each, if there is a thread.
    anns: u64,
    own: u64,
}

const OPEN: &str = "200 200 200 not_found 200 200 200";
const SAID: &str = "201 contacts_only contacts_only not_found blocked blocked blocked";
const WRITTEN: &str = "200 contacts_only contacts_only not_found blocked blocked blocked";
const PUT: &str = "204 contacts_only contacts_only not_found blocked blocked blocked";
const OWNED: &str = "forbidden forbidden forbidden not_found forbidden forbidden forbidden";

pub(super) fn rows() -> Vec<Row> {
    let row = |door, what, expected, heard, body| Row {
        door,
        what,
        expected,
        heard,
        body,
    };
    vec![
        row("GET /v1/threads/{t}", "", OPEN, "", |_| Value::Null),
        row("GET /v1/threads/{t}/messages", "", OPEN, "", |_| {
            Value::Null
        }),
        row("GET /v1/threads/{t}/members", "", OPEN, "", |_| Value::Null),
        row(
            "GET /v1/threads/{t}/receipts?seq={ann's}",
            "",
            OPEN,
            "",
            |_| Value::Null,
        ),
        row(
            "PATCH /v1/threads/{t}/mine",
            "",
            OPEN,
            "",
            |_| json!({"pinned": true}),
        ),
        row(
            "PATCH /v1/threads/{t}",
            "title",
            OWNED,
            "",
            |_| json!({"title": "tea"}),
        ),
        row(
            "PUT /v1/threads/{t}/delivered",
            "",
            OPEN,
            "receipt",
            |pair| json!({"seq": pair.anns}),
        ),
        row(
            "PUT /v1/threads/{t}/read",
            "",
            OPEN,
            "receipt",
            |pair| json!({"seq": pair.anns}),
        ),
        row(
            "POST /v1/threads/{t}/typing",
            "",
            PUT,
            "typing",
            |_| json!({"active": true}),
        ),
        row("POST /v1/threads/{t}/messages", "", SAID, "text", |_| {
            text()
        }),
        row(
            "PATCH /v1/threads/{t}/messages/{own}",
            "",
            WRITTEN,
            "edit",
            |_| text(),
        ),
        row(
            "PUT /v1/threads/{t}/messages/{ann's}/reactions/y",
            "",
            PUT,
            "react",
            |_| Value::Null,
        ),
        row(
            "DELETE /v1/threads/{t}/messages/{ann's}/reactions/x",
            "",
            PUT,
            "unreact",
            |_| Value::Null,
        ),
        row(
            "DELETE /v1/threads/{t}/messages/{own}?{key}",
            "",
            OPEN,
            "delete",
            |_| Value::Null,
        ),
        row(
            "POST /v1/threads",
            "directly with ann",
            "200 contacts_only contacts_only contacts_only blocked blocked blocked",
            "",
            |pair| {
                json!({
                    "kind": "direct",
                    "participants": [pair.ann.id()],
                    "client_thread_id": new_thread_id(),
                })
            },
        ),
    ]
}

fn text() -> Value {
    json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"})
}

impl Pair {
    /// Brings two people to where the column says.
    async fn new(server: &Server, column: usize) -> Self {
        let session = server.join(&format!("trying-{column}")).await;
        let ann = server.join(&format!("ann-{column}")).await;
        let thread = ThreadId::direct(session.id(), ann.id());
        let hears = Wire::open(server, &ann).await;
        let kind = KINDS[column];
        let (mut anns, mut own) = (1, 1);
        if kind != "no contact" {
            befriend(&ann, &session).await;
            ann.direct(session.id()).await.unwrap();
            own = say(&session, thread).await;
            anns = say(&ann, thread).await;
            session.react(thread, anns, "x").await.unwrap();
        }
        if kind == "former contact" || kind == "written to by ann" {
            // Being written to makes nobody a contact.
            ann.part(session.id()).await.unwrap();
        }
        if kind == "blocked by ann" || kind == "blocked both ways" {
            ann.block(session.id()).await.unwrap();
        }
        if kind == "blocks ann" || kind == "blocked both ways" {
            session.block(ann.id()).await.unwrap();
        }
        let contacts_only = PrivacyPatch {
            direct: Some(DirectAudience::Contacts),
            ..PrivacyPatch::default()
        };
        let patch = PatchMe {
            privacy: Some(contacts_only),
            ..PatchMe::default()
        };
        ann.patch_me(&patch).await.unwrap();
        if kind == "written to by ann" {
            say(&ann, thread).await;
        }
        let mut pair = Self {
            session,
            ann,
            hears,
            thread,
            anns,
            own,
        };
        pair.heard(server).await;
        pair
    }

    async fn tried(&self, row: &Row) -> String {
        let (method, path) = row.door.split_once(' ').unwrap();
        let key = format!("client_msg_id={}&seen_head=0", new_msg_id());
        let path = path
            .replace("{t}", &self.thread.to_string())
            .replace("{ann's}", &self.anns.to_string())
            .replace("{own}", &self.own.to_string())
            .replace("{key}", &key);
        let body = match (row.body)(self) {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let answer = self.session.api().raw(method, &path, &[], body).await;
        shown(&Outcome::of_http(&answer.unwrap()))
    }

    /// What ann has heard since.
    async fn heard(&mut self, server: &Server) -> Vec<String> {
        server.pass(Duration::from_secs(2)).await;
        self.hears.is_alive().await;
        let frames = std::mem::take(&mut self.hears.pushes);
        frames.iter().map(super::told::brief).collect()
    }
}

async fn befriend(a: &Session, b: &Session) {
    let ask = AskContact {
        user_id: b.id(),
        note: None,
    };
    let request = a.ask_contact(&ask).await.unwrap();
    b.accept_contact(request.id).await.unwrap();
}

async fn say(session: &Session, thread: ThreadId) -> u64 {
    let text = SendMessage::text(new_msg_id(), 0, "hello");
    session.send(thread, text).await.unwrap().seq
}

#[tokio::test]
async fn in_direct_threads_everybody_may_do_what_the_table_says_and_nothing_refused_is_heard() {
    let server = Server::start().await;
    let mut wrong = String::new();
    for (column, kind) in KINDS.iter().enumerate() {
        let mut pair = Pair::new(&server, column).await;
        for row in rows() {
            let (got, expected) = (pair.tried(&row).await, row.cells()[column]);
            let heard = pair.heard(&server).await.join(" ");
            let done = got.starts_with('2');
            let to_hear = if done { row.heard } else { "" };
            if got != expected
                || !heard.starts_with(to_hear)
                || heard.is_empty() != to_hear.is_empty()
            {
                writeln!(
                    wrong,
                    "{} ({}), {kind}: {got}, not {expected}; heard {heard:?}, not {to_hear:?}",
                    row.door, row.what
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
