//! The corpus of the fuzzer, replayed without it; and its folder, held against what there is to feed.

use kith::fuzz::TARGETS;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().path());
    names
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn nothing_in_the_corpus_makes_a_reader_panic_or_say_another_thing() {
    for target in &TARGETS {
        let corpus = folder().join("corpus").join(target.name);
        let mut count = 0;
        for entry in std::fs::read_dir(&corpus).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let fed = std::panic::catch_unwind(|| (target.feed)(&bytes));
            assert!(fed.is_ok(), "{} does, see above", path.display());
            count += 1;
        }
        assert!(count > 0, "{} is empty", corpus.display());
    }
}

#[test]
fn nasty_texts_make_no_reader_panic() {
    for line in include_str!("../data/nasty.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = case["text"].as_str().or(case["json"].as_str());
        let text = text.unwrap_or(line);
        for target in &TARGETS {
            (target.feed)(text.as_bytes());
            (target.feed)(line.as_bytes());
        }
    }
}

/// The fuzz crate is no part of the workspace: this is what keeps it from going stale unseen.
#[test]
fn every_target_has_a_program_and_a_corpus_and_there_is_no_other() {
    let targets: BTreeSet<String> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(names(&folder().join("fuzz_targets")), targets);
    assert_eq!(names(&folder().join("corpus")), targets);
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    for program in manifest["bin"].as_array().unwrap() {
        let (name, path) = (program["name"].as_str(), program["path"].as_str());
        let name = name.unwrap();
        assert!(targets.contains(name), "{name}");
        assert_eq!(path.unwrap(), format!("fuzz_targets/{name}.rs"));
        let source = std::fs::read_to_string(folder().join(path.unwrap())).unwrap();
        assert!(source.contains(&format!("kith::fuzz::feed({name:?}, bytes)")));
    }
    assert_eq!(manifest["bin"].as_array().unwrap().len(), targets.len());
}
