//! `kith-load`: replays recorded conversations and audits the outcome, or measures a server.

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("kith-load: {error:#}");
            ExitCode::from(2)
        }
    }
}
