//! `kith chat --plain` as scripts and people use it: through pipes, against a real server.

use kith::config::{Config, DeviceRule, Policy};
use kith::server::{self, Running};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Far longer than anything here takes.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(60);

/// A server, and a folder for the profiles of its people.
pub(crate) struct Place {
    running: Running,
    pub(crate) folder: tempfile::TempDir,
    config: Config,
    runtime: Runtime,
}

impl Place {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.http.listen = "127.0.0.1:0".parse().unwrap();
        config.store.folder = folder.path().join("data");
        config.limits.enabled = false;
        (config.password.memory_kib, config.password.iterations) = (8, 1);
        let (max, policy) = (1, Policy::Replace);
        config.session.terminal = DeviceRule { max, policy };
        std::fs::create_dir(&config.store.folder).unwrap();
        let runtime = Runtime::new().unwrap();
        let start = server::start(Arc::new(config.clone()));
        let running = runtime.block_on(start).unwrap();
        config.http.listen = running.address();
        Self {
            running,
            folder,
            config,
            runtime,
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.running.address())
    }

    /// The server goes.
    pub(crate) fn stop(self) -> Stopped {
        self.runtime.block_on(self.running.drain());
        let (folder, config, runtime) = (self.folder, self.config, self.runtime);
        drop(self.running);
        Stopped {
            folder,
            config,
            runtime,
        }
    }

    fn chat(&self, profile: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
        command
            .args(["chat", "--plain", "--profile", profile, "--server"])
            .arg(format!("http://{}", self.running.address()))
            .arg("--home")
            .arg(self.folder.path().join("home"))
            .args(more)
            .env("KITH_PASSWORD", "correct horse")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn start(&self, profile: &str, more: &[&str]) -> Talking {
        let mut child = self.chat(profile, more).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                if tell.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Talking {
            input: child.stdin.take(),
            lines,
            child: Ends(Some(child)),
        }
    }

    /// Runs a script to its end: exit status, standard output, standard error.
    pub(crate) fn run(&self, profile: &str, more: &[&str], script: &str) -> (i32, String, String) {
        finished(self.chat(profile, more), script)
    }
}

/// A place without its server.
pub(crate) struct Stopped {
    pub(crate) folder: tempfile::TempDir,
    config: Config,
    runtime: Runtime,
}

impl Stopped {
    /// It comes back, at the same address.
    pub(crate) fn start(self) -> Place {
        let (folder, config, runtime) = (self.folder, self.config, self.runtime);
        let start = server::start(Arc::new(config.clone()));
        let running = runtime.block_on(start).unwrap();
        Place {
            running,
            folder,
            config,
            runtime,
        }
    }
}

fn finished(mut command: Command, script: &str) -> (i32, String, String) {
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // An error means that it has ended already, which its status tells.
    let _ = input.write_all(script.as_bytes());
    drop(input);
    let output = Ends(Some(child)).output();
    let words = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let status = output.status.code().unwrap();
    (status, words(output.stdout), words(output.stderr))
}

/// A process that does not outlive its test.
struct Ends(Option<Child>);

impl Ends {
    /// Waits for the end, but not for ever.
    fn output(mut self) -> Output {
        let child = self.0.take().unwrap();
        let process = child.id();
        let (tell, ended) = mpsc::channel();
        std::thread::spawn(move || tell.send(child.wait_with_output()));
        ended.recv_timeout(FOR_EVER).map_or_else(
            |_| {
                let _ = Command::new("kill").arg(process.to_string()).status();
                panic!("process {process} does not end")
            },
            Result::unwrap,
        )
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A chat that runs, with a pipe at each end.
struct Talking {
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    child: Ends,
}

impl Talking {
    fn type_in(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
    }

    /// Reads on to the first line that holds these words.
    fn see(&mut self, words: &str) {
        let mut passed = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(FOR_EVER) {
            if line.contains(words) {
                return;
            }
            passed.push(line);
        }
        panic!("no {words:?} after {passed:#?}");
    }

    fn end(mut self) -> i32 {
        drop(self.input.take());
        self.child.output().status.code().unwrap()
    }
}

#[test]
fn two_people_talk_through_pipes() {
    let place = Place::open();
    let mut bo = place.start("bo", &[]);
    bo.type_in("/signup boris");
    bo.see("Signed in as @boris");
    let mut ann = place.start("ann", &[]);
    ann.type_in("/signup ann");
    ann.type_in("/new @boris");
    ann.type_in("hello, is anybody there?");
    bo.see("new in @ann");
    bo.type_in("/open @ann");
    bo.type_in("/history");
    bo.see("@ann: hello, is anybody there?");
    bo.type_in("//me is");
    ann.see("@boris: /me is");
    ann.type_in("/reply 2 good");
    bo.see("@ann: (to #2) good");
    bo.type_in("/read");
    bo.see("Read up to #4");
    ann.type_in("/seen");
    ann.see("seen by 1 of 1: @boris");
    ann.type_in("/edit 2 hello!");
    bo.see("@ann: changed #2 to: hello!");
    assert_eq!((ann.end(), bo.end()), (0, 0));
}

#[test]
fn a_script_says_everything_before_it_ends_and_is_remembered() {
    let place = Place::open();
    let (status, _, _) = place.run("bo", &[], "/signup boris\n");
    assert_eq!(status, 0);
    let script = "/signup ann\n/group Team lunch @boris\none\ntwo\nthree @boris";
    let (status, _, errors) = place.run("ann", &[], script);
    assert_eq!((status, errors.as_str()), (0, ""));
    let (status, shown, _) = place.run("bo", &[], "/list\n/open team\n/history\n/read\n/list\n");
    assert_eq!(status, 0);
    assert!(
        shown.contains("Team lunch (3 unread, 1 for you)"),
        "{shown}"
    );
    let at = |words: &str| {
        shown
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {shown}"))
    };
    assert!(
        at("#2 @ann: one") < at("#3 @ann: two") && at("#3 @ann: two") < at("#4 @ann: three @boris")
    );
    assert!(at("Read up to #4") > at("#4 @ann"));
    assert!(shown.ends_with("@ann: three @boris\n"), "{shown}");
    assert_eq!(shown.matches("unread").count(), 2, "{shown}");
    assert!(!shown.contains('\x1b'), "colours in a pipe");
    let token = place.folder.path().join("home/ann/session.json");
    let mode = std::fs::metadata(token).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_wrong_line_is_answered_with_what_to_do_and_ends_in_a_status_of_its_own() {
    let place = Place::open();
    let script = "hello\n/signup ann\n/nope\n/edit x\nhello\n/new @nobody\n/history 500\n\n/me\n";
    let (status, shown, errors) = place.run("ann", &[], script);
    assert_eq!(status, 6, "{errors}");
    assert!(shown.contains("@ann (ann)"), "{shown}");
    for sentence in [
        "sign in first: /signin HANDLE",
        "there is no /nope: /help lists what there is",
        "type /edit SEQ TEXT",
        "no thread is open: /open one of /list, or /new @HANDLE",
        "nobody is called @nobody: /find looks for people",
        "from 1 to 200",
    ] {
        assert!(errors.contains(sentence), "{sentence}: {errors}");
    }
}

#[test]
fn a_wrong_password_and_a_taken_handle_are_said_in_words() {
    let place = Place::open();
    assert_eq!(place.run("ann", &[], "/signup ann\n").0, 0);
    let (status, _, errors) = place.run("other", &[], "/signup ann\n");
    assert_eq!(status, 6);
    assert!(errors.contains("the handle is taken"), "{errors}");
    let mut command = place.chat("other", &[]);
    command.env_remove("KITH_PASSWORD");
    let (status, _, errors) = finished(command, "/signin ann\nwrong horse\n");
    assert_eq!(status, 6, "{errors}");
    assert!(
        errors.contains("taking the next line as the password"),
        "{errors}"
    );
    assert!(!errors.contains("wrong horse"), "{errors}");
}

#[test]
fn json_is_one_object_a_line_for_every_event_and_answer() {
    let place = Place::open();
    assert_eq!(place.run("bo", &[], "/signup boris\n").0, 0);
    let script = "/signup ann\n/new @boris\nhello\n/history\n/list\n/nope\n";
    let (status, shown, errors) = place.run("ann", &["--json"], script);
    assert_eq!(status, 6);
    assert!(errors.contains("not understood or refused: 1"), "{errors}");
    let objects: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let named = |class: &str, name: &str| {
        let found = objects.iter().find(|object| object[class] == name);
        found.unwrap_or_else(|| panic!("no {class} {name} in {shown}"))
    };
    let queued = &named("answer", "queued")["client_msg_id"];
    assert_eq!(&named("event", "sent")["client_msg_id"], queued);
    assert_eq!(
        named("answer", "history")["page"]["items"][1]["text"],
        "hello"
    );
    assert_eq!(named("answer", "list")["items"][0]["head"]["last_seq"], 2);
    let mistake = named("error", "mistake")["words"].as_str().unwrap();
    assert!(mistake.contains("/help"), "{mistake}");
}

#[test]
fn a_replaced_terminal_says_so_and_ends_with_its_own_status() {
    let place = Place::open();
    let mut first = place.start("first", &[]);
    first.type_in("/signup ann");
    first.see("Signed in");
    first.type_in("/me");
    first.see("@ann");
    assert_eq!(place.run("second", &[], "/signin ann\n").0, 0);
    let output = first.child.output();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{errors}");
    assert!(
        errors.contains("another device has taken this session's place"),
        "{errors}"
    );
    // The token is forgotten: the next start asks to sign in instead of trying it again.
    let (status, _, errors) = place.run("first", &[], "/list\n");
    assert_eq!(status, 6);
    assert!(errors.contains("sign in first"), "{errors}");
}

#[test]
fn a_server_that_is_not_there_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().display().to_string();
    for (server, words) in [
        ("https://chat.example", "speaks plain http only"),
        ("chat.example", "expected something like http://"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_kith"))
            .args(["chat", "--plain", "--home", &home, "--server", server])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
}
