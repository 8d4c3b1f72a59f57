//! A client for kith, as tests, terminals and bots use it.
//!
//! Three floors, each usable alone: [`Api`] and [`Session`] call the server over HTTP; [`Socket`]
//! is one WebSocket; [`Client`] keeps itself connected, repairs gaps, polls while it has no socket
//! and holds an outbox that survives a restart.
//!
//! ```no_run
//! use kith_client::{Api, new_msg_id, credentials, registration};
//! use kith_protocol::entry::{PageQuery, SendMessage};
//! use kith_protocol::session::DeviceKind;
//! use std::time::Duration;
//!
//! # async fn talk() -> Result<(), kith_client::ClientError> {
//! let api = Api::new("http://127.0.0.1:8080")?;
//! let ann = api.register(&registration("ann", "correct horse", DeviceKind::Terminal)).await?;
//! let bo = api.login(&credentials("bo", "battery staple", DeviceKind::Terminal)).await?;
//! let mut bos_socket = bo.socket().await?;
//!
//! let thread = ann.direct(bo.id()).await?.thread.id;
//! let sent = ann.send(thread, SendMessage::text(new_msg_id(), 0, "hello")).await?;
//! let push = bos_socket.next_push(Duration::from_secs(5)).await;
//! let page = bo.page(thread, PageQuery::default()).await?;
//! assert_eq!(page.items.last().map(|entry| entry.seq), Some(sent.seq));
//! # Ok(())
//! # }
//! ```

mod asks;
mod calls;
mod client;
mod copy;
mod disk;
mod driver;
mod error;
mod event;
mod http;
mod marks;
mod outbox;
mod pace;
mod replica;
mod session;
mod socket;
mod told;

pub use client::{Client, Options};
pub use copy::{Found, LocalCopy};
pub use error::{ClientError, Closed};
pub use event::{Draft, Ending, Event};
pub use http::{ANSWER_MAX_BYTES, Api, CALL_TIMEOUT, RawAnswer};
pub use outbox::{OUTBOX_MAX, Outbox};
pub use pace::{Backoff, Clock, Jitter, ManualClock};
pub use replica::{Gap, Replica};
pub use session::{Session, credentials, new_msg_id, new_thread_id, registration};
pub use socket::{Answer, Pending, Socket};
pub use told::{Told, Verdict};
