//! How often is too often: rates by user, session or address, and wrong passwords by account.

mod bucket;

use crate::config::{self, Config, RateKey};
use crate::error::Result;
use crate::node::Caller;
use bucket::{Buckets, Gauge};
use kith_protocol::{SessionId, Timestamp, UserId};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

const MINUTE_US: i64 = 60_000_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    /// New accounts.
    Register,
    /// Signing in.
    Login,
    /// Looking for people.
    Search,
    /// Messages, edits, deletions and reactions.
    Send,
    /// Contact requests.
    RequestContact,
    /// New threads.
    CreateThread,
    /// Requests and frames of every kind together.
    Everything,
}

/// Whose doing is counted.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// Who is signed in, if anybody is.
    pub caller: Option<Caller>,
    /// From where, if it is known.
    pub address: Option<IpAddr>,
}

impl From<Caller> for Asker {
    fn from(caller: Caller) -> Self {
        Self {
            caller: Some(caller),
            address: None,
        }
    }
}

/// Every rate of this node.
pub struct Limits {
    config: config::Limits,
    buckets: Buckets<Key>,
    wrong_passwords: Buckets<u64>,
    /// Handles are hashed with a secret of this process, so that nobody can choose two that meet.
    handle_hash: RandomState,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key(Rate, Who);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    User(UserId),
    Session(SessionId),
    Address(u128),
    Nobody,
}

impl Limits {
    /// Nobody has done anything yet.
    pub fn new(config: &Config) -> Self {
        Self {
            config: config.limits.clone(),
            buckets: Buckets::default(),
            wrong_passwords: Buckets::default(),
            handle_hash: RandomState::new(),
        }
    }

    /// Counts one doing, or refuses it.
    pub fn check(&self, rate: Rate, asker: impl Into<Asker>, now: Timestamp) -> Result<()> {
        if !self.config.enabled {
            return Ok(());
        }
        let setting = self.setting(rate);
        let key = Key(rate, who(setting.key, asker.into()));
        self.buckets
            .take(key, Gauge::per_s(setting.per_s, setting.burst), now)
    }

    /// Whether a password may be tried for this handle, without counting; also with limits off.
    pub fn may_try_password(&self, handle: &str, now: Timestamp) -> Result<()> {
        let key = self.handle_key(handle);
        self.wrong_passwords.look(&key, self.password_gauge(), now)
    }

    /// Counts a try as wrong until it turns out right. Known and unknown handles are counted alike.
    pub fn try_password(&self, handle: &str, now: Timestamp) -> Result<()> {
        let key = self.handle_key(handle);
        self.wrong_passwords.take(key, self.password_gauge(), now)
    }

    /// The try was right: it does not count.
    pub fn password_was_right(&self, handle: &str) {
        let key = self.handle_key(handle);
        self.wrong_passwords.give_back(&key, self.password_gauge());
    }

    fn handle_key(&self, handle: &str) -> u64 {
        self.handle_hash.hash_one(handle.to_lowercase())
    }

    fn password_gauge(&self) -> Gauge {
        let burst = self.config.wrong_passwords_per_minute;
        Gauge {
            each_us: MINUTE_US / i64::from(burst.max(1)),
            burst: i64::from(burst.max(1)),
        }
    }

    fn setting(&self, rate: Rate) -> &config::Rate {
        match rate {
            Rate::Register => &self.config.register,
            Rate::Login => &self.config.login,
            Rate::Search => &self.config.search,
            Rate::Send => &self.config.send,
            Rate::RequestContact => &self.config.request_contact,
            Rate::CreateThread => &self.config.create_thread,
            Rate::Everything => &self.config.everything,
        }
    }
}

fn who(key: RateKey, asker: Asker) -> Who {
    let address = asker
        .address
        .map(|address| Who::Address(network_of(address)));
    let Some(caller) = asker.caller else {
        return address.unwrap_or(Who::Nobody);
    };
    match key {
        RateKey::User => Who::User(caller.user),
        RateKey::Session => Who::Session(caller.session),
        RateKey::Address => address.unwrap_or(Who::Session(caller.session)),
    }
}

/// An IPv4 address, or the /64 of an IPv6 one: a household has a whole /64 to choose from.
fn network_of(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64,
    }
}
