//! `[admin]`: the listener for the people who run kith.

use super::secret::SecretFile;
use super::section::{Setting, Shape, Wrong, section};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What the kernel takes as the path of a Unix socket (`sun_path`, with its closing zero byte).
const SOCKET_PATH_MAX_BYTES: usize = 107;

section! {
    /// The admin listener.
    Admin {
        /// `unix:PATH`, `ADDRESS:PORT` on loopback, or `off`. A path that is not absolute lies in `store.folder`.
        listen: AdminListen = AdminListen::Unix("admin.sock".into());
        /// File with the secret that commands must show. Needed if `listen` is an address, which
        /// any user of this machine can reach; health and metrics are open there.
        token_file: Option<SecretFile> = None, like "/etc/kith/admin-token";
    }
}

/// Where the admin listener stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AdminListen {
    /// A Unix socket.
    Unix(PathBuf),
    /// A port on loopback.
    Loopback(SocketAddr),
    /// Nowhere.
    Off,
}

impl AdminListen {
    /// The same with the path of a Unix socket completed by the data folder.
    pub fn in_folder(&self, folder: &Path) -> Self {
        match self {
            Self::Unix(path) => Self::Unix(folder.join(path)),
            other => other.clone(),
        }
    }
}

impl Admin {
    pub(super) fn check(&self, folder: &Path, wrong: &mut Vec<Wrong>) {
        if let AdminListen::Loopback(_) = self.listen
            && self.token_file.is_none()
        {
            wrong.push(Wrong {
                key: "admin.token_file".into(),
                why: "must name a file with a secret when admin.listen is an address, because any \
                      user of this machine can connect to it"
                    .into(),
            });
        }
        if let AdminListen::Unix(path) = self.listen.in_folder(folder)
            && path.as_os_str().len() > SOCKET_PATH_MAX_BYTES
        {
            wrong.push(Wrong {
                key: "admin.listen".into(),
                why: format!(
                    "is a socket path of more than {SOCKET_PATH_MAX_BYTES} bytes, which the system \
                     cannot open: {}; choose a shorter one, such as unix:/run/kith/admin.sock",
                    path.display()
                ),
            });
        }
    }
}

impl FromStr for AdminListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self::Loopback(address)),
            Ok(_) => Err(format!(
                "must be a loopback address or a Unix socket, not {text}"
            )),
            Err(_) => Err(format!(
                "must be unix:PATH, a loopback address with a port, or off, not {text:?}"
            )),
        }
    }
}

impl fmt::Display for AdminListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Loopback(address) => address.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

impl TryFrom<String> for AdminListen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<AdminListen> for String {
    fn from(listen: AdminListen) -> Self {
        listen.to_string()
    }
}

impl Setting for AdminListen {
    fn shape() -> Shape {
        Shape::Text
    }
}
