//! `kith user`: accounts, for the people who run kith.

use super::admin::call;
use super::options::Which;
use super::print;
use clap::{Args, Subcommand};

/// Manage accounts of a running server.
#[derive(Args)]
#[command(after_help = "\
It finds the server by the same options as `kith serve`: give --data (or --config) as there.

Examples:
  kith user disable ann
  kith user enable ann --data /srv/kith")]
pub(super) struct User {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    which: Which,
}

#[derive(Subcommand)]
enum Action {
    /// Bar somebody from signing in, and sign all devices out at once.
    Disable {
        /// Whose account.
        handle: String,
    },
    /// Let somebody sign in again.
    Enable {
        /// Whose account.
        handle: String,
    },
}

impl User {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.which.load()?;
        let (handle, verb) = match &self.action {
            Action::Disable { handle } => (handle, "disable"),
            Action::Enable { handle } => (handle, "enable"),
        };
        // A handle has no other characters, and what has goes into a path.
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        let handle = handle.strip_prefix('@').unwrap_or(handle);
        anyhow::ensure!(
            !handle.is_empty() && handle.bytes().all(is_plain),
            "{handle:?} is no handle"
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let path = format!("/v1/admin/users/{handle}/{verb}");
        runtime.block_on(call(&config, "POST", &path, ""))?;
        print(&format!("{handle} is {verb}d\n"))
    }
}
