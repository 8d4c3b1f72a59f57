//! docs/protocol.md says what is so: its session runs, its tables are those of the code.

use crate::support::Server;
use kith::http::openapi;
use kith_protocol::ErrorCode;
use kith_protocol::frame::{ClientFrame, CloseCode, ServerFrame};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../../../docs/protocol.md");

/// Far longer than the session takes.
const FOR_EVER_S: &str = "120";

/// Between what two blocks print.
const MARK: &str = "=== block ===";

/// A block of the page that is run, and what it prints.
struct Block {
    script: String,
    prints: String,
}

/// Every ```sh block, with the ```text block that follows it, if one does before the next.
fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut fences = PAGE.split("```");
    // What stands between two fences is in turn prose and a block.
    while let (Some(_), Some(block)) = (fences.next(), fences.next()) {
        let (language, body) = block.split_once('\n').unwrap();
        match (language, blocks.last_mut()) {
            ("sh", _) => blocks.push(Block {
                script: body.to_owned(),
                prints: String::new(),
            }),
            ("text", Some(last)) => last.prints = body.to_owned(),
            _ => {}
        }
    }
    blocks
}

/// Runs the blocks in one shell; what each of them printed.
fn run(script: &str, server: &str, folder: &Path) -> Vec<String> {
    let kith = Path::new(env!("CARGO_BIN_EXE_kith")).parent().unwrap();
    let path = format!("{}:{}", kith.display(), std::env::var("PATH").unwrap());
    let output = Command::new("timeout")
        .args([FOR_EVER_S, "bash", "-eu", "-c", script])
        .env("PATH", path)
        .env("SERVER", server)
        .current_dir(folder)
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(output.status.success(), "{out}\n{err}");
    out.split(&format!("{MARK}\n")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worked_session_prints_what_the_page_says() {
    let server = Server::start().await;
    let address = server.api().base().trim_end_matches('/').to_owned();
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks();
    assert!(blocks.len() > 10, "the session is not found");
    let scripts: Vec<&str> = blocks.iter().map(|block| block.script.as_str()).collect();
    let script = scripts.join(&format!("echo '{MARK}'\n"));
    let path = folder.path().to_owned();
    let printed = tokio::task::spawn_blocking(move || run(&script, &address, &path));
    let printed = printed.await.unwrap();
    for (block, printed) in blocks.iter().zip(&printed) {
        assert_eq!(*printed, block.prints, "{}", block.script);
    }
    assert_eq!(printed.len(), blocks.len());
}

#[test]
fn the_page_has_every_code_of_a_refusal() {
    let mut table = String::from("| status | code | retry | meaning |\n|---|---|---|---|\n");
    for code in ErrorCode::ALL {
        let (status, retry, title) = (code.status(), code.retry(), code.title());
        writeln!(table, "| {status} | `{code}` | `{retry}` | {title} |").unwrap();
    }
    assert!(PAGE.contains(&table), "the table should be:\n{table}");
}

#[test]
fn the_page_has_every_close_code() {
    let mut table = String::from("| code | final | meaning |\n|---|---|---|\n");
    for code in CloseCode::ALL {
        let last = if code.is_final() { "yes" } else { "no" };
        writeln!(table, "| {} | {last} | {} |", *code as u16, code.reason()).unwrap();
    }
    assert!(PAGE.contains(&table), "the table should be:\n{table}");
}

#[test]
fn the_page_has_every_route_and_no_other() {
    let document: Value = serde_json::from_str(openapi::text()).unwrap();
    let mut routes: Vec<String> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        routes.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let methods = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "];
    let mut written: Vec<String> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|cell| methods.iter().any(|method| cell.starts_with(method)))
        .map(str::to_owned)
        .collect();
    routes.sort();
    written.sort();
    assert_eq!(written, routes);
}

#[test]
fn the_page_has_every_frame_with_every_field() {
    let document: Value = serde_json::from_str(openapi::text()).unwrap();
    let row = |table: &str, word: &str| {
        let table = PAGE.split(table).nth(1).unwrap();
        let mut rows = table.lines().take_while(|line| !line.is_empty());
        let start = format!("| `{word}` |");
        let row = rows.find(|line| line.starts_with(&start));
        row.unwrap_or_else(|| panic!("{word}")).to_owned()
    };
    let schemas = &document["components"]["schemas"];
    for word in ClientFrame::WORDS {
        let row = row("| client | fields | answer |\n|---|---|---|\n", word);
        let location = &schemas["ClientFrame"]["discriminator"]["mapping"][word];
        let name = location.as_str().unwrap().rsplit('/').next().unwrap();
        let properties = schemas[name]["properties"].as_object().unwrap();
        // Hello is answered by welcome, whatever its id.
        let skip = |field: &str| field == "t" || (*word == "hello" && field == "id");
        for field in properties.keys().filter(|field| !skip(field)) {
            assert!(row.contains(field), "{word}: {field}");
        }
    }
    for word in [ServerFrame::WORDS, &["ok", "error", "pong"]].concat() {
        row("| server | fields | meaning |\n|---|---|---|\n", word);
    }
}
