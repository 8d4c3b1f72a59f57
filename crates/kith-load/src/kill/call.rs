//! A call that is made until there is an answer, through any number of kills.

use anyhow::{Result, bail};
use kith_client::ClientError;
use kith_protocol::Problem;
use kith_protocol::error::Retry;
use std::time::{Duration, Instant};

/// Wait before the same is tried again: short, so that a server that starts is met at once.
pub(super) const AGAIN_AFTER: Duration = Duration::from_millis(15);
/// Kills, starts and broken disks together take less; whoever waits longer is not served at all.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// An answer.
pub(super) enum Answered<T> {
    /// Carried out, now or at an earlier attempt.
    Yes(T),
    /// Refused for good.
    No {
        /// The refusal.
        problem: Box<Problem>,
        /// An earlier attempt got no answer.
        unsure: bool,
    },
}

/// Calls again and again; an error if the answer makes no sense, or none comes at all.
pub(super) async fn until_answered<T>(
    mut call: impl AsyncFnMut() -> Result<T, ClientError>,
) -> Result<Answered<T>> {
    let (began, mut unsure) = (Instant::now(), false);
    loop {
        match call().await {
            Ok(answer) => return Ok(Answered::Yes(answer)),
            Err(ClientError::Refused(problem)) if problem.retry != Retry::Later => {
                return Ok(Answered::No { problem, unsure });
            }
            // A store that breaks in the middle does not know either what it has written.
            Err(error) if error.may_retry() => unsure = true,
            Err(error) => return Err(error.into()),
        }
        if began.elapsed() > PATIENCE {
            bail!("no answer within {} s", PATIENCE.as_secs());
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// The same for what cannot be refused.
pub(super) async fn surely<T>(
    what: &str,
    call: impl AsyncFnMut() -> Result<T, ClientError>,
) -> Result<T> {
    match until_answered(call).await? {
        Answered::Yes(answer) => Ok(answer),
        Answered::No { problem, .. } => bail!("{what}: {problem}"),
    }
}
