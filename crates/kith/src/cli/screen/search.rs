//! Searching in what this device holds.

use super::edit::Edit;
use kith_client::Found;

/// Messages that a search shows at most: more words narrow it.
pub(super) const FOUND_MAX: usize = 200;

/// Words, and what they found.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) edit: Edit,
    pub(super) found: Vec<Found>,
    /// The words that `found` is for.
    pub(super) done: Option<String>,
}

impl Search {
    /// What to search for, if that was not done already.
    pub(super) fn wanted(&self) -> Option<String> {
        let words = self.edit.text().trim();
        let is_new = self.done.as_deref() != Some(words);
        (is_new && !words.is_empty()).then(|| words.to_owned())
    }
}
