//! kith, a chat server: one binary with which people chat.
//!
//! In reading order: what a node is and how it starts; the doors; the rules, one noun each; the
//! audience; the sockets. `ARCHITECTURE.md` has the picture.

pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
pub mod logging;
pub mod memory;
pub mod metrics;
pub mod node;
pub mod server;

pub mod http;

pub mod contact;
pub mod doctor;
pub mod inbox;
pub mod limit;
pub mod message;
pub mod receipt;
pub mod session;
pub mod sync;
pub mod thread;
pub mod user;

pub mod channel;
pub mod presence;
pub mod push;

pub mod fuzz;
