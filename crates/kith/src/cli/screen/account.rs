//! The account that the screen shows: its profile, its client, its copy; and the errands that need
//! them.

use super::app::{App, Link};
use super::conversation::Conversation;
use super::edit::Edit;
use super::errand::{self, Answer, Call, Credentials, Errand};
use super::search::FOUND_MAX;
use super::sign_in::SignIn;
use super::{FAREWELL, Screen, Told, app_of};
use crate::cli::chat::home::{Home, Saved};
use crate::cli::chat::server_of;
use kith_client::{
    Api, Client, ClientError, Draft, LocalCopy, Options, Session, credentials, registration,
};
use kith_protocol::entry::{Entry, SendMessage};
use kith_protocol::session::DeviceKind;
use kith_protocol::{ThreadId, UserId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Entries that a thread shows from this device's copy until the server has answered.
const REMEMBERED: usize = 100;

/// A profile that is open.
pub(super) struct Account {
    pub(super) profile: String,
    pub(super) api: Api,
    pub(super) client: Option<Client>,
    home: Home,
    saved: Option<Saved>,
    copy: Option<LocalCopy>,
}

impl Account {
    /// The profile of this name; nobody else may have it open.
    pub(super) fn open(
        home: Option<&Path>,
        profile: &str,
        server: Option<&str>,
    ) -> anyhow::Result<Self> {
        let home = Home::open(home, profile)?;
        let saved = home.saved()?;
        let api = Api::new(server_of(server, saved.as_ref())?)?;
        Ok(Self {
            profile: profile.to_owned(),
            api,
            client: None,
            home,
            saved,
            copy: None,
        })
    }

    /// The client of this user, and what it keeps on this device.
    fn start(&mut self, user: UserId, token: &str) -> Result<(), ClientError> {
        self.api = self.api.with_token(token);
        let folder = self.home.client_folder(user);
        self.copy = Some(LocalCopy::open(&copy_folder(&folder))?);
        let options = Options {
            folder: Some(folder),
            ..Options::default()
        };
        self.client = Some(Client::start(&self.api, options)?);
        Ok(())
    }

    /// Adds to the copy. It is a convenience: if the disk fails, the server still has all.
    pub(super) fn keep(&mut self, thread: ThreadId, entries: &[Entry]) {
        if let Some(copy) = &mut self.copy
            && let Err(error) = copy.add(thread, entries)
        {
            tracing::warn!(%error, "the copy on this device was not written");
        }
    }

    /// The token is dead. Unsent messages stay for the next sign-in.
    pub(super) async fn forget(&mut self) {
        self.close().await;
        self.saved = None;
        if let Err(error) = self.home.forget() {
            tracing::warn!(%error, "the profile was not written");
        }
    }

    pub(super) async fn close(&mut self) {
        if let Some(client) = self.client.take() {
            client.close().await;
        }
    }

    /// Drafts that the server does not have: the next start takes them up.
    pub(super) fn keep_drafts(&self, app: &App) {
        let unsaved = |talk: &Conversation| talk.compose.unsaved().map(str::to_owned);
        let drafts: BTreeMap<ThreadId, String> = app
            .talks
            .iter()
            .filter_map(|(thread, talk)| Some((*thread, unsaved(talk)?)))
            .collect();
        if let Some(me) = app.me
            && let Err(error) = self.home.keep_drafts(me, &drafts)
        {
            tracing::warn!(%error, "the drafts were not written");
        }
    }
}

fn copy_folder(folder: &Path) -> PathBuf {
    folder.join("copy")
}

impl Screen {
    /// Shows the account: signed in if it was, else the page to sign in on.
    pub(super) async fn begin(&mut self) {
        let Some(saved) = &self.account.saved else {
            self.app.sign_in = Some(SignIn::at(self.account.api.base(), "", None));
            return;
        };
        let (user, token) = (saved.user_id, saved.token.clone());
        self.start(user, &token).await;
    }

    async fn start(&mut self, user: UserId, token: &str) {
        if let Err(error) = self.account.start(user, token) {
            let reason = format!("this device's folder cannot be used: {error}");
            self.app.sign_in = Some(SignIn::at(self.account.api.base(), "", Some(reason)));
            return;
        }
        self.app.me = Some(user);
        self.app.call(Call::User(user));
        self.app.call(Call::Inbox);
        for (thread, text) in self.account.home.kept_drafts(user) {
            let compose = &mut self.app.talks.entry(thread).or_default().compose;
            compose.edit = Edit::of(text);
            compose.save_at = Some(self.app.now);
        }
        if let Some(client) = &self.account.client
            && let Ok(waiting) = client.waiting().await
        {
            self.app.answered(Answer::Waiting(waiting));
        }
    }

    pub(super) async fn signed_in(&mut self, session: Session) {
        let saved = Saved {
            server: session.base().to_owned(),
            user_id: session.user.id,
            handle: session.user.handle.clone(),
            token: session.token.clone(),
        };
        if let Err(error) = self.account.home.save(&saved) {
            self.app
                .answered(Answer::SignInFailed(format!("{error:#}")));
            return;
        }
        self.account.api = session.api().clone();
        self.account.saved = Some(saved);
        // Nothing of whoever was signed in before stays on the screen.
        self.show_anew();
        self.app.people.meet(session.user.clone());
        self.start(session.user.id, &session.token).await;
    }

    fn show_anew(&mut self) {
        self.epoch += 1;
        let (size, now) = (self.app.size, self.app.now);
        let opens = self.app.opens.take();
        self.app = app_of(&self.account);
        (self.app.size, self.app.now, self.app.opens) = (size, now, opens);
    }

    /// Another profile comes on the screen; if it cannot, this one stays.
    async fn switch(&mut self, profile: &str) {
        if profile == self.account.profile {
            return self.app.back();
        }
        match Account::open(self.home.as_deref(), profile, None) {
            Ok(account) => {
                self.send_drafts().await;
                self.account.keep_drafts(&self.app);
                self.account.close().await;
                self.account = account;
                self.show_anew();
                self.begin().await;
            }
            Err(error) => self.app.complain(format!("{error:#}")),
        }
    }

    /// The session ends on the server, and this device forgets what it was shown.
    async fn sign_out(&mut self) {
        if let Err(error) = self.account.api.logout().await
            && !error.ends_session()
        {
            return self.app.complain(format!("not signed out: {error}"));
        }
        self.account.forget().await;
        if let Some(copy) = self.account.copy.take()
            && let Err(error) = copy.erase()
        {
            tracing::warn!(%error, "the copy on this device was not erased");
        }
        self.show_anew();
        self.begin().await;
    }

    /// What is written and not saved goes to the server, one after the other, but not for ever:
    /// what does not come through stays on this device.
    pub(super) async fn send_drafts(&mut self) {
        let clock = self.clock.clone();
        tokio::select! {
            () = self.save_drafts() => {}
            () = clock.sleep(FAREWELL) => {}
        }
    }

    async fn save_drafts(&mut self) {
        if self.app.link == Link::Lost || self.account.client.is_none() {
            return;
        }
        self.app.save_all_drafts();
        for errand in std::mem::take(&mut self.app.errands) {
            if let Errand::Call(call @ Call::Draft(..)) = errand {
                let answer = errand::call(self.account.api.clone(), call).await;
                self.app.answered(answer);
            }
        }
    }

    pub(super) async fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Call(call) => {
                let api = self.account.api.clone();
                self.spawn(async move { Told::Answer(errand::call(api, call).await) });
            }
            Errand::SignIn(credentials) => {
                self.spawn(async move { sign_in(*credentials).await });
            }
            Errand::Search(words) => self.search(words),
            Errand::Remember(thread) => {
                let copy = self.account.copy.as_ref();
                let entries = copy.map(|copy| copy.newest(thread, REMEMBERED));
                if let Some(Ok(entries)) = entries {
                    self.app.answered(Answer::Remembered(thread, entries));
                }
            }
            Errand::Accounts => {
                let accounts = self.account.home.profiles();
                self.app.answered(Answer::Accounts(accounts));
            }
            Errand::Switch(profile) => self.switch(&profile).await,
            Errand::SignOut => self.sign_out().await,
            errand => self.tell_client(errand).await,
        }
    }

    /// An error means that the client has stopped, which its next event says.
    async fn tell_client(&mut self, errand: Errand) {
        let Some(client) = &self.account.client else {
            return;
        };
        let _ = match errand {
            Errand::Send { thread, words } => return self.send(thread, *words).await,
            Errand::Read(thread, seq) => client.read(thread, seq).await,
            Errand::Typing(thread, active) => client.typing(thread, active).await,
            Errand::Subscribe(thread) => client.subscribe(thread).await,
            Errand::State(state) => client.set_state(state).await,
            Errand::Sync => client.sync().await,
            _ => Ok(()),
        };
    }

    /// Shown as waiting once it is on the disk; otherwise the words go back.
    async fn send(&mut self, thread: ThreadId, words: Draft) {
        let Some(client) = &self.account.client else {
            return;
        };
        match client.send(thread, words.clone()).await {
            Ok(id) => {
                let text = words.text.unwrap_or_default();
                let mut message = SendMessage::text(id, 0, text);
                message.reply_to = words.reply_to;
                self.app.answered(Answer::Queued(thread, Box::new(message)));
            }
            Err(error) => {
                let words = Box::new(words);
                self.app
                    .answered(Answer::NotQueued(thread, words, error.to_string()));
            }
        }
    }

    fn search(&mut self, words: String) {
        let Some(copy) = &self.account.copy else {
            return;
        };
        let search = copy.searching(&words, FOUND_MAX);
        self.spawn(async move {
            Told::Answer(match tokio::task::spawn_blocking(search).await {
                Ok(Ok(found)) => Answer::Found(words, found),
                Ok(Err(error)) => Answer::Wrong(format!("the search failed: {error}")),
                Err(_) => Answer::Wrong("the search failed".to_owned()),
            })
        });
    }

    /// Runs beside the loop; its answer comes as long as this account is shown.
    fn spawn(&self, work: impl Future<Output = Told> + Send + 'static) {
        let (tell, epoch) = (self.tell.clone(), self.epoch);
        tokio::spawn(async move {
            // Nobody waits for it once the screen has gone.
            let _ = tell.send((epoch, work.await)).await;
        });
    }
}

async fn sign_in(wanted: Credentials) -> Told {
    let (handle, password) = (wanted.handle.as_str(), wanted.password.as_str());
    let session = match Api::new(&wanted.server) {
        Ok(api) if wanted.is_new => {
            let register = registration(handle, password, DeviceKind::Terminal);
            api.register(&register).await
        }
        Ok(api) => {
            let login = credentials(handle, password, DeviceKind::Terminal);
            api.login(&login).await
        }
        Err(error) => Err(error),
    };
    match session {
        Ok(session) => Told::SignedIn(Box::new(session)),
        Err(error) => Told::Answer(Answer::SignInFailed(error.to_string())),
    }
}
