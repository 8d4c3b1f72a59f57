//! `kith chat`: chat on a screen.
//!
//! One loop: it waits for a key, an event of the client, an answer, or the time; the [`app::App`]
//! takes it in and leaves errands; these are run, and the screen is drawn if something changed. The
//! app talks to nobody and the views know only the app, so both can be tried without a server.

mod account;
mod acts;
mod almanac;
mod app;
mod conversation;
mod edit;
mod errand;
mod flow;
mod happened;
mod inbox;
mod keys;
mod layout;
mod palette;
mod people;
mod prompt;
mod search;
mod settle;
mod sign_in;
mod speak;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod typed;
mod view;

use crate::clock::Clock;
use account::Account;
use almanac::Almanac;
use app::{App, Link};
use crossterm::event::EventStream;
use errand::{Answer, Errand};
use futures_util::{FutureExt as _, StreamExt as _};
use kith_client::{Client, Event, Session};
use palette::Palette;
use std::path::PathBuf;
use std::time::Duration;
use terminal::Terminal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Answers that wait for the loop; more make their calls wait.
const ANSWERS_MAX: usize = 64;
/// Events taken in before the screen is drawn again: a burst is one picture.
const EVENTS_AT_ONCE: usize = 256;
/// Errands may lead to errands; more rounds than these wait for the next event.
const ROUNDS_MAX: usize = 8;
/// How long the end waits for drafts and marks to reach the server.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the command line said.
pub(super) struct Wishes {
    pub(super) home: Option<PathBuf>,
    pub(super) profile: String,
    pub(super) server: Option<String>,
    pub(super) open: Option<String>,
}

/// Chats on a screen until the user leaves, or the terminal goes.
pub(super) async fn run(wishes: Wishes) -> anyhow::Result<()> {
    if let Err(words) = terminal::check() {
        return Err(super::chat::Exit::refused(words).into());
    }
    let clock = Clock::System;
    let (tell, told) = mpsc::channel(ANSWERS_MAX);
    // What is wrong with the profile is said before the terminal is taken over.
    let account = Account::open(
        wishes.home.as_deref(),
        &wishes.profile,
        wishes.server.as_deref(),
    )?;
    let mut screen = Screen {
        app: app_of(&account),
        account,
        home: wishes.home,
        clock,
        tell,
        told,
        epoch: 0,
    };
    let mut terminal = Terminal::open()?;
    screen.app.opens = wishes.open;
    let ended = screen.show(&mut terminal).await;
    screen.say_goodbye().await;
    drop(terminal);
    ended
}

/// The app, the account that it shows, and the ways between them.
struct Screen {
    app: App,
    account: Account,
    home: Option<PathBuf>,
    clock: Clock,
    tell: mpsc::Sender<(u64, Told)>,
    told: mpsc::Receiver<(u64, Told)>,
    /// Counts the accounts that were shown: an answer for an earlier one is of no use.
    epoch: u64,
}

/// What comes from beside the loop.
enum Told {
    Answer(Answer),
    SignedIn(Box<Session>),
}

fn app_of(account: &Account) -> App {
    let almanac = Almanac::of_system();
    let palette = Palette::of_environment();
    App::new(&account.profile, account.api.base(), almanac, palette)
}

impl Screen {
    async fn show(&mut self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let mut input = EventStream::new();
        let mut ends = Ends::listen()?;
        self.app.size = terminal.size()?;
        self.app.now = self.clock.now();
        self.begin().await;
        let mut is_dirty = true;
        loop {
            self.run_errands(terminal).await?;
            if self.app.quits {
                return Ok(());
            }
            if is_dirty {
                terminal.draw(&self.app)?;
            }
            is_dirty = self.step(&mut input, &mut ends).await?;
        }
    }

    /// Waits for something and takes it in; false if nothing looks different.
    async fn step(&mut self, input: &mut EventStream, ends: &mut Ends) -> anyhow::Result<bool> {
        let wakes_at = self.app.wakes_at();
        let now = self.clock.now();
        let wait = wakes_at.map(|at| u64::try_from(at.0 - now.0).unwrap_or(0));
        tokio::select! {
            typed = input.next() => {
                self.app.tick(self.clock.now());
                match typed {
                    Some(Ok(typed)) => self.app.typed(typed),
                    // The terminal has gone.
                    Some(Err(_)) | None => self.app.quits = true,
                }
            }
            event = next_event(&mut self.account.client) => {
                self.app.tick(self.clock.now());
                self.events(event).await;
            }
            Some((epoch, told)) = self.told.recv() => {
                self.app.tick(self.clock.now());
                self.told(epoch, told).await;
            }
            () = sleep(&self.clock, wait) => return Ok(self.app.tick(self.clock.now())),
            () = ends.come() => self.app.quits = true,
        }
        Ok(true)
    }

    /// This event, and those that are there already.
    async fn events(&mut self, first: Option<Event>) {
        let mut next = Some(first);
        for _ in 0..EVENTS_AT_ONCE {
            match next {
                Some(Some(Event::SessionEnded(ending))) => {
                    self.app.ended(&ending);
                    self.account.forget().await;
                }
                Some(Some(event)) => {
                    if let Event::Entry { thread, entry } = &event {
                        self.account.keep(*thread, std::slice::from_ref(&**entry));
                    }
                    self.app.happened(event);
                }
                Some(None) => {
                    self.account.client = None;
                    self.app.link = Link::Lost;
                }
                None => return,
            }
            next = next_event(&mut self.account.client).now_or_never();
        }
        if let Some(Some(event)) = next {
            self.app.happened(event);
        }
    }

    async fn told(&mut self, epoch: u64, told: Told) {
        if epoch != self.epoch {
            return;
        }
        match told {
            Told::Answer(Answer::Ended(ending)) => {
                self.app.ended(&ending);
                self.account.forget().await;
            }
            Told::Answer(answer) => {
                if let Answer::Page(thread, _, page) = &answer {
                    self.account.keep(*thread, &page.items);
                }
                self.app.answered(answer);
            }
            Told::SignedIn(session) => self.signed_in(*session).await,
        }
    }

    async fn run_errands(&mut self, terminal: &mut Terminal) -> anyhow::Result<()> {
        for _ in 0..ROUNDS_MAX {
            self.app.settle();
            let errands = std::mem::take(&mut self.app.errands);
            if errands.is_empty() {
                break;
            }
            for errand in errands {
                match errand {
                    Errand::Bell => terminal.ring()?,
                    errand => self.run_errand(errand).await,
                }
            }
        }
        Ok(())
    }

    /// Drafts and marks go out if the server is there; what is unsent stays in the outbox.
    async fn say_goodbye(&mut self) {
        let clock = self.clock.clone();
        self.send_drafts().await;
        if self.app.link == Link::Connected
            && let Some(client) = &self.account.client
        {
            tokio::select! {
                _ = client.settled() => {}
                () = clock.sleep(FAREWELL) => {}
            }
        }
        self.account.keep_drafts(&self.app);
        self.account.close().await;
    }
}

/// The signals that end the program: they give the terminal back like a key does.
struct Ends {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
}

impl Ends {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn come(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Never without a client.
async fn next_event(client: &mut Option<Client>) -> Option<Event> {
    match client {
        Some(client) => client.next_event().await,
        None => std::future::pending().await,
    }
}

/// Never without an end.
async fn sleep(clock: &Clock, wait_ms: Option<u64>) {
    match wait_ms {
        Some(wait_ms) => clock.sleep(Duration::from_millis(wait_ms)).await,
        None => std::future::pending().await,
    }
}
