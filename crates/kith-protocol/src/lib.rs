//! What travels between kith's server and its clients: ids, requests, answers, frames, codes.
//!
//! Clients, the load generator and the server all build on this crate, so that a name or a bound
//! stands once. It knows nothing of sockets, stores or rules.

#![cfg_attr(
    test,
    expect(clippy::disallowed_methods, reason = "ids in tests may be any")
)]

pub mod channel;
pub mod contact;
pub mod entry;
pub mod error;
pub mod ext;
pub mod frame;
pub mod id;
pub mod input;
pub mod list;
pub mod presence;
pub mod session;
pub mod sync;
pub mod text;
pub mod thread;
pub mod time;
pub mod user;
mod word;

pub use error::{BadField, ErrorCode, Problem};
pub use id::{ClientMsgId, ClientThreadId, RequestId, SessionId, ThreadId, UserId};
pub use time::Timestamp;
