//! Which session a token stands for, and when it was last used.

use super::end::{self, Write};
use super::token::Live;
use super::{begin, token};
use crate::error::{Error, Result};
use crate::node::Node;
use kith_protocol::session::EndReason;
use kith_store::session::{SessionRow, TokenState};
use std::net::IpAddr;
use std::sync::atomic::Ordering;

/// Sessions are touched to the minute: a write for each request would cost more than the request.
const TOUCH_EVERY_MS: i64 = 60_000;

/// The live session of a token. A dead one is refused with the reason while that is remembered.
///
/// Who opens a connection for it attaches the connection first and asks once more afterwards: a
/// session that ended in between is then refused, and one that ends later closes the connection.
pub async fn authenticate(node: &Node, token: &str) -> Result<Live> {
    if token.len() != token::TOKEN_CHARS {
        return Err(Error::Unauthorized);
    }
    let (hash, now) = (token::hash(token), node.clock.now());
    let endings = match node.sign_in.tokens.get(&hash) {
        Ok(live) if live.has_expired(now) => return expire(node, &live).await,
        Ok(live) => return Ok(live),
        Err(endings) => endings,
    };
    let live = match node.store.token(&hash).await? {
        Some(TokenState::Live(row)) => Live::of(row),
        Some(TokenState::Ended {
            reason, forget_at, ..
        }) if now < forget_at => {
            return Err(Error::SessionEnded(reason));
        }
        _ => return Err(Error::Unauthorized),
    };
    if live.has_expired(now) {
        return expire(node, &live).await;
    }
    node.sign_in.tokens.put(&live, endings);
    Ok(live)
}

/// Asks once more whether a session lives, for who attached a connection to it meanwhile.
pub async fn still_live(node: &Node, live: &Live) -> Result<()> {
    if node.sign_in.tokens.get(&live.session.token).is_ok() {
        return Ok(());
    }
    match node.store.token(&live.session.token).await? {
        Some(TokenState::Live(_)) => Ok(()),
        Some(TokenState::Ended { reason, .. }) => Err(Error::SessionEnded(reason)),
        None => Err(Error::Unauthorized),
    }
}

/// Notes that a session was used just now, at most once a minute. Its end moves on with it.
pub async fn touch(node: &Node, live: &Live, address: Option<IpAddr>) {
    let now = node.clock.now();
    let seen_ms = live.seen.at_ms.load(Ordering::Relaxed);
    if now.0 - seen_ms < TOUCH_EVERY_MS {
        return;
    }
    let swap =
        live.seen
            .at_ms
            .compare_exchange(seen_ms, now.0, Ordering::Relaxed, Ordering::Relaxed);
    if swap.is_err() {
        return;
    }
    let expires_at = begin::expires_at(node, now);
    live.seen.expires_ms.store(expires_at.0, Ordering::Relaxed);
    let address = address.map_or_else(
        || live.session.address.clone(),
        |address| address.to_string(),
    );
    let touched = (
        live.caller.user,
        live.caller.session,
        now,
        expires_at,
        address,
    );
    if let Err(error) = node.store.touch_sessions(&[touched]).await {
        tracing::debug!(%error, "the last use of a session could not be stored");
    }
}

/// Ends a session whose time is over, so that its token is remembered as expired.
async fn expire(node: &Node, live: &Live) -> Result<Live> {
    let now = node.clock.now();
    let id = live.caller.session;
    let over =
        |row: &SessionRow| (row.id == id && row.expires_at <= now).then_some(EndReason::Expired);
    end::end_where(node, live.caller.user, None, Write::IfAny, over).await?;
    node.sign_in.tokens.end(&live.session.token);
    Err(Error::SessionEnded(EndReason::Expired))
}
