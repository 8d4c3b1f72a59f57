//! `ext`: an object of the client's own on a message, kept in its meaning.

use crate::error::BadField;
use crate::text::{EXT_MAX_BYTES, EXT_MAX_DEPTH};
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::fmt;

/// Checks an `ext` and gives it back compact: an object, at most 16 KiB, 16 levels, no key twice.
/// Numbers and strings stay as they were written.
pub fn checked(field: &'static str, ext: &RawValue) -> Result<String, BadField> {
    let json = compact(ext.get());
    if json.len() > EXT_MAX_BYTES {
        return Err(BadField::too_large(field, EXT_MAX_BYTES));
    }
    if !json.starts_with('{') {
        return Err(BadField::invalid(field, "must be an object"));
    }
    let mut reader = serde_json::Deserializer::from_str(&json);
    Shape { depth: 1 }
        .deserialize(&mut reader)
        .map_err(|error| {
            let why = error.to_string();
            BadField::invalid(
                field,
                why.split(" at line ").next().unwrap_or_default().to_owned(),
            )
        })?;
    Ok(json)
}

/// The same JSON without white space outside of strings.
fn compact(json: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            let keep = inside || !c.is_ascii_whitespace();
            match c {
                '"' if !escaped => inside = !inside,
                _ => {}
            }
            escaped = inside && c == '\\' && !escaped;
            keep
        })
        .collect()
}

/// Walks a value, counts its levels and refuses repeated keys.
struct Shape {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl Shape {
    fn inner<E: de::Error>(&self) -> Result<Self, E> {
        Ok(Self {
            depth: self.depth + 1,
        })
    }

    fn check<E: de::Error>(&self) -> Result<(), E> {
        if self.depth > EXT_MAX_DEPTH {
            return Err(E::custom(format!("at most {EXT_MAX_DEPTH} levels")));
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.check()?;
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(self.inner()?)?;
            if !keys.insert(key) {
                return Err(de::Error::custom("a key stands twice"));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.check()?;
        while seq.next_element_seed(self.inner()?)?.is_some() {}
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<String, BadField> {
        let raw = RawValue::from_string(json.to_owned()).expect("JSON");
        checked("ext", &raw)
    }

    fn nested(levels: usize) -> String {
        format!(
            "{}{{}}{}",
            r#"{"k":"#.repeat(levels - 1),
            "}".repeat(levels - 1)
        )
    }

    #[test]
    fn an_ext_is_kept_in_its_meaning_without_its_white_space() {
        assert!(check(r#"{ "a\" b" : [1, 2.50, 1e400000] }"#).is_err());
        assert_eq!(
            check(r#"{ "a\" b" : [1, 2.50] }"#).expect("good"),
            r#"{"a\" b":[1,2.50]}"#
        );
        assert_eq!(check(r#"{"a\\": " x" }"#).expect("good"), r#"{"a\\":" x"}"#);
    }

    #[test]
    fn an_ext_keeps_its_bounds() {
        assert!(check(&nested(EXT_MAX_DEPTH)).is_ok());
        assert!(check(&nested(EXT_MAX_DEPTH + 1)).is_err());
        let fit = |n: usize| format!(r#"{{"k":"{}"}}"#, "x".repeat(n - 8));
        assert!(check(&fit(EXT_MAX_BYTES)).is_ok());
        assert!(check(&fit(EXT_MAX_BYTES + 1)).is_err());
        assert!(check(r#"{"a":1,"a":2}"#).is_err());
        assert!(check(r#"{"a":[{"b":1,"b":2}]}"#).is_err());
        assert!(check("[]").is_err());
    }
}
