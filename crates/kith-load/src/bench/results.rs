//! The file of results: a line of JSON for each row. What stands there for the same programs at the
//! same size is not measured again.

use super::row::Row;
use super::scenario::Size;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// Rows of one build, in a file that may hold others.
pub(super) struct Results {
    file: File,
    build: String,
    rows: Vec<Row>,
}

impl Results {
    /// Reads what is there; with `fresh` what was measured before does not count.
    pub(super) fn open(path: &Path, build: String, fresh: bool) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| path.display().to_string())?;
        let mut text = String::new();
        file.read_to_string(&mut text)
            .with_context(|| path.display().to_string())?;
        if !text.is_empty() && !text.ends_with('\n') {
            // A crash cut the last line off: the next one begins anew.
            file.write_all(b"\n")?;
        }
        let mut rows: Vec<Row> = Vec::new();
        // Lines that cannot be read are of another version, or cut off: they are measured again.
        let known = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        for row in known.filter(|row: &Row| row.build == build && !fresh) {
            // What was measured afresh stands for what was measured before.
            rows.retain(|other| (&other.scenario, other.run) != (&row.scenario, row.run));
            rows.push(row);
        }
        Ok(Self { file, build, rows })
    }

    /// Whether a step was done in this run.
    pub(super) fn has(&self, step: &str, run: usize) -> bool {
        self.rows
            .iter()
            .any(|row| row.step == step && row.run == run)
    }

    /// Appends the rows of a step that is done.
    pub(super) fn add(&mut self, step: &str, rows: Vec<Row>) -> Result<&[Row]> {
        let first = self.rows.len();
        let mut lines = String::new();
        for mut row in rows {
            step.clone_into(&mut row.step);
            row.build.clone_from(&self.build);
            // Writing into a string does not fail.
            let _ = writeln!(lines, "{}", serde_json::to_string(&row)?);
            self.rows.push(row);
        }
        self.file
            .write_all(lines.as_bytes())
            .context("write the results")?;
        Ok(&self.rows[first..])
    }

    /// All rows of this build.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }
}

/// Names the programs that are measured, by their contents, and the size.
pub(super) fn build(kith: &Path, size: &Size, long_s: f64) -> Result<String> {
    let mut hash = Sha256::new();
    for path in [kith, &std::env::current_exe()?] {
        let mut file = File::open(path).with_context(|| path.display().to_string())?;
        std::io::copy(&mut file, &mut Hashed(&mut hash))?;
    }
    let mut name = String::new();
    for byte in &hash.finalize()[..6] {
        let _ = write!(name, "{byte:02x}");
    }
    let Size {
        duration,
        sockets,
        entries,
        members,
        returning,
        ..
    } = size;
    let duration_s = duration.as_secs_f64();
    Ok(format!(
        "{name} {duration_s}s {long_s}s {sockets} {entries} {members} {returning}"
    ))
}

struct Hashed<'a>(&'a mut Sha256);

impl std::io::Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64) -> Row {
        Row {
            scenario: "pairs".to_owned(),
            value,
            ..Row::default()
        }
    }

    #[test]
    fn what_was_measured_with_the_same_programs_is_found_again_and_nothing_else() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("new/results.jsonl");
        let mut results = Results::open(&path, "one".to_owned(), false)?;
        results.add("pairs", vec![row(1.0)])?;
        results.file.write_all(b"{\"scenario\": \"cut o")?;
        let mut again = Results::open(&path, "one".to_owned(), false)?;
        assert!(again.has("pairs", 0) && !again.has("pairs", 1) && !again.has("room", 0));
        again.add("pairs", vec![row(2.0)])?;
        let again = Results::open(&path, "one".to_owned(), false)?;
        let values: Vec<f64> = again.rows().iter().map(|row| row.value).collect();
        assert_eq!(values, [2.0], "the newest one counts");
        assert!(!Results::open(&path, "two".to_owned(), false)?.has("pairs", 0));
        assert!(!Results::open(&path, "one".to_owned(), true)?.has("pairs", 0));
        Ok(())
    }
}
