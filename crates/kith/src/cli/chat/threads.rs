//! Commands about threads: lists, opening, groups and their members.

use super::Chat;
use super::line::Line;
use super::screen::{clean, time};
use anyhow::Context as _;
use kith_protocol::thread::{
    InboxFilter, InboxQuery, InboxRow, PatchMine, PatchThread, Role, Thread, ThreadKind,
};
use kith_protocol::{ThreadId, UserId};
use serde_json::json;

/// Threads that /list shows: what fits on a few screens.
const LIST_MAX: usize = 100;

impl Chat {
    pub(super) async fn about_threads(&mut self, line: Line) -> anyhow::Result<()> {
        match line {
            Line::List { archived } => self.list(archived).await,
            Line::Open(name) => {
                let thread = self.find_thread(&name).await?;
                self.open(thread).await
            }
            Line::New(who) => {
                let user = self.find_person(&who).await?;
                let row = self.api.direct(user).await?;
                self.open_row(row).await
            }
            Line::Group { title, people } => {
                let people = self.find_people(&people).await?;
                let row = self.api.group(&title, &people).await?;
                self.open_row(row).await
            }
            Line::Follow(name) => self.follow(name).await,
            Line::Members => self.members().await,
            Line::Add(people) => {
                let thread = self.open_thread()?;
                let people = self.find_people(&people).await?;
                self.api.add_members(thread, &people).await?;
                self.done("added")
            }
            Line::Remove(who) => {
                let thread = self.open_thread()?;
                let user = self.find_person(&who).await?;
                self.api.remove_member(thread, user).await?;
                self.done("removed")
            }
            Line::Role { who, role } => {
                let thread = self.open_thread()?;
                let role: Role = role.parse().map_err(anyhow::Error::msg)?;
                let user = self.find_person(&who).await?;
                self.api.set_role(thread, user, role).await?;
                self.done("role")
            }
            Line::Title(title) => {
                let thread = self.open_thread()?;
                let patch = PatchThread {
                    title: Some(title),
                    settings: None,
                };
                self.api.patch_thread(thread, &patch).await?;
                self.done("titled")
            }
            Line::Leave => {
                let thread = self.open_thread()?;
                self.api.remove_member(thread, self.my_id()?).await?;
                self.open = None;
                self.done("left")
            }
            Line::Archive(archived) => {
                let thread = self.open_thread()?;
                let patch = PatchMine {
                    archived: Some(archived),
                    ..PatchMine::default()
                };
                self.api.patch_mine(thread, &patch).await?;
                self.done("archived")
            }
            _ => Ok(()),
        }
    }

    async fn list(&mut self, archived: bool) -> anyhow::Result<()> {
        let query = InboxQuery {
            limit: Some(LIST_MAX),
            filter: archived.then_some(InboxFilter::Archived),
            ..InboxQuery::default()
        };
        let list = self.api.inbox(&query).await?;
        self.listed = list.items.iter().map(|row| row.thread.id).collect();
        for row in &list.items {
            self.rows.insert(row.thread.id, row.clone());
        }
        if self.screen.is_json() {
            self.screen
                .answer("list", json!({ "items": list.items }), "");
            return Ok(());
        }
        if list.items.is_empty() {
            self.screen
                .note("No threads yet: /new @HANDLE writes to somebody.");
        }
        for (number, row) in list.items.iter().enumerate() {
            let line = self.listed_row(number + 1, row).await;
            self.screen.answer("row", json!({}), &line);
        }
        if list.next.is_some() {
            self.screen.note("(there are older ones)");
        }
        Ok(())
    }

    async fn listed_row(&mut self, number: usize, row: &InboxRow) -> String {
        let title = self.title_of(row.thread.id).await;
        let unread = match (row.mine.unread, row.mine.mentions) {
            (0, _) => String::new(),
            (unread, 0) => format!(" ({unread} unread)"),
            (unread, mentions) => format!(" ({unread} unread, {mentions} for you)"),
        };
        let open = if self.open == Some(row.thread.id) {
            "*"
        } else {
            " "
        };
        let mut line = format!("{open}{number}. {title}{unread}, {}", time(row.head.at));
        if let Some(preview) = &row.head.preview {
            let author = self.handle(preview.author_id).await;
            let text = preview.text.as_deref().unwrap_or("(deleted)");
            let text = clean(text).replace('\n', " ");
            line.push_str(&format!(", @{author}: {text}"));
        }
        line
    }

    async fn open(&mut self, thread: ThreadId) -> anyhow::Result<()> {
        if !self.rows.contains_key(&thread) {
            // Says in words that there is no such thread, or that it may not be read.
            self.api.thread(thread).await?;
        }
        self.open = Some(thread);
        self.signed_client()?.subscribe(thread).await?;
        let title = self.title_of(thread).await;
        let unread = self.rows.get(&thread).map_or(0, |row| row.mine.unread);
        let value = json!({ "thread_id": thread, "title": title });
        let words = match unread {
            0 => format!("Open: {title}."),
            unread => format!("Open: {title}; {unread} unread: /history shows them."),
        };
        self.screen.answer("opened", value, &words);
        Ok(())
    }

    async fn open_row(&mut self, row: InboxRow) -> anyhow::Result<()> {
        let thread = row.thread.id;
        self.rows.insert(thread, row);
        self.open(thread).await
    }

    async fn follow(&mut self, name: Option<String>) -> anyhow::Result<()> {
        if let Some(name) = name {
            let thread = self.find_thread(&name).await?;
            self.followed.insert(thread);
            self.signed_client()?.subscribe(thread).await?;
        }
        let mut titles = Vec::new();
        for thread in self.followed.clone() {
            titles.push(self.title_of(thread).await);
        }
        let words = match titles.as_slice() {
            [] => "You follow no thread but the open one.".to_owned(),
            titles => format!("You follow {}.", titles.join(", ")),
        };
        let value = json!({ "thread_ids": self.followed });
        self.screen.answer("following", value, &words);
        Ok(())
    }

    async fn members(&mut self) -> anyhow::Result<()> {
        let thread = self.open_thread()?;
        let members = self.api.members(thread).await?;
        if self.screen.is_json() {
            self.screen
                .answer("members", json!({ "items": members.items }), "");
            return Ok(());
        }
        for member in members.items {
            let read = member
                .read_seq
                .map_or(String::new(), |seq| format!(", has read up to #{seq}"));
            let name = clean(&member.user.display_name);
            let words = format!("@{} ({name}), {}{read}", member.user.handle, member.role);
            self.people.insert(member.user.id, member.user);
            self.screen.answer("member", json!({}), &words);
        }
        Ok(())
    }

    pub(super) fn done(&self, name: &str) -> anyhow::Result<()> {
        self.screen.answer(name, json!({}), "Done.");
        Ok(())
    }

    /// A number of the last list, @handle, an id, a title or its beginning.
    async fn find_thread(&mut self, name: &str) -> anyhow::Result<ThreadId> {
        if let Ok(number) = name.parse::<usize>()
            && let Some(thread) = number.checked_sub(1).and_then(|at| self.listed.get(at))
        {
            return Ok(*thread);
        }
        if name.starts_with('@') {
            let user = self.find_person(name).await?;
            return Ok(ThreadId::direct(self.my_id()?, user));
        }
        if let Some(thread) = ThreadId::parse(name) {
            return Ok(thread);
        }
        if let Some(found) = self.titled(name)? {
            return Ok(found);
        }
        // The first sync may still be on its way: ask.
        let query = InboxQuery {
            limit: Some(LIST_MAX),
            ..InboxQuery::default()
        };
        for row in self.api.inbox(&query).await?.items {
            self.rows.insert(row.thread.id, row);
        }
        self.titled(name)?
            .with_context(|| format!("no thread is called {name}: /list shows yours"))
    }

    fn titled(&self, name: &str) -> anyhow::Result<Option<ThreadId>> {
        let name = name.to_lowercase();
        let title = |row: &InboxRow| row.thread.title.clone().unwrap_or_default().to_lowercase();
        let called = |test: &dyn Fn(&str) -> bool| -> Vec<ThreadId> {
            self.rows
                .values()
                .filter(|row| test(&title(row)))
                .map(|row| row.thread.id)
                .collect()
        };
        for found in [
            called(&|title| title == name),
            called(&|title| title.starts_with(&name)),
        ] {
            match found.as_slice() {
                [] => {}
                [thread] => return Ok(Some(*thread)),
                several => anyhow::bail!(
                    "{} threads are called so: /open one by its number in /list",
                    several.len()
                ),
            }
        }
        Ok(None)
    }

    /// What a thread is called here: its title, or who it is with.
    pub(super) async fn title_of(&mut self, thread: ThreadId) -> String {
        let row = self.rows.get(&thread);
        let title = row.and_then(|row| row.thread.title.as_deref().map(clean));
        if let Some(title) = title {
            return title;
        }
        let peer = row.and_then(|row| match row.thread.kind {
            ThreadKind::Direct => row.thread.peer_id,
            _ => None,
        });
        if let Some(peer) = peer.or_else(|| self.peer_of(thread)) {
            return format!("@{}", self.handle(peer).await);
        }
        // So new that its row has not come yet, or not to be seen at all.
        match self.api.thread(thread).await {
            Ok(Thread {
                title: Some(title), ..
            }) => clean(&title),
            Ok(Thread {
                peer_id: Some(peer),
                ..
            }) => format!("@{}", self.handle(peer).await),
            _ => thread.to_string(),
        }
    }

    /// A direct thread's id says whom it is with, among the people that are known.
    fn peer_of(&self, thread: ThreadId) -> Option<UserId> {
        let me = self.me?;
        let with = |user: &&UserId| ThreadId::direct(me, **user) == thread;
        self.people.keys().find(with).copied()
    }
}
