//! A line of the table, and how it is written.

use super::cast::{KINDS, Kind, Person, World};
use kith_client::new_msg_id;
use serde_json::{Value, json};

type Call = Box<dyn Fn(&World<'_>, &Person) -> (String, Value)>;

/// One line of the table.
pub(super) struct Row {
    /// Method and path as the code has them, or `frame` and its word.
    pub(super) door: &'static str,
    /// What is done with it.
    pub(super) what: &'static str,
    /// What comes of it, a word for each kind that has one of its own.
    expected: &'static str,
    /// What comes of it for who came back, if it is not what comes of it for other members.
    rejoined: Option<&'static str>,
    /// It changes what other lines rest on: it gets a world of its own.
    pub(super) alone: bool,
    pub(super) call: Call,
}

impl Row {
    /// What comes of it, a word for each kind. Who came back is a member as others are, and a device that
    /// another one has revoked is signed out as others are.
    pub(super) fn cells(&self) -> Vec<&'static str> {
        let own: Vec<&str> = self.expected.split_whitespace().collect();
        let [
            owner,
            admin,
            member,
            muted,
            ex,
            stranger,
            blocked,
            former,
            out,
        ] = own[..]
        else {
            panic!("{} ({}) has {} words", self.door, self.what, own.len());
        };
        let rejoined = self.rejoined.unwrap_or(member);
        vec![
            owner, admin, member, rejoined, muted, ex, stranger, blocked, former, former, out,
        ]
    }

    /// What comes of it when this kind tries.
    pub(super) fn cell(&self, kind: Kind) -> &'static str {
        let column = KINDS.iter().position(|other| *other == kind);
        self.cells()[column.expect("every kind has a column")]
    }

    pub(super) fn rejoined(mut self, word: &'static str) -> Self {
        self.rejoined = Some(word);
        self
    }

    pub(super) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }
}

pub(super) fn row(
    door: &'static str,
    what: &'static str,
    expected: &'static str,
    call: impl Fn(&World<'_>, &Person) -> (String, Value) + 'static,
) -> Row {
    Row {
        door,
        what,
        expected,
        rejoined: None,
        alone: false,
        call: Box::new(call),
    }
}

/// A path below the thread, without a body.
pub(super) fn at(person: &Person, rest: &str) -> (String, Value) {
    with(person, rest, Value::Null)
}

/// A path below the thread, with a body.
pub(super) fn with(person: &Person, rest: &str, body: Value) -> (String, Value) {
    (format!("/v1/threads/{}{rest}", person.thread), body)
}

pub(super) fn plain(path: &'static str) -> impl Fn(&World<'_>, &Person) -> (String, Value) {
    move |_, _| (path.to_owned(), Value::Null)
}

pub(super) fn text() -> Value {
    json!({"client_msg_id": new_msg_id(), "seen_head": 0, "text": "x"})
}

pub(super) fn key() -> String {
    format!("client_msg_id={}&seen_head=0", new_msg_id())
}

/// A frame about the thread.
pub(super) fn about(person: &Person, more: Value) -> (String, Value) {
    let mut frame = more;
    frame["thread_id"] = json!(person.thread);
    (String::new(), frame)
}

pub(super) fn about_text(person: &Person, seq: Option<u64>) -> (String, Value) {
    let mut frame = text();
    if let Some(seq) = seq {
        frame["seq"] = json!(seq);
    }
    about(person, frame)
}

pub(super) fn device() -> Value {
    json!({"kind": "web", "label": "tests"})
}
// Columns:                    owner         admin         member        muted         ex-member     stranger      blocked       former        signed out
pub(super) const ALL_200: &str = "200 200 200 200 200 200 200 session_revoked unauthorized";
pub(super) const ALL_204: &str = "204 204 204 204 204 204 204 session_revoked unauthorized";
pub(super) const READERS: &str = "200 200 200 200 200 not_found 200 session_revoked unauthorized";
pub(super) const MEMBERS_200: &str =
    "200 200 200 200 not_a_member not_found 200 session_revoked unauthorized";
pub(super) const MANAGERS_200: &str =
    "200 200 forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized";
pub(super) const MANAGERS_204: &str =
    "204 204 forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized";
pub(super) const OWNERS_204: &str = "204 forbidden forbidden forbidden not_a_member not_found forbidden session_revoked unauthorized";
pub(super) const WRITERS_204: &str =
    "204 204 204 forbidden not_a_member not_found blocked session_revoked unauthorized";
