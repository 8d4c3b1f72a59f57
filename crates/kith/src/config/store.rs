//! `[store]`: where the data lies.

use super::section::{section, words};
use std::path::PathBuf;

const MIB: u64 = 1 << 20;

section! {
    /// The store.
    Store {
        /// Which engine keeps the data. `embedded` needs nothing but the folder.
        engine: Engine = Engine::Embedded;
        /// The data folder; made if it is not there. One running kith per folder.
        folder: PathBuf = "data".into();
        /// Memory for blocks that were read from disk.
        cache_bytes: u64 = 8 * MIB, in MIB..=(64 << 30);
        /// Memory for rows that are not in tables yet, all tables together. More makes fewer but
        /// longer pauses when they are written out. Fixed when the folder is made.
        memtable_bytes: u64 = 16 * MIB, in MIB..=(1 << 30);
        /// Nothing is written while the disk has less left than this, so that nothing breaks half-way;
        /// it goes on by itself when room was made. 0: write until the disk is full.
        reserve_bytes: u64 = 256 * MIB, in 0..=(1_u64 << 40);
        /// How often deleted messages are taken out of the files, if there were any. Until then their
        /// texts are on the disk, though nobody is shown them. It rewrites the tables.
        purge_every_s: u64 = 6 * 3600, in 1..=(7 * 86_400);
    }
}

words! {
    /// Which engine keeps the data.
    Engine {
        /// Log-structured trees in the data folder.
        Embedded = "embedded",
    }
}
