//! `kith user`: accounts, for the people who run kith.

use super::admin::call;
use super::options::Which;
use super::print;
use crate::clock::random_bytes;
use crate::config::Config;
use crate::http::admin::user::{Account, AccountWithDevices, Accounts, NewPassword};
use anyhow::Context;
use clap::{Args, Subcommand};
use kith_protocol::text::{self, PASSWORD_BYTES};
use std::fmt::Write as _;
use std::io::{BufRead, Read};

/// Letters and digits that nobody takes for one another; 32 of them are five bits each.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Letters of a password that is made here: a hundred bits.
const PASSWORD_LETTERS: usize = 20;

/// Manage accounts of a running server.
#[derive(Args)]
#[command(after_help = "\
It finds the server by the same options as `kith serve`: give --data (or --config) as there.

Examples:
  kith user list
  kith user show ann --json
  kith user password ann
  printf %s \"$NEW\" | kith user password ann --stdin
  kith user disable ann --data /srv/kith
  kith user enable ann")]
pub(super) struct User {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    which: Which,
}

#[derive(Subcommand)]
enum Action {
    /// List all accounts, by handle.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show an account and the devices that are signed in.
    Show {
        /// Whose account.
        handle: String,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give somebody a new password, and sign all devices out at once.
    ///
    /// A random one is made and shown this once, unless --stdin brings one.
    Password {
        /// Whose account.
        handle: String,
        /// Read the password from standard input: its first line.
        #[arg(long)]
        stdin: bool,
        /// Print it as JSON.
        #[arg(long, conflicts_with = "stdin")]
        json: bool,
    },
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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.action.act(&config))
    }
}

impl Action {
    async fn act(&self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::List { json } => list(config, *json).await,
            Self::Show { handle, json } => show(config, plain(handle)?, *json).await,
            Self::Password {
                handle,
                stdin,
                json,
            } => {
                let handle = plain(handle)?;
                let given = stdin.then(read_password).transpose()?;
                set_password(config, handle, given, *json).await
            }
            Self::Disable { handle } => switch(config, plain(handle)?, "disable").await,
            Self::Enable { handle } => switch(config, plain(handle)?, "enable").await,
        }
    }
}

/// A handle as it goes into a path: it has no other characters than these.
fn plain(handle: &str) -> anyhow::Result<&str> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    let handle = handle.strip_prefix('@').unwrap_or(handle);
    anyhow::ensure!(
        !handle.is_empty() && handle.bytes().all(is_plain),
        "{handle:?} is no handle: those have lower-case letters, digits and . _ -"
    );
    Ok(handle)
}

async fn switch(config: &Config, handle: &str, verb: &str) -> anyhow::Result<()> {
    let path = format!("/v1/admin/users/{handle}/{verb}");
    call(config, "POST", &path, "").await?;
    print(&format!("{handle} is {verb}d\n"))
}

async fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let path = format!("/v1/admin/users?after={after}");
        let page: Accounts = serde_json::from_str(&call(config, "GET", &path, "").await?)?;
        let mut lines = String::new();
        for account in &page.items {
            if json {
                lines += &serde_json::to_string(account)?;
                lines.push('\n');
            } else {
                line(&mut lines, account)?;
            }
        }
        print(&lines)?;
        match page.next {
            Some(next) => after = next,
            None => return Ok(()),
        }
    }
}

fn line(out: &mut String, account: &Account) -> std::fmt::Result {
    let (handle, name) = (&account.handle, &account.display_name);
    let disabled = if account.disabled { "  disabled" } else { "" };
    writeln!(
        out,
        "{handle:<32}  {}  {name}{disabled}",
        account.created_at
    )
}

async fn show(config: &Config, handle: &str, json: bool) -> anyhow::Result<()> {
    let path = format!("/v1/admin/users/{handle}");
    let answer = call(config, "GET", &path, "").await?;
    if json {
        return print(&format!("{answer}\n"));
    }
    let shown: AccountWithDevices = serde_json::from_str(&answer)?;
    let account = &shown.account;
    let mut out = String::new();
    writeln!(out, "{} ({})", account.handle, account.display_name)?;
    writeln!(out, "  id        {}", account.id)?;
    writeln!(out, "  since     {}", account.created_at)?;
    let may = if account.disabled {
        "no, disabled"
    } else {
        "yes"
    };
    writeln!(out, "  may sign in  {may}")?;
    writeln!(out, "  devices   {}", shown.devices.len())?;
    for device in &shown.devices {
        let (kind, label) = (device.kind.as_str(), &device.label);
        let (seen, address) = (device.last_seen_at, &device.address);
        writeln!(
            out,
            "    {kind:<9} {label}, last used {seen} from {address}"
        )?;
    }
    print(&out)
}

async fn set_password(
    config: &Config,
    handle: &str,
    given: Option<String>,
    json: bool,
) -> anyhow::Result<()> {
    let is_given = given.is_some();
    let password = given.unwrap_or_else(random_password);
    let path = format!("/v1/admin/users/{handle}/password");
    let body = serde_json::to_string(&NewPassword {
        password: password.clone(),
    })?;
    call(config, "PUT", &path, &body).await?;
    if json {
        let made = serde_json::json!({ "handle": handle, "password": password });
        return print(&format!("{made}\n"));
    }
    if !is_given {
        print(&format!(
            "the password of {handle}, shown this once: {password}\n"
        ))?;
    }
    print(&format!("all devices of {handle} are signed out\n"))
}

/// The first line of standard input.
fn read_password() -> anyhow::Result<String> {
    // One byte over the bound is enough to refuse what is too long.
    let bound = *PASSWORD_BYTES.end() as u64 + 2;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(bound)
        .read_line(&mut line)
        .context("no password can be read from standard input")?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    text::check_password("password", password)
        .map_err(|bad| anyhow::anyhow!("the password on standard input: {}", bad.why))?;
    Ok(password.to_owned())
}

/// Letters in groups of five, which are read out and typed in without mistakes.
fn random_password() -> String {
    let letters = random_bytes::<PASSWORD_LETTERS>();
    let groups = letters.chunks(5).map(|group| {
        let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
        group.iter().map(letter).collect::<String>()
    });
    groups.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_password_is_long_enough_and_never_the_same() {
        let (one, other) = (random_password(), random_password());
        assert_ne!(one, other);
        assert_eq!(one.len(), PASSWORD_LETTERS + 3, "{one}");
        assert!(text::check_password("password", &one).is_ok());
        let letters = one.bytes().filter(|byte| LETTERS.contains(byte));
        assert_eq!(letters.count(), PASSWORD_LETTERS);
    }
}
