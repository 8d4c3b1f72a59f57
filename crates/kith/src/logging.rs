//! What is logged and how: text for eyes on a terminal, JSON lines otherwise.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error. Called once, before anything that logs.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&log.filter)?)
        .with_writer(std::io::stderr);
    let started = if is_text(log.format) {
        let colours = std::io::stderr().is_terminal() && no_color_is_unset();
        lines.with_ansi(colours).compact().try_init()
    } else {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}

/// Whether log lines are for eyes.
pub fn is_text(format: LogFormat) -> bool {
    match format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    }
}

/// <https://no-color.org>: set and not empty means no colours.
fn no_color_is_unset() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
