//! What sync told: its cursor, and the rows that its digest is about. Pushed rows do not count:
//! the digest proves that the cursor passed over nothing.

use kith_protocol::ThreadId;
use kith_protocol::sync::{DigestRow, Sync, SyncThread, digest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The rows that sync told, and the cursor that says so to the server.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Told {
    /// To be given with the next call; none: everything anew.
    pub cursor: Option<String>,
    rows: BTreeMap<ThreadId, ToldRow>,
    /// While the pages of a full answer come in: what they told so far.
    #[serde(skip)]
    anew: Option<BTreeMap<ThreadId, ToldRow>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ToldRow {
    last_seq: u64,
    read_seq: u64,
    version: u64,
}

/// What an answer of sync means beyond its rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Threads that the client knew and that a full answer does not have any more.
    pub vanished: Vec<ThreadId>,
    /// The server's digest is not that of these rows: take everything anew.
    pub differs: bool,
}

impl Told {
    /// Takes in an answer.
    pub fn take(&mut self, sync: &Sync) -> Verdict {
        self.cursor = Some(sync.cursor.clone());
        let rows = if sync.full {
            self.anew.get_or_insert_default()
        } else {
            self.anew = None;
            &mut self.rows
        };
        for thread in &sync.threads {
            match thread {
                SyncThread::Row(row) if row.thread.gone != Some(true) => {
                    let told = ToldRow {
                        last_seq: row.head.last_seq,
                        read_seq: row.mine.read_seq,
                        version: row.mine.version,
                    };
                    rows.insert(row.thread.id, told);
                }
                SyncThread::Row(row) => drop(rows.remove(&row.thread.id)),
                SyncThread::Gone { id, .. } => drop(rows.remove(id)),
            }
        }
        if sync.more {
            return Verdict::default();
        }
        let mut vanished = Vec::new();
        if let Some(anew) = self.anew.take() {
            let before = std::mem::replace(&mut self.rows, anew);
            vanished = before
                .into_keys()
                .filter(|thread| !self.rows.contains_key(thread))
                .collect();
        }
        let differs = sync
            .digest
            .as_ref()
            .is_some_and(|theirs| *theirs != self.digest());
        Verdict { vanished, differs }
    }

    /// Forgets the cursor: the next call is told everything. The rows stay until then, so that
    /// what is not told again is seen to have gone.
    pub fn start_anew(&mut self) {
        self.cursor = None;
        self.anew = None;
    }

    /// The digest of the rows that sync told.
    pub fn digest(&self) -> String {
        let row = |(thread, row): (&ThreadId, &ToldRow)| DigestRow {
            thread: *thread,
            last_seq: row.last_seq,
            read_seq: row.read_seq,
            version: row.version,
        };
        digest(&mut self.rows.iter().map(row).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(n: u8) -> ThreadId {
        ThreadId::from_bytes([n; 16])
    }

    fn row(n: u8, last_seq: u64) -> serde_json::Value {
        let at = "2026-11-21T08:54:00.000Z";
        json!({
            "thread": {"id": id(n), "kind": "group", "created_at": at, "member_count": 2,
                "settings": {"history": "forever", "open_history": false, "who_writes": "everyone", "slow_s": 0},
                "role": "member", "joined_seq": 1},
            "head": {"last_seq": last_seq, "ord": 1, "at": at},
            "mine": {"version": 3, "read_seq": 2, "delivered_seq": 2, "unread": 0, "mentions": 0,
                "pinned": false, "archived": false, "marked_unread": false},
        })
    }

    fn answer(full: bool, more: bool, threads: Vec<serde_json::Value>) -> Sync {
        let answer = json!({"cursor": "c", "full": full, "more": more, "threads": threads,
            "contacts": [], "sessions": []});
        serde_json::from_value(answer).expect("a sync answer")
    }

    fn digest_of(rows: &[(u8, u64)]) -> String {
        let row = |&(n, last_seq): &(u8, u64)| DigestRow {
            thread: id(n),
            last_seq,
            read_seq: 2,
            version: 3,
        };
        digest(&mut rows.iter().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn the_digest_is_that_of_the_rows_that_are_there_now() {
        let mut told = Told::default();
        told.take(&answer(true, true, vec![row(1, 5)]));
        told.take(&answer(true, false, vec![row(2, 6)]));
        assert_eq!(told.digest(), digest_of(&[(1, 5), (2, 6)]));
        let gone = json!({"id": id(1), "gone": true, "left_seq": 7});
        told.take(&answer(false, false, vec![row(2, 9), gone]));
        assert_eq!(told.digest(), digest_of(&[(2, 9)]));
    }

    #[test]
    fn a_full_answer_shows_what_has_vanished_after_its_last_page() {
        let mut told = Told::default();
        told.take(&answer(true, false, vec![row(1, 5), row(2, 5), row(3, 5)]));
        told.start_anew();
        assert_eq!(told.cursor, None);
        let first = told.take(&answer(true, true, vec![row(1, 5)]));
        assert_eq!(first, Verdict::default());
        let last = told.take(&answer(true, false, vec![row(3, 5)]));
        assert_eq!(last.vanished, [id(2)]);
        assert_eq!(told.digest(), digest_of(&[(1, 5), (3, 5)]));
    }

    #[test]
    fn a_digest_that_differs_is_noticed() {
        let mut told = Told::default();
        let mut sync = answer(true, false, vec![row(1, 5)]);
        sync.digest = Some(digest_of(&[(1, 5)]));
        assert!(!told.take(&sync).differs);
        sync.digest = Some(digest_of(&[(1, 6)]));
        assert!(told.take(&sync).differs);
    }

    #[test]
    fn an_answer_that_is_not_full_gives_an_unfinished_full_one_up() {
        let mut told = Told::default();
        told.take(&answer(true, false, vec![row(1, 5)]));
        told.take(&answer(true, true, vec![row(2, 5)]));
        let verdict = told.take(&answer(false, false, vec![row(1, 6)]));
        assert_eq!(verdict, Verdict::default());
        assert_eq!(told.digest(), digest_of(&[(1, 6)]));
    }
}
