//! What happens in a room, line after line, with edits, deletions, reactions, joins, removals,
//! rejoins and marks mixed in. Drawn from a seed before anything is sent.

use super::recorded::{Person, Room};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustc_hash::{FxHashMap, FxHashSet};

/// Emoji that people put on messages: plain, with a selector, a family, a flag.
pub const EMOJI: [&str; 4] = ["👍", "❤️", "👨‍👩‍👧", "🇫🇮"];
/// The thread's owner: adds and removes people and never writes.
pub const KEEPER: Person = Person::MAX;
/// Newcomers that come in with one call, at most.
const NEWCOMERS_MAX: usize = 20;
/// How far back edits, deletions and reactions reach, in lines.
const REACH: usize = 400;

/// How often something happens, per thousand lines.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// Edits.
    pub edits: u32,
    /// Deletions.
    pub deletions: u32,
    /// Reactions, some of which are taken away again.
    pub reactions: u32,
    /// Removals and leavings.
    pub removals: u32,
    /// Read and delivered marks.
    pub marks: u32,
    /// Sends that are repeated with the same id.
    pub retries: u32,
    /// Cursors that are kept.
    pub cursors: u32,
    /// Cut sockets.
    pub cuts: u32,
    /// Live readers that give way to others.
    pub shifts: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            edits: 30,
            deletions: 20,
            reactions: 60,
            removals: 6,
            marks: 120,
            retries: 20,
            cursors: 10,
            cuts: 20,
            shifts: 4,
        }
    }
}

/// One thing that happens. Lines are indices into the room's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The keeper opens the group with these people.
    Open(Vec<Person>),
    /// The keeper adds people.
    Add(Vec<Person>),
    /// The keeper removes somebody.
    Remove(Person),
    /// Somebody leaves.
    Leave(Person),
    /// The line is sent by its author.
    Say {
        /// Which.
        line: usize,
        /// Over the author's socket, else over HTTP.
        socket: bool,
        /// What the author's client had seen.
        seen: Seen,
        /// Sent once more with the same id.
        again: bool,
    },
    /// The author edits a line.
    Edit {
        /// Which.
        line: usize,
        /// Over the author's socket, else over HTTP.
        socket: bool,
    },
    /// A line is taken back.
    Delete {
        /// Which.
        line: usize,
        /// By its author or the keeper.
        by: Person,
    },
    /// An emoji is put on a line, or taken away.
    React {
        /// Which.
        line: usize,
        /// By whom.
        by: Person,
        /// Index into [`EMOJI`].
        emoji: usize,
        /// Put on, else taken away.
        on: bool,
    },
    /// Everything up to a line was read, or has arrived.
    Mark {
        /// By whom.
        by: Person,
        /// Up to this line; all there is without one.
        line: Option<usize>,
        /// Read, else delivered.
        read: bool,
    },
    /// Somebody syncs and keeps the cursor.
    Keep(Person),
    /// Somebody who is out tries to write.
    Knock(Person),
    /// Somebody begins to read live.
    Attach(Person),
    /// Somebody stops reading live.
    Detach(Person),
    /// The socket of a live reader is cut.
    Cut(Person),
}

/// What an author's client had seen at its first attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// All there was.
    All,
    /// Up to a line.
    Line(usize),
    /// Nothing.
    Nothing,
}

/// Draws the script of a room. `readers` read live at a time.
pub fn script(room: &Room, mix: Mix, readers: usize, seed: u64) -> Vec<Act> {
    let mut draw = Draw::new(room, mix, seed);
    draw.open(readers);
    for line in 0..room.lines.len() {
        draw.before(line);
        draw.say(line);
        draw.after();
    }
    draw.acts
}

struct Draw<'a> {
    room: &'a Room,
    mix: Mix,
    rng: StdRng,
    acts: Vec<Act>,
    /// Members now, and the first line that each sees.
    since: FxHashMap<Person, usize>,
    /// The same, to draw from.
    present: Vec<Person>,
    /// Were members.
    out: Vec<Person>,
    /// Not yet members, last first.
    waiting: Vec<Person>,
    readers: Vec<Person>,
    deleted: FxHashSet<usize>,
    reactions: Vec<(usize, Person, usize)>,
    said: usize,
}

impl<'a> Draw<'a> {
    fn new(room: &'a Room, mix: Mix, seed: u64) -> Self {
        let mut waiting = room.authors();
        waiting.reverse();
        Self {
            room,
            mix,
            rng: StdRng::seed_from_u64(seed),
            acts: Vec::new(),
            since: FxHashMap::default(),
            present: Vec::new(),
            out: Vec::new(),
            waiting,
            readers: Vec::new(),
            deleted: FxHashSet::default(),
            reactions: Vec::new(),
            said: 0,
        }
    }

    /// The first author and a third of the others are there from the beginning.
    fn open(&mut self, readers: usize) {
        let mut first = Vec::new();
        let last = self.waiting.len().saturating_sub(1);
        let mut later = Vec::new();
        for (i, person) in std::mem::take(&mut self.waiting).into_iter().enumerate() {
            if i == last || self.rng.random_ratio(1, 3) {
                first.push(person);
            } else {
                later.push(person);
            }
        }
        self.waiting = later;
        self.enter(&first);
        self.acts.push(Act::Open(first));
        for _ in 0..readers {
            self.attach();
        }
    }

    /// Makes sure that the author is in, with some who come later anyway.
    fn before(&mut self, line: usize) {
        let author = self.room.lines[line].from;
        if self.since.contains_key(&author) {
            return;
        }
        let mut people = vec![author];
        if let Some(at) = self.waiting.iter().rposition(|&p| p == author) {
            self.waiting.remove(at);
            let others = self.rng.random_range(0..NEWCOMERS_MAX);
            for _ in 0..others {
                people.extend(self.waiting.pop());
            }
        } else if self.chance(500) {
            self.acts.push(Act::Knock(author));
        }
        self.enter(&people);
        self.acts.push(Act::Add(people));
    }

    fn say(&mut self, line: usize) {
        let seen = match self.rng.random_range(0..10) {
            0 => Seen::Nothing,
            1..=3 if line > 0 => Seen::Line(self.rng.random_range(line.saturating_sub(30)..line)),
            _ => Seen::All,
        };
        let (socket, again) = (self.rng.random(), self.chance(self.mix.retries));
        self.acts.push(Act::Say {
            line,
            socket,
            seen,
            again,
        });
        self.said = line + 1;
    }

    fn after(&mut self) {
        if self.chance(self.mix.edits) {
            self.edit();
        }
        if self.chance(self.mix.deletions) {
            self.delete();
        }
        if self.chance(self.mix.reactions) {
            self.react();
        }
        if self.chance(self.mix.marks) {
            self.mark();
        }
        if self.chance(self.mix.cursors) {
            let act = self.anybody().map(Act::Keep);
            self.acts.extend(act);
        }
        // In a room of two the usual rate would empty it.
        let removals = match self.present.len() {
            0..2 => 0,
            2 => self.mix.removals / 2,
            _ => self.mix.removals,
        };
        if self.chance(removals) {
            self.remove();
        }
        if !self.readers.is_empty() {
            if self.chance(self.mix.cuts) {
                let reader = self.readers[self.rng.random_range(0..self.readers.len())];
                self.acts.push(Act::Cut(reader));
            }
            if self.chance(self.mix.shifts) {
                let at = self.rng.random_range(0..self.readers.len());
                let reader = self.readers.swap_remove(at);
                self.acts.push(Act::Detach(reader));
                self.attach();
            }
        }
    }

    fn edit(&mut self) {
        let Some(line) = self.recent_line() else {
            return;
        };
        if self.sees(self.room.lines[line].from, line) {
            let socket = self.rng.random();
            self.acts.push(Act::Edit { line, socket });
        }
    }

    fn delete(&mut self) {
        let Some(line) = self.recent_line() else {
            return;
        };
        let author = self.room.lines[line].from;
        let by = if self.sees(author, line) && self.chance(700) {
            author
        } else {
            KEEPER
        };
        self.deleted.insert(line);
        self.acts.push(Act::Delete { line, by });
    }

    fn react(&mut self) {
        if !self.reactions.is_empty() && self.chance(250) {
            let at = self.rng.random_range(0..self.reactions.len());
            let (line, by, emoji) = self.reactions.swap_remove(at);
            if self.sees(by, line) && !self.deleted.contains(&line) {
                let on = false;
                self.acts.push(Act::React {
                    line,
                    by,
                    emoji,
                    on,
                });
            }
            return;
        }
        let (Some(line), Some(by)) = (self.recent_line(), self.anybody()) else {
            return;
        };
        let emoji = self.rng.random_range(0..EMOJI.len());
        if !self.sees(by, line) || self.reactions.contains(&(line, by, emoji)) {
            return;
        }
        self.reactions.push((line, by, emoji));
        let on = true;
        self.acts.push(Act::React {
            line,
            by,
            emoji,
            on,
        });
    }

    fn mark(&mut self) {
        let Some(by) = self.anybody() else { return };
        let first = self.since[&by];
        let line = if first < self.said && self.chance(700) {
            Some(self.rng.random_range(first..self.said))
        } else {
            None
        };
        let read = self.chance(650);
        self.acts.push(Act::Mark { by, line, read });
    }

    fn remove(&mut self) {
        let Some(person) = self.anybody() else { return };
        self.present.retain(|&p| p != person);
        self.since.remove(&person);
        let leaves = self.chance(300);
        self.acts.push(if leaves {
            Act::Leave(person)
        } else {
            Act::Remove(person)
        });
        if self.chance(300) {
            self.acts.push(Act::Knock(person));
        }
        if !self.out.is_empty() && self.chance(400) {
            let at = self.rng.random_range(0..self.out.len());
            let back = self.out[at];
            self.enter(&[back]);
            self.acts.push(Act::Add(vec![back]));
        }
        self.out.push(person);
    }

    fn enter(&mut self, people: &[Person]) {
        for &person in people {
            self.since.insert(person, self.said);
            self.present.push(person);
            self.out.retain(|&p| p != person);
        }
    }

    fn attach(&mut self) {
        for _ in 0..8 {
            let Some(reader) = self.anybody() else { return };
            if !self.readers.contains(&reader) {
                self.readers.push(reader);
                self.acts.push(Act::Attach(reader));
                return;
            }
        }
    }

    fn recent_line(&mut self) -> Option<usize> {
        let first = self.said.saturating_sub(REACH);
        let line = self.rng.random_range(first..self.said);
        (!self.deleted.contains(&line)).then_some(line)
    }

    fn sees(&self, person: Person, line: usize) -> bool {
        self.since.get(&person).is_some_and(|&first| line >= first)
    }

    fn anybody(&mut self) -> Option<Person> {
        let at = self.rng.random_range(0..self.present.len().max(1));
        self.present.get(at).copied()
    }

    fn chance(&mut self, per_thousand: u32) -> bool {
        self.rng.random_ratio(per_thousand.min(1000), 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::super::recorded::Recording;
    use super::*;
    use std::fmt::Write;

    fn busy_room() -> Recording {
        let mut lines = String::new();
        for i in 0..3000 {
            let from = (i * i + i / 7) % 97;
            writeln!(lines, r#"{{"room":"r","from":"p{from}","text":"t{i}"}}"#).expect("a string");
        }
        let mut recording = Recording::default();
        recording
            .add("chat", lines.as_bytes(), 1, usize::MAX)
            .expect("good lines");
        recording
    }

    #[test]
    fn the_same_seed_draws_the_same_script() {
        let recording = busy_room();
        let draw = |seed| script(&recording.rooms[0], Mix::default(), 5, seed);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn every_line_is_said_once_in_order_by_a_member() {
        let recording = busy_room();
        let room = &recording.rooms[0];
        let (mut next, mut members) = (0, FxHashSet::default());
        for act in script(room, Mix::default(), 5, 3) {
            match act {
                Act::Open(people) | Act::Add(people) => {
                    for person in people {
                        assert!(members.insert(person), "{person} is in already");
                    }
                }
                Act::Remove(person) | Act::Leave(person) => assert!(members.remove(&person)),
                Act::Knock(person) => assert!(!members.contains(&person)),
                Act::Mark { by, .. } | Act::React { by, .. } | Act::Keep(by) => {
                    assert!(members.contains(&by));
                }
                Act::Say { line, .. } => {
                    assert_eq!(line, next);
                    assert!(members.contains(&room.lines[line].from));
                    next += 1;
                }
                Act::Edit { line, .. } => assert!(members.contains(&room.lines[line].from)),
                _ => {}
            }
        }
        assert_eq!(next, room.lines.len());
    }

    #[test]
    fn a_script_has_something_of_everything() {
        let recording = busy_room();
        let acts = script(&recording.rooms[0], Mix::default(), 5, 4);
        let count = |is: fn(&Act) -> bool| acts.iter().filter(|act| is(act)).count();
        assert!(count(|a| matches!(a, Act::Edit { .. })) > 20);
        assert!(count(|a| matches!(a, Act::Delete { .. })) > 20);
        assert!(count(|a| matches!(a, Act::React { on: false, .. })) > 5);
        assert!(count(|a| matches!(a, Act::Remove(_))) > 3);
        assert!(count(|a| matches!(a, Act::Knock(_))) > 1);
        assert!(count(|a| matches!(a, Act::Add(_))) > 10);
        assert!(count(|a| matches!(a, Act::Cut(_))) > 10);
        assert!(count(|a| matches!(a, Act::Detach(_))) > 1);
    }
}
