//! The page to sign in on, or to make an account.

use super::edit::Edit;
use super::errand::Credentials;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What is asked for, and why.
#[derive(Debug)]
pub(super) struct SignIn {
    /// Why one has to sign in again, or why it did not work.
    pub(super) reason: Option<String>,
    pub(super) server: Edit,
    pub(super) handle: Edit,
    pub(super) password: Edit,
    /// An account is to be made.
    pub(super) is_new: bool,
    pub(super) field: Field,
    /// The server was asked.
    pub(super) is_asking: bool,
}

/// Where the keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Server,
    Handle,
    Password,
    Kind,
}

/// What a key on this page asks for.
#[derive(Debug)]
pub(super) enum Wish {
    Nothing,
    SignIn(Credentials),
    Accounts,
    Quit,
}

impl SignIn {
    pub(super) fn at(server: &str, handle: &str, reason: Option<String>) -> Self {
        let field = if handle.is_empty() {
            Field::Handle
        } else {
            Field::Password
        };
        Self {
            reason,
            server: Edit::of(server),
            handle: Edit::of(handle),
            password: Edit::default(),
            is_new: false,
            field,
            is_asking: false,
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Wish {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'q') if control => return Wish::Quit,
            KeyCode::Esc => return Wish::Accounts,
            KeyCode::Char('r') if control => self.is_new = !self.is_new,
            KeyCode::Char(' ') | KeyCode::Left | KeyCode::Right if self.field == Field::Kind => {
                self.is_new = !self.is_new;
            }
            KeyCode::Enter => return self.enter(),
            KeyCode::Tab | KeyCode::Down => self.step(1),
            KeyCode::BackTab | KeyCode::Up => self.step(3),
            _ => {
                if let Some(edit) = self.edit() {
                    edit.key(key);
                }
            }
        }
        Wish::Nothing
    }

    pub(super) fn paste(&mut self, text: &str) {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        if let Some(edit) = self.edit() {
            edit.insert(&text);
        }
    }

    fn step(&mut self, places: usize) {
        const ORDER: [Field; 4] = [Field::Handle, Field::Password, Field::Kind, Field::Server];
        let now = ORDER.iter().position(|field| *field == self.field);
        self.field = ORDER[(now.unwrap_or(0) + places) % ORDER.len()];
    }

    fn edit(&mut self) -> Option<&mut Edit> {
        match self.field {
            Field::Server => Some(&mut self.server),
            Field::Handle => Some(&mut self.handle),
            Field::Password => Some(&mut self.password),
            Field::Kind => None,
        }
    }

    /// From field to field; from the last one to the server.
    fn enter(&mut self) -> Wish {
        let handle = self
            .handle
            .text()
            .trim()
            .trim_start_matches('@')
            .to_lowercase();
        if handle.is_empty() {
            self.field = Field::Handle;
            self.reason = Some("say who you are: your handle".to_owned());
        } else if self.password.is_empty() {
            self.field = Field::Password;
            self.reason = None;
        } else if !self.is_asking {
            self.is_asking = true;
            self.reason = None;
            return Wish::SignIn(Credentials {
                server: self.server.text().trim().to_owned(),
                handle,
                password: self.password.text().to_owned(),
                is_new: self.is_new,
            });
        }
        Wish::Nothing
    }
}
