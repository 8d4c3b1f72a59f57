//! `[log]`: what is written while it runs.

use super::section::{Wrong, section, words};

section! {
    /// The log.
    Log {
        /// `auto` is text on a terminal and JSON lines otherwise.
        format: LogFormat = LogFormat::Auto;
        /// What is logged: a level (error, warn, info, debug, trace), or levels by module such as
        /// `info,kith::thread=debug`. The store's engine tells much that only its authors need.
        filter: String = "info,fjall=warn,lsm_tree=warn".into();
    }
}

words! {
    /// How log lines look.
    LogFormat {
        /// Text on a terminal, JSON otherwise.
        Auto = "auto",
        /// For eyes.
        Text = "text",
        /// One object a line.
        Json = "json",
    }
}

impl Log {
    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.filter) {
            wrong.push(Wrong {
                key: "log.filter".into(),
                why: format!("cannot be understood: {:?}: {error}", self.filter),
            });
        }
    }
}
