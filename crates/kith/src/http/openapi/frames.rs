//! Frames as schemas: one per frame, with its `t`, and the unions over them.

use kith_protocol::error::Problem;
use kith_protocol::frame::{ClientFrame, FRAME_ID_MAX_BYTES, FrameSchema, Received, ServerFrame};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Schemas by name that frames refer to.
pub(super) fn parts() -> Vec<(String, RefOr<Schema>)> {
    let mut parts = Vec::new();
    Problem::schemas(&mut parts);
    parts.push((Problem::name().into(), Problem::schema()));
    let frames = ClientFrame::schemas()
        .into_iter()
        .chain(ServerFrame::schemas());
    parts.extend(frames.flat_map(|frame| frame.parts));
    parts
}

/// `ClientFrame`, `ServerFrame` and a schema for each of their frames.
pub(super) fn schemas() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for frame in ClientFrame::schemas() {
        let mut schema = tagged(frame.word, "id", needs_id(frame.word), body(&frame));
        if let Some(answer) = answer(frame.word) {
            schema["x-kith-answer"] = reference(answer);
        }
        all.push((name("Client", frame.word), schema));
    }
    all.push(union("ClientFrame", "A frame from a client.", &all));
    let mut server: Vec<_> = ServerFrame::schemas()
        .iter()
        .map(|frame| {
            let schema = with_tag(frame.word, body(frame));
            (name("Server", frame.word), schema)
        })
        .collect();
    server.extend(answers());
    server.push(union("ServerFrame", "A frame from the server.", &server));
    all.extend(server);
    all
}

/// `ok`, `pong` and `error`.
fn answers() -> [(String, Value); 3] {
    let empty = |description: &str| json!({ "type": "object", "description": description });
    let ok = "The frame `re` was done. Further fields are those of its `x-kith-answer`.";
    let mut ok = tagged("ok", "re", true, empty(ok));
    ok["additionalProperties"] = json!(true);
    let pong = tagged(
        "pong",
        "re",
        true,
        empty("The answer to a ping with an id."),
    );
    let mut problem = value(&Problem::schema());
    problem["description"] =
        json!("The frame `re` was refused; without `re` it is about a frame without a good id.");
    let error = tagged("error", "re", false, problem);
    [("ok", ok), ("pong", pong), ("error", error)]
        .map(|(word, schema)| (name("Server", word), schema))
}

/// What the `ok` to a frame carries beside `t` and `re`.
fn answer(word: &str) -> Option<&'static str> {
    Some(match word {
        "send" => "Sent",
        "edit" | "delete" => "Added",
        "read" | "delivered" => "Marks",
        "heartbeat" => "Beat",
        _ => return None,
    })
}

/// Asks the reader of frames itself.
fn needs_id(word: &str) -> bool {
    let bare = json!({ "t": word }).to_string();
    match Received::parse(bare.as_bytes()) {
        Ok(Received {
            frame: Err(bad), ..
        }) => bad.field == "id",
        _ => false,
    }
}

fn body(frame: &FrameSchema) -> Value {
    value(&frame.schema)
}

fn value(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_else(|error| unreachable!("a schema is JSON: {error}"))
}

/// The schema with `t`, and with `id` or `re`.
fn tagged(word: &str, link: &str, required: bool, schema: Value) -> Value {
    let mut schema = with_tag(word, schema);
    let text = json!({ "type": "string", "minLength": 1, "maxLength": FRAME_ID_MAX_BYTES });
    add(&mut schema, link, text, required);
    schema
}

fn with_tag(word: &str, mut schema: Value) -> Value {
    let word = json!({ "type": "string", "const": word });
    if let Some(parts) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        let mut tag = json!({ "type": "object" });
        add(&mut tag, "t", word, true);
        parts.push(tag);
    } else {
        add(&mut schema, "t", word, true);
    }
    schema
}

fn add(schema: &mut Value, field: &str, property: Value, required: bool) {
    schema["properties"][field] = property;
    if !required {
        return;
    }
    match schema.get_mut("required").and_then(Value::as_array_mut) {
        Some(fields) => fields.push(json!(field)),
        None => schema["required"] = json!([field]),
    }
}

fn union(name: &str, description: &str, frames: &[(String, Value)]) -> (String, Value) {
    let names = || frames.iter().map(|(name, _)| name.as_str());
    let mapping: Map<String, Value> = names()
        .map(|name| (word(name), json!(location(name))))
        .collect();
    let schema = json!({
        "description": description,
        "oneOf": names().map(reference).collect::<Vec<_>>(),
        "discriminator": { "propertyName": "t", "mapping": mapping },
    });
    (name.to_owned(), schema)
}

/// `ClientHello`, `ServerGoingAway`.
fn name(side: &str, word: &str) -> String {
    let parts = word.split('_').map(|part| {
        let mut letters = part.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    std::iter::once(side.to_owned()).chain(parts).collect()
}

/// The word back from the name.
fn word(name: &str) -> String {
    let mut word = String::new();
    for letter in name.chars().skip("Client".len()) {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

fn reference(name: &str) -> Value {
    json!({ "$ref": location(name) })
}

fn location(name: &str) -> String {
    format!("#/components/schemas/{name}")
}
