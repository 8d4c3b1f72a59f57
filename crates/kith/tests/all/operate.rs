//! What the person meets who runs kith: help, refusals, health, and how it stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Far longer than anything here takes.
const FOR_EVER: Duration = Duration::from_secs(60);

/// The command, with none of the variables that the surroundings may have set.
fn kith(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KITH_") {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    let child = kith(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _watched = Watched::new(child.id());
    child.wait_with_output().unwrap()
}

/// A process that is killed if it takes for ever, so that a defect fails a test instead of hanging it.
struct Watched {
    _done: mpsc::Sender<()>,
}

impl Watched {
    fn new(process: u32) -> Self {
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            if ended.recv_timeout(FOR_EVER) == Err(mpsc::RecvTimeoutError::Timeout) {
                send_signal("KILL", process);
            }
        });
        Self { _done: done }
    }
}

fn send_signal(name: &str, process: u32) {
    let kill = format!("kill -{name} {process}");
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A server on a free port; killed if the test ends before it does.
struct Served {
    child: Child,
    _watched: Watched,
    out: BufReader<ChildStdout>,
    /// Read all the time, so that a full pipe does not hold it up.
    log: JoinHandle<String>,
    address: SocketAddr,
    admin: String,
}

impl Served {
    fn start(folder: &Path, more: &[&str]) -> Self {
        Self::under(None, folder, more)
    }

    /// Starts as under a service manager that listens on this socket.
    fn under(manager: Option<&Path>, folder: &Path, more: &[&str]) -> Self {
        let data = folder.to_str().unwrap();
        let mut args = vec!["serve", "--json", "--data", data, "--listen", "127.0.0.1:0"];
        args.extend(more);
        let mut command = kith(&args);
        command.env_remove("NOTIFY_SOCKET");
        command.envs(manager.map(|socket| ("NOTIFY_SOCKET", socket)));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let watched = Watched::new(child.id());
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut err = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            err.read_to_string(&mut log).unwrap();
            log
        });
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let up: serde_json::Value = serde_json::from_str(&line).expect("it must come up");
        let url = up["url"].as_str().unwrap();
        Self {
            _watched: watched,
            child,
            log,
            out,
            address: url.strip_prefix("http://").unwrap().parse().unwrap(),
            admin: up["admin"].as_str().unwrap().to_owned(),
        }
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until it has stopped; gives whether it did so properly, and its log.
    fn stopped(mut self) -> (bool, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "only the addresses go to standard output");
        let properly = self.child.wait().unwrap().success();
        let log = std::mem::replace(&mut self.log, std::thread::spawn(String::new));
        (properly, log.join().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has stopped already if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One plain HTTP request; the whole answer as text.
fn ask(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{head}\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The commands that a help text lists.
fn commands_of(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.strip_prefix("  ")?
                .split(' ')
                .next()
                .map(str::to_owned)
        })
        .filter(|name| !name.is_empty() && name != "help")
        .collect()
}

#[test]
fn every_command_explains_itself_with_examples() {
    let all = run(&["--help"]);
    assert!(all.status.success());
    let help = said(&all.stdout);
    assert!(help.contains("Examples:"), "{help}");
    let commands = commands_of(&help);
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let help = run(&[&command, "--help"]);
        assert!(help.status.success(), "{command}");
        let help = said(&help.stdout);
        assert!(
            help.contains(&format!("  kith {command}")),
            "{command}: {help}"
        );
    }
}

#[test]
fn the_manual_and_the_completions_know_every_command() {
    let commands = commands_of(&said(&run(&["--help"]).stdout));
    let manual = said(&run(&["man"]).stdout);
    for command in &commands {
        assert!(manual.contains(&format!("kith {command}")), "{command}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&run(&["completions", shell]).stdout);
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell} {command}");
        }
    }
}

#[test]
fn it_says_its_version() {
    let version = said(&run(&["--version"]).stdout);
    assert!(
        version.starts_with(&format!("kith {}", env!("CARGO_PKG_VERSION"))),
        "{version}"
    );
}

#[test]
fn a_bad_configuration_is_refused_before_anything_happens() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let refused = run(&[
        "serve",
        "--data",
        data.to_str().unwrap(),
        "--set",
        "push.drain_s=-1",
        "--set",
        "thread.shrads=2",
    ]);
    assert_eq!(refused.status.code(), Some(2));
    let words = said(&refused.stderr);
    assert!(
        words.contains("push.drain_s must be 0 to 600, not -1 (from --set)"),
        "{words}"
    );
    assert!(words.contains("did you mean thread.shards?"), "{words}");
    assert!(
        !words.contains('\u{1b}'),
        "no colours into a pipe: {words:?}"
    );
    assert!(!data.exists(), "nothing may be made");
    assert_eq!(
        run(&["config", "check", "--set", "a.b=c"]).status.code(),
        Some(2)
    );
    assert!(run(&["config", "check"]).status.success());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let failed = run(&["serve", "--data", data, "--listen", &address]);
    assert_eq!(failed.status.code(), Some(1));
    let words = said(&failed.stderr);
    assert!(words.contains(&address), "{words}");
}

#[test]
fn a_second_server_on_the_same_folder_is_told_so_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = Served::start(folder.path(), &[]);
    let data = folder.path().to_str().unwrap();
    let second = run(&["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    let words = said(&second.stderr);
    assert!(
        words.contains("another process") && words.contains(data),
        "{words}"
    );
    assert!(run(&["admin", "health", "--data", data]).status.success());
    drop(first);
}

#[test]
fn the_admin_socket_is_its_owners_alone_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let socket = data.join("admin.sock");
    // What a crash leaves behind is replaced.
    let crashed = Served::start(&data, &[]);
    crashed.signal("KILL");
    assert!(!crashed.stopped().0 && socket.exists());

    let served = Served::start(&data, &[]);
    assert_eq!(served.admin, format!("unix:{}", socket.display()));
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let data = data.to_str().unwrap();
    let health = run(&["admin", "health", "--json", "--data", data]);
    let health: serde_json::Value = serde_json::from_slice(&health.stdout).unwrap();
    assert_eq!(health["ready"], true);
    let metrics = said(&run(&["admin", "metrics", "--data", data]).stdout);
    assert!(metrics.contains("kith_build_info{version="), "{metrics}");

    assert!(run(&["admin", "drain", "--data", data]).status.success());
    let (properly, log) = served.stopped();
    assert!(
        properly && log.contains("asked through the admin listener"),
        "{log}"
    );
    assert!(!socket.exists());

    let nobody = run(&["admin", "health", "--data", data]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(said(&nobody.stderr).contains("no server answers"));
}

#[test]
fn a_new_data_folder_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a/b");
    let _served = Served::start(&data, &[]);
    let mode = std::fs::metadata(&data).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn on_loopback_commands_need_the_secret_and_figures_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "open sesame\n").unwrap();
    let set = format!("admin.token_file={}", secret.display());
    let served = Served::start(
        &folder.path().join("data"),
        &["--admin", "127.0.0.1:0", "--set", &set],
    );
    let admin: SocketAddr = served.admin.parse().unwrap();

    assert!(ask(admin, "GET /healthz/live HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert!(ask(admin, "GET /healthz/ready HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert!(ask(admin, "GET /metrics HTTP/1.1").contains("kith_build_info"));
    for head in [
        "POST /v1/admin/drain HTTP/1.1",
        "POST /v1/admin/drain HTTP/1.1\r\nauthorization: Bearer open",
        "POST /v1/admin/drain HTTP/1.1\r\nauthorization: Bearer open sesame!",
    ] {
        assert!(ask(admin, head).starts_with("HTTP/1.1 401"), "{head}");
    }
    let there = ["--admin", &served.admin, "--set", &set];
    assert!(
        run(&[&["admin", "health"], &there[..]].concat())
            .status
            .success()
    );
    assert!(
        run(&[&["admin", "drain"], &there[..]].concat())
            .status
            .success()
    );
    assert!(served.stopped().0);
}

#[test]
fn it_stops_properly_on_either_signal_and_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["TERM", "INT"] {
        let served = Served::start(folder.path(), &[]);
        served.signal(name);
        let (properly, log) = served.stopped();
        assert!(properly, "{log}");
        let last = log.lines().last().unwrap();
        let last: serde_json::Value = serde_json::from_str(last).expect("every log line is JSON");
        assert_eq!(last["message"], "stopped");
    }
}

#[test]
fn a_service_manager_is_told_when_it_is_up_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("manager");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(FOR_EVER)).unwrap();
    let told = || {
        let mut words = [0; 256];
        let length = manager.recv(&mut words).unwrap();
        said(&words[..length])
    };
    let served = Served::under(Some(&socket), &folder.path().join("data"), &[]);
    let up = format!("READY=1\nSTATUS=listening on http://{}\n", served.address);
    assert_eq!(told(), up);
    served.signal("TERM");
    assert_eq!(told(), "STOPPING=1\n");
    assert!(served.stopped().0);
}

#[test]
fn a_connection_that_says_nothing_does_not_hold_up_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), &["--set", "push.drain_s=600"]);
    let mut idle = TcpStream::connect(served.address).unwrap();
    served.signal("TERM");
    let (properly, log) = served.stopped();
    assert!(properly, "{log}");
    assert_eq!(idle.read(&mut [0; 8]).unwrap_or(0), 0);
}

#[test]
fn health_is_on_the_public_port_and_figures_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), &[]);
    for path in ["/healthz/live", "/healthz/ready"] {
        let answer = ask(served.address, &format!("GET {path} HTTP/1.1"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    for path in ["/metrics", "/v1/admin/health", "/v1/admin/drain"] {
        let answer = ask(served.address, &format!("GET {path} HTTP/1.1"));
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
    let metrics = run(&[
        "admin",
        "metrics",
        "--data",
        folder.path().to_str().unwrap(),
    ]);
    let metrics = said(&metrics.stdout);
    let counted = "kith_http_requests_total{route=\"/healthz/ready\",status=\"200\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    assert!(
        metrics.contains("route=\"other\",status=\"404\"} 3"),
        "{metrics}"
    );
}

#[test]
fn a_client_that_does_not_finish_its_request_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let set = [
        "--set",
        "http.header_timeout_s=1",
        "--set",
        "http.body_timeout_s=1",
    ];
    let served = Served::start(folder.path(), &set);
    let mut half_a_head = TcpStream::connect(served.address).unwrap();
    write!(half_a_head, "POST /v1/login HTTP/1.1\r\n").unwrap();
    let mut half_a_body = TcpStream::connect(served.address).unwrap();
    let head =
        "POST /v1/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9";
    write!(half_a_body, "{head}\r\n\r\n{{").unwrap();
    for mut stream in [half_a_head, half_a_body] {
        let mut answer = String::new();
        // Ends when the server closes; an answer before that is welcome.
        let _ = stream.read_to_string(&mut answer);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
}

/// Sends JSON; the whole answer as text.
fn post(address: SocketAddr, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close");
    let length = body.len();
    write!(
        stream,
        "{head}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

const ANN: &str =
    r#"{"handle":"ann","password":"correct horse","device":{"kind":"phone","label":"p"}}"#;

fn token_in(answer: &str) -> &str {
    let rest = answer.split("\"token\":\"").nth(1).unwrap();
    rest.split('"').next().unwrap()
}

#[test]
fn a_disabled_account_is_out_at_once_and_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), &[]);
    let answer = post(served.address, "/v1/register", ANN);
    let me = format!(
        "GET /v1/me HTTP/1.1\r\nauthorization: Bearer {}",
        token_in(&answer)
    );
    assert!(ask(served.address, &me).starts_with("HTTP/1.1 200"));

    let data = folder.path().to_str().unwrap();
    let done = run(&["user", "disable", "@ann", "--data", data]);
    assert_eq!(
        said(&done.stdout),
        "ann is disabled\n",
        "{}",
        said(&done.stderr)
    );
    let refused = ask(served.address, &me);
    assert!(refused.contains("\"account_disabled\""), "{refused}");
    assert!(post(served.address, "/v1/login", ANN).starts_with("HTTP/1.1 401"));

    assert!(
        run(&["user", "enable", "ann", "--data", data])
            .status
            .success()
    );
    assert!(post(served.address, "/v1/login", ANN).starts_with("HTTP/1.1 200"));

    let nobody = run(&["user", "disable", "bo", "--data", data]);
    assert_eq!(said(&nobody.stderr), "kith: there is no user bo\n");
    assert!(
        !run(&["user", "disable", "../x", "--data", data])
            .status
            .success()
    );
}

#[test]
fn a_forgotten_password_is_replaced_and_all_devices_are_out() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), &["--set", "log.filter=trace"]);
    let answer = post(served.address, "/v1/register", ANN);
    let me = format!(
        "GET /v1/me HTTP/1.1\r\nauthorization: Bearer {}",
        token_in(&answer)
    );
    let data = folder.path().to_str().unwrap();
    let made = run(&["user", "password", "ann", "--json", "--data", data]);
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let password = made["password"].as_str().unwrap();
    let refused = ask(served.address, &me);
    assert!(refused.contains("\"session_revoked\""), "{refused}");
    assert!(post(served.address, "/v1/login", ANN).starts_with("HTTP/1.1 401"));
    let with = |password| ANN.replace("correct horse", password);
    assert!(post(served.address, "/v1/login", &with(password)).starts_with("HTTP/1.1 200"));

    let given = |line: &str| {
        let mut child = kith(&["user", "password", "@ann", "--stdin", "--data", data])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    let short = said(&given("short\n").stderr);
    let why = "kith: the password on standard input: at least 8 bytes\n";
    assert_eq!(short, why);
    assert!(post(served.address, "/v1/login", &with(password)).starts_with("HTTP/1.1 200"));
    let set = said(&given("battery staple\n").stdout);
    assert_eq!(set, "all devices of ann are signed out\n");
    let login = post(served.address, "/v1/login", &with("battery staple"));
    assert!(login.starts_with("HTTP/1.1 200"), "{login}");
    let nobody = run(&["user", "password", "bo", "--data", data]);
    assert_eq!(said(&nobody.stderr), "kith: there is no user bo\n");

    served.signal("TERM");
    let (_, log) = served.stopped();
    assert!(!log.contains(password) && !log.contains("battery staple"));
}

#[test]
fn accounts_are_listed_and_shown_with_their_devices() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), &[]);
    for handle in ["boris", "ann", "cyril"] {
        let answer = post(served.address, "/v1/register", &ANN.replace("ann", handle));
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    let data = folder.path().to_str().unwrap();
    assert!(
        run(&["user", "disable", "cyril", "--data", data])
            .status
            .success()
    );
    let list = said(&run(&["user", "list", "--data", data]).stdout);
    let handles: Vec<_> = list.lines().map(|line| line.split(' ').next()).collect();
    assert_eq!(handles, [Some("ann"), Some("boris"), Some("cyril")]);
    assert!(
        list.lines().last().unwrap().ends_with("  disabled"),
        "{list}"
    );
    let list = said(&run(&["user", "list", "--json", "--data", data]).stdout);
    for line in list.lines() {
        let account: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(account["disabled"], account["handle"] == "cyril");
        assert!(account.get("password").is_none(), "{line}");
    }
    let ann = said(&run(&["user", "show", "ann", "--data", data]).stdout);
    assert!(ann.contains("phone") && ann.contains("127.0.0.1"), "{ann}");
    let ann = run(&["user", "show", "@ann", "--json", "--data", data]);
    let ann: serde_json::Value = serde_json::from_slice(&ann.stdout).unwrap();
    assert_eq!(
        (&ann["handle"], &ann["devices"][0]["kind"]),
        (&"ann".into(), &"phone".into())
    );
}

#[test]
fn passwords_and_tokens_are_not_logged() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), &["--set", "log.filter=trace"]);
    let answer = post(served.address, "/v1/register", ANN);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let token = token_in(&answer);
    served.signal("TERM");
    let (properly, log) = served.stopped();
    assert!(properly && log.contains("listening"));
    assert!(
        !log.contains("correct horse") && !log.contains(token),
        "{log}"
    );
}

#[test]
fn a_second_signal_stops_at_once_what_the_first_would_wait_for() {
    let folder = tempfile::tempdir().unwrap();
    let patient = [
        "--set",
        "push.drain_s=600",
        "--set",
        "http.body_timeout_s=600",
    ];
    let served = Served::start(folder.path(), &patient);
    let mut half_a_body = TcpStream::connect(served.address).unwrap();
    let head = "POST /v1/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json";
    write!(
        half_a_body,
        "{head}\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n{{"
    )
    .unwrap();
    // "100 Continue": the request is being read.
    assert_eq!(half_a_body.read(&mut [0; 4]).unwrap(), 4);
    served.signal("TERM");
    // The port is closed: it has begun to stop, and waits.
    while TcpStream::connect(served.address).is_ok() {
        std::thread::yield_now();
    }
    served.signal("INT");
    let (properly, log) = served.stopped();
    assert!(properly && log.contains("stopping at once"), "{log}");
}
