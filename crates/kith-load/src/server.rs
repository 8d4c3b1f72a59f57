//! A kith server of our own, as a child process with a data folder that goes away with it.

use anyhow::{Context, Result, bail, ensure};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server that takes longer than this to answer has failed to start.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A server of our own. Dropping it kills the process and removes its data.
pub struct Server {
    /// None before the first start.
    child: Option<Child>,
    binary: PathBuf,
    folder: TempDir,
    data: PathBuf,
    port: u16,
}

impl Server {
    /// Starts `binary serve` with limits off, a cheap password and groups of up to 5,000. The data
    /// lies in a new folder inside `inside`, which should be on the disk that is to be measured.
    pub fn start(binary: &Path, inside: &Path) -> Result<Self> {
        let mut server = Self::not_started(binary, inside)?;
        server.spawn(&[])?;
        server.wait()?;
        Ok(server)
    }

    /// The same, but nothing runs yet: [`Server::spawn`] starts it.
    pub fn not_started(binary: &Path, inside: &Path) -> Result<Self> {
        std::fs::create_dir_all(inside).with_context(|| inside.display().to_string())?;
        let folder = tempfile::Builder::new()
            .prefix("kith-load-")
            .tempdir_in(inside)
            .context("a folder for the server's data")?;
        Ok(Self {
            child: None,
            binary: binary.to_owned(),
            data: folder.path().join("data"),
            folder,
            port: free_port()?,
        })
    }

    /// Starts one at a port that a person chose. Its data goes with it, except in a folder of theirs,
    /// which must be new or empty.
    pub fn at(binary: &Path, port: u16, data: Option<PathBuf>) -> Result<Self> {
        if let Some(data) = &data {
            ensure!(is_new(data)?, "{} is not empty", data.display());
        }
        // Another server there would answer as if it were this one.
        TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port}"))?;
        let mut server = Self::not_started(binary, &std::env::temp_dir())?;
        server.port = port;
        if let Some(data) = data {
            server.data = data;
        }
        server.spawn(&[])?;
        server.wait()?;
        Ok(server)
    }

    /// Starts the process with further variables, and does not wait until it answers.
    pub fn spawn(&mut self, variables: &[(String, String)]) -> Result<()> {
        self.child = Some(self.process(variables)?);
        Ok(())
    }

    /// Ends the process as `kill -9` does and leaves the data; [`Server::kill_and_start`] starts it again.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().context("kill the server")?;
            child.wait().context("wait for the server")?;
        }
        Ok(())
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The server's process; 0 if there is none.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Its admin socket.
    pub fn admin(&self) -> PathBuf {
        self.data().join("admin.sock")
    }

    /// The server's own folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// Bytes that its folder takes on the disk.
    pub fn disk_bytes(&self) -> Result<u64> {
        blocks_bytes(&self.data())
    }

    /// Where the data lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves the data where it is when the server goes.
    pub fn keep_folder(&mut self) -> &Path {
        self.folder.disable_cleanup(true);
        self.folder.path()
    }

    /// How the process ended, if it did by itself.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?),
            None => Ok(None),
        }
    }

    /// What all its processes have said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Kills the process as `kill -9` does, starts it again on the same data and says how long it
    /// took until `answers` was true.
    pub fn kill_and_start(&mut self, mut answers: impl FnMut() -> bool) -> Result<Duration> {
        self.kill()?;
        let began = Instant::now();
        self.spawn(&[])?;
        while !answers() {
            self.still_alive()?;
            if began.elapsed() > START_TIMEOUT {
                bail!(
                    "the server did not answer within {} s",
                    START_TIMEOUT.as_secs()
                );
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(began.elapsed())
    }

    fn process(&self, variables: &[(String, String)]) -> Result<Child> {
        let folder = self.folder.path();
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("log"))?;
        let settings = [
            ("KITH_HTTP_LISTEN", format!("127.0.0.1:{}", self.port)),
            ("KITH_STORE_FOLDER", self.data.display().to_string()),
            ("KITH_LIMITS_ENABLED", "false".to_owned()),
            ("KITH_THREAD_GROUP_MAX_MEMBERS", "5000".to_owned()),
            // Passwords are not what is tried here: the least that Argon2 takes.
            ("KITH_PASSWORD_MEMORY_KIB", "8".to_owned()),
            ("KITH_PASSWORD_ITERATIONS", "1".to_owned()),
            ("KITH_PASSWORD_QUEUE", "10000".to_owned()),
            ("KITH_LOG_FILTER", "warn".to_owned()),
        ];
        let mut command = Command::new(&self.binary);
        // What is set for another server must not change this one.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KITH_") {
                command.env_remove(name);
            }
        }
        command
            .arg("serve")
            .envs(settings)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", self.binary.display()))
    }

    fn wait(&mut self) -> Result<()> {
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            self.still_alive()?;
            if began.elapsed() > START_TIMEOUT {
                bail!(
                    "the server did not listen within {} s",
                    START_TIMEOUT.as_secs()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn still_alive(&mut self) -> Result<()> {
        if let Some(status) = self.ended()? {
            bail!("the server ended with {status}: {}", self.log().trim());
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only when the process is gone already.
        let _ = self.kill();
    }
}

/// Blocks in use, not lengths: files of a fixed size may be mostly holes.
fn blocks_bytes(folder: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        // A file that is gone meanwhile takes no room.
        let Ok(meta) = entry.metadata() else { continue };
        bytes += match meta.is_dir() {
            true => blocks_bytes(&entry.path())?,
            false => meta.blocks() * 512,
        };
    }
    Ok(bytes)
}

/// The `kith` beside this program, unless one is given.
pub fn find_binary(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        // The server starts in a folder of its own.
        return path
            .canonicalize()
            .with_context(|| path.display().to_string());
    }
    let beside = std::env::current_exe()?.with_file_name("kith");
    if !beside.exists() {
        bail!(
            "{} does not exist: build it, or name the server with --kith or --server",
            beside.display()
        );
    }
    Ok(beside)
}

/// Whether a folder is empty, or not there yet.
fn is_new(folder: &Path) -> Result<bool> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| folder.display().to_string()),
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
