//! kith, the chat server.

pub mod cli;
pub mod config;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod server;
