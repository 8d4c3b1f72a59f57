//! The accounts of the demo.

use anyhow::{Context, Result};
use futures_util::StreamExt;
use indicatif::ProgressBar;
use kith_client::{Api, Session, registration};
use kith_protocol::UserId;
use kith_protocol::session::DeviceKind;
use kith_protocol::user::{PatchMe, check_display_name};
use rustc_hash::FxHashMap;

/// Sign-ups at a time: each costs the server a password hash.
const SIGN_UPS_AT_ONCE: usize = 16;

/// An account to be.
pub(super) struct Account<'a> {
    pub(super) handle: &'a str,
    pub(super) name: &'a str,
    pub(super) about: &'a str,
}

/// Everybody, signed in, by handle.
pub(super) struct Cast(FxHashMap<String, Session>);

impl Cast {
    pub(super) async fn sign_up(
        api: &Api,
        accounts: &[Account<'_>],
        password: &str,
        bar: &ProgressBar,
    ) -> Result<Self> {
        let calls = accounts.iter().map(|account| async {
            let session = enter(api, account, password).await;
            bar.inc(1);
            let session = session.with_context(|| format!("sign {} up", account.handle))?;
            Ok((account.handle.to_owned(), session))
        });
        let people: Vec<Result<_>> = futures_util::stream::iter(calls)
            .buffer_unordered(SIGN_UPS_AT_ONCE)
            .collect()
            .await;
        Ok(Self(people.into_iter().collect::<Result<_>>()?))
    }

    /// Somebody's session.
    pub(super) fn session(&self, handle: &str) -> Result<&Session> {
        let session = self.0.get(handle);
        session.with_context(|| format!("{handle} is not in the cast"))
    }

    /// Somebody's id.
    pub(super) fn id(&self, handle: &str) -> Result<UserId> {
        Ok(self.session(handle)?.id())
    }

    /// Ids of several people.
    pub(super) fn ids<'a>(&self, handles: impl Iterator<Item = &'a str>) -> Result<Vec<UserId>> {
        handles.map(|handle| self.id(handle)).collect()
    }
}

async fn enter(api: &Api, account: &Account<'_>, password: &str) -> Result<Session> {
    let mut register = registration(account.handle, password, DeviceKind::Desktop);
    register.device.label = "kith-load demo".to_owned();
    // A recorded nickname may be none that the server takes; the handle stands in for it.
    register.display_name = check_display_name(account.name).ok();
    let session = api.register(&register).await?;
    if !account.about.is_empty() {
        let patch = PatchMe {
            about: Some(account.about.to_owned()),
            ..PatchMe::default()
        };
        session.patch_me(&patch).await?;
    }
    Ok(session)
}
