//! Recorded conversations: JSON lines with `room`, `from` and `text`, plain or gzip.

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Somebody who writes in a recording; an index into [`Recording::people`].
pub type Person = usize;

/// Everything that was read, with names replaced by numbers.
#[derive(Debug, Default)]
pub struct Recording {
    /// Who writes.
    pub people: Vec<Author>,
    /// Where, in the order of their first lines.
    pub rooms: Vec<Room>,
}

/// An account to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// What stands in the file.
    pub nick: String,
    /// A handle by the server's rules.
    pub handle: String,
}

/// A room and what was said in it.
#[derive(Debug)]
pub struct Room {
    /// File and name.
    pub name: String,
    /// In the order of the file.
    pub lines: Vec<Line>,
    by_nick: FxHashMap<String, Person>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who wrote it.
    pub from: Person,
    /// Exactly as recorded.
    pub text: String,
    /// An IRC `/me`.
    pub is_action: bool,
}

impl Recording {
    /// Reads files one after the other. The same nickname in two files is two people. `tag` goes
    /// into the handles, so that a server can take the same recording twice.
    pub fn read(files: &[impl AsRef<Path>], tag: u64) -> Result<Self> {
        Self::read_some(files, tag, usize::MAX)
    }

    /// The same, but at most `lines_max` of each file, from its beginning.
    pub fn read_some(files: &[impl AsRef<Path>], tag: u64, lines_max: usize) -> Result<Self> {
        let mut recording = Self::default();
        for path in files {
            let path = path.as_ref();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let stem = name.split('.').next().unwrap_or_default().to_owned();
            let reader = open(path).with_context(|| path.display().to_string())?;
            recording
                .add(&stem, reader, tag, lines_max)
                .with_context(|| path.display().to_string())?;
        }
        ensure!(!recording.rooms.is_empty(), "no messages in the files");
        Ok(recording)
    }

    pub(super) fn add(
        &mut self,
        file: &str,
        lines: impl BufRead,
        tag: u64,
        lines_max: usize,
    ) -> Result<()> {
        let mut people: FxHashMap<String, Person> = FxHashMap::default();
        let mut rooms: FxHashMap<String, usize> = FxHashMap::default();
        for (number, line) in lines.lines().take(lines_max).enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let row: Row =
                serde_json::from_str(&line).with_context(|| format!("line {}", number + 1))?;
            let from = *people.entry(row.from).or_insert_with_key(|nick| {
                self.people.push(Author {
                    nick: nick.clone(),
                    handle: handle(file, nick, tag),
                });
                self.people.len() - 1
            });
            let room = *rooms.entry(row.room).or_insert_with_key(|room| {
                self.rooms.push(Room {
                    name: format!("{file}/{room}"),
                    lines: Vec::new(),
                    by_nick: FxHashMap::default(),
                });
                self.rooms.len() - 1
            });
            let room = &mut self.rooms[room];
            room.by_nick.insert(self.people[from].nick.clone(), from);
            room.lines.push(Line {
                from,
                text: row.text,
                is_action: row.kind.as_deref() == Some("action"),
            });
        }
        Ok(())
    }

    /// Messages in all rooms.
    pub fn line_count(&self) -> usize {
        self.rooms.iter().map(|room| room.lines.len()).sum()
    }
}

impl Room {
    /// Who writes here, each once, in the order of first lines.
    pub fn authors(&self) -> Vec<Person> {
        let mut seen = rustc_hash::FxHashSet::default();
        self.lines
            .iter()
            .map(|line| line.from)
            .filter(|&person| seen.insert(person))
            .collect()
    }

    /// Whom a line addresses: `nick: …` or `nick, …`, where nick writes in this room.
    pub fn addressee(&self, line: &Line) -> Option<Person> {
        let (nick, _) = line.text.split_once([':', ','])?;
        let person = *self.by_nick.get(nick)?;
        (person != line.from).then_some(person)
    }
}

#[derive(Deserialize)]
struct Row {
    room: String,
    from: String,
    text: String,
    #[serde(default)]
    kind: Option<String>,
}

/// Plain or gzip, told by the first two bytes.
fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let is_gzip = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read> = if is_gzip {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    Ok(Box::new(BufReader::new(plain)))
}

/// What of the nickname a handle can hold, and a hash that keeps people apart.
fn handle(file: &str, nick: &str, tag: u64) -> String {
    let slug: String = nick
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|c| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-'))
        .skip_while(|c| !c.is_ascii_lowercase())
        .take(15)
        .collect();
    let slug = if slug.is_empty() { "p" } else { &slug };
    let mut hash = Sha256::new();
    for part in [file.as_bytes(), nick.as_bytes(), &tag.to_be_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hex: String = hash.finalize()[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{slug}-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_protocol::text::check_handle;

    fn recording(lines: &str) -> Recording {
        let mut recording = Recording::default();
        recording
            .add("chat", lines.as_bytes(), 7, usize::MAX)
            .expect("good lines");
        recording
    }

    #[test]
    fn every_nickname_becomes_a_good_handle_of_its_own() {
        let nicks = [
            "Ann",
            "ann",
            "ANN^",
            "31",
            "`_-",
            "甲",
            "a-very-long-nickname-indeed",
            "-x",
        ];
        let handles: std::collections::BTreeSet<String> =
            nicks.iter().map(|nick| handle("chat", nick, 7)).collect();
        assert_eq!(handles.len(), nicks.len());
        for handle in &handles {
            check_handle("handle", handle).expect("a good handle");
        }
        assert_ne!(handle("chat", "Ann", 7), handle("other", "Ann", 7));
        assert_ne!(handle("chat", "Ann", 7), handle("chat", "Ann", 8));
    }

    #[test]
    fn lines_keep_their_order_and_their_text() {
        let recording = recording(
            r#"{"room":"a","from":"ann","text":" x "}
               {"room":"b","from":"bo","text":"y","kind":"action"}
               {"room":"a","from":"bo","text":"ann: z"}"#,
        );
        assert_eq!(recording.people.len(), 2);
        assert_eq!(recording.rooms.len(), 2);
        let room = &recording.rooms[0];
        assert_eq!(room.lines[0].text, " x ");
        assert_eq!(room.addressee(&room.lines[1]), Some(0));
        assert!(recording.rooms[1].lines[0].is_action);
        assert_eq!(room.authors(), [0, 1]);
    }

    #[test]
    fn a_line_addresses_only_somebody_else_of_its_room() {
        let recording = recording(
            r#"{"room":"a","from":"ann","text":"ann: hi"}
               {"room":"a","from":"ann","text":"cy, hi"}
               {"room":"b","from":"cy","text":"Ann: hi"}"#,
        );
        let [a, b] = &recording.rooms[..] else {
            panic!("two rooms")
        };
        assert_eq!(a.addressee(&a.lines[0]), None);
        assert_eq!(a.addressee(&a.lines[1]), None);
        assert_eq!(b.addressee(&b.lines[0]), None);
    }
}
