//! Plays the script of one room, one act after the other, and keeps the journal of what was
//! acknowledged.

use super::crowd::Crowd;
use super::read_sync;
use super::reader::{Memory, Reader};
use super::recorded::{Line, Person, Room};
use super::report::Counts;
use super::script::{Act, EMOJI, KEEPER, Seen};
use crate::audit::{Broken, Fact, Findings, Journal, Kept, Mark};
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use kith_client::{ClientError, Socket, new_msg_id};
use kith_protocol::entry::{DeleteMessage, EditMessage, EntryKind, SendMessage};
use kith_protocol::{ErrorCode, ThreadId};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Authors of one room who have a socket open; the one opened first gives way.
const SOCKETS_MAX: usize = 32;
/// Attempts of a call that may be tried again.
const ATTEMPTS: usize = 20;
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// What came out of a room.
pub(super) struct Played {
    /// What was acknowledged.
    pub journal: Journal,
    /// What everybody who ever read live remembers.
    pub memories: FxHashMap<Person, Memory>,
    /// Answers that should have been others.
    pub findings: Findings,
    /// How much of what.
    pub counts: Counts,
}

/// Plays a script.
pub(super) async fn play(
    crowd: Arc<Crowd>,
    room: &Room,
    script: &[Act],
    bar: &ProgressBar,
) -> Result<Played> {
    let mut stage = Stage::open(crowd, room, script.first()).await?;
    for act in &script[1..] {
        stage
            .act(act)
            .await
            .with_context(|| format!("{}: {act:?}", room.name))?;
        if matches!(act, Act::Say { .. }) {
            bar.inc(1);
        }
    }
    stage.close().await
}

struct Stage<'a> {
    crowd: Arc<Crowd>,
    room: &'a Room,
    thread: ThreadId,
    journal: Journal,
    /// By line: its seq; 0 if it was refused.
    seqs: Vec<u64>,
    edits: u64,
    present: FxHashSet<Person>,
    sockets: FxHashMap<Person, Socket>,
    opened: VecDeque<Person>,
    readers: FxHashMap<Person, Reader>,
    memories: FxHashMap<Person, Memory>,
    findings: Findings,
    counts: Counts,
}

impl<'a> Stage<'a> {
    async fn open(crowd: Arc<Crowd>, room: &'a Room, first: Option<&Act>) -> Result<Self> {
        let Some(Act::Open(people)) = first else {
            anyhow::bail!("a script begins with an open room");
        };
        let users = crowd.ids(people);
        let keeper = crowd.session(KEEPER);
        let row = keeper.group(&room.name, &users).await.context("open")?;
        let thread = row.thread.id;
        let created = Fact {
            users,
            ..Fact::of(EntryKind::Created, keeper.id())
        };
        Ok(Self {
            journal: Journal {
                room: room.name.clone(),
                thread,
                keeper: keeper.id(),
                facts: vec![created],
                marks: Vec::new(),
                kept: Vec::new(),
            },
            crowd,
            room,
            thread,
            seqs: vec![0; room.lines.len()],
            edits: 0,
            present: people.iter().copied().collect(),
            sockets: FxHashMap::default(),
            opened: VecDeque::new(),
            readers: FxHashMap::default(),
            memories: FxHashMap::default(),
            findings: Findings::default(),
            counts: Counts {
                joins: people.len() as u64,
                ..Counts::default()
            },
        })
    }

    async fn act(&mut self, act: &Act) -> Result<()> {
        match *act {
            Act::Open(_) => anyhow::bail!("a room is opened once"),
            Act::Add(ref people) => self.add(people).await,
            Act::Remove(person) => self.remove(KEEPER, person).await,
            Act::Leave(person) => self.remove(person, person).await,
            Act::Say {
                line,
                socket,
                seen,
                again,
            } => self.say(line, socket, seen, again).await,
            Act::Edit { line, socket } => self.edit(line, socket).await,
            Act::Delete { line, by } => self.delete(line, by).await,
            Act::React {
                line,
                by,
                emoji,
                on,
            } => self.react(line, by, EMOJI[emoji], on).await,
            Act::Mark { by, line, read } => self.mark(by, line, read).await,
            Act::Keep(by) => self.keep(by).await,
            Act::Knock(by) => self.knock(by).await,
            Act::Attach(person) => {
                let memory = self.memories.remove(&person).unwrap_or_default();
                let reader = Reader::start(self.crowd.clone(), person, self.thread, memory);
                self.readers.insert(person, reader);
                Ok(())
            }
            Act::Detach(person) => self.detach(person).await,
            Act::Cut(person) => {
                self.counts.cuts += 1;
                if let Some(reader) = self.readers.get(&person) {
                    reader.cut().await;
                }
                Ok(())
            }
        }
    }

    async fn add(&mut self, people: &[Person]) -> Result<()> {
        let users = self.crowd.ids(people);
        let keeper = self.crowd.session(KEEPER);
        retried(async || keeper.add_members(self.thread, &users).await).await?;
        self.present.extend(people);
        self.counts.joins += people.len() as u64;
        self.journal.facts.push(Fact {
            users,
            ..Fact::of(EntryKind::MemberAdded, keeper.id())
        });
        Ok(())
    }

    async fn remove(&mut self, by: Person, person: Person) -> Result<()> {
        let (session, user) = (self.crowd.session(by), self.crowd.id(person));
        retried(async || session.remove_member(self.thread, user).await).await?;
        self.present.remove(&person);
        self.counts.removals += 1;
        let kind = if by == person {
            EntryKind::MemberLeft
        } else {
            EntryKind::MemberRemoved
        };
        self.journal.facts.push(Fact {
            users: vec![user],
            ..Fact::of(kind, session.id())
        });
        Ok(())
    }

    async fn say(&mut self, at: usize, socket: bool, seen: Seen, again: bool) -> Result<()> {
        let line = &self.room.lines[at];
        let head = self.head();
        let seen_head = match seen {
            Seen::All => head,
            Seen::Line(line) => self.seqs[line],
            Seen::Nothing => 0,
        };
        let message = self.message(line, seen_head)?;
        let sent = self.send(line.from, &message, socket).await?;
        self.expect_next("message", sent);
        self.seqs[at] = sent;
        self.counts.lines += 1;
        self.journal.facts.push(Fact {
            client_msg_id: Some(message.client_msg_id),
            text: message.text.clone(),
            mentions: message.mentions.clone(),
            seen_head,
            ..Fact::of(EntryKind::Text, self.crowd.id(line.from))
        });
        if again {
            self.counts.retries += 1;
            let second = self.send(line.from, &message, !socket).await?;
            if second != sent {
                self.findings.add(Broken::Double, || {
                    format!("a retry of {sent} became {second}")
                });
            }
        }
        Ok(())
    }

    fn message(&self, line: &Line, seen_head: u64) -> Result<SendMessage> {
        let mut message = SendMessage::text(new_msg_id(), seen_head, line.text.clone());
        if line.is_action {
            message.ext = Some(serde_json::value::to_raw_value(
                &serde_json::json!({"irc": "action"}),
            )?);
        }
        let named = self.room.addressee(line);
        let named = named.filter(|person| self.present.contains(person));
        message.mentions = named
            .map(|person| self.crowd.id(person))
            .into_iter()
            .collect();
        Ok(message)
    }

    async fn send(&mut self, from: Person, message: &SendMessage, socket: bool) -> Result<u64> {
        for _ in 0..ATTEMPTS {
            let sent = if socket {
                let thread = self.thread;
                match self.socket(from).await {
                    Ok(socket) => socket.send(thread, message.clone()).await,
                    Err(error) => Err(error),
                }
            } else {
                let session = self.crowd.session(from);
                session.send(self.thread, message.clone()).await
            };
            match sent {
                Ok(sent) => return Ok(sent.seq),
                Err(error) if error.may_retry() => {
                    self.sockets.remove(&from);
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::bail!("not sent in {ATTEMPTS} attempts")
    }

    async fn edit(&mut self, line: usize, socket: bool) -> Result<()> {
        let Some(seq) = self.seq_of(line) else {
            return Ok(());
        };
        self.edits += 1;
        let (author, seen_head) = (self.room.lines[line].from, self.head());
        let edit = EditMessage {
            client_msg_id: new_msg_id(),
            seen_head,
            text: format!("{} ✎{}", self.room.lines[line].text, self.edits),
        };
        let thread = self.thread;
        let added = if socket {
            self.socket(author)
                .await?
                .edit(thread, seq, edit.clone())
                .await?
        } else {
            let session = self.crowd.session(author);
            retried(async || session.edit(thread, seq, edit.clone()).await).await?
        };
        self.expect_next("edit", added.seq);
        self.counts.edits += 1;
        self.journal.facts.push(Fact {
            client_msg_id: Some(edit.client_msg_id),
            text: Some(edit.text),
            target_seq: Some(seq),
            seen_head,
            ..Fact::of(EntryKind::Edit, self.crowd.id(author))
        });
        Ok(())
    }

    async fn delete(&mut self, line: usize, by: Person) -> Result<()> {
        let Some(seq) = self.seq_of(line) else {
            return Ok(());
        };
        let session = self.crowd.session(by);
        let delete = DeleteMessage {
            client_msg_id: new_msg_id(),
            seen_head: self.head(),
        };
        let call = async || session.delete(self.thread, seq, delete.clone()).await;
        let added = retried(call).await?;
        self.expect_next("deletion", added.seq);
        self.counts.deletions += 1;
        self.journal.facts.push(Fact {
            client_msg_id: Some(delete.client_msg_id),
            target_seq: Some(seq),
            seen_head: delete.seen_head,
            ..Fact::of(EntryKind::Delete, self.crowd.id(by))
        });
        Ok(())
    }

    async fn react(&mut self, line: usize, by: Person, emoji: &str, on: bool) -> Result<()> {
        let Some(seq) = self.seq_of(line) else {
            return Ok(());
        };
        let session = self.crowd.session(by);
        let kind = if on {
            retried(async || session.react(self.thread, seq, emoji).await).await?;
            EntryKind::React
        } else {
            retried(async || session.unreact(self.thread, seq, emoji).await).await?;
            EntryKind::Unreact
        };
        self.counts.reactions += 1;
        self.journal.facts.push(Fact {
            target_seq: Some(seq),
            emoji: Some(emoji.to_owned()),
            ..Fact::of(kind, session.id())
        });
        Ok(())
    }

    async fn mark(&mut self, by: Person, line: Option<usize>, read: bool) -> Result<()> {
        let seq = match line {
            Some(line) => self.seqs[line],
            None => self.head(),
        };
        let session = self.crowd.session(by);
        let marks = if read {
            retried(async || session.read(self.thread, seq).await).await?
        } else {
            retried(async || session.delivered(self.thread, seq).await).await?
        };
        if marks.delivered_seq < seq || (read && marks.read_seq < seq) {
            self.findings.add(Broken::Marks, || {
                format!("a mark at {seq} was answered {marks:?}")
            });
        }
        self.counts.marks += 1;
        self.journal.marks.push(Mark {
            after: self.head(),
            user: session.id(),
            seq,
            read,
        });
        Ok(())
    }

    async fn keep(&mut self, by: Person) -> Result<()> {
        let session = self.crowd.session(by);
        let synced = read_sync(session, crate::audit::Told::default()).await?;
        self.counts.cursors += 1;
        self.journal.kept.push(Kept {
            after: self.head(),
            user: session.id(),
            row: synced
                .rows
                .into_iter()
                .rfind(|row| row.thread.id == self.thread),
            told: synced.told,
        });
        Ok(())
    }

    async fn knock(&mut self, by: Person) -> Result<()> {
        let session = self.crowd.session(by);
        let message = SendMessage::text(new_msg_id(), 0, "let me in");
        let answer = session.send(self.thread, message).await;
        self.counts.knocks += 1;
        let code = answer.as_ref().err().and_then(ClientError::code);
        if code != Some(ErrorCode::NotAMember) {
            self.findings.add(Broken::Answer, || {
                format!("somebody who is out wrote and was answered {answer:?}")
            });
        }
        Ok(())
    }

    async fn detach(&mut self, person: Person) -> Result<()> {
        if let Some(reader) = self.readers.remove(&person) {
            self.memories.insert(person, reader.stop().await?);
        }
        Ok(())
    }

    async fn close(mut self) -> Result<Played> {
        let readers: Vec<Person> = self.readers.keys().copied().collect();
        for person in readers {
            self.detach(person).await?;
        }
        for (&person, memory) in &mut self.memories {
            memory
                .fetch(self.crowd.session(person), self.thread)
                .await
                .context("a reader's last look")?;
            self.counts.pushed += memory.pushed;
            self.counts.fetched += memory.fetched;
        }
        self.counts.entries = self.head();
        Ok(Played {
            journal: self.journal,
            memories: self.memories,
            findings: self.findings,
            counts: self.counts,
        })
    }

    async fn socket(&mut self, person: Person) -> Result<&Socket, ClientError> {
        if self
            .sockets
            .get(&person)
            .is_some_and(|socket| socket.closed().is_some())
        {
            self.sockets.remove(&person);
        }
        if !self.sockets.contains_key(&person) {
            while self.sockets.len() >= SOCKETS_MAX {
                let Some(oldest) = self.opened.pop_front() else {
                    break;
                };
                self.sockets.remove(&oldest);
            }
            let socket = self.crowd.socket(person).await?;
            self.sockets.insert(person, socket);
            self.opened.retain(|&other| other != person);
            self.opened.push_back(person);
        }
        Ok(&self.sockets[&person])
    }

    fn expect_next(&mut self, what: &str, seq: u64) {
        let due = self.head() + 1;
        if seq != due {
            let room = &self.journal.room;
            self.findings.add(Broken::Answer, || {
                format!("{room}: a {what} was answered with seq {seq}, should be {due}")
            });
        }
    }

    fn seq_of(&self, line: usize) -> Option<u64> {
        Some(self.seqs[line]).filter(|&seq| seq > 0)
    }

    fn head(&self) -> u64 {
        self.journal.facts.len() as u64
    }
}

/// Tries again what may be tried again.
async fn retried<T>(call: impl AsyncFn() -> Result<T, ClientError>) -> Result<T, ClientError> {
    let mut last = call().await;
    for _ in 1..ATTEMPTS {
        match &last {
            Err(error) if error.may_retry() => {
                tokio::time::sleep(RETRY_AFTER).await;
                last = call().await;
            }
            _ => break,
        }
    }
    last
}
