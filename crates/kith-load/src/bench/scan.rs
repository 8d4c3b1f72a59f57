//! Reads what the generator needs out of frames, by looking for names instead of parsing JSON: the
//! generator shares its cores with the server and must stay cheap.

use memchr::memmem;

/// Bytes of a text that carry its mark: flow, number and time of sending.
const MARK_BYTES: usize = 4 + 10 + 16;
/// Texts are this long, as in the targets.
pub(super) const TEXT_BYTES: usize = 100;

/// What a frame is, as far as the generator cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `ok`: which send, and its seq.
    Ok {
        /// The frame's `id`.
        re: u64,
        /// Where the message stands.
        seq: u64,
    },
    /// Entries of a thread.
    Entries,
    /// `welcome`.
    Welcome,
    /// `error`.
    Refused,
    /// `resync`.
    Resync,
    /// Anything else.
    Other,
}

/// Tells what a frame is.
pub(super) fn kind(frame: &[u8]) -> Kind {
    match word(frame) {
        b"entry" => Kind::Entries,
        b"ok" => match (
            number_after(frame, b"\"re\":\""),
            number_after(frame, b"\"seq\":"),
        ) {
            (Some(re), Some(seq)) => Kind::Ok { re, seq },
            _ => Kind::Other,
        },
        b"welcome" => Kind::Welcome,
        b"error" => Kind::Refused,
        b"resync" => Kind::Resync,
        _ => Kind::Other,
    }
}

/// Finds entries in a frame, again and again with the same prepared search.
pub(super) struct Scanner {
    seq: memmem::Finder<'static>,
    text: memmem::Finder<'static>,
}

/// An entry in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its number in the log.
    pub seq: u64,
    /// The mark in its text, if it is one of ours.
    pub mark: Option<Mark>,
}

/// What the generator writes into a text to know it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Which flow.
    pub flow: usize,
    /// Which message of the flow.
    pub number: u64,
    /// When it was due, in ns since the run began.
    pub due_ns: u64,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            seq: memmem::Finder::new(b"\"seq\":"),
            text: memmem::Finder::new(b"\"text\":\""),
        }
    }
}

impl Scanner {
    /// Calls `each` for every entry of a frame. Quotes inside texts are escaped, so a name with its
    /// quotes is never part of one; `prev_seq` and the like have no quote before `seq`.
    pub(super) fn entries(&self, frame: &[u8], mut each: impl FnMut(Found)) {
        let mut rest = frame;
        while let Some(at) = self.seq.find(rest) {
            rest = &rest[at + 6..];
            let Some(seq) = number(rest) else { continue };
            // The text of this entry stands before the next entry's seq.
            let mut mark = None;
            if let Some(text) = self.text.find(rest) {
                let is_own = memmem_none(&self.seq, &rest[..text]);
                if is_own {
                    rest = &rest[text + 8..];
                    mark = Mark::read(rest);
                }
            }
            each(Found { seq, mark });
        }
    }
}

fn memmem_none(finder: &memmem::Finder<'_>, bytes: &[u8]) -> bool {
    finder.find(bytes).is_none()
}

impl Mark {
    fn read(text: &[u8]) -> Option<Self> {
        let mark = text.get(..MARK_BYTES)?;
        Some(Self {
            flow: digits(&mark[..4])? as usize,
            number: digits(&mark[4..14])?,
            due_ns: digits(&mark[14..30])?,
        })
    }

    /// Appends a text of [`TEXT_BYTES`] with this mark.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        fixed(out, self.flow as u64, 4);
        fixed(out, self.number, 10);
        fixed(out, self.due_ns, 16);
        out.extend_from_slice(&PADDING);
    }
}

const PADDING: [u8; TEXT_BYTES - MARK_BYTES] =
    *b" is what somebody says to somebody in a message of a hundred bytes ...";

/// Appends a number in decimal.
pub(super) fn decimal(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut rest = number;
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number in exactly `width` decimal digits.
pub(super) fn fixed(out: &mut Vec<u8>, number: u64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut rest = number;
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

fn word(frame: &[u8]) -> &[u8] {
    let Some(rest) = frame.strip_prefix(b"{\"t\":\"") else {
        return b"";
    };
    let end = memchr::memchr(b'"', &rest[..rest.len().min(32)]).unwrap_or(0);
    &rest[..end]
}

fn number_after(frame: &[u8], name: &[u8]) -> Option<u64> {
    let at = memmem::find(frame, name)?;
    number(&frame[at + name.len()..])
}

/// The number at the beginning of these bytes.
fn number(bytes: &[u8]) -> Option<u64> {
    let end = bytes
        .iter()
        .take(20)
        .position(|byte| !byte.is_ascii_digit())?;
    digits(bytes.get(..end)?)
}

fn digits(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0u64, |sum, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| sum.wrapping_mul(10).wrapping_add(digit.into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(frame: &str) -> Vec<Found> {
        let mut found = Vec::new();
        Scanner::default().entries(frame.as_bytes(), |entry| found.push(entry));
        found
    }

    #[test]
    fn entries_are_found_with_and_without_marks() {
        let mark = Mark {
            flow: 7,
            number: 12,
            due_ns: 34_000,
        };
        let mut text = Vec::new();
        mark.write(&mut text);
        assert_eq!(text.len(), TEXT_BYTES);
        let text = String::from_utf8(text).expect("ASCII");
        let frame = format!(
            r#"{{"t":"entry","thread_id":"x","prev_seq":4,"entries":[{{"seq":5,"kind":"member_added"}},{{"seq":6,"text":"{text}"}},{{"seq":7,"text":"say \"seq\":9"}}]}}"#
        );
        let found = entries(&frame);
        let seqs: Vec<u64> = found.iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, [5, 6, 7]);
        assert_eq!(found[0].mark, None);
        assert_eq!(found[1].mark, Some(mark));
        assert_eq!(found[2].mark, None);
    }

    #[test]
    fn frames_are_told_apart() {
        let ok = br#"{"t":"ok","re":"42","seq":7,"ord":3}"#;
        assert_eq!(kind(ok), Kind::Ok { re: 42, seq: 7 });
        assert_eq!(kind(br#"{"t":"entry","thread_id":"x"}"#), Kind::Entries);
        assert_eq!(kind(br#"{"t":"error","re":"1"}"#), Kind::Refused);
        assert_eq!(kind(b"nonsense"), Kind::Other);
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for value in [0, 9, 10, 1_234_567_890] {
            let mut out = Vec::new();
            decimal(&mut out, value);
            out.push(b',');
            assert_eq!(number(&out), Some(value));
        }
    }
}
