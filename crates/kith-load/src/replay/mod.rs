//! Replays recorded conversations against a server and audits everything that it says about them.

pub(crate) mod check;
mod crowd;
mod drive;
pub(crate) mod reader;
pub mod recorded;
mod report;
pub mod script;

pub use check::Plant;
pub use report::{Counts, Report};

use crate::audit::{RowSeen, SyncRowSeen, SyncSeen, Told};
use anyhow::{Context, Result, ensure};
use crowd::Crowd;
use drive::Played;
use futures_util::{StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use kith_client::{Api, Session};
use recorded::Recording;
use script::{Mix, script};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rooms that are played at the same time.
const ROOMS_AT_ONCE: usize = 6;

/// What to replay, and how.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Of everything that is drawn.
    pub seed: u64,
    /// People who read live at a time, over all rooms.
    pub readers: usize,
    /// How often what happens.
    pub mix: Mix,
    /// A fault that the audit shall find, to see that it does.
    pub plant: Option<Plant>,
}

/// Replays a recording on the server at `url` and audits the outcome. The server's group limit must
/// allow the largest room, and its rate limits must be off.
pub async fn replay(url: &str, recording: &Recording, options: Options) -> Result<Report> {
    let api = Api::new(url)?;
    let bar = progress("signing up", recording.people.len() as u64 + 1);
    let crowd = Crowd::sign_up(&api, &recording.people, options.seed, &bar).await?;
    let crowd = Arc::new(crowd);
    bar.finish_and_clear();

    let began = Instant::now();
    let bar = progress("playing", recording.line_count() as u64);
    let mut rooms = play(&crowd, recording, options, &bar).await?;
    bar.finish_and_clear();
    let played_s = began.elapsed().as_secs_f64();

    let began = Instant::now();
    let memberships: usize = recording
        .rooms
        .iter()
        .map(|room| room.authors().len() + 1)
        .sum();
    let bar = progress(
        "auditing",
        (memberships + recording.people.len() + 1) as u64,
    );
    let (mut findings, mut counts) = check::check(&crowd, &rooms, options, &bar).await?;
    bar.finish_and_clear();
    for room in &mut rooms {
        findings.merge(std::mem::take(&mut room.findings));
        counts.add(&room.counts);
    }
    let report = Report {
        seed: options.seed,
        rooms: rooms.len(),
        people: recording.people.len(),
        counts,
        played_s,
        audited_s: began.elapsed().as_secs_f64(),
        differences: Default::default(),
        told: Vec::new(),
    };
    Ok(report.found(&findings))
}

async fn play(
    crowd: &Arc<Crowd>,
    recording: &Recording,
    options: Options,
    bar: &ProgressBar,
) -> Result<Vec<Played>> {
    let at_once = ROOMS_AT_ONCE.min(recording.rooms.len());
    let readers = (options.readers / at_once).max(1);
    let plays = recording.rooms.iter().zip(0u64..).map(|(room, number)| {
        let acts = script(room, options.mix, readers, options.seed ^ number << 32);
        async move { drive::play(crowd.clone(), room, &acts, bar).await }
    });
    futures_util::stream::iter(plays)
        .buffered(at_once)
        .try_collect()
        .await
}

/// What one call of sync told, all its pages together.
pub(crate) struct Synced {
    pub(crate) told: Told,
    pub(crate) rows: Vec<RowSeen>,
    pub(crate) digest: Option<String>,
}

/// Syncs from a cursor, or everything with an empty one.
pub(crate) async fn read_sync(session: &Session, mut told: Told) -> Result<Synced> {
    let (mut rows, mut first) = (Vec::new(), true);
    loop {
        let path = if told.cursor.is_empty() {
            "/v1/sync?digest=1".to_owned()
        } else {
            format!("/v1/sync?digest=1&cursor={}", told.cursor)
        };
        let answer = session.raw("GET", &path, &[], "").await?;
        let body = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200, "sync: {body}");
        let answer: SyncSeen = serde_json::from_str(&body).context("sync")?;
        told.apply(&answer, first);
        first = false;
        for row in answer.threads {
            if let SyncRowSeen::Row(row) = row {
                rows.push(*row);
            }
        }
        if !answer.more {
            let digest = answer.digest;
            return Ok(Synced { told, rows, digest });
        }
    }
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress(what: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(what);
    let style = ProgressStyle::with_template("{msg:12} {wide_bar} {pos}/{len} {per_sec} {eta}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
