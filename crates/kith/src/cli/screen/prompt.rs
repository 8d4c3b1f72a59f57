//! A question in the bottom line: a few words, or yes or no.

use super::edit::Edit;
use kith_protocol::{SessionId, ThreadId, UserId};

/// What is asked, and the answer so far.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) question: Question,
    pub(super) words: String,
    pub(super) edit: Edit,
}

/// What the answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Direct,
    GroupTitle,
    GroupPeople(String),
    Add(ThreadId),
    Retitle(ThreadId),
    React(ThreadId, u64),
    Contact,
    Profile,
    Role(ThreadId, UserId),
    Delete(ThreadId, u64),
    Leave(ThreadId),
    RemoveMember(ThreadId, UserId),
    Part(UserId),
    Block(UserId),
    EndSession(SessionId),
    EndOthers,
    SignOut,
}

impl Question {
    /// A letter is enough for an answer.
    pub(super) fn is_yes_or_no(&self) -> bool {
        matches!(
            self,
            Self::Delete(..)
                | Self::Leave(_)
                | Self::RemoveMember(..)
                | Self::Part(_)
                | Self::Block(_)
                | Self::EndSession(_)
                | Self::EndOthers
                | Self::SignOut
        )
    }
}

impl Prompt {
    /// A question for words; `text` is what stands there already.
    pub(super) fn of(question: Question, words: &str, text: &str) -> Self {
        Self {
            question,
            words: words.to_owned(),
            edit: Edit::of(text),
        }
    }
}
