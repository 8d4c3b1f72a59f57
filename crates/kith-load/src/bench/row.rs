//! One measured run: what goes into a line of JSON and into a line for people.

use super::flow::Counted;
use super::machine::Used;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Memory is told in millions of bytes.
pub(super) const MB: f64 = 1e6;

/// Above this, what other programs did has spoiled the figures.
pub(super) const OTHERS_MAX_CORES: f64 = 0.1;

/// One measured run. What a scenario does not measure is absent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    /// Which scenario.
    pub scenario: String,
    /// Which of the runs of `all`, from 0.
    #[serde(default)]
    pub run: usize,
    /// In `all`: which programs were measured, at which size.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub build: String,
    /// In `all`: what was run to get this row.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// Measured time.
    pub duration_s: f64,
    /// The figure that the scenario is about, by [`Row::unit`].
    pub value: f64,
    /// What the value is.
    pub unit: String,
    /// Messages acknowledged and delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages_per_s: Option<f64>,
    /// Messages that reached a receiver's socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliveries_per_s: Option<f64>,
    /// User and system CPU of the server for each message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_us: Option<f64>,
    /// The same of the generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_us: Option<f64>,
    /// Cores that other programs took.
    pub others_cores: f64,
    /// They took more than a tenth of a core.
    pub disturbed: bool,
    /// Percentiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<Latency>,
    /// Messages sent, those of the warm-up too.
    #[serde(default)]
    pub sent: u64,
    /// Messages that the server made durable with one sync, on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<f64>,
    /// Part of what append and fdatasync allow in batches of that size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_disk: Option<f64>,
    /// Part of what the same sockets do with nothing behind them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_sockets: Option<f64>,
    /// From the end of overload until messages were on time again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_ms: Option<f64>,
    /// 99 of 100 messages of others were faster while clients came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_p99_ms: Option<f64>,
    /// Median against that of a small thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// Memory of the server at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_mb: Option<f64>,
    /// The most it was in the measured time, seen each half second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_max_mb: Option<f64>,
    /// Missing or repeated seqs, dropped pushes, messages that never arrived: all must be 0.
    #[serde(default)]
    pub faults: u64,
    /// More, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Percentiles of a latency.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Half are faster.
    pub p50: f64,
    /// 99 of 100 are faster.
    pub p99: f64,
    /// 999 of 1,000 are faster.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
}

/// Longest latency that a histogram tells apart: two minutes.
const LATENCY_MAX_NS: u64 = 120_000_000_000;

/// For latencies in nanoseconds, to three digits.
pub(crate) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1_000, LATENCY_MAX_NS, 3)?)
}

impl Latency {
    /// Of a histogram in nanoseconds.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let ms = |ns: u64| ns as f64 / 1e6;
        Self {
            p50: ms(histogram.value_at_quantile(0.5)),
            p99: ms(histogram.value_at_quantile(0.99)),
            p999: ms(histogram.value_at_quantile(0.999)),
            max: ms(histogram.max()),
        }
    }
}

impl Row {
    /// A row of a run during which this was used.
    pub fn new(scenario: &str, used: Used) -> Self {
        Self {
            scenario: scenario.to_owned(),
            duration_s: used.wall_s,
            others_cores: used.others_cores,
            disturbed: used.others_cores > OTHERS_MAX_CORES,
            ..Self::default()
        }
    }

    /// With what traffic counted.
    pub fn with_traffic(mut self, used: Used, counted: &Counted) -> Self {
        let messages = counted.messages as f64;
        let us_each = |cpu_s: f64| (messages > 0.0).then_some(cpu_s * 1e6 / messages);
        self.messages_per_s = Some(messages / used.wall_s);
        self.deliveries_per_s = Some(counted.deliveries as f64 / used.wall_s);
        self.server_us = us_each(used.server_s).filter(|us| *us > 0.0);
        self.generator_us = us_each(used.own_s);
        self.latency_ms = Some(Latency::of(&counted.latency_ns));
        self.faults = counted.gaps + counted.doubles + counted.resyncs + counted.unfinished;
        if self.faults > 0 {
            self.note = format!(
                "{} gaps, {} doubles, {} resyncs, {} unfinished",
                counted.gaps, counted.doubles, counted.resyncs, counted.unfinished
            );
        }
        self
    }

    /// With the figure that the scenario is about.
    pub fn valued(mut self, value: f64, unit: &str) -> Self {
        self.value = value;
        self.unit = unit.to_owned();
        self
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.scenario, short(self.value), self.unit)?;
        if let Some(us) = self.server_us {
            write!(f, " · server {us:.1} µs")?;
        }
        if let Some(us) = self.generator_us {
            write!(f, " · generator {us:.1} µs")?;
        }
        if let Some(ms) = self.latency_ms {
            let Latency {
                p50,
                p99,
                p999,
                max,
            } = ms;
            write!(
                f,
                " · p50 {p50:.2} p99 {p99:.2} p99.9 {p999:.2} max {max:.1} ms"
            )?;
        }
        if let Some(mb) = self.rss_max_mb.or(self.rss_mb) {
            write!(f, " · RSS {mb:.1} MB")?;
        }
        write!(f, " · others {:.2} cores", self.others_cores)?;
        if self.disturbed {
            f.write_str(" (disturbed)")?;
        }
        if !self.note.is_empty() {
            write!(f, " · {}", self.note)?;
        }
        Ok(())
    }
}

/// A figure with as many digits as one reads.
pub fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 10_000.0 => {
            let thousands = (value / 1000.0).round();
            if size >= 1e6 {
                format!("{:.2} M", value / 1e6)
            } else {
                format!("{thousands:.0} k")
            }
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
