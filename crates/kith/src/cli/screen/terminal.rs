//! The terminal: taken over at the start, given back as it was however the program ends.

use super::app::App;
use super::view;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect, Size};
use std::io::{self, IsTerminal as _, Stdout, Write as _};

/// The title goes on the terminal's stack of titles, and comes back from there.
const KEEP_TITLE: &str = "\x1b[22;0t";
const GIVE_TITLE_BACK: &str = "\x1b[23;0t";

/// A terminal that shows one screen.
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Stdout>>,
    title: String,
    /// Emoji are being joined in what is written.
    joins: bool,
}

/// Whether there is a terminal that can show a screen; otherwise what to do instead.
pub(super) fn check() -> Result<(), &'static str> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(
            "this is no terminal: `kith chat --plain` reads lines from a pipe and writes lines",
        );
    }
    match std::env::var("TERM").as_deref() {
        Ok("dumb") => Err("this terminal (TERM=dumb) shows no screens: use `kith chat --plain`"),
        _ => Ok(()),
    }
}

impl Terminal {
    /// Takes the terminal over. A panic gives it back before it says its words.
    pub(super) fn open() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        enable_raw_mode()?;
        let entered = execute!(
            io::stdout(),
            crossterm::style::Print(KEEP_TITLE),
            EnterAlternateScreen,
            EnableMouseCapture,
            EnableBracketedPaste,
            EnableFocusChange,
        );
        let backend = CrosstermBackend::new(io::stdout());
        match entered.and_then(|()| ratatui::Terminal::new(backend)) {
            Ok(inner) => Ok(Self {
                inner,
                title: String::new(),
                joins: false,
            }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    pub(super) fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    /// Shows what the app knows. Only what differs from the last time is written, in one piece
    /// where the terminal can do that.
    pub(super) fn draw(&mut self, app: &App) -> io::Result<()> {
        let title = app.window_title();
        if self.title != title {
            queue!(io::stdout(), SetTitle(&title))?;
            self.title = title;
        }
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        // Terminals disagree on what is left of an emoji that grows or goes while it is written.
        let joined = std::mem::replace(&mut self.joins, app.joins());
        if joined || self.joins {
            // Unlike `clear`, this does not ask the terminal where its cursor is, which takes the
            // time of a way to it and back, and an answer that the keys' reader would swallow.
            let size = self.inner.size()?;
            self.inner.resize(Rect::from((Position::ORIGIN, size)))?;
        }
        self.inner.draw(|frame| {
            let area = frame.area();
            if let Some(place) = view::paint(app, area, frame.buffer_mut()) {
                frame.set_cursor_position(place);
            }
        })?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    pub(super) fn ring(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(b"\x07")?;
        out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Twice does no harm. Nobody is left to tell if it fails.
fn give_back() {
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableFocusChange,
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        cursor::Show,
        crossterm::style::Print(GIVE_TITLE_BACK),
    );
    let _ = disable_raw_mode();
}
