//! Everything that reads what strangers write, fed with bytes: by the fuzzer (`make fuzz`), and by a test
//! that replays its corpus. Nothing may panic, and what is accepted must mean the same when it is written
//! and read again.

use crate::config::Config;
use crate::http::input::read_query;
use crate::{inbox, message, sync};
use kith_protocol::contact::AskContact;
use kith_protocol::entry::{DeleteMessage, EditMessage, PageQuery, SendMessage, SetMark};
use kith_protocol::frame::{Incoming, Received};
use kith_protocol::presence::{Heartbeat, PushAddressQuery};
use kith_protocol::session::{EndSessions, Login, Register};
use kith_protocol::sync::SyncQuery;
use kith_protocol::thread::{
    AddMembers, ByParticipants, CreateThread, InboxQuery, PatchMember, PatchMine, PatchThread,
    Typing, check_title,
};
use kith_protocol::user::{ChangePassword, FindUsers, PatchMe, check_about, check_display_name};
use kith_protocol::{ThreadId, Timestamp, UserId, ext, input, text};
use kith_store::embedded::fuzz;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::path::Path;
use uuid::Uuid;

/// Something that reads bytes.
pub struct Target {
    /// Its name: of the file in `fuzz/fuzz_targets` and of the folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Feeds it. Panics if something is wrong with it.
    pub feed: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 11] = [
    target("client_frame", client_frame),
    target("server_frame", server_frame),
    target("body", body),
    target("query", query),
    target("cursor", cursor),
    target("ext", extension),
    target("text", texts),
    target("config", config),
    target("row", fuzz::row),
    target("key", fuzz::key),
    target("segment", fuzz::segment),
];

const fn target(name: &'static str, feed: fn(&[u8])) -> Target {
    Target { name, feed }
}

/// Feeds the target of this name.
///
/// # Panics
/// If there is none, or if something is wrong with it.
pub fn feed(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let Some(target) = target else {
        panic!("there is no target {name}");
    };
    (target.feed)(bytes);
}

/// What clients send on a socket.
fn client_frame(bytes: &[u8]) {
    let Ok(received) = Received::parse(bytes) else {
        return;
    };
    let Ok(frame) = received.frame else { return };
    let written = frame.encode(received.id.as_deref());
    let again = Received::parse(written.as_bytes()).map(|again| (again.id, again.frame));
    let Ok((id, Ok(again))) = again else {
        panic!("{written} is not read again");
    };
    assert_eq!(id, received.id);
    assert_eq!(again.encode(id.as_deref()), written);
}

/// What a server sends on a socket.
fn server_frame(bytes: &[u8]) {
    let Ok(json) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(Incoming::Push(frame)) = Incoming::parse(json) {
        let written = frame.encode();
        match Incoming::parse(&written) {
            Ok(Incoming::Push(again)) => assert_eq!(again.encode(), written),
            other => panic!("{written} is read as {other:?}"),
        }
    }
}

/// Every request that has a JSON body.
fn body(json: &[u8]) {
    one_body::<Register>(json);
    one_body::<Login>(json);
    one_body::<ChangePassword>(json);
    one_body::<AskContact>(json);
    one_body::<CreateThread>(json);
    one_body::<PatchMine>(json);
    one_body::<AddMembers>(json);
    one_body::<PatchMember>(json);
    one_body::<Typing>(json);
    one_body::<SetMark>(json);
    one_body::<Heartbeat>(json);
    if let Some(patch) = one_body::<PatchMe>(json) {
        let _ = patch.display_name.as_deref().map(check_display_name);
        let _ = patch.about.as_deref().map(check_about);
    }
    if let Some(patch) = one_body::<PatchThread>(json) {
        let _ = patch.check();
    }
    if let Some(edit) = one_body::<EditMessage>(json) {
        let _ = message::edit_act(1, edit);
    }
    if let Some(send) = one_body::<SendMessage>(json) {
        let _ = message::send_act(send);
    }
}

fn one_body<T: Serialize + DeserializeOwned>(json: &[u8]) -> Option<T> {
    let read = input::parse::<T>(json).ok()?;
    let written = written(&read);
    match input::parse::<T>(written.as_bytes()) {
        Ok(again) => assert_eq!(self::written(&again), written),
        Err(bad) => panic!("{written} is not read again: {bad:?}"),
    }
    Some(read)
}

fn written<T: Serialize>(value: &T) -> String {
    match serde_json::to_string(value) {
        Ok(json) => json,
        Err(error) => panic!("what was read cannot be written: {error}"),
    }
}

/// Every query string.
fn query(bytes: &[u8]) {
    let Ok(query) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = read_query::<SyncQuery>(query);
    let _ = read_query::<InboxQuery>(query);
    let _ = read_query::<FindUsers>(query);
    let _ = read_query::<ByParticipants>(query);
    let _ = read_query::<EndSessions>(query);
    let _ = read_query::<PushAddressQuery>(query);
    if let Ok(page) = read_query::<PageQuery>(query) {
        let _ = page.check();
    }
    if let Ok(delete) = read_query::<DeleteMessage>(query) {
        let _ = message::delete_act(1, delete);
    }
}

/// Cursors of sync and inbox, and the other words that stand for something.
fn cursor(bytes: &[u8]) {
    let Ok(word) = std::str::from_utf8(bytes) else {
        return;
    };
    // The seeds are cursors of this user.
    let user = UserId(Uuid::nil());
    if let Ok(written) = sync::reread_cursor(word, user) {
        let again = sync::reread_cursor(&written, user);
        assert_eq!(again.ok().as_deref(), Some(&*written));
    }
    if let Ok(written) = inbox::reread_cursor(word) {
        let again = inbox::reread_cursor(&written);
        assert_eq!(again.ok().as_deref(), Some(&*written));
    }
    if let Some(id) = ThreadId::parse(word) {
        assert_eq!(id.to_string(), word);
    }
    if let Some(at) = Timestamp::parse(word) {
        assert_eq!(Timestamp::parse(&at.to_text()), Some(at));
    }
}

/// `ext` of a message: what is kept means what was sent.
fn extension(bytes: &[u8]) {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(bytes) else {
        return;
    };
    let Ok(kept) = ext::checked("ext", raw) else {
        return;
    };
    let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).ok();
    assert_eq!(value(&kept), value(raw.get()), "{kept}");
    let again = RawValue::from_string(kept.clone()).map(|raw| ext::checked("ext", &raw));
    assert!(matches!(again, Ok(Ok(again)) if again == kept), "{kept}");
}

/// Texts and names: what a rule makes of one, it leaves as it is.
fn texts(bytes: &[u8]) {
    let Ok(words) = std::str::from_utf8(bytes) else {
        return;
    };
    if text::check_text("text", words).is_ok() {
        assert!(!text::is_blank(words), "{words:?} is blank");
    }
    for rule in [check_display_name, check_about, check_title] {
        if let Ok(name) = rule(words) {
            assert_eq!(rule(&name).ok().as_ref(), Some(&name), "{words:?}");
        }
    }
    let _ = text::check_handle("handle", words);
    let _ = text::check_password("password", words);
    let _ = text::check_emoji("emoji", words);
}

/// A configuration file.
fn config(bytes: &[u8]) {
    let Ok(toml) = std::str::from_utf8(bytes) else {
        return;
    };
    match Config::of_text(toml, Path::new("kith.toml")) {
        Ok(config) => assert_eq!(config.check(), Ok(()), "is accepted, and wrong"),
        Err(errors) => assert!(!errors.sentences().is_empty(), "is refused without a word"),
    }
}
