//! One running kith process: what every part shares, built in order, stopped in reverse.

use crate::channel::Channels;
use crate::clock::Clock;
use crate::config::Config;
use crate::contact::Relations;
use crate::error::{Error, Result};
use crate::limit::Limits;
use crate::presence::Presence;
use crate::push::Push;
use crate::receipt::Delivered;
use crate::session::SignIn;
use crate::sync::Known;
use crate::thread::sequencer::Sequencer;
use kith_protocol::{SessionId, UserId};
use kith_store::SharedStore;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// Everything that the rules work in.
pub struct Node {
    /// Its name in `welcome`.
    pub name: String,
    /// Where clients connect, once the port is open.
    pub address: OnceLock<SocketAddr>,
    /// Settings.
    pub config: Arc<Config>,
    /// Time.
    pub clock: Clock,
    /// What is stored.
    pub store: SharedStore,
    /// Live connections here.
    pub push: Push,
    /// Who is told.
    pub channels: Channels,
    /// Who is here.
    pub presence: Presence,
    /// The one writer of each thread.
    pub sequencer: Sequencer,
    /// Delivered marks that wait to be stored.
    pub delivered: Delivered,
    /// What clients were told.
    pub known: Known,
    /// What changed between people.
    pub relations: Relations,
    /// Passwords and tokens.
    pub sign_in: SignIn,
    /// How often is too often.
    pub limits: Limits,
    /// Bodies were erased since the files were purged last; at the start nobody knows.
    pub erased: AtomicBool,
}

/// A node that every part shares.
pub type SharedNode = Arc<Node>;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// With which session.
    pub session: SessionId,
}

impl Node {
    /// Builds a node over an open store. Must be called inside the runtime.
    pub fn start(config: Arc<Config>, store: SharedStore, clock: Clock) -> SharedNode {
        Arc::new_cyclic(|node| Self {
            name: "kith".to_owned(),
            address: OnceLock::new(),
            push: Push::new(&config, clock.clone()),
            channels: Channels::local(),
            presence: Presence::local(&config, clock.clone()),
            sequencer: Sequencer::start(node.clone(), clock.clone(), config.thread.shards),
            delivered: Delivered::default(),
            known: Known::default(),
            relations: Relations::default(),
            sign_in: SignIn::new(&config),
            limits: Limits::new(&config),
            erased: AtomicBool::new(true),
            config,
            clock,
            store,
        })
    }
}

/// Runs a change to its end even if who asked for it goes away meanwhile: what belongs to a commit
/// (closing sockets, telling others) is then done too.
pub async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(change)
        .await
        .unwrap_or(Err(Error::Internal("a change died")))
}
