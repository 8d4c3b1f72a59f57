//! The power comes back: what was not synced is taken back, all of it, some of it or nothing, as the
//! seed draws it.
//!
//! Of a file either all pages come back as they were at its last sync, or none, or each as a coin says:
//! disks write pages in any order. Of the changes to the names in a folder the last ones are taken back,
//! from a drawn one on: file systems keep their order. Folders and files are drawn for each by itself.

use crate::chance::Chance;
use crate::names::{self, Change, Deed};
use crate::undo::PAGE_BYTES;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// How much was taken back.
#[derive(Default)]
struct Taken {
    files: u64,
    pages: u64,
    pages_kept: u64,
    names: u64,
    names_kept: u64,
}

/// Takes back what the process before did not sync below `folder`, and begins anew.
pub(crate) fn take_back(folder: &Path, side: &Path, seed: Option<u64>) -> std::io::Result<()> {
    let mut taken = Taken::default();
    let undos = undos(side)?;
    if let Some(seed) = seed {
        let mut chance = Chance::new(seed);
        let mut paths = HashMap::new();
        find(folder, &mut paths)?;
        find(side, &mut paths)?;
        for (inode, undo) in &undos {
            if let Some(path) = paths.get(inode) {
                revert(path, &std::fs::read(undo)?, &mut chance, &mut taken)?;
            }
        }
        unname(&names::left(side)?, &mut chance, &mut taken)?;
        tell(side, seed, &taken)?;
    }
    for entry in std::fs::read_dir(side)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("hidden-") || name.starts_with("names") || name.ends_with(".undo") {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// By inode number, so that the same seed meets them in the same order.
fn undos(side: &Path) -> std::io::Result<BTreeMap<u64, PathBuf>> {
    let mut undos = BTreeMap::new();
    for entry in std::fs::read_dir(side)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let inode = name.strip_suffix(".undo").and_then(|n| n.parse().ok());
        if let Some(inode) = inode {
            undos.insert(inode, path);
        }
    }
    Ok(undos)
}

/// Where each inode is now.
fn find(folder: &Path, paths: &mut HashMap<u64, PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            find(&entry.path(), paths)?;
        } else if kind.is_file() {
            paths.insert(entry.metadata()?.ino(), entry.path());
        }
    }
    Ok(())
}

/// How a file comes back.
enum Fate {
    Old,
    New,
    Mixed,
}

fn revert(path: &Path, undo: &[u8], chance: &mut Chance, taken: &mut Taken) -> std::io::Result<()> {
    let Some((old_bytes, pages)) = parts(undo) else {
        return Ok(());
    };
    let fate = match chance.below(3) {
        0 => Fate::Old,
        1 => Fate::New,
        _ => Fate::Mixed,
    };
    let file = File::options().read(true).write(true).open(path)?;
    let new_bytes = file.metadata()?.len();
    // With the new length, pages that were lost are full of zeros.
    let keeps_length = match fate {
        Fate::Old => false,
        Fate::New => true,
        Fate::Mixed => chance.coin(),
    };
    let bytes = if keeps_length { new_bytes } else { old_bytes };
    file.set_len(bytes)?;
    for (page, content) in pages {
        let keeps = match fate {
            Fate::Old => false,
            Fate::New => true,
            Fate::Mixed => chance.coin(),
        };
        let at = page * PAGE_BYTES;
        if keeps {
            taken.pages_kept += 1;
            continue;
        }
        taken.pages += 1;
        if at < bytes {
            let mut whole = content.to_vec();
            whole.resize(PAGE_BYTES.min(bytes - at) as usize, 0);
            file.write_all_at(&whole, at)?;
        }
    }
    taken.files += 1;
    Ok(())
}

/// A page of a file: its number, and what was in it.
type Page<'a> = (u64, &'a [u8]);

/// The length at the last sync, and pages as they were; a last record that is not whole was never
/// acted upon.
fn parts(undo: &[u8]) -> Option<(u64, Vec<Page<'_>>)> {
    let (old_bytes, mut rest) = number(undo)?;
    let mut pages = Vec::new();
    while let Some((page, after_page)) = number(rest) {
        let Some((kept, after_kept)) = number(after_page) else {
            break;
        };
        let Some((content, after)) = after_kept.split_at_checked(kept as usize) else {
            break;
        };
        pages.push((page, content));
        rest = after;
    }
    Some((old_bytes, pages))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*number), rest))
}

fn unname(changes: &[Change], chance: &mut Chance, taken: &mut Taken) -> std::io::Result<()> {
    let mut by_folder: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
    for (number, change) in changes.iter().enumerate() {
        let folder = change.path.parent().unwrap_or(Path::new("/"));
        by_folder.entry(folder).or_default().push(number);
    }
    let mut lost: Vec<usize> = Vec::new();
    for numbers in by_folder.values() {
        let kept = match chance.below(3) {
            0 => 0,
            1 => numbers.len(),
            _ => chance.below(numbers.len() as u64 + 1) as usize,
        };
        taken.names_kept += kept as u64;
        lost.extend(&numbers[kept..]);
    }
    lost.sort_unstable();
    taken.names += lost.len() as u64;
    for number in lost.into_iter().rev() {
        match undone(&changes[number]) {
            // What lies in a folder that is gone by now, or was never carried out.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}

fn undone(change: &Change) -> std::io::Result<()> {
    let path = &change.path;
    let is = |inode: u64| std::fs::symlink_metadata(path).is_ok_and(|now| now.ino() == inode);
    match &change.deed {
        Deed::Created(inode) if is(*inode) => std::fs::remove_file(path),
        Deed::Made => std::fs::remove_dir_all(path),
        Deed::Unlinked(hidden) if !path.exists() => std::fs::hard_link(hidden, path),
        Deed::Removed if !path.exists() => std::fs::create_dir(path),
        Deed::Renamed(from, hidden, inode) if is(*inode) => {
            std::fs::rename(path, from)?;
            std::fs::hard_link(hidden, path)
        }
        _ => Ok(()),
    }
}

/// One line of JSON for each cut.
fn tell(side: &Path, seed: u64, taken: &Taken) -> std::io::Result<()> {
    let Taken {
        files,
        pages,
        pages_kept,
        names,
        names_kept,
    } = taken;
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(side.join("cuts"))?;
    writeln!(
        file,
        r#"{{"seed":{seed},"files":{files},"pages_lost":{pages},"pages_kept":{pages_kept},"names_lost":{names},"names_kept":{names_kept}}}"#
    )
}
