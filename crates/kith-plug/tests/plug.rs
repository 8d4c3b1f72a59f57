//! What a process finds after the plug was pulled on the one before. The test binary runs itself as the
//! process that suffers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which deed the process that suffers shall do, and in which folder.
const DEED: &str = "PLUG_TEST_DEED";
/// Seeds that are tried: with these, everything that may happen happens.
const SEEDS: u64 = 24;

/// Not a test by itself: what the other ones run in a process of its own.
#[test]
fn a_process_that_is_cut_off() {
    let Ok(deed) = std::env::var(DEED) else {
        return;
    };
    let folder = PathBuf::from(std::env::var_os("PLUG_FOLDER").unwrap());
    let log = folder.join("log");
    match deed.as_str() {
        "nothing" => return,
        "append" => {
            let mut file = File::create(&log).unwrap();
            file.write_all(&[b'a'; 10_000]).unwrap();
            file.sync_data().unwrap();
            sync_folder(&folder);
            file.write_all(&[b'b'; 10_000]).unwrap();
        }
        "overwrite" => {
            let file = File::create(&log).unwrap();
            file.set_len(20_480).unwrap();
            file.sync_all().unwrap();
            sync_folder(&folder);
            file.write_all_at(&[b'b'; 20_480], 0).unwrap();
        }
        "cut short" => {
            fs::write(&log, [b'a'; 10_000]).unwrap();
            File::open(&log).unwrap().sync_all().unwrap();
            sync_folder(&folder);
            let mut file = File::options().write(true).open(&log).unwrap();
            file.set_len(5_000).unwrap();
            file.seek(SeekFrom::Start(4_000)).unwrap();
            file.write_all(b"bbbb").unwrap();
        }
        "create" => {
            fs::create_dir(folder.join("inner")).unwrap();
            fs::write(folder.join("inner/log"), "new").unwrap();
            File::open(folder.join("inner/log"))
                .unwrap()
                .sync_all()
                .unwrap();
        }
        "replace" => {
            for text in ["old", "new"] {
                let beside = folder.join("beside");
                fs::write(&beside, text).unwrap();
                File::open(&beside).unwrap().sync_all().unwrap();
                fs::rename(&beside, &log).unwrap();
                if text == "old" {
                    sync_folder(&folder);
                }
            }
        }
        "unlink" => {
            fs::write(&log, "here").unwrap();
            File::open(&log).unwrap().sync_all().unwrap();
            fs::create_dir(folder.join("inner")).unwrap();
            sync_folder(&folder);
            fs::remove_file(&log).unwrap();
            fs::remove_dir(folder.join("inner")).unwrap();
        }
        "room" => {
            let mut file = File::create(&log).unwrap();
            let error = std::iter::repeat_with(|| file.write_all(&[b'a'; 1_000]))
                .find_map(Result::err)
                .unwrap();
            assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
            let second = File::create(folder.join("second")).unwrap_err();
            assert_eq!(second.kind(), std::io::ErrorKind::StorageFull);
            // Files elsewhere are not on this disk.
            tempfile::tempfile().unwrap().write_all(b"x").unwrap();
        }
        "sync twice" => {
            let mut file = File::create(&log).unwrap();
            file.write_all(&[b'a'; 10_000]).unwrap();
            file.sync_all().unwrap();
            file.write_all(&[b'b'; 10_000]).unwrap();
            assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
            assert!(File::open(&folder).unwrap().sync_all().is_err());
        }
        _ => panic!("{deed}"),
    }
    std::process::abort();
}

#[test]
fn what_was_synced_stays_and_what_was_not_may_go() {
    let lengths: BTreeSet<u64> = outcomes("append", &[], |folder| {
        let bytes = fs::read(folder.join("log")).unwrap();
        assert!(bytes[..10_000].iter().all(|byte| *byte == b'a'));
        assert!(bytes[10_000..].iter().all(|byte| [0, b'b'].contains(byte)));
        bytes.len() as u64
    });
    assert_eq!(lengths, BTreeSet::from([10_000, 20_000]));
}

#[test]
fn pages_come_back_in_any_order() {
    let found = outcomes("overwrite", &[], |folder| {
        let bytes = fs::read(folder.join("log")).unwrap();
        bytes.iter().step_by(4096).copied().collect::<Vec<u8>>()
    });
    assert!(found.contains(&vec![0; 5]) && found.contains(&vec![b'b'; 5]));
    // A later page without an earlier one: what a log must find out by its checksums.
    assert!(
        found
            .iter()
            .any(|pages| pages[0] == 0 && pages.contains(&b'b'))
    );
}

#[test]
fn a_file_that_was_cut_short_may_have_its_length_again() {
    let found = outcomes("cut short", &[], |folder| {
        let bytes = fs::read(folder.join("log")).unwrap();
        (bytes.len(), bytes[4_000])
    });
    assert!(found.contains(&(10_000, b'a')) && found.contains(&(5_000, b'b')));
}

#[test]
fn a_file_that_was_replaced_is_the_old_one_or_the_new_one() {
    let found = outcomes("replace", &[], |folder| {
        fs::read_to_string(folder.join("log")).unwrap()
    });
    assert_eq!(found, BTreeSet::from(["old".to_owned(), "new".to_owned()]));
}

#[test]
fn a_new_file_that_was_synced_has_its_name_unless_posix_is_taken_at_its_word() {
    let look = |folder: &Path| folder.join("inner/log").exists();
    let found = outcomes("create", &[], look);
    assert_eq!(found, BTreeSet::from([true]));
    let found = outcomes("create", &[("PLUG_STRICT", "1")], look);
    assert_eq!(found, BTreeSet::from([false, true]));
}

#[test]
fn a_name_that_was_taken_away_may_be_there_again() {
    let found = outcomes("unlink", &[], |folder| {
        let text = fs::read_to_string(folder.join("log")).ok();
        (text, folder.join("inner").exists())
    });
    assert!(found.contains(&(Some("here".to_owned()), true)));
    assert!(found.contains(&(None, false)));
}

#[test]
fn a_disk_that_lies_loses_what_was_synced() {
    let found = outcomes("append", &[("PLUG_LIE", "1")], |folder| {
        fs::metadata(folder.join("log")).map_or(0, |file| file.len())
    });
    assert!(found.contains(&0), "{found:?}");
}

#[test]
fn a_disk_that_is_full_says_so() {
    let found = outcomes("room", &[("PLUG_ROOM_BYTES", "5500")], |folder| {
        fs::metadata(folder.join("log")).map_or(0, |file| file.len())
    });
    assert!(found.contains(&5_500), "{found:?}");
}

#[test]
fn what_a_failed_sync_should_have_covered_may_be_gone() {
    let found = outcomes("sync twice", &[("PLUG_FAIL_FSYNC", "2")], |folder| {
        fs::metadata(folder.join("log")).unwrap().len()
    });
    assert_eq!(found, BTreeSet::from([10_000, 20_000]));
}

#[test]
fn the_same_seed_takes_back_the_same() {
    let found = |seed| {
        let (folder, _) = cut("overwrite", &[], seed);
        fs::read(folder.path().join("data/log")).unwrap()
    };
    assert!((0..8).all(|seed| found(seed) == found(seed)));
}

/// What is found after the deed and a cut, for all seeds.
fn outcomes<T: Ord>(deed: &str, faults: &[(&str, &str)], look: impl Fn(&Path) -> T) -> BTreeSet<T> {
    let look_after = |seed| {
        let (folder, told) = cut(deed, faults, seed);
        assert!(told.contains("pages_lost"), "{told}");
        look(&folder.path().join("data"))
    };
    (0..SEEDS).map(look_after).collect()
}

/// A folder after the deed and a cut, and what was told of the cut.
fn cut(deed: &str, faults: &[(&str, &str)], seed: u64) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["data", "side"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let seed = seed.to_string();
    for (deed, faults) in [(deed, faults), ("nothing", &[("PLUG_SEED", &*seed)])] {
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["a_process_that_is_cut_off", "--exact", "--nocapture"])
            .env("LD_PRELOAD", library())
            .env("PLUG_FOLDER", folder.path().join("data"))
            .env("PLUG_SIDE", folder.path().join("side"))
            .env(DEED, deed)
            .envs(faults.iter().copied())
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&ended.stderr);
        assert!(!words.contains("panicked"), "{deed}: {words}");
        assert_eq!(ended.status.success(), deed == "nothing", "{deed}: {words}");
    }
    let told = fs::read_to_string(folder.path().join("side/cuts")).unwrap();
    (folder, told)
}

fn library() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.with_file_name("libkith_plug.so")
}

fn sync_folder(folder: &Path) {
    File::open(folder).unwrap().sync_all().unwrap();
}
