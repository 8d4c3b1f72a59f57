//! `kith man`, `kith completions` and `kith openapi`: what a package installs beside the binary.

use super::print;
use clap::{Args, Command};
use clap_complete::Shell;

/// Print the manual page.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kith man > /usr/local/share/man/man1/kith.1
  kith man | man -l -")]
pub(super) struct Man {}

/// Print completions for a shell.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kith completions bash > /etc/bash_completion.d/kith
  kith completions zsh > ~/.zfunc/_kith")]
pub(super) struct Completions {
    /// Which shell.
    shell: Shell,
}

/// Print the OpenAPI document, as the server serves it under /openapi.json.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kith openapi > openapi.json
  kith openapi | jq '.paths | keys'")]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self) -> anyhow::Result<()> {
        print(crate::http::openapi::text())
    }
}

impl Man {
    /// The page of the whole command, then one part for each command in it.
    pub(super) fn run(self, mut kith: Command) -> anyhow::Result<()> {
        kith.build();
        let mut page = Vec::new();
        clap_mangen::Man::new(kith.clone()).render(&mut page)?;
        for command in kith.get_subcommands().filter(|c| c.get_name() != "help") {
            let part = clap_mangen::Man::new(command.clone());
            part.render_synopsis_section(&mut page)?;
            part.render_description_section(&mut page)?;
            part.render_options_section(&mut page)?;
            part.render_subcommands_section(&mut page)?;
            part.render_extra_section(&mut page)?;
        }
        print(&String::from_utf8(page)?)
    }
}

impl Completions {
    pub(super) fn run(self, mut kith: Command) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut kith, "kith", &mut script);
        print(&String::from_utf8(script)?)
    }
}
