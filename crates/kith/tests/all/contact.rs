//! Contacts, requests for them, and blocks.

use crate::support::{Server, refused};
use kith::contact::check_direct;
use kith::error::Error;
use kith::node::SharedNode;
use kith_client::{Session, Socket, registration};
use kith_protocol::contact::AskContact;
use kith_protocol::frame::{ContactChanged, ServerFrame};
use kith_protocol::session::DeviceKind;
use kith_protocol::user::{DirectAudience, PatchMe, PrivacyPatch};
use kith_protocol::{ErrorCode, RequestId, UserId};
use kith_store::contact::{ContactChange, RequestRow};
use std::collections::BTreeSet;
use std::time::Duration;

const PASSWORD: &str = "correct horse";

async fn join(server: &Server, handle: &str) -> Session {
    server
        .api()
        .register(&registration(handle, PASSWORD, DeviceKind::Phone))
        .await
        .unwrap()
}

fn whom(user: &Session) -> AskContact {
    AskContact {
        user_id: user.id(),
        note: None,
    }
}

async fn befriend(a: &Session, b: &Session) {
    let request = a.ask_contact(&whom(b)).await.unwrap();
    b.accept_contact(request.id).await.unwrap();
}

async fn contacts(of: &Session) -> Vec<UserId> {
    let items = of.contacts().await.unwrap().items;
    items.iter().map(|contact| contact.user.id).collect()
}

async fn requests(of: &Session) -> Vec<RequestId> {
    let items = of.contact_requests().await.unwrap().items;
    items.iter().map(|request| request.id).collect()
}

/// The next push about contacts.
async fn told(socket: &mut Socket) -> ContactChanged {
    loop {
        match socket.next_push(Duration::from_secs(10)).await {
            Some(ServerFrame::Contact(changed)) => return changed,
            Some(_) => {}
            None => panic!("was not told"),
        }
    }
}

#[tokio::test]
async fn a_request_that_is_accepted_makes_contacts_of_both() {
    let server = Server::start().await;
    let (ann, bo) = (join(&server, "ann").await, join(&server, "bo-lund").await);
    let ask = AskContact {
        user_id: bo.id(),
        note: Some("it's ann".into()),
    };
    let request = ann.ask_contact(&ask).await.unwrap();
    assert!(!request.accepted);
    assert_eq!((request.from.id, request.to.id), (ann.id(), bo.id()));
    assert!(contacts(&ann).await.is_empty() && contacts(&bo).await.is_empty());
    let waiting = &bo.contact_requests().await.unwrap().items[0];
    assert_eq!(
        (waiting.id, waiting.note.as_deref()),
        (request.id, Some("it's ann"))
    );
    assert_eq!(requests(&ann).await, [request.id]);

    bo.accept_contact(request.id).await.unwrap();
    assert_eq!(
        (contacts(&ann).await, contacts(&bo).await),
        (vec![bo.id()], vec![ann.id()])
    );
    assert!(requests(&ann).await.is_empty() && requests(&bo).await.is_empty());
    bo.accept_contact(request.id).await.unwrap();
    let again = ann.ask_contact(&whom(&bo)).await.unwrap();
    assert_eq!((again.id, again.accepted), (request.id, true));
    assert!(requests(&bo).await.is_empty());
}

#[tokio::test]
async fn asking_twice_is_one_request_and_keeps_the_first_note() {
    let server = Server::start().await;
    let (ann, bo) = (join(&server, "ann").await, join(&server, "bo-lund").await);
    let mut ask = AskContact {
        user_id: bo.id(),
        note: Some("first".into()),
    };
    let body = |ask: &AskContact| serde_json::to_vec(ask).unwrap();
    let post = async |ask: &AskContact| {
        ann.raw("POST", "/v1/contacts/requests", &[], body(ask))
            .await
            .unwrap()
    };
    let first = post(&ask).await;
    ask.note = Some("second".into());
    server.clock.advance(Duration::from_secs(5));
    let second = post(&ask).await;
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.body, second.body);
    assert_eq!(requests(&bo).await.len(), 1);
}

#[tokio::test]
async fn two_who_ask_each_other_at_once_are_contacts() {
    let server = Server::start().await;
    for round in 0..10 {
        let ann = join(&server, &format!("ann{round}")).await;
        let bo = join(&server, &format!("bo{round}")).await;
        let (of_bo, of_ann) = (whom(&bo), whom(&ann));
        let (one, other) = tokio::join!(ann.ask_contact(&of_bo), bo.ask_contact(&of_ann));
        assert!(one.unwrap().accepted || other.unwrap().accepted);
        assert_eq!(
            (contacts(&ann).await, contacts(&bo).await),
            (vec![bo.id()], vec![ann.id()])
        );
        assert!(requests(&ann).await.is_empty() && requests(&bo).await.is_empty());
    }
}

#[tokio::test]
async fn only_who_was_asked_answers_a_request() {
    let server = Server::start().await;
    let (ann, bo, cy) = (
        join(&server, "ann").await,
        join(&server, "bo-lund").await,
        join(&server, "cy-moss").await,
    );
    let request = ann.ask_contact(&whom(&bo)).await.unwrap().id;
    for other in [&ann, &cy] {
        assert_eq!(
            refused(other.accept_contact(request).await),
            ErrorCode::NotFound
        );
        assert_eq!(
            refused(other.decline_contact(request).await),
            ErrorCode::NotFound
        );
    }
    assert!(requests(&cy).await.is_empty());
    bo.decline_contact(request).await.unwrap();
    assert_eq!(
        refused(bo.decline_contact(request).await),
        ErrorCode::NotFound
    );
    assert_eq!(
        refused(bo.accept_contact(request).await),
        ErrorCode::NotFound
    );
    assert!(requests(&ann).await.is_empty() && contacts(&ann).await.is_empty());
    assert!(!ann.ask_contact(&whom(&bo)).await.unwrap().accepted);
}

#[tokio::test]
async fn parting_is_mutual_and_may_be_repeated() {
    let server = Server::start().await;
    let (ann, bo) = (join(&server, "ann").await, join(&server, "bo-lund").await);
    befriend(&ann, &bo).await;
    bo.part(ann.id()).await.unwrap();
    bo.part(ann.id()).await.unwrap();
    assert!(contacts(&ann).await.is_empty() && contacts(&bo).await.is_empty());
    befriend(&bo, &ann).await;
    assert_eq!(contacts(&ann).await, [bo.id()]);
}

#[tokio::test]
async fn nobody_is_a_contact_of_oneself_or_of_nobody() {
    let server = Server::start().await;
    let ann = join(&server, "ann").await;
    let nobody = UserId(server.node.clock.new_id());
    assert_eq!(
        refused(ann.ask_contact(&whom(&ann)).await),
        ErrorCode::InvalidField
    );
    assert_eq!(refused(ann.block(ann.id()).await), ErrorCode::InvalidField);
    let ask = AskContact {
        user_id: nobody,
        note: None,
    };
    assert_eq!(refused(ann.ask_contact(&ask).await), ErrorCode::NotFound);
    for answer in [
        ann.block(nobody).await,
        ann.unblock(nobody).await,
        ann.part(nobody).await,
    ] {
        assert_eq!(refused(answer), ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn a_block_takes_contact_and_requests_away_and_bars_new_ones() {
    let server = Server::start().await;
    let (ann, bo, cy) = (
        join(&server, "ann").await,
        join(&server, "bo-lund").await,
        join(&server, "cy-moss").await,
    );
    befriend(&ann, &bo).await;
    cy.ask_contact(&whom(&ann)).await.unwrap();
    let since = server.node.clock.now();
    for other in [&bo, &cy] {
        ann.block(other.id()).await.unwrap();
        server.clock.advance(Duration::from_secs(1));
        ann.block(other.id()).await.unwrap();
    }
    let blocked = ann.blocks().await.unwrap().items;
    let mut both = [bo.id(), cy.id()];
    // In id order: ids of one millisecond are in no order of their own.
    both.sort();
    assert_eq!(
        blocked
            .iter()
            .map(|block| block.user.id)
            .collect::<Vec<_>>(),
        both
    );
    let of_bo = blocked.iter().find(|block| block.user.id == bo.id());
    assert_eq!(of_bo.map(|block| block.since_at), Some(since));
    for one in [&ann, &bo, &cy] {
        assert!(contacts(one).await.is_empty() && requests(one).await.is_empty());
    }
    assert!(bo.blocks().await.unwrap().items.is_empty());
    assert_eq!(
        refused(bo.ask_contact(&whom(&ann)).await),
        ErrorCode::NotFound
    );
    assert_eq!(
        refused(ann.ask_contact(&whom(&bo)).await),
        ErrorCode::NotFound
    );
    assert_eq!(bo.user(ann.id()).await.unwrap().handle, "ann");

    ann.unblock(bo.id()).await.unwrap();
    ann.unblock(bo.id()).await.unwrap();
    assert!(contacts(&ann).await.is_empty());
    befriend(&bo, &ann).await;
}

#[tokio::test]
async fn both_are_told_at_once_and_a_block_looks_like_parting() {
    let server = Server::start().await;
    let (ann, bo) = (join(&server, "ann").await, join(&server, "bo-lund").await);
    let mut anns = ann.socket().await.unwrap();
    let mut bos = bo.socket().await.unwrap();
    let request = ann.ask_contact(&whom(&bo)).await.unwrap().id;
    for (socket, other) in [(&mut anns, &bo), (&mut bos, &ann)] {
        let changed = told(socket).await;
        assert_eq!(
            (changed.user_id, changed.requests, changed.gone),
            (other.id(), true, false)
        );
        assert!(changed.contact.is_none());
    }
    bo.accept_contact(request).await.unwrap();
    for (socket, other) in [(&mut anns, &bo), (&mut bos, &ann)] {
        let changed = told(socket).await;
        assert_eq!(changed.contact.unwrap().user, other.user);
    }
    ann.part(bo.id()).await.unwrap();
    let parted = told(&mut bos).await;
    befriend(&ann, &bo).await;
    told(&mut bos).await;
    told(&mut bos).await;
    ann.block(bo.id()).await.unwrap();
    let blocked = told(&mut bos).await;
    let text = |changed: &ContactChanged| serde_json::to_string(changed).unwrap();
    assert_eq!(text(&blocked), text(&parted));
}

#[tokio::test]
async fn who_may_write_directly_follows_blocks_and_privacy_at_once() {
    let server = Server::start().await;
    let (ann, bo) = (join(&server, "ann").await, join(&server, "bo-lund").await);
    let node = &server.node;
    let may = async |from: &Session, to: &Session| {
        let versions = (
            node.relations.version(from.id()),
            node.relations.version(to.id()),
        );
        (
            check_direct(node, from.id(), to.id())
                .await
                .err()
                .map(|error| error.code()),
            versions,
        )
    };
    let (free, before) = may(&ann, &bo).await;
    assert_eq!(free, None);
    bo.block(ann.id()).await.unwrap();
    let (blocked, after) = may(&ann, &bo).await;
    assert_eq!(blocked, Some(ErrorCode::Blocked));
    assert_eq!(may(&bo, &ann).await.0, Some(ErrorCode::Blocked));
    assert!(after.0 > before.0 && after.1 > before.1);

    bo.unblock(ann.id()).await.unwrap();
    let (free, before) = may(&ann, &bo).await;
    assert_eq!(free, None);
    let direct = PrivacyPatch {
        direct: Some(DirectAudience::Contacts),
        ..PrivacyPatch::default()
    };
    let patch = PatchMe {
        privacy: Some(direct),
        ..PatchMe::default()
    };
    bo.patch_me(&patch).await.unwrap();
    let (contacts_only, after) = may(&ann, &bo).await;
    assert_eq!(contacts_only, Some(ErrorCode::ContactsOnly));
    assert_eq!(may(&bo, &ann).await.0, None);
    assert!(after.1 > before.1);
    befriend(&ann, &bo).await;
    let (free, befriended) = may(&ann, &bo).await;
    assert_eq!(free, None);
    assert!(befriended.0 > after.0 && befriended.1 > after.1);
    ann.part(bo.id()).await.unwrap();
    assert_eq!(may(&ann, &bo).await.0, Some(ErrorCode::ContactsOnly));
    let nobody = UserId(node.clock.new_id());
    assert!(matches!(
        check_direct(node, ann.id(), nobody).await,
        Err(Error::NotFound)
    ));
}

/// Makes many changes with people who need not be there.
async fn change_many(node: &SharedNode, count: usize, change: impl Fn(UserId) -> ContactChange) {
    let mut changing = tokio::task::JoinSet::new();
    for _ in 0..count {
        // Some at once, so that they share commits; not so many that the store refuses.
        if changing.len() >= 1000 {
            changing.join_next().await;
        }
        let (node, change) = (node.clone(), change(UserId(node.clock.new_id())));
        changing.spawn(async move { node.store.change_contact(change).await.unwrap() });
    }
    changing.join_all().await;
}

#[tokio::test]
async fn requests_that_wait_and_contacts_have_a_bound() {
    let server = Server::start().await;
    let ann = join(&server, "ann").await;
    let (bo, cy) = (
        join(&server, "bo-lund").await,
        join(&server, "cy-moss").await,
    );
    let (from, at) = (ann.id(), server.node.clock.now());
    let ask = |to| {
        ContactChange::Ask(RequestRow {
            from,
            to,
            note: None,
            at,
        })
    };
    change_many(&server.node, 999, ask).await;
    let request = ann.ask_contact(&whom(&bo)).await.unwrap().id;
    assert_eq!(
        refused(ann.ask_contact(&whom(&cy)).await),
        ErrorCode::Conflict
    );
    ann.ask_contact(&whom(&bo)).await.unwrap();

    change_many(&server.node, 9_999, |b| ContactChange::Befriend {
        a: from,
        b,
        at,
    })
    .await;
    bo.accept_contact(request).await.unwrap();
    let request = cy.ask_contact(&whom(&ann)).await.unwrap().id;
    assert_eq!(
        refused(ann.accept_contact(request).await),
        ErrorCode::Conflict
    );
    assert_eq!(requests(&cy).await, [request]);
    ann.part(bo.id()).await.unwrap();
    ann.accept_contact(request).await.unwrap();
}

/// What stands between three people, as the rules say it.
#[derive(Default)]
struct Model {
    contacts: BTreeSet<(usize, usize)>,
    asked: BTreeSet<(usize, usize)>,
    blocked: BTreeSet<(usize, usize)>,
}

impl Model {
    fn pair(a: usize, b: usize) -> (usize, usize) {
        (a.min(b), a.max(b))
    }

    /// What one does to another, and whether it is done.
    fn step(&mut self, what: usize, a: usize, b: usize) -> bool {
        let barred = self.blocked.contains(&(a, b)) || self.blocked.contains(&(b, a));
        let pair = Self::pair(a, b);
        match what {
            0 if barred => return false,
            0 if self.contacts.contains(&pair) => {}
            0 if self.asked.contains(&(b, a)) => self.befriend(a, b),
            0 => drop(self.asked.insert((a, b))),
            1 if self.contacts.contains(&pair) => {}
            1 if self.asked.contains(&(b, a)) => self.befriend(a, b),
            1 => return false,
            2 => return self.asked.remove(&(b, a)),
            3 => drop(self.contacts.remove(&pair)),
            4 => {
                self.contacts.remove(&pair);
                self.forget_requests(a, b);
                self.blocked.insert((a, b));
            }
            _ => drop(self.blocked.remove(&(a, b))),
        }
        true
    }

    fn befriend(&mut self, a: usize, b: usize) {
        self.contacts.insert(Self::pair(a, b));
        self.forget_requests(a, b);
    }

    fn forget_requests(&mut self, a: usize, b: usize) {
        self.asked.remove(&(a, b));
        self.asked.remove(&(b, a));
    }

    fn others(set: &BTreeSet<(usize, usize)>, of: usize) -> BTreeSet<usize> {
        let other = |&(a, b): &(usize, usize)| match (a == of, b == of) {
            (true, _) => Some(b),
            (_, true) => Some(a),
            _ => None,
        };
        set.iter().filter_map(other).collect()
    }
}

async fn act(node: &SharedNode, what: usize, a: UserId, b: UserId) -> Result<(), Error> {
    use kith::contact::*;
    let caller = kith::node::Caller {
        user: a,
        session: kith_protocol::SessionId(a.0),
    };
    match what {
        0 => ask(
            node,
            caller.into(),
            AskContact {
                user_id: b,
                note: None,
            },
        )
        .await
        .map(drop),
        1 => accept(node, a, RequestId::between(b, a)).await.map(drop),
        2 => decline(node, a, RequestId::between(b, a)).await,
        3 => part(node, a, b).await,
        4 => block(node, a, b).await,
        _ => unblock(node, a, b).await,
    }
}

/// Compares what everybody sees with the model.
async fn compare(node: &SharedNode, people: &[UserId], model: &Model, after: &str) {
    use kith::contact::*;
    let number = |id: &UserId| people.iter().position(|person| person == id).unwrap();
    for (n, &person) in people.iter().enumerate() {
        let seen: BTreeSet<_> = list(node, person)
            .await
            .unwrap()
            .iter()
            .map(|contact| number(&contact.user.id))
            .collect();
        assert_eq!(
            seen,
            Model::others(&model.contacts, n),
            "contacts of {n} after {after}"
        );
        let seen: BTreeSet<_> = (requests(node, person).await.unwrap().iter())
            .map(|request| (number(&request.from.id), number(&request.to.id)))
            .collect();
        let expected: BTreeSet<_> = model
            .asked
            .iter()
            .filter(|(a, b)| *a == n || *b == n)
            .copied()
            .collect();
        assert_eq!(seen, expected, "requests of {n} after {after}");
        let seen: BTreeSet<_> = blocks(node, person)
            .await
            .unwrap()
            .iter()
            .map(|block| (n, number(&block.user.id)))
            .collect();
        let expected: BTreeSet<_> = model
            .blocked
            .iter()
            .filter(|(a, _)| *a == n)
            .copied()
            .collect();
        assert_eq!(seen, expected, "blocks of {n} after {after}");
    }
}

#[tokio::test]
async fn whatever_three_people_do_to_each_other_is_as_the_rules_say() {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let steps = prop::collection::vec((0_usize..6, 0_usize..3, 1_usize..3), 60);
    let mut runner = TestRunner::default();
    let server = Server::start().await;
    for round in 0..10 {
        let mut people = Vec::new();
        for name in ["ann", "bo-lund", "cy-moss"] {
            people.push(join(&server, &format!("{name}{round}")).await.id());
        }
        let mut model = Model::default();
        let steps = steps.new_tree(&mut runner).unwrap().current();
        for (at, &(what, a, by)) in steps.iter().enumerate() {
            let b = (a + by) % 3;
            let done = act(&server.node, what, people[a], people[b]).await.is_ok();
            assert_eq!(done, model.step(what, a, b), "step {at} of {steps:?}");
        }
        compare(&server.node, &people, &model, &format!("{steps:?}")).await;
    }
}
