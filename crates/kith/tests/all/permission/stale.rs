//! Two nodes over one store: what one of them does not know yet is no way in at the other.

use crate::support::Server;
use crate::support::{refused, talk};
use kith_protocol::ErrorCode;
use kith_protocol::thread::Role;

/// A server whose groups of three are large already, and a second node.
async fn two_nodes() -> (Server, Server) {
    let here = Server::with(|config| {
        config.thread.personal_channel_max_members = 2;
        config.thread.personal_channel_return_members = 2;
    });
    let here = here.await;
    let there = here.beside().await;
    (here, there)
}

#[tokio::test]
async fn who_was_removed_at_another_node_hears_nothing_more_here() {
    let (here, there) = two_nodes().await;
    let ann = here.join("ann").await;
    let (bo, cy) = (here.join("boris").await, here.join("cyril").await);
    let t = ann
        .group("tea", &[bo.id(), cy.id()])
        .await
        .unwrap()
        .thread
        .id;
    let (ann_there, mut bo_there) = (there.again(&ann), there.device("boris").await);
    let mut cy_there = there.device("cyril").await;
    for person in [&bo_there, &cy_there] {
        person.socket.subscribe(t).await.unwrap();
    }
    let one = ann_there.send(t, talk::text("one")).await.unwrap().seq;
    assert_eq!(bo_there.seqs(t).await, [one]);
    assert_eq!(cy_there.seqs(t).await, [one]);
    ann.remove_member(t, cy.id()).await.unwrap();
    let two = ann_there.send(t, talk::text("two")).await.unwrap().seq;
    assert_eq!(bo_there.seqs(t).await, [two], "the removal is fetched");
    assert_eq!(cy_there.seqs(t).await, [0; 0]);
}

#[tokio::test]
async fn who_was_let_in_or_out_at_another_node_is_so_at_once_here() {
    let (here, there) = two_nodes().await;
    let (ann, bo) = (here.join("ann").await, here.join("boris").await);
    let t = ann.group("tea", &[]).await.unwrap().thread.id;
    let (ann_there, bo_there) = (there.again(&ann), there.again(&bo));
    // Now that node knows the thread, without bo.
    ann_there.send(t, talk::text("one")).await.unwrap();
    ann.add_members(t, &[bo.id()]).await.unwrap();
    bo_there.send(t, talk::text("two")).await.unwrap();
    ann.set_role(t, bo.id(), Role::Muted).await.unwrap();
    let said = bo_there.send(t, talk::text("three")).await;
    assert_eq!(refused(said), ErrorCode::Forbidden);
    ann.set_role(t, bo.id(), Role::Member).await.unwrap();
    bo_there.send(t, talk::text("four")).await.unwrap();
    ann.remove_member(t, bo.id()).await.unwrap();
    let said = bo_there.send(t, talk::text("five")).await;
    assert_eq!(refused(said), ErrorCode::NotAMember);
}
