//! `kith config`: check it, and explain it.

use super::options::Options;
use super::print;
use crate::config;
use clap::{Args, Subcommand};

/// Check and explain the configuration.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kith config check --config /etc/kith/kith.toml
  kith config default > kith.toml
  kith config env
  kith config doc")]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Check file, variables and flags together, and start nothing.
    Check {
        #[command(flatten)]
        options: Box<Options>,
        /// Print what is in force, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print every key with its comment and default, as a file to start from.
    Default,
    /// Print the variables that set keys.
    Env,
    /// Print the reference as Markdown.
    Doc,
}

impl ConfigCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.action {
            Action::Check { options, json } => {
                let config = options.load()?;
                if json {
                    print(&format!("{}\n", serde_json::to_string_pretty(&config)?))
                } else {
                    print("the configuration is good\n")
                }
            }
            Action::Default => print(&config::example()),
            Action::Env => print(&config::environment()),
            Action::Doc => print(&config::reference()),
        }
    }
}
