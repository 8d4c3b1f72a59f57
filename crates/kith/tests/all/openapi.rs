//! The committed OpenAPI document is that of the code, and is whole.

use crate::support::Server;
use kith::http::openapi::text;
use kith_protocol::ErrorCode;
use kith_protocol::frame::{ClientFrame, CloseCode, ServerFrame};
use serde_json::{Value, json};
use std::collections::HashSet;

fn document() -> Value {
    serde_json::from_str(text()).unwrap()
}

/// Method, path and description of every operation.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap().clone();
        let path = path.clone();
        operations
            .into_iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    };
    paths.iter().flat_map(of).collect()
}

fn resolve<'a>(document: &'a Value, location: &str) -> Option<&'a Value> {
    document.pointer(location.strip_prefix('#')?)
}

/// Every reference in a part of the document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(location) if name == "$ref" => found.push(location.clone()),
                    _ => references(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn the_committed_document_is_that_of_the_code() {
    let committed = include_str!("../../../../docs/openapi.json");
    assert!(
        committed == text(),
        "docs/openapi.json is stale: make openapi"
    );
}

#[tokio::test]
async fn the_document_is_served_to_everybody() {
    let server = Server::start().await;
    let answer = server.api().raw("GET", "/openapi.json", &[], "").await;
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json::<Value>().unwrap(), document());
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for location in found {
        assert!(resolve(&document, &location).is_some(), "{location}");
    }
}

#[test]
fn every_operation_says_what_it_does_and_how_it_is_refused() {
    let document = document();
    let tags: HashSet<_> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].clone())
        .collect();
    let mut names = HashSet::new();
    for (route, operation) in operations(&document) {
        assert!(operation["summary"].is_string(), "{route}");
        assert!(tags.contains(&operation["tags"][0]), "{route}");
        assert!(names.insert(operation["operationId"].clone()), "{route}");
        let responses = operation["responses"].as_object().unwrap();
        let is_open = route.contains("/healthz/") || route == "get /openapi.json";
        let mut refused = false;
        for (status, response) in responses {
            let response = match response["$ref"].as_str() {
                Some(location) => resolve(&document, location).unwrap(),
                None => response,
            };
            assert!(response["description"].is_string(), "{route} {status}");
            if status.as_str() >= "400" {
                let schema = &response["content"]["application/problem+json"]["schema"];
                let problem = json!({ "$ref": "#/components/schemas/Problem" });
                assert_eq!(*schema, problem, "{route} {status}");
            }
            refused |= status.starts_with('4');
        }
        assert_eq!(refused, !is_open, "{route}");
    }
}

#[test]
fn every_parameter_of_a_path_is_described() {
    let document = document();
    for (route, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array();
        let described: HashSet<&str> = parameters
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let named: HashSet<&str> = route
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        assert_eq!(described, named, "{route}");
    }
}

#[test]
fn every_frame_is_a_schema() {
    let document = document();
    let server = [ServerFrame::WORDS, &["ok", "error", "pong"]].concat();
    for (union, words) in [
        ("ClientFrame", ClientFrame::WORDS),
        ("ServerFrame", server.as_slice()),
    ] {
        let schema = &document["components"]["schemas"][union];
        let mapping = schema["discriminator"]["mapping"].as_object().unwrap();
        let described: HashSet<&str> = mapping.keys().map(String::as_str).collect();
        assert_eq!(described, words.iter().copied().collect(), "{union}");
        assert_eq!(schema["oneOf"].as_array().unwrap().len(), words.len());
        for (word, location) in mapping {
            let frame = resolve(&document, location.as_str().unwrap()).unwrap();
            let parts = frame["allOf"].as_array().cloned();
            let parts = parts.unwrap_or_else(|| vec![frame.clone()]);
            let is_tagged = |part: &Value| {
                part["properties"]["t"]["const"] == word.as_str()
                    && part["required"].as_array().unwrap().contains(&json!("t"))
            };
            assert!(parts.iter().any(is_tagged), "{word}");
        }
    }
}

#[test]
fn frames_that_append_need_an_id() {
    let document = document();
    let required = |schema: &str, field: &str| {
        let required = &document["components"]["schemas"][schema]["required"];
        required.as_array().unwrap().contains(&json!(field))
    };
    for frame in ["Send", "Edit", "Delete", "React", "Unreact"] {
        assert!(required(&format!("Client{frame}"), "id"), "{frame}");
    }
    assert!(!required("ClientPing", "id"));
    assert!(required("ServerOk", "re"));
    assert!(!required("ServerError", "re"));
}

#[test]
fn words_ids_and_what_may_be_absent_are_described_exactly() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let roles = json!(["muted", "member", "admin", "owner"]);
    assert_eq!(schemas["Role"]["enum"], roles);
    assert_eq!(schemas["Role"]["type"], "string");
    assert_eq!(schemas["UserId"]["format"], "uuid");
    let entry = &schemas["Entry"];
    let always = json!(["seq", "kind", "author_id", "client_msg_id", "ord", "at"]);
    assert_eq!(entry["required"], always);
    assert_eq!(entry["properties"]["text"]["type"], "string");
    assert_eq!(
        schemas["SendMessage"]["required"],
        json!(["client_msg_id", "seen_head"])
    );
    assert_eq!(schemas["SyncThread"]["oneOf"].as_array().unwrap().len(), 2);
    assert_eq!(
        schemas["List_Session"]["required"],
        json!(["items", "next"])
    );
}

#[test]
fn every_code_stands_in_the_tables() {
    let document = document();
    for (table, rows, field) in [
        ("x-kith-errors", ErrorCode::ALL.len(), "retry"),
        ("x-kith-close-codes", CloseCode::ALL.len(), "final"),
    ] {
        let table = document[table].as_array().unwrap();
        assert_eq!(table.len(), rows);
        assert!(table.iter().all(|row| !row[field].is_null()));
    }
}
