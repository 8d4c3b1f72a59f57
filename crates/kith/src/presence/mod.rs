//! Who is here: leases renewed by heartbeats, whose answers say what became of friends and of large
//! threads. Nothing is broadcast.

pub mod local;

use crate::clock::{Clock, random_bytes};
use crate::config::Config;
use crate::error::Result;
use crate::node::{Caller, Node};
use crate::receipt::Shown;
use kith_protocol::presence::{Beat, Changed, Friend, Heartbeat, State, Status};
use kith_protocol::{SessionId, ThreadId, Timestamp, UserId};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// When somebody was last here is written at most this often while they are.
const LAST_SEEN_EVERY_MS: i64 = 60_000;

/// Sessions of which it is remembered what they were told; over it all are told once more.
const TOLD_SESSIONS_MAX: usize = 100_000;

/// Leases of sessions. Losing all of them makes everybody offline until the next heartbeat, no more.
///
/// - A user's status is the best over sessions whose lease has not run out at `now`.
/// - `changed` of a user grows whenever the status changes, also when a lease runs out.
/// - A user who was forgotten is offline, and `changed` is then not above [`Leases::forgotten`].
pub trait Leases: Send + Sync {
    /// Begins or renews the lease of a session.
    fn renew(&self, caller: Caller, state: State, until: Timestamp, now: Timestamp);
    /// Ends the lease of one session.
    fn end(&self, caller: Caller, now: Timestamp);
    /// Statuses, in the order asked.
    fn standings(&self, users: &[UserId], now: Timestamp) -> Vec<Standing>;
    /// The number of the last change so far.
    fn last_change(&self) -> u64;
    /// Changes up to this number may have been forgotten.
    fn forgotten(&self) -> u64;
    /// Notes leases that have run out; gives who is offline by it.
    fn expire(&self, now: Timestamp) -> Vec<UserId>;
}

/// The status of a user, and the number of its last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The status.
    pub status: Status,
    /// Number of the change that led to it.
    pub changed: u64,
}

/// Presence on a node.
pub struct Presence {
    leases: Box<dyn Leases>,
    clock: Clock,
    heartbeat_s: u64,
    lease_ms: u64,
    /// Tells versions of this start from those of others.
    boot: u64,
    told: Mutex<FxHashMap<SessionId, FxHashMap<ThreadId, u64>>>,
    seen: Mutex<FxHashMap<UserId, Seen>>,
}

struct Seen {
    at: Timestamp,
    written_at: Timestamp,
}

impl Presence {
    /// Presence within this process.
    pub fn local(config: &Config, clock: Clock) -> Self {
        Self {
            leases: Box::new(local::LocalLeases::default()),
            clock,
            heartbeat_s: config.presence.heartbeat_s,
            lease_ms: config.presence.lease_s * 1000,
            boot: u64::from_be_bytes(random_bytes()),
            told: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// The session lives, and says this of itself.
    pub fn touch(&self, caller: Caller, state: State) {
        let now = self.clock.now();
        if state == State::Leaving {
            self.leases.end(caller, now);
            self.told.lock().remove(&caller.session);
        } else {
            self.leases
                .renew(caller, state, now.after_ms(self.lease_ms), now);
        }
        let mut seen = self.seen.lock();
        let seen = seen.entry(caller.user).or_insert(Seen {
            at: now,
            written_at: Timestamp(0),
        });
        seen.at = now;
        if state == State::Leaving {
            seen.written_at = Timestamp(0);
        }
    }

    /// Statuses of users, in the order asked.
    pub fn standings(&self, users: &[UserId]) -> Vec<Standing> {
        self.leases.standings(users, self.clock.now())
    }

    /// Seconds between heartbeats.
    pub fn heartbeat_s(&self) -> u64 {
        self.heartbeat_s
    }
}

/// Takes a heartbeat, and answers what changed.
pub async fn heartbeat(node: &Node, caller: Caller, heartbeat: Heartbeat) -> Result<Beat> {
    node.presence.touch(caller, heartbeat.state);
    let (friends, friends_version) = friends(node, caller, heartbeat.friends_version).await?;
    let changed = if heartbeat.state == State::Leaving {
        Vec::new()
    } else {
        changed(node, caller).await?
    };
    Ok(Beat {
        next_s: node.presence.heartbeat_s,
        friends_version,
        friends,
        changed,
    })
}

/// Friends whose status changed since a version; all of them if the version is not known.
async fn friends(
    node: &Node,
    caller: Caller,
    version: Option<String>,
) -> Result<(Vec<Friend>, String)> {
    let presence = &node.presence;
    // Read before the statuses: a change in between is told twice rather than never.
    let last_change = presence.leases.last_change();
    let contacts: Vec<UserId> = node
        .store
        .contacts(caller.user)
        .await?
        .into_iter()
        .map(|(user, _)| user)
        .collect();
    let shown = Shown::load(node, caller.user, &contacts, |privacy| privacy.last_seen).await?;
    let relation = relation_hash(&contacts, &shown);
    let since = version.and_then(|version| presence.read_version(&version, relation));
    let next = format!("{:x}.{last_change:x}.{relation:x}", presence.boot);
    let standings = presence.standings(&contacts);
    let changed: Vec<(UserId, Status)> = contacts
        .iter()
        .zip(standings)
        .filter(|(_, standing)| since.is_none_or(|since| standing.changed > since))
        .map(|(&user, standing)| (user, standing.status))
        .collect();
    let users: Vec<UserId> = changed.iter().map(|(user, _)| *user).collect();
    let last_seen = presence.last_seen(node, &users).await?;
    let friends = changed
        .into_iter()
        .zip(last_seen)
        .map(|((user_id, status), last_seen_at)| Friend {
            user_id,
            status,
            last_seen_at: last_seen_at.filter(|_| status != Status::Online && shown.to(user_id)),
        });
    Ok((friends.collect(), next))
}

fn relation_hash(contacts: &[UserId], shown: &Shown) -> u64 {
    let mut hash = FxHasher::default();
    for &contact in contacts {
        (contact, shown.to(contact)).hash(&mut hash);
    }
    hash.finish()
}

impl Presence {
    /// The change number in a version of ours, if everything since is still known.
    fn read_version(&self, version: &str, relation: u64) -> Option<u64> {
        let mut parts = version
            .split('.')
            .map(|part| u64::from_str_radix(part, 16).ok());
        let (boot, since, of) = (parts.next()??, parts.next()??, parts.next()??);
        let ours = boot == self.boot && of == relation && since >= self.leases.forgotten();
        ours.then_some(since)
    }

    /// When users were last here: from memory, else from the store.
    async fn last_seen(&self, node: &Node, users: &[UserId]) -> Result<Vec<Option<Timestamp>>> {
        let mut stored = node.store.last_seen(users).await?;
        let seen = self.seen.lock();
        for (user, at) in users.iter().zip(&mut stored) {
            *at = (*at).max(seen.get(user).map(|seen| seen.at));
        }
        Ok(stored)
    }

    /// Notes leases that ran out, and writes when people were last here; called every second.
    pub async fn tick(&self, node: &Node) {
        let now = self.clock.now();
        let offline = self.leases.expire(now);
        let due: Vec<(UserId, Timestamp)> = {
            let mut seen = self.seen.lock();
            let due = seen.iter_mut().filter(|(user, seen)| {
                seen.at > seen.written_at
                    && (now.0 - seen.written_at.0 >= LAST_SEEN_EVERY_MS || offline.contains(user))
            });
            let due = due.map(|(&user, seen)| {
                seen.written_at = seen.at;
                (user, seen.at)
            });
            let due = due.collect();
            seen.retain(|_, seen| now.0 - seen.at.0 < LAST_SEEN_EVERY_MS * 2);
            due
        };
        if !due.is_empty()
            && let Err(error) = node.store.put_last_seen(&due).await
        {
            tracing::warn!(%error, "last seen was not written");
        }
    }
}

/// Heads of the caller's large threads that this session was not told yet.
async fn changed(node: &Node, caller: Caller) -> Result<Vec<Changed>> {
    let wide = node.channels.wide();
    let threads = match wide.of_user(caller.user) {
        Some(threads) => threads,
        None => {
            let read_at = wide.read_at();
            let threads = wide_threads(node, caller).await?;
            wide.remember(caller.user, threads.clone(), read_at);
            threads
        }
    };
    let mut changed = Vec::new();
    for thread_id in threads {
        let last_seq = match wide.head(thread_id) {
            Some(last_seq) => last_seq,
            None => node.store.last_seq(thread_id).await?,
        };
        let mut told = node.presence.told.lock();
        if told.len() > TOLD_SESSIONS_MAX {
            told.clear();
        }
        let told = told
            .entry(caller.session)
            .or_default()
            .entry(thread_id)
            .or_default();
        if last_seq > *told {
            *told = last_seq;
            changed.push(Changed {
                thread_id,
                last_seq,
            });
        }
    }
    Ok(changed)
}

async fn wide_threads(node: &Node, caller: Caller) -> Result<Vec<ThreadId>> {
    let parts = crate::inbox::all_parts(node, caller).await?;
    let wide = parts
        .into_iter()
        .filter(|parts| parts.head.wide && crate::inbox::left_seq(&parts.member).is_none());
    Ok(wide.map(|parts| parts.thread).collect())
}
