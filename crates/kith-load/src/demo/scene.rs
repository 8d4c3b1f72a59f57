//! The conversations of the demo that nobody had: written for it, in English and in Chinese.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Who there is and what they say; `demo/scene.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// Of everybody.
    pub password: String,
    /// Handles of those as whom a visitor signs in.
    pub log_in: Vec<String>,
    /// The cast.
    pub people: Vec<Person>,
    /// Pairs of handles.
    pub contacts: Vec<(String, String)>,
    /// Requests that wait for an answer.
    pub requests: Vec<Request>,
    /// In this order, so that the last one stands first in the inbox.
    pub threads: Vec<Thread>,
}

/// Somebody.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their handle.
    pub handle: String,
    /// Their name.
    pub name: String,
    /// What they say of themselves.
    pub about: String,
}

/// A request to become contacts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Who asks.
    pub from: String,
    /// Who is asked.
    pub to: String,
    /// What the request says.
    pub note: String,
}

/// A conversation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thread {
    /// Of a group; a direct thread has none.
    pub title: Option<String>,
    /// The first one opens it.
    pub people: Vec<String>,
    /// How many of the last lines somebody has not read; who is not named has read all.
    #[serde(default)]
    pub unread: BTreeMap<String, usize>,
    /// Who keeps it at the top.
    #[serde(default)]
    pub pinned: Vec<String>,
    /// Who wants no notifications of it.
    #[serde(default)]
    pub muted: Vec<String>,
    /// What somebody has begun to write.
    #[serde(default)]
    pub drafts: BTreeMap<String, String>,
    /// What is said.
    pub lines: Vec<Line>,
}

/// A message. `@handle` in its text names somebody, `@all` everybody.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Who says it.
    pub from: String,
    /// What.
    pub text: String,
    /// The number of the line that it answers; the first is 1.
    pub answers: Option<usize>,
    /// Emoji, and who puts them on it.
    #[serde(default)]
    pub reactions: BTreeMap<String, Vec<String>>,
    /// What its author makes of it later.
    pub edited: Option<String>,
    /// Whether its author takes it back.
    #[serde(default)]
    pub deleted: bool,
}

impl Scene {
    /// The one that comes with this program.
    pub fn built_in() -> Result<Self> {
        serde_json::from_str(include_str!("../../demo/scene.json")).context("demo/scene.json")
    }
}

impl Line {
    /// Handles that it names, each once, in the order of their first mention.
    pub(super) fn named(&self) -> Vec<&str> {
        let mut named = Vec::new();
        for after in self.text.split('@').skip(1) {
            let end = after
                .find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit())
                .unwrap_or(after.len());
            let handle = &after[..end];
            if !handle.is_empty() && !named.contains(&handle) {
                named.push(handle);
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_protocol::text::{check_emoji, check_handle, check_password, check_text};

    #[test]
    fn everybody_in_the_scene_is_in_the_cast_and_within_bounds() {
        let scene = Scene::built_in().expect("a good scene");
        check_password("password", &scene.password).expect("a good password");
        let cast: Vec<&str> = scene.people.iter().map(|who| &*who.handle).collect();
        let is_cast = |handle: &str| assert!(cast.contains(&handle), "{handle}");
        for handle in &cast {
            check_handle("handle", handle).expect("a good handle");
        }
        scene.log_in.iter().for_each(|handle| is_cast(handle));
        for (one, other) in &scene.contacts {
            is_cast(one);
            is_cast(other);
        }
        for thread in &scene.threads {
            let is_member = |handle: &str| {
                is_cast(handle);
                assert!(
                    thread.people.iter().any(|who| who == handle),
                    "{handle}: {thread:?}"
                );
            };
            for handle in thread.pinned.iter().chain(&thread.muted) {
                is_member(handle);
            }
            thread.drafts.keys().for_each(|handle| is_member(handle));
            for (reader, &count) in &thread.unread {
                is_member(reader);
                let unread = &thread.lines[thread.lines.len() - count..];
                let is_good = |line: &Line| line.from != *reader && !line.deleted;
                assert!(
                    unread.iter().all(is_good),
                    "{reader} cannot have read less: {thread:?}"
                );
            }
            for (number, line) in thread.lines.iter().enumerate() {
                is_member(&line.from);
                check_text("text", &line.text).expect("a good text");
                assert!(
                    line.answers
                        .is_none_or(|answered| (1..=number).contains(&answered))
                );
                for (emoji, who) in &line.reactions {
                    check_emoji("emoji", emoji).expect("a good emoji");
                    who.iter().for_each(|handle| is_member(handle));
                }
                let people = line.named().into_iter().filter(|named| *named != "all");
                people.for_each(is_member);
            }
        }
    }
}
