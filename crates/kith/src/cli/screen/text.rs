//! Texts of others on a terminal: they move no cursor, and their columns are known.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A tab stands for this many columns.
const TAB: &str = "    ";
/// Characters of one grapheme that are shown: the longest family of emoji has eleven, towers of
/// accents have hundreds.
const GRAPHEME_MAX_CHARS: usize = 16;

/// Makes one emoji of two.
pub(super) const JOINER: char = '\u{200d}';

/// The text with nothing in it that a terminal would obey: control characters become pictures,
/// what turns the direction of writing goes, an accent without a letter gets a circle. Line breaks
/// stay.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for grapheme in text.graphemes(true) {
        match grapheme {
            "\n" | "\r\n" => clean.push('\n'),
            "\t" => clean.push_str(TAB),
            "\r" => {}
            _ => {
                if grapheme.chars().next().is_some_and(is_accent) {
                    clean.push('◌');
                }
                // A joiner with nothing behind it would take what the screen has there.
                let grapheme = grapheme.trim_end_matches(JOINER);
                clean.extend(grapheme.chars().take(GRAPHEME_MAX_CHARS).filter_map(shown));
            }
        }
    }
    clean
}

/// The same on one line.
pub(super) fn line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

fn shown(c: char) -> Option<char> {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)),
        '\u{7f}' => Some('␡'),
        '\u{80}'..='\u{9f}' => Some('\u{fffd}'),
        // Marks, embeddings, overrides and isolates of direction; line and paragraph separators.
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            None
        }
        // Nothing to see, and terminals disagree on their columns.
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => None,
        c => Some(c),
    }
}

/// Takes no column of its own although it would show.
fn is_accent(c: char) -> bool {
    c.width() == Some(0)
        && matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{1eff}' | '\u{20d0}'..='\u{20ff}')
}

/// How many columns the text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// The beginning of the text in at most this many columns; what is missing is an ellipsis.
pub(super) fn cut(text: &str, max_columns: usize) -> String {
    if columns(text) <= max_columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut left = max_columns.saturating_sub(1);
    for grapheme in text.graphemes(true) {
        let Some(rest) = left.checked_sub(grapheme.width()) else {
            break;
        };
        left = rest;
        cut.push_str(grapheme);
    }
    if max_columns > 0 {
        cut.push('…');
    }
    cut
}

/// The text in lines of at most this many columns, broken between words where that is possible.
pub(super) fn wrap(text: &str, max_columns: usize) -> Vec<String> {
    // Room for the widest grapheme, or nothing would ever fit.
    let max_columns = max_columns.max(2);
    text.split('\n')
        .flat_map(|paragraph| wrap_paragraph(paragraph, max_columns))
        .collect()
}

fn wrap_paragraph(paragraph: &str, max_columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in paragraph.split_word_bounds() {
        let wide = columns(word);
        if used + wide <= max_columns {
            line.push_str(word);
            used += wide;
            continue;
        }
        // A space at the end of a line hangs over it.
        if word.trim().is_empty() {
            continue;
        }
        if wide <= max_columns {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            line.push_str(word);
            used = wide;
            continue;
        }
        for grapheme in word.graphemes(true) {
            if used + grapheme.width() > max_columns {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
            }
            line.push_str(grapheme);
            used += grapheme.width();
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(
            clean("a\x1b[2Jb\r\nc\u{9b}31m\u{7f}"),
            "a␛[2Jb\nc\u{fffd}31m␡"
        );
        assert_eq!(clean("safe\u{202e}exe.txt\u{2069}"), "safeexe.txt");
        assert_eq!(line("a\tb\nc"), "a    b c");
        for c in clean(&(0..0x2fff).filter_map(char::from_u32).collect::<String>()).chars() {
            assert!(c == '\n' || !c.is_control(), "{c:?}");
        }
    }

    #[test]
    fn accents_stand_on_something_and_are_not_stacked_to_the_sky() {
        assert_eq!(clean("\u{301}a"), "◌\u{301}a");
        assert_eq!(clean("e\u{301}"), "e\u{301}");
        let tower = format!("a{}", "\u{301}".repeat(500));
        assert_eq!(clean(&tower).chars().count(), GRAPHEME_MAX_CHARS);
        assert_eq!(clean("👨\u{200d}"), "👨");
        let family = "👨‍👩‍👧‍👦";
        assert_eq!((clean(family).as_str(), columns(family)), (family, 2));
    }

    #[test]
    fn what_is_cut_fits_and_says_so() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello", 4), "hel…");
        assert_eq!(cut("你好吗", 4), "你…");
        assert_eq!(cut("你好吗", 1), "…");
        assert_eq!(cut("hello", 0), "");
    }

    #[test]
    fn lines_break_between_words_or_else_between_graphemes() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("你好世界", 5), ["你好", "世界"]);
        assert_eq!(wrap("a\n\nb", 10), ["a", "", "b"]);
        assert_eq!(wrap("שלום עולם", 5), ["שלום", "עולם"]);
        assert_eq!(wrap("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 2), ["👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"]);
        for text in ["👩🏽‍🚀 ok é", "ก็ นี่ Ⅷ", "a  b   c"] {
            for max_columns in 2..9 {
                for line in wrap(text, max_columns) {
                    assert!(columns(&line) <= max_columns, "{line:?} in {max_columns}");
                }
            }
        }
    }
}
