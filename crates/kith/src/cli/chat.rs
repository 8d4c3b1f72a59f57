//! `kith chat`: its options; and `--plain`, chat from a terminal or a script, a line at a time.

mod happen;
pub(super) mod home;
mod input;
pub(super) mod line;
mod people;
mod screen;
mod speak;
mod threads;

use anyhow::Context as _;
use clap::Args;
use home::{Home, Saved};
use input::{Input, Typed};
use kith_client::{Api, Client, Event};
use kith_protocol::thread::InboxRow;
use kith_protocol::user::User;
use kith_protocol::{ClientMsgId, ThreadId, UserId};
use line::Line;
use screen::Screen;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// Where a server listens when nothing is said.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";
/// How long the end of input waits for what was written to reach the server.
const SETTLE_WITHIN: Duration = Duration::from_secs(30);
/// How long the server's copies of what was written are waited for before a script goes on.
const ECHO_WITHIN: Duration = Duration::from_secs(5);

/// Chat from this terminal, or from a script.
#[derive(Args, Debug)]
#[command(after_help = "\
On a screen, F1 (or ? where nothing is written) shows all keys. Colours respect NO_COLOR. Drafts and
unsent messages are kept and go out at the next start.

With --plain every line is a message for the open thread, or a command that begins with a slash:
/help lists them. Times are UTC. The password is asked for, or taken from KITH_PASSWORD, or, in a
script, from the line after /signin or /signup.

Exit status:
  0  done; with --plain, everything that was written has reached the server
  1  failed, for instance because the server was not reached
  2  the command line was wrong, or there is no terminal for a screen
  3  the input has ended, and messages still wait to be sent
  4  another terminal took this session's place
  5  the session ended for another reason
  6  in a script: at least one line was not understood or was refused

Examples:
  kith chat
  kith chat --server http://chat.example:8080 --profile work --open @ann
  kith chat --plain --server http://chat.example:8080 --profile work
  printf '/signin ann\\n/new @bo\\nhello\\n' | KITH_PASSWORD=... kith chat --plain
  tail -f /var/log/alerts | kith chat --plain --profile bot --open @ann
  kith chat --plain --json < commands > events.jsonl")]
pub struct ChatArgs {
    /// A line at a time, without a screen of its own: for scripts and pipes.
    #[arg(long)]
    plain: bool,
    /// The server; kept with the profile [default: http://127.0.0.1:8080].
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Which of several accounts on this machine.
    #[arg(long, default_value = "default", value_name = "NAME")]
    profile: String,
    /// Where profiles are kept [default: kith/chat in the user's data folder].
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Open this thread at the start: a title, an id, or @handle.
    #[arg(long, value_name = "THREAD")]
    open: Option<String>,
    /// Print one JSON object for every event and every answer.
    #[arg(long, requires = "plain")]
    json: bool,
}

impl ChatArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let done = if self.plain {
            runtime.block_on(run(self))
        } else {
            runtime.block_on(super::screen::run(self.wishes()))
        };
        // Standard input may be read for ever: nobody waits for that.
        runtime.shutdown_background();
        done
    }

    fn wishes(self) -> super::screen::Wishes {
        super::screen::Wishes {
            home: self.home,
            profile: self.profile,
            server: self.server,
            open: self.open,
        }
    }
}

/// An end with an exit status of its own.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct Exit {
    /// The exit status.
    pub status: u8,
    words: String,
}

impl Exit {
    /// What was asked for cannot be done here; nothing was started.
    pub(super) fn refused(words: &str) -> Self {
        let words = words.to_owned();
        Self { status: 2, words }
    }
}

/// Chats until the input ends, `/quit`, or the session is over. An [`Exit`] inside the error says
/// which exit status it wants.
pub async fn run(args: ChatArgs) -> anyhow::Result<()> {
    let home = Home::open(args.home.as_deref(), &args.profile)?;
    let mut chat = Chat::new(home, args.server.as_deref(), args.json)?;
    chat.resume()?;
    if let Some(thread) = &args.open {
        chat.carry_out(Line::Open(thread.clone()), None).await?;
    }
    let mut input = Input::start();
    chat.screen.prompt_help(input.is_terminal());
    chat.watching = input.is_terminal();
    let ended = chat.converse(&mut input).await;
    let settled = match &ended {
        Ok(()) => chat.settle().await,
        Err(_) => Ok(()),
    };
    if let Some(client) = chat.client.take() {
        client.close().await;
    }
    ended.and(settled)?;
    if chat.mistakes > 0 && !input.is_terminal() {
        let words = format!("lines not understood or refused: {}", chat.mistakes);
        return Err(Exit { status: 6, words }.into());
    }
    Ok(())
}

/// The server that was asked for, or that of the profile. A profile belongs to one.
pub(super) fn server_of<'a>(
    asked: Option<&'a str>,
    saved: Option<&'a Saved>,
) -> anyhow::Result<&'a str> {
    match (asked, saved) {
        (Some(asked), Some(saved)) if asked.trim_end_matches('/') != saved.server => {
            anyhow::bail!(
                "this profile is signed in at {}: use another one with --profile",
                saved.server
            );
        }
        (Some(asked), _) => Ok(asked),
        (None, Some(saved)) => Ok(&saved.server),
        (None, None) => Ok(DEFAULT_SERVER),
    }
}

/// A conversation with one server.
struct Chat {
    screen: Screen,
    home: Home,
    /// With the token, once somebody is signed in.
    api: Api,
    client: Option<Client>,
    me: Option<UserId>,
    people: BTreeMap<UserId, User>,
    rows: BTreeMap<ThreadId, InboxRow>,
    /// The threads of the last /list, in its order.
    listed: Vec<ThreadId>,
    open: Option<ThreadId>,
    followed: BTreeSet<ThreadId>,
    /// The last entry that was shown or fetched of a thread.
    seen: BTreeMap<ThreadId, u64>,
    /// Own messages whose copies from the server were not shown yet.
    unshown: BTreeSet<ClientMsgId>,
    /// A person looks on: what is shown of the open thread has been read.
    watching: bool,
    /// Lines that came to nothing.
    mistakes: u64,
    quits: bool,
}

impl Chat {
    fn new(home: Home, server: Option<&str>, json: bool) -> anyhow::Result<Self> {
        let saved = home.saved()?;
        let server = server_of(server, saved.as_ref())?;
        Ok(Self {
            api: Api::new(server)?,
            screen: Screen::new(json),
            home,
            client: None,
            me: None,
            people: BTreeMap::new(),
            rows: BTreeMap::new(),
            listed: Vec::new(),
            open: None,
            followed: BTreeSet::new(),
            seen: BTreeMap::new(),
            unshown: BTreeSet::new(),
            watching: false,
            mistakes: 0,
            quits: false,
        })
    }

    async fn converse(&mut self, input: &mut Input) -> anyhow::Result<()> {
        while !self.quits {
            tokio::select! {
                typed = input.next() => match typed {
                    Some(Typed::Line(text)) => self.typed(&text, input).await?,
                    Some(Typed::Wrong(why)) => self.mistake(why),
                    None => break,
                },
                event = next_event(&mut self.client) => self.event(event).await?,
                _ = tokio::signal::ctrl_c() => break,
            }
        }
        Ok(())
    }

    async fn typed(&mut self, text: &str, input: &mut Input) -> anyhow::Result<()> {
        match Line::parse(text) {
            Ok(Line::Nothing) => Ok(()),
            Ok(line) => {
                // A script means its lines one after the other: /seen is about what was written
                // before it.
                if !self.watching && !matches!(line, Line::Text(_) | Line::Reply { .. }) {
                    self.until_shown(ECHO_WITHIN).await?;
                }
                self.carry_out(line, Some(input)).await
            }
            Err(why) => {
                self.mistake(&why);
                Ok(())
            }
        }
    }

    /// A refusal is the user's to read; only the end of the session ends the program.
    async fn carry_out(&mut self, line: Line, input: Option<&mut Input>) -> anyhow::Result<()> {
        let Err(error) = self.try_to(line, input).await else {
            return Ok(());
        };
        if let Some(error) = error.downcast_ref::<kith_client::ClientError>() {
            if error.ends_session() {
                return Err(self.ended(&kith_client::Ending::by_error(error)));
            }
            self.screen.refused(error);
            self.mistakes += 1;
        } else {
            self.mistake(&format!("{error:#}"));
        }
        Ok(())
    }

    fn mistake(&mut self, why: &str) {
        self.mistakes += 1;
        self.screen.mistake(why);
    }

    async fn event(&mut self, event: Option<Event>) -> anyhow::Result<()> {
        match event {
            Some(Event::SessionEnded(ending)) => Err(self.ended(&ending)),
            Some(event) => {
                self.happened(event).await;
                Ok(())
            }
            None => {
                self.client = None;
                anyhow::bail!("the client has stopped")
            }
        }
    }

    /// The token is dead: it is forgotten, unsent messages stay for the next sign-in.
    fn ended(&mut self, ending: &kith_client::Ending) -> anyhow::Error {
        self.screen.session_ended(ending);
        if let Err(error) = self.home.forget() {
            self.screen
                .mistake(&format!("the profile was not written: {error}"));
        }
        let (status, words) = if ending.was_replaced() {
            (4, "another device has taken this session's place")
        } else {
            (5, "the session is over")
        };
        let words = format!("{words} ({}): sign in again with /signin", ending.words);
        Exit { status, words }.into()
    }

    /// Waits until what was written has reached the server, and shows what happens meanwhile.
    #[expect(
        clippy::disallowed_methods,
        reason = "a program at its end waits in the time of its user"
    )]
    async fn settle(&mut self) -> anyhow::Result<()> {
        let Some(client) = &self.client else {
            return Ok(());
        };
        let mut settled = std::pin::pin!(client.settling().await?);
        let late = tokio::time::sleep(SETTLE_WITHIN);
        let mut late = std::pin::pin!(late);
        loop {
            tokio::select! {
                done = &mut settled => {
                    done.context("the client has stopped")?;
                    break;
                }
                event = next_event(&mut self.client) => self.event(event).await?,
                () = &mut late => {
                    let waited_s = SETTLE_WITHIN.as_secs();
                    let words = format!("not everything was sent within {waited_s} s: the rest goes out at the next start");
                    return Err(Exit { status: 3, words }.into());
                }
            }
        }
        self.until_shown(ECHO_WITHIN).await
    }

    /// Waits a while for the server's copies of what was written here.
    #[expect(
        clippy::disallowed_methods,
        reason = "a script waits in the time of its user"
    )]
    async fn until_shown(&mut self, within: Duration) -> anyhow::Result<()> {
        let late = tokio::time::sleep(within);
        let mut late = std::pin::pin!(late);
        while !self.unshown.is_empty() {
            tokio::select! {
                event = next_event(&mut self.client) => self.event(event).await?,
                () = &mut late => break,
            }
        }
        Ok(())
    }
}

/// Never without a client.
async fn next_event(client: &mut Option<Client>) -> Option<Event> {
    match client {
        Some(client) => client.next_event().await,
        None => std::future::pending().await,
    }
}
