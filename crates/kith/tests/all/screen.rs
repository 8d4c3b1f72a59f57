//! `kith chat` as people use it: the real program in a terminal of its own, against a real server.

use crate::chat::{FOR_EVER, Place};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const UP: &str = "\x1b[A";
const CTRL_C: &str = "\x03";
const CTRL_R: &str = "\x12";
const PAGE_UP: &str = "\x1b[5~";
const CTRL_END: &str = "\x1b[1;5F";

/// What a terminal shows, and how it is set.
struct Shown {
    parser: vt100::Parser<Bells>,
    ended: bool,
}

/// Counts what is heard, keeps what stands in the title.
#[derive(Default)]
struct Bells {
    rung: usize,
    title: String,
}

impl vt100::Callbacks for Bells {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.rung += 1;
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.title = String::from_utf8_lossy(title).into_owned();
    }
}

/// A terminal in which `kith chat` runs.
struct Seat {
    child: Child,
    terminal: File,
    /// Held, so that the terminal outlives the program.
    line: File,
    before: Termios,
    shown: Arc<(Mutex<Shown>, Condvar)>,
}

impl Seat {
    fn open(home: &Path, server: &str, profile: &str, more: &[&str]) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let line = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        tcsetwinsize(&line, size(80, 24)).unwrap();
        let before = tcgetattr(&line).unwrap();
        let terminal = File::from(terminal);
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
        command
            .args(["chat", "--profile", profile, "--server", server, "--home"])
            .arg(home)
            .args(more)
            .env("TERM", "xterm-256color")
            .env("TZ", "UTC")
            .env_remove("NO_COLOR")
            .stdin(line.try_clone().unwrap())
            .stdout(line.try_clone().unwrap())
            .stderr(Stdio::null());
        #[expect(
            unsafe_code,
            reason = "between fork and exec only two system calls run"
        )]
        // SAFETY: both are async-signal-safe and touch no memory of this process.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        let parser = vt100::Parser::new_with_callbacks(
            NonZeroU16::new(24).unwrap(),
            NonZeroU16::new(80).unwrap(),
            0,
            Bells::default(),
        );
        let ended = false;
        let shown = Arc::new((Mutex::new(Shown { parser, ended }), Condvar::new()));
        let (mut output, tell) = (terminal.try_clone().unwrap(), shown.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let read = output.read(&mut bytes).unwrap_or(0);
                let mut shown = tell.0.lock().unwrap();
                shown.parser.process(&bytes[..read]);
                shown.ended = read == 0;
                tell.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self {
            child,
            terminal,
            line,
            before,
            shown,
        }
    }

    fn at(place: &Place, profile: &str, more: &[&str]) -> Self {
        let home = place.folder.path().join("home");
        Self::open(&home, &place.address(), profile, more)
    }

    /// Somebody new, with an empty inbox on the screen.
    fn of(place: &Place, handle: &str) -> Self {
        let mut seat = Self::at(place, handle, &[]);
        seat.see("Sign in");
        seat.press(CTRL_R);
        seat.see("Make an account");
        seat.press(&format!("{handle}\tcorrect horse{ENTER}"));
        seat.see("No threads yet");
        seat.see("connected");
        seat
    }

    fn press(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    /// Keys, once these words are there to be seen.
    fn press_at(&mut self, words: &str, keys: &str) {
        self.see(words);
        self.press(keys);
    }

    /// Waits until the screen is as it is wanted.
    fn wait(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) -> String {
        let deadline = Instant::now() + FOR_EVER;
        let mut shown = self.shown.0.lock().unwrap();
        loop {
            let contents = shown.parser.screen().contents();
            if is_so(shown.parser.screen()) {
                return contents;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !shown.ended, "no {what} in\n{contents}");
            shown = self.shown.1.wait_timeout(shown, left).unwrap().0;
        }
    }

    fn see(&self, words: &str) -> String {
        self.wait(&format!("{words:?}"), |screen| {
            screen.contents().contains(words)
        })
    }

    fn see_no(&self, words: &str) {
        self.wait(&format!("end of {words:?}"), |screen| {
            !screen.contents().contains(words)
        });
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        let screen = |n| NonZeroU16::new(n).unwrap();
        let mut shown = self.shown.0.lock().unwrap();
        shown
            .parser
            .screen_mut()
            .set_size(screen(rows), screen(columns));
        drop(shown);
        tcsetwinsize(&self.line, size(columns, rows)).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end of the program; the terminal has to be as it was.
    fn end(mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        let after = tcgetattr(&self.line).unwrap();
        assert_eq!(
            after.local_modes, self.before.local_modes,
            "echo and lines are back"
        );
        assert_eq!(after.input_modes, self.before.input_modes);
        self.wait("end of the screen", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        status
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// The screen without what differs from run to run.
fn settled(screen: &str) -> String {
    let mut text = String::new();
    for line in screen.lines() {
        let bytes = line.as_bytes();
        let is_time = |at: usize| {
            bytes.get(at..at + 5).is_some_and(|five| {
                five[2] == b':' && [0, 1, 3, 4].iter().all(|i| five[*i].is_ascii_digit())
            })
        };
        let times: Vec<usize> = (0..bytes.len()).filter(|at| is_time(*at)).collect();
        let mut line = line.to_owned();
        for at in times {
            line.replace_range(at..at + 5, "00:00");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The words below the last own message, at the right.
fn is_read(screen: &vt100::Screen) -> bool {
    let contents = screen.contents();
    contents
        .lines()
        .any(|line| line.trim_end().ends_with(" read"))
}

/// The least number of a line of the long conversation that is to be seen.
fn top_line(screen: &vt100::Screen) -> u32 {
    let contents = screen.contents();
    let numbers = contents.split("│  line number ").skip(1);
    let numbers = numbers.filter_map(|rest| rest.split_whitespace().next()?.parse().ok());
    numbers.min().unwrap_or(u32::MAX)
}

#[test]
fn two_people_talk_on_screens() {
    let place = Place::open();
    let mut bo = Seat::of(&place, "boris");
    let mut ann = Seat::of(&place, "ann");
    ann.press("n");
    ann.press_at("write to @", &format!("boris{ENTER}"));
    ann.press_at("here it begins", "hello, is anybody there?");
    ann.press_at("> hello, is", ENTER);
    // It is there, and nobody has read it.
    ann.see("delivered");
    bo.press_at("hello, is anybody", "k");
    bo.see("1 unread");
    bo.press(ENTER);
    bo.see("> ");
    ann.wait("read mark", is_read);
    bo.press("I am 🍰 你好");
    ann.see("boris is typing…");
    bo.press(ENTER);
    ann.see("I am 🍰 你好");
    // A reply, a reaction, an edit and a deletion.
    ann.press(UP);
    ann.press_at("▌", "r");
    ann.press_at("↳ boris: I am", &format!("good{ENTER}"));
    bo.press_at("good", UP);
    bo.press_at("▌", "+");
    bo.press_at("emoji", ENTER);
    ann.press_at("👍 1", UP);
    ann.press_at("▌", "e");
    ann.press_at("editing", &format!(" indeed{ENTER}"));
    bo.see("good indeed (edited)");
    ann.press("oops");
    ann.press_at("> oops", ENTER);
    bo.see("oops");
    ann.wait("oops in the log", |screen| {
        let contents = screen.contents();
        contents.contains("│  oops") && !contents.contains("waiting")
    });
    ann.press(UP);
    ann.press_at("▌", "d");
    ann.press_at("take this message back?", "y");
    bo.press_at("(taken back)", ESC);
    bo.see_no("oops");
    // All has come, and nothing more will.
    let shown = ann.wait("picture", |screen| {
        let contents = screen.contents();
        let words = [
            "you: (taken back)",
            "▌ (taken back)",
            "indeed (edited)",
            "👍 1",
            "Esc back",
        ];
        words.iter().all(|words| contents.contains(words)) && is_read(screen)
    });
    insta::assert_snapshot!(settled(&shown));
    ann.press(CTRL_C);
    assert_eq!(ann.end().code(), Some(0));
    bo.signal(Signal::TERM);
    assert_eq!(bo.end().code(), Some(0));
}

#[test]
fn without_a_server_messages_wait_and_go_out_once_after_a_restart() {
    let place = Place::open();
    drop(Seat::of(&place, "boris"));
    let mut ann = Seat::of(&place, "ann");
    ann.press("n");
    ann.press_at("write to @", &format!("boris{ENTER}"));
    ann.press_at("here it begins", &format!("first{ENTER}"));
    ann.see("sent");
    let address = place.address();
    let stopped = place.stop();
    ann.press_at("no connection, trying again…", &format!("second{ENTER}"));
    ann.see("waiting");
    // Killed: nothing is said goodbye to.
    ann.signal(Signal::KILL);
    drop(ann);
    let home = stopped.folder.path().join("home");
    let place = stopped.start();
    let mut again = Seat::open(&home, &address, "ann", &["--open", "@boris"]);
    again.see("> ");
    again.see("first");
    again.see_no("waiting");
    let shown = again.see("│  second");
    assert_eq!(shown.matches("│  second").count(), 1, "{shown}");
    again.press(CTRL_C);
    assert_eq!(again.end().code(), Some(0));
    drop(place);
}

#[test]
fn a_session_that_was_taken_over_comes_to_the_page_to_sign_in_and_says_why() {
    let place = Place::open();
    let mut first = Seat::of(&place, "ann");
    let mut second = Seat::at(&place, "second", &[]);
    second.see("Sign in");
    second.press(&format!("ann\tcorrect horse{ENTER}"));
    second.see("No threads yet");
    let shown = first.see("another device took this");
    assert!(
        shown.contains("Sign in") && shown.contains("ann"),
        "{shown}"
    );
    // It does not fight back by itself, but its user may.
    first.press(&format!("wrong horse{ENTER}"));
    first.see("handle or password are wrong");
    first.press("\x15");
    first.press(&format!("correct horse{ENTER}"));
    first.see("connected");
    second.see("another device took this");
}

#[test]
fn the_screen_follows_the_size_of_its_terminal() {
    let place = Place::open();
    let mut ann = Seat::of(&place, "ann");
    ann.press("g");
    ann.press_at("title of the group", &format!("Team lunch{ENTER}"));
    ann.press_at("people, with spaces", ESC);
    // Escape and a letter in one piece would be another key.
    ann.see_no("people, with spaces");
    ann.press("?");
    ann.see("list of threads");
    ann.resize(40, 12);
    // At the right of 80 columns before. A key that comes in the same moment as the new size may wait for
    // the next one: crossterm 0.29 reads one of the two.
    ann.see("connected");
    ann.see_no("│");
    ann.press(ESC);
    ann.see("No threads yet");
    ann.resize(20, 5);
    ann.see("make this window");
    ann.resize(100, 30);
    ann.see("Choose a thread");
    ann.press("q");
    assert_eq!(ann.end().code(), Some(0));
}

#[test]
fn history_comes_by_scrolling_and_words_are_found_on_this_device() {
    let place = Place::open();
    drop(Seat::of(&place, "boris"));
    let lines: String = (1..=120).map(|n| format!("line number {n}\n")).collect();
    let script = format!("/signin boris\n/group Long @ann\n{lines}");
    let mut ann = Seat::of(&place, "ann");
    let (status, _, errors) = place.run("script", &[], &script);
    assert_eq!((status, errors.as_str()), (0, ""));
    ann.press_at("120 unread", ENTER);
    ann.see("line number 120");
    let mut top = u32::MAX;
    while top > 1 {
        ann.press(PAGE_UP);
        // What is above has come, and the page is turned.
        ann.wait("earlier lines", |screen| {
            top_line(screen) < top && !screen.contents().contains("loading…")
        });
        top = top_line(ann.shown.0.lock().unwrap().parser.screen());
    }
    ann.see("boris made this group");
    ann.press(CTRL_END);
    ann.see("line number 120");
    ann.press("\x06");
    ann.press_at("Search:", "number 33");
    ann.press_at("Search: number 33", ENTER);
    ann.see("Long · boris: line number 33");
    ann.press(ENTER);
    ann.see("line number 34");
    let heard = ann.shown.0.lock().unwrap();
    assert!(heard.parser.callbacks().rung > 0, "no bell was heard");
    drop(heard);
    ann.press(CTRL_C);
    assert_eq!(ann.end().code(), Some(0));
}

#[test]
fn a_draft_and_another_account_are_found_again() {
    let place = Place::open();
    drop(Seat::of(&place, "boris"));
    let mut ann = Seat::of(&place, "ann");
    ann.press("n");
    ann.press_at("write to @", &format!("boris{ENTER}"));
    ann.press_at("here it begins", "half a thought");
    ann.press_at("> half a thought", ESC);
    ann.press_at("n write to somebody", "a");
    ann.see("ann, this one");
    ann.press("n");
    ann.press_at("name of the profile", &format!("other{ENTER}"));
    ann.see("(other)");
    ann.press_at("Sign in", ESC);
    ann.press_at("other, this one", ENTER);
    ann.see("draft: half a thought");
    ann.press(CTRL_C);
    assert_eq!(ann.end().code(), Some(0));
    let mut again = Seat::at(&place, "ann", &["--open", "@boris"]);
    again.see("> half a thought");
    // Two screens on one profile would send each other's messages.
    let (status, _, errors) = place.run("ann", &[], "/me\n");
    assert_eq!(status, 1);
    assert!(errors.contains("is open in another kith chat"), "{errors}");
    again.press(CTRL_C);
    assert_eq!(again.end().code(), Some(0));
}

#[test]
fn what_is_no_terminal_is_told_of_plain() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kith"))
        .args(["chat", "--home"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("kith chat --plain"), "{errors}");
    assert!(output.stdout.is_empty());
}
