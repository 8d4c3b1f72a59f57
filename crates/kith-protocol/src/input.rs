//! Reading what clients send: strict, and with the name of the field that was wrong.

use crate::error::{BadField, ErrorCode};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// Integers on the wire stay below this: what JavaScript holds exactly.
pub const INTEGER_BOUND: u64 = 1 << 53;

/// Parses a request body or frame. The path of a wrong field is only worked out after a failure.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, BadField> {
    match serde_json::from_slice(json) {
        Ok(Object(body)) => Ok(body),
        Err(_) => Err(explain::<T>(json)),
    }
}

fn explain<T: DeserializeOwned>(json: &[u8]) -> BadField {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let error = match serde_path_to_error::deserialize::<_, Object<T>>(&mut reader) {
        Ok(_) => return BadField::invalid("body", "one JSON value and nothing after it"),
        Err(error) => error,
    };
    let path = error.path().to_string();
    bad_field(&path, &error.into_inner().to_string())
}

/// Turns serde's words into the field and what was expected of it.
pub fn bad_field(path: &str, message: &str) -> BadField {
    let whole = matches!(path, "." | "?");
    let quoted = |start: &str| {
        let name = message.strip_prefix(start)?.split('`').next()?;
        Some(if whole {
            name.to_owned()
        } else {
            inside(path, name)
        })
    };
    if let Some(field) = quoted("unknown field `") {
        return BadField {
            code: ErrorCode::UnknownField,
            field: field.into(),
            why: "there is no such field".into(),
        };
    }
    if let Some(field) = quoted("missing field `") {
        return BadField::invalid(field, "is required");
    }
    if let Some(field) = quoted("duplicate field `") {
        return BadField::invalid(field, "stands twice");
    }
    let field = if whole {
        "body".to_owned()
    } else {
        path.to_owned()
    };
    let why = message
        .split(" at line ")
        .next()
        .unwrap_or(message)
        .to_owned();
    BadField::invalid(field, why)
}

/// serde reports an unknown or missing name with the path of its parent, or of itself.
fn inside(path: &str, name: &str) -> String {
    if path == name || path.ends_with(&format!(".{name}")) {
        path.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// For fields of a PATCH where null means "take it away" and absence means "leave it".
pub fn present<'de, T, D>(d: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(d).map(Some)
}

/// Reads a struct from an object only. serde would take an array of its fields in their order too,
/// which nobody means to send and which changes its meaning when a field is added.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// For a field that is a struct.
pub(crate) fn object<'de, T, D>(d: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Object::deserialize(d).map(|Object(value)| value)
}

/// For a field that is a struct or absent.
pub(crate) fn object_or_none<'de, T, D>(d: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let given = Option::<Object<T>>::deserialize(d)?;
    Ok(given.map(|Object(value)| value))
}

/// Like [`present`], for a field that is a struct.
pub(crate) fn present_object<'de, T, D>(d: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    object_or_none(d).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code)]
    struct Outer {
        #[serde(deserialize_with = "object")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code)]
    struct Inner {
        seq: u64,
    }

    fn wrong(json: &str) -> (ErrorCode, String) {
        let bad = parse::<Outer>(json.as_bytes()).expect_err("is wrong");
        (bad.code, bad.field.into_owned())
    }

    #[test]
    fn the_wrong_field_is_named() {
        let invalid = ErrorCode::InvalidField;
        assert_eq!(
            wrong(r#"{"inner":{"seq":-1}}"#),
            (invalid, "inner.seq".into())
        );
        assert_eq!(wrong(r#"{"inner":{}}"#), (invalid, "inner.seq".into()));
        assert_eq!(wrong(r#"{}"#), (invalid, "inner".into()));
        assert_eq!(
            wrong(r#"{"inner":{"seq":1,"x":2}}"#),
            (ErrorCode::UnknownField, "inner.x".into())
        );
        assert_eq!(
            wrong(r#"{"zzz":1}"#),
            (ErrorCode::UnknownField, "zzz".into())
        );
        assert_eq!(
            wrong(r#"{"inner":{"seq":1,"seq":2}}"#),
            (invalid, "inner.seq".into())
        );
        assert_eq!(wrong(r#"{"inner":{"seq":1}} {}"#), (invalid, "body".into()));
        assert_eq!(wrong("{"), (invalid, "body".into()));
        assert_eq!(wrong(r#"[{"seq":1}]"#), (invalid, "body".into()));
        assert_eq!(wrong(r#"{"inner":[1]}"#), (invalid, "inner".into()));
    }
}
