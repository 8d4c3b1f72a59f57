//! Who is here: leases, the answers to heartbeats, last seen, and typing. Nothing is broadcast.

use crate::support::talk::{DOORS, Door, Person, text};
use crate::support::{Server, refused};
use kith_client::{ClientError, Session};
use kith_protocol::contact::AskContact;
use kith_protocol::frame::ServerFrame;
use kith_protocol::presence::{Beat, Friend, Heartbeat, State, Status};
use kith_protocol::user::{Audience, PatchMe, PrivacyPatch};
use kith_protocol::{ErrorCode, ThreadId, UserId};
use std::time::Duration;

async fn befriend(a: &Session, b: &Session) {
    let ask = AskContact {
        user_id: b.id(),
        note: None,
    };
    let request = a.ask_contact(&ask).await.unwrap();
    b.accept_contact(request.id).await.unwrap();
}

async fn beat(session: &Session, state: State, version: Option<&str>) -> Beat {
    let beat = Heartbeat {
        state,
        friends_version: version.map(str::to_owned),
    };
    session.heartbeat(&beat).await.unwrap()
}

/// What a friend sees of somebody.
async fn status(viewer: &Session, whom: UserId) -> Status {
    friend(viewer, whom).await.status
}

async fn friend(viewer: &Session, whom: UserId) -> Friend {
    // Leaving: looking has no lease of its own.
    let friends = beat(viewer, State::Leaving, None).await.friends;
    let mut found = friends.into_iter().filter(|friend| friend.user_id == whom);
    found.next().expect("is a friend")
}

async fn privacy(who: &Session, privacy: PrivacyPatch) {
    let patch = PatchMe {
        privacy: Some(privacy),
        ..PatchMe::default()
    };
    who.patch_me(&patch).await.unwrap();
}

#[tokio::test]
async fn a_lease_lasts_a_minute_and_any_word_on_the_socket_renews_it() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    befriend(&ann, &bo).await;
    assert_eq!(
        status(&ann, bo.id()).await,
        Status::Offline,
        "signing in is no presence"
    );
    assert_eq!(beat(&bo, State::Online, None).await.next_s, 10);
    assert_eq!(status(&ann, bo.id()).await, Status::Online);
    server.pass(Duration::from_secs(59)).await;
    assert_eq!(status(&ann, bo.id()).await, Status::Online);
    beat(&bo, State::Away, None).await;
    server.pass(Duration::from_secs(59)).await;
    assert_eq!(status(&ann, bo.id()).await, Status::Away);
    server.pass(Duration::from_secs(1)).await;
    assert_eq!(status(&ann, bo.id()).await, Status::Offline);

    let bo = Person::of(bo).await;
    assert_eq!(status(&ann, bo.id()).await, Status::Online, "hello says so");
    for _ in 0..3 {
        server.pass(Duration::from_secs(40)).await;
        bo.socket.ping().await.unwrap();
        assert_eq!(status(&ann, bo.id()).await, Status::Online);
    }
}

#[tokio::test]
async fn a_user_is_as_present_as_the_best_of_the_sessions() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    befriend(&ann, &bo).await;
    let bo_too = server.device("boris").await.session;
    for (one, two, seen) in [
        (State::Away, State::Online, Status::Online),
        (State::Away, State::Away, Status::Away),
        (State::Online, State::Away, Status::Online),
        (State::Leaving, State::Away, Status::Away),
        (State::Online, State::Leaving, Status::Online),
        (State::Leaving, State::Leaving, Status::Offline),
    ] {
        beat(&bo, one, None).await;
        beat(&bo_too, two, None).await;
        assert_eq!(status(&ann, bo.id()).await, seen, "{one} and {two}");
    }
    // Each lease ends by itself.
    beat(&bo, State::Online, None).await;
    server.pass(Duration::from_secs(30)).await;
    beat(&bo_too, State::Away, None).await;
    server.pass(Duration::from_secs(30)).await;
    assert_eq!(status(&ann, bo.id()).await, Status::Away);
}

#[tokio::test]
async fn who_left_on_a_socket_is_not_brought_back_by_its_traffic() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    befriend(&ann, &bo).await;
    assert_eq!(status(&ann, bo.id()).await, Status::Online);
    bo.socket.heartbeat(State::Leaving, None).await.unwrap();
    assert_eq!(status(&ann, bo.id()).await, Status::Offline);
    server.pass(Duration::from_secs(12)).await;
    bo.socket.ping().await.unwrap();
    assert_eq!(status(&ann, bo.id()).await, Status::Offline);
    bo.socket.heartbeat(State::Away, None).await.unwrap();
    assert_eq!(status(&ann, bo.id()).await, Status::Away);
}

#[tokio::test]
async fn with_a_version_only_friends_who_changed_are_told() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let (cy, di) = (server.join("cyril").await, server.join("dilara").await);
    for friend in [&bo, &cy] {
        befriend(&ann, friend).await;
    }
    beat(&bo, State::Online, None).await;
    beat(&di, State::Online, None).await;
    let first = beat(&ann, State::Online, None).await;
    let mut told: Vec<(UserId, Status)> = statuses(&first);
    told.sort_by_key(|(user, _)| *user);
    let mut expected = vec![(bo.id(), Status::Online), (cy.id(), Status::Offline)];
    expected.sort_by_key(|(user, _)| *user);
    assert_eq!(told, expected, "friends only, and all of them");

    let next = beat(&ann, State::Online, Some(&first.friends_version)).await;
    assert_eq!(statuses(&next), []);
    beat(&cy, State::Away, None).await;
    beat(&di, State::Away, None).await;
    let next = beat(&ann, State::Online, Some(&next.friends_version)).await;
    assert_eq!(statuses(&next), [(cy.id(), Status::Away)]);
    // A renewal is no change; a lease that runs out is.
    server.pass(Duration::from_secs(50)).await;
    beat(&cy, State::Away, None).await;
    beat(&ann, State::Online, None).await;
    let renewed = beat(&ann, State::Online, Some(&next.friends_version)).await;
    assert_eq!(statuses(&renewed), []);
    server.pass(Duration::from_secs(10)).await;
    let next = beat(&ann, State::Online, Some(&renewed.friends_version)).await;
    assert_eq!(statuses(&next), [(bo.id(), Status::Offline)]);
    // An older version tells more, not less; one of nobody's tells all.
    let old = beat(&ann, State::Online, Some(&first.friends_version)).await;
    assert_eq!(old.friends.len(), 2);
    for unknown in ["", "nonsense", "1.2.3", &"x".repeat(100)] {
        let all = beat(&ann, State::Online, Some(unknown)).await;
        assert_eq!(all.friends.len(), 2, "{unknown}");
    }
    // A new friend, and one less.
    befriend(&di, &ann).await;
    let more = beat(&ann, State::Online, Some(&next.friends_version)).await;
    assert!(more.friends.iter().any(|friend| friend.user_id == di.id()));
    ann.part(bo.id()).await.unwrap();
    let less = beat(&ann, State::Online, None).await;
    assert!(!less.friends.iter().any(|friend| friend.user_id == bo.id()));
    assert_eq!(less.friends.len(), 2);
    cy.block(ann.id()).await.unwrap();
    let blocked = beat(&ann, State::Online, None).await;
    assert_eq!(blocked.friends.len(), 1, "who blocks is no friend");
}

fn statuses(beat: &Beat) -> Vec<(UserId, Status)> {
    let friends = beat.friends.iter();
    friends
        .map(|friend| (friend.user_id, friend.status))
        .collect()
}

#[tokio::test]
async fn the_same_over_the_socket() {
    let server = Server::start().await;
    let (ann, bo) = (server.person("ann").await, server.join("boris").await);
    befriend(&ann, &bo).await;
    let first = ann.socket.heartbeat(State::Online, None).await.unwrap();
    assert_eq!(statuses(&first), [(bo.id(), Status::Offline)]);
    beat(&bo, State::Online, None).await;
    let version = Some(first.friends_version);
    let next = ann.socket.heartbeat(State::Online, version).await.unwrap();
    assert_eq!(statuses(&next), [(bo.id(), Status::Online)]);
    let version = Some(next.friends_version);
    let last = ann.socket.heartbeat(State::Online, version).await.unwrap();
    assert_eq!((statuses(&last), last.next_s), (vec![], 10));
}

#[tokio::test]
async fn last_seen_is_when_somebody_was_last_here_also_after_a_restart() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    befriend(&ann, &bo).await;
    assert_eq!(friend(&ann, bo.id()).await.last_seen_at, None);
    server.pass(Duration::from_secs(5)).await;
    beat(&bo, State::Online, None).await;
    assert_eq!(
        friend(&ann, bo.id()).await.last_seen_at,
        None,
        "is here now"
    );
    server.pass(Duration::from_secs(5)).await;
    beat(&bo, State::Leaving, None).await;
    let left_at = server.now();
    server.pass(Duration::from_secs(120)).await;
    let shown = friend(&ann, bo.id()).await;
    assert_eq!(
        (shown.status, shown.last_seen_at),
        (Status::Offline, Some(left_at))
    );
    let server = server.restarted().await;
    let api = server.again(&ann);
    let asked = api.heartbeat(&Heartbeat {
        state: State::Leaving,
        friends_version: None,
    });
    assert_eq!(asked.await.unwrap().friends[0].last_seen_at, Some(left_at));
}

#[tokio::test]
async fn who_hides_last_seen_does_not_see_it() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    befriend(&ann, &bo).await;
    for session in [&ann, &bo] {
        beat(session, State::Online, None).await;
        beat(session, State::Leaving, None).await;
    }
    server.pass(Duration::from_secs(2)).await;
    let seen = async |viewer: &Session, whom: &Session| {
        friend(viewer, whom.id()).await.last_seen_at.is_some()
    };
    assert!(seen(&ann, &bo).await && seen(&bo, &ann).await);
    let of = |audience| PrivacyPatch {
        last_seen: Some(audience),
        ..PrivacyPatch::default()
    };
    privacy(&bo, of(Audience::Nobody)).await;
    assert!(!seen(&ann, &bo).await, "it is hidden");
    assert!(!seen(&bo, &ann).await, "and mutual");
    privacy(&bo, of(Audience::Contacts)).await;
    assert!(seen(&ann, &bo).await && seen(&bo, &ann).await);
}

#[tokio::test]
async fn nothing_is_pushed_to_friends() {
    let server = Server::start().await;
    let (mut ann, bo) = (server.person("ann").await, server.person("boris").await);
    befriend(&ann, &bo).await;
    ann.direct(bo.id()).await.unwrap();
    ann.heard().await;
    for state in [State::Away, State::Online, State::Leaving, State::Online] {
        bo.socket.heartbeat(state, None).await.unwrap();
        beat(&bo, state, None).await;
    }
    drop(bo);
    server.pass(Duration::from_secs(61)).await;
    assert_eq!(status(&ann, ann_friend(&ann).await).await, Status::Offline);
    assert!(ann.heard().await.is_empty());
}

async fn ann_friend(ann: &Session) -> UserId {
    ann.contacts().await.unwrap().items[0].user.id
}

// Typing.

async fn typing_heard(person: &mut Person) -> Vec<(ThreadId, UserId, bool)> {
    let heard = person.heard().await.into_iter();
    heard
        .filter_map(|frame| match frame {
            ServerFrame::Typing(typing) => Some((typing.thread_id, typing.user_id, typing.active)),
            _ => None,
        })
        .collect()
}

async fn types(
    who: &Person,
    door: Door,
    thread: ThreadId,
    active: bool,
) -> Result<(), ClientError> {
    match door {
        Door::Http => who.session.typing(thread, active).await,
        Door::Socket => {
            who.socket.typing(thread, active).await?;
            // There is no answer, but the next frame is looked at after it.
            who.socket.ping().await
        }
    }
}

#[tokio::test]
async fn typing_is_relayed_to_the_others_and_never_stored() {
    let server = Server::start().await;
    let (mut ann, mut bo) = (server.person("ann").await, server.person("boris").await);
    let (mut cy, di) = (server.person("cyril").await, server.person("dilara").await);
    let room = ann.group("room", &[bo.id(), cy.id(), di.id()]).await;
    let room = room.unwrap().thread.id;
    let direct = ann.direct(bo.id()).await.unwrap().thread.id;
    ann.remove_member(room, di.id()).await.unwrap();
    for person in [&mut ann, &mut bo, &mut cy] {
        person.heard().await;
    }
    for door in DOORS {
        for active in [true, false] {
            types(&ann, door, room, active).await.unwrap();
            types(&ann, door, direct, active).await.unwrap();
            let told = [(room, ann.id(), active), (direct, ann.id(), active)];
            assert_eq!(typing_heard(&mut bo).await, told);
            assert_eq!(typing_heard(&mut cy).await, told[..1]);
            assert_eq!(typing_heard(&mut ann).await, []);
        }
    }
    assert_eq!(
        refused(types(&cy, Door::Http, direct, true).await),
        ErrorCode::NotFound
    );
    assert_eq!(
        refused(types(&di, Door::Http, room, true).await),
        ErrorCode::NotAMember
    );
    for (who, thread, code) in [(&mut cy, direct, ErrorCode::NotFound)] {
        who.socket.typing(thread, true).await.unwrap();
        let refusal = who.socket.next_refusal(Duration::from_secs(30)).await;
        assert_eq!(refusal.unwrap().code, code);
    }
    assert_eq!(typing_heard(&mut bo).await, []);
    bo.block(ann.id()).await.unwrap();
    assert_eq!(
        refused(types(&ann, Door::Http, direct, true).await),
        ErrorCode::Blocked
    );
    types(&ann, Door::Http, room, true).await.unwrap();
    assert_eq!(
        typing_heard(&mut bo).await.len(),
        1,
        "groups are not affected"
    );
    assert_eq!(ann.thread(room).await.unwrap().member_count, 3);
    ann.send(room, text("x")).await.unwrap();
}

#[tokio::test]
async fn who_hides_typing_is_not_shown_that_of_others() {
    let server = Server::start().await;
    let (mut ann, mut bo) = (server.person("ann").await, server.person("boris").await);
    let mut cy = server.person("cyril").await;
    let room = ann
        .group("room", &[bo.id(), cy.id()])
        .await
        .unwrap()
        .thread
        .id;
    for person in [&mut ann, &mut bo, &mut cy] {
        person.heard().await;
    }
    let of = |audience| PrivacyPatch {
        typing: Some(audience),
        ..PrivacyPatch::default()
    };
    privacy(&bo, of(Audience::Nobody)).await;
    for door in DOORS {
        types(&bo, door, room, true).await.unwrap();
        types(&ann, door, room, true).await.unwrap();
        assert_eq!(typing_heard(&mut ann).await, []);
        assert_eq!(typing_heard(&mut bo).await, []);
        assert_eq!(typing_heard(&mut cy).await, [(room, ann.id(), true)]);
    }
    privacy(&bo, of(Audience::Contacts)).await;
    befriend(&bo, &ann).await;
    for person in [&mut ann, &mut cy] {
        person.heard().await;
    }
    types(&bo, Door::Socket, room, true).await.unwrap();
    assert_eq!(typing_heard(&mut ann).await, [(room, bo.id(), true)]);
    assert_eq!(typing_heard(&mut cy).await, []);
}
