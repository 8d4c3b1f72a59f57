//! Schedules: two nodes over one store, and a test that decides when each of their calls on the store
//! returns, and how it ends. Whatever the order, the log alone must explain every answer, every view and
//! every push afterwards.
//!
//! A schedule that fails says its seed, and how it comes again.

mod audit;
mod gate;
mod history;
mod pushes;
mod step;
mod wish;
mod world;

use crate::support::Server;
use crate::support::seeds::try_seeds;
use crate::support::wire::Wire;
use gate::{Fate, Gate, Held};
use kith::config::{Rate, RateKey};
use kith_client::new_msg_id;
use kith_store::embedded::{self, EmbeddedConfig};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use world::World;

/// Enough for a few races on each thread, few enough to be read when they fail.
const STEPS: usize = 80;

/// About five seconds.
const USUAL_RUNS: u64 = 60;

#[test]
fn whatever_the_order_of_two_nodes_the_log_explains_every_answer_view_and_push() {
    let folder = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig {
        folder: folder.path().into(),
        ..EmbeddedConfig::default()
    };
    // Schedules share a store, each with people and threads of its own.
    let store = embedded::open(config).unwrap();
    let number = Arc::new(AtomicU64::new(0));
    try_seeds(USUAL_RUNS, &step::schedule(STEPS), |_, steps| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let number = number.fetch_add(1, Ordering::Relaxed);
            let mut world = World::new(store.clone(), number).await;
            for step in steps {
                world.happens(step).await;
            }
            world.comes_to_rest().await;
            audit::audit(&world).await;
        });
    });
    store.close();
}

#[tokio::test]
async fn what_comes_too_often_or_waits_for_an_earlier_send_is_refused_without_asking_the_store() {
    let below = Server::with(|config| {
        config.limits.enabled = true;
        config.limits.send = Rate {
            key: RateKey::User,
            per_s: 0.1,
            burst: 4,
        };
    })
    .await;
    let (held, mut calls) = mpsc::unbounded_channel::<Held>();
    let gate = Gate {
        store: below.node.store.clone(),
        life: 0,
        held,
    };
    let asked = Arc::new(AtomicU64::default());
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Some(call) = calls.recv().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = call.go.send(Fate::Goes);
        }
    });
    let server = below.through(Arc::new(gate)).await;
    let ann = server.join("ann").await;
    let bo = server.join("bo-lund").await;
    let thread = ann.group("tea", &[bo.id()]).await.unwrap().thread.id;
    let mut wire = Wire::open(&server, &ann).await;
    let send = || json!({"t": "send", "thread_id": thread, "client_msg_id": new_msg_id(), "seen_head": 1, "text": "now"});
    for _ in 0..4 {
        assert_eq!(wire.ask(send()).await["t"], "ok");
    }
    let before = asked.load(Ordering::Relaxed);
    assert!(before >= 4, "each was appended");
    assert_eq!(wire.ask(send()).await["code"], "rate_limited");
    for _ in 0..10 {
        assert_eq!(wire.ask(send()).await["code"], "out_of_order");
    }
    below.clock.advance(Duration::from_secs(40));
    for _ in 0..10 {
        assert_eq!(wire.ask(send()).await["code"], "out_of_order");
    }
    assert_eq!(asked.load(Ordering::Relaxed), before);
}
