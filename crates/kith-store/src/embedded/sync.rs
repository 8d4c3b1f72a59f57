//! What sync tells in fjall: everything from one snapshot, in one hop.

use super::changes::{Places, place};
use super::delivered::Delivered;
use super::table::{Reader, Table};
use super::{Embedded, contact, inbox, key, session, user_thread};
use crate::StoreResult;
use crate::contact::ContactRow;
use crate::sync::{Basis, SyncRows, Syncs, one_after_the_other};
use async_trait::async_trait;
use kith_protocol::UserId;
use std::sync::Arc;

/// Users with more threads and contacts are read at each call: a stamp for each of these would take
/// longer to look at than it saves memory to keep.
const PLACES_MAX: usize = 1024;

#[async_trait]
impl Syncs for Embedded {
    async fn sync_rows(&self, user: UserId) -> StoreResult<Option<SyncRows>> {
        // Before anything is read, and before it is waited for that all of it can be read.
        let read_at = self.changes.now();
        let left = self.delivered.left();
        let delivered = Arc::clone(&self.delivered);
        let rows = self
            .read(move |reader| {
                let rows = rows(reader, &delivered, user, read_at)?;
                // A mark that left memory meanwhile may be seen neither there nor in the snapshot.
                Ok((delivered.left() == left).then_some(rows))
            })
            .await?;
        match rows {
            Some(rows) => Ok(rows),
            None => one_after_the_other(self, user).await,
        }
    }

    fn stands(&self, basis: &Basis) -> bool {
        self.changes.stands(basis)
    }
}

fn rows(
    reader: &Reader<'_>,
    delivered: &Delivered,
    user: UserId,
    read_at: u64,
) -> StoreResult<Option<SyncRows>> {
    let Some(me) = reader.get(Table::People, key::user(user))? else {
        return Ok(None);
    };
    let mut places: Places = vec![place(user.bytes())];
    let mut threads = Vec::new();
    for row in user_thread::rows(reader, user) {
        let (thread, mine) = row?;
        let waiting = delivered.best(thread);
        threads.extend(inbox::parts(reader, waiting, user, thread, Some(mine))?);
        places.push(place(thread.bytes()));
    }
    let mut contacts = Vec::new();
    for row in contact::people_since(reader, key::contacts(user)) {
        let (user, since) = row?;
        let account = reader.get(Table::People, key::user(user))?;
        contacts.push((ContactRow { user, since }, account));
        places.push(place(user.bytes()));
    }
    let basis = (places.len() <= PLACES_MAX).then(|| Basis {
        read_at,
        places: places.into(),
    });
    Ok(Some(SyncRows {
        me,
        threads,
        contacts,
        former: contact::former(reader, user)?,
        sessions: session::list(reader, user)?,
        basis,
    }))
}
