//! Secrets: kept in files of their own, never in the configuration, never in a log.

use super::section::{Setting, Shape, Wrong};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// Keys and tokens are small; whoever names a larger file has named the wrong one.
const SECRET_MAX_BYTES: u64 = 65_536;

/// The path of a file that holds one secret. Fields of this type end in `_file`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretFile(PathBuf);

/// What stood in a secret's file. Shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl SecretFile {
    /// The secret, without the line break at its end.
    pub fn read(&self) -> Result<Secret, String> {
        let path = self.0.display();
        let size_bytes = std::fs::metadata(&self.0)
            .map_err(|error| format!("cannot be read: {path}: {error}"))?
            .len();
        if size_bytes > SECRET_MAX_BYTES {
            return Err(format!(
                "is too large for a secret: {path} has {size_bytes} bytes"
            ));
        }
        let text = std::fs::read_to_string(&self.0)
            .map_err(|error| format!("cannot be read: {path}: {error}"))?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(format!("is empty: {path}"));
        }
        Ok(Secret(secret.to_owned()))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Secret {
    /// The secret itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Setting for SecretFile {
    fn shape() -> Shape {
        Shape::Text
    }

    fn look_over(&self, key: &str, wrong: &mut Vec<Wrong>) {
        if let Err(why) = self.read() {
            wrong.push(Wrong {
                key: key.into(),
                why,
            });
        }
    }
}
