//! The figures of the table: where each is read, and what it shall reach at first and then.

use super::row::{Row, short};

/// One figure with its targets.
pub(super) struct Target {
    /// In words.
    pub(super) what: &'static str,
    /// In rows of this scenario.
    pub(super) scenario: &'static str,
    /// Of the figure.
    pub(super) unit: &'static str,
    /// Where it stands.
    pub(super) read: fn(&Row) -> Option<f64>,
    /// What is asked of the first version.
    pub(super) first: Reach,
    /// What is aimed at.
    pub(super) aim: Reach,
}

/// What a figure shall reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reach {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
    /// Shown for comparison only.
    Shown,
}
use Reach::{AtLeast, AtMost, Shown};

/// In the order of the page.
#[rustfmt::skip]
pub(super) const TARGETS: &[Target] = &[
    t("1:1, 50 pairs, window 10, 60 s", "pairs-long", "messages/s", value, AtLeast(45e3), AtLeast(70e3)),
    t("– server CPU per message", "pairs-long", "µs", server_us, AtMost(25.0), AtMost(17.0)),
    t("– short runs", "pairs", "messages/s", value, Shown, Shown),
    t("– server CPU, short runs", "pairs", "µs", server_us, Shown, Shown),
    t("1:1, 50 pairs, window 1", "pairs-one", "messages/s", value, AtLeast(25e3), AtLeast(40e3)),
    t("– p50", "pairs-one", "ms", p50, Shown, AtMost(1.0)),
    t("– p99", "pairs-one", "ms", p99, AtMost(6.0), AtMost(4.0)),
    t("open loop 5,000/s, 60 s, p99", "open-long", "ms", p99, AtMost(5.0), AtMost(3.0)),
    t("– p99.9", "open-long", "ms", p999, AtMost(50.0), AtMost(10.0)),
    t("– p99, short runs", "open", "ms", p99, Shown, Shown),
    t("open loop 10,000/s, 60 s, p99", "open-10k-long", "ms", p99, Shown, AtMost(3.0)),
    t("– p99.9", "open-10k-long", "ms", p999, Shown, AtMost(10.0)),
    t("– p99, short runs", "open-10k", "ms", p99, Shown, Shown),
    t("group of 200, one at a time", "room", "deliveries/s", value, AtLeast(150e3), AtLeast(220e3)),
    t("group of 200, 32 under way", "room-busy", "deliveries/s", value, AtLeast(1e6), AtLeast(2e6)),
    t("group of 1,000, one at a time", "room-large", "deliveries/s", value, Shown, AtLeast(200e3)),
    t("5,000 members, 10 online, CPU", "crowd", "× a group of 10", value, AtMost(1.3), AtMost(1.3)),
    t("idle WebSocket, 10,000", "idle", "kB RSS each", value, AtMost(5.0), AtMost(3.5)),
    t("– after each sent 3 and got 6", "idle-after", "kB RSS each", value, Shown, AtMost(6.5)),
    t("resume by token with sync of 20", "resume", "per s", value, AtLeast(5e3), AtLeast(10e3)),
    t("2,000 clients catch up", "catch-up", "s", value, Shown, AtMost(0.5)),
    t("page of 50, long thread, p50", "pages", "ms", p50, Shown, AtMost(0.3)),
    t("– p99", "pages", "ms", p99, AtMost(1.0), AtMost(1.0)),
    t("– median against a thread of 1,000", "pages", "×", ratio, AtMost(1.2), AtMost(1.2)),
    t("CPU per message in a large store", "stored", "× 10,000 stored", value, Shown, AtMost(1.1)),
    t("start after kill -9, first answer", "start-after-kill", "ms", value, AtMost(200.0), AtMost(120.0)),
    t("– first accepted send", "first-send", "ms", value, Shown, AtMost(150.0)),
    t("RSS at rest", "rest", "MB", value, AtMost(20.0), AtMost(16.0)),
    t("RSS at 10,000 messages/s", "open-10k-long", "MB", rss_max, AtMost(64.0), AtMost(64.0)),
    t("RSS saturated", "pairs-long", "MB", rss_max, AtMost(112.0), AtMost(96.0)),
    t("disk per 100-byte message", "disk-bytes", "bytes", value, Shown, AtMost(180.0)),
    t("stripped binary", "binary", "MB", value, AtMost(20.0), AtMost(20.0)),
    t("overload, 3 × the peak: goodput", "overload", "× the peak", value, Shown, AtLeast(0.9)),
    t("– p99 of what is accepted", "overload", "ms", p99, Shown, AtMost(50.0)),
    t("– memory", "overload", "MB", rss_max, Shown, AtMost(112.0)),
    t("– on time again after", "overload", "ms", recovered_ms, Shown, AtMost(2_500.0)),
    t("10,000 come back after a restart", "storm", "s", value, Shown, Shown),
    t("– p99 of others' messages", "storm", "ms", chat_p99, Shown, Shown),
    t("– memory", "storm", "MB", rss_max, Shown, AtMost(112.0)),
    t("kith doctor", "doctor", "entries/s", value, Shown, AtLeast(250e3)),
    t("disk: one record a sync", "disk-1", "records/s", value, Shown, Shown),
    t("disk: 100 records a sync", "disk-100", "records/s", value, Shown, Shown),
];

const fn t(
    what: &'static str,
    scenario: &'static str,
    unit: &'static str,
    read: fn(&Row) -> Option<f64>,
    first: Reach,
    aim: Reach,
) -> Target {
    Target {
        what,
        scenario,
        unit,
        read,
        first,
        aim,
    }
}

impl Reach {
    /// Whether a figure reaches it, and by which part of it it is better (above 0) or worse.
    pub(super) fn verdict(self, figure: f64) -> Option<(bool, f64)> {
        match self {
            AtLeast(bound) => Some((figure >= bound, figure / bound - 1.0)),
            AtMost(bound) => Some((figure <= bound, 1.0 - figure / bound)),
            Shown => None,
        }
    }

    /// For the page, with the figure if there is one.
    pub(super) fn shown(self, figure: Option<f64>) -> String {
        let bound = match self {
            AtLeast(bound) => format!("≥ {}", short(bound)),
            AtMost(bound) => format!("≤ {}", short(bound)),
            Shown => return String::new(),
        };
        match figure.and_then(|figure| self.verdict(figure)) {
            Some((true, _)) => format!("{bound}: reached"),
            Some((false, by)) => format!("{bound}: **missed by {:.0} %**", (-by * 100.0).ceil()),
            None => bound,
        }
    }
}

fn value(row: &Row) -> Option<f64> {
    Some(row.value)
}

fn server_us(row: &Row) -> Option<f64> {
    row.server_us
}

fn p50(row: &Row) -> Option<f64> {
    Some(row.latency_ms?.p50)
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

fn recovered_ms(row: &Row) -> Option<f64> {
    row.recovered_ms
}

fn chat_p99(row: &Row) -> Option<f64> {
    row.chat_p99_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_by_how_much() {
        assert_eq!(AtLeast(200.0).shown(Some(200.0)), "≥ 200: reached");
        assert_eq!(
            AtLeast(200.0).shown(Some(150.0)),
            "≥ 200: **missed by 25 %**"
        );
        assert_eq!(AtMost(4.0).shown(Some(6.0)), "≤ 4.00: **missed by 50 %**");
        assert_eq!(AtMost(4.0).shown(None), "≤ 4.00");
        assert_eq!(Shown.shown(Some(1.0)), "");
    }
}
