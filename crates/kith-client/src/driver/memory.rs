//! What a client knows from one run to the next: what was shown, and what sync told.

use super::Driver;
use crate::error::ClientError;
use crate::replica::Replica;
use crate::told::Told;
use kith_protocol::ThreadId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// From a change to writing it down.
const DELAY: Duration = Duration::from_secs(1);
const FILE_NAME: &str = "state.json";

pub(super) struct Memory {
    path: Option<PathBuf>,
    write_at: Option<Duration>,
}

#[derive(Serialize)]
struct Kept<'a> {
    told: &'a Told,
    shown: BTreeMap<ThreadId, u64>,
}

#[derive(Default, Deserialize)]
struct Found {
    told: Told,
    shown: BTreeMap<ThreadId, u64>,
}

impl Memory {
    /// What an earlier run left in this folder, if it is to be read: everything in it can be had
    /// from the server again.
    pub(super) fn open(folder: Option<&Path>) -> Result<(Self, Replica, Told), ClientError> {
        let path = folder.map(|folder| folder.join(FILE_NAME));
        let found = match path.as_ref().map(std::fs::read) {
            Some(Ok(text)) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                tracing::warn!(%error, "the state of an earlier run cannot be read: starting anew");
                Found::default()
            }),
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error.into());
            }
            _ => Found::default(),
        };
        let write_at = None;
        let memory = Self { path, write_at };
        Ok((memory, Replica::resume(found.shown), found.told))
    }

    pub(super) fn change(&mut self, now: Duration) {
        if self.path.is_some() {
            self.write_at.get_or_insert(now + DELAY);
        }
    }

    pub(super) fn wakes_at(&self) -> Option<Duration> {
        self.write_at
    }
}

impl Driver {
    pub(super) fn remember_if_due(&mut self) {
        if self.memory.write_at.is_some_and(|at| at <= self.now()) {
            self.remember_now();
        }
    }

    /// Writes down what the application was handed. A failure is only logged: the file is a
    /// convenience, the next write may succeed.
    pub(super) fn remember_now(&mut self) {
        let Some(path) = &self.memory.path else {
            return;
        };
        let kept = Kept {
            told: &self.catch_up.told,
            shown: self.replica.shown().collect(),
        };
        let written = serde_json::to_vec(&kept)
            .map_err(io::Error::from)
            .and_then(|text| crate::disk::replace(&path.with_extension("new"), path, &text));
        if let Err(error) = written {
            tracing::warn!(%error, "the client's state was not written");
        }
        self.memory.write_at = None;
    }
}
