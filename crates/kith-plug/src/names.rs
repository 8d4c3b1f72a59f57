//! Names that were made, moved or taken away in a folder since that folder was synced: kept in their
//! order, in a file beside the folder that outlives the process.
//!
//! Names are those of a store: what has a tab or a line feed in it is not understood.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What was done to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A file is new, with this inode number.
    Created(u64),
    /// A folder is new.
    Made,
    /// A file is gone; it was hidden under this name beside the folder.
    Unlinked(PathBuf),
    /// A folder is gone.
    Removed,
    /// A name was moved here from there; what was here before was hidden under that name.
    Renamed(PathBuf, PathBuf, u64),
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: PathBuf,
    pub(crate) deed: Deed,
}

/// All that wait for a sync of their folder.
pub(crate) struct Names {
    side: PathBuf,
    changes: Vec<Change>,
    hidden: u64,
    file: File,
}

const FILE: &str = "names";

impl Names {
    /// None wait at the start.
    pub(crate) fn open(side: &Path) -> std::io::Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(side.join(FILE))?;
        file.set_len(0)?;
        Ok(Self {
            side: side.to_owned(),
            changes: Vec::new(),
            hidden: 0,
            file,
        })
    }

    /// A file was created.
    pub(crate) fn created(&mut self, path: &Path, inode: u64) -> std::io::Result<()> {
        self.add(path, Deed::Created(inode))
    }

    /// A folder was made.
    pub(crate) fn made(&mut self, path: &Path) -> std::io::Result<()> {
        self.add(path, Deed::Made)
    }

    /// A folder is about to go.
    pub(crate) fn before_rmdir(&mut self, path: &Path) -> std::io::Result<()> {
        self.add(path, Deed::Removed)
    }

    /// A file is about to go.
    pub(crate) fn before_unlink(&mut self, path: &Path) -> std::io::Result<()> {
        let hidden = self.hide(path);
        self.add(path, Deed::Unlinked(hidden))
    }

    /// A name is about to be moved.
    pub(crate) fn before_rename(
        &mut self,
        from: &Path,
        to: &Path,
        inode: u64,
    ) -> std::io::Result<()> {
        let hidden = self.hide(to);
        self.add(to, Deed::Renamed(from.to_owned(), hidden, inode))
    }

    /// What was done to the names in this folder is durable.
    pub(crate) fn synced(&mut self, folder: &Path) -> std::io::Result<()> {
        let is_in = |change: &Change| change.path.parent() == Some(folder);
        let (durable, waiting): (Vec<Change>, Vec<Change>) = std::mem::take(&mut self.changes)
            .into_iter()
            .partition(is_in);
        self.changes = waiting;
        if durable.is_empty() {
            return Ok(());
        }
        self.rewrite()?;
        for change in durable {
            if let Deed::Unlinked(hidden) | Deed::Renamed(_, hidden, _) = change.deed {
                // There is none where nothing was.
                let _ = std::fs::remove_file(hidden);
            }
        }
        Ok(())
    }

    /// A new file is durable: so is the name under which it was made, and those of the new folders above.
    pub(crate) fn file_synced(&mut self, inode: u64) -> std::io::Result<()> {
        let is_it = |change: &&Change| change.deed == Deed::Created(inode);
        let Some(made) = self.changes.iter().find(is_it).map(|it| it.path.clone()) else {
            return Ok(());
        };
        self.changes.retain(|change| match change.deed {
            Deed::Created(other) => other != inode,
            Deed::Made => !made.starts_with(&change.path),
            _ => true,
        });
        self.rewrite()
    }

    /// A second name for what is about to go.
    fn hide(&mut self, path: &Path) -> PathBuf {
        self.hidden += 1;
        let hidden = self.side.join(format!("hidden-{}", self.hidden));
        // It fails where nothing is, and on folders: those are told by their own changes.
        let _ = std::fs::hard_link(path, &hidden);
        hidden
    }

    /// Beside and moved into place: a kill leaves the old list or the new one.
    fn rewrite(&mut self) -> std::io::Result<()> {
        let beside = self.side.join("names.new");
        let lines: String = self.changes.iter().map(line).collect();
        std::fs::write(&beside, lines)?;
        std::fs::rename(&beside, self.side.join(FILE))?;
        self.file = File::options().append(true).open(self.side.join(FILE))?;
        Ok(())
    }

    fn add(&mut self, path: &Path, deed: Deed) -> std::io::Result<()> {
        let change = Change {
            path: path.to_owned(),
            deed,
        };
        self.file.write_all(line(&change).as_bytes())?;
        self.changes.push(change);
        Ok(())
    }
}

/// The list that a process left, in its order; a last line that is not whole was never acted upon.
pub(crate) fn left(side: &Path) -> std::io::Result<Vec<Change>> {
    let text = match std::fs::read_to_string(side.join(FILE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    Ok(whole.filter_map(|line| read(line.trim_end())).collect())
}

fn line(change: &Change) -> String {
    let path = change.path.display();
    match &change.deed {
        Deed::Created(inode) => format!("created\t{path}\t{inode}\n"),
        Deed::Made => format!("made\t{path}\n"),
        Deed::Unlinked(hidden) => format!("unlinked\t{path}\t{}\n", hidden.display()),
        Deed::Removed => format!("removed\t{path}\n"),
        Deed::Renamed(from, hidden, inode) => {
            let (from, hidden) = (from.display(), hidden.display());
            format!("renamed\t{path}\t{from}\t{hidden}\t{inode}\n")
        }
    }
}

fn read(line: &str) -> Option<Change> {
    let parts: Vec<&str> = line.split('\t').collect();
    let (path, deed) = match parts[..] {
        ["created", path, inode] => (path, Deed::Created(inode.parse().ok()?)),
        ["made", path] => (path, Deed::Made),
        ["unlinked", path, hidden] => (path, Deed::Unlinked(hidden.into())),
        ["removed", path] => (path, Deed::Removed),
        ["renamed", path, from, hidden, inode] => {
            let deed = Deed::Renamed(from.into(), hidden.into(), inode.parse().ok()?);
            (path, deed)
        }
        _ => return None,
    };
    Some(Change {
        path: path.into(),
        deed,
    })
}
