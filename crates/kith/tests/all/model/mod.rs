//! A real server against a naive model: what the log says is all there is. Random acts of several people
//! with two devices each, over both doors; after every few the model predicts log, inbox, sync, marks,
//! members, private settings and pushes.
//!
//! A run that fails is made shorter, says its seed, and how it comes again.

mod burst;
mod device;
mod event;
mod look;
mod mark;
mod member;
mod message;
mod private;
mod room;
mod world;

use crate::support::seeds::try_seeds;
use event::Event;
use std::time::Duration;
use world::World;

/// Acts of one run.
const EVENTS: usize = 160;

/// About twelve seconds.
const USUAL_RUNS: u64 = 12;

/// Acts between two looks at everything.
const LOOK_EVERY: usize = 12;

#[test]
fn whatever_people_do_the_server_says_what_the_log_says() {
    try_seeds(USUAL_RUNS, &event::events(EVENTS), |seed, events| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(run(seed, events));
    });
}

async fn run(seed: u64, events: Vec<Event>) {
    let mut world = World::new(seed).await;
    for (number, event) in events.into_iter().enumerate() {
        world.server().clock.advance(Duration::from_millis(7));
        world.happens(event).await;
        if number % LOOK_EVERY == LOOK_EVERY - 1 {
            world.look().await;
        }
    }
    world.look().await;
}
