//! Points in time: milliseconds since 1970 in rows, RFC 3339 in UTC with milliseconds on the wire.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::cell::Cell;
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z. Data to show, never an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The text on the wire: `2026-11-21T08:54:00.123Z`.
    pub fn to_text(self) -> String {
        self.with_text(str::to_owned)
    }

    /// Hands the text on the wire to `use_text`, without allocating. Times on a busy path are mostly
    /// of the same second, so each thread keeps the text of its last one.
    fn with_text<T>(self, use_text: impl FnOnce(&str) -> T) -> T {
        let (second, milli) = (self.0.div_euclid(1000), self.0.rem_euclid(1000));
        let (cached, mut text) = LAST_SECOND.get();
        if cached != second {
            text = text_of_second(second);
            LAST_SECOND.set((second, text));
        }
        for (place, divisor) in [(20, 100), (21, 10), (22, 1)] {
            // Below 10, so it is a digit.
            text[place] = b'0' + (milli / divisor % 10) as u8;
        }
        use_text(std::str::from_utf8(&text).unwrap_or("1970-01-01T00:00:00.000Z"))
    }

    /// Reads RFC 3339, section 5.6; any offset is accepted, finer digits than milliseconds are cut.
    pub fn parse(text: &str) -> Option<Self> {
        if !is_rfc3339(text.as_bytes()) {
            return None;
        }
        let at = text.parse::<jiff::Timestamp>().ok()?;
        // An offset can move a time out of the years that have four digits.
        (at.as_millisecond() >= YEAR_0_MS).then(|| Self(at.as_millisecond()))
    }

    /// This many milliseconds later; stays at the end of time instead of wrapping.
    pub fn after_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add_unsigned(ms))
    }
}

/// The first millisecond of the year 0; the library ends before the year 10000 does.
const YEAR_0_MS: i64 = -62_167_219_200_000;

/// Whether this has the form of RFC 3339. The library reads more of ISO 8601: years of six digits, hours alone,
/// the time zones of RFC 9557.
fn is_rfc3339(text: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    let Some((date_and_time, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let form = b"0000-00-00T00:00:00";
    let is_like = |(have, want): (&u8, &u8)| match want {
        b'0' => have.is_ascii_digit(),
        b'T' => matches!(have, b'T' | b't' | b' '),
        _ => have == want,
    };
    let fraction = rest.strip_prefix(b".").map(|rest| {
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest.split_at(count)
    });
    let offset = match fraction {
        Some(([], _)) => return false,
        Some((_, offset)) => offset,
        None => rest,
    };
    let is_offset = match offset {
        b"Z" | b"z" => true,
        [b'+' | b'-', hour @ .., b':', m1, m2] => {
            hour.len() == 2 && digits(hour) && digits(&[*m1, *m2])
        }
        _ => false,
    };
    is_offset && date_and_time.iter().zip(form).all(is_like)
}

/// `2026-11-21T08:54:00.000Z`.
type Text = [u8; 24];

thread_local! {
    static LAST_SECOND: Cell<(i64, Text)> = const { Cell::new((0, *b"1970-01-01T00:00:00.000Z")) };
}

fn text_of_second(second: i64) -> Text {
    let at = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    // Years of four digits have exactly this length; others are nobody's clock.
    format!("{at:.3}")
        .as_bytes()
        .try_into()
        .unwrap_or(*b"1970-01-01T00:00:00.000Z")
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            self.with_text(|text| s.serialize_str(text))
        } else {
            s.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if !d.is_human_readable() {
            return i64::deserialize(d).map(Self);
        }
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::invalid_value(
                de::Unexpected::Str(&text),
                &"a time like 2026-11-21T08:54:00.123Z",
            )
        })
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                utoipa::openapi::KnownFormat::DateTime,
            )))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_z() {
        assert_eq!(Timestamp(0).to_text(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp(-1).to_text(), "1969-12-31T23:59:59.999Z");
        assert_eq!(Timestamp(7).to_text(), "1970-01-01T00:00:00.007Z");
        assert_eq!(
            Timestamp(1_795_251_240_120).to_text(),
            "2026-11-21T08:54:00.120Z"
        );
        assert_eq!(
            Timestamp::parse("2026-11-21T09:54:00.1200001+01:00"),
            Some(Timestamp(1_795_251_240_120))
        );
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn a_time_is_rfc_3339_with_a_year_of_four_digits() {
        let good = [
            "2026-11-21T08:54:00Z",
            "2026-11-21t08:54:00.1z",
            "2026-11-21 08:54:00.123456789-05:30",
            "0000-01-01T00:00:00Z",
        ];
        for text in good {
            let at = Timestamp::parse(text).expect(text);
            assert_eq!(Timestamp::parse(&at.to_text()), Some(at), "{text}");
        }
        let bad = [
            "-002026-11-21T08:54:00Z",
            "-002026-11-21T2020+000000",
            "0000-01-01T00:00:00+01:00",
            "2026-11-21T08:54Z",
            "2026-11-21T08:54:00",
            "2026-11-21T08:54:00.Z",
            "2026-11-21T08:54:00+01",
            "2026-11-21T08:54:00+0100",
            "2026-11-21T08:54:00Z[Europe/Berlin]",
            "2026-11-21T08:54:00,5Z",
            "2026-13-21T08:54:00Z",
            "20261121T085400Z",
        ];
        for text in bad {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
