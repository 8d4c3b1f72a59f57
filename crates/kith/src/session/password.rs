//! Passwords: Argon2id in a pool that is bounded, so that signing in never starves chatting.

use crate::clock::{Clock, random_bytes};
use crate::config;
use crate::error::{Error, Result};
use crate::limit::Limits;
use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What RFC 9106 recommends.
const SALT_BYTES: usize = 16;

/// Hashes and verifies passwords, a few at a time.
pub(super) struct Passwords {
    params: Params,
    /// Verified instead of the hash of somebody who is not there, so that it takes as long.
    nobody: String,
    workers: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// One who waits or works; leaves when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passwords {
    pub(super) fn new(config: &config::Password) -> Self {
        let params = Params::new(
            config.memory_kib,
            config.iterations,
            config.parallelism,
            None,
        )
        .expect("the configuration was checked against the bounds of Argon2");
        let nobody = hash(&params, &random_bytes::<SALT_BYTES>()).unwrap_or_default();
        Self {
            params,
            nobody,
            workers: Arc::new(Semaphore::new(config.workers)),
            waiting: AtomicUsize::new(0),
            waiting_max: config.workers + config.queue,
        }
    }

    /// The PHC string of a new password.
    pub(super) async fn hash(&self, password: String) -> Result<String> {
        let params = self.params.clone();
        let (_waiting, permit) = self.turn().await?;
        run(permit, move || hash(&params, password.as_bytes())).await?
    }

    /// Whether this is the password of the account with this handle; `stored` is none if there is
    /// no such account. Counts wrong ones, and refuses when there were too many.
    pub(super) async fn verify(
        &self,
        (limits, clock): (&Limits, &Clock),
        handle: &str,
        stored: Option<&str>,
        password: String,
    ) -> Result<bool> {
        // A flood is refused before it fills the queue; what is queued is counted in its turn.
        limits.may_try_password(handle, clock.now())?;
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let (_waiting, permit) = self.turn().await?;
        limits.try_password(handle, clock.now())?;
        let right = run(permit, move || {
            Argon2::default()
                .verify_password(password.as_bytes(), stored.as_str())
                .is_ok()
        })
        .await?;
        if right && known {
            limits.password_was_right(handle);
        }
        Ok(right && known)
    }

    async fn turn(&self) -> Result<(Waiting<'_>, OwnedSemaphorePermit)> {
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            return Err(Error::Overloaded("too many people sign in at the moment"));
        }
        let permit = Arc::clone(&self.workers).acquire_owned().await;
        let permit = permit.map_err(|_| Error::Internal("the password pool is closed"))?;
        Ok((waiting, permit))
    }
}

/// Runs beside the runtime. The permit goes along: who asked may be gone before it is done.
async fn run<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let work = move || {
        let done = work();
        drop(permit);
        done
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Internal("a password task died"))
}

fn hash(params: &Params, password: &[u8]) -> Result<String> {
    Argon2::from(params)
        .hash_password_with_salt(password, &random_bytes::<SALT_BYTES>())
        .map(|hash| hash.to_string())
        .map_err(|_| Error::Internal("a password could not be hashed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use kith_protocol::Timestamp;

    fn cheap() -> (Config, Limits, Clock) {
        let mut config = Config::default();
        config.password.memory_kib = 8;
        config.password.iterations = 1;
        let clock = Clock::Manual(crate::clock::ManualClock::at(Timestamp(0)));
        let limits = Limits::new(&config);
        (config, limits, clock)
    }

    #[tokio::test]
    async fn only_the_right_password_of_somebody_known_is_right() {
        let (config, limits, clock) = cheap();
        let passwords = Passwords::new(&config.password);
        let stored = passwords.hash("correct horse".into()).await.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"),
            "{stored}"
        );
        let with = (&limits, &clock);
        assert!(
            passwords
                .verify(with, "ann", Some(&stored), "correct horse".into())
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(with, "ann", Some(&stored), "wrong".into())
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(with, "bo", None, "correct horse".into())
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn a_full_queue_says_so() {
        let (mut config, ..) = cheap();
        config.password.queue = 1;
        let passwords = Passwords::new(&config.password);
        let held = passwords.turn().await.unwrap();
        let queued = passwords.turn();
        tokio::pin!(queued);
        assert!(futures_util::poll!(&mut queued).is_pending());
        assert!(matches!(passwords.turn().await, Err(Error::Overloaded(_))));
        drop(held);
        assert!(queued.await.is_ok());
    }
}
