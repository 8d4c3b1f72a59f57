//! The `kith` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    kith::memory::set_up();
    kith::cli::run()
}
