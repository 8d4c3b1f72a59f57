//! Lines from standard input, and passwords.

use kith_protocol::text::TEXT_MAX_BYTES;
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::process::{Command, Stdio};
use tokio::sync::mpsc;

/// The longest message, with room for a command before it.
const LINE_MAX_BYTES: usize = TEXT_MAX_BYTES + 256;
/// Lines read ahead; a script that is faster waits.
const AHEAD_MAX: usize = 16;

/// What was typed.
pub(super) enum Typed {
    Line(String),
    /// Not usable, and why.
    Wrong(&'static str),
}

/// Standard input, read beside the conversation.
pub(super) struct Input {
    lines: mpsc::Receiver<Typed>,
    is_terminal: bool,
}

impl Input {
    /// Starts reading. The thread ends with the input, or with the program.
    pub(super) fn start() -> Self {
        let (tell, lines) = mpsc::channel(AHEAD_MAX);
        std::thread::spawn(move || {
            let mut input = std::io::stdin().lock();
            while let Some(typed) = read_line(&mut input) {
                if tell.blocking_send(typed).is_err() {
                    break;
                }
            }
        });
        Self {
            lines,
            is_terminal: std::io::stdin().is_terminal(),
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// The next line; none at the end.
    pub(super) async fn next(&mut self) -> Option<Typed> {
        self.lines.recv().await
    }

    /// The password: from the environment, asked for without echo, or the next line of a script.
    pub(super) async fn password(&mut self) -> anyhow::Result<String> {
        if let Ok(password) = std::env::var("KITH_PASSWORD") {
            return Ok(password);
        }
        let mut err = std::io::stderr();
        let silent = self.is_terminal && echo(false);
        // Nobody is left to tell if standard error is closed.
        let _ = if self.is_terminal {
            write!(err, "Password: ")
        } else {
            writeln!(
                err,
                "kith: taking the next line as the password; KITH_PASSWORD keeps it out of scripts"
            )
        };
        let typed = self.next().await;
        if silent {
            echo(true);
            let _ = writeln!(err);
        }
        match typed {
            Some(Typed::Line(password)) => Ok(password),
            Some(Typed::Wrong(why)) => anyhow::bail!("{why}"),
            None => {
                anyhow::bail!("no password came: set KITH_PASSWORD, or give it on the next line")
            }
        }
    }
}

/// Switches the terminal's echo; false if that is not possible here.
fn echo(on: bool) -> bool {
    Command::new("stty")
        .arg(if on { "echo" } else { "-echo" })
        .stdin(Stdio::inherit())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn read_line(input: &mut impl std::io::BufRead) -> Option<Typed> {
    let mut line = Vec::new();
    let max_bytes = u64::try_from(LINE_MAX_BYTES).unwrap_or(u64::MAX);
    let read = input.by_ref().take(max_bytes).read_until(b'\n', &mut line);
    if read.ok()? == 0 {
        return None;
    }
    if line.len() == LINE_MAX_BYTES && !line.ends_with(b"\n") {
        skip_line(input).ok()?;
        return Some(Typed::Wrong(
            "that line is longer than a message may be (65536 bytes)",
        ));
    }
    if line.ends_with(b"\n") {
        line.pop();
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    Some(match String::from_utf8(line) {
        Ok(line) => Typed::Line(line),
        Err(_) => Typed::Wrong("that line is not UTF-8 text"),
    })
}

/// Passes over the rest of a line, without keeping it.
fn skip_line(input: &mut impl std::io::BufRead) -> std::io::Result<()> {
    loop {
        let ahead = input.fill_buf()?;
        let end = ahead.iter().position(|&byte| byte == b'\n');
        let skipped = end.map_or(ahead.len(), |end| end + 1);
        input.consume(skipped);
        if end.is_some() || skipped == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut input: &[u8]) -> Vec<Result<String, &'static str>> {
        std::iter::from_fn(|| read_line(&mut input))
            .map(|typed| match typed {
                Typed::Line(line) => Ok(line),
                Typed::Wrong(why) => Err(why),
            })
            .collect()
    }

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        let typed = lines(b" a \r\nb\n\nlast");
        assert_eq!(
            typed,
            [" a ", "b", "", "last"].map(|line| Ok(line.to_owned()))
        );
    }

    #[test]
    fn a_line_that_is_too_long_or_no_text_is_passed_over() {
        let mut input = vec![b'x'; LINE_MAX_BYTES * 3];
        input.extend(b"\nnext\n\xff\nlast\n");
        let typed = lines(&input);
        assert!(typed[0].as_ref().is_err_and(|why| why.contains("65536")));
        assert_eq!(typed[1], Ok("next".to_owned()));
        assert!(typed[2].as_ref().is_err_and(|why| why.contains("UTF-8")));
        assert_eq!(typed[3], Ok("last".to_owned()));
        assert_eq!(typed.len(), 4);
    }
}
