//! Replays recorded conversations against a server and audits everything that it says about them.

pub mod recorded;
pub mod script;
