//! What a fuzzer feeds with bytes: rows, keys and files of the log as they may lie on a damaged disk. None of
//! them may make the program panic, and what can be read must stay itself.

use super::{key, row, wal};

/// Reads bytes as a row of each table.
pub fn row(bytes: &[u8]) {
    row::read_as_each(bytes);
}

/// Takes bytes apart as a key of each layout that is taken apart.
pub fn key(bytes: &[u8]) {
    let _ = (key::last_id(bytes), key::last_seq(bytes));
    let _ = (key::read_reaction(bytes), key::read_marks_key(bytes));
    if let Some((at, hash)) = key::read_forget(bytes) {
        assert_eq!(key::forget(at, &hash)[1..], bytes[1..], "another key");
    }
}

/// Reads bytes as a file of the write-ahead log, and as the rows of a batch.
pub fn segment(bytes: &[u8]) {
    wal::fuzz::segment(bytes);
}
