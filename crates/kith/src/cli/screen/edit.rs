//! A text that is being written: a cursor between graphemes, and the keys that people expect.

use super::text;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;

/// A text and where the next letter goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edit {
    text: String,
    /// In bytes, between two graphemes.
    cursor: usize,
}

/// A text in rows of a width, and the cursor in them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) rows: Vec<String>,
    /// Column and row of the cursor.
    pub(super) cursor: (usize, usize),
}

impl Edit {
    /// This text, the cursor at its end.
    pub(super) fn of(text: impl Into<String>) -> Self {
        let text = text.into();
        let cursor = text.len();
        Self { text, cursor }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Puts text at the cursor. What pastes it may bring carriage returns: they are line breaks.
    pub(super) fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
        self.settle();
    }

    /// Understands a key; false if it is not one for writing.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char('a') if control => self.cursor = self.line_start(),
            KeyCode::Char('e') if control => self.cursor = self.line_end(),
            KeyCode::Char('u') if control => self.remove(self.line_start(), self.cursor),
            KeyCode::Char('k') if control => self.remove(self.cursor, self.line_end()),
            KeyCode::Char('w') if control => self.remove(self.word_before(), self.cursor),
            KeyCode::Backspace if control || alt => self.remove(self.word_before(), self.cursor),
            KeyCode::Char('b') if alt => self.cursor = self.word_before(),
            KeyCode::Char('f') if alt => self.cursor = self.word_after(),
            KeyCode::Left if control || alt => self.cursor = self.word_before(),
            KeyCode::Right if control || alt => self.cursor = self.word_after(),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = self.line_start(),
            KeyCode::End => self.cursor = self.line_end(),
            KeyCode::Backspace => self.remove(self.before(), self.cursor),
            KeyCode::Delete => self.remove(self.cursor, self.after()),
            KeyCode::Char(c) if !control && !alt => self.insert(c.encode_utf8(&mut [0; 4])),
            _ => return false,
        }
        true
    }

    /// Moves to the line above or below in rows of this width; false if there is none.
    pub(super) fn move_row(&mut self, down: bool, width: usize) -> bool {
        let places = self.places(width);
        let (column, row) = self.rows(width).cursor;
        let wanted = if down { row + 1 } else { row.wrapping_sub(1) };
        let in_row = places.iter().filter(|place| place.2 == wanted);
        let best = in_row.min_by_key(|place| place.1.abs_diff(column));
        let found = best.map(|place| place.0);
        self.cursor = found.unwrap_or(self.cursor);
        found.is_some()
    }

    /// The text as a terminal shows it, broken where the width ends.
    pub(super) fn rows(&self, width: usize) -> Rows {
        let mut rows = vec![String::new()];
        let mut cursor = (0, 0);
        for (at, column, row) in self.places(width) {
            if rows.len() <= row {
                rows.resize(row + 1, String::new());
            }
            if at == self.cursor {
                cursor = (column, row);
            }
            let grapheme = self.text[at..].graphemes(true).next().unwrap_or_default();
            rows[row].push_str(text::clean(grapheme).trim_end_matches('\n'));
        }
        Rows { rows, cursor }
    }

    /// Every place of the cursor: byte, column, row.
    fn places(&self, width: usize) -> Vec<(usize, usize, usize)> {
        let width = width.max(2);
        let (mut column, mut row) = (0, 0);
        let mut places = Vec::new();
        for (at, grapheme) in self.text.grapheme_indices(true) {
            let wide = text::columns(&text::clean(grapheme));
            let breaks = grapheme.ends_with('\n');
            if !breaks && column + wide > width {
                (column, row) = (0, row + 1);
            }
            places.push((at, column, row));
            if breaks {
                (column, row) = (0, row + 1);
            } else {
                column += wide;
            }
        }
        if column >= width {
            (column, row) = (0, row + 1);
        }
        places.push((self.text.len(), column, row));
        places
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
        self.settle();
    }

    /// What was put together may have become one grapheme: the cursor goes behind it.
    fn settle(&mut self) {
        let mut places = self.text.grapheme_indices(true).map(|(at, _)| at);
        self.cursor = places
            .find(|at| *at >= self.cursor)
            .unwrap_or(self.text.len());
    }

    fn before(&self) -> usize {
        let last = self.text[..self.cursor].grapheme_indices(true).next_back();
        last.map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let next = self.text[self.cursor..].graphemes(true).next();
        self.cursor + next.map_or(0, str::len)
    }

    fn word_before(&self) -> usize {
        let mut words = self.text[..self.cursor].unicode_word_indices();
        words.next_back().map_or(0, |(at, _)| at)
    }

    fn word_after(&self) -> usize {
        let mut words = self.text[self.cursor..].unicode_word_indices();
        let end = words.next().map(|(at, word)| self.cursor + at + word.len());
        end.unwrap_or(self.text.len())
    }

    fn line_start(&self) -> usize {
        self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let end = self.text[self.cursor..].find('\n');
        end.map_or(self.text.len(), |at| self.cursor + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(edit: &mut Edit, code: KeyCode, modifiers: KeyModifiers) {
        assert!(edit.key(KeyEvent::new(code, modifiers)), "{code:?}");
    }

    fn shown(edit: &Edit) -> String {
        let (before, after) = edit.text.split_at(edit.cursor);
        format!("{before}|{after}")
    }

    #[test]
    fn the_cursor_never_stands_inside_a_grapheme() {
        let mut edit = Edit::of("a👨‍👩‍👧e\u{301}");
        for expected in ["a👨‍👩‍👧|e\u{301}", "a|👨‍👩‍👧e\u{301}", "|a👨‍👩‍👧e\u{301}"]
        {
            press(&mut edit, KeyCode::Left, KeyModifiers::NONE);
            assert_eq!(shown(&edit), expected);
        }
        press(&mut edit, KeyCode::Right, KeyModifiers::NONE);
        press(&mut edit, KeyCode::Delete, KeyModifiers::NONE);
        assert_eq!(shown(&edit), "a|e\u{301}");
        press(&mut edit, KeyCode::Backspace, KeyModifiers::NONE);
        edit.insert("\u{301}");
        assert_eq!(shown(&edit), "\u{301}|e\u{301}");
        let mut flag = Edit::of("🇩");
        flag.insert("🇪");
        press(&mut flag, KeyCode::Backspace, KeyModifiers::NONE);
        assert!(flag.is_empty());
    }

    #[test]
    fn words_and_lines_are_walked_and_removed() {
        let mut edit = Edit::of("one two\nthree four");
        press(&mut edit, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(shown(&edit), "one two\nthree |");
        press(&mut edit, KeyCode::Left, KeyModifiers::CONTROL);
        assert_eq!(shown(&edit), "one two\n|three ");
        press(&mut edit, KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(shown(&edit), "one two\n|");
        edit.insert("x\r\ny");
        press(&mut edit, KeyCode::Char('u'), KeyModifiers::CONTROL);
        assert_eq!(shown(&edit), "one two\nx\n|");
    }

    #[test]
    fn rows_keep_to_the_width_and_know_the_cursor() {
        let edit = Edit::of("你好ab\nc");
        let rows = edit.rows(5);
        assert_eq!(rows.rows, ["你好a", "b", "c"]);
        assert_eq!(rows.cursor, (1, 2));
        assert_eq!(Edit::of("abc").rows(3).cursor, (0, 1));
        let mut edit = Edit::of("one\nlonger");
        assert!(edit.move_row(false, 20));
        assert_eq!(shown(&edit), "one|\nlonger");
        assert!(!edit.move_row(false, 20));
    }
}
