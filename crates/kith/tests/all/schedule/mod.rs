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

use crate::support::seeds::try_seeds;
use kith_store::embedded::{self, EmbeddedConfig};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
