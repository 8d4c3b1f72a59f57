//! A profile's folder: who is signed in where, and what waits to be sent. Only its owner reads it.

use anyhow::Context as _;
use kith_protocol::{ThreadId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Who is signed in, in a profile's folder.
const SESSION: &str = "session.json";
/// What was written and did not reach the server, in a client's folder.
const DRAFTS: &str = "drafts.json";

/// A profile on this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Account {
    pub(in crate::cli) profile: String,
    /// Who is signed in, and where.
    pub(in crate::cli) handle: Option<String>,
    pub(in crate::cli) server: Option<String>,
}

/// The folder of one profile.
pub(in crate::cli) struct Home {
    /// Where all profiles are.
    root: PathBuf,
    folder: PathBuf,
    /// Held as long as the profile is open.
    _lock: File,
}

/// Who is signed in.
#[derive(Serialize, Deserialize)]
pub(in crate::cli) struct Saved {
    pub(in crate::cli) server: String,
    pub(in crate::cli) user_id: UserId,
    pub(in crate::cli) handle: String,
    pub(in crate::cli) token: String,
}

impl Home {
    /// The folder of this profile, made if it is not there.
    pub(in crate::cli) fn open(home: Option<&Path>, profile: &str) -> anyhow::Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if profile.is_empty() || profile.starts_with('.') || !profile.chars().all(plain) {
            anyhow::bail!(
                "profile {profile:?}: use letters, digits, hyphen, underscore and dot, and no dot at the beginning"
            );
        }
        let home = match home {
            Some(home) => home.to_owned(),
            None => data_folder()?.join("kith").join("chat"),
        };
        let folder = home.join(profile);
        make(&folder)?;
        let _lock = lock(&folder, profile)?;
        let root = home;
        Ok(Self {
            root,
            folder,
            _lock,
        })
    }

    /// The profiles on this device, by name. What cannot be read has nobody signed in.
    pub(in crate::cli) fn profiles(&self) -> Vec<Account> {
        let folders = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut accounts: Vec<Account> = folders
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| {
                let saved = fs::read(entry.path().join(SESSION)).ok();
                let saved = saved.and_then(|text| serde_json::from_slice::<Saved>(&text).ok());
                let (handle, server) = saved.map(|saved| (saved.handle, saved.server)).unzip();
                let profile = entry.file_name().into_string().ok()?;
                Some(Account {
                    profile,
                    handle,
                    server,
                })
            })
            .collect();
        accounts.sort_by(|a, b| a.profile.cmp(&b.profile));
        accounts
    }

    /// Keeps what was written and did not reach the server; nothing: removes what was kept.
    pub(in crate::cli) fn keep_drafts(
        &self,
        user: UserId,
        drafts: &BTreeMap<ThreadId, String>,
    ) -> anyhow::Result<()> {
        let path = self.client_folder(user).join(DRAFTS);
        if drafts.is_empty() {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            };
        }
        replace(&path, &serde_json::to_vec(drafts)?)
    }

    /// What an earlier run kept.
    pub(in crate::cli) fn kept_drafts(&self, user: UserId) -> BTreeMap<ThreadId, String> {
        let kept = fs::read(self.client_folder(user).join(DRAFTS)).ok();
        kept.and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Who was signed in the last time.
    pub(in crate::cli) fn saved(&self) -> anyhow::Result<Option<Saved>> {
        let path = self.path();
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .with_context(|| format!("{} is damaged: remove it and sign in", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Keeps who is signed in.
    pub(in crate::cli) fn save(&self, saved: &Saved) -> anyhow::Result<()> {
        replace(&self.path(), &serde_json::to_vec(saved)?)
    }

    /// Forgets the token; what waits to be sent stays.
    pub(in crate::cli) fn forget(&self) -> std::io::Result<()> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where the client of this user keeps its outbox: nobody else's messages lie in it.
    pub(in crate::cli) fn client_folder(&self, user: UserId) -> PathBuf {
        self.folder.join(user.to_string())
    }

    fn path(&self) -> PathBuf {
        self.folder.join(SESSION)
    }
}

/// Two clients must not share a folder: they would send each other's outbox.
fn lock(folder: &Path, profile: &str) -> anyhow::Result<File> {
    let path = folder.join("lock");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options
        .open(&path)
        .with_context(|| format!("{} cannot be made", path.display()))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "profile {profile} is open in another kith chat: close that one, or use another with --profile"
        ),
        // Where a file system knows no locks, there is none.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Writes a file anew, for its owner only, in one step.
fn replace(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

fn make(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))
}

fn data_folder() -> anyhow::Result<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local").join("share")))
        .context("there is no HOME: say with --home where to keep profiles")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_token_is_kept_for_its_owner_only_and_forgotten_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path()), "default").unwrap();
        assert!(home.saved().unwrap().is_none());
        let saved = Saved {
            server: "http://127.0.0.1:1".into(),
            user_id: UserId::from_bytes([1; 16]),
            handle: "ann".into(),
            token: "secret".into(),
        };
        home.save(&saved).unwrap();
        let mode = fs::metadata(home.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(home.saved().unwrap().unwrap().token, "secret");
        home.forget().unwrap();
        home.forget().unwrap();
        assert!(home.saved().unwrap().is_none());
    }

    #[test]
    fn a_profile_cannot_lead_out_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        for bad in ["", "..", "a/b", ".hidden", "a b"] {
            assert!(Home::open(Some(folder.path()), bad).is_err(), "{bad}");
        }
    }
}
