//! Who may do what: every route and every frame, tried by every kind of person, and what is pushed to whom.
//! What is tried here is what `docs/permissions.md` is written from.

mod cast;
mod direct;
mod document;
mod frames;
mod people;
mod row;
mod shown;
mod stale;
mod threads;
mod told;

use crate::support::Server;
use cast::{Kind, World};
use kith_protocol::frame::ClientFrame;
use row::Row;
use std::collections::BTreeSet;
use std::fmt::Write as _;

fn table() -> Vec<Row> {
    let mut table = people::rows();
    table.extend(threads::rows());
    table.extend(frames::rows());
    table
}

#[test]
fn the_table_has_every_route_and_frame_and_no_other() {
    let (_, api) = kith::http::routes().split_for_parts();
    let api = serde_json::to_value(&api).unwrap();
    let mut doors: BTreeSet<String> = ClientFrame::WORDS
        .iter()
        .map(|word| format!("frame {word}"))
        .collect();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in [
            "get", "put", "post", "delete", "patch", "head", "options", "trace",
        ] {
            if item.get(method).is_some() {
                doors.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let tried: BTreeSet<String> = table().iter().map(|row| row.door.to_owned()).collect();
    let missing: Vec<_> = doors.difference(&tried).collect();
    let gone: Vec<_> = tried.difference(&doors).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not tried: {missing:?}; not there: {gone:?}"
    );
    let mut lines = BTreeSet::new();
    for row in table() {
        assert!(
            lines.insert((row.door, row.what)),
            "{} stands twice",
            row.door
        );
    }
}

#[tokio::test]
async fn everybody_may_do_exactly_what_the_table_says() {
    let server = Server::start().await;
    let shared = World::new(&server, 0).await;
    let mut wrong = String::new();
    for (number, row) in table().iter().enumerate() {
        let own;
        let world = if row.alone {
            own = World::new(&server, number + 1).await;
            &own
        } else {
            &shared
        };
        // Those with less rights first: what they are refused is still there for the others.
        for person in world.people.iter().rev() {
            let expected = row.cell(person.kind);
            let is_refusal = expected.starts_with(|first: char| first.is_ascii_lowercase())
                && !["ok", "pong", "welcome"].contains(&expected);
            let before = if is_refusal && person.kind != Kind::Owner {
                Some(world.rows().await)
            } else {
                None
            };
            let got = world.tried(row, person).await;
            if got != expected {
                writeln!(
                    wrong,
                    "{} ({}), {:?}: {got}, not {}",
                    row.door, row.what, person.kind, expected
                )
                .unwrap();
            } else if let Some(before) = before {
                assert_eq!(
                    world.rows().await,
                    before,
                    "{} ({}), {:?}: refused, yet done",
                    row.door,
                    row.what,
                    person.kind
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
