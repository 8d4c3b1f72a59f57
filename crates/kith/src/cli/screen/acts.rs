//! What the commands do, wherever they are given.

use super::app::{App, Focus, Page};
use super::conversation::{About, Anchor};
use super::errand::{Call, Errand};
use super::inbox;
use super::keys::{Act, Place};
use super::people::Known;
use super::prompt::{Prompt, Question};
use super::search::FOUND_MAX;
use kith_protocol::ThreadId;
use kith_protocol::entry::PageQuery;
use kith_protocol::thread::{InboxRow, PatchMine, Role};

/// A thread is muted for so long: until somebody unmutes it.
const MUTE_MS: u64 = 10 * 365 * 24 * 60 * 60 * 1000;

impl App {
    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::Quit => self.quits = true,
            Act::Help => self.turn_to(Page::Help),
            Act::Back => self.back(),
            Act::OtherPane => self.other_pane(),
            Act::People => {
                self.call(Call::People);
                self.turn_to(Page::People);
            }
            Act::Devices => {
                self.call(Call::Devices);
                self.turn_to(Page::Devices);
            }
            Act::Search => self.turn_to(Page::Search),
            Act::Accounts => self.turn_to(Page::Accounts),
            Act::Members => self.show_members(),
            Act::Up | Act::Down | Act::PageUp | Act::PageDown | Act::First | Act::Last => {
                self.walk(act);
            }
            Act::Open => self.enter_key(),
            Act::NewLine => self.new_line(),
            Act::Pin | Act::Mute | Act::Archive | Act::MarkUnread => self.change_chosen(act),
            Act::Filter => {
                self.inbox.filter = self.inbox.filter.next();
                self.inbox.step(0);
            }
            Act::Reply | Act::Edit | Act::Delete | Act::React | Act::SeenBy => {
                self.about_message(act);
            }
            act => self.ask_for(act),
        }
    }

    pub(super) fn turn_to(&mut self, page: Page) {
        self.leave_talk();
        if page == Page::Accounts {
            self.errands.push(Errand::Accounts);
        }
        (self.page, self.focus, self.line) = (page, Focus::Page, 0);
    }

    /// A step out: of a choice, of what is written about a message, of a page, of the conversation.
    pub(super) fn back(&mut self) {
        match self.focus {
            Focus::Message => {
                if let Some(talk) = self.open_talk_mut() {
                    talk.chosen = None;
                }
                self.focus = Focus::Compose;
            }
            Focus::Compose => {
                let talk = self.open_talk_mut();
                let about = talk.map(|talk| talk.compose.leave_about());
                if about != Some(true) {
                    self.leave_talk();
                    self.focus = Focus::List;
                }
            }
            Focus::Page if self.page == Page::Seen => {
                (self.page, self.focus) = (Page::Talk, Focus::Message);
            }
            Focus::Page => {
                let was_members = self.page == Page::Members;
                self.page = Page::Talk;
                self.focus = if was_members && self.open.is_some() {
                    Focus::Compose
                } else {
                    Focus::List
                };
            }
            Focus::List => {}
        }
    }

    fn other_pane(&mut self) {
        self.focus = match self.focus {
            Focus::List if self.page != Page::Talk => Focus::Page,
            Focus::List if self.open.is_some() => Focus::Compose,
            _ => Focus::List,
        };
    }

    fn show_members(&mut self) {
        if self.place() == Place::List
            && let Some(thread) = self.inbox.chosen
        {
            self.open(thread);
        }
        if let Some(thread) = self.open {
            self.call(Call::Members(thread));
            self.turn_to(Page::Members);
        }
    }

    fn walk(&mut self, act: Act) {
        let far = isize::try_from(self.size.height / 2).unwrap_or(1);
        let places = match act {
            Act::Up => -1,
            Act::Down => 1,
            Act::PageUp => -far,
            Act::PageDown => far,
            Act::First => isize::MIN / 2,
            _ => isize::MAX / 2,
        };
        match self.focus {
            Focus::List => self.inbox.step(places),
            Focus::Page => self.step_line(places),
            Focus::Compose | Focus::Message if act == Act::Last => self.walk_to_end(),
            Focus::Compose | Focus::Message if matches!(act, Act::PageUp | Act::PageDown) => {
                self.scroll_page(act == Act::PageDown);
            }
            Focus::Message => self.choose_message(act == Act::Down),
            Focus::Compose => self.walk_text(act == Act::Down),
        }
    }

    /// Between the lines of what is written; from the first one up to the messages.
    fn walk_text(&mut self, down: bool) {
        let main = self.panes().and_then(|panes| panes.main);
        let width = super::app::compose_width(main.map_or(80, |main| main.width));
        let talk = self.open_talk_mut();
        let moved = talk.is_some_and(|talk| talk.compose.edit.move_row(down, width));
        if !moved && !down {
            self.choose_message(false);
        }
    }

    fn walk_to_end(&mut self) {
        let Some(thread) = self.open else { return };
        self.focus = Focus::Compose;
        let Some(talk) = self.talks.get_mut(&thread) else {
            return;
        };
        (talk.chosen, talk.anchor) = (None, Anchor::End);
        if talk.more_after {
            self.load(thread, PageQuery::default());
        }
    }

    /// How many lines the page has.
    pub(super) fn lines(&self) -> usize {
        match self.page {
            Page::Talk => 0,
            Page::Help => super::view::help_lines(),
            Page::People => self.people.known(self.me).len(),
            Page::Members => self.open_talk().map_or(0, |talk| talk.members.len()),
            Page::Devices => self.devices.len(),
            Page::Search => self.search.found.len().min(FOUND_MAX),
            Page::Accounts => self.accounts.len(),
            Page::Seen => super::view::seen_lines(self),
        }
    }

    pub(super) fn step_line(&mut self, places: isize) {
        let last = self.lines().saturating_sub(1);
        self.line = self.line.saturating_add_signed(places).min(last);
    }

    /// Enter: opens, sends, switches.
    fn enter_key(&mut self) {
        match self.place() {
            Place::List => {
                if let Some(thread) = self.inbox.chosen {
                    self.open(thread);
                }
            }
            Place::Compose => self.send(),
            Place::People => {
                let person = self.chosen_person().map(|known| known.user().id);
                if let Some(user) = person {
                    self.call(Call::DirectWith(user));
                }
            }
            Place::Members => {
                let member = self.chosen_member();
                if let Some(user) = member.filter(|user| Some(*user) != self.me) {
                    self.call(Call::DirectWith(user));
                }
            }
            Place::Search => match self.search.wanted() {
                Some(words) => self.errands.push(Errand::Search(words)),
                None => {
                    let found = self.search.found.get(self.line);
                    if let Some((thread, seq)) = found.map(|found| (found.thread, found.entry.seq))
                    {
                        self.open_at(thread, seq);
                    }
                }
            },
            Place::Accounts => {
                if let Some(account) = self.accounts.get(self.line) {
                    self.errands.push(Errand::Switch(account.profile.clone()));
                }
            }
            _ => {}
        }
    }

    fn new_line(&mut self) {
        if self.may_write() {
            let was = self.open_talk_mut().map(|talk| {
                let was = talk.compose.edit.text().to_owned();
                talk.compose.edit.insert("\n");
                was
            });
            self.wrote(was);
        }
    }

    fn change_chosen(&mut self, act: Act) {
        let Some(row) = self.inbox.chosen.and_then(|thread| self.inbox.row(thread)) else {
            return;
        };
        let thread = row.thread.id;
        let none = PatchMine::default();
        let patch = match act {
            Act::Pin => PatchMine {
                pinned: Some(!row.mine.pinned),
                ..none
            },
            Act::Archive => PatchMine {
                archived: Some(!row.mine.archived),
                ..none
            },
            Act::Mute => PatchMine {
                muted_until: Some((!self.is_muted(row)).then(|| self.now.after_ms(MUTE_MS))),
                ..none
            },
            _ => return self.mark_unread(thread, !inbox::is_unread(row)),
        };
        if act == Act::Archive {
            self.inbox.step(1);
        }
        self.call(Call::Mine(thread, patch));
    }

    pub(super) fn mark_unread(&mut self, thread: ThreadId, marked_unread: bool) {
        let patch = PatchMine {
            marked_unread: Some(marked_unread),
            ..PatchMine::default()
        };
        self.call(Call::Mine(thread, patch));
    }

    fn about_message(&mut self, act: Act) {
        let me = self.me;
        let (Some(thread), Some(talk)) = (self.open, self.open_talk()) else {
            return;
        };
        let Some(entry) = talk.chosen.and_then(|seq| talk.get(seq)) else {
            return;
        };
        let (seq, own) = (entry.seq, Some(entry.author_id) == me);
        let text = entry.text.clone().unwrap_or_default();
        let is_deleted = entry.deleted_seq.is_some();
        match act {
            Act::SeenBy => {
                self.seen = Some((seq, Default::default()));
                self.call(Call::Receipts(thread, seq));
                self.turn_to(Page::Seen);
            }
            _ if is_deleted => self.complain("this message was taken back"),
            Act::Reply => self.write_about(About::ReplyTo(seq), None),
            Act::Edit if own => self.write_about(About::EditOf(seq), Some(text)),
            Act::Edit => self.complain("only messages of your own can be edited"),
            Act::Delete => self.ask(Question::Delete(thread, seq), "take this message back?", ""),
            Act::React => {
                let question = Question::React(thread, seq);
                self.ask(question, "emoji (Enter alone: 👍):", "");
            }
            _ => {}
        }
    }

    fn write_about(&mut self, about: About, text: Option<String>) {
        self.focus = Focus::Compose;
        if let Some(talk) = self.open_talk_mut() {
            talk.chosen = None;
            talk.compose.write_about(about, text);
        }
    }

    /// The rest: what needs words, or a yes.
    fn ask_for(&mut self, act: Act) {
        match (self.place(), act) {
            (_, Act::NewDirect) => self.ask(Question::Direct, "write to @", ""),
            (_, Act::NewGroup) => self.ask(Question::GroupTitle, "title of the group:", ""),
            (_, Act::NewProfile) => self.ask(Question::Profile, "name of the profile:", ""),
            (_, Act::EndOthers) => {
                self.ask(Question::EndOthers, "sign all other devices out?", "");
            }
            (_, Act::SignOut) => self.ask(Question::SignOut, "sign out here?", ""),
            (Place::Devices, Act::Remove) => self.ask_end_session(),
            (Place::People, act) => self.ask_about_person(act),
            (Place::Members, act) => self.ask_about_member(act),
            _ => {}
        }
    }

    fn ask_end_session(&mut self) {
        let Some(device) = self.devices.get(self.line) else {
            return;
        };
        if device.current {
            return self.ask(
                Question::SignOut,
                "this is the one you use: sign out here?",
                "",
            );
        }
        let words = format!("sign {} {:?} out?", device.kind, device.label);
        self.ask(Question::EndSession(device.id), &words, "");
    }

    fn ask_about_person(&mut self, act: Act) {
        if act == Act::Ask {
            return self.ask(Question::Contact, "handle, and a note if you like: @", "");
        }
        let Some(known) = self.chosen_person() else {
            return;
        };
        let (user, handle) = (known.user().id, known.user().handle.clone());
        match (act, known) {
            (Act::Accept, Known::Asks(request)) => {
                let id = request.id;
                self.call(Call::Accept(id));
            }
            (Act::Remove, Known::Asks(request)) => {
                let id = request.id;
                self.call(Call::Decline(id));
            }
            (Act::Remove, Known::Contact(_)) => {
                let words = format!("@{handle} shall no longer be a contact?");
                self.ask(Question::Part(user), &words, "");
            }
            (Act::Block | Act::Remove, Known::Blocked(_)) => self.call(Call::Unblock(user)),
            (Act::Block, _) => {
                self.ask(Question::Block(user), &format!("block @{handle}?"), "");
            }
            _ => {}
        }
    }

    fn ask_about_member(&mut self, act: Act) {
        let Some(row) = self.open_row() else { return };
        let (thread, title) = (row.thread.id, self.title_of(row));
        if inbox::peer(row).is_some() {
            return self.complain("this is a conversation of two: it has no other members");
        }
        let member = self.chosen_member();
        match (act, member) {
            (Act::Add, _) => self.ask(Question::Add(thread), "add @", ""),
            (Act::Retitle, _) => self.ask(Question::Retitle(thread), "title:", &title),
            (Act::Leave, _) => self.ask(Question::Leave(thread), &format!("leave {title}?"), ""),
            (Act::Remove, Some(user)) => {
                let words = format!("remove {}?", self.people.handle(user));
                self.ask(Question::RemoveMember(thread, user), &words, "");
            }
            (Act::SetRole, Some(user)) => {
                let words = "role (owner, admin, member or muted):";
                self.ask(Question::Role(thread, user), words, "");
            }
            _ => {}
        }
    }

    fn chosen_member(&self) -> Option<kith_protocol::UserId> {
        let talk = self.open_talk()?;
        talk.members.get(self.line).map(|member| member.user.id)
    }

    fn ask(&mut self, question: Question, words: &str, text: &str) {
        self.prompt = Some(Prompt::of(question, words, text));
    }
}

/// Answers.
impl App {
    pub(super) fn answer_prompt(&mut self) {
        let Some(prompt) = self.prompt.take() else {
            return;
        };
        let text = prompt.edit.text().trim().to_owned();
        let may_be_empty =
            prompt.question.is_yes_or_no() || matches!(prompt.question, Question::React(..));
        if text.is_empty() && !may_be_empty {
            return;
        }
        let people = || -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        match prompt.question {
            Question::Direct => self.call(Call::Direct(text)),
            Question::GroupTitle => {
                let question = Question::GroupPeople(text);
                self.ask(question, "people, with spaces between: @", "");
            }
            Question::GroupPeople(title) => {
                let people = people();
                self.call(Call::Group { title, people });
            }
            Question::Add(thread) => self.call(Call::Add(thread, people())),
            Question::Retitle(thread) => self.call(Call::Retitle(thread, text)),
            Question::React(thread, seq) => self.react(thread, seq, text),
            Question::Contact => self.call(Call::Ask(text)),
            Question::Profile => self.errands.push(Errand::Switch(text)),
            Question::Role(thread, user) => match text.parse::<Role>() {
                Ok(role) => self.call(Call::Role(thread, user, role)),
                Err(_) => {
                    self.complain(format!("{text} is no role: owner, admin, member or muted"));
                }
            },
            Question::Delete(thread, seq) => {
                let seen_head = self.seen_head();
                self.call(Call::Delete {
                    thread,
                    seq,
                    seen_head,
                });
            }
            Question::Leave(thread) => {
                if let Some(me) = self.me {
                    self.call(Call::Leave(thread, me));
                }
            }
            Question::RemoveMember(thread, user) => self.call(Call::Remove(thread, user)),
            Question::Part(user) => self.call(Call::Part(user)),
            Question::Block(user) => self.call(Call::Block(user)),
            Question::EndSession(session) => self.call(Call::EndSession(session)),
            Question::EndOthers => self.call(Call::EndOthers),
            Question::SignOut => self.errands.push(Errand::SignOut),
        }
    }

    /// The same emoji again takes it away.
    fn react(&mut self, thread: ThreadId, seq: u64, text: String) {
        let emoji = if text.is_empty() {
            "👍".to_owned()
        } else {
            text
        };
        let entry = self.talks.get(&thread).and_then(|talk| talk.get(seq));
        let has = entry.is_some_and(|entry| {
            let mut reactions = entry.reactions.iter();
            reactions.any(|reaction| reaction.mine && reaction.emoji == emoji)
        });
        self.call(Call::React {
            thread,
            seq,
            emoji,
            on: !has,
        });
    }

    pub(super) fn seen_head(&self) -> u64 {
        let row = self.open_row();
        row.map_or(0, |row: &InboxRow| row.head.last_seq)
    }
}
