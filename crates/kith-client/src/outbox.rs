//! Messages on their way out: kept on disk until the server has them or finally refuses them.
//!
//! The file holds one JSON object a line: a message that was queued, or the id of one that is
//! done. A message is on the disk before its sender is told that it is queued; on every attempt,
//! in this run or a later one, it goes out unchanged. A line that a crash cut short was never
//! reported as queued and is passed over.

use crate::error::ClientError;
use kith_protocol::entry::SendMessage;
use kith_protocol::{ClientMsgId, ThreadId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Messages that wait: more than a person writes in a day without a network, and at the longest
/// text still less than a gigabyte. A full outbox refuses further ones.
pub const OUTBOX_MAX: usize = 10_000;
/// Messages of all threads that are out without an answer: half of what the server reads.
const IN_FLIGHT_MAX: usize = 32;
/// The file is written anew when this many of its lines are of no use any more.
const DEAD_LINES_MAX: usize = 1000;
const FILE_NAME: &str = "outbox.jsonl";

/// Messages on their way out, in order per thread.
#[derive(Debug, Default)]
pub struct Outbox {
    threads: BTreeMap<ThreadId, Lane>,
    waiting: usize,
    in_flight: usize,
    disk: Option<Disk>,
}

/// The messages of one thread.
#[derive(Debug, Default)]
struct Lane {
    messages: VecDeque<Waiting>,
    /// After a refusal that allows a retry: nothing goes out before this moment, nor before all
    /// that was out has come back, so that the order stays.
    not_before: Option<Duration>,
}

#[derive(Debug)]
struct Waiting {
    message: SendMessage,
    in_flight: bool,
}

#[derive(Debug)]
struct Disk {
    path: PathBuf,
    file: File,
    dead_lines: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Queued {
        thread_id: ThreadId,
        message: SendMessage,
    },
    Done(ClientMsgId),
}

impl Outbox {
    /// An outbox that ends with the program.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// The outbox in this folder, with what an earlier run left in it.
    pub fn open(folder: &Path) -> Result<Self, ClientError> {
        let path = folder.join(FILE_NAME);
        let mut outbox = Self::default();
        for line in lines_of(&path)? {
            match line {
                Line::Queued { thread_id, message } => outbox.add(thread_id, message),
                Line::Done(id) => drop(outbox.take(id)),
            }
        }
        let file = rewritten(&path, &outbox.threads)?;
        let dead_lines = 0;
        outbox.disk = Some(Disk {
            path,
            file,
            dead_lines,
        });
        Ok(outbox)
    }

    /// Takes a message; it is on the disk when this returns. Blocks for the disk.
    pub fn queue(&mut self, thread_id: ThreadId, message: SendMessage) -> Result<(), ClientError> {
        if self.waiting >= OUTBOX_MAX {
            return Err(ClientError::OutboxFull(self.waiting));
        }
        if let Some(disk) = &mut self.disk {
            let message = message.clone();
            disk.append(&Line::Queued { thread_id, message }, true)?;
        }
        self.add(thread_id, message);
        Ok(())
    }

    /// What may go out now; it counts as on its way until one of the calls below.
    pub fn next(&mut self, now: Duration) -> Option<(ThreadId, SendMessage)> {
        if self.in_flight >= IN_FLIGHT_MAX {
            return None;
        }
        let (thread, waiting) = self
            .threads
            .iter_mut()
            .find_map(|(thread, lane)| Some((*thread, lane.next(now)?)))?;
        waiting.in_flight = true;
        self.in_flight += 1;
        Some((thread, waiting.message.clone()))
    }

    /// The server has it, or refused it finally: it will not be sent again. Gives it back.
    pub fn done(&mut self, id: ClientMsgId) -> Result<Option<SendMessage>, ClientError> {
        let Some(message) = self.take(id) else {
            return Ok(None);
        };
        if let Some(disk) = &mut self.disk {
            // Not synced: what a crash forgets is sent again, and is the same message.
            disk.append(&Line::Done(id), false)?;
            disk.dead_lines += 2;
            if self.waiting == 0 {
                disk.file.set_len(0)?;
                disk.dead_lines = 0;
            } else if disk.dead_lines >= DEAD_LINES_MAX {
                disk.file = rewritten(&disk.path, &self.threads)?;
                disk.dead_lines = 0;
            }
        }
        Ok(Some(message))
    }

    /// The server wants it later: this thread waits until `not_before`.
    pub fn later(&mut self, thread: ThreadId, id: ClientMsgId, not_before: Duration) {
        let Some(lane) = self.threads.get_mut(&thread) else {
            return;
        };
        lane.not_before = Some(
            lane.not_before
                .map_or(not_before, |was| was.max(not_before)),
        );
        let waiting = lane
            .messages
            .iter_mut()
            .find(|waiting| waiting.message.client_msg_id == id);
        if let Some(waiting) = waiting
            && std::mem::take(&mut waiting.in_flight)
        {
            self.in_flight -= 1;
        }
    }

    /// The connection is gone: everything that was out goes out again, in its order.
    pub fn all_back(&mut self) {
        self.in_flight = 0;
        for waiting in self
            .threads
            .values_mut()
            .flat_map(|lane| &mut lane.messages)
        {
            waiting.in_flight = false;
        }
    }

    /// When a thread that waits after a refusal may go on, the earliest.
    pub fn wakes_at(&self) -> Option<Duration> {
        self.threads
            .values()
            .filter_map(|lane| lane.not_before)
            .min()
    }

    /// The messages that wait, in order per thread.
    pub fn waiting(&self) -> impl Iterator<Item = (ThreadId, SendMessage)> + '_ {
        self.threads.iter().flat_map(|(thread, lane)| {
            let message = |waiting: &Waiting| (*thread, waiting.message.clone());
            lane.messages.iter().map(message)
        })
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    fn add(&mut self, thread: ThreadId, message: SendMessage) {
        let in_flight = false;
        let lane = self.threads.entry(thread).or_default();
        lane.messages.push_back(Waiting { message, in_flight });
        self.waiting += 1;
    }

    fn take(&mut self, id: ClientMsgId) -> Option<SendMessage> {
        let (thread, lane, at) = self.threads.iter_mut().find_map(|(thread, lane)| {
            let at = lane
                .messages
                .iter()
                .position(|waiting| waiting.message.client_msg_id == id)?;
            Some((*thread, lane, at))
        })?;
        let waiting = lane.messages.remove(at)?;
        if lane.messages.is_empty() {
            self.threads.remove(&thread);
        }
        self.waiting -= 1;
        self.in_flight -= usize::from(waiting.in_flight);
        Some(waiting.message)
    }
}

impl Lane {
    fn next(&mut self, now: Duration) -> Option<&mut Waiting> {
        if let Some(not_before) = self.not_before {
            let some_out = self.messages.iter().any(|waiting| waiting.in_flight);
            if now < not_before || some_out {
                return None;
            }
            self.not_before = None;
        }
        self.messages.iter_mut().find(|waiting| !waiting.in_flight)
    }
}

impl Disk {
    fn append(&mut self, line: &Line, synced: bool) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        if synced {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

/// The lines that can be read; a last one without its end was cut by a crash.
fn lines_of(path: &Path) -> Result<Vec<Line>, ClientError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut lines = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(line) => lines.push(line),
            Err(_) if !line.ends_with(b"\n") => {}
            // Dropping it silently would lose a message that was reported as queued.
            Err(error) => {
                let path = path.display();
                let what = format!("{path}: a line that is not of an outbox: {error}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what).into());
            }
        }
    }
    Ok(lines)
}

/// Writes the file anew with what waits, in one step, and opens it for appending.
fn rewritten(path: &Path, threads: &BTreeMap<ThreadId, Lane>) -> io::Result<File> {
    let beside = path.with_extension("new");
    let mut text = Vec::new();
    for (thread_id, lane) in threads {
        for waiting in &lane.messages {
            let message = waiting.message.clone();
            let thread_id = *thread_id;
            serde_json::to_writer(&mut text, &Line::Queued { thread_id, message })?;
            text.push(b'\n');
        }
    }
    crate::disk::replace(&beside, path, &text)?;
    OpenOptions::new().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::new_msg_id;

    const ROOM: ThreadId = ThreadId::from_bytes([1; 16]);
    const OTHER: ThreadId = ThreadId::from_bytes([2; 16]);
    const NOW: Duration = Duration::from_secs(100);

    fn message(text: &str) -> SendMessage {
        SendMessage::text(new_msg_id(), 7, text)
    }

    fn texts(outbox: &mut Outbox, now: Duration) -> Vec<String> {
        std::iter::from_fn(|| outbox.next(now))
            .map(|(_, message)| message.text.expect("a text"))
            .collect()
    }

    #[test]
    fn what_was_queued_survives_a_restart_unchanged_and_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, second, third) = (message("1"), message("2"), message("3"));
        let mut outbox = Outbox::open(folder.path()).expect("opens");
        for message in [&first, &second, &third] {
            outbox.queue(ROOM, message.clone()).expect("queued");
        }
        outbox.next(NOW).expect("the first goes out");
        outbox.done(first.client_msg_id).expect("disk");
        drop(outbox);

        let mut outbox = Outbox::open(folder.path()).expect("opens again");
        assert_eq!(outbox.len(), 2);
        let (thread, again) = outbox.next(NOW).expect("the second");
        assert_eq!((thread, again.client_msg_id), (ROOM, second.client_msg_id));
        assert_eq!((again.seen_head, again.text.as_deref()), (7, Some("2")));
        assert_eq!(texts(&mut outbox, NOW), ["3"]);
    }

    #[test]
    fn a_line_cut_by_a_crash_is_passed_over_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE_NAME);
        let mut outbox = Outbox::open(folder.path()).expect("opens");
        outbox.queue(ROOM, message("kept")).expect("queued");
        drop(outbox);
        let mut file = OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("is there");
        file.write_all(br#"{"queued":{"thread_id":"#)
            .expect("writes");
        let mut outbox = Outbox::open(folder.path()).expect("opens");
        assert_eq!(texts(&mut outbox, NOW), ["kept"]);

        std::fs::write(&path, "rubbish\n").expect("writes");
        assert!(matches!(
            Outbox::open(folder.path()),
            Err(ClientError::Disk(_))
        ));
    }

    #[test]
    fn after_a_refusal_the_thread_waits_and_goes_on_in_order() {
        let mut outbox = Outbox::in_memory();
        let (first, second) = (message("1"), message("2"));
        outbox.queue(ROOM, first.clone()).expect("queued");
        outbox.queue(ROOM, second.clone()).expect("queued");
        assert_eq!(texts(&mut outbox, NOW), ["1", "2"]);
        let until = NOW + Duration::from_secs(5);
        outbox.later(ROOM, first.client_msg_id, until);
        outbox.queue(ROOM, message("3")).expect("queued");
        outbox.queue(OTHER, message("elsewhere")).expect("queued");
        assert_eq!(texts(&mut outbox, NOW), ["elsewhere"]);
        assert_eq!(outbox.wakes_at(), Some(until));
        // The second is still out: nothing may overtake it.
        assert_eq!(texts(&mut outbox, until), [""; 0]);
        outbox.later(ROOM, second.client_msg_id, NOW);
        assert_eq!(texts(&mut outbox, until), ["1", "2", "3"]);
    }

    #[test]
    fn a_lost_connection_brings_everything_back_in_order() {
        let mut outbox = Outbox::in_memory();
        for text in ["1", "2", "3"] {
            outbox.queue(ROOM, message(text)).expect("queued");
        }
        assert_eq!(texts(&mut outbox, NOW), ["1", "2", "3"]);
        assert_eq!(texts(&mut outbox, NOW), [""; 0]);
        outbox.all_back();
        assert_eq!(texts(&mut outbox, NOW), ["1", "2", "3"]);
    }

    #[test]
    fn at_most_so_many_are_out_at_once_and_at_most_so_many_wait() {
        let mut outbox = Outbox::in_memory();
        let mut first = None;
        for n in 0..OUTBOX_MAX {
            let message = message(&n.to_string());
            first.get_or_insert(message.client_msg_id);
            outbox.queue(ROOM, message).expect("has room");
        }
        let full = outbox.queue(ROOM, message("more"));
        assert!(matches!(full, Err(ClientError::OutboxFull(OUTBOX_MAX))));
        assert_eq!(texts(&mut outbox, NOW).len(), IN_FLIGHT_MAX);
        outbox.done(first.expect("was queued")).expect("memory");
        assert_eq!(texts(&mut outbox, NOW), [IN_FLIGHT_MAX.to_string()]);
        outbox.queue(ROOM, message("more")).expect("has room again");
    }

    #[test]
    fn the_file_does_not_grow_with_what_is_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut outbox = Outbox::open(folder.path()).expect("opens");
        outbox.queue(ROOM, message("stays")).expect("queued");
        for n in 0..DEAD_LINES_MAX {
            let message = message(&n.to_string());
            outbox.queue(OTHER, message.clone()).expect("queued");
            outbox.done(message.client_msg_id).expect("disk");
        }
        let lines = std::fs::read_to_string(folder.path().join(FILE_NAME)).expect("is text");
        assert!(lines.lines().count() <= DEAD_LINES_MAX + 2);
        drop(outbox);
        let mut outbox = Outbox::open(folder.path()).expect("opens");
        assert_eq!(texts(&mut outbox, NOW), ["stays"]);
    }
}
