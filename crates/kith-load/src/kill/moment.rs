//! When a life of the server ends.

use super::machine::LOOK_EVERY;
use rand::RngExt;
use rand::rngs::StdRng;
use std::path::Path;
use std::time::{Duration, Instant};

/// From the first answer to the first purge.
const PURGE_BEGINS: Duration = Duration::from_secs(1);

/// When the plug is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// While the server starts, or a little later.
    Starting(Duration),
    /// While people write.
    Writing(Duration),
    /// Right after a file appeared in the data folder: a flush, a merge or a rotation.
    FileAppears(Duration),
    /// While erased bodies are taken out of the files, a second after the start.
    Purging(Duration),
}

impl Moment {
    /// Draws one.
    pub(super) fn draw(rng: &mut StdRng) -> Self {
        let mut within = |ms: u64| Duration::from_micros(rng.random_range(0..ms * 1_000));
        let (soon, while_writing, after_file) = (within(120), within(900), within(20));
        match rng.random_range(0..10) {
            0..2 => Self::Starting(soon),
            2..5 => Self::Writing(while_writing),
            5..9 => Self::FileAppears(after_file),
            _ => Self::Purging(PURGE_BEGINS + 2 * while_writing),
        }
    }

    /// Returns when the plug is to be pulled. `Starting` begins at the start of the process, the others
    /// when it answers.
    pub(super) async fn wait(self, data: &Path) {
        match self {
            Self::Starting(time) | Self::Writing(time) | Self::Purging(time) => {
                tokio::time::sleep(time).await
            }
            Self::FileAppears(time) => {
                let (before, began) = (files(data), Instant::now());
                // A quiet server makes no files: then it is killed all the same.
                while files(data) <= before && began.elapsed() < Duration::from_secs(2) {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                tokio::time::sleep(time).await;
            }
        }
    }
}

/// Files below a folder.
fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let count = entries.flatten().map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files(&entry.path()),
        _ => 1,
    });
    count.sum()
}
