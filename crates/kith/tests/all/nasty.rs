//! Texts that break chats, over both doors: what is accepted comes back code point for code point,
//! what is refused names its reason, and nobody else notices.

use crate::support::wire::{Heard, Outcome, Wire};
use crate::support::{PASSWORD, Server};
use kith_client::{Session, new_msg_id};
use kith_protocol::ThreadId;
use kith_protocol::entry::PageQuery;
use kith_protocol::frame::FRAME_MAX_BYTES;
use kith_protocol::sync::{SyncQuery, SyncThread};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// A preview holds at least so many characters of a longer text.
const PREVIEW_CHARS_MIN: usize = 60;

struct Case {
    name: String,
    why: String,
    accepted: bool,
    /// What stands in JSON where the string of the text stands.
    wire: Vec<u8>,
    /// What that says, if it says a text.
    text: Option<String>,
}

fn cases() -> Vec<Case> {
    let lines = include_str!("../data/nasty.jsonl").lines();
    let cases: Vec<Case> = lines
        .map(|line| case(&serde_json::from_str(line).unwrap()))
        .collect();
    assert_eq!(cases.len(), 267);
    assert_eq!(cases.iter().filter(|case| case.accepted).count(), 200);
    cases
}

fn case(row: &Value) -> Case {
    let text = |name: &str| row.get(name).map(|text| text.as_str().unwrap().to_owned());
    let whole = text("text").or_else(|| row.get("repeat").map(repeated));
    let wire = match (&whole, text("json"), text("hex")) {
        (Some(whole), None, None) => serde_json::to_vec(whole).unwrap(),
        (None, Some(json), None) => json.into_bytes(),
        (None, None, Some(hex)) => {
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            let bytes = (0..hex.len()).step_by(2).map(byte);
            [b"\"".to_vec(), bytes.collect(), b"\"".to_vec()].concat()
        }
        _ => panic!("{row}"),
    };
    let accepted = match row["expect"].as_str() {
        Some("accept_verbatim") => true,
        Some("reject") => false,
        _ => panic!("{row}"),
    };
    Case {
        name: text("name").unwrap(),
        why: text("why").unwrap(),
        accepted,
        text: whole.or_else(|| serde_json::from_slice(&wire).ok()),
        wire,
    }
}

fn repeated(row: &Value) -> String {
    let text = |name: &str| row.get(name).map_or("", |text| text.as_str().unwrap());
    let count = row["count"].as_u64().unwrap() as usize;
    let whole = format!(
        "{}{}{}",
        text("prefix"),
        text("unit").repeat(count),
        text("suffix")
    );
    assert_eq!(whole.len() as u64, row["bytes"].as_u64().unwrap());
    whole
}

/// Ann writes, bo listens.
struct Place {
    server: Server,
    ann: Session,
    bo: Session,
    thread: ThreadId,
    listening: Wire,
    cursor: Option<String>,
    head: u64,
}

impl Place {
    async fn open() -> Self {
        let server = Server::start().await;
        let ann = server.join("ann").await;
        let bo = server.join("bo-lund").await;
        let thread = ann.group("tea", &[bo.id()]).await.unwrap().thread.id;
        let listening = Wire::open(&server, &bo).await;
        let mut place = Self {
            server,
            ann,
            bo,
            thread,
            listening,
            cursor: None,
            head: 1,
        };
        place.preview().await;
        place
    }

    /// A message with these bytes where its text stands.
    fn body(&self, case: &Case, frame: &str) -> Vec<u8> {
        let id = new_msg_id();
        let start = format!(r#"{{{frame}"client_msg_id":"{id}","seen_head":0,"text":"#);
        [start.as_bytes(), &case.wire, b"}"].concat()
    }

    /// The preview that sync tells bo of, if the thread changed.
    async fn preview(&mut self) -> Option<String> {
        let query = SyncQuery {
            cursor: self.cursor.take(),
            ..SyncQuery::default()
        };
        let sync = self.bo.sync(query).await.unwrap();
        self.cursor = Some(sync.cursor);
        sync.threads.into_iter().find_map(|thread| match thread {
            SyncThread::Row(row) if row.thread.id == self.thread => row.head.preview?.text,
            _ => None,
        })
    }

    /// The message came everywhere just as it was sent.
    async fn came(&mut self, case: &Case) {
        let text = case.text.as_deref().unwrap();
        self.head += 1;
        let page = self.ann.page(self.thread, newest()).await.unwrap();
        let entry = page.items.last().unwrap();
        assert_eq!(entry.seq, self.head, "{}", case.name);
        assert!(entry.text.as_deref() == Some(text), "page: {}", case.name);
        let pushed = self.pushed().await;
        assert_eq!(pushed["seq"], self.head);
        assert!(pushed["text"] == text, "push: {}", case.name);
        let preview = self.preview().await.unwrap();
        let whole = preview == text;
        let start = text.starts_with(&preview) && preview.chars().count() >= PREVIEW_CHARS_MIN;
        assert!(whole || start, "preview: {}", case.name);
    }

    async fn pushed(&mut self) -> Value {
        loop {
            match self.listening.next().await {
                Heard::Frame(mut frame) if frame["t"] == "entry" => {
                    assert_eq!(frame["entries"].as_array().unwrap().len(), 1);
                    return frame["entries"][0].take();
                }
                Heard::Frame(_) => {}
                end => panic!("{end:?}"),
            }
        }
    }

    /// Nothing came anywhere.
    async fn nothing_came(&mut self, case: &Case) {
        let page = self.ann.page(self.thread, newest()).await.unwrap();
        assert_eq!(page.items.last().unwrap().seq, self.head, "{}", case.name);
        self.listening.is_alive().await;
        assert!(
            self.listening
                .pushes
                .iter()
                .all(|push| push["t"] != "entry"),
            "{}",
            case.name
        );
        assert_eq!(self.preview().await, None, "{}", case.name);
    }
}

fn newest() -> PageQuery {
    PageQuery {
        limit: Some(1),
        ..PageQuery::default()
    }
}

/// How a socket ends for bytes that are no frame; none: it does not.
fn close_code(case: &Case, frame: &[u8]) -> Option<u16> {
    if frame.len() > FRAME_MAX_BYTES {
        Some(1009)
    } else if std::str::from_utf8(frame).is_err() {
        Some(1007)
    } else if serde_json::from_slice::<IgnoredAny>(&case.wire).is_err() {
        Some(4104)
    } else {
        None
    }
}

#[tokio::test]
async fn nasty_texts_come_back_verbatim_or_are_refused_over_http() {
    let mut place = Place::open().await;
    let path = format!("/v1/threads/{}/messages", place.thread);
    for case in cases() {
        let body = place.body(&case, "");
        let answer = place.ann.raw("POST", &path, &[], body).await;
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let outcome = Outcome::of_http(&answer);
        if case.accepted {
            assert_eq!(outcome.status, 201, "{}: {outcome:?}", case.name);
            place.came(&case).await;
            continue;
        }
        let large = case.wire.len() > 65_536;
        let code = if large { "too_large" } else { "invalid_field" };
        assert_eq!(outcome.code, code, "{} ({})", case.name, case.why);
        let problem = answer.problem().unwrap();
        assert!(
            problem.detail.is_some_and(|why| !why.is_empty()),
            "{}",
            case.name
        );
        if case.wire.len() < 1 << 20 {
            let named = ["text", "body"].contains(&outcome.field.as_str());
            assert!(named, "{}: {outcome:?}", case.name);
        }
        if case.text.is_some() && case.wire.len() < 1 << 20 {
            assert_eq!(outcome.field, "text", "{}", case.name);
        }
        place.nothing_came(&case).await;
    }
}

#[tokio::test]
async fn nasty_texts_come_back_verbatim_or_are_refused_on_a_socket() {
    let mut place = Place::open().await;
    let mut wire = Wire::open(&place.server, &place.ann).await;
    for case in cases() {
        let start = format!(r#""t":"send","id":"s","thread_id":"{}","#, place.thread);
        let frame = place.body(&case, &start);
        let close = close_code(&case, &frame);
        wire.bytes(frame).await;
        if let Some(code) = close {
            assert!(!case.accepted, "{}", case.name);
            assert_eq!(wire.closed().await, Some(code), "{}", case.name);
            wire = Wire::open(&place.server, &place.ann).await;
            place.nothing_came(&case).await;
            continue;
        }
        let answer = wire.answer(Some("s")).await;
        let outcome = Outcome::of_frame(&answer);
        if case.accepted {
            assert!(outcome.is_done(), "{}: {answer}", case.name);
            place.came(&case).await;
            edited(&mut wire, &place, &case).await;
            place.head += 1;
            let edit = place.pushed().await;
            assert!(
                edit["text"] == case.text.as_deref().unwrap(),
                "{}",
                case.name
            );
            place.preview().await;
        } else {
            let large = case.wire.len() > 65_536;
            let code = if large { "too_large" } else { "invalid_field" };
            assert_eq!(
                (outcome.code.as_str(), outcome.field.as_str()),
                (code, "text"),
                "{}",
                case.name
            );
            assert!(
                answer["detail"].as_str().is_some_and(|why| !why.is_empty()),
                "{}",
                case.name
            );
            wire.is_alive().await;
            place.nothing_came(&case).await;
        }
    }
}

/// An edit to the same text, of the message just sent: it comes back as well.
async fn edited(wire: &mut Wire, place: &Place, case: &Case) {
    let (id, seq) = (new_msg_id(), place.head);
    let frame = json!({"t": "edit", "thread_id": place.thread, "seq": seq, "client_msg_id": id,
        "seen_head": seq, "text": case.text});
    let answer = wire.ask(frame).await;
    assert_eq!(answer["t"], "ok", "{}: {answer}", case.name);
    let around = PageQuery {
        before: Some(seq + 1),
        ..newest()
    };
    let page = place.ann.page(place.thread, around).await.unwrap();
    assert_eq!(page.items[0].edited_seq, Some(seq + 1), "{}", case.name);
    assert!(page.items[0].text == case.text, "edit: {}", case.name);
}

#[tokio::test]
async fn look_alikes_of_handles_are_no_handles() {
    let server = Server::start().await;
    let mut seen = 0;
    for case in cases()
        .iter()
        .filter(|case| case.name.starts_with("handle-"))
    {
        let body = json!({"handle": case.text, "password": PASSWORD, "device": {"kind": "web", "label": "tests"}});
        let answer = server
            .api()
            .raw("POST", "/v1/register", &[], body.to_string())
            .await
            .unwrap();
        let outcome = Outcome::of_http(&answer);
        // Its dot is a character of handles; where it ends in a mention is the reader's matter.
        if case.name == "handle-trailing-dot" {
            assert_eq!(outcome.status, 201);
        } else {
            assert_eq!(
                (outcome.code.as_str(), outcome.field.as_str()),
                ("invalid_field", "handle"),
                "{}",
                case.name
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 9);
}

/// What names lose: they stand in lines with the words of others.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[tokio::test]
async fn nasty_names_are_kept_without_bidi_controls_or_refused() {
    let place = Place::open().await;
    let t = format!("/v1/threads/{}", place.thread);
    let (mut kept, mut refused) = (0, 0);
    for case in cases() {
        let Some(text) = &case.text else { continue };
        let without: String = text.chars().filter(|c| !is_bidi_control(*c)).collect();
        for (path, field) in [
            ("/v1/me", "display_name"),
            ("/v1/me", "about"),
            (t.as_str(), "title"),
        ] {
            let before = place.ann.raw("GET", path, &[], "").await.unwrap();
            let body = json!({ field: text }).to_string();
            let answer = place.ann.raw("PATCH", path, &[], body).await.unwrap();
            let outcome = Outcome::of_http(&answer);
            let after = place.ann.raw("GET", path, &[], "").await.unwrap();
            if outcome.is_done() {
                let row: Value = answer.json().unwrap();
                assert!(row[field] == without, "{field}: {}", case.name);
                let seen = if path == "/v1/me" {
                    format!("/v1/users/{}", place.ann.id())
                } else {
                    t.clone()
                };
                let row: Value = place
                    .bo
                    .raw("GET", &seen, &[], "")
                    .await
                    .unwrap()
                    .json()
                    .unwrap();
                assert!(row[field] == without, "{field}: {}", case.name);
                kept += 1;
            } else {
                let too_large = text.len() >= 1 << 20;
                assert!(
                    outcome.field == field || too_large,
                    "{}: {outcome:?}",
                    case.name
                );
                assert_eq!(after.body, before.body, "{field}: {}", case.name);
                refused += 1;
            }
            // A line break is the one thing that a text about oneself may have and a name may not.
            let control = text
                .chars()
                .any(|c| c.is_control() && (field != "about" || !matches!(c, '\t' | '\n' | '\r')));
            let short = text.len() <= 120 && text.chars().count() <= 60;
            if control {
                assert!(!outcome.is_done(), "{field}: {}", case.name);
            } else if short && case.accepted {
                assert!(outcome.is_done(), "{field}: {} {outcome:?}", case.name);
            }
        }
    }
    assert!(kept > 300 && refused > 60, "{kept} and {refused}");
}

#[tokio::test]
async fn nasty_drafts_and_exts_come_back_verbatim() {
    let mut place = Place::open().await;
    let t = format!("/v1/threads/{}", place.thread);
    let mut version = 0;
    for case in cases().iter().filter(|case| case.accepted) {
        let text = case.text.as_deref().unwrap();
        let body = json!({"draft": {"text": text, "version": version}}).to_string();
        let answer = place
            .ann
            .raw("PATCH", &format!("{t}/mine"), &[], body)
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{}", case.name);
        let mine: Value = answer.json().unwrap();
        assert!(mine["draft"]["text"] == text, "{}", case.name);
        version = mine["draft"]["version"].as_u64().unwrap();
        let ext = json!({ "k": text, text: [text] });
        if ext.to_string().len() > 16_384 {
            continue;
        }
        let body =
            json!({"client_msg_id": new_msg_id(), "seen_head": 0, "kind": "custom", "ext": ext});
        let answer = place
            .ann
            .raw("POST", &format!("{t}/messages"), &[], body.to_string())
            .await
            .unwrap();
        assert_eq!(answer.status, 201, "{}", case.name);
        assert!(place.pushed().await["ext"] == ext, "push: {}", case.name);
        let page = place
            .bo
            .raw("GET", &format!("{t}/messages?limit=1"), &[], "")
            .await
            .unwrap();
        let page: Value = page.json().unwrap();
        assert!(page["items"][0]["ext"] == ext, "page: {}", case.name);
    }
}
