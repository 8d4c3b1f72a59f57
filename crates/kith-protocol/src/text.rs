//! What texts and names may hold. Texts are kept exactly as sent; names lose their bidi controls.

use crate::error::BadField;
use icu_properties::CodePointSetData;
use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint};
use unicode_segmentation::UnicodeSegmentation;

/// A message: twice the longest thing that people paste.
pub const TEXT_MAX_BYTES: usize = 65_536;
/// A message's `ext`, compact.
pub const EXT_MAX_BYTES: usize = 16_384;
/// Nesting of `ext`; the outer object is 1.
pub const EXT_MAX_DEPTH: usize = 16;
/// An emoji of the longest family sequences, with room.
pub const EMOJI_MAX_BYTES: usize = 32;
/// Graphemes of a display name.
pub const DISPLAY_NAME_MAX_GRAPHEMES: usize = 64;
/// Bytes of a display name: graphemes have no bound of their own.
pub const DISPLAY_NAME_MAX_BYTES: usize = 512;
/// Graphemes of a thread's title.
pub const TITLE_MAX_GRAPHEMES: usize = 128;
/// Graphemes of the text about oneself, and of the note on a contact request.
pub const ABOUT_MAX_GRAPHEMES: usize = 500;
/// Graphemes of a device's label.
pub const LABEL_MAX_GRAPHEMES: usize = 64;
/// Bytes a name may have for each of its graphemes, where no bound of its own is given.
pub const BYTES_PER_GRAPHEME: usize = 32;
/// Characters of a handle.
pub const HANDLE_CHARS: std::ops::RangeInclusive<usize> = 3..=32;
/// Bytes of a password: Argon2 reads all of them.
pub const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 8..=1024;
/// Graphemes of a search for people.
pub const QUERY_GRAPHEMES: std::ops::RangeInclusive<usize> = 1..=64;
/// RFC 5321 has 254 as the longest address.
pub const EMAIL_MAX_BYTES: usize = 254;

/// A message's text: bounded, no control characters but tab and line breaks, not blank.
pub fn check_text(field: &'static str, text: &str) -> Result<(), BadField> {
    if text.len() > TEXT_MAX_BYTES {
        return Err(BadField::too_large(field, TEXT_MAX_BYTES));
    }
    if let Some(c) = text
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        return Err(control(field, c));
    }
    not_blank(field, text)
}

/// A name of up to `max_graphemes` on one line; gives it back without bidi controls.
pub fn name(
    field: &'static str,
    text: &str,
    max_graphemes: usize,
    max_bytes: usize,
) -> Result<String, BadField> {
    let name = line(field, text, max_graphemes, max_bytes)?;
    not_blank(field, &name)?;
    Ok(name)
}

/// Like [`name`], but may be empty or blank, and may have line breaks if `lines`.
pub fn prose(field: &'static str, text: &str, max_graphemes: usize) -> Result<String, BadField> {
    let max_bytes = max_graphemes * BYTES_PER_GRAPHEME;
    let without_breaks = text.replace(['\n', '\r', '\t'], " ");
    line(field, &without_breaks, max_graphemes, max_bytes)?;
    Ok(text.chars().filter(|&c| !is_bidi_control(c)).collect())
}

/// 3–32 of `[a-z0-9._-]`, first a letter. Upper case is refused: clients fold, servers do not guess.
pub fn check_handle(field: &'static str, handle: &str) -> Result<(), BadField> {
    let good = HANDLE_CHARS.contains(&handle.len())
        && handle.starts_with(|c: char| c.is_ascii_lowercase())
        && handle
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
    if good {
        return Ok(());
    }
    Err(BadField::invalid(
        field,
        "3 to 32 of a-z, 0-9, dot, underscore and hyphen, first a letter",
    ))
}

/// 8 to 1,024 bytes, whatever they are.
pub fn check_password(field: &'static str, password: &str) -> Result<(), BadField> {
    if password.len() > *PASSWORD_BYTES.end() {
        return Err(BadField::too_large(field, *PASSWORD_BYTES.end()));
    }
    if password.len() < *PASSWORD_BYTES.start() {
        return Err(BadField::invalid(field, "at least 8 bytes"));
    }
    Ok(())
}

/// One reaction: 1 to 32 bytes without control characters or white space.
pub fn check_emoji(field: &'static str, emoji: &str) -> Result<(), BadField> {
    if emoji.len() > EMOJI_MAX_BYTES {
        return Err(BadField::too_large(field, EMOJI_MAX_BYTES));
    }
    if emoji.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(BadField::invalid(
            field,
            "no control characters or white space",
        ));
    }
    not_blank(field, emoji)
}

/// Whether every code point is White_Space or Default_Ignorable: nothing that a person could see.
pub fn is_blank(text: &str) -> bool {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    text.chars()
        .all(|c| c.is_whitespace() || (!c.is_ascii() && ignorable.contains(c)))
}

fn line(
    field: &'static str,
    text: &str,
    max_graphemes: usize,
    max_bytes: usize,
) -> Result<String, BadField> {
    if text.len() > max_bytes {
        return Err(BadField::too_large(field, max_bytes));
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(control(field, c));
    }
    let name: String = text.chars().filter(|&c| !is_bidi_control(c)).collect();
    if name.graphemes(true).count() > max_graphemes {
        return Err(BadField::invalid(
            field,
            format!("at most {max_graphemes} characters"),
        ));
    }
    Ok(name)
}

fn not_blank(field: &'static str, text: &str) -> Result<(), BadField> {
    if is_blank(text) {
        return Err(BadField::invalid(field, "must show something"));
    }
    Ok(())
}

fn control(field: &'static str, c: char) -> BadField {
    BadField::invalid(
        field,
        format!("holds the control character U+{:04X}", u32::from(c)),
    )
}

fn is_bidi_control(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<BidiControl>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_bound_at_below_and_above() {
        for (n, good) in [
            (1, true),
            (TEXT_MAX_BYTES - 1, true),
            (TEXT_MAX_BYTES, true),
            (TEXT_MAX_BYTES + 1, false),
        ] {
            assert_eq!(check_text("text", &"x".repeat(n)).is_ok(), good, "{n}");
        }
    }

    #[test]
    fn what_nobody_could_see_is_blank() {
        for blank in [
            "",
            " ",
            "\t\r\n",
            "\u{3000}",
            "\u{a0}",
            "\u{200b}\u{2060}",
            "\u{3164}",
            "\u{ad} \u{fe0f}",
        ] {
            assert!(check_text("text", blank).is_err(), "{blank:?}");
        }
        for shown in ["\u{2800}", "a\u{200b}", "\u{fffd}", "."] {
            assert!(check_text("text", shown).is_ok(), "{shown:?}");
        }
    }

    #[test]
    fn names_lose_bidi_controls_and_have_no_breaks() {
        assert_eq!(
            name("n", "A\u{202e}da\u{2066}", 64, 512).expect("a name"),
            "Ada"
        );
        assert!(name("n", "a\tb", 64, 512).is_err());
        assert!(name("n", &"n".repeat(65), 64, 512).is_err());
        assert!(name("n", &"n".repeat(64), 64, 512).is_ok());
    }
}
