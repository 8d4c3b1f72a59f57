//! The tables in Markdown: `docs/permissions.md` is made of what is tried here, and a test notices when it is
//! stale.

use super::{direct, shown, table, told};
use std::fmt::Write as _;
use std::path::Path;

/// Set it to write `docs/permissions.md` anew.
const WRITE: &str = "KITH_WRITE_DOCS";

const HEAD: &str = "\
<!-- Generated from the tables in crates/kith/tests/all/permission/ by its tests; KITH_WRITE_DOCS=1 writes it anew. -->

# Who may do what

Each line was tried by each kind of person, and what is refused changed nothing. A number is the status of success; a word is the
`code` of the refusal (docs/protocol.md has the status of each). `closed:` is the code with which a socket is closed at `hello`.

The thread is a group. **Rejoined** left it and was added again, **blocked** is somebody whom the owner has blocked, in the direct
thread of the two; in groups blocks change nothing. **Former** shows the token of a session that was ended, **revoked** that of
a device which the same user has signed out from another one, **signed out** shows none.
";

const DIRECT: &str = "\
## Direct threads

Ann takes messages of contacts only; the columns say what the one who tries is to her. What is refused is heard by
nobody; what is done, ann hears as the last column says.
";

const TOLD: &str = "\
## Pushes

What everybody hears on a socket, in the order in which it happened; an empty cell is silence, which was listened to. **Shy**
shows neither typing nor receipts, **kim** is a contact of the owner's for a while, and in the group for a while.
";

const SHOWN: &str = "\
## What people show

What each viewer sees of somebody who shows it to everybody, to contacts, or to nobody. A contact who hides a thing does not see
it of others either. Last seen is told of contacts only.
";

async fn document() -> String {
    let mut text = HEAD.to_owned();
    let columns = "owner admin member rejoined muted ex-member stranger blocked former revoked signed&nbsp;out";
    let columns: Vec<&str> = columns.split(' ').collect();
    for (title, frames) in [("HTTP", false), ("Frames", true)] {
        write!(text, "\n## {title}\n\n").unwrap();
        heads(&mut text, &["", ""], &columns);
        for row in table() {
            if row.door.starts_with("frame ") == frames {
                let door = row.door.trim_start_matches("frame ");
                line(&mut text, &[&format!("`{door}`"), row.what], &row.cells());
            }
        }
    }
    write!(text, "\n{DIRECT}\n").unwrap();
    heads(
        &mut text,
        &["", ""],
        &[&direct::KINDS[..], &["ann hears"]].concat(),
    );
    for row in direct::rows() {
        let cells = [row.cells(), vec![row.heard]].concat();
        line(&mut text, &[&format!("`{}`", row.door), row.what], &cells);
    }
    write!(text, "\n{TOLD}\n").unwrap();
    heads(&mut text, &[""], &told::LISTENERS);
    for told in told::lines().await {
        let cells: Vec<&str> = told.heard.iter().map(String::as_str).collect();
        line(&mut text, &[&told.what], &cells);
    }
    write!(text, "\n{SHOWN}\n").unwrap();
    heads(&mut text, &["", "shown to"], &shown::VIEWERS);
    for shown in shown::lines().await {
        let cells = shown.seen.map(|seen| if seen { "sees it" } else { "" });
        line(
            &mut text,
            &[shown.what, &shown.audience.to_string()],
            &cells,
        );
    }
    text
}

fn heads(text: &mut String, first: &[&str], columns: &[&str]) {
    line(text, first, columns);
    let rules = vec!["---"; first.len() + columns.len()];
    writeln!(text, "|{}|", rules.join("|")).unwrap();
}

fn line(text: &mut String, first: &[&str], cells: &[&str]) {
    let all = [first, cells].concat();
    writeln!(text, "| {} |", all.join(" | ")).unwrap();
}

#[tokio::test]
async fn everything_is_told_and_shown_to_those_whom_it_concerns_and_the_document_says_so() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    let document = document().await;
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == document,
        "docs/permissions.md is stale: run this test with {WRITE}=1"
    );
}
