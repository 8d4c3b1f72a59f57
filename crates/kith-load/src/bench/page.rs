//! The page of `bench all` in Markdown, and the same in JSON: medians, spread, limits, targets.

use super::machine;
use super::row::{Row, short};
use super::target::{Reach, TARGETS, Target};
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// What is known of one figure.
#[derive(Serialize)]
struct Figure {
    what: &'static str,
    scenario: &'static str,
    unit: &'static str,
    runs: usize,
    /// Runs during which other programs took more than a tenth of a core.
    disturbed: usize,
    median: Option<f64>,
    least: Option<f64>,
    most: Option<f64>,
    /// Median of the part of what append and fdatasync allow.
    of_disk: Option<f64>,
    /// Median of the part of what bare sockets do.
    of_sockets: Option<f64>,
    first: Option<Verdict>,
    aim: Option<Verdict>,
}

#[derive(Serialize)]
struct Verdict {
    reached: bool,
    /// Better by this part of the target; worse below 0.
    by: f64,
}

/// Writes the page to `path` and the same in JSON beside it.
pub(super) fn write(path: &Path, rows: &[Row]) -> Result<()> {
    let machine = machine::described();
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).with_context(|| path.display().to_string())
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let figures: Vec<Figure> = TARGETS.iter().map(|target| figure(target, rows)).collect();
    let json = serde_json::json!({
        "machine": machine,
        "build": rows.first().map(|row| &row.build),
        "faults": faults(rows),
        "figures": figures,
    });
    write(
        &path.with_extension("json"),
        serde_json::to_string_pretty(&json)? + "\n",
    )?;
    write(path, page(&machine, rows))
}

fn page(machine: &str, rows: &[Row]) -> String {
    let mut page = format!(
        "<!-- Written by `kith-load bench all`. -->\n# Measured\n\n{machine}.\n\n\
         Load generator and server on the same machine, loopback, no TLS. Durable: every message is\n\
         synced to disk before it is acknowledged. CPU is the server's user and system time. *Of the disk*\n\
         is the part of what append and fdatasync allow in batches as large as the server's, *of bare\n\
         sockets* that of the same frames over the same sockets without a server behind them; both measured\n\
         right after the run.\n\n\
         | what | median | spread | runs | of the disk | of bare sockets | first target | aim |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for target in TARGETS {
        line(&mut page, target, &figure(target, rows));
    }
    notes(&mut page, rows);
    page
}

fn figure(target: &Target, rows: &[Row]) -> Figure {
    let of_it: Vec<&Row> = rows
        .iter()
        .filter(|row| row.scenario == target.scenario)
        .collect();
    let figures = sorted(of_it.iter().filter_map(|row| (target.read)(row)));
    let median_figure = median(&figures);
    let verdict = |reach: Reach| {
        let (reached, by) = reach.verdict(median_figure?)?;
        Some(Verdict { reached, by })
    };
    Figure {
        what: target.what,
        scenario: target.scenario,
        unit: target.unit,
        runs: figures.len(),
        disturbed: of_it.iter().filter(|row| row.disturbed).count(),
        median: median_figure,
        least: figures.first().copied(),
        most: figures.last().copied(),
        of_disk: median(&sorted(of_it.iter().filter_map(|row| row.of_disk))),
        of_sockets: median(&sorted(of_it.iter().filter_map(|row| row.of_sockets))),
        first: verdict(target.first),
        aim: verdict(target.aim),
    }
}

fn line(page: &mut String, target: &Target, figure: &Figure) {
    let median = match figure.median {
        Some(median) => format!("{} {}", short(median), figure.unit),
        None => "–".to_owned(),
    };
    let spread = match (figure.least, figure.most) {
        (Some(least), Some(most)) if figure.runs > 1 => {
            format!("{} to {}", short(least), short(most))
        }
        _ => "–".to_owned(),
    };
    let runs = match figure.disturbed {
        0 => figure.runs.to_string(),
        some => format!("{} ({some} disturbed)", figure.runs),
    };
    // The limits are those of the row, not of each figure in it.
    let is_first = figure.unit.ends_with("/s");
    let part = |of: Option<f64>| match of.filter(|_| is_first) {
        Some(of) => format!("{:.0} %", of * 100.0),
        None => String::new(),
    };
    // Writing into a string does not fail.
    let _ = writeln!(
        page,
        "| {} | {median} | {spread} | {runs} | {} | {} | {} | {} |",
        figure.what,
        part(figure.of_disk),
        part(figure.of_sockets),
        target.first.shown(figure.median),
        target.aim.shown(figure.median),
    );
}

fn notes(page: &mut String, rows: &[Row]) {
    page.push_str("\nDisturbed: other programs took more than 0.1 core during the run.\n");
    let _ = writeln!(
        page,
        "\nMissing, repeated or dropped entries in all runs: {}.\n",
        faults(rows)
    );
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        let _ = writeln!(page, "- {}: {}", row.scenario, row.note);
    }
}

fn faults(rows: &[Row]) -> u64 {
    rows.iter().map(|row| row.faults).sum()
}

fn sorted(figures: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures
}

/// Of sorted figures.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(scenario: &str, value: f64, disturbed: bool) -> Row {
        Row {
            scenario: scenario.to_owned(),
            value,
            disturbed,
            of_sockets: Some(0.5),
            ..Row::default()
        }
    }

    #[test]
    fn the_page_shows_median_spread_limits_and_whether_the_targets_were_reached() {
        let rows = [
            measured("pairs-one", 26_000.0, false),
            measured("pairs-one", 20_000.0, true),
            measured("pairs-one", 30_000.0, false),
            measured("rest", 25.0, false),
        ];
        let page = page("2 cores", &rows);
        assert!(
            page.contains(
                "| 26 k messages/s | 20 k to 30 k | 3 (1 disturbed) |  | 50 % | ≥ 25 k: reached | ≥ 40 k: **missed by 35 %** |"
            ),
            "{page}"
        );
        assert!(
            page.contains("| RSS at rest | 25.0 MB | – | 1 |  |  | ≤ 20.0: **missed by 25 %** |")
        );
        assert!(page.contains("| idle WebSocket, 10,000 | – | – | 0 |"));
    }

    #[test]
    fn the_page_and_its_json_are_written_together() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("bench/results.md");
        write(&path, &[measured("rest", 15.0, false)])?;
        let json: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path.with_extension("json"))?)?;
        let figures = json["figures"].as_array().context("figures")?;
        let rest = figures.iter().find(|figure| figure["scenario"] == "rest");
        assert_eq!(rest.context("a row")?["aim"]["reached"], true);
        assert!(std::fs::read_to_string(path)?.contains("RSS at rest"));
        Ok(())
    }
}
