//! What holds for many routes and schemas at once, said in one place.

use super::object;
use kith_protocol::ErrorCode;
use serde_json::{Map, Value, json};

const PROBLEM: &str = "#/components/schemas/Problem";

/// Completes what the annotations leave to rules.
pub(super) fn tidy(document: &mut Value) {
    for operations in object(&mut document["paths"]).values_mut() {
        for operation in object(operations).values_mut() {
            name_uniquely(operation);
            parameters(operation);
            responses(operation);
        }
    }
    for (name, schema) in object(&mut document["components"]["schemas"]) {
        answers_omit(schema);
        if let Some(row) = name.strip_prefix("List_") {
            let row = json!({ "$ref": format!("#/components/schemas/{row}") });
            schema["properties"]["items"]["items"] = row;
        }
    }
}

/// Refusals by status, as `Refused404`: the codes that have it.
pub(super) fn refusals() -> Value {
    let mut refusals = Map::new();
    for code in ErrorCode::ALL {
        let status = code.status();
        refusals.insert(format!("Refused{status}"), refusal(status));
    }
    Value::Object(refusals)
}

fn refusal(status: u16) -> Value {
    let codes: Vec<String> = ErrorCode::ALL
        .iter()
        .filter(|code| code.status() == status)
        .map(|code| format!("`{code}`"))
        .collect();
    let mut refusal = json!({
        "description": codes.join(", "),
        "content": { "application/problem+json": { "schema": { "$ref": PROBLEM } } },
    });
    if matches!(status, 429 | 503) {
        let seconds = json!({ "type": "integer", "minimum": 1 });
        refusal["headers"]["Retry-After"] =
            json!({ "description": "seconds", "required": true, "schema": seconds });
    }
    refusal
}

/// Handlers of several files have the same names; operations may not.
fn name_uniquely(operation: &mut Value) {
    let tag = operation["tags"][0].as_str().unwrap_or_default();
    let name = operation["operationId"].as_str().unwrap_or_default();
    operation["operationId"] = json!(format!("{tag}_{name}"));
}

/// A parameter of a query is there or not; it is never null.
fn parameters(operation: &mut Value) {
    let Some(parameters) = operation.get_mut("parameters") else {
        return;
    };
    for parameter in parameters.as_array_mut().into_iter().flatten() {
        not_null(&mut parameter["schema"]);
    }
}

fn responses(operation: &mut Value) {
    let also = implied(operation);
    let responses = object(&mut operation["responses"]);
    for (status, response) in responses.iter_mut() {
        let is_refusal = response["content"]["application/json"]["schema"]["$ref"] == PROBLEM;
        let is_described = response["description"]
            .as_str()
            .is_some_and(|description| !description.is_empty());
        if is_refusal && is_described {
            let content = response["content"]["application/json"].take();
            response["content"] = json!({ "application/problem+json": content });
        } else if is_refusal {
            *response = json!({ "$ref": format!("#/components/responses/Refused{status}") });
        } else if !is_described {
            response["description"] = json!(if status == "204" {
                "done"
            } else {
                "the answer"
            });
        }
    }
    for status in also {
        let refused = json!({ "$ref": format!("#/components/responses/Refused{status}") });
        responses.entry(status.to_string()).or_insert(refused);
    }
}

/// Refusals that follow from what a route takes: they come before its own rules.
fn implied(operation: &Value) -> Vec<u16> {
    let takes = |place: &str| {
        let parameters = operation["parameters"].as_array();
        parameters
            .into_iter()
            .flatten()
            .any(|parameter| parameter["in"] == place)
    };
    let takes_body = operation.get("requestBody").is_some();
    let is_signed_in = operation.get("security").is_none();
    let mut also = Vec::new();
    if takes_body || takes("query") {
        also.push(400);
    }
    if is_signed_in {
        also.extend([401, 403]);
    }
    if takes("path") {
        also.push(404);
    }
    if takes_body {
        also.extend([413, 415]);
    }
    if is_signed_in || takes_body {
        also.extend([429, 503]);
    }
    also
}

/// Answers leave out what is not there; only requests, which name all their fields, take null.
fn answers_omit(schema: &mut Value) {
    if schema.get("additionalProperties") == Some(&json!(false)) {
        return;
    }
    for part in ["allOf", "oneOf"] {
        let parts = schema.get_mut(part).and_then(Value::as_array_mut);
        parts.into_iter().flatten().for_each(answers_omit);
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    if let Some(properties) = schema.get_mut("properties") {
        for (field, property) in object(properties) {
            if !required.contains(&json!(field)) {
                not_null(property);
            }
        }
    }
}

fn not_null(schema: &mut Value) {
    let is_null = |schema: &Value| schema == "null" || schema["type"] == "null";
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|one| !is_null(one));
        if let [one] = types.as_slice() {
            schema["type"] = one.clone();
        }
    }
    let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else {
        return;
    };
    choices.retain(|one| !is_null(one));
    if let [one] = choices.as_slice() {
        let mut one = one.clone();
        if let Some(description) = schema.get("description") {
            one["description"] = description.clone();
        }
        *schema = one;
    }
}
