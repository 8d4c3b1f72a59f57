//! The Markdown page of `bench all`: median, spread, target, hit or miss.

use super::row::{Row, short};
use std::fmt::Write;

/// One figure with its target.
struct Target {
    what: &'static str,
    scenario: &'static str,
    unit: &'static str,
    read: fn(&Row) -> Option<f64>,
    reach: Reach,
}

#[derive(Clone, Copy)]
enum Reach {
    AtLeast(f64),
    AtMost(f64),
    /// Shown for comparison only.
    Shown,
}

const TARGETS: &[Target] = &[
    row(
        "1:1, 50 pairs, window 10",
        "pairs-long",
        "messages/s",
        value,
        Reach::AtLeast(45_000.0),
    ),
    row(
        "– server CPU per message",
        "pairs-long",
        "µs",
        server_us,
        Reach::AtMost(25.0),
    ),
    row(
        "– the same in short runs",
        "pairs",
        "messages/s",
        value,
        Reach::Shown,
    ),
    row(
        "– server CPU, short runs",
        "pairs",
        "µs",
        server_us,
        Reach::Shown,
    ),
    row(
        "1:1, 50 pairs, window 1",
        "pairs-one",
        "messages/s",
        value,
        Reach::AtLeast(25_000.0),
    ),
    row("– p99", "pairs-one", "ms", p99, Reach::AtMost(6.0)),
    row(
        "open loop 5,000/s, p99",
        "open",
        "ms",
        p99,
        Reach::AtMost(5.0),
    ),
    row("– p99.9", "open", "ms", p999, Reach::AtMost(50.0)),
    row(
        "group of 200, one at a time",
        "room",
        "deliveries/s",
        value,
        Reach::AtLeast(150_000.0),
    ),
    row(
        "group of 200, 32 under way",
        "room-busy",
        "deliveries/s",
        value,
        Reach::AtLeast(1e6),
    ),
    row(
        "5,000 members, 10 online, CPU",
        "crowd",
        "× a group of 10",
        value,
        Reach::AtMost(1.3),
    ),
    row(
        "idle WebSocket",
        "idle",
        "kB RSS each",
        value,
        Reach::AtMost(5.0),
    ),
    row(
        "resume by token with sync",
        "resume",
        "per s",
        value,
        Reach::AtLeast(5_000.0),
    ),
    row(
        "page of 50 in a long thread, p99",
        "pages",
        "ms",
        value,
        Reach::AtMost(1.0),
    ),
    row(
        "– median against a thread of 1,000",
        "pages",
        "×",
        ratio,
        Reach::AtMost(1.2),
    ),
    row(
        "start after kill -9",
        "start-after-kill",
        "ms",
        value,
        Reach::AtMost(200.0),
    ),
    row("RSS at rest", "rest", "MB", value, Reach::AtMost(20.0)),
    row(
        "RSS at 10,000 messages/s",
        "open-10k",
        "MB",
        rss_max,
        Reach::AtMost(64.0),
    ),
    row(
        "RSS saturated",
        "pairs-long",
        "MB",
        rss_max,
        Reach::AtMost(112.0),
    ),
    row(
        "stripped binary",
        "binary",
        "MB",
        value,
        Reach::AtMost(20.0),
    ),
    row(
        "disk: one record a sync",
        "disk-1",
        "records/s",
        value,
        Reach::Shown,
    ),
    row(
        "disk: 100 records a sync",
        "disk-100",
        "records/s",
        value,
        Reach::Shown,
    ),
];

/// The page for these rows.
pub(super) fn page(rows: &[Row]) -> String {
    let mut page = String::from(
        "<!-- Written by `kith-load bench all`. -->\n# Measured\n\n\
         Load generator and server on the same machine, loopback, no TLS. Durable: every message is\n\
         synced to disk before it is acknowledged. CPU is the server's user and system time.\n\n\
         | what | median | spread | runs | target | |\n|---|---|---|---|---|---|\n",
    );
    for target in TARGETS {
        line(&mut page, target, rows);
    }
    notes(&mut page, rows);
    page
}

fn line(page: &mut String, target: &Target, rows: &[Row]) {
    let of_it: Vec<&Row> = rows
        .iter()
        .filter(|row| row.scenario == target.scenario)
        .collect();
    let mut figures: Vec<f64> = of_it.iter().filter_map(|row| (target.read)(row)).collect();
    figures.sort_by(f64::total_cmp);
    let Some(median) = median(&figures) else {
        let _ = writeln!(
            page,
            "| {} | – | – | 0 | {} | |",
            target.what,
            target.reach.shown()
        );
        return;
    };
    let spread = match (figures.first(), figures.last()) {
        (Some(least), Some(most)) if figures.len() > 1 => {
            format!("{} to {}", short(*least), short(*most))
        }
        _ => "–".to_owned(),
    };
    let disturbed = of_it.iter().filter(|row| row.disturbed).count();
    let runs = match disturbed {
        0 => figures.len().to_string(),
        some => format!("{} ({some} disturbed)", figures.len()),
    };
    // Writing into a string does not fail.
    let _ = writeln!(
        page,
        "| {} | {} {} | {spread} | {runs} | {} | {} |",
        target.what,
        short(median),
        target.unit,
        target.reach.shown(),
        target.reach.verdict(median),
    );
}

fn notes(page: &mut String, rows: &[Row]) {
    page.push_str("\nDisturbed: other programs took more than 0.1 core during the run.\n");
    let faults: u64 = rows.iter().map(|row| row.faults).sum();
    let _ = writeln!(
        page,
        "\nMissing, repeated or dropped entries in all runs: {faults}.\n"
    );
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        let _ = writeln!(page, "- {}: {}", row.scenario, row.note);
    }
}

impl Reach {
    fn shown(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {}", short(bound)),
            Self::AtMost(bound) => format!("≤ {}", short(bound)),
            Self::Shown => String::new(),
        }
    }

    fn verdict(self, figure: f64) -> &'static str {
        match self {
            Self::AtLeast(bound) if figure >= bound => "hit",
            Self::AtMost(bound) if figure <= bound => "hit",
            Self::Shown => "",
            _ => "**miss**",
        }
    }
}

const fn row(
    what: &'static str,
    scenario: &'static str,
    unit: &'static str,
    read: fn(&Row) -> Option<f64>,
    reach: Reach,
) -> Target {
    Target {
        what,
        scenario,
        unit,
        read,
        reach,
    }
}

fn value(row: &Row) -> Option<f64> {
    Some(row.value)
}

fn server_us(row: &Row) -> Option<f64> {
    row.server_us
}

fn p99(row: &Row) -> Option<f64> {
    Some(row.latency_ms?.p99)
}

fn p999(row: &Row) -> Option<f64> {
    Some(row.latency_ms?.p999)
}

fn ratio(row: &Row) -> Option<f64> {
    row.ratio
}

fn rss_max(row: &Row) -> Option<f64> {
    row.rss_max_mb
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
            ..Row::default()
        }
    }

    #[test]
    fn the_page_shows_median_spread_and_whether_the_target_was_hit() {
        let rows = [
            measured("pairs-one", 26_000.0, false),
            measured("pairs-one", 20_000.0, true),
            measured("pairs-one", 30_000.0, false),
            measured("rest", 25.0, false),
        ];
        let page = page(&rows);
        assert!(
            page.contains("| 26 k messages/s | 20 k to 30 k | 3 (1 disturbed) | ≥ 25 k | hit |")
        );
        assert!(page.contains("| RSS at rest | 25.0 MB | – | 1 | ≤ 20.0 | **miss** |"));
        assert!(page.contains("| idle WebSocket | – | – | 0 |"));
    }
}
