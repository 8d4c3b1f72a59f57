//! Fills a server with conversations to look at, by ordinary clients.

mod cast;
mod play;
mod rooms;
pub mod scene;

use crate::replay::progress;
use crate::replay::recorded::Recording;
use anyhow::{Context, Result};
use cast::{Account, Cast};
use futures_util::{StreamExt, TryStreamExt};
use kith_client::Api;
use scene::Scene;

/// Rooms that are played at the same time.
const ROOMS_AT_ONCE: usize = 6;

/// Plays recordings and then the scene, on a server where none of these people is yet. Its rate
/// limits must be off.
pub async fn fill(url: &str, scene: &Scene, recordings: &[Recording]) -> Result<()> {
    let api = Api::new(url)?;
    let written = scene.people.iter().map(|person| Account {
        handle: &person.handle,
        name: &person.name,
        about: &person.about,
    });
    let recorded = recordings.iter().flat_map(|recording| &recording.people);
    let recorded = recorded.map(|author| Account {
        handle: &author.handle,
        name: &author.nick,
        about: "",
    });
    let accounts: Vec<Account<'_>> = written.chain(recorded).collect();
    let bar = progress("signing up", accounts.len() as u64);
    let cast = Cast::sign_up(&api, &accounts, &scene.password, &bar).await?;
    bar.finish_and_clear();

    let lines = recordings.iter().map(Recording::line_count).sum::<usize>();
    let bar = progress("talking", lines as u64);
    let all = recordings
        .iter()
        .flat_map(|recording| recording.rooms.iter().map(move |room| (recording, room)));
    let rooms = all.map(|(recording, room)| {
        let played = rooms::play(&cast, &scene.log_in, recording, room, &bar);
        async { played.await.with_context(|| room.name.clone()) }
    });
    futures_util::stream::iter(rooms)
        .buffered(ROOMS_AT_ONCE)
        .try_collect::<()>()
        .await?;
    bar.finish_and_clear();

    play::contacts(&cast, scene).await?;
    for thread in &scene.threads {
        let played = play::thread(&cast, thread).await;
        played.with_context(|| format!("{:?} of {:?}", thread.title, thread.people))?;
    }
    // Their devices are to be those of the visitors alone.
    for handle in &scene.log_in {
        cast.session(handle)?.logout().await?;
    }
    Ok(())
}
