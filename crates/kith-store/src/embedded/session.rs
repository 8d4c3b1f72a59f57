//! Sessions and tokens in fjall.

use super::row::{TokenRow, Version};
use super::stage::Stage;
use super::table::{Reader, Table, bad_key};
use super::{Embedded, key};
use crate::session::{SessionChange, SessionList, SessionRow, Sessions, TokenHash, TokenState};
use crate::{StoreError, StoreResult};
use async_trait::async_trait;
use kith_protocol::{SessionId, Timestamp, UserId};

/// Bytes of a session while it waits, about.
const ROW_BYTES: usize = 512;
/// Tokens forgotten in one batch: appends wait meanwhile.
const FORGOTTEN_AT_ONCE: usize = 500;

fn change(stage: &mut Stage<'_>, change: &SessionChange) -> StoreResult<bool> {
    let user = change.user;
    let list_key = key::session_list(user);
    let version = stage
        .get::<Version>(Table::People, &list_key)?
        .unwrap_or_default();
    if version.0 != change.expected_version {
        return Ok(false);
    }
    let mut ending = Vec::new();
    for (session, reason) in &change.end {
        let row = stage.get::<SessionRow>(Table::People, &key::session(user, *session))?;
        ending.extend(row.map(|row| (row, *reason)));
    }

    stage.put(Table::People, &list_key, &Version(version.0 + 1))?;
    for (row, reason) in ending {
        let (reason, forget_at) = (reason, change.forget_at);
        stage.remove(Table::People, &key::session(user, row.id));
        let ended = TokenRow::Ended {
            user,
            session: row.id,
            reason,
            forget_at,
        };
        stage.put_empty(Table::People, &key::ended(user, row.id));
        stage.put(Table::People, &key::token(&row.token), &ended)?;
        stage.put_empty(Table::People, &key::forget(forget_at, &row.token));
    }
    if let Some(row) = &change.begin {
        let session = row.id;
        stage.put(Table::People, &key::session(user, session), row)?;
        let live = TokenRow::Live { user, session };
        stage.put(Table::People, &key::token(&row.token), &live)?;
    }
    Ok(true)
}

/// Forgets the tokens of these rows, unless they are remembered for longer by now.
fn forget(stage: &mut Stage<'_>, due: &[(Timestamp, TokenHash)]) -> StoreResult<usize> {
    let mut forgotten = Vec::new();
    for (at, token) in due {
        let row = stage.get(Table::People, &key::token(token))?;
        if let Some(TokenRow::Ended {
            forget_at,
            user,
            session,
            ..
        }) = row
            && forget_at == *at
        {
            forgotten.push((token, user, session));
        }
    }
    for (token, user, session) in &forgotten {
        stage.remove(Table::People, &key::ended(*user, *session));
        stage.remove(Table::People, &key::token(token));
    }
    for (at, token) in due {
        stage.remove(Table::People, &key::forget(*at, token));
    }
    Ok(forgotten.len())
}

#[async_trait]
impl Sessions for Embedded {
    async fn sessions(&self, user: UserId) -> StoreResult<SessionList> {
        self.read(move |reader| list(reader, user)).await
    }

    async fn change_sessions(&self, asked: SessionChange) -> StoreResult<bool> {
        let bytes = ROW_BYTES * (1 + asked.end.len());
        self.write(bytes, move |stage| change(stage, &asked)).await
    }

    async fn token(&self, token: &TokenHash) -> StoreResult<Option<TokenState>> {
        let key = key::token(token);
        self.read(move |reader| {
            let state = match reader.get(Table::People, key)? {
                None => return Ok(None),
                Some(TokenRow::Ended {
                    user,
                    reason,
                    forget_at,
                    ..
                }) => TokenState::Ended {
                    user,
                    reason,
                    forget_at,
                },
                Some(TokenRow::Live { user, session }) => {
                    let row = reader.get(Table::People, key::session(user, session))?;
                    TokenState::Live(row.ok_or_else(|| {
                        StoreError::Damaged(format!("a token has no session {session}"))
                    })?)
                }
            };
            Ok(Some(state))
        })
        .await
    }

    async fn touch_sessions(
        &self,
        touched: &[(UserId, SessionId, Timestamp, Timestamp, String)],
    ) -> StoreResult<()> {
        let touched = touched.to_vec();
        self.write(ROW_BYTES * touched.len(), move |stage| {
            for (user, session, seen_at, expires_at, address) in touched {
                let key = key::session(user, session);
                if let Some(row) = stage.get::<SessionRow>(Table::People, &key)? {
                    let row = SessionRow {
                        last_seen_at: seen_at,
                        expires_at,
                        address,
                        ..row
                    };
                    stage.put(Table::People, &key, &row)?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn forget_tokens(&self, now: Timestamp) -> StoreResult<usize> {
        let mut forgotten = 0;
        loop {
            let due: Vec<(Timestamp, TokenHash)> = self
                .read(move |reader| {
                    reader
                        .keys(Table::People, key::forget_until(now))
                        .take(FORGOTTEN_AT_ONCE)
                        .map(|key| {
                            let key = key?;
                            key::read_forget(&key).ok_or_else(|| bad_key(Table::People, &key))
                        })
                        .collect()
                })
                .await?;
            if due.is_empty() {
                return Ok(forgotten);
            }
            let bytes = ROW_BYTES + due.len() * size_of::<(Timestamp, TokenHash)>();
            forgotten += self.write(bytes, move |stage| forget(stage, &due)).await?;
        }
    }
}

/// The sessions of a user.
pub(super) fn list(reader: &Reader<'_>, user: UserId) -> StoreResult<SessionList> {
    let version: Version = reader
        .get(Table::People, key::session_list(user))?
        .unwrap_or_default();
    let sessions = reader
        .prefix(Table::People, key::sessions(user))
        .map(|row| Ok(row?.1))
        .collect::<StoreResult<_>>()?;
    let ended = reader
        .keys_with(Table::People, key::all_ended(user))
        .map(|key| {
            let key = key?;
            let id = key::last_id(&key).ok_or_else(|| bad_key(Table::People, &key))?;
            Ok(SessionId::from_bytes(id))
        })
        .collect::<StoreResult<_>>()?;
    Ok(SessionList {
        version: version.0,
        sessions,
        ended,
    })
}
