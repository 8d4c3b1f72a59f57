//! What the user's hands do: keys, pasted text, the mouse.

use super::app::{App, Focus, Page};
use super::conversation::{About, Anchor};
use super::errand::Errand;
use super::flow::{Flow, Key};
use super::keys::{self, Act, Place};
use super::layout;
use super::sign_in::Wish;
use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use kith_protocol::Timestamp;
use kith_protocol::presence::State;
use ratatui::layout::Size;

/// Rows of one turn of the wheel.
const WHEEL_ROWS: isize = 3;
/// The others are told that the user is typing at most this often; they show it for 6 s.
const TYPING_EVERY_MS: i64 = 3_000;
/// From the last letter to saving the draft.
const DRAFT_AFTER_MS: u64 = 2_000;

impl App {
    pub(super) fn typed(&mut self, event: Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Resize(width, height) => self.size = Size::new(width, height),
            Event::FocusGained => self.watch(true),
            Event::FocusLost => self.watch(false),
            Event::Key(_) => {}
        }
    }

    fn watch(&mut self, is_watched: bool) {
        self.is_watched = is_watched;
        let state = if is_watched {
            State::Online
        } else {
            State::Away
        };
        self.errands.push(Errand::State(state));
    }

    fn key(&mut self, key: KeyEvent) {
        self.notice = None;
        if let Some(sign_in) = self.sign_in.as_mut().filter(|_| self.focus != Focus::Page) {
            match sign_in.key(key) {
                Wish::Nothing => {}
                Wish::SignIn(credentials) => {
                    self.errands.push(Errand::SignIn(Box::new(credentials)));
                }
                Wish::Accounts => self.turn_to(Page::Accounts),
                Wish::Quit => self.quits = true,
            }
        } else if self.prompt.is_some() {
            self.answer_key(key);
        } else if let Some(act) = keys::act(self.place(), key) {
            // Before somebody is signed in there are accounts to choose from, and nothing else.
            let is_elsewhere = matches!(act, Act::Help | Act::Search);
            if self.sign_in.is_none() || !is_elsewhere {
                self.act(act);
            }
        } else {
            self.write_key(key);
        }
    }

    /// A key for a text.
    fn write_key(&mut self, key: KeyEvent) {
        match self.place() {
            Place::Compose if self.may_write() => {
                let talk = self.open_talk_mut();
                let was = talk.map(|talk| {
                    let was = talk.compose.edit.text().to_owned();
                    talk.compose.edit.key(key);
                    was
                });
                self.wrote(was);
            }
            Place::Search => drop(self.search.edit.key(key)),
            // Whoever begins to write with a message chosen means a new one.
            Place::Message if matches!(key.code, KeyCode::Backspace) => self.back(),
            _ => {}
        }
    }

    fn paste(&mut self, text: &str) {
        let one_line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(sign_in) = &mut self.sign_in {
            sign_in.paste(text);
        } else if let Some(prompt) = &mut self.prompt {
            prompt.edit.insert(&one_line);
        } else if self.place() == Place::Search {
            self.search.edit.insert(&one_line);
        } else if self.open.is_some() && self.page == Page::Talk && self.may_write() {
            self.focus = Focus::Compose;
            let was = self.open_talk_mut().map(|talk| {
                let was = talk.compose.edit.text().to_owned();
                talk.compose.edit.insert(text);
                was
            });
            self.wrote(was);
        }
    }

    /// The text is another one than `was`: the others see that somebody types, and a draft is kept.
    pub(super) fn wrote(&mut self, was: Option<String>) {
        let (now, open) = (self.now, self.open);
        let Some((thread, talk)) = open.and_then(|thread| {
            let talk = self.talks.get_mut(&thread)?;
            Some((thread, talk))
        }) else {
            return;
        };
        let compose = &mut talk.compose;
        if was.as_deref() == Some(compose.edit.text()) {
            return;
        }
        if matches!(compose.about, About::EditOf(_)) {
            return;
        }
        compose.save_at = Some(now.after_ms(DRAFT_AFTER_MS));
        let told_at = compose.typing_told_at.unwrap_or(Timestamp(i64::MIN / 2));
        if compose.edit.is_empty() {
            self.stop_typing();
        } else if now.0 - told_at.0 >= TYPING_EVERY_MS {
            compose.typing_told_at = Some(now);
            self.errands.push(Errand::Typing(thread, true));
        }
    }

    pub(super) fn stop_typing(&mut self) {
        let Some(thread) = self.open else { return };
        let told = self
            .talks
            .get_mut(&thread)
            .and_then(|talk| talk.compose.typing_told_at.take());
        if told.is_some() {
            self.errands.push(Errand::Typing(thread, false));
        }
    }
}

/// The mouse.
impl App {
    fn mouse(&mut self, mouse: MouseEvent) {
        let (x, y) = (mouse.column, mouse.row);
        if self.sign_in.is_some() || self.prompt.is_some() {
            return;
        }
        let Some(panes) = self.panes() else { return };
        match mouse.kind {
            MouseEventKind::ScrollUp if layout::is_in(panes.list, x, y) => self.inbox.step(-1),
            MouseEventKind::ScrollDown if layout::is_in(panes.list, x, y) => self.inbox.step(1),
            MouseEventKind::ScrollUp => self.turn_wheel(-WHEEL_ROWS),
            MouseEventKind::ScrollDown => self.turn_wheel(WHEEL_ROWS),
            MouseEventKind::Down(MouseButton::Left) => self.click(x, y),
            _ => {}
        }
    }

    fn turn_wheel(&mut self, rows: isize) {
        if self.page == Page::Talk {
            self.scroll(rows);
        } else {
            self.step_line(rows.signum());
        }
    }

    fn click(&mut self, x: u16, y: u16) {
        let Some(panes) = self.panes() else { return };
        if let Some(list) = panes.list.filter(|list| layout::is_in(Some(*list), x, y)) {
            self.focus = Focus::List;
            let listed = self.inbox.listed();
            let chosen = listed
                .iter()
                .position(|row| Some(row.thread.id) == self.inbox.chosen);
            let rows = usize::from(list.height / layout::LIST_ROWS);
            let first = layout::first_shown(chosen.unwrap_or(0), rows, listed.len());
            let at = first + usize::from((y - list.y) / layout::LIST_ROWS);
            if let Some(thread) = listed.get(at).map(|row| row.thread.id) {
                self.open(thread);
            }
        } else if layout::is_in(panes.main, x, y) && self.page == Page::Talk {
            self.click_talk(panes, x, y);
        } else if layout::is_in(panes.main, x, y) {
            self.focus = Focus::Page;
            self.click_line(panes.main, y);
        }
    }

    fn click_talk(&mut self, panes: layout::Panes, x: u16, y: u16) {
        let (Some(main), Some(talk)) = (panes.main, self.open_talk()) else {
            return;
        };
        let width = super::app::compose_width(main.width);
        let rows = talk.compose.edit.rows(width).rows.len();
        let Some(parts) = panes.talk(rows) else {
            return;
        };
        if !layout::is_in(Some(parts.messages), x, y) {
            self.focus = Focus::Compose;
            return;
        }
        let view = Flow::of(self, talk, parts.messages.width).view(parts.messages.height);
        let hanging = usize::from(parts.messages.height).saturating_sub(view.rows.len());
        let at = usize::from(y - parts.messages.y).checked_sub(hanging);
        let clicked = at.and_then(|at| view.rows.get(at)).map(|row| row.key);
        if let Some(Key::Seq(seq)) = clicked
            && talk.get(seq).is_some_and(|entry| entry.kind.is_countable())
        {
            self.focus = Focus::Message;
            if let Some(talk) = self.open_talk_mut() {
                talk.chosen = Some(seq);
            }
        }
    }

    fn click_line(&mut self, main: Option<ratatui::layout::Rect>, y: u16) {
        let Some(main) = main else { return };
        let all = self.lines();
        let rows = usize::from(main.height).saturating_sub(super::view::PAGE_HEAD_ROWS);
        let first = layout::first_shown(self.line, rows, all);
        let row = usize::from(y - main.y).checked_sub(super::view::PAGE_HEAD_ROWS);
        if let Some(row) = row.filter(|row| first + row < all) {
            self.line = first + row;
        }
    }
}

/// Moving.
impl App {
    /// Scrolls the conversation, down if positive. What is at the top stays known as a message.
    pub(super) fn scroll(&mut self, rows: isize) {
        let (Some(size), Some(talk)) = (self.messages_size(), self.open_talk()) else {
            return;
        };
        let anchor = Flow::of(self, talk, size.width).scroll(size.height, rows);
        if let Some(talk) = self.open_talk_mut() {
            talk.anchor = anchor;
        }
    }

    /// A page less two rows, so that the eye finds its place again.
    pub(super) fn scroll_page(&mut self, down: bool) {
        let height = self.messages_size().map_or(0, |size| size.height);
        let rows = isize::try_from(height.saturating_sub(2).max(1)).unwrap_or(1);
        self.scroll(if down { rows } else { -rows });
    }

    pub(super) fn choose_message(&mut self, down: bool) {
        let (Some(talk), Some(size)) = (self.open_talk(), self.messages_size()) else {
            return;
        };
        let chosen = talk.step(down);
        let anchor = match chosen {
            Some(seq) => Flow::of(self, talk, size.width).reveal(size.height, seq),
            None => Anchor::End,
        };
        if let Some(talk) = self.open_talk_mut() {
            (talk.chosen, talk.anchor) = (chosen, anchor);
        }
        self.focus = if chosen.is_some() {
            Focus::Message
        } else {
            Focus::Compose
        };
    }

    /// A key for the answer in the bottom line.
    fn answer_key(&mut self, key: KeyEvent) {
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'q') if control => self.act(Act::Quit),
            KeyCode::Esc => self.prompt = None,
            KeyCode::Char('y' | 'Y') if prompt.question.is_yes_or_no() => self.answer_prompt(),
            _ if prompt.question.is_yes_or_no() => self.prompt = None,
            KeyCode::Enter => self.answer_prompt(),
            _ => drop(prompt.edit.key(key)),
        }
    }
}
