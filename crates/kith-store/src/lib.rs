//! The store: one trait per noun, their contracts, and the engines that keep them.
//!
//! Every promise stands as a doc comment on a trait and is tried in [`mod@contract`] on each engine.
//! Nothing here knows HTTP, sockets or rules.

pub mod audit;
pub mod contact;
pub mod contract;
pub mod embedded;
pub mod inbox;
pub mod log;
pub mod mark;
pub mod page;
pub mod session;
pub mod sync;
pub mod thread;
pub mod user;
pub mod user_thread;

pub use audit::Audit;
pub use contact::Contacts;
pub use inbox::Inbox;
pub use log::ThreadLog;
pub use mark::Marks;
pub use page::Pages;
pub use session::Sessions;
pub use sync::Syncs;
pub use thread::Threads;
pub use user::Users;
pub use user_thread::UserThreads;

use std::sync::Arc;

/// Everything that is stored.
pub trait Store:
    ThreadLog
    + Threads
    + Marks
    + UserThreads
    + Inbox
    + Pages
    + Users
    + Contacts
    + Sessions
    + Syncs
    + Audit
    + Send
    + Sync
    + 'static
{
    /// Whether writes can be taken now; the sentence says why not.
    fn health(&self) -> Result<(), String>;

    /// Figures for metrics: name without prefix, value.
    fn figures(&self) -> Vec<(&'static str, f64)>;

    /// Writes what is held back, stops background work and releases the data. Later calls fail with
    /// [`StoreError::Unavailable`]. Called once, at the end.
    fn close(&self);
}

/// A store that every part shares.
pub type SharedStore = Arc<dyn Store>;

/// What can go wrong in every engine.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot do it now: nothing was written. Trying again later may help.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It may or may not have been written. Read, before trying again.
    #[error("the outcome of a write is unknown: {0}")]
    Unknown(String),
    /// A row is not what was written: the data is damaged. `kith doctor` says more.
    #[error("damaged data: {0}")]
    Damaged(String),
}

/// Result of a store call.
pub type StoreResult<T> = Result<T, StoreError>;
