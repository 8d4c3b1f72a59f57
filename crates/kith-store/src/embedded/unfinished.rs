//! Tables whose making was broken off: fjall would take the journal in them for somebody else's and never
//! open them again.
//!
//! It writes its version file last, before the first keyspace. Where neither is, nothing was ever stored.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Removes the tables in the data folder if they were never finished; then they are made anew.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    let tables = folder.join("tables");
    if !tables.try_exists()? || has_version(&tables)? || has_keyspaces(&tables)? {
        return Ok(());
    }
    tracing::warn!("the making of the tables was broken off; they are made anew");
    fs::remove_dir_all(tables)
}

/// A file without a byte that is not zero was made, and its content did not reach the disk.
fn has_version(tables: &Path) -> io::Result<bool> {
    match fs::read(tables.join("version")) {
        Ok(version) => Ok(version.iter().any(|byte| *byte != 0)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn has_keyspaces(tables: &Path) -> io::Result<bool> {
    match fs::read_dir(tables.join("keyspaces")) {
        Ok(mut keyspaces) => Ok(keyspaces.next().is_some()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EmbeddedConfig, open};
    use super::*;

    fn config(folder: &Path) -> EmbeddedConfig {
        EmbeddedConfig {
            folder: folder.to_owned(),
            ..EmbeddedConfig::default()
        }
    }

    #[test]
    fn a_making_that_was_broken_off_is_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        open(config(folder.path())).expect("opens").close();
        let tables = folder.path().join("tables");
        for version in [None, Some("")] {
            fs::remove_dir_all(&tables).expect("is there");
            fs::create_dir_all(tables.join("keyspaces")).expect("a folder");
            fs::write(tables.join("0.jnl"), [0; 4096]).expect("a file");
            if let Some(version) = version {
                fs::write(tables.join("version"), version).expect("a file");
            }
            open(config(folder.path())).expect("opens again").close();
        }
    }

    #[test]
    fn tables_that_hold_something_are_left_as_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        open(config(folder.path())).expect("opens").close();
        let version = folder.path().join("tables/version");
        fs::remove_file(&version).expect("is there");
        clear(folder.path()).expect("nothing to do");
        assert!(folder.path().join("tables/keyspaces/1").exists());
    }
}
