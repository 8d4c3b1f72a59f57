//! How fast `kith doctor` reads a store, if this binary has one.

use super::machine::Used;
use super::row::Row;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

/// Checks the data of a server that was killed, with at least so many entries; no row if the command is
/// not there.
pub(super) fn doctor(kith: &Path, data: &Path, at_least: u64) -> Result<Option<Row>> {
    let run = |arguments: &[&std::ffi::OsStr]| -> Result<Output> {
        Command::new(kith)
            .arg("doctor")
            .args(arguments)
            .output()
            .with_context(|| format!("{} doctor", kith.display()))
    };
    if !run(&["--help".as_ref()])?.status.success() {
        return Ok(None);
    }
    let began = Instant::now();
    let output = run(&["--data".as_ref(), data.as_os_str(), "--json".as_ref()])?;
    let took_s = began.elapsed().as_secs_f64();
    let report = String::from_utf8_lossy(&output.stdout);
    let entries = entries(&report).unwrap_or(at_least as f64);
    let used = Used {
        wall_s: took_s,
        ..Used::default()
    };
    let mut row = Row::new("doctor", used).valued(entries / took_s, "entries/s");
    row.faults = u64::from(!output.status.success());
    row.note = format!("{entries} entries in {took_s:.2} s, {}", output.status);
    Ok(Some(row))
}

/// The largest figure called `entries`, wherever it stands in the report.
fn entries(report: &str) -> Option<f64> {
    let name = "\"entries\":";
    report
        .match_indices(name)
        .filter_map(|(at, _)| {
            let rest = report[at + name.len()..].trim_start();
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            rest[..end].parse::<f64>().ok()
        })
        .max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_says_how_much_was_read() {
        let report = r#"{"logs": {"entries": 12}, "all":{"entries":1000000}}"#;
        assert_eq!(entries(report), Some(1_000_000.0));
        assert_eq!(entries("{}"), None);
    }
}
