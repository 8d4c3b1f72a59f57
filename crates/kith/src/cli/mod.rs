//! The commands, one file each.

mod admin;
pub mod chat;
mod config;
mod doctor;
mod options;
mod paper;
mod screen;
mod serve;
mod service;
mod socket;
mod user;

use clap::{CommandFactory, Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// The command line was wrong, or the configuration: nothing was started.
const EXIT_REFUSED: u8 = 2;

/// A self-hosted chat server: accounts, contacts, 1:1 and group threads, on one binary.
#[derive(Parser)]
#[command(
    name = "kith",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  kith serve                     serve on http://127.0.0.1:8080 with the data in ./data
  kith serve --data /srv/kith --listen 127.0.0.1:9000
  kith config default            every key of the configuration with its default
  kith chat                      chat from this terminal
  kith admin health              ask the server that runs on ./data how it is
  kith doctor                    prove that everything in ./data fits together"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Chat from this terminal, or from a script.
    Chat(chat::ChatArgs),
    /// Check and explain the configuration.
    Config(config::ConfigCommand),
    /// Talk to a running server through its admin listener.
    Admin(admin::Admin),
    /// Manage accounts of a running server.
    User(user::User),
    /// Prove that everything stored fits together; rebuild what can be rebuilt.
    Doctor(doctor::DoctorArgs),
    /// Open a WebSocket and speak frames by hand.
    Socket(socket::Socket),
    /// Print the OpenAPI document.
    Openapi(paper::Openapi),
    /// Print the manual page.
    Man(paper::Man),
    /// Print completions for a shell.
    Completions(paper::Completions),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(command) => command.run(),
        Command::Chat(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Admin(command) => command.run(),
        Command::User(command) => command.run(),
        Command::Doctor(command) => return command.run(),
        Command::Socket(command) => command.run(),
        Command::Openapi(command) => command.run(),
        Command::Man(command) => command.run(Cli::command()),
        Command::Completions(command) => command.run(Cli::command()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Says what is wrong; the exit status tells apart what was refused and what failed.
fn fail(error: &anyhow::Error) -> ExitCode {
    let mut err = std::io::stderr().lock();
    // Nobody is left to tell if standard error is closed.
    if let Some(refused) = error.downcast_ref::<crate::config::ConfigErrors>() {
        let _ = writeln!(
            err,
            "kith: the configuration is refused; nothing was started"
        );
        for sentence in refused.sentences() {
            let _ = writeln!(err, "  - {sentence}");
        }
        let _ = writeln!(
            err,
            "`kith config default` shows every key with its meaning."
        );
        return ExitCode::from(EXIT_REFUSED);
    }
    let _ = writeln!(err, "kith: {error:#}");
    if let Some(exit) = error.downcast_ref::<chat::Exit>() {
        return ExitCode::from(exit.status);
    }
    ExitCode::FAILURE
}

/// Prints to standard output; a reader that went away (`kith man | head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
