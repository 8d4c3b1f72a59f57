//! The options by which every command finds the configuration.

use crate::config::{Config, ConfigErrors, Flag};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Which server is meant: enough to find the data folder and the admin listener.
#[derive(Args, Debug)]
pub(super) struct Which {
    /// A configuration file; `kith config default` prints one to start from.
    #[arg(long, value_name = "FILE", env = "KITH_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The data folder [default: data].
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<String>,
    /// The admin listener: unix:PATH, a loopback address with a port, or off [default:
    /// unix:admin.sock in the data folder].
    #[arg(long, value_name = "WHERE", global = true)]
    admin: Option<String>,
    /// Any key of the configuration; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    set: Vec<String>,
}

/// Where the configuration comes from, and what is set over it.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    which: Which,
    /// Address and port for clients [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Rate limits; wrong passwords stay limited.
    #[arg(long, value_name = "SWITCH")]
    limits: Option<Switch>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Options {
    /// Puts file, environment and flags together.
    pub(super) fn load(&self) -> Result<Config, ConfigErrors> {
        let limits = self.limits.map(|switch| match switch {
            Switch::On => "true".to_owned(),
            Switch::Off => "false".to_owned(),
        });
        let mut flags = self.which.flags();
        flags.extend(flag("--listen", "http.listen", self.listen.clone()));
        flags.extend(flag("--limits", "limits.enabled", limits));
        load(&self.which, &flags)
    }
}

impl Which {
    /// Puts file, environment and flags together.
    pub(super) fn load(&self) -> Result<Config, ConfigErrors> {
        load(self, &self.flags())
    }

    /// The named ones after `--set`, so that they win.
    fn flags(&self) -> Vec<Flag> {
        let mut flags: Vec<Flag> = self
            .set
            .iter()
            .filter_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                flag("--set", key.trim(), Some(value.trim().to_owned()))
            })
            .collect();
        flags.extend(flag("--data", "store.folder", self.data.clone()));
        flags.extend(flag("--admin", "admin.listen", self.admin.clone()));
        flags
    }
}

fn load(which: &Which, flags: &[Flag]) -> Result<Config, ConfigErrors> {
    // A variable that is not Unicode cannot be one of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Config::load(which.config.as_deref(), environment, flags)
}

fn flag(name: &str, key: &str, value: Option<String>) -> Option<Flag> {
    Some(Flag {
        name: name.into(),
        key: key.into(),
        value: value?,
    })
}
