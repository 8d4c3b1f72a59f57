//! Signing in and out, and messages.

use super::home::Saved;
use super::input::Input;
use super::line::{HELP, Line, named};
use super::{Api, Chat, Client, ThreadId};
use anyhow::Context as _;
use kith_client::{Draft, Options, Session, credentials, new_msg_id, registration};
use kith_protocol::UserId;
use kith_protocol::entry::{DeleteMessage, EditMessage, PageQuery};
use kith_protocol::session::DeviceKind;
use kith_protocol::thread::Role;
use serde_json::json;

impl Chat {
    /// Carries a line out; an error is told and the conversation goes on.
    pub(super) async fn try_to(
        &mut self,
        line: Line,
        input: Option<&mut Input>,
    ) -> anyhow::Result<()> {
        match line {
            Line::Nothing => Ok(()),
            Line::Help => {
                self.screen.answer("help", json!({ "words": HELP }), HELP);
                Ok(())
            }
            Line::Quit => {
                self.quits = true;
                Ok(())
            }
            Line::SignUp(handle) => self.sign_in(&handle, true, input).await,
            Line::SignIn(handle) => self.sign_in(&handle, false, input).await,
            line => {
                self.my_id()?;
                self.signed_in(line).await
            }
        }
    }

    async fn signed_in(&mut self, line: Line) -> anyhow::Result<()> {
        match line {
            Line::Text(text) => self.send(text, None).await,
            Line::Reply { seq, text } => self.send(text, Some(seq)).await,
            Line::Edit { seq, text } => self.edit(seq, text).await,
            Line::Delete(seq) => self.delete(seq).await,
            Line::React { seq, emoji, on } => self.react(seq, &emoji, on).await,
            Line::Seen(seq) => self.seen(seq).await,
            Line::History(n) => self.history(n).await,
            Line::Read => self.read().await,
            Line::SignOut => self.sign_out().await,
            line @ (Line::List { .. }
            | Line::Open(_)
            | Line::New(_)
            | Line::Group { .. }
            | Line::Follow(_)
            | Line::Members
            | Line::Add(_)
            | Line::Remove(_)
            | Line::Role { .. }
            | Line::Title(_)
            | Line::Leave
            | Line::Archive(_)) => self.about_threads(line).await,
            line => self.about_people(line).await,
        }
    }

    /// Takes the session of an earlier run up.
    pub(super) fn resume(&mut self) -> anyhow::Result<()> {
        let Some(saved) = self.home.saved()? else {
            return Ok(());
        };
        self.api = self.api.with_token(&saved.token);
        self.start(saved.user_id)?;
        let value = json!({ "user_id": saved.user_id, "handle": saved.handle });
        let words = format!("Signed in as @{} at {}.", saved.handle, saved.server);
        self.screen.answer("signed_in", value, &words);
        Ok(())
    }

    fn start(&mut self, user: UserId) -> anyhow::Result<()> {
        let options = Options {
            folder: Some(self.home.client_folder(user)),
            ..Options::default()
        };
        self.client = Some(Client::start(&self.api, options)?);
        self.me = Some(user);
        Ok(())
    }

    async fn sign_in(
        &mut self,
        handle: &str,
        new: bool,
        input: Option<&mut Input>,
    ) -> anyhow::Result<()> {
        if self.client.is_some() {
            anyhow::bail!("you are signed in: /signout first, or use another --profile");
        }
        let input = input.context("sign in first")?;
        let handle = handle.trim_start_matches('@').to_lowercase();
        let password = input.password().await?;
        let session: Session = if new {
            let register = registration(&handle, &password, DeviceKind::Terminal);
            self.api.register(&register).await?
        } else {
            let login = credentials(&handle, &password, DeviceKind::Terminal);
            self.api.login(&login).await?
        };
        self.home.save(&Saved {
            server: self.api.base().to_owned(),
            user_id: session.user.id,
            handle: session.user.handle.clone(),
            token: session.token.clone(),
        })?;
        self.api = session.api().clone();
        self.start(session.user.id)?;
        let value = json!({ "user_id": session.user.id, "handle": session.user.handle });
        let words = format!("Signed in as @{}.", session.user.handle);
        self.people.insert(session.user.id, session.user);
        self.screen.answer("signed_in", value, &words);
        Ok(())
    }

    async fn sign_out(&mut self) -> anyhow::Result<()> {
        self.api.logout().await?;
        if let Some(client) = self.client.take() {
            client.close().await;
        }
        self.home.forget()?;
        self.api = Api::new(self.api.base())?;
        self.me = None;
        self.open = None;
        self.rows.clear();
        self.unshown.clear();
        self.screen.answer("signed_out", json!({}), "Signed out.");
        Ok(())
    }

    async fn send(&mut self, text: String, reply_to: Option<u64>) -> anyhow::Result<()> {
        let thread = self.open_thread()?;
        let (mentions, mention_all) = self.mentions(thread, &text).await;
        let draft = Draft {
            text: Some(text),
            reply_to,
            mentions,
            mention_all,
            ..Draft::default()
        };
        let id = self.signed_client()?.send(thread, draft).await?;
        self.unshown.insert(id);
        let value = json!({ "thread_id": thread, "client_msg_id": id });
        if self.screen.is_json() {
            self.screen.answer("queued", value, "");
        }
        Ok(())
    }

    /// The members that a text names with @handle; @all if the sender may.
    async fn mentions(&mut self, thread: ThreadId, text: &str) -> (Vec<UserId>, bool) {
        let named = named(text);
        if named.is_empty() {
            return (Vec::new(), false);
        }
        // Without an answer the text goes out as it is: it names nobody then.
        let Ok(members) = self.api.members(thread).await else {
            return (Vec::new(), false);
        };
        let may_all = self
            .rows
            .get(&thread)
            .is_some_and(|row| matches!(row.thread.role, Role::Owner | Role::Admin));
        let mentions = members
            .items
            .iter()
            .filter(|member| named.contains(&member.user.handle.as_str()))
            .map(|member| member.user.id)
            .take(kith_protocol::entry::MENTIONS_MAX)
            .collect();
        (mentions, may_all && named.contains(&"all"))
    }

    async fn edit(&mut self, seq: u64, text: String) -> anyhow::Result<()> {
        let thread = self.open_thread()?;
        let edit = EditMessage {
            client_msg_id: new_msg_id(),
            seen_head: self.seen_head(thread),
            text,
        };
        let added = self.api.edit(thread, seq, edit).await?;
        self.screen
            .answer("edited", json!({ "seq": added.seq }), "Changed.");
        Ok(())
    }

    async fn delete(&mut self, seq: u64) -> anyhow::Result<()> {
        let thread = self.open_thread()?;
        let delete = DeleteMessage {
            client_msg_id: new_msg_id(),
            seen_head: self.seen_head(thread),
        };
        let added = self.api.delete(thread, seq, delete).await?;
        self.screen
            .answer("deleted", json!({ "seq": added.seq }), "Taken back.");
        Ok(())
    }

    async fn react(&mut self, seq: u64, emoji: &str, on: bool) -> anyhow::Result<()> {
        let thread = self.open_thread()?;
        if on {
            self.api.react(thread, seq, emoji).await?;
        } else {
            self.api.unreact(thread, seq, emoji).await?;
        }
        let value = json!({ "seq": seq, "emoji": emoji, "on": on });
        self.screen.answer("reacted", value, "Done.");
        Ok(())
    }

    /// "Seen by n of m": of this message, or of the last one of one's own.
    async fn seen(&mut self, seq: Option<u64>) -> anyhow::Result<()> {
        let thread = self.open_thread()?;
        let me = self.my_id()?;
        let seq = match seq {
            Some(seq) => seq,
            None => {
                let page = self.api.page(thread, PageQuery::default()).await?;
                page.items
                    .iter()
                    .rev()
                    .find(|entry| entry.author_id == me && entry.kind.is_countable())
                    .context("you have written nothing here lately: type /seen SEQ")?
                    .seq
            }
        };
        let receipts = self.api.receipts(thread, seq).await?;
        let counts = receipts.counts;
        let ticks = if counts.of > 0 && counts.read == counts.of {
            "✓✓ read"
        } else if counts.of > 0 && counts.delivered == counts.of {
            "✓✓ delivered"
        } else {
            "✓ sent"
        };
        let mut readers = Vec::new();
        for user in &receipts.read {
            readers.push(format!("@{}", self.handle(*user).await));
        }
        let by = if readers.is_empty() {
            String::new()
        } else {
            format!(": {}", readers.join(", "))
        };
        let words = format!(
            "#{seq} {ticks}; seen by {} of {}{by}; delivered to {}",
            counts.read, counts.of, counts.delivered
        );
        let value = json!({ "seq": seq, "receipts": receipts });
        self.screen.answer("seen", value, &words);
        Ok(())
    }

    async fn history(&mut self, n: usize) -> anyhow::Result<()> {
        let thread = self.open_thread()?;
        let query = PageQuery {
            limit: Some(n),
            ..PageQuery::default()
        };
        let page = self.api.page(thread, query).await?;
        if let Some(last) = page.items.last() {
            self.saw(thread, last.seq);
        }
        if self.screen.is_json() {
            self.screen
                .answer("history", json!({ "thread_id": thread, "page": page }), "");
            return Ok(());
        }
        if page.has_more_before {
            self.screen
                .note(&format!("(older ones: /history with more than {n})"));
        }
        for entry in &page.items {
            self.show(thread, entry).await;
        }
        if self.watching {
            self.read().await?;
        }
        Ok(())
    }

    /// Everything that is in the thread now.
    pub(super) async fn read(&mut self) -> anyhow::Result<()> {
        let thread = self.open_thread()?;
        let query = PageQuery {
            limit: Some(1),
            ..PageQuery::default()
        };
        let page = self.api.page(thread, query).await?;
        let Some(last) = page.items.last() else {
            return Ok(());
        };
        let marks = self.api.read(thread, last.seq).await?;
        let value = json!({ "thread_id": thread, "read_seq": marks.read_seq });
        if self.screen.is_json() || !self.watching {
            let words = format!("Read up to #{}.", marks.read_seq);
            self.screen.answer("read", value, &words);
        }
        Ok(())
    }
}

/// What every command asks first.
impl Chat {
    pub(super) fn saw(&mut self, thread: ThreadId, seq: u64) {
        let seen = self.seen.entry(thread).or_default();
        *seen = (*seen).max(seq);
    }

    pub(super) fn seen_head(&self, thread: ThreadId) -> u64 {
        self.seen.get(&thread).copied().unwrap_or_default()
    }

    pub(super) fn my_id(&self) -> anyhow::Result<UserId> {
        self.me
            .context("sign in first: /signin HANDLE, or /signup HANDLE for a new account")
    }

    pub(super) fn signed_client(&self) -> anyhow::Result<&Client> {
        self.client
            .as_ref()
            .context("sign in first: /signin HANDLE")
    }

    pub(super) fn open_thread(&self) -> anyhow::Result<ThreadId> {
        self.open
            .context("no thread is open: /open one of /list, or /new @HANDLE")
    }
}
