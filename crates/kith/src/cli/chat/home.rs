//! A profile's folder: who is signed in where, and what waits to be sent. Only its owner reads it.

use anyhow::Context as _;
use kith_protocol::UserId;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The folder of one profile.
pub(super) struct Home {
    folder: PathBuf,
}

/// Who is signed in.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) server: String,
    pub(super) user_id: UserId,
    pub(super) handle: String,
    pub(super) token: String,
}

impl Home {
    /// The folder of this profile, made if it is not there.
    pub(super) fn open(home: Option<&Path>, profile: &str) -> anyhow::Result<Self> {
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
        Ok(Self { folder })
    }

    /// Who was signed in the last time.
    pub(super) fn saved(&self) -> anyhow::Result<Option<Saved>> {
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
    pub(super) fn save(&self, saved: &Saved) -> anyhow::Result<()> {
        let path = self.path();
        let beside = path.with_extension("new");
        let write = || {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)?;
            file.write_all(&serde_json::to_vec(saved)?)?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        };
        write().with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Forgets the token; what waits to be sent stays.
    pub(super) fn forget(&self) -> std::io::Result<()> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where the client of this user keeps its outbox: nobody else's messages lie in it.
    pub(super) fn client_folder(&self, user: UserId) -> PathBuf {
        self.folder.join(user.to_string())
    }

    fn path(&self) -> PathBuf {
        self.folder.join("session.json")
    }
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
