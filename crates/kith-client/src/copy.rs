//! A copy on this device of the entries that it was shown: to search in, and to have something to
//! read while no server is reached. The server's log stays the truth; a lost copy loses nothing.

use crate::error::ClientError;
use kith_protocol::ThreadId;
use kith_protocol::entry::{Entry, EntryKind};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of one thread's file: some 25,000 messages. A longer one keeps its newer half.
const THREAD_MAX_BYTES: u64 = 8 << 20;
const ENDING: &str = "jsonl";

/// Entries that were shown, a file of JSON lines for each thread.
#[derive(Debug)]
pub struct LocalCopy {
    folder: PathBuf,
    max_bytes: u64,
    /// What the file of a thread holds: seq, and the newest edit or deletion that is in it. Read
    /// when the thread is first added to.
    held: BTreeMap<ThreadId, BTreeMap<u64, u64>>,
}

/// A message that was searched for.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it stands.
    pub thread: ThreadId,
    /// The message, as far as this device knows of edits.
    pub entry: Entry,
}

impl LocalCopy {
    /// The copy in this folder, which is made if it is not there. Only its owner reads it.
    pub fn open(folder: &Path) -> Result<Self, ClientError> {
        crate::disk::private_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            max_bytes: THREAD_MAX_BYTES,
            held: BTreeMap::new(),
        })
    }

    /// Adds entries; those that are there already cost nothing. A deletion takes the words out of
    /// the file as well.
    pub fn add(&mut self, thread: ThreadId, entries: &[Entry]) -> Result<(), ClientError> {
        let path = self.path(thread);
        let held = match self.held.entry(thread) {
            std::collections::btree_map::Entry::Occupied(held) => held.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(entries_of(&path)?.iter().map(held_as).collect())
            }
        };
        let mut lines = Vec::new();
        let mut erases = false;
        for entry in entries {
            let (seq, changed_by) = held_as(entry);
            if held.get(&seq).is_some_and(|held| *held >= changed_by) {
                continue;
            }
            erases |= entry.kind == EntryKind::Delete
                || (entry.deleted_seq.is_some() && held.contains_key(&seq));
            held.insert(seq, changed_by);
            serde_json::to_writer(&mut lines, entry).map_err(io::Error::from)?;
            lines.push(b'\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        file.write_all(&lines)?;
        if erases || file.metadata()?.len() > self.max_bytes {
            self.rewrite(thread, &path)?;
        }
        Ok(())
    }

    /// The newest entries of a thread, ascending; not without holes where none was shown.
    pub fn newest(&self, thread: ThreadId, limit: usize) -> Result<Vec<Entry>, ClientError> {
        let mut entries = entries_of(&self.path(thread))?;
        let older = entries.len().saturating_sub(limit);
        Ok(entries.split_off(older))
    }

    /// A search for messages that hold all these words, in whatever case: the newest `limit`,
    /// newest first. It reads files, so it is handed out to be run where that may take a while.
    pub fn searching(
        &self,
        words: &str,
        limit: usize,
    ) -> impl FnOnce() -> Result<Vec<Found>, ClientError> + Send + use<> {
        let folder = self.folder.clone();
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        move || {
            let mut found = Vec::new();
            for file in fs::read_dir(&folder)? {
                let path = file?.path();
                if let Some(thread) = thread_of(&path) {
                    let entries = entries_of(&path)?.into_iter();
                    let hits = entries.filter(|entry| holds(entry, &words));
                    found.extend(hits.map(|entry| Found { thread, entry }));
                }
            }
            found.sort_by_key(|found| std::cmp::Reverse((found.entry.at, found.entry.seq)));
            found.truncate(limit);
            Ok(found)
        }
    }

    /// Removes everything: the device is signed out.
    pub fn erase(self) -> Result<(), ClientError> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    fn rewrite(&mut self, thread: ThreadId, path: &Path) -> Result<(), ClientError> {
        let mut entries = entries_of(path)?;
        if fs::metadata(path)?.len() > self.max_bytes {
            entries = entries.split_off(entries.len() / 2);
        }
        let mut text = Vec::new();
        for entry in &entries {
            serde_json::to_writer(&mut text, entry).map_err(io::Error::from)?;
            text.push(b'\n');
        }
        crate::disk::replace(&path.with_extension("new"), path, &text)?;
        let held = entries.iter().map(held_as).collect();
        self.held.insert(thread, held);
        Ok(())
    }

    fn path(&self, thread: ThreadId) -> PathBuf {
        self.folder.join(format!("{thread}.{ENDING}"))
    }
}

fn held_as(entry: &Entry) -> (u64, u64) {
    (
        entry.seq,
        entry.edited_seq.max(entry.deleted_seq).unwrap_or(0),
    )
}

fn thread_of(path: &Path) -> Option<ThreadId> {
    let name = path.file_stem()?.to_str()?;
    (path.extension()? == ENDING).then(|| ThreadId::parse(name))?
}

fn holds(entry: &Entry, words: &[String]) -> bool {
    let Some(text) = entry.text.as_deref().filter(|_| entry.kind.is_countable()) else {
        return false;
    };
    let text = text.to_lowercase();
    !words.is_empty() && words.iter().all(|word| text.contains(word.as_str()))
}

/// The entries of a file, ascending, with what later ones made of their words. Lines that cannot be
/// read, such as one that a crash cut, are passed over: the server has them.
fn entries_of(path: &Path) -> Result<Vec<Entry>, ClientError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut entries: BTreeMap<u64, Entry> = BTreeMap::new();
    for line in BufReader::new(file).split(b'\n') {
        if let Ok(entry) = serde_json::from_slice::<Entry>(&line?) {
            entries.insert(entry.seq, entry);
        }
    }
    fold(&mut entries);
    Ok(entries.into_values().collect())
}

/// Edits and deletions do their work on the entries that they are about.
fn fold(entries: &mut BTreeMap<u64, Entry>) {
    let changes: Vec<(u64, u64, EntryKind, Option<String>)> = entries
        .values()
        .filter(|entry| matches!(entry.kind, EntryKind::Edit | EntryKind::Delete))
        .filter_map(|entry| Some((entry.seq, entry.target_seq?, entry.kind, entry.text.clone())))
        .collect();
    for (seq, target, kind, text) in &changes {
        let Some(entry) = entries.get_mut(target) else {
            continue;
        };
        if *kind == EntryKind::Delete {
            entry.deleted_seq = Some(*seq);
        } else if entry.edited_seq.is_none_or(|edited| edited < *seq) {
            (entry.edited_seq, entry.text) = (Some(*seq), text.clone());
        }
    }
    let deleted: Vec<u64> = entries
        .values()
        .filter(|entry| entry.deleted_seq.is_some())
        .map(|entry| entry.seq)
        .collect();
    for entry in entries.values_mut() {
        let about = entry.target_seq.unwrap_or(entry.seq);
        if deleted.binary_search(&about).is_ok() {
            entry.text = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(n: u8) -> ThreadId {
        ThreadId::from_bytes([n; 16])
    }

    fn entry(seq: u64, kind: &str, target: Option<u64>, text: &str) -> Entry {
        let author = kith_protocol::UserId::from_bytes([7; 16]);
        let at = format!("2026-11-21T08:{:02}:00.000Z", seq % 60);
        let mut entry = json!({"seq": seq, "kind": kind, "author_id": author,
            "client_msg_id": null, "ord": seq, "at": at});
        if !text.is_empty() {
            entry["text"] = text.into();
        }
        if let Some(target) = target {
            entry["target_seq"] = target.into();
        }
        serde_json::from_value(entry).unwrap()
    }

    fn texts(found: Vec<Found>) -> Vec<String> {
        let text = |found: Found| found.entry.text.unwrap_or_default();
        found.into_iter().map(text).collect()
    }

    #[test]
    fn words_are_found_in_every_thread_newest_first_and_as_they_were_edited() {
        let folder = tempfile::tempdir().unwrap();
        let mut copy = LocalCopy::open(folder.path()).unwrap();
        copy.add(id(1), &[entry(1, "text", None, "Apple pie")])
            .unwrap();
        copy.add(id(2), &[entry(3, "text", None, "pie with APPLES")])
            .unwrap();
        copy.add(id(2), &[entry(4, "text", None, "饺子很好吃")])
            .unwrap();
        let found = copy.searching("apple PIE", 10)().unwrap();
        assert_eq!(texts(found), ["pie with APPLES", "Apple pie"]);
        assert_eq!(texts(copy.searching("很好", 10)().unwrap()), ["饺子很好吃"]);
        assert_eq!(texts(copy.searching("pie", 1)().unwrap()).len(), 1);
        assert!(copy.searching("  ", 10)().unwrap().is_empty());
        copy.add(id(1), &[entry(2, "edit", Some(1), "plum cake")])
            .unwrap();
        let again = LocalCopy::open(folder.path()).unwrap();
        assert_eq!(texts(again.searching("plum", 10)().unwrap()), ["plum cake"]);
        assert_eq!(
            texts(again.searching("pie", 10)().unwrap()),
            ["pie with APPLES"]
        );
    }

    #[test]
    fn a_deletion_takes_the_words_out_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut copy = LocalCopy::open(folder.path()).unwrap();
        let said = [
            entry(1, "text", None, "secret one"),
            entry(2, "edit", Some(1), "secret two"),
        ];
        copy.add(id(1), &said).unwrap();
        copy.add(id(1), &[entry(3, "delete", Some(1), "")]).unwrap();
        let file = fs::read_to_string(copy.path(id(1))).unwrap();
        assert!(!file.contains("secret"), "{file}");
        assert_eq!(copy.newest(id(1), 10).unwrap().len(), 3);
    }

    #[test]
    fn a_file_grows_neither_by_repetition_nor_beyond_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let mut copy = LocalCopy::open(folder.path()).unwrap();
        copy.max_bytes = 2000;
        let length = |copy: &LocalCopy| fs::metadata(copy.path(id(1))).unwrap().len();
        copy.add(id(1), &[entry(1, "text", None, "one")]).unwrap();
        let before = length(&copy);
        copy.add(id(1), &[entry(1, "text", None, "one")]).unwrap();
        assert_eq!(length(&copy), before);
        for seq in 2..50 {
            copy.add(id(1), &[entry(seq, "text", None, "more")])
                .unwrap();
            assert!(length(&copy) <= copy.max_bytes);
        }
        let newest = copy.newest(id(1), 2).unwrap();
        assert_eq!([newest[0].seq, newest[1].seq], [48, 49]);
    }

    #[test]
    fn a_cut_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut copy = LocalCopy::open(folder.path()).unwrap();
        copy.add(id(1), &[entry(1, "text", None, "one")]).unwrap();
        let path = copy.path(id(1));
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"{\"seq\":2,\"ki\n").unwrap();
        let again = LocalCopy::open(folder.path()).unwrap();
        assert_eq!(again.newest(id(1), 10).unwrap().len(), 1);
    }
}
