//! What people show of themselves: last seen, receipts and typing, to whom their privacy says. Who hides
//! something sees it of nobody.

use crate::support::Server;
use crate::support::wire::Wire;
use kith_client::{Session, new_msg_id};
use kith_protocol::contact::AskContact;
use kith_protocol::entry::SendMessage;
use kith_protocol::presence::{Heartbeat, State};
use kith_protocol::thread::Member;
use kith_protocol::user::{Audience, PatchMe, PrivacyPatch};
use kith_protocol::{ThreadId, UserId};
use std::time::Duration;

/// Who looks, in the order of the columns.
pub(super) const VIEWERS: [&str; 3] = ["contact", "contact who hides it", "no contact"];

const ALL: [Audience; 3] = [Audience::Everyone, Audience::Contacts, Audience::Nobody];

/// What somebody shows to an audience, and whether each viewer sees it.
pub(super) struct Line {
    pub(super) what: &'static str,
    pub(super) audience: Audience,
    pub(super) seen: [bool; 3],
}

/// What must be. Last seen is told of contacts only, and presence is hidden together with it.
const EXPECTED: [(&str, [[bool; 3]; 3]); 4] = [
    (
        "last seen",
        [[true, false, false], [true, false, false], [false; 3]],
    ),
    (
        "read marks",
        [[true, false, true], [true, false, false], [false; 3]],
    ),
    (
        "receipts, pushed",
        [[true, false, true], [true, false, false], [false; 3]],
    ),
    (
        "typing, pushed",
        [[true, false, true], [true, false, false], [false; 3]],
    ),
];

/// Tries everything on a server, and says what was seen.
pub(super) async fn lines() -> Vec<Line> {
    let server = Server::start().await;
    let mut lines = Vec::new();
    for (number, audience) in ALL.into_iter().enumerate() {
        let seen = seen(&server, number, audience).await;
        for ((what, expected), seen) in EXPECTED.iter().zip(seen) {
            assert_eq!(seen, expected[number], "{what}, shown to {audience}");
            lines.push(Line {
                what,
                audience,
                seen,
            });
        }
    }
    lines.sort_by_key(|line| EXPECTED.iter().position(|(what, _)| *what == line.what));
    lines
}

/// What each viewer sees of one who shows all to this audience.
async fn seen(server: &Server, number: usize, audience: Audience) -> [[bool; 3]; 4] {
    let join = async |name: &str| server.join(&format!("{name}-{number}")).await;
    let (ann, friend, shy, other) = (
        join("ann").await,
        join("friend").await,
        join("shy").await,
        join("other").await,
    );
    befriend(&ann, &friend).await;
    befriend(&ann, &shy).await;
    show(&ann, audience).await;
    show(&shy, Audience::Nobody).await;
    let viewers = [&friend, &shy, &other];
    let group = ann.group("tea", &viewers.map(|viewer| viewer.id())).await;
    let t = group.unwrap().thread.id;
    let hello = SendMessage::text(new_msg_id(), 0, "hello");
    let last = friend.send(t, hello).await.unwrap().seq;
    let mut wires = Vec::new();
    for viewer in viewers {
        wires.push(Wire::open(server, viewer).await);
    }
    beat(&ann, State::Online).await;
    server.pass(Duration::from_secs(2)).await;
    ann.read(t, last).await.unwrap();
    ann.typing(t, true).await.unwrap();
    beat(&ann, State::Leaving).await;
    server.pass(Duration::from_secs(2)).await;
    let mut seen = [[false; 3]; 4];
    for (column, (viewer, wire)) in viewers.into_iter().zip(&mut wires).enumerate() {
        wire.is_alive().await;
        let heard = |word: &str| wire.pushes.iter().any(|frame| frame["t"] == word);
        seen[0][column] = sees_last_seen(viewer, ann.id()).await;
        seen[1][column] = marks_of(viewer, t, ann.id()).await.read_seq.is_some();
        seen[2][column] = heard("receipt");
        seen[3][column] = heard("typing");
    }
    seen
}

async fn befriend(a: &Session, b: &Session) {
    let ask = AskContact {
        user_id: b.id(),
        note: None,
    };
    let request = a.ask_contact(&ask).await.unwrap();
    b.accept_contact(request.id).await.unwrap();
}

async fn show(who: &Session, audience: Audience) {
    let privacy = PrivacyPatch {
        last_seen: Some(audience),
        receipts: Some(audience),
        typing: Some(audience),
        direct: None,
    };
    let patch = PatchMe {
        privacy: Some(privacy),
        ..PatchMe::default()
    };
    who.patch_me(&patch).await.unwrap();
}

async fn beat(who: &Session, state: State) {
    let beat = Heartbeat {
        state,
        friends_version: None,
    };
    who.heartbeat(&beat).await.unwrap();
}

async fn sees_last_seen(viewer: &Session, whom: UserId) -> bool {
    let beat = Heartbeat {
        state: State::Leaving,
        friends_version: None,
    };
    let friends = viewer.heartbeat(&beat).await.unwrap().friends;
    let mut found = friends.iter().filter(|friend| friend.user_id == whom);
    found.any(|friend| friend.last_seen_at.is_some())
}

async fn marks_of(viewer: &Session, thread: ThreadId, whom: UserId) -> Member {
    let members = viewer.members(thread).await.unwrap().items.into_iter();
    let mut found = members.filter(|member| member.user.id == whom);
    found.next().unwrap()
}
