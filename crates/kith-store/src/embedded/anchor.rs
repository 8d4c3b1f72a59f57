//! Makes the names of folders durable: what is synced inside a folder whose own name is not would be gone
//! with it after a power cut.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Syncs the data folder, every folder in it, and its own name where it lies. Called after all of them were
/// made and before anything is acknowledged; where nothing has changed it costs next to nothing.
pub(super) fn sync_folders(folder: &Path) -> io::Result<()> {
    // Who may not look into the place where the folder lies did not make it either.
    let place = folder
        .parent()
        .filter(|place| !place.as_os_str().is_empty());
    if let Some(Ok(place)) = place.map(File::open) {
        place.sync_all()?;
    }
    sync_below(folder)
}

fn sync_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_below(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}
