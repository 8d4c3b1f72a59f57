//! Load generator and auditor: recorded conversations replayed and checked, kills survived, measured
//! load, and a server full of conversations to look at.

pub mod audit;
pub mod bench;
pub mod demo;
pub mod kill;
pub mod replay;
pub mod server;
