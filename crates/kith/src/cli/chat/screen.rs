//! What is printed: words for people, or one JSON object a line for programs.

use kith_client::{ClientError, Ending};
use kith_protocol::Timestamp;
use kith_protocol::entry::{Entry, EntryKind};
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};

/// Standard output and standard error.
pub(super) struct Screen {
    json: bool,
    colours: bool,
}

impl Screen {
    /// Colours only where a person looks on who did not say NO_COLOR.
    pub(super) fn new(json: bool) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            json,
            colours: !json && !unwanted && std::io::stdout().is_terminal(),
        }
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    pub(super) fn prompt_help(&self, person: bool) {
        if person && !self.json {
            self.say("Type /help for the commands, /quit to leave.");
        }
    }

    /// The answer to a command: words, or the same as an object.
    pub(super) fn answer(&self, name: &str, value: Value, words: &str) {
        if self.json {
            self.object("answer", name, value);
        } else {
            self.say(words);
        }
    }

    /// Something that happened; no words: only programs are told.
    pub(super) fn event(&self, name: &str, value: Value, words: Option<&str>) {
        if self.json {
            self.object("event", name, value);
        } else if let Some(words) = words {
            self.say(&self.dim(words));
        }
    }

    /// Words for people only.
    pub(super) fn note(&self, words: &str) {
        if !self.json {
            self.say(&self.dim(words));
        }
    }

    /// A line that was not understood or cannot be carried out.
    pub(super) fn mistake(&self, why: &str) {
        if self.json {
            self.object("error", "mistake", json!({ "words": why }));
        } else {
            complain(why);
        }
    }

    /// The server said no, or nothing.
    pub(super) fn refused(&self, error: &ClientError) {
        if self.json {
            let problem = error.problem().map(|problem| json!(problem));
            let value = json!({ "words": error.to_string(), "problem": problem });
            self.object("error", "refused", value);
        } else {
            complain(&error.to_string());
        }
    }

    pub(super) fn session_ended(&self, ending: &Ending) {
        if self.json {
            let value = json!({ "reason": ending.reason, "by": ending.by, "words": ending.words });
            self.object("event", "session_ended", value);
        }
    }

    /// One entry for people: when, which, who, what.
    pub(super) fn entry(&self, place: &str, author: &str, entry: &Entry, what: &str) {
        let seq = entry.seq;
        let when = self.dim(&time(entry.at));
        let number = self.dim(&format!("#{seq}"));
        let author = if entry.kind.is_countable() {
            self.bold(author)
        } else {
            self.dim(author)
        };
        let reply = entry
            .reply_to
            .map_or(String::new(), |to| format!("(to #{to}) "));
        let mut tail = String::new();
        if entry.edited_seq.is_some() && entry.deleted_seq.is_none() {
            tail.push_str(" (edited)");
        }
        for reaction in &entry.reactions {
            tail.push_str(&format!(" [{} {}]", clean(&reaction.emoji), reaction.count));
        }
        let tail = self.dim(&tail);
        self.say(&format!(
            "{when} {number} {place}{author}: {reply}{}{tail}",
            clean(what)
        ));
    }

    fn object(&self, class: &str, name: &str, value: Value) {
        let mut object = json!({ class: name });
        if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), value) {
            object.extend(fields);
        }
        self.say(&object.to_string());
    }

    /// A reader that went away ends the program by itself at the next line.
    fn say(&self, words: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{words}").and_then(|()| out.flush());
    }

    fn dim(&self, words: &str) -> String {
        self.coloured("2", words)
    }

    fn bold(&self, words: &str) -> String {
        self.coloured("1", words)
    }

    fn coloured(&self, code: &str, words: &str) -> String {
        if self.colours && !words.is_empty() {
            format!("\x1b[{code}m{words}\x1b[0m")
        } else {
            words.to_owned()
        }
    }
}

fn complain(words: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "kith: {words}");
}

/// Day and minute, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    let text = at.to_text();
    text.get(5..16)
        .map_or(text.clone(), |short| short.replace('T', " "))
}

/// Text that cannot move the cursor: further lines are set in, other control characters shown.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => "\n    ".to_owned(),
            '\t' => "\t".to_owned(),
            '\r' => String::new(),
            c if c.is_control() => c.escape_unicode().to_string(),
            c => c.to_string(),
        })
        .collect()
}

/// What an entry says, if it says it without the names of others.
pub(super) fn words_of(entry: &Entry) -> String {
    let target = entry
        .target_seq
        .map_or(String::new(), |seq| format!("#{seq}"));
    let emoji = entry.emoji.as_deref().unwrap_or("?");
    let title = entry.title.as_deref().unwrap_or("?");
    match entry.kind {
        _ if entry.deleted_seq.is_some() => "(deleted)".to_owned(),
        EntryKind::Text | EntryKind::Media | EntryKind::Custom => match &entry.text {
            Some(text) => text.clone(),
            None => format!("({} without a text)", entry.kind),
        },
        EntryKind::Created => "made this thread".to_owned(),
        EntryKind::Edit => {
            let text = entry.text.as_deref().unwrap_or("(deleted)");
            format!("changed {target} to: {text}")
        }
        EntryKind::Delete => format!("took {target} back"),
        EntryKind::React => format!("{emoji} on {target}"),
        EntryKind::Unreact => format!("no longer {emoji} on {target}"),
        EntryKind::Title => format!("named this thread {title}"),
        EntryKind::Settings => "changed the settings".to_owned(),
        kind => format!("({kind})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_move_the_cursor() {
        assert_eq!(
            clean("a\x1b[2Jb\r\nc\td\u{9b}"),
            "a\\u{1b}[2Jb\n    c\td\\u{9b}"
        );
    }

    #[test]
    fn times_are_day_and_minute() {
        assert_eq!(time(Timestamp(1_795_251_240_120)), "11-21 08:54");
    }
}
