//! Tokens, and the live sessions behind those that were used lately.

use crate::clock::random_bytes;
use crate::node::Caller;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kith_protocol::Timestamp;
use kith_store::session::{SessionRow, TokenHash};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Nobody can guess 256 bits.
const TOKEN_BYTES: usize = 32;
/// A token as text.
pub(super) const TOKEN_CHARS: usize = 43;
/// Locks.
const SHARDS: usize = 16;
/// Sessions in each shard: 65,536 in all, some 32 MB.
const SHARD_MAX: usize = 4_096;

/// A session that may act.
#[derive(Clone)]
pub struct Live {
    /// Who.
    pub caller: Caller,
    /// The session as it was when it was read.
    pub session: Arc<SessionRow>,
    pub(super) seen: Arc<Seen>,
}

/// When a session was last used and when it ends: these two move on while it is used.
pub(super) struct Seen {
    pub(super) at_ms: AtomicI64,
    pub(super) expires_ms: AtomicI64,
}

impl Live {
    pub(super) fn of(row: SessionRow) -> Self {
        let seen = Seen {
            at_ms: AtomicI64::new(row.last_seen_at.0),
            expires_ms: AtomicI64::new(row.expires_at.0),
        };
        Self {
            caller: Caller {
                user: row.user,
                session: row.id,
            },
            session: Arc::new(row),
            seen: Arc::new(seen),
        }
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        now.0 >= self.seen.expires_ms.load(Ordering::Relaxed)
    }
}

/// A new token and what is stored of it.
pub(super) fn new_token() -> (String, TokenHash) {
    let token = URL_SAFE_NO_PAD.encode(random_bytes::<TOKEN_BYTES>());
    let hash = hash(&token);
    (token, hash)
}

/// SHA-256 of the token's text.
pub(super) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// Live sessions by token, so that a request costs no read.
#[derive(Default)]
pub(super) struct Tokens {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    /// Grows with every ending: what was read before must not be put in afterwards.
    endings: u64,
    live: FxHashMap<TokenHash, Live>,
}

impl Tokens {
    /// The session if it is known here; else the number to hand to [`Tokens::put`] after reading.
    pub(super) fn get(&self, token: &TokenHash) -> Result<Live, u64> {
        let shard = self.shard(token).lock();
        shard.live.get(token).cloned().ok_or(shard.endings)
    }

    /// Keeps a session that was read after `endings` was taken, unless one ended meanwhile.
    pub(super) fn put(&self, live: &Live, endings: u64) {
        let token = live.session.token;
        let mut shard = self.shard(&token).lock();
        if shard.endings != endings {
            return;
        }
        if shard.live.len() >= SHARD_MAX {
            // A token is random, so the first in the map is a random one.
            if let Some(some) = shard.live.keys().next().copied() {
                shard.live.remove(&some);
            }
        }
        shard.live.insert(token, live.clone());
    }

    /// The session has ended: the store says so already.
    pub(super) fn end(&self, token: &TokenHash) {
        let mut shard = self.shard(token).lock();
        shard.endings += 1;
        shard.live.remove(token);
    }

    fn shard(&self, token: &TokenHash) -> &Mutex<Shard> {
        &self.shards[usize::from(token[0]) % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_protocol::session::DeviceKind;
    use kith_protocol::{SessionId, UserId};

    fn live() -> Live {
        let (_, token) = new_token();
        Live::of(SessionRow {
            id: SessionId::from_bytes(random_bytes()),
            user: UserId::from_bytes(random_bytes()),
            token,
            kind: DeviceKind::Phone,
            label: "ann's phone".into(),
            created_at: Timestamp(0),
            last_seen_at: Timestamp(0),
            expires_at: Timestamp(10),
            address: String::new(),
        })
    }

    #[test]
    fn a_token_is_43_characters_and_never_the_same() {
        let (one, other) = (new_token(), new_token());
        assert_eq!(one.0.len(), TOKEN_CHARS);
        assert_ne!(one, other);
        assert_eq!(hash(&one.0), one.1);
    }

    #[test]
    fn what_was_read_before_an_ending_is_not_kept_after_it() {
        let (tokens, live) = (Tokens::default(), live());
        let token = live.session.token;
        let endings = tokens.get(&token).err().unwrap();
        tokens.end(&token);
        tokens.put(&live, endings);
        assert!(tokens.get(&token).is_err());
        let endings = tokens.get(&token).err().unwrap();
        tokens.put(&live, endings);
        assert!(tokens.get(&token).is_ok());
        tokens.end(&token);
        assert!(tokens.get(&token).is_err());
    }

    #[test]
    fn a_session_expires_at_its_time_not_before() {
        let live = live();
        assert!(!live.has_expired(Timestamp(9)));
        assert!(live.has_expired(Timestamp(10)));
    }

    #[test]
    fn memory_is_bounded_however_many_sign_in() {
        let tokens = Tokens::default();
        let mut one = (*live().session).clone();
        for number in 0..(SHARD_MAX as u32 + 10) {
            one.token[1..5].copy_from_slice(&number.to_be_bytes());
            tokens.put(&Live::of(one.clone()), 0);
        }
        assert_eq!(tokens.shard(&one.token).lock().live.len(), SHARD_MAX);
    }
}
