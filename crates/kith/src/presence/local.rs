//! Leases within one process.

use super::{Leases, Standing};
use crate::node::Caller;
use kith_protocol::presence::{State, Status};
use kith_protocol::{SessionId, Timestamp, UserId};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// How long it is remembered that somebody went offline: friends with older versions are told all.
const REMEMBER_MS: i64 = 600_000;

/// The leases of a single node.
#[derive(Default)]
pub struct LocalLeases {
    state: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    last_change: u64,
    forgotten: u64,
    users: FxHashMap<UserId, Online>,
}

struct Online {
    sessions: Vec<Lease>,
    standing: Standing,
    changed_at: Timestamp,
}

#[derive(Clone, Copy)]
struct Lease {
    session: SessionId,
    state: State,
    until: Timestamp,
}

impl Online {
    /// The best of the leases that have not run out.
    fn status(&self, now: Timestamp) -> Status {
        let live = self.sessions.iter().filter(|lease| lease.until > now);
        let of = |lease: &Lease| match lease.state {
            State::Online => Status::Online,
            State::Away => Status::Away,
            State::Leaving => Status::Offline,
        };
        live.map(of).max().unwrap_or(Status::Offline)
    }
}

impl Table {
    /// Notes what became of a user; true if the user is offline by it.
    fn settle(&mut self, user: UserId, now: Timestamp) -> bool {
        let Some(online) = self.users.get_mut(&user) else {
            return false;
        };
        online.sessions.retain(|lease| lease.until > now);
        let status = online.status(now);
        if status == online.standing.status {
            return false;
        }
        self.last_change += 1;
        online.standing = Standing {
            status,
            changed: self.last_change,
        };
        online.changed_at = now;
        status == Status::Offline
    }
}

impl Leases for LocalLeases {
    fn renew(&self, caller: Caller, state: State, until: Timestamp, now: Timestamp) {
        let mut table = self.state.lock();
        let forgotten = table.forgotten;
        let online = table.users.entry(caller.user).or_insert_with(|| Online {
            sessions: Vec::with_capacity(1),
            standing: Standing {
                status: Status::Offline,
                changed: forgotten,
            },
            changed_at: now,
        });
        let lease = Lease {
            session: caller.session,
            state,
            until,
        };
        match online
            .sessions
            .iter_mut()
            .find(|lease| lease.session == caller.session)
        {
            Some(old) => *old = lease,
            None => online.sessions.push(lease),
        }
        table.settle(caller.user, now);
    }

    fn end(&self, caller: Caller, now: Timestamp) {
        let mut table = self.state.lock();
        if let Some(online) = table.users.get_mut(&caller.user) {
            online
                .sessions
                .retain(|lease| lease.session != caller.session);
        }
        table.settle(caller.user, now);
    }

    fn standings(&self, users: &[UserId], now: Timestamp) -> Vec<Standing> {
        let mut table = self.state.lock();
        let standing = |user: &UserId| {
            table.settle(*user, now);
            let none = Standing {
                status: Status::Offline,
                changed: table.forgotten,
            };
            table.users.get(user).map_or(none, |online| online.standing)
        };
        users.iter().map(standing).collect()
    }

    fn last_change(&self) -> u64 {
        self.state.lock().last_change
    }

    fn forgotten(&self) -> u64 {
        self.state.lock().forgotten
    }

    fn expire(&self, now: Timestamp) -> Vec<UserId> {
        let mut table = self.state.lock();
        let due: Vec<UserId> = table
            .users
            .iter()
            .filter(|(_, online)| online.sessions.iter().any(|lease| lease.until <= now))
            .map(|(user, _)| *user)
            .collect();
        let offline = due
            .into_iter()
            .filter(|&user| table.settle(user, now))
            .collect();
        let old = |online: &Online| {
            online.sessions.is_empty() && now.0 - online.changed_at.0 > REMEMBER_MS
        };
        let gone = table.users.values().filter(|online| old(online));
        let forgotten = gone
            .map(|online| online.standing.changed)
            .max()
            .unwrap_or_default();
        table.forgotten = table.forgotten.max(forgotten);
        table.users.retain(|_, online| !old(online));
        offline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn caller(user: u128, session: u128) -> Caller {
        Caller {
            user: UserId(Uuid::from_u128(user)),
            session: SessionId(Uuid::from_u128(session)),
        }
    }

    #[test]
    fn a_user_has_the_best_status_of_the_sessions_with_a_live_lease() {
        let leases = LocalLeases::default();
        let (phone, desktop) = (caller(1, 1), caller(1, 2));
        let now = Timestamp(1000);
        let status = |now| leases.standings(&[phone.user], now)[0].status;
        assert_eq!(status(now), Status::Offline);
        leases.renew(phone, State::Away, Timestamp(61_000), now);
        leases.renew(desktop, State::Online, Timestamp(31_000), now);
        assert_eq!(status(now), Status::Online);
        assert_eq!(
            status(Timestamp(31_000)),
            Status::Away,
            "the desktop's lease has run out"
        );
        leases.end(phone, Timestamp(32_000));
        assert_eq!(status(Timestamp(32_000)), Status::Offline);
    }

    #[test]
    fn every_change_of_status_has_a_higher_number_and_renewals_have_none() {
        let leases = LocalLeases::default();
        let ann = caller(1, 1);
        leases.renew(ann, State::Online, Timestamp(60_000), Timestamp(0));
        let first = leases.last_change();
        leases.renew(ann, State::Online, Timestamp(70_000), Timestamp(10_000));
        assert_eq!(leases.last_change(), first);
        assert_eq!(leases.expire(Timestamp(70_000)), [ann.user]);
        assert!(leases.last_change() > first);
        assert_eq!(leases.expire(Timestamp(70_001)), []);
        leases.expire(Timestamp(70_000 + REMEMBER_MS + 1));
        assert_eq!(leases.forgotten(), leases.last_change());
    }
}
