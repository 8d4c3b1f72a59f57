//! In which fields two rows differ, in words. What people wrote is told by its length only.

use serde::Serialize;
use serde_json::Value;

/// Fields that hold what people wrote.
const WRITTEN: [&str; 2] = ["text", "title"];

/// What stands in the fields that differ, and what should.
pub(super) fn between<R: Serialize>(stands: &R, should: &R) -> (String, String) {
    let mut fields = Vec::new();
    compare(String::new(), &value(stands), &value(should), &mut fields);
    let join = |side: fn(&Field) -> &str| {
        let shown: Vec<String> = fields
            .iter()
            .map(|field| format!("{} {}", field.name, side(field)))
            .collect();
        shown.join(", ")
    };
    (join(|field| &field.stands), join(|field| &field.should))
}

/// A whole row.
pub(super) fn whole<R: Serialize>(row: &R) -> String {
    let mut fields = Vec::new();
    compare(String::new(), &value(row), &Value::Null, &mut fields);
    let shown = fields.iter().map(|field| match &*field.name {
        "" => field.stands.clone(),
        name => format!("{name} {}", field.stands),
    });
    shown.collect::<Vec<_>>().join(", ")
}

struct Field {
    name: String,
    stands: String,
    should: String,
}

/// Rows become JSON without fail: they are plain structs.
fn value<R: Serialize>(row: &R) -> Value {
    serde_json::to_value(row).unwrap_or_default()
}

fn compare(name: String, stands: &Value, should: &Value, fields: &mut Vec<Field>) {
    if stands == should {
        return;
    }
    if let Value::Object(object) = stands
        && (should.is_object() || name.is_empty())
    {
        for (key, stands) in object {
            let inner = if name.is_empty() {
                key.clone()
            } else {
                format!("{name}.{key}")
            };
            compare(
                inner,
                stands,
                should.get(key).unwrap_or(&Value::Null),
                fields,
            );
        }
        return;
    }
    let is_written = WRITTEN.iter().any(|field| name.ends_with(field));
    let (stands, should) = match is_written {
        true => (length("another text", stands), length("a text", should)),
        false => (without_texts(stands), without_texts(should)),
    };
    fields.push(Field {
        name,
        stands,
        should,
    });
}

fn length(what: &str, value: &Value) -> String {
    match value {
        Value::String(text) => format!("{what} of {} bytes", text.len()),
        _ => "none".to_owned(),
    }
}

fn without_texts(value: &Value) -> String {
    fn hide(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if WRITTEN.contains(&name.as_str()) {
                        *value = Value::String(length("a text", value));
                    }
                    hide(value);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(hide),
            _ => {}
        }
    }
    let mut value = value.clone();
    hide(&mut value);
    match value {
        Value::Null => "none".to_owned(),
        Value::String(word) => word,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_told_and_no_text_at_all() {
        let stands = json!({
            "ord": 9, "last_seq": 4, "title": "secret plans",
            "last_message": { "seq": 4, "text": "at noon" },
        });
        let should = json!({
            "ord": 3, "last_seq": 4, "title": null,
            "last_message": { "seq": 4, "text": "at night" },
        });
        let (stands, should) = between(&stands, &should);
        assert_eq!(
            stands,
            "last_message.text another text of 7 bytes, ord 9, title another text of 12 bytes"
        );
        assert_eq!(
            should,
            "last_message.text a text of 8 bytes, ord 3, title none"
        );
    }

    #[test]
    fn texts_inside_of_what_is_there_on_one_side_only_are_hidden_too() {
        let row = json!({ "left": { "title": "secret", "last": [{ "text": "words" }] } });
        let shown = whole(&row);
        assert!(
            !shown.contains("secret") && !shown.contains("words"),
            "{shown}"
        );
    }
}
