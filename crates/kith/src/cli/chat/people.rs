//! Commands about people: contacts, requests, blocks, and one's own devices.

use super::Chat;
use super::line::Line;
use super::screen::{clean, time};
use anyhow::Context as _;
use kith_protocol::UserId;
use kith_protocol::contact::{AskContact, ContactRequest};
use kith_protocol::session::Session;
use kith_protocol::user::User;
use serde_json::json;

impl Chat {
    pub(super) async fn about_people(&mut self, line: Line) -> anyhow::Result<()> {
        match line {
            Line::Who | Line::Contacts => self.contacts().await,
            Line::Find(q) => self.find(&q).await,
            Line::Requests => self.requests().await,
            Line::Request { who, note } => {
                let user_id = self.find_person(&who).await?;
                let request = self.api.ask_contact(&AskContact { user_id, note }).await?;
                let words = if request.accepted {
                    "You are contacts now."
                } else {
                    "Asked."
                };
                self.screen
                    .answer("asked", json!({ "request": request }), words);
                Ok(())
            }
            Line::Accept(who) => {
                let request = self.request_of(&who).await?;
                self.api.accept_contact(request.id).await?;
                self.done("accepted")
            }
            Line::Decline(who) => {
                let request = self.request_of(&who).await?;
                self.api.decline_contact(request.id).await?;
                self.done("declined")
            }
            Line::Block(who) => {
                let user = self.find_person(&who).await?;
                self.api.block(user).await?;
                self.done("blocked")
            }
            Line::Unblock(who) => {
                let user = self.find_person(&who).await?;
                self.api.unblock(user).await?;
                self.done("unblocked")
            }
            Line::Sessions => self.sessions().await,
            Line::Revoke(which) => self.revoke(&which).await,
            Line::Me => {
                let me = self.api.me().await?;
                let name = clean(&me.user.display_name);
                let words = format!("@{} ({name}), {}", me.user.handle, me.user.id);
                self.screen.answer("me", json!({ "me": me }), &words);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn contacts(&mut self) -> anyhow::Result<()> {
        let contacts = self.api.contacts().await?.items;
        if self.screen.is_json() {
            self.screen
                .answer("contacts", json!({ "items": contacts }), "");
            return Ok(());
        }
        if contacts.is_empty() {
            self.screen
                .note("No contacts yet: /request @HANDLE asks somebody.");
        }
        for contact in contacts {
            let here = match (contact.status, contact.last_seen_at) {
                (Some(status), Some(at)) => format!(", {status}, last seen {}", time(at)),
                (Some(status), None) => format!(", {status}"),
                (None, _) => String::new(),
            };
            self.person("contact", contact.user, &here);
        }
        Ok(())
    }

    async fn find(&mut self, q: &str) -> anyhow::Result<()> {
        let users = self.api.find_users(q.trim_start_matches('@')).await?.items;
        if self.screen.is_json() {
            self.screen.answer("found", json!({ "items": users }), "");
            return Ok(());
        }
        if users.is_empty() {
            self.screen.note("Nobody.");
        }
        for user in users {
            self.person("user", user, "");
        }
        Ok(())
    }

    async fn requests(&mut self) -> anyhow::Result<()> {
        let me = self.my_id()?;
        let requests = self.api.contact_requests().await?.items;
        if self.screen.is_json() {
            self.screen
                .answer("requests", json!({ "items": requests }), "");
            return Ok(());
        }
        if requests.is_empty() {
            self.screen.note("No requests.");
        }
        for request in requests {
            let note = request
                .note
                .map_or(String::new(), |note| format!(": {}", clean(&note)));
            let words = if request.to.id == me {
                let from = request.from.handle;
                format!("from @{from}{note} (/accept @{from} or /decline @{from})")
            } else {
                format!("to @{}{note}", request.to.handle)
            };
            self.screen.answer("request", json!({}), &words);
        }
        Ok(())
    }

    async fn request_of(&mut self, who: &str) -> anyhow::Result<ContactRequest> {
        let me = self.my_id()?;
        let handle = who.trim_start_matches('@');
        self.api
            .contact_requests()
            .await?
            .items
            .into_iter()
            .find(|request| request.to.id == me && request.from.handle == handle)
            .with_context(|| format!("@{handle} has not asked: /requests shows who has"))
    }

    async fn sessions(&mut self) -> anyhow::Result<()> {
        let sessions = self.api.sessions().await?.items;
        if self.screen.is_json() {
            self.screen
                .answer("sessions", json!({ "items": sessions }), "");
            return Ok(());
        }
        for (at, session) in sessions.iter().enumerate() {
            let this = if session.current { " (this one)" } else { "" };
            let words = format!(
                "{}. {} {}{this}, last used {} from {}",
                at + 1,
                session.kind,
                clean(&session.label),
                time(session.last_seen_at),
                clean(&session.address),
            );
            self.screen.answer("session", json!({}), &words);
        }
        Ok(())
    }

    async fn revoke(&mut self, which: &str) -> anyhow::Result<()> {
        if which == "others" {
            self.api.end_other_sessions().await?;
            return self.done("revoked");
        }
        let sessions: Vec<Session> = self.api.sessions().await?.items;
        let number = which.parse::<usize>().ok();
        let session = number
            .and_then(|number| sessions.get(number.checked_sub(1)?))
            .or_else(|| {
                sessions
                    .iter()
                    .find(|session| session.id.to_string() == which)
            })
            .context("there is no such session: type a number of /sessions, or others")?;
        self.api.end_session(session.id).await?;
        self.done("revoked")
    }

    fn person(&mut self, name: &str, user: User, tail: &str) {
        let words = format!("@{} ({}){tail}", user.handle, clean(&user.display_name));
        self.screen.answer(name, json!({}), &words);
        self.people.insert(user.id, user);
    }

    /// Somebody by handle, with or without the @, or by id.
    pub(super) async fn find_person(&mut self, who: &str) -> anyhow::Result<UserId> {
        if let Some(id) = UserId::parse(who) {
            return Ok(id);
        }
        let handle = who.trim_start_matches('@').to_lowercase();
        let known = self.people.values().find(|user| user.handle == handle);
        if let Some(user) = known {
            return Ok(user.id);
        }
        match self.api.user_by_handle(&handle).await {
            Ok(user) => {
                let id = user.id;
                self.people.insert(id, user);
                Ok(id)
            }
            Err(error) if error.code() == Some(kith_protocol::ErrorCode::NotFound) => {
                anyhow::bail!("nobody is called @{handle}: /find looks for people")
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn find_people(&mut self, people: &[String]) -> anyhow::Result<Vec<UserId>> {
        let mut found = Vec::new();
        for who in people {
            found.push(self.find_person(who).await?);
        }
        Ok(found)
    }

    /// What somebody is called; asked for once.
    pub(super) async fn handle(&mut self, id: UserId) -> String {
        if let Some(user) = self.people.get(&id) {
            return user.handle.clone();
        }
        match self.api.user(id).await {
            Ok(user) => {
                let handle = user.handle.clone();
                self.people.insert(id, user);
                handle
            }
            // Shown without a name now, asked again the next time.
            Err(_) => id.to_string(),
        }
    }
}
